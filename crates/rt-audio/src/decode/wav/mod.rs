//! WAV, whatever its header looks like: RIFF, RIFX, RF64, BW64 and Sony Wave64.

mod format;

use super::plain::{Header, declared};
use super::{Input, Plain};
use crate::error::Error;
use crate::info::Container;
use crate::limits::Limits;
use format::{Format, Order, damaged};

/// More chunks than this in front of the samples are not a sound file.
const MOST_CHUNKS: usize = 10_000;

/// What the names of Wave64's chunks end with, after the four letters; `riff` alone ends otherwise.
const WAVE64: &[u8; 12] = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a";

/// What stands in front of a chunk in Wave64.
const WAVE64_HEAD: u64 = 24;

/// Opens RIFF and its relatives.
pub(super) fn open(mut input: Input, limits: &Limits) -> Result<Plain, Error> {
    let header = read(&mut input)?;
    Plain::new(input, header, limits)
}

/// Opens Wave64.
pub(super) fn open_wave64(mut input: Input, limits: &Limits) -> Result<Plain, Error> {
    let header = read_wave64(&mut input)?;
    Plain::new(input, header, limits)
}

/// Reads the chunks up to the samples.
fn read(input: &mut Input) -> Result<Header, Error> {
    let mut riff = [0; 12];
    input.read_at(0, &mut riff)?;
    let order = Order {
        big: &riff[..4] == b"RIFX",
    };
    let (mut long_size, mut format, mut frames) = (None, None, None);
    let mut at = 12;
    for _ in 0..MOST_CHUNKS {
        let mut chunk = [0; 8];
        if input.read_at(at, &mut chunk)? < chunk.len() {
            break;
        }
        let body = at + 8;
        let size = u64::from(order.u32(&chunk, 4));
        match &chunk[..4] {
            b"ds64" => {
                let mut sizes = [0; 16];
                input.read_at(body, &mut sizes)?;
                long_size = Some(u64::from(order.u32(&sizes, 8)) | u64::from(order.u32(&sizes, 12)) << 32);
            }
            b"fmt " => format = Some(Format::read(input, order, body, size)?),
            b"fact" if size >= 4 => {
                let mut told = [0; 4];
                input.read_at(body, &mut told)?;
                frames = Some(u64::from(order.u32(&told, 0)));
            }
            b"data" => {
                let size = match long_size {
                    // A pipe leaves this one at 0.
                    Some(long) if size == u64::from(u32::MAX) => {
                        declared(long, long == 0 && is_chunk(input, body)?)
                    }
                    _ => declared(size, size == 0 && is_chunk(input, body)?),
                };
                return header_of(format, order, body, size, frames);
            }
            _ => {}
        }
        at = next_chunk(input, body, size)?;
    }
    Err(damaged("there is no data chunk"))
}

/// Reads the chunks of Wave64 up to the samples.
fn read_wave64(input: &mut Input) -> Result<Header, Error> {
    let order = Order { big: false };
    let (mut format, mut frames) = (None, None);
    let mut at = 40;
    for _ in 0..MOST_CHUNKS {
        let mut chunk = [0; 24];
        if input.read_at(at, &mut chunk)? < chunk.len() {
            break;
        }
        let body = at + WAVE64_HEAD;
        let size = u64::from(order.u32(&chunk, 16)) | u64::from(order.u32(&chunk, 20)) << 32;
        let inside = size.saturating_sub(WAVE64_HEAD);
        if &chunk[4..16] == WAVE64 {
            match &chunk[..4] {
                b"fmt " => format = Some(Format::read(input, order, body, inside)?),
                b"fact" if inside >= 4 => {
                    let mut told = [0; 4];
                    input.read_at(body, &mut told)?;
                    frames = Some(u64::from(order.u32(&told, 0)));
                }
                b"data" => {
                    // The size of a pipe is 0 or all ones.
                    let size = Some(inside).filter(|&inside| inside > 0 && inside < u64::MAX >> 1);
                    return header_of(format, order, body, size, frames);
                }
                _ => {}
            }
        }
        at = at.saturating_add(size.max(WAVE64_HEAD).saturating_add(7) & !7);
    }
    Err(damaged("there is no data chunk"))
}

/// Puts the parts together.
fn header_of(
    format: Option<Format>,
    order: Order,
    start: u64,
    size: Option<u64>,
    frames: Option<u64>,
) -> Result<Header, Error> {
    let Some(format) = format else {
        return Err(damaged("the samples come before the format chunk"));
    };
    Ok(Header {
        container: Container::Wav,
        encoding: format.encoding()?,
        big_endian: order.big,
        rate: format.rate,
        layout: format.layout()?,
        start,
        size,
        frames,
    })
}

/// Where the chunk after this one starts. Chunks of odd size are followed by a byte of padding, but not
/// every program writes it.
fn next_chunk(input: &mut Input, body: u64, size: u64) -> Result<u64, Error> {
    let end = body.saturating_add(size);
    if size.is_multiple_of(2) {
        return Ok(end);
    }
    let mut ids = [0; 5];
    input.read_at(end, &mut ids)?;
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
fn is_chunk(input: &mut Input, at: u64) -> Result<bool, Error> {
    let mut chunk = [0; 8];
    let there = input.read_at(at, &mut chunk)?;
    let size = u64::from(u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]));
    let left = input.len().map_or(1 << 20, |len| len.saturating_sub(at));
    Ok(there < chunk.len() || (is_id(&chunk[..4]) && size + 8 <= left))
}

#[cfg(test)]
mod tests;
