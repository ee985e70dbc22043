//! Positions in audio, whatever its format.

use rt_protocol::session::{AudioFormat, AudioFormatKind};
use serde::{Deserialize, Serialize};

/// Positions of the input clock are counted in 1/48 ms: a byte of PCM16 at 24 kHz is one tick, a byte of G.711 six.
pub(super) const TICKS_PER_MS: u64 = 48;

/// What a byte of audio is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    #[default]
    Pcm,
    Pcmu,
    Pcma,
}

impl Format {
    /// Formats this version does not know count as PCM16, the default of the service.
    pub(super) fn of(format: &AudioFormat) -> Self {
        match format.kind.value() {
            Some(AudioFormatKind::Pcmu) => Self::Pcmu,
            Some(AudioFormatKind::Pcma) => Self::Pcma,
            Some(AudioFormatKind::Other(name)) if name == "g711_ulaw" => Self::Pcmu,
            Some(AudioFormatKind::Other(name)) if name == "g711_alaw" => Self::Pcma,
            _ => Self::Pcm,
        }
    }

    const fn ticks_per_byte(self) -> u64 {
        match self {
            Self::Pcm => 1,
            Self::Pcmu | Self::Pcma => 6,
        }
    }

    /// How long so many bytes last.
    pub(super) const fn ticks(self, bytes: usize) -> u64 {
        bytes as u64 * self.ticks_per_byte()
    }

    /// How many whole bytes fit in so long.
    pub(super) fn bytes(self, ticks: u64) -> usize {
        usize::try_from(ticks / self.ticks_per_byte()).unwrap_or(usize::MAX)
    }

    /// How long so many samples last.
    pub(super) const fn ticks_of_samples(self, samples: u64) -> u64 {
        match self {
            Self::Pcm => samples.saturating_mul(2),
            Self::Pcmu | Self::Pcma => samples.saturating_mul(6),
        }
    }
}

/// Ticks of so many milliseconds.
pub(super) const fn ticks(ms: u64) -> u64 {
    ms.saturating_mul(TICKS_PER_MS)
}

/// Whole milliseconds in so many ticks.
pub(super) const fn ms(ticks: u64) -> u64 {
    ticks / TICKS_PER_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_a_second_in_every_format() {
        for (format, bytes, samples) in [
            (Format::Pcm, 48_000, 24_000),
            (Format::Pcmu, 8000, 8000),
            (Format::Pcma, 8000, 8000),
        ] {
            assert_eq!(format.ticks(bytes), ticks(1000), "{format:?}");
            assert_eq!(format.bytes(ticks(1000)), bytes, "{format:?}");
            assert_eq!(ms(format.ticks_of_samples(samples)), 1000, "{format:?}");
        }
        assert_eq!(Format::Pcmu.bytes(11), 1);
    }

    #[test]
    fn formats_by_their_names_of_both_dialects() {
        let named = |json: &str| Format::of(&serde_json::from_str(json).unwrap());
        assert_eq!(Format::of(&AudioFormat::pcm()), Format::Pcm);
        assert_eq!(Format::of(&AudioFormat::pcmu()), Format::Pcmu);
        assert_eq!(Format::of(&AudioFormat::pcma()), Format::Pcma);
        assert_eq!(named(r#""g711_ulaw""#), Format::Pcmu);
        assert_eq!(named(r#""g711_alaw""#), Format::Pcma);
        assert_eq!(named(r#""pcm16""#), Format::Pcm);
        assert_eq!(named("{}"), Format::Pcm);
    }
}
