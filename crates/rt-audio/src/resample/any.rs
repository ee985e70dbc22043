//! Conversion by any ratio, also one that changes on the way.

use super::gcd;
use super::interpolate::{BAND, Interpolator, Place};
use super::overlap::{Overlap, Sizes};
use crate::error::{Error, ErrorKind};

/// The denominator of ratios that change: a step is exact to a fraction of a nanosecond in a second.
const FINE: u64 = 1 << 32;

/// First to a rate near by at which the band is narrow, then to the very rate.
pub(crate) struct AnyRatio {
    /// The first conversion.
    first: Overlap,
    /// The second.
    second: Interpolator,
    /// What the first made and the second still needs. Begins before time zero, with silence.
    between: Vec<f32>,
    /// The position of the next output in it: whole samples, and a fraction in parts of `step.1`.
    place: (usize, u64),
    /// Samples in `between` from one output to the next, as a fraction.
    step: (u64, u64),
    /// The fraction as it was at first.
    nominal: f64,
}

impl AnyRatio {
    /// Chooses the rate between and makes both conversions.
    pub(crate) fn new(from: u32, to: u32, span: usize) -> Result<Self, Error> {
        let low = f64::from(from.min(to));
        // Where the band ends, as a part of the rate between, must be low enough.
        let enough = |rate: f64| low / 2.0 <= BAND * rate;
        let halvings = (1..10)
            .take_while(|n| enough(f64::from(from) / f64::from(1 << n)))
            .count();
        let step = match halvings {
            0 if !enough(f64::from(from)) => (1, 2),
            _ => (1usize << halvings, 1),
        };
        let between = f64::from(from) * step.1 as f64 / step.0 as f64;
        let stop = low / 2.0 / between.min(f64::from(from));
        let sizes = Sizes::choose(step, stop, span).ok_or_else(|| {
            let message = format!("no way to convert from {from} Hz to {to} Hz; please report this");
            Error::new(ErrorKind::Resample, message)
        })?;
        let (numerator, denominator) = (u64::from(from) * step.1 as u64, u64::from(to) * step.0 as u64);
        let divisor = gcd(numerator, denominator);
        let mut any = Self {
            first: Overlap::new(sizes),
            second: Interpolator::new(),
            between: Vec::new(),
            place: (0, 0),
            step: (numerator / divisor, denominator / divisor),
            nominal: numerator as f64 / denominator as f64,
        };
        any.reset();
        Ok(any)
    }

    /// Goes on with a ratio that differs from the nominal one by a factor near 1: more makes less output.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the step is a small positive number"
    )]
    pub(crate) fn bend(&mut self, factor: f64) {
        if self.step.1 != FINE {
            // From the exact fraction to one that is fine enough for any.
            self.place.1 = (self.place.1 as f64 / self.step.1 as f64 * FINE as f64) as u64;
        }
        self.step = ((self.nominal * factor * FINE as f64) as u64, FINE);
    }

    /// Input samples that were taken and of which no output was made yet.
    pub(crate) fn pending(&self) -> f64 {
        let sizes = self.first.sizes();
        let between = self.between.len() as f64 - self.place.0 as f64;
        self.first.pending() as f64 + between * sizes.input_per_output()
    }

    /// Input samples that must be there beyond an output sample's own time.
    pub(crate) fn latency(&self) -> usize {
        let sizes = self.first.sizes();
        sizes.latency() + sizes.input_of(Interpolator::REACH)
    }

    /// Takes input and appends the output that is ready.
    pub(crate) fn push(&mut self, input: &[f32], out: &mut Vec<f32>) {
        // In pieces, so that what lies between stays small.
        for piece in input.chunks(1 << 14) {
            self.first.push(piece, &mut self.between);
            self.interpolate(out);
        }
    }

    /// Appends the output of one more block, behind which is silence.
    pub(super) fn flush(&mut self, out: &mut Vec<f32>) {
        self.first.flush(&mut self.between);
        self.interpolate(out);
    }

    /// Makes all output for which there is input.
    fn interpolate(&mut self, out: &mut Vec<f32>) {
        let (whole, part) = (self.step.0 / self.step.1, self.step.0 % self.step.1);
        let whole = usize::try_from(whole).unwrap_or(usize::MAX);
        let scale = 1.0 / self.step.1 as f64;
        while self.place.0 + Interpolator::REACH < self.between.len() {
            let place = Place {
                whole: self.place.0,
                part: self.place.1 as f64 * scale,
            };
            out.push(self.second.at(&self.between, place));
            self.place.1 += part;
            let carry = self.place.1 >= self.step.1;
            self.place.0 += whole + usize::from(carry);
            self.place.1 -= if carry { self.step.1 } else { 0 };
        }
        let used = (self.place.0 + 1)
            .saturating_sub(Interpolator::REACH)
            .min(self.between.len());
        self.between.drain(..used);
        self.place.0 -= used;
    }

    /// Starts afresh.
    pub(crate) fn reset(&mut self) {
        self.first.reset();
        self.between.clear();
        self.between.resize(Interpolator::REACH, 0.0);
        self.place = (Interpolator::REACH, 0);
    }
}
