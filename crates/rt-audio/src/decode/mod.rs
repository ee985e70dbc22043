//! Decoding: bytes in, blocks of float frames out.
//!
//! To add a container: teach [`sniff`] its first bytes, write a [`Decoder`] in a file of its own, and add
//! a line to [`open`].

mod gapless;
mod input;
mod packets;
mod sniff;
mod wav;

use crate::error::{Error, ErrorKind};
use crate::info::Info;
use crate::limits::Limits;
use crate::mix::Layout;

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
pub(crate) fn open(mut input: Input, limits: &Limits) -> Result<Opened, Error> {
    let start = input.peek()?;
    let content = sniff::sniff(&start);
    let mut decoder: Box<dyn Decoder> = match content {
        sniff::Content::Empty => {
            return Err(unsupported(
                "the input is empty (0 bytes): there is no audio in it".to_owned(),
            ));
        }
        sniff::Content::Other(what) => {
            return Err(unsupported(format!(
                "the input is {what}, which is not read; {}",
                sniff::ADVICE
            )));
        }
        sniff::Content::Codec(name) => {
            let message = format!("unsupported codec: {name}; {}", sniff::ADVICE);
            return Err(Error::new(ErrorKind::UnsupportedCodec, message));
        }
        sniff::Content::Wav => match wav::open(input, limits)? {
            wav::Opened::Plain(decoder) => Box::new(decoder),
            wav::Opened::Coded(input) => Box::new(packets::open(input, limits)?),
        },
        sniff::Content::Packets | sniff::Content::Unknown => Box::new(packets::open(input, limits)?),
    };
    let mut block = Block {
        samples: Vec::new(),
        rate: 0,
        layout: Layout::Discrete(0),
    };
    let any = decoder.next_block(&mut block)?;
    let Health { skipped, problem, .. } = decoder.health();
    // Some bytes look like MP3 by chance, but then they do not decode.
    if content == sniff::Content::Unknown && (!any || *skipped > 0) {
        return Err(unsupported(format!(
            "the content is no audio that is known here; {}",
            sniff::ADVICE
        )));
    }
    match problem {
        Some(problem) if !any => Err(Error::new(
            ErrorKind::Damaged,
            format!("nothing could be decoded: {problem}"),
        )),
        _ => Ok(Opened { decoder, block, any }),
    }
}

/// The error of content that is not read.
fn unsupported(message: String) -> Error {
    Error::new(ErrorKind::UnsupportedFormat, message)
}
