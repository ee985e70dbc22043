//! From any sample rate to 24 kHz, without delay and of the exact length.

use std::fmt;

use audioadapter_buffers::direct::SequentialSlice;
use rt_protocol::Pcm16;
use rubato::{Fft, FixedSync, Indexing, Resampler as _, WindowFunction};

use crate::error::{Error, ErrorKind};

/// The least frames a transform has on the side of the lower rate. More makes the filter steeper and the
/// delay longer: with 1,024 the band is flat to 0.96 of the lower Nyquist frequency.
const TRANSFORM: u64 = 1024;

/// About how many input frames one call gets: small calls cost more than the transforms.
const BATCH: usize = 8192;

/// Samples of one rate in, 24 kHz out.
pub(crate) enum Resampler {
    /// The input has 24 kHz already.
    Same,
    /// The input has another rate.
    Fft(Box<Converter>),
}

/// The state of a conversion.
pub(crate) struct Converter {
    /// The transform.
    fft: Fft<f32>,
    /// The rate of the input in Hz.
    rate: u32,
    /// Input that does not fill a batch yet.
    pending: Vec<f32>,
    /// One batch of output.
    scratch: Vec<f32>,
    /// Output samples still to be dropped, because the filter had not filled yet.
    skip: usize,
    /// Input samples so far.
    taken: u64,
    /// Output samples so far.
    given: u64,
}

impl Resampler {
    /// A converter from a rate in Hz.
    pub(crate) fn new(rate: u32) -> Result<Self, Error> {
        if rate == Pcm16::SAMPLE_RATE {
            return Ok(Self::Same);
        }
        Ok(Self::Fft(Box::new(Converter::new(rate)?)))
    }

    /// The rate of the input in Hz.
    pub(crate) fn rate(&self) -> u32 {
        match self {
            Self::Same => Pcm16::SAMPLE_RATE,
            Self::Fft(converter) => converter.rate,
        }
    }

    /// Takes input and appends the output that is ready.
    pub(crate) fn push(&mut self, input: &[f32], out: &mut Vec<f32>) -> Result<(), Error> {
        match self {
            Self::Same => {
                out.extend_from_slice(input);
                Ok(())
            }
            Self::Fft(converter) => converter.push(input, out),
        }
    }

    /// Appends the rest of the output. After `n` samples of input there are `round(n * 24000 / rate)` of
    /// output in all; the next input starts afresh.
    pub(crate) fn finish(&mut self, out: &mut Vec<f32>) -> Result<(), Error> {
        match self {
            Self::Same => Ok(()),
            Self::Fft(converter) => converter.finish(out),
        }
    }
}

impl Converter {
    /// A converter from a rate in Hz that is not 24 kHz.
    fn new(rate: u32) -> Result<Self, Error> {
        let failed = |error| conversion_failed(rate).with_source(error);
        let divisor = gcd(rate, Pcm16::SAMPLE_RATE);
        let (step_in, step_out) = (u64::from(rate / divisor), u64::from(Pcm16::SAMPLE_RATE / divisor));
        // An even number of the smallest blocks: half a transform, which is the delay, is then a whole
        // number of samples on both sides, and dropping it leaves no fraction behind.
        let blocks = TRANSFORM.div_ceil(step_in.min(step_out)).next_multiple_of(2);
        let transform = usize::try_from(blocks * step_in).map_err(|_| conversion_failed(rate))?;
        let batches = (BATCH / transform).max(1);
        let fft = Fft::new_custom(
            rate as usize,
            Pcm16::SAMPLE_RATE as usize,
            transform * batches,
            batches,
            1,
            WindowFunction::BlackmanHarris2,
            FixedSync::Input,
        )
        .map_err(|error| failed(error.to_string()))?;
        let skip = fft.output_delay();
        let scratch = vec![0.0; fft.output_frames_max()];
        Ok(Self {
            fft,
            rate,
            pending: Vec::new(),
            scratch,
            skip,
            taken: 0,
            given: 0,
        })
    }

    /// Takes input and appends the output that is ready.
    fn push(&mut self, input: &[f32], out: &mut Vec<f32>) -> Result<(), Error> {
        self.taken += input.len() as u64;
        self.pending.extend_from_slice(input);
        let batch = self.fft.input_frames_next();
        let mut start = 0;
        while self.pending.len() - start >= batch {
            let made = convert(
                &mut self.fft,
                self.rate,
                &self.pending[start..],
                None,
                &mut self.scratch,
            )?;
            start += batch;
            self.give(made, u64::MAX, out);
        }
        self.pending.drain(..start);
        Ok(())
    }

    /// Flushes the filter and starts afresh.
    fn finish(&mut self, out: &mut Vec<f32>) -> Result<(), Error> {
        let total = output_len(self.taken, self.rate);
        while self.given < total {
            let rest = self.pending.len();
            let made = convert(
                &mut self.fft,
                self.rate,
                &self.pending,
                Some(rest),
                &mut self.scratch,
            )?;
            self.pending.clear();
            self.give(made, total, out);
        }
        self.pending.clear();
        self.fft.reset();
        self.skip = self.fft.output_delay();
        (self.taken, self.given) = (0, 0);
        Ok(())
    }

    /// Appends what was made, without the delay at the start and without more than `total`.
    fn give(&mut self, made: usize, total: u64, out: &mut Vec<f32>) {
        let skipped = self.skip.min(made);
        self.skip -= skipped;
        let room = usize::try_from(total - self.given).unwrap_or(usize::MAX);
        let end = made.min(skipped.saturating_add(room));
        out.extend_from_slice(&self.scratch[skipped..end]);
        self.given += (end - skipped) as u64;
    }
}

/// One call of the transform: how many samples it put into `scratch`. With `rest`, the input ends after so
/// many samples and silence follows.
fn convert(
    fft: &mut Fft<f32>,
    rate: u32,
    input: &[f32],
    rest: Option<usize>,
    scratch: &mut [f32],
) -> Result<usize, Error> {
    let failed = |error: &dyn fmt::Display| conversion_failed(rate).with_source(error.to_string());
    let frames = scratch.len();
    let input = SequentialSlice::new(input, 1, input.len()).map_err(|error| failed(&error))?;
    let mut output = SequentialSlice::new_mut(scratch, 1, frames).map_err(|error| failed(&error))?;
    let indexing = rest.map(|frames| Indexing::new().partial_len(frames));
    let (_, made) = fft
        .process_into_buffer(&input, &mut output, indexing.as_ref())
        .map_err(|error| failed(&error))?;
    Ok(made)
}

/// `round(n * 24000 / rate)`, halves up.
pub(crate) fn output_len(samples: u64, rate: u32) -> u64 {
    let rate = u128::from(rate);
    let len = (u128::from(samples) * u128::from(Pcm16::SAMPLE_RATE) + rate / 2) / rate;
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// The greatest common divisor.
fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The error of everything here: the rates were checked before, so it is ours.
fn conversion_failed(rate: u32) -> Error {
    let target = Pcm16::SAMPLE_RATE;
    Error::new(
        ErrorKind::Resample,
        format!("converting from {rate} Hz to {target} Hz failed; please report this with the file"),
    )
}

impl fmt::Debug for Resampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resampler")
            .field("rate", &self.rate())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
