//! Samples without packets, whichever header stands in front of them.

use std::io::{Seek, SeekFrom};

use super::samples::{Encoding, Unpacker};
use super::{Block, Decoder, Health, Input};
use crate::error::{Error, ErrorKind};
use crate::info::{Container, Info, duration_of};
use crate::limits::Limits;
use crate::mix::Layout;

/// About how many bytes are read at once: as many whole units as fit.
const READ: usize = 64 * 1024;

/// Sizes from here on are what programs write that cannot seek back.
const UNKNOWN_SIZE: u64 = 0x7fff_f000;

/// The same for AIFF, for which sox writes 0x7F000000.
const UNKNOWN_AIFF_SIZE: u64 = 0x7eff_f000;

/// What a header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// The container.
    pub(super) container: Container,
    /// How a sample is written.
    pub(super) encoding: Encoding,
    /// Whether it is written with the high byte first.
    pub(super) big_endian: bool,
    /// Frames per second.
    pub(super) rate: u32,
    /// What the channels are.
    pub(super) layout: Layout,
    /// Where the samples start.
    pub(super) start: u64,
    /// Bytes of samples that are declared; `None` if they go on to the end.
    pub(super) size: Option<u64>,
    /// Frames that are declared, for encodings that fill up their last block.
    pub(super) frames: Option<u64>,
}

impl Header {
    /// Whole frames in so many bytes.
    fn frames_in(&self, bytes: u64) -> u64 {
        let channels = self.layout.channels();
        let (unit, per_unit) = self.encoding.unit(channels);
        let whole = (bytes / unit as u64).saturating_mul(per_unit as u64);
        let rest = usize::try_from(bytes % unit as u64).unwrap_or_default();
        let frames = whole.saturating_add(self.encoding.frames_in_part(rest, channels) as u64);
        // The last block may be filled up; a number that is off by more than a block is wrong.
        match self.frames {
            Some(told) if told <= frames && frames - told < per_unit as u64 => told,
            _ => frames,
        }
    }
}

/// A size as pipes and recorders write it: `None` if it is not known.
///
/// A size of 0 is one of the ways not to know, unless other chunks follow.
pub(super) fn declared(size: u64, rest_is_chunks: bool) -> Option<u64> {
    match size {
        0 if !rest_is_chunks => None,
        size => Some(size),
    }
}

/// The state of reading.
pub(super) struct Plain {
    /// What the header says, in our words.
    info: Info,
    /// What the header says.
    header: Header,
    /// The file, at the next sample.
    input: Input,
    /// Bytes of samples still to come, if that is known.
    left: Option<u64>,
    /// Frames still to come at most.
    frames: u64,
    /// Turns bytes into samples.
    unpacker: Unpacker,
    /// Bytes as they were read.
    buffer: Vec<u8>,
    /// Whether the end was reached.
    ended: bool,
    /// What was wrong so far.
    health: Health,
}

impl Plain {
    /// Checks the header and goes to the first sample.
    pub(super) fn new(mut input: Input, header: Header, limits: &Limits) -> Result<Self, Error> {
        let channels = header.layout.channels();
        limits.check_format(header.rate, channels)?;
        let (unit, _) = header.encoding.unit(channels);
        if unit == 0 || unit > 1 << 20 {
            let message = "the header is damaged: impossible size of a block";
            return Err(Error::new(ErrorKind::Damaged, message));
        }
        let there = input.len().map(|len| len.saturating_sub(header.start));
        let unknown = match header.container {
            Container::Aiff => UNKNOWN_AIFF_SIZE,
            _ => UNKNOWN_SIZE,
        };
        let size = match (header.size, there) {
            (Some(size), Some(there)) if size > there && size >= unknown => None,
            (Some(size), None) if size >= unknown => None,
            (size, _) => size,
        };
        let known = size.or(there).map(|bytes| header.frames_in(bytes));
        let certain = match (size, there) {
            (Some(size), Some(there)) => Some(size.min(there)),
            (size, there) => size.or(there),
        };
        if let Some(bytes) = certain {
            limits.check_duration(duration_of(header.frames_in(bytes), header.rate))?;
        }
        input
            .seek(SeekFrom::Start(header.start))
            .map_err(|error| Error::io("seeking failed", error))?;
        let info = Info {
            container: header.container,
            codec: header.encoding.codec(),
            sample_rate: header.rate,
            channels: u16::try_from(channels).unwrap_or(u16::MAX),
            duration: known.map(|frames| duration_of(frames, header.rate)),
            estimated: false,
        };
        Ok(Self {
            info,
            input,
            left: size,
            frames: known.unwrap_or(u64::MAX),
            unpacker: Unpacker::new(header.encoding, header.big_endian, channels),
            header,
            buffer: Vec::new(),
            ended: false,
            health: Health::default(),
        })
    }

    /// Notes how many frames did not come, if their number was declared.
    fn end(&mut self) {
        self.ended = true;
        if self.left.is_some_and(|left| left > 0) && self.frames > 0 {
            self.health.note("the file ends early");
            self.health.missing = Some(self.frames);
        }
    }
}

impl Decoder for Plain {
    fn info(&self) -> &Info {
        &self.info
    }

    fn next_block(&mut self, block: &mut Block) -> Result<bool, Error> {
        block.samples.clear();
        (block.rate, block.layout) = (self.header.rate, self.header.layout);
        if self.ended {
            return Ok(false);
        }
        let channels = self.header.layout.channels();
        let (unit, _) = self.header.encoding.unit(channels);
        let most = (READ / unit).max(1) * unit;
        let left = self.left.unwrap_or(u64::MAX);
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(most);
        self.buffer.resize(want, 0);
        let got = self.input.fill(&mut self.buffer).map_err(|error| {
            self.ended = true;
            Error::io("reading failed", error)
        })?;
        self.buffer.truncate(got);
        self.left = self.left.map(|left| left - got as u64);
        self.unpacker.unpack(&mut self.buffer, &mut block.samples);
        let frames = (block.samples.len() / channels) as u64;
        if frames > self.frames {
            let keep = usize::try_from(self.frames).unwrap_or(usize::MAX);
            block.samples.truncate(keep.saturating_mul(channels));
        }
        self.frames = self.frames.saturating_sub(frames);
        if got < want || self.left == Some(0) {
            self.end();
        }
        Ok(!block.samples.is_empty())
    }

    fn health(&self) -> &Health {
        &self.health
    }
}
