//! [`Format`]: the three audio formats, and positions in them.

use rt_protocol::session::{AudioFormat, AudioFormatKind};
use rt_protocol::{Field, Pcm16};

use super::g711;
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
            Self::Ulaw => g711::decode(bytes, false),
            Self::Alaw => g711::decode(bytes, true),
        }
    }

    /// The bytes of samples at 24 kHz.
    pub(crate) fn encode(self, samples: &[i16]) -> Vec<u8> {
        match self {
            Self::Pcm => Pcm16::from_samples(samples).as_bytes().to_vec(),
            Self::Ulaw => g711::encode(samples, false),
            Self::Alaw => g711::encode(samples, true),
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
