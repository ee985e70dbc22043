//! The 8 kHz of the telephone network: 24 kHz to G.711 and back.
//!
//! ```
//! use rt_audio::telephone::{Decoder, Encoder, Law};
//! use rt_audio::Pcm16;
//! use std::time::Duration;
//!
//! let mut encoder = Encoder::new(Law::Mu);
//! let mut codes = encoder.push(&Pcm16::silence(Duration::from_millis(100)));
//! codes.extend(encoder.finish());
//! assert_eq!(codes.len(), 800);
//!
//! let mut decoder = Decoder::new(Law::Mu);
//! let audio = [decoder.push(&codes), decoder.finish()];
//! assert_eq!(Pcm16::concat(&audio).duration(), Duration::from_millis(100));
//! ```
//!
//! [`crate::g711`] has the codes alone, for audio that is at 8 kHz already.

use std::fmt;
use std::time::Duration;

use rt_protocol::Pcm16;

use crate::g711;
use crate::quantize::quantize_into;
use crate::resample::Resampler;
use crate::source::pcm16;

/// Samples per second on the line.
const LINE: u32 = 8_000;

/// The most latency, which leaves the transforms some room above the least of 20 ms.
const LATENCY: Duration = Duration::from_millis(25);

/// One of the two laws of G.711.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Law {
    /// A-law: Europe, and calls between countries. `g711_alaw` in the API.
    A,
    /// Mu-law: North America and Japan. `g711_ulaw` in the API.
    Mu,
}

impl Law {
    /// The code nearest to a sample.
    #[must_use]
    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Self::A => g711::linear_to_a_law(sample),
            Self::Mu => g711::linear_to_mu_law(sample),
        }
    }

    /// The sample of a code.
    #[must_use]
    pub fn decode(self, code: u8) -> i16 {
        match self {
            Self::A => g711::a_law_to_linear(code),
            Self::Mu => g711::mu_law_to_linear(code),
        }
    }
}

/// 24 kHz to 8 kHz G.711, one byte a sample.
pub struct Encoder {
    /// The law.
    law: Law,
    /// To 8 kHz.
    resampler: Resampler,
}

/// 8 kHz G.711 to 24 kHz.
pub struct Decoder {
    /// The law.
    law: Law,
    /// To 24 kHz.
    resampler: Resampler,
}

/// A converter between two rates that are known to work.
#[expect(clippy::expect_used, reason = "8 and 24 kHz are within the range")]
fn resampler(from: u32, to: u32) -> Resampler {
    Resampler::with_latency(from, to, LATENCY).expect("both rates can be converted")
}

impl Encoder {
    /// An encoder.
    #[must_use]
    pub fn new(law: Law) -> Self {
        Self {
            law,
            resampler: resampler(Pcm16::SAMPLE_RATE, LINE),
        }
    }

    /// Takes audio and gives the codes that are ready.
    pub fn push(&mut self, audio: &Pcm16) -> Vec<u8> {
        let floats: Vec<f32> = audio
            .samples()
            .map(|sample| f32::from(sample) / 32_768.0)
            .collect();
        let mut line = Vec::new();
        self.resampler.push(&floats, &mut line);
        self.encode(&line)
    }

    /// The rest: a third of the samples, rounded, in all. The next audio starts afresh.
    pub fn finish(&mut self) -> Vec<u8> {
        let mut line = Vec::new();
        self.resampler.finish(&mut line);
        self.encode(&line)
    }

    /// How much audio beyond a sample's own time must be there before it comes, at most.
    #[must_use]
    pub fn latency(&self) -> Duration {
        self.resampler.latency()
    }

    /// The codes of samples at 8 kHz.
    fn encode(&self, line: &[f32]) -> Vec<u8> {
        let mut bytes = Vec::new();
        quantize_into(line, &mut bytes);
        let samples = bytes
            .chunks_exact(2)
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
        samples.map(|sample| self.law.encode(sample)).collect()
    }
}

impl Decoder {
    /// A decoder.
    #[must_use]
    pub fn new(law: Law) -> Self {
        Self {
            law,
            resampler: resampler(LINE, Pcm16::SAMPLE_RATE),
        }
    }

    /// Takes codes and gives the audio that is ready.
    pub fn push(&mut self, codes: &[u8]) -> Pcm16 {
        let line: Vec<f32> = codes
            .iter()
            .map(|&code| f32::from(self.law.decode(code)) / 32_768.0)
            .collect();
        let (mut audio, mut bytes) = (Vec::new(), Vec::new());
        self.resampler.push(&line, &mut audio);
        quantize_into(&audio, &mut bytes);
        pcm16(bytes)
    }

    /// The rest: three samples for each code in all. The next codes start afresh.
    pub fn finish(&mut self) -> Pcm16 {
        let (mut audio, mut bytes) = (Vec::new(), Vec::new());
        self.resampler.finish(&mut audio);
        quantize_into(&audio, &mut bytes);
        pcm16(bytes)
    }

    /// How many codes, as a duration, must be there beyond a sample's own time before it comes, at most.
    #[must_use]
    pub fn latency(&self) -> Duration {
        self.resampler.latency()
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder")
            .field("law", &self.law)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("law", &self.law)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    /// A sine at 24 kHz.
    #[expect(clippy::cast_possible_truncation, reason = "the level is below full scale")]
    fn sine(hertz: f64, level: f64, samples: usize) -> Vec<i16> {
        (0..samples)
            .map(|n| (level * 32_767.0 * (TAU * hertz * n as f64 / 24_000.0).sin()) as i16)
            .collect()
    }

    /// There and back, in pieces of 20 ms.
    fn round_trip(law: Law, samples: &[i16]) -> Vec<i16> {
        let (mut encoder, mut decoder) = (Encoder::new(law), Decoder::new(law));
        let mut audio = Vec::new();
        for piece in samples.chunks(480) {
            audio.push(decoder.push(&encoder.push(&Pcm16::from_samples(piece))));
        }
        audio.push(decoder.push(&encoder.finish()));
        audio.push(decoder.finish());
        Pcm16::concat(&audio).to_samples()
    }

    #[test]
    fn a_round_trip_keeps_place_length_and_the_quality_of_g711() {
        for law in [Law::A, Law::Mu] {
            for hertz in [440.0, 1_004.0, 3_000.0] {
                let there = sine(hertz, 0.5, 12_000);
                let back = round_trip(law, &there);
                assert_eq!(back.len(), there.len());
                let middle = 2_000..10_000;
                let (mut signal, mut error) = (0.0, 0.0);
                for (a, b) in there[middle.clone()].iter().zip(&back[middle]) {
                    signal += f64::from(*a).powi(2);
                    error += (f64::from(*a) - f64::from(*b)).powi(2);
                }
                let ratio = 10.0 * (signal / error).log10();
                // The laws alone leave 34 to 40 dB; a delay of a tenth of a sample would leave 22 at 3 kHz.
                assert!(ratio > 33.0, "{law:?} at {hertz} Hz: {ratio} dB");
            }
        }
    }

    #[test]
    fn what_the_line_cannot_carry_is_gone() {
        let back = round_trip(Law::Mu, &sine(5_000.0, 0.5, 12_000));
        assert!(back[2_000..10_000].iter().all(|sample| sample.abs() <= 8));
    }

    #[test]
    fn latency_is_that_of_a_packet_or_two() {
        assert!(Encoder::new(Law::A).latency() <= LATENCY);
        assert!(Decoder::new(Law::A).latency() <= LATENCY);
    }
}
