//! Decoding: bytes in, blocks of float frames out.
//!
//! CONTRIBUTING tells how to add a format.

mod adpcm;
mod aiff;
mod au;
mod caf;
mod codecs;
mod flac;
mod formats;
mod gapless;
mod input;
#[cfg(feature = "opus")]
mod mkv;
mod mp3;
#[cfg(feature = "m4a")]
mod mp4;
mod ogg;
#[cfg(feature = "opus")]
mod opus;
mod packets;
mod plain;
mod samples;
mod sniff;
mod vorbis;
mod wav;

use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::info::{Container, Info, Report, duration_of};
use crate::limits::Limits;
use crate::mix::Layout;
use formats::ADVICE;
use plain::Plain;
use sniff::Content;

pub use formats::{Format, formats};
pub(crate) use input::{Input, Media};

/// A piece of decoded audio.
#[derive(Debug)]
pub(crate) struct Block {
    /// Interleaved frames, full scale at 1.
    pub(crate) samples: Vec<f32>,
    /// Frames per second.
    pub(crate) rate: u32,
    /// What the channels are.
    pub(crate) layout: Layout,
}

/// What the caller makes of the frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Every channel for itself.
    Channels,
    /// Their mix in the proportions of [`Layout::weights`]: a decoder for which that is less work gives only the mix.
    /// It becomes 24 kHz: what lies above 12 kHz may be missing.
    Mono,
    /// The same, but of what is lossless every channel: dither leaves samples alone that were nothing but copied, and must
    /// see whether they were.
    MonoOfLossy,
}

/// What a decoder found wrong so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Health {
    /// Frames that the header promises and that did not come.
    pub(crate) missing: Option<u64>,
    /// Packets that could not be decoded.
    pub(crate) skipped: u64,
    /// The first problem, as a clause of a sentence.
    pub(crate) problem: Option<String>,
}

impl Health {
    /// Notes a problem, unless there was one before.
    pub(crate) fn note(&mut self, problem: impl Into<String>) {
        self.problem.get_or_insert_with(|| problem.into());
    }

    /// The report on an input of this rate of which so much was decoded.
    pub(crate) fn report(&self, decoded: Duration, rate: u32) -> Report {
        Report {
            decoded,
            missing: self.missing.map(|frames| duration_of(frames, rate)),
            skipped: self.skipped,
            problem: self.problem.clone(),
        }
    }
}

/// A source of blocks.
pub(crate) trait Decoder: Send + Sync {
    /// What the header says.
    fn info(&self) -> &Info;

    /// Replaces the block by the next one, which is not empty; `false` at the end. Damage is no error but
    /// noted in [`health`](Self::health); errors are of the reader.
    fn next_block(&mut self, block: &mut Block) -> Result<bool, Error>;

    /// What was wrong so far; final after the end.
    fn health(&self) -> &Health;
}

/// An input whose first block is decoded: it is what it claims to be.
pub(crate) struct Opened {
    /// The decoder.
    pub(crate) decoder: Box<dyn Decoder>,
    /// The first block.
    pub(crate) block: Block,
    /// Whether there is a first block, that is any audio.
    pub(crate) any: bool,
}

/// Finds out what the input is, makes its decoder and decodes the first block.
pub(crate) fn open(mut input: Input, limits: &Limits, wanted: Wanted) -> Result<Opened, Error> {
    let content = sniff::sniff(&input.peek()?);
    let mut decoder = decoder(content, input, limits, wanted)?;
    let mut block = Block {
        samples: Vec::new(),
        rate: 0,
        layout: Layout::Discrete(0),
    };
    let any = decoder.next_block(&mut block)?;
    let Health { skipped, problem, .. } = decoder.health();
    // Some bytes look like MP3 by chance, but then they do not decode.
    if content == Content::Unknown && (!any || *skipped > 0) {
        return Err(formats::unknown());
    }
    match problem {
        Some(problem) if !any => Err(Error::new(
            ErrorKind::Damaged,
            format!("nothing could be decoded: {problem}"),
        )),
        _ => Ok(Opened { decoder, block, any }),
    }
}

/// Makes the decoder.
fn decoder(
    content: Content,
    input: Input,
    limits: &Limits,
    wanted: Wanted,
) -> Result<Box<dyn Decoder>, Error> {
    let packets = |input, container| packets::open(input, container, limits, wanted).map(boxed);
    match content {
        Content::Empty => Err(Error::new(
            ErrorKind::UnsupportedFormat,
            "the input is empty (0 bytes): there is no audio in it",
        )),
        Content::Other(what) => {
            let message = format!("the input is {what}, which is not read; {ADVICE}");
            Err(Error::new(ErrorKind::UnsupportedFormat, message))
        }
        Content::Codec(name) => Err(unsupported_codec(name)),
        Content::FeatureCodec(name, feature) if !enabled(feature) => {
            Err(formats::without_feature(name, feature))
        }
        Content::Feature(_, what, feature) if !enabled(feature) => {
            let message = format!(
                "the input is {what}, which is read with the feature `{feature}` of rt-audio; \
                 enable it, or {ADVICE}"
            );
            Err(Error::new(ErrorKind::UnsupportedFormat, message))
        }
        Content::Wav => wav::open(input, limits).map(boxed),
        Content::Wave64 => wav::open_wave64(input, limits).map(boxed),
        Content::Aiff => aiff::open(input, limits).map(boxed),
        Content::Au => au::open(input, limits).map(boxed),
        Content::Caf => match caf::open(input, limits)? {
            caf::Opened::Plain(decoder) => Ok(decoder),
            caf::Opened::Coded(input, codec) if enabled("m4a") => {
                let _ = codec;
                packets(input.into_seekable(limits.max_buffered)?, Container::Caf)
            }
            caf::Opened::Coded(_, codec) => {
                let codec = codec.escape_ascii().to_string();
                Err(formats::without_feature(&codec, "m4a"))
            }
        },
        Content::FeatureCodec(..) => packets(input, Container::Ogg),
        Content::Feature(Container::Mp4, ..) => {
            packets(input.into_seekable(limits.max_buffered)?, Container::Mp4)
        }
        Content::Packets(container) | Content::Feature(container, ..) => packets(input, container),
        Content::Unknown => packets(input, Container::Mp3),
    }
}

/// Whether a feature of this crate is on.
fn enabled(feature: &str) -> bool {
    (cfg!(feature = "m4a") && feature == "m4a") || (cfg!(feature = "opus") && feature == "opus")
}

/// A decoder of any kind.
fn boxed(decoder: impl Decoder + 'static) -> Box<dyn Decoder> {
    Box::new(decoder)
}

/// The error of a codec that is not decoded.
fn unsupported_codec(name: &str) -> Error {
    let message = format!("unsupported codec: {name}; {ADVICE}");
    Error::new(ErrorKind::UnsupportedCodec, message)
}
