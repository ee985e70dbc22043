//! [`Resampler`]: from any sample rate to any other, without delay and of the exact length.

mod interpolate;
mod kernel;
mod overlap;

use std::fmt;
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::info::duration_of;
use interpolate::{Interpolator, Place};
use overlap::{Overlap, Sizes};

/// The rates that can be converted, in Hz.
const RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;

/// Samples of one rate in, samples of another out.
///
/// After `n` samples of input there are `round(n * to / from)` of output, and each stands where it stood in
/// the input: nothing is delayed and nothing is missing at the end. Up to 0.92 of the lower of both Nyquist
/// frequencies the band is flat within 0.1 dB; aliases and images are at least 140 dB down, and the noise of
/// the arithmetic is at about -136 dB.
///
/// The output does not depend on how the input is cut into pieces.
///
/// ```
/// use rt_audio::Resampler;
/// let mut resampler = Resampler::new(44_100, 24_000)?;
/// let (mut out, second) = (Vec::new(), vec![0.0; 44_100]);
/// for piece in second.chunks(441) {
///     resampler.push(piece, &mut out);
/// }
/// resampler.finish(&mut out);
/// assert_eq!(out.len(), 24_000);
/// # Ok::<(), rt_audio::Error>(())
/// ```
pub struct Resampler {
    /// The rates of input and output in Hz.
    rates: (u32, u32),
    /// How it is done.
    path: Path,
    /// Input samples so far.
    taken: u64,
    /// Output samples so far.
    given: u64,
}

/// How a rate is converted.
enum Path {
    /// Not at all.
    Same,
    /// In one go: the ratio is one of small integers.
    Ratio(Box<Overlap>),
    /// In two, for all others.
    Any(Box<AnyRatio>),
}

/// First to a rate near by at which the band is narrow, then to the very rate.
struct AnyRatio {
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
}

impl Resampler {
    /// A converter from one rate in Hz to another, for files: its blocks are large, which is fast.
    ///
    /// # Errors
    /// [`ErrorKind::Resample`] if a rate is outside 1,000 to 768,000 Hz.
    pub fn new(from: u32, to: u32) -> Result<Self, Error> {
        Self::with_latency(from, to, Duration::MAX)
    }

    /// A converter that gives samples at the latest after so much more of the input, for streams.
    /// [`latency`](Self::latency) says how much it is: the filter sets a lower bound, 8 ms for
    /// 48 kHz to 24 kHz and 24 ms for 8 kHz. The quality is always the same; small blocks are slower.
    ///
    /// # Errors
    /// [`ErrorKind::Resample`] if a rate is outside 1,000 to 768,000 Hz.
    pub fn with_latency(from: u32, to: u32, most: Duration) -> Result<Self, Error> {
        for rate in [from, to] {
            if !RATES.contains(&rate) {
                let (low, high) = (RATES.start(), RATES.end());
                let message =
                    format!("a sample rate of {rate} Hz cannot be converted: give one of {low} to {high} Hz");
                return Err(Error::new(ErrorKind::Resample, message));
            }
        }
        let span = most.as_nanos().saturating_mul(u128::from(from)) / 1_000_000_000;
        let span = usize::try_from(span).unwrap_or(usize::MAX);
        let divisor = gcd(from.into(), to.into());
        let step = (u64::from(from) / divisor, u64::from(to) / divisor);
        let narrow = |(a, b): (u64, u64)| Some((usize::try_from(a).ok()?, usize::try_from(b).ok()?));
        let ratio = narrow(step).and_then(|step| Sizes::choose(step, 0.5, span));
        let path = match ratio {
            _ if from == to => Path::Same,
            Some(sizes) => Path::Ratio(Box::new(Overlap::new(sizes))),
            None => Path::Any(Box::new(AnyRatio::new(from, to, span)?)),
        };
        Ok(Self {
            rates: (from, to),
            path,
            taken: 0,
            given: 0,
        })
    }

    /// The rate of the input in Hz.
    #[must_use]
    pub fn from(&self) -> u32 {
        self.rates.0
    }

    /// The rate of the output in Hz.
    #[must_use]
    pub fn to(&self) -> u32 {
        self.rates.1
    }

    /// How much input beyond an output sample's own time must be there before it comes, at most.
    #[must_use]
    pub fn latency(&self) -> Duration {
        let samples = match &self.path {
            Path::Same => 0,
            Path::Ratio(overlap) => overlap.sizes().latency(),
            Path::Any(any) => any.latency(),
        };
        duration_of(samples as u64, self.from())
    }

