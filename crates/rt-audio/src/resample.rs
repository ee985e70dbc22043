//! [`Resampler`]: from any sample rate to any other, without delay and of the exact length.

mod any;
mod interpolate;
mod kernel;
mod overlap;

use std::fmt;
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::info::duration_of;
pub(crate) use any::AnyRatio;
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

impl Resampler {
    /// A converter from one rate in Hz to another, for files: its blocks are large, which is fast.
    ///
    /// # Errors
    /// [`ErrorKind::Resample`] if a rate is outside 1,000 to 768,000 Hz.
    pub fn new(from: u32, to: u32) -> Result<Self, Error> {
        Self::with_latency(from, to, Duration::MAX)
    }

    /// A converter that gives samples at the latest after so much more of the input, for streams.
    /// [`latency`](Self::latency) says how much it is: the filter sets a lower bound, 7 ms for
    /// 48 kHz to 24 kHz and 20 ms for 8 kHz. The quality is always the same; small blocks are slower.
    ///
    /// # Errors
    /// [`ErrorKind::Resample`] if a rate is outside 1,000 to 768,000 Hz.
    pub fn with_latency(from: u32, to: u32, most: Duration) -> Result<Self, Error> {
        check(from)?;
        check(to)?;
        let span = span(from, most);
        let divisor = gcd(from.into(), to.into());
        let step = (u64::from(from) / divisor, u64::from(to) / divisor);
        let narrow = |(a, b): (u64, u64)| Some((usize::try_from(a).ok()?, usize::try_from(b).ok()?));
        let ratio = narrow(step).and_then(|step| Sizes::choose(step, 0.5, span));
        let path = match ratio {
            _ if from == to => Path::Same,
            Some(sizes) if sizes.latency() <= span => Path::Ratio(Box::new(Overlap::new(sizes))),
            // Steps are long where the ratio is not a simple one, and blocks are whole steps.
            sizes => match (AnyRatio::new(from, to, span)?, sizes) {
                (any, Some(sizes)) if any.latency() >= sizes.latency() => {
                    Path::Ratio(Box::new(Overlap::new(sizes)))
                }
                (any, _) => Path::Any(Box::new(any)),
            },
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

/// Refuses a rate that cannot be converted.
pub(crate) fn check(rate: u32) -> Result<(), Error> {
    if RATES.contains(&rate) {
        return Ok(());
    }
    let (low, high) = (RATES.start(), RATES.end());
    let message = format!("a sample rate of {rate} Hz cannot be converted: give one of {low} to {high} Hz");
    Err(Error::new(ErrorKind::Resample, message))
}

/// How many samples last so long.
pub(crate) fn span(rate: u32, duration: Duration) -> usize {
    let samples = duration.as_nanos().saturating_mul(u128::from(rate)) / 1_000_000_000;
    usize::try_from(samples).unwrap_or(usize::MAX)
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
