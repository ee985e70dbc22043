//! The header of a WAV file, with the liberties that pipes and recorders take.

use std::io::{Seek, SeekFrom};

use super::Input;
use super::samples::Encoding;
use crate::decode::sniff::ADVICE;
use crate::error::{Error, ErrorKind};
use crate::mix::Layout;

/// Sizes from here on are what programs write that cannot seek back.
const UNKNOWN_SIZE: u64 = 0x7fff_f000;

/// More chunks than this in front of the samples are not a sound file.
const MOST_CHUNKS: usize = 10_000;

/// What a header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
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
    /// Bytes of samples that are there.
    pub(super) bytes: u64,
    /// Bytes of samples that are declared and not there.
    pub(super) missing: u64,
}

impl Header {
    /// Bytes per frame.
    pub(super) fn frame_bytes(&self) -> usize {
        self.encoding.bytes() * self.layout.channels()
    }

    /// Whole frames that are there.
    pub(super) fn frames(&self) -> u64 {
        self.bytes / self.frame_bytes().max(1) as u64
    }

    /// Whole frames that are declared and not there.
    pub(super) fn missing_frames(&self) -> u64 {
        (self.bytes + self.missing) / self.frame_bytes().max(1) as u64 - self.frames()
    }
}

/// The content of a `fmt ` chunk.
struct Format {
    /// What kind of samples, after looking into WAVE_FORMAT_EXTENSIBLE.
    tag: u16,
    /// How many channels.
    channels: u16,
    /// Frames per second.
    rate: u32,
    /// Bytes per frame.
    align: u16,
    /// Bits per sample.
    bits: u16,
    /// Which speakers, or 0.
    mask: u32,
}

/// Numbers in the byte order of the file.
#[derive(Clone, Copy)]
struct Order {
    /// High byte first.
    big: bool,
}

impl Order {
    fn u16(self, bytes: &[u8], at: usize) -> u16 {
        let pair = [bytes[at], bytes[at + 1]];
        if self.big {
            u16::from_be_bytes(pair)
        } else {
            u16::from_le_bytes(pair)
        }
    }

    fn u32(self, bytes: &[u8], at: usize) -> u32 {
        let four = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        if self.big {
            u32::from_be_bytes(four)
        } else {
            u32::from_le_bytes(four)
        }
    }
}

/// Reads the header; `None` if the samples are coded in packets.
pub(super) fn read(input: &mut Input) -> Result<Option<Header>, Error> {
    let mut riff = [0; 12];
    read_at(input, 0, &mut riff)?;
    let order = Order {
        big: &riff[..4] == b"RIFX",
    };
    let mut long_size = None;
    let mut format = None;
    let mut at = 12;
    for _ in 0..MOST_CHUNKS {
        let mut chunk = [0; 8];
        if read_at(input, at, &mut chunk)? < chunk.len() {
            break;
        }
        let body = at + 8;
        let size = u64::from(order.u32(&chunk, 4));
        match &chunk[..4] {
            b"ds64" => {
                let mut sizes = [0; 16];
                read_at(input, body, &mut sizes)?;
                long_size = Some(u64::from(order.u32(&sizes, 8)) | u64::from(order.u32(&sizes, 12)) << 32);
            }
            b"fmt " => format = Some(read_format(input, order, body, size)?),
            b"data" => {
                let Some(format) = format else {
                    return Err(damaged("the samples come before the format chunk"));
                };
                let size = long_size.filter(|_| size == u64::from(u32::MAX)).unwrap_or(size);
                return header_of(input, &format, order, body, size);
            }
            _ => {}
        }
        at = next_chunk(input, body, size)?;
    }
    Err(damaged("there is no data chunk"))
}

/// Puts the parts together.
fn header_of(
    input: &mut Input,
    format: &Format,
    order: Order,
    start: u64,
    size: u64,
) -> Result<Option<Header>, Error> {
    let Some(encoding) = encoding_of(format)? else {
        return Ok(None);
    };
    if format.channels == 0 {
        return Err(damaged("the header declares no channels"));
    }
    let there = input.len().saturating_sub(start);
    let (bytes, missing) = if size <= there && size > 0 {
        (size, 0)
    } else if size >= UNKNOWN_SIZE {
        (there, 0)
    } else if size == 0 {
        (if is_chunk(input, start, there)? { 0 } else { there }, 0)
    } else {
        (there, size - there)
    };
    let channels = usize::from(format.channels);
    let layout = match Layout::Speakers(format.mask.into()) {
        given if given.channels() == channels => given,
        _ => Layout::usual(channels),
    };
    Ok(Some(Header {
        encoding,
        big_endian: order.big,
        rate: format.rate,
        layout,
        start,
        bytes,
        missing,
    }))
}