    /// Takes input and appends the output that is ready. Full scale is 1, but any range will do.
    pub fn push(&mut self, input: &[f32], out: &mut Vec<f32>) {
        let before = out.len();
        match &mut self.path {
            Path::Same => out.extend_from_slice(input),
            Path::Ratio(overlap) => overlap.push(input, out),
            Path::Any(any) => any.push(input, out),
        }
        self.taken += input.len() as u64;
        self.given += (out.len() - before) as u64;
    }

    /// Appends the rest of the output; silence follows the input, as it went before it. The next input
    /// starts afresh.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        let total = self.output_len(self.taken);
        while self.given < total {
            let before = out.len();
            match &mut self.path {
                Path::Same => break,
                Path::Ratio(overlap) => overlap.flush(out),
                Path::Any(any) => any.flush(out),
            }
            let room = usize::try_from(total - self.given).unwrap_or(usize::MAX);
            out.truncate(before.saturating_add(room));
            self.given += (out.len() - before) as u64;
        }
        match &mut self.path {
            Path::Same => {}
            Path::Ratio(overlap) => overlap.reset(),
            Path::Any(any) => any.reset(),
        }
        (self.taken, self.given) = (0, 0);
    }

    /// How many samples of output so many of input make: `round(samples * to / from)`, halves up.
    #[must_use]
    pub fn output_len(&self, samples: u64) -> u64 {
        let (from, to) = (u128::from(self.from()), u128::from(self.to()));
        u64::try_from((u128::from(samples) * to + from / 2) / from).unwrap_or(u64::MAX)
    }
}

impl AnyRatio {
    /// Chooses the rate between and makes both conversions.
    fn new(from: u32, to: u32, span: usize) -> Result<Self, Error> {
        let low = f64::from(from.min(to));
        // Where the band ends, as a part of the rate between, must be low enough.
        let enough = |rate: f64| low / 2.0 <= interpolate::BAND * rate;
        let halvings = (1..10).take_while(|n| enough(f64::from(from) / f64::from(1 << n))).count();
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
        };
        any.reset();
        Ok(any)
    }

    /// Input samples that must be there beyond an output sample's own time.
    fn latency(&self) -> usize {
        let sizes = self.first.sizes();
        sizes.latency() + sizes.input_of(Interpolator::REACH)
    }

    /// Takes input and appends the output that is ready.
    fn push(&mut self, input: &[f32], out: &mut Vec<f32>) {
        // In pieces, so that what lies between stays small.
        for piece in input.chunks(1 << 14) {
            self.first.push(piece, &mut self.between);
            self.interpolate(out);
        }
    }

    /// Appends the output of one more block, behind which is silence.
    fn flush(&mut self, out: &mut Vec<f32>) {
        self.first.flush(&mut self.between);
        self.interpolate(out);
    }

    /// Makes all output for which there is input.
    fn interpolate(&mut self, out: &mut Vec<f32>) {
        let (whole, part) = (self.step.0 / self.step.1, self.step.0 % self.step.1);
        let whole = usize::try_from(whole).unwrap_or(usize::MAX);
        let scale = 1.0 / self.step.1 as f64;
        while self.place.0 + Interpolator::REACH < self.between.len() {
            #[expect(clippy::cast_possible_truncation, reason = "the nearest float is wanted")]
            let place = Place {
                whole: self.place.0,
                part: (self.place.1 as f64 * scale) as f32,
            };
            out.push(self.second.at(&self.between, place));
            self.place.1 += part;
            let carry = self.place.1 >= self.step.1;
            self.place.0 += whole + usize::from(carry);
            self.place.1 -= if carry { self.step.1 } else { 0 };
        }
        let used = (self.place.0 + 1).saturating_sub(Interpolator::REACH).min(self.between.len());
        self.between.drain(..used);
        self.place.0 -= used;
    }

    /// Starts afresh.
    fn reset(&mut self) {
        self.first.reset();
        self.between.clear();
        self.between.resize(Interpolator::REACH, 0.0);
        self.place = (Interpolator::REACH, 0);
    }
}

/// The greatest common divisor.
fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl fmt::Debug for Resampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resampler")
            .field("from", &self.from())
            .field("to", &self.to())
            .field("latency", &self.latency())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
