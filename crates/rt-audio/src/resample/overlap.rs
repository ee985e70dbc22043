//! Conversion by a ratio of small integers: overlap-save with one large transform per block.
//!
//! A block of the input is transformed; its spectrum is multiplied with the filter, cut or filled up with zeros
//! to the size of the other rate, and transformed back. The filter is symmetric and its centre lies at time
//! zero, so nothing is delayed; the ends of a block, where the filter would have to see what is outside, are
//! thrown away, and the blocks overlap by so much.
//!
//! Two blocks go through one complex transform, as its real and its imaginary part: the filter is real, so
//! they stay apart. That is faster than two real transforms, whose splitting costs as much as they save.

use std::sync::Arc;

use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

use super::kernel::Kernel;

/// The edge of the pass band, as a part of the stop band's edge. The band is flat within 0.1 dB to 0.92.
const PASS: f64 = 0.902;

/// The sizes of a conversion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sizes {
    /// Samples of input and output that last equally long: the ratio in lowest terms.
    step: (usize, usize),
    /// Steps per block.
    steps: usize,
    /// Steps thrown away at either end of a block.
    guard: usize,
    /// The edge of the stop band, in cycles per sample of the lower rate.
    stop: f64,
}

impl Sizes {
    /// The sizes with the least work per sample, or `None` if no transform is small and smooth enough.
    ///
    /// `stop` is the edge of the stop band in cycles per sample of the lower rate, at most 0.5. `span` is
    /// how many input samples a block may have beyond what it throws away at its start, which is the
    /// latency; if even the smallest block has more, that one is taken.
    pub(super) fn choose(step: (usize, usize), stop: f64, span: usize) -> Option<Self> {
        let (low, high) = (step.0.min(step.1), step.0.max(step.1));
        // The filter's reach in samples of the lower rate, then in steps.
        let reach = kernel().half() / (2.0 * stop);
        let guard = (1usize..).find(|guard| (guard * low) as f64 >= reach)?;
        // The efficiency hardly grows beyond, while the delay does.
        let most = (32_768 / high).max(4 * guard).min(4_096 / low);
        let levels = (levels(step.0)?, levels(step.1)?);
        let mut best: Option<(f64, Self)> = None;
        // With fewer new samples in a block nearly all of the work would be thrown away.
        let least = 2 * guard + guard.div_ceil(4);
        for steps in least..=most.max(least + 8) {
            let sizes = Self {
                step,
                steps,
                guard,
                stop,
            };
            let Some(work) = sizes.work(levels) else { continue };
            if best.is_some() && sizes.latency() > span {
                break;
            }
            if best.is_none_or(|(least, _)| work < least) {
                best = Some((work, sizes));
            }
        }
        best.map(|(_, sizes)| sizes)
    }

    /// About how much work a step of output is, or `None` if a transform is rough or too large. `step` has the levels of
    /// both parts of the ratio.
    fn work(&self, step: (f64, f64)) -> Option<f64> {
        let levels = levels(self.steps)? + 4.0;
        let (input, output) = (self.input(), self.output());
        if input.max(output) > 1 << 18 {
            return None;
        }
        let transforms = input as f64 * (levels + step.0) + output as f64 * (levels + step.1);
        Some(transforms / (self.steps - 2 * self.guard) as f64)
    }

    /// Samples of a block of input.
    fn input(&self) -> usize {
        self.steps * self.step.0
    }

    /// Samples of input from one block to the next.
    fn hop(&self) -> usize {
        (self.steps - 2 * self.guard) * self.step.0
    }

    /// Samples of a block of output.
    fn output(&self) -> usize {
        self.steps * self.step.1
    }

    /// Samples of input for one of output.
    pub(super) fn input_per_output(&self) -> f64 {
        self.step.0 as f64 / self.step.1 as f64
    }

    /// How many samples of input so many of output last, rounded up.
    pub(super) fn input_of(&self, output: usize) -> usize {
        (output * self.step.0).div_ceil(self.step.1)
    }

    /// Input samples that must be there beyond an output sample's own time before it comes, at most.
    pub(super) fn latency(&self) -> usize {
        (2 * self.steps - 3 * self.guard) * self.step.0
    }
}

/// About how much work a factor of a transform's size is for each sample: more for larger primes; `None` if it is rough.
fn levels(size: usize) -> Option<f64> {
    // Most sizes are rough: powers of two are quick to take out.
    let twos = size.trailing_zeros();
    let (mut rest, mut levels) = (size >> twos, f64::from(twos));
    for (factor, cost) in [(3, 1.7), (5, 3.0), (7, 4.2), (11, 7.5), (13, 9.0)] {
        while rest % factor == 0 {
            rest /= factor;
            levels += cost;
        }
    }
    (rest == 1).then_some(levels)
}

/// The filter, in units of its stop band's edge.
fn kernel() -> Kernel {
    Kernel::new(0.5 * PASS, 0.5)
}

