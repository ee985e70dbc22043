//! From spectra to samples: the inverse MDCT, windows, and overlapping.
//!
//! An inverse MDCT of `2n` samples has only `n` different values, those of a DCT-IV: its left half is made of the upper
//! ones, its right half of the lower ones. Only these are computed and kept.

use std::f64::consts::PI;
use std::sync::Arc;

use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};

/// A DCT-IV of one size, and the rising half of the window.
pub(super) struct Transform {
    /// Half of its size.
    fft: Arc<dyn Fft<f32>>,
    /// What is multiplied with before and after.
    twiddles: Vec<Complex32>,
    /// The rising half of the window of this block size.
    window: Vec<f32>,
    /// Values on their way.
    work: Vec<Complex32>,
    /// Room for the transform.
    scratch: Vec<Complex32>,
}

impl Transform {
    /// For blocks that bring so many samples each.
    #[expect(clippy::cast_possible_truncation, reason = "32 bits are enough")]
    pub(super) fn new(planner: &mut FftPlanner<f32>, size: usize) -> Self {
        let fft = planner.plan_fft_forward(size / 2);
        let twiddle = |n: usize| {
            let angle = -PI * (8 * n + 1) as f64 / (8 * size) as f64;
            Complex32::new(angle.cos() as f32, angle.sin() as f32)
        };
        let slope = |n: usize| {
            let inner = (PI / 2.0 * (n as f64 + 0.5) / size as f64).sin();
            (PI / 2.0 * inner * inner).sin() as f32
        };
        Self {
            twiddles: (0..size / 2).map(twiddle).collect(),
            window: (0..size).map(slope).collect(),
            work: vec![Complex32::default(); size / 2],
            scratch: vec![Complex32::default(); fft.get_inplace_scratch_len()],
            fft,
        }
    }

    /// Transforms a spectrum in its place.
    fn run(&mut self, values: &mut [f32]) {
        let pairs = values.chunks_exact(2).zip(values.rchunks_exact(2));
        for ((to, (low, high)), by) in self.work.iter_mut().zip(pairs).zip(&self.twiddles) {
            *to = Complex32::new(low[0], high[1]) * by;
        }
        self.fft.process_with_scratch(&mut self.work, &mut self.scratch);
        for (value, by) in self.work.iter_mut().zip(&self.twiddles) {
            *value *= by;
        }
        for ((to, from), back) in values
            .chunks_exact_mut(2)
            .zip(&self.work)
            .zip(self.work.iter().rev())
        {
            (to[0], to[1]) = (from.re, -back.im);
        }
    }
}

/// The transforms of short and long blocks.
pub(super) struct Transforms {
    /// Short and long.
    sizes: [Transform; 2],
}

impl Transforms {
    /// For blocks that bring so many samples each.
    pub(super) fn new(short: usize, long: usize) -> Self {
        let mut planner = FftPlanner::new();
        Self {
            sizes: [short, long].map(|size| Transform::new(&mut planner, size)),
        }
    }
}

/// One channel of output.
#[derive(Default)]
pub(super) struct Channel {
    /// The lower half of the last block's values.
    last: Vec<f32>,
}

impl Channel {
    /// Makes the samples between the middle of the last block and that of this one; none if there was no last one. The
    /// spectrum is used up.
    pub(super) fn synthesize(
        &mut self,
        transforms: &mut Transforms,
        long: bool,
        spectrum: &mut [f32],
        out: &mut Vec<f32>,
    ) {
        transforms.sizes[usize::from(long)].run(spectrum);
        let (low, high) = spectrum.split_at(spectrum.len() / 2);
        out.clear();
        if !self.last.is_empty() {
            let half = self.last.len().min(high.len());
            let window = transforms.sizes.iter().find(|size| size.window.len() == 2 * half);
            let window = window.map_or(&[][..], |size| &size.window);
            overlap(&self.last, high, window, out);
        }
        self.last.clear();
        self.last.extend_from_slice(low);
    }
}

/// Joins the right half of a block to the left half of the next, which are made of these values. The window is that of
/// the shorter one: what it does not reach of the longer one is taken as it is.
fn overlap(last: &[f32], next: &[f32], window: &[f32], out: &mut Vec<f32>) {
    let (rise, fall) = window.split_at(window.len() / 2);
    let half = rise.len();
    let (old, alone) = last.split_at(half);
    out.extend(alone.iter().rev().map(|value| -value));
    let (before, new) = next.split_at(next.len() - half);
    // The window is symmetric: `fall` read backwards is what goes with the old block here.
    let pairs = new
        .iter()
        .zip(old.iter().rev())
        .zip(rise.iter().zip(fall.iter().rev()));
    out.extend(pairs.map(|((new, old), (rise, fall))| new * rise - old * fall));
    let pairs = new.iter().rev().zip(old).zip(fall.iter().zip(rise.iter().rev()));
    out.extend(pairs.map(|((new, old), (high, low))| -(new * high + old * low)));
    out.extend(before.iter().rev().map(|value| -value));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, sample for sample.
    fn inverse_mdct(spectrum: &[f32]) -> Vec<f64> {
        let n = spectrum.len();
        let term = |i: usize, k: usize| {
            let angle = PI / n as f64 * (i as f64 + 0.5 + n as f64 / 2.0) * (k as f64 + 0.5);
            f64::from(spectrum[k]) * angle.cos()
        };
        (0..2 * n).map(|i| (0..n).map(|k| term(i, k)).sum()).collect()
    }

    #[test]
    fn blocks_of_any_sizes_overlap_as_defined() {
        let mut transforms = Transforms::new(32, 128);
        let mut channel = Channel::default();
        let mut state = 1_u32;
        let mut last: Option<Vec<f64>> = None;
        let mut out = Vec::new();
        for long in [false, false, true, true, false, true, false, false] {
            let n = if long { 128 } else { 32 };
            let mut spectrum: Vec<f32> = (0..n)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 8) as f32 / 8_388_608.0 - 1.0
                })
                .collect();
            let block = inverse_mdct(&spectrum);
            channel.synthesize(&mut transforms, long, &mut spectrum, &mut out);
            let Some(old) = last.replace(block.clone()) else {
                assert!(out.is_empty());
                continue;
            };
            let width = old.len().min(block.len()) / 2;
            let slope = |at: f64| {
                let x = ((at + 0.5) / width as f64).clamp(0.0, 1.0);
                (PI / 2.0 * (PI / 2.0 * x).sin().powi(2)).sin()
            };
            assert_eq!(out.len(), (old.len() + block.len()) / 4);
            for (j, sample) in out.iter().enumerate() {
                // Places in both blocks: the middle of the old one is sample 0.
                let a = old.len() / 2 + j;
                let into = j as f64 - (old.len() / 4) as f64 + width as f64 / 2.0;
                let b = (j + block.len() / 4).checked_sub(old.len() / 4);
                let a = old
                    .get(a)
                    .map_or(0.0, |value| value * slope(width as f64 - 1.0 - into));
                let b = b.map_or(0.0, |b| block[b] * slope(into));
                assert!(
                    (f64::from(*sample) - a - b).abs() < 1e-4,
                    "{long} at {j}: {sample}, not {}",
                    a + b
                );
            }
        }
    }
}
