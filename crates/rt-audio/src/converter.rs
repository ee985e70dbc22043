//! [`Converter`]: raw samples pushed in, 24 kHz mono out.

use std::fmt;
use std::time::Duration;

use rt_protocol::Pcm16;

use crate::error::Error;
use crate::mix::Layout;
use crate::source::{Options, pcm16};
use crate::stage::Stage;

/// Samples converted from integers at once.
const PIECE: usize = 4096;

/// Raw samples of any rate and number of channels in, [`Pcm16`] out: for audio that comes from a callback, a
/// socket or another decoder. [`Source`](crate::Source) pulls from files instead.
///
/// The output is the same however the input is cut, and the same as a file with these samples gives.
/// Nothing is kept but what the filter needs, and [`latency`](Self::latency) says how long that is.
///
/// ```
/// use rt_audio::{Options, Pcm16};
/// use std::time::Duration;
///
/// let options = Options::new().latency(Duration::from_millis(20));
/// let mut converter = options.converter(48_000, 2)?;
/// assert!(converter.latency() <= Duration::from_millis(20));
///
/// let ten_milliseconds = [0.0f32; 960]; // 480 frames of two channels
/// let mut audio: Vec<Pcm16> = (0..100).map(|_| converter.push(&ten_milliseconds)).collect();
/// audio.push(converter.finish());
/// assert_eq!(audio.iter().map(Pcm16::len).sum::<usize>(), 24_000);
/// # Ok::<(), rt_audio::Error>(())
/// ```
pub struct Converter {
    /// The way.
    stage: Stage,
    /// The beginning of a frame whose rest has not come yet.
    rest: Vec<f32>,
    /// Integers as floats.
    floats: Vec<f32>,
}

impl Options {
    /// Starts a conversion of interleaved samples at a rate in Hz. The channels are taken to be in the usual
    /// order of WAV files: 2 are stereo, 6 are 5.1, 8 are 7.1.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`](crate::ErrorKind::Limit) beyond the limits,
    /// [`ErrorKind::Damaged`](crate::ErrorKind::Damaged) without channels,
    /// [`ErrorKind::Resample`](crate::ErrorKind::Resample) for a rate outside 1 to 768 kHz.
    pub fn converter(&self, sample_rate: u32, channels: u16) -> Result<Converter, Error> {
        self.start_converter(sample_rate, Layout::usual(channels.into()))
    }

    /// Starts a conversion of interleaved samples at a rate in Hz, with one channel for each bit of a WAVE
    /// channel mask, the lowest first: `0x3` is stereo, `0x60f` is 5.1 with side speakers.
    ///
    /// # Errors
    /// As [`converter`](Self::converter).
    pub fn converter_with_mask(&self, sample_rate: u32, mask: u32) -> Result<Converter, Error> {
        self.start_converter(sample_rate, Layout::Speakers(mask.into()))
    }

    /// Starts a conversion.
    fn start_converter(&self, rate: u32, layout: Layout) -> Result<Converter, Error> {
        self.limits.check_format(rate, layout.channels())?;
        Ok(Converter {
            stage: Stage::new(rate, layout, self.latency, self.dither)?,
            rest: Vec::new(),
            floats: Vec::new(),
        })
    }
}

impl Converter {
    /// A converter with the default [`Options`], for throughput rather than latency.
    ///
    /// # Errors
    /// As [`Options::converter`].
    pub fn new(sample_rate: u32, channels: u16) -> Result<Self, Error> {
        Options::new().converter(sample_rate, channels)
    }

    /// Takes interleaved samples, full scale at 1, and gives what is ready. A frame may be cut anywhere.
    pub fn push(&mut self, samples: &[f32]) -> Pcm16 {
        let mut out = Vec::new();
        self.push_into(samples, &mut out);
        pcm16(out)
    }

    /// Takes interleaved 16-bit samples and gives what is ready. A frame may be cut anywhere.
    pub fn push_i16(&mut self, samples: &[i16]) -> Pcm16 {
        let (mut floats, mut out) = (std::mem::take(&mut self.floats), Vec::new());
        for piece in samples.chunks(PIECE) {
            floats.clear();
            floats.extend(piece.iter().map(|&sample| f32::from(sample) / 32_768.0));
            self.push_into(&floats, &mut out);
        }
        self.floats = floats;
        pcm16(out)
    }

    /// The rest: after `n` frames there are `round(n * 24000 / rate)` samples in all. A frame that is not
    /// whole is left out. The next samples start afresh.
    pub fn finish(&mut self) -> Pcm16 {
        let mut out = Vec::new();
        self.stage.finish(&mut out);
        self.rest.clear();
        pcm16(out)
    }

    /// How much input beyond a sample's own time must be there before it comes, at most. To it comes the
    /// time until the pushed piece was full.
    #[must_use]
    pub fn latency(&self) -> Duration {
        self.stage.latency()
    }

    /// Samples per second and channel of the input.
    #[must_use]
    pub fn sample_rate(&self) -> u32 {
        self.stage.rate()
    }

    /// Takes samples and appends bytes.
    fn push_into(&mut self, mut samples: &[f32], out: &mut Vec<u8>) {
        let channels = self.stage.layout().channels();
        if !self.rest.is_empty() {
            let (now, later) = samples.split_at(samples.len().min(channels - self.rest.len()));
            self.rest.extend_from_slice(now);
            samples = later;
            if self.rest.len() < channels {
                return;
            }
            self.stage.push(&self.rest, out);
            self.rest.clear();
        }
        let (whole, rest) = samples.split_at(samples.len() - samples.len() % channels);
        self.stage.push(whole, out);
        self.rest.extend_from_slice(rest);
    }
}

impl fmt::Debug for Converter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Converter")
            .field("sample_rate", &self.sample_rate())
            .field("layout", &self.stage.layout())
            .field("latency", &self.latency())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
