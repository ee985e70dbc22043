//! WAV with samples that need no codec, whatever its header looks like.

mod header;
mod samples;

use std::io::{Seek, SeekFrom};

use super::{Block, Decoder, Health, Input};
use crate::error::Error;
use crate::info::{Container, Info, duration_of};
use crate::limits::Limits;
use header::Header;

/// About how many bytes are read at once: as many whole frames as fit.
const READ: usize = 64 * 1024;

/// What a WAV file turned out to hold.
pub(super) enum Opened {
    /// Plain samples.
    Plain(Wav),
    /// A codec in packets: the input is at its start again.
    Coded(Input),
}

/// The state of reading.
pub(super) struct Wav {
    /// What the header says, in our words.
    info: Info,
    /// What the header says.
    header: Header,
    /// The file, at the next sample.
    input: Input,
    /// Bytes of samples still to come.
    left: u64,
    /// Bytes as they were read.
    buffer: Vec<u8>,
    /// What was wrong so far.
    health: Health,
}

/// Reads the header and makes the decoder.
pub(super) fn open(mut input: Input, limits: &Limits) -> Result<Opened, Error> {
    let Some(header) = header::read(&mut input)? else {
        input
            .rewind()
            .map_err(|error| Error::io("seeking failed", error))?;
        return Ok(Opened::Coded(input));
    };
    limits.check_format(header.rate, header.layout.channels())?;
    let frames = header.frames();
    let duration = duration_of(frames + header.missing_frames(), header.rate);
    limits.check_duration(duration_of(frames, header.rate))?;
    input
        .seek(SeekFrom::Start(header.start))
        .map_err(|error| Error::io("seeking failed", error))?;
    let info = Info {
        container: Container::Wav,
        codec: header.encoding.codec(),
        sample_rate: header.rate,
        channels: u16::try_from(header.layout.channels()).unwrap_or(u16::MAX),
        duration: Some(duration),
        estimated: false,
    };
    let left = frames * header.frame_bytes() as u64;
    Ok(Opened::Plain(Wav {
        info,
        header,
        input,
        left,
        buffer: Vec::new(),
        health: Health::default(),
    }))
}

impl Wav {
    /// Notes that so many frames did not come.
    fn end(&mut self, frames: u64) {
        self.left = 0;
        if frames > 0 {
            self.health.note("the file ends early");
            self.health.missing = Some(frames);
        }
    }
}

impl Decoder for Wav {
    fn info(&self) -> &Info {
        &self.info
    }

    fn next_block(&mut self, block: &mut Block) -> Result<bool, Error> {
        let frame = self.header.frame_bytes();
        let most = (READ / frame).max(1) * frame;
        let want = usize::try_from(self.left).unwrap_or(usize::MAX).min(most);
        self.buffer.resize(want, 0);
        let got = self.input.fill(&mut self.buffer).map_err(|error| {
            self.left = 0;
            Error::io("reading failed", error)
        })?;
        let whole = got - got % frame;
        self.left -= whole as u64;
        if got < want || self.left == 0 {
            self.end(self.left / frame as u64 + self.header.missing_frames());
        }
        self.buffer.truncate(whole);
        block.samples.clear();
        samples::decode(
            self.header.encoding,
            self.header.big_endian,
            &mut self.buffer,
            &mut block.samples,
        );
        (block.rate, block.layout) = (self.header.rate, self.header.layout);
        Ok(whole > 0)
    }

    fn health(&self) -> &Health {
        &self.health
    }
}

#[cfg(test)]
mod tests;