/// The state of a conversion.
pub(super) struct Overlap {
    /// How large everything is.
    sizes: Sizes,
    /// From input to spectrum.
    forward: Arc<dyn Fft<f32>>,
    /// From spectrum to output.
    inverse: Arc<dyn Fft<f32>>,
    /// The filter at the frequencies it does not stop, with the scale of the transforms.
    response: Vec<f32>,
    /// The two blocks of input in the making; the second begins one hop after the first.
    blocks: Vec<f32>,
    /// How much of them is there.
    filled: usize,
    /// Input and its spectrum.
    source: Vec<Complex<f32>>,
    /// The spectrum of the output, and the output.
    target: Vec<Complex<f32>>,
    /// What the transforms need besides.
    scratch: Vec<Complex<f32>>,
}

impl Overlap {
    /// Plans the transforms and makes the filter.
    #[expect(clippy::cast_possible_truncation, reason = "the nearest float is wanted")]
    pub(super) fn new(sizes: Sizes) -> Self {
        let mut planner = FftPlanner::new();
        let forward = planner.plan_fft_forward(sizes.input());
        let inverse = planner.plan_fft_inverse(sizes.output());
        let low = sizes.input().min(sizes.output());
        let step = 1.0 / (2.0 * sizes.stop * low as f64);
        // All bins below the stop band's edge; the last bin of an even transform is never among them.
        let bins = (1..low / 2).take_while(|&bin| bin as f64 * step < 0.5).count() + 1;
        let scale = 1.0 / sizes.input() as f64;
        let response = kernel().response(step, bins);
        let scratch = forward
            .get_inplace_scratch_len()
            .max(inverse.get_inplace_scratch_len());
        Self {
            sizes,
            response: response.iter().map(|gain| (gain * scale) as f32).collect(),
            blocks: vec![0.0; sizes.input() + sizes.hop()],
            filled: sizes.guard * sizes.step.0,
            source: vec![Complex::default(); sizes.input()],
            target: vec![Complex::default(); sizes.output()],
            scratch: vec![Complex::default(); scratch],
            forward,
            inverse,
        }
    }

    /// Starts afresh.
    pub(super) fn reset(&mut self) {
        self.filled = self.sizes.guard * self.sizes.step.0;
        self.blocks[..self.filled].fill(0.0);
    }

    /// The sizes it was made with.
    pub(super) fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// Input samples that were taken and not converted yet.
    pub(super) fn pending(&self) -> usize {
        self.filled - self.sizes.guard * self.sizes.step.0
    }

    /// Takes input and appends the output that is ready.
    pub(super) fn push(&mut self, mut input: &[f32], out: &mut Vec<f32>) {
        while !input.is_empty() {
            let (now, later) = input.split_at(input.len().min(self.blocks.len() - self.filled));
            self.blocks[self.filled..][..now.len()].copy_from_slice(now);
            self.filled += now.len();
            input = later;
            self.convert(out);
        }
    }

    /// Fills the blocks in the making up with silence and appends their output.
    pub(super) fn flush(&mut self, out: &mut Vec<f32>) {
        self.blocks[self.filled..].fill(0.0);
        self.filled = self.blocks.len();
        self.convert(out);
    }

    /// Converts the blocks if they are full.
    fn convert(&mut self, out: &mut Vec<f32>) {
        if self.filled < self.blocks.len() {
            return;
        }
        let hop = self.sizes.hop();
        for ((bin, &re), &im) in self.source.iter_mut().zip(&self.blocks).zip(&self.blocks[hop..]) {
            *bin = Complex { re, im };
        }
        self.forward
            .process_with_scratch(&mut self.source, &mut self.scratch);
        self.filter();
        self.inverse
            .process_with_scratch(&mut self.target, &mut self.scratch);
        let Sizes {
            step, steps, guard, ..
        } = self.sizes;
        let whole = &self.target[guard * step.1..(steps - guard) * step.1];
        out.extend(whole.iter().map(|sample| sample.re));
        out.extend(whole.iter().map(|sample| sample.im));
        self.blocks.copy_within(2 * hop.., 0);
        self.filled -= 2 * hop;
    }

    /// From the spectrum of the input to that of the output.
    fn filter(&mut self) {
        let bins = self.response.len();
        let (input, output) = (self.source.len(), self.target.len());
        for ((to, from), gain) in self.target.iter_mut().zip(&self.source).zip(&self.response) {
            *to = from * gain;
        }
        self.target[bins..=output - bins].fill(Complex::default());
        // The negative frequencies stand at the end, in descending order.
        let (to, from) = (
            &mut self.target[output - bins + 1..],
            &self.source[input - bins + 1..],
        );
        for ((to, from), gain) in to.iter_mut().zip(from).zip(self.response[1..].iter().rev()) {
            *to = from * gain;
        }
    }
}