/// Reads a `fmt ` chunk.
fn read_format(input: &mut Input, order: Order, body: u64, size: u64) -> Result<Format, Error> {
    let mut bytes = [0; 40];
    let wanted = usize::try_from(size).unwrap_or(usize::MAX).min(bytes.len());
    let there = read_at(input, body, &mut bytes[..wanted])?;
    if there < 14 {
        return Err(damaged("the format chunk is cut"));
    }
    let mut tag = order.u16(&bytes, 0);
    let mut mask = 0;
    if tag == 0xfffe && there >= 26 {
        mask = order.u32(&bytes, 20);
        tag = order.u16(&bytes, 24);
    }
    Ok(Format {
        tag,
        channels: order.u16(&bytes, 2),
        rate: order.u32(&bytes, 4),
        align: order.u16(&bytes, 12),
        bits: order.u16(&bytes, 14),
        mask,
    })
}

/// How samples are written; `None` if they are coded in packets that are decoded elsewhere.
fn encoding_of(format: &Format) -> Result<Option<Encoding>, Error> {
    // The size of the container decides, not the bits used in it: those are the high ones.
    let by_align = format
        .align
        .checked_div(format.channels)
        .filter(|&bytes| bytes > 0);
    let bytes = by_align.unwrap_or_else(|| format.bits.div_ceil(8));
    let name = match (format.tag, bytes) {
        (1, 1) => return Ok(Some(Encoding::U8)),
        (1, 2) => return Ok(Some(Encoding::I16)),
        (1, 3) => return Ok(Some(Encoding::I24)),
        (1, 4) => return Ok(Some(Encoding::I32)),
        (3, 4) => return Ok(Some(Encoding::F32)),
        (3, 8) => return Ok(Some(Encoding::F64)),
        (6, 1) => return Ok(Some(Encoding::ALaw)),
        (7, 1) => return Ok(Some(Encoding::MuLaw)),
        (0x02 | 0x11, _) => return Ok(None),
        (1 | 3, bytes) => return Err(unsupported(&format!("PCM with {bytes} bytes per sample"))),
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
        (tag, _) => return Err(unsupported(&format!("WAV format tag {tag:#06x}"))),
    };
    Err(unsupported(name))
}

/// Where the chunk after this one starts. Chunks of odd size are followed by a byte of padding, but not
/// every program writes it.
fn next_chunk(input: &mut Input, body: u64, size: u64) -> Result<u64, Error> {
    let end = body.saturating_add(size);
    if size.is_multiple_of(2) {
        return Ok(end);
    }
    let mut ids = [0; 5];
    read_at(input, end, &mut ids)?;
    Ok(if !is_id(&ids[1..]) && is_id(&ids[..4]) {
        end
    } else {
        end.saturating_add(1)
    })
}

/// Whether these are four printable characters, as the name of a chunk is.
fn is_id(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| (0x20..0x7f).contains(&byte))
}

/// Whether what is left of the file looks like chunks and not like samples, or is nothing.
fn is_chunk(input: &mut Input, at: u64, left: u64) -> Result<bool, Error> {
    let mut chunk = [0; 8];
    let there = read_at(input, at, &mut chunk)?;
    let size = u64::from(u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]));
    Ok(there < chunk.len() || (is_id(&chunk[..4]) && size + 8 <= left))
}

/// Fills the buffer from a place in the file; returns how many bytes there were.
fn read_at(input: &mut Input, at: u64, buffer: &mut [u8]) -> Result<usize, Error> {
    if at >= input.len() {
        return Ok(0);
    }
    input
        .seek(SeekFrom::Start(at))
        .and_then(|_| input.fill(buffer))
        .map_err(|error| Error::io("reading the header failed", error))
}

fn damaged(what: &str) -> Error {
    Error::new(
        ErrorKind::Damaged,
        format!("the WAV header is damaged or cut: {what}"),
    )
}

fn unsupported(name: &str) -> Error {
    Error::new(
        ErrorKind::UnsupportedCodec,
        format!("unsupported codec: {name}; {ADVICE}"),
    )
}
