//! The `fmt ` chunk of WAV and Wave64.

use crate::decode::adpcm;
use crate::decode::samples::Encoding;
use crate::decode::{Input, unsupported_codec};
use crate::error::{Error, ErrorKind};
use crate::mix::Layout;

/// Numbers in the byte order of the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    /// High byte first.
    pub(super) big: bool,
}

impl Order {
    pub(super) fn u16(self, bytes: &[u8], at: usize) -> u16 {
        let pair = [bytes[at], bytes[at + 1]];
        if self.big {
            u16::from_be_bytes(pair)
        } else {
            u16::from_le_bytes(pair)
        }
    }

    pub(super) fn u32(self, bytes: &[u8], at: usize) -> u32 {
        let four = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        if self.big {
            u32::from_be_bytes(four)
        } else {
            u32::from_le_bytes(four)
        }
    }
}

/// The content of a `fmt ` chunk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Format {
    /// What kind of samples, after looking into WAVE_FORMAT_EXTENSIBLE.
    tag: u16,
    /// How many channels.
    channels: u16,
    /// Frames per second.
    pub(super) rate: u32,
    /// Bytes per frame or block.
    align: u16,
    /// Bits per sample.
    bits: u16,
    /// Which speakers, or 0.
    mask: u32,
}

impl Format {
    /// Reads the chunk.
    pub(super) fn read(input: &mut Input, order: Order, body: u64, size: u64) -> Result<Self, Error> {
        let mut bytes = [0; 40];
        let wanted = usize::try_from(size).unwrap_or(usize::MAX).min(bytes.len());
        let there = input.read_at(body, &mut bytes[..wanted])?;
        if there < 14 {
            return Err(damaged("the format chunk is cut"));
        }
        let mut tag = order.u16(&bytes, 0);
        let mut mask = 0;
        if tag == 0xfffe && there >= 26 {
            mask = order.u32(&bytes, 20);
            tag = order.u16(&bytes, 24);
        }
        Ok(Self {
            tag,
            channels: order.u16(&bytes, 2),
            rate: order.u32(&bytes, 4),
            align: order.u16(&bytes, 12),
            bits: order.u16(&bytes, 14),
            mask,
        })
    }

    /// Where the channels belong.
    pub(super) fn layout(&self) -> Result<Layout, Error> {
        match (usize::from(self.channels), Layout::Speakers(self.mask.into())) {
            (0, _) => Err(damaged("the header declares no channels")),
            (channels, given) if given.channels() == channels => Ok(given),
            (channels, _) => Ok(Layout::usual(channels)),
        }
    }

    /// How samples are written, or the error that they cannot be read.
    pub(super) fn encoding(&self) -> Result<Encoding, Error> {
        // The size of the container decides, not the bits used in it: those are the high ones.
        let by_align = self.align.checked_div(self.channels).filter(|&bytes| bytes > 0);
        let bytes = by_align.unwrap_or_else(|| self.bits.div_ceil(8));
        let name = match (self.tag, bytes) {
            (1, 1) => return Ok(Encoding::U8),
            (1, 2) => return Ok(Encoding::I16),
            (1, 3) => return Ok(Encoding::I24),
            (1, 4) => return Ok(Encoding::I32),
            (3, 4) => return Ok(Encoding::F32),
            (3, 8) => return Ok(Encoding::F64),
            (6, 1) => return Ok(Encoding::ALaw),
            (7, 1) => return Ok(Encoding::MuLaw),
            (0x02 | 0x11, _) if self.bits != 4 => "ADPCM with other than 4 bits per sample",
            (0x02, _) => return self.adpcm(adpcm::Kind::Microsoft),
            (0x11, _) => return self.adpcm(adpcm::Kind::ImaWav),
            (1 | 3, bytes) => return Err(unsupported_codec(&format!("PCM with {bytes} bytes per sample"))),
            (0x31, _) => "GSM 06.10",
            (0x40 | 0x45 | 0x64 | 0x14, _) => "G.726",
            (0x50, _) => "MPEG audio",
            (0x55, _) => "MP3 in WAV",
            (0x61, _) => "Duck ADPCM",
            (0x65 | 0x028f, _) => "G.722",
            (0x83, _) => "G.729",
            (0x160..=0x163, _) => "Windows Media Audio",
            (0x674f..=0x6771, _) => "Vorbis in WAV",
            (0x704f, _) => "Opus in WAV",
            (0xf1ac, _) => "FLAC in WAV",
            (0xff | 0x1610, _) => "AAC in WAV",
            (tag, _) => return Err(unsupported_codec(&format!("WAV format tag {tag:#06x}"))),
        };
        Err(unsupported_codec(name))
    }

    /// ADPCM, if the blocks can hold anything.
    fn adpcm(&self, kind: adpcm::Kind) -> Result<Encoding, Error> {
        if kind.frames(self.align.into(), self.channels.into()) == 0 {
            return Err(damaged("impossible size of a block"));
        }
        Ok(Encoding::Adpcm(kind, self.align))
    }
}

/// The error of a header that makes no sense.
pub(super) fn damaged(what: &str) -> Error {
    Error::new(
        ErrorKind::Damaged,
        format!("the WAV header is damaged or cut: {what}"),
    )
}
