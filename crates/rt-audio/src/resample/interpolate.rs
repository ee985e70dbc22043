//! Conversion by any ratio: a short filter, looked up in a table, at every output sample.
//!
//! The input must not hold anything above a quarter of its rate or so: the filter has room to be short then.

use super::kernel::Kernel;

/// Taps of the filter.
const TAPS: usize = 24;

/// Places between two input samples for which the table has a filter; between them it is interpolated by a
/// cubic, whose error is below that of the floats.
const PHASES: usize = 256;

/// The part of the input's rate below which its band must end.
pub(super) const BAND: f64 = 0.285;

/// A position in the input: whole samples and a fraction from 0 to 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The input sample at or before it.
    pub(super) whole: usize,
    /// How far it is to the next one.
    pub(super) part: f32,
}

/// The table.
pub(super) struct Interpolator {
    /// One filter per phase, from one phase before 0 to one behind 1.
    filters: Vec<[f32; TAPS]>,
}

impl Interpolator {
    /// Input samples that the filter sees before a position, the one at it included, and as many behind.
    pub(super) const REACH: usize = TAPS / 2;

    /// Makes the table.
    #[expect(clippy::cast_possible_truncation, reason = "the nearest float is wanted")]
    pub(super) fn new() -> Self {
        let kernel = Kernel::new(BAND, 1.0 - BAND);
        let filter = |phase: usize| {
            let part = (phase as f64 - 1.0) / PHASES as f64;
            let taps: [f64; TAPS] =
                std::array::from_fn(|tap| kernel.at(tap as f64 - (Self::REACH as f64 - 1.0) - part));
            let sum: f64 = taps.iter().sum();
            taps.map(|tap| (tap / sum) as f32)
        };
        Self {
            filters: (0..PHASES + 3).map(filter).collect(),
        }
    }

    /// The value at a position. There must be [`REACH`](Self::REACH) samples on either side.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the part is from 0 to 1"
    )]
    pub(super) fn at(&self, input: &[f32], place: Place) -> f32 {
        let samples = &input[place.whole + 1 - Self::REACH..][..TAPS];
        let phase = place.part * PHASES as f32;
        let nearest = (phase as usize).min(PHASES - 1);
        let x = phase - nearest as f32;
        let [a, b, c, d] = &self.filters[nearest..nearest + 4] else {
            return 0.0;
        };
        // Lagrange's cubic through the filters at -1, 0, 1 and 2.
        let (below, above, far) = (x + 1.0, 1.0 - x, 2.0 - x);
        let weights = [
            -x * above * far / 6.0,
            below * above * far / 2.0,
            below * x * far / 2.0,
            -below * x * above / 6.0,
        ];
        let mut lanes = [0.0f32; 8];
        for start in (0..TAPS).step_by(8) {
            for (lane, sum) in lanes.iter_mut().enumerate() {
                let tap = start + lane;
                let filter =
                    a[tap] * weights[0] + b[tap] * weights[1] + c[tap] * weights[2] + d[tap] * weights[3];
                *sum += samples[tap] * filter;
            }
        }
        lanes.iter().sum()
    }
}
