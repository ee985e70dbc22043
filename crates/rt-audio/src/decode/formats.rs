//! What is read: the table that the documentation is made from.

use symphonia::core::formats::{FormatId, well_known as format};

use crate::error::{Error, ErrorKind};
use crate::info::Container;

/// What helps with everything that is not read.
pub(super) const ADVICE: &str = "convert it to one of WAV, FLAC, Ogg Vorbis or MP3, \
                                 for example with `ffmpeg -i INPUT -ar 24000 -ac 1 OUTPUT.wav`";

/// A kind of file that can be read; [`formats`] lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Format {
    /// Its container.
    pub container: Container,
    /// What such files are usually named.
    pub names: &'static str,
    /// What can be in it.
    pub codecs: &'static str,
    /// The feature of this crate that reads it, if it is not always read.
    pub feature: Option<&'static str>,
    /// Whether it is read from a pipe while it comes in; if not, it is kept in memory first.
    pub streams: bool,
}

/// Every kind of file that this crate reads, with those whose feature is off.
///
/// ```
/// let always = rt_audio::formats().iter().filter(|format| format.feature.is_none());
/// assert!(always.map(|format| format.container.name()).any(|name| name == "FLAC"));
/// ```
#[must_use]
pub fn formats() -> &'static [Format] {
    FORMATS
}

/// Everything that is read.
const FORMATS: &[Format] = &[
    Format {
        container: Container::Wav,
        names: "wav, wave, rf64, w64",
        codecs: "integers of 8, 16, 24, 32 bits; floats of 32, 64 bits; A-law; mu-law; ADPCM (Microsoft, IMA)",
        feature: None,
        streams: true,
    },
    Format {
        container: Container::Aiff,
        names: "aiff, aif, aifc",
        codecs: "integers of 8, 16, 24, 32 bits; floats of 32, 64 bits; A-law; mu-law; ADPCM (IMA)",
        feature: None,
        streams: true,
    },
    Format {
        container: Container::Au,
        names: "au, snd",
        codecs: "integers of 8, 16, 24, 32 bits; floats of 32, 64 bits; A-law; mu-law",
        feature: None,
        streams: true,
    },
    Format {
        container: Container::Caf,
        names: "caf",
        codecs: "integers of 8, 16, 24, 32 bits; floats of 32, 64 bits; A-law; mu-law; ADPCM (IMA)",
        feature: None,
        streams: true,
    },
    Format {
        container: Container::Flac,
        names: "flac",
        codecs: "FLAC",
        feature: None,
        streams: true,
    },
    Format {
        container: Container::Ogg,
        names: "ogg, oga",
        codecs: "Vorbis; FLAC",
        feature: None,
        streams: true,
    },
    Format {
        container: Container::Mp3,
        names: "mp3",
        codecs: "MP3",
        feature: None,
        streams: true,
    },
    Format {
        container: Container::Ogg,
        names: "opus, ogg",
        codecs: "Opus",
        feature: Some("opus"),
        streams: true,
    },
    Format {
        container: Container::Matroska,
        names: "webm, mka, mkv",
        codecs: "Opus; Vorbis; FLAC; MP3; with the feature `m4a` also AAC",
        feature: Some("opus"),
        streams: true,
    },
    Format {
        container: Container::Mp4,
        names: "m4a, mp4, mov, 3gp",
        codecs: "AAC (low complexity); ALAC; MP3; with the feature `opus` also Opus",
        feature: Some("m4a"),
        streams: false,
    },
    Format {
        container: Container::Adts,
        names: "aac",
        codecs: "AAC (low complexity)",
        feature: Some("m4a"),
        streams: true,
    },
    Format {
        container: Container::Caf,
        names: "caf",
        codecs: "AAC (low complexity); ALAC",
        feature: Some("m4a"),
        streams: false,
    },
];

/// Our name of a container of packets.
pub(super) fn container_of(id: FormatId) -> Option<Container> {
    Some(match id {
        format::FORMAT_ID_OGG => Container::Ogg,
        format::FORMAT_ID_FLAC => Container::Flac,
        format::FORMAT_ID_MP3 => Container::Mp3,
        format::FORMAT_ID_ADTS => Container::Adts,
        format::FORMAT_ID_CAF => Container::Caf,
        format::FORMAT_ID_ISOMP4 => Container::Mp4,
        format::FORMAT_ID_MKV => Container::Matroska,
        _ => return None,
    })
}

/// The error of content that nothing is known about.
pub(super) fn unknown() -> Error {
    let message = format!("the content is no audio that is known here; {ADVICE}");
    Error::new(ErrorKind::UnsupportedFormat, message)
}

/// The error of a codec that is read with a feature that is off.
pub(super) fn without_feature(name: &str, feature: &str) -> Error {
    let message = format!(
        "unsupported codec: {name}, which is read with the feature `{feature}` of rt-audio; \
         enable it, or {ADVICE}"
    );
    Error::new(ErrorKind::UnsupportedCodec, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table in Markdown.
    fn table() -> String {
        let mut table = String::from(
            "| container | usual names | codecs | feature | from a pipe |\n|---|---|---|---|---|\n",
        );
        for format in FORMATS {
            let feature = format
                .feature
                .map_or_else(|| "always".to_owned(), |name| format!("`{name}`"));
            let streams = if format.streams {
                "as it comes"
            } else {
                "kept in memory"
            };
            let (container, names, codecs) = (format.container, format.names, format.codecs);
            table += &format!("| {container} | {names} | {codecs} | {feature} | {streams} |\n");
        }
        table
    }

    /// The documents that have the table, with what stands in front of its lines, between two marks.
    #[test]
    fn the_tables_in_the_documentation_are_this_one() {
        let (from, to) = ("<!-- formats: begin -->\n", "<!-- formats: end -->");
        for (path, comment) in [("src/lib.rs", "//! "), ("../../docs/audio.md", "")] {
            let Ok(text) = std::fs::read_to_string(path) else {
                continue;
            };
            let start = text.find(from).expect("a mark") + from.len();
            let end = start + text[start..].find(&format!("{comment}{to}")).expect("a mark");
            let wanted: String = table().lines().map(|line| format!("{comment}{line}\n")).collect();
            if text[start..end] == wanted {
                continue;
            }
            if std::env::var_os("UPDATE_DOCS").is_some() {
                std::fs::write(path, [&text[..start], &wanted, &text[end..]].concat()).unwrap();
            } else {
                panic!("the table in {path} is stale: run the tests with UPDATE_DOCS=1");
            }
        }
    }
}
