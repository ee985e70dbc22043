//! [`Format`]: the three audio formats, and positions in them.

use rt_protocol::session::{AudioFormat, AudioFormatKind};
use rt_protocol::{Field, Pcm16, g711};

use super::vad::PER_MS;

/// An audio format of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Format {
    /// `audio/pcm`: 16 bits at 24 kHz.
    #[default]
    Pcm,
    /// `audio/pcmu`: µ-law at 8 kHz.
    Ulaw,
    /// `audio/pcma`: A-law at 8 kHz.
    Alaw,
}

impl Format {
    /// What a session's `format` says.
    pub(crate) fn of(format: &Field<AudioFormat>) -> Self {
        match format.value().map(|format| &format.kind) {
            Some(Field::Value(AudioFormatKind::Pcmu)) => Self::Ulaw,
            Some(Field::Value(AudioFormatKind::Pcma)) => Self::Alaw,
            _ => Self::Pcm,
        }
    }

    /// The format as the server reports it.
    pub(crate) fn to_wire(self) -> AudioFormat {
        match self {
            Self::Pcm => AudioFormat::pcm(),
            Self::Ulaw => AudioFormat::pcmu(),
            Self::Alaw => AudioFormat::pcma(),
        }
    }

    /// Bytes per millisecond.
    pub(crate) const fn bytes_per_ms(self) -> usize {
        match self {
            Self::Pcm => 48,
            Self::Ulaw | Self::Alaw => 8,
        }
    }

    /// Bytes per sample of the format.
    pub(crate) const fn sample_bytes(self) -> usize {
        match self {
            Self::Pcm => 2,
            Self::Ulaw | Self::Alaw => 1,
        }
    }

    /// Samples of the 24 kHz clock that so many bytes last.
    pub(crate) const fn clock(self, bytes: usize) -> u64 {
        bytes as u64 * PER_MS / self.bytes_per_ms() as u64
    }

    /// Bytes that so many samples of the 24 kHz clock take.
    pub(crate) fn bytes(self, clock: u64) -> usize {
        let samples = clock / self.clock(self.sample_bytes()).max(1);
        usize::try_from(samples).unwrap_or(usize::MAX / 2) * self.sample_bytes()
    }

    /// Milliseconds that so many bytes last, rounded down.
    pub(crate) const fn ms(self, bytes: usize) -> u64 {
        (bytes / self.bytes_per_ms()) as u64
    }

    /// The samples at 24 kHz.
    pub(crate) fn decode(self, bytes: &[u8]) -> Vec<i16> {
        match self {
            Self::Pcm => bytes
                .chunks_exact(2)
                .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
                .collect(),
            Self::Ulaw => widen(bytes, g711::mu_law_to_linear),
            Self::Alaw => widen(bytes, g711::a_law_to_linear),
        }
    }

    /// The bytes of samples at 24 kHz.
    pub(crate) fn encode(self, samples: &[i16]) -> Vec<u8> {
        match self {
            Self::Pcm => Pcm16::from_samples(samples).as_bytes().to_vec(),
            Self::Ulaw => narrow(samples, g711::linear_to_mu_law),
            Self::Alaw => narrow(samples, g711::linear_to_a_law),
        }
    }

    /// `bytes` of this format in another; the same format changes nothing.
    pub(crate) fn convert(self, bytes: &bytes::Bytes, to: Self) -> bytes::Bytes {
        if self == to {
            bytes.clone()
        } else {
            to.encode(&self.decode(bytes)).into()
        }
    }
}

/// Decodes codes of 8 kHz to 24 kHz, each held for three samples: enough to hear speech in it.
fn widen(codes: &[u8], decode: fn(u8) -> i16) -> Vec<i16> {
    codes.iter().flat_map(|&code| [decode(code); 3]).collect()
}

/// Encodes samples of 24 kHz at 8 kHz: the mean of each three.
fn narrow(samples: &[i16], encode: fn(i16) -> u8) -> Vec<u8> {
    let means = samples.chunks(3).map(|three| {
        let sum: i32 = three.iter().map(|&sample| i32::from(sample)).sum();
        // A mean of samples is within their range.
        i16::try_from(sum / i32::try_from(three.len()).unwrap_or(1)).unwrap_or_default()
    });
    means.map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_a_round_trip_in_value() {
        for format in [Format::Ulaw, Format::Alaw] {
            for code in 0..=255 {
                let samples = format.decode(&[code]);
                assert_eq!(samples.len(), 3);
                let again = format.decode(&format.encode(&samples));
                assert_eq!(again, samples, "{code:#x} {format:?}");
            }
        }
    }
}
