//! What a file is ([`Info`]) and what became of it ([`Report`]).

use std::fmt;
use std::time::Duration;

/// What the header of an input says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info {
    /// The container.
    pub container: Container,
    /// The codec in it.
    pub codec: Codec,
    /// Samples per second and channel, before conversion.
    pub sample_rate: u32,
    /// Channels, before conversion.
    pub channels: u16,
    /// How long it is, if the header tells.
    pub duration: Option<Duration>,
    /// Whether [`duration`](Self::duration) is an estimate from the size of the file: MP3 without a Xing
    /// header has no other.
    pub estimated: bool,
}

/// The containers that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Container {
    /// RIFF WAVE, also RIFX, RF64, BW64 and Sony Wave64.
    Wav,
    /// Ogg.
    Ogg,
    /// FLAC's own.
    Flac,
    /// A plain stream of MPEG audio frames, with or without tags.
    Mp3,
    /// AIFF and AIFF-C.
    Aiff,
    /// AU, the sound files of Sun and NeXT.
    Au,
    /// Core Audio Format.
    Caf,
    /// MP4 and its relatives: M4A, MOV, 3GP.
    Mp4,
    /// A plain stream of AAC frames with ADTS headers.
    Adts,
    /// Matroska and WebM.
    Matroska,
}

/// The codecs that are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// Integer samples of 8 to 32 bits.
    Pcm,
    /// Floating point samples of 32 or 64 bits.
    Float,
    /// G.711 A-law.
    ALaw,
    /// G.711 mu-law.
    MuLaw,
    /// ADPCM of 4 bits: Microsoft's, or IMA's in the blocks of WAV or QuickTime.
    Adpcm,
    /// FLAC.
    Flac,
    /// MPEG audio layer III.
    Mp3,
    /// Vorbis.
    Vorbis,
    /// AAC, low complexity.
    Aac,
    /// Apple Lossless.
    Alac,
    /// Opus.
    Opus,
}

impl Container {
    /// The usual name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Wav => "WAV",
            Self::Ogg => "Ogg",
            Self::Flac => "FLAC",
            Self::Mp3 => "MP3",
            Self::Aiff => "AIFF",
            Self::Au => "AU",
            Self::Caf => "CAF",
            Self::Mp4 => "MP4",
            Self::Adts => "ADTS",
            Self::Matroska => "Matroska",
        }
    }
}

impl Codec {
    /// The usual name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pcm => "PCM",
            Self::Float => "floating point PCM",
            Self::ALaw => "A-law",
            Self::MuLaw => "mu-law",
            Self::Adpcm => "ADPCM",
            Self::Flac => "FLAC",
            Self::Mp3 => "MP3",
            Self::Vorbis => "Vorbis",
            Self::Aac => "AAC",
            Self::Alac => "ALAC",
            Self::Opus => "Opus",
        }
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One line, such as `Ogg, Vorbis, 48000 Hz, 2 channels, 3.3 s`.
impl fmt::Display for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.channels == 1 { "" } else { "s" };
        f.write_str(self.container.name())?;
        if self.codec.name() != self.container.name() {
            write!(f, ", {}", self.codec)?;
        }
        write!(f, ", {} Hz, {} channel{plural}", self.sample_rate, self.channels)?;
        if let Some(duration) = self.duration {
            let about = if self.estimated { "about " } else { "" };
            write!(f, ", {about}{:.1} s", duration.as_secs_f64())?;
        }
        Ok(())
    }
}

/// How much of an input was decoded, and what was wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// How much was decoded, silence in the place of undecodable packets included.
    pub decoded: Duration,
    /// How much is missing at the end, if the header tells how much there should be.
    pub missing: Option<Duration>,
    /// How many packets could not be decoded; silence of their length stands in their place.
    pub skipped: u64,
    /// The first thing that was wrong, or `None` if the input was whole.
    pub problem: Option<String>,
}

impl Report {
    /// Whether everything was decoded.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.problem.is_none()
    }
}

/// One line, such as `2.1 s decoded; the file ends early, 1.2 s are missing`.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s decoded", self.decoded.as_secs_f64())?;
        if let Some(problem) = &self.problem {
            write!(f, "; {problem}")?;
        }
        if let Some(missing) = self.missing {
            write!(f, ", {:.1} s are missing", missing.as_secs_f64())?;
        }
        if self.skipped > 0 {
            write!(f, ", {} packets could not be decoded", self.skipped)?;
        }
        Ok(())
    }
}

/// The duration of a number of frames.
pub(crate) fn duration_of(frames: u64, rate: u32) -> Duration {
    let rate = u64::from(rate.max(1));
    Duration::from_secs(frames / rate) + Duration::from_nanos(frames % rate * 1_000_000_000 / rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_each() {
        let info = Info {
            container: Container::Ogg,
            codec: Codec::Vorbis,
            sample_rate: 48_000,
            channels: 2,
            duration: Some(Duration::from_millis(3_300)),
            estimated: false,
        };
        assert_eq!(info.to_string(), "Ogg, Vorbis, 48000 Hz, 2 channels, 3.3 s");
        let report = Report {
            decoded: Duration::from_millis(2_100),
            missing: Some(Duration::from_millis(1_200)),
            skipped: 0,
            problem: Some("the file ends early".into()),
        };
        assert_eq!(
            report.to_string(),
            "2.1 s decoded; the file ends early, 1.2 s are missing"
        );
        assert!(!report.is_complete());
    }

    #[test]
    fn durations_are_exact_for_long_files() {
        assert_eq!(
            duration_of(44_100 * 86_400 * 365, 44_100),
            Duration::from_secs(86_400 * 365)
        );
        assert_eq!(duration_of(1, 3), Duration::from_nanos(333_333_333));
    }
}
