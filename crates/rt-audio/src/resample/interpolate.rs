//! Conversion by any ratio: a short filter, looked up in a table, at every output sample.
//!
//! The input must not hold anything above a quarter of its rate or so: the filter has room to be short then.

use super::kernel::Kernel;

/// Taps of the filter.
const TAPS: usize = 24;

/// Places between two input samples for which the table has a filter. In between it is interpolated by a
/// straight line, whose images are 154 dB down.
const PHASES: usize = 2048;

/// Places for which the filter is calculated. For those of the table between them a cubic does, whose error is
/// below that of the floats.
const CALCULATED: usize = 256;

/// Filters of the table for one that is calculated.
const FINER: usize = PHASES / CALCULATED;

/// The part of the input's rate below which its band must end.
pub(super) const BAND: f64 = 0.285;

/// A position in the input: whole samples and a fraction from 0 to 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The input sample at or before it.
    pub(super) whole: usize,
    /// How far it is to the next one.
    pub(super) part: f64,
}

/// The table.
pub(super) struct Interpolator {
    /// One filter per phase, from 0 to 1.
    filters: Vec<[f32; TAPS]>,
}

impl Interpolator {
    /// Input samples that the filter sees before a position, the one at it included, and as many behind.
    pub(super) const REACH: usize = TAPS / 2;

    /// Makes the table.
    #[expect(clippy::cast_possible_truncation, reason = "the nearest float is wanted")]
    pub(super) fn new() -> Self {
        let kernel = Kernel::new(BAND, 1.0 - BAND);
        // From one place before 0 to two behind 1, so that 1 itself is in the table.
        let calculated: Vec<[f64; TAPS]> = (0..CALCULATED + 4)
            .map(|phase| {
                let part = (phase as f64 - 1.0) / CALCULATED as f64;
                let taps: [f64; TAPS] =
                    std::array::from_fn(|tap| kernel.at(tap as f64 - (Self::REACH as f64 - 1.0) - part));
                let sum: f64 = taps.iter().sum();
                taps.map(|tap| tap / sum)
            })
            .collect();
        let weights: [[f64; 4]; FINER] = std::array::from_fn(|n| cubic(n as f64 / FINER as f64));
        let mut filters: Vec<[f32; TAPS]> = calculated
            .windows(4)
            .flat_map(|around| {
                weights.map(|weights| {
                    std::array::from_fn(|tap| {
                        let taps = around.iter().zip(weights);
                        taps.map(|(filter, weight)| filter[tap] * weight).sum::<f64>() as f32
                    })
                })
            })
            .collect();
        filters.truncate(PHASES + 1);
        Self { filters }
    }

    /// The value at a position. There must be [`REACH`](Self::REACH) samples on either side.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the part is from 0 to 1"
    )]
    pub(super) fn at(&self, input: &[f32], place: Place) -> f32 {
        let phase = place.part * PHASES as f64;
        let nearest = (phase as u32 as usize).min(PHASES - 1);
        let above = (phase - nearest as f64) as f32;
        let samples = input[place.whole + 1 - Self::REACH..].first_chunk();
        let (Some(samples), Some([a, b])) = (samples, self.filters[nearest..].first_chunk()) else {
            return 0.0;
        };
        let mut sums = [0.0; 8];
        products(samples, (a, b), above, &mut sums);
        sums.iter().sum()
    }
}

/// The products of samples and filter, added up in eight sums. The filter lies between two others.
///
/// Not inlined: where the compiler sees that the eight are added up in the end, it takes pairs of them for the width
/// of a vector, half of what there is.
#[inline(never)]
fn products(samples: &[f32; TAPS], (a, b): (&[f32; TAPS], &[f32; TAPS]), above: f32, sums: &mut [f32; 8]) {
    let below = 1.0 - above;
    let product = |tap: usize| samples[tap] * (a[tap] * below + b[tap] * above);
    for (lane, sum) in sums.iter_mut().enumerate() {
        *sum = product(lane) + product(lane + 8) + product(lane + 16);
    }
}

/// The weights of the values at -1, 0, 1 and 2 at a place from 0 to 1: Lagrange's cubic.
fn cubic(x: f64) -> [f64; 4] {
    let (below, above, far) = (x + 1.0, 1.0 - x, 2.0 - x);
    [
        -x * above * far / 6.0,
        below * above * far / 2.0,
        below * x * far / 2.0,
        -below * x * above / 6.0,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_the_filter_of_every_place() {
        let (interpolator, kernel) = (Interpolator::new(), Kernel::new(BAND, 1.0 - BAND));
        assert_eq!(interpolator.filters.len(), PHASES + 1);
        for phase in [0, 1, 7, 8, 1000, 2047, 2048] {
            let part = phase as f64 / PHASES as f64;
            for (tap, &value) in interpolator.filters[phase].iter().enumerate() {
                let exact = kernel.at(tap as f64 - (Interpolator::REACH as f64 - 1.0) - part);
                assert!(
                    (f64::from(value) - exact).abs() < 1e-7,
                    "tap {tap} of phase {phase}"
                );
            }
        }
    }
}
