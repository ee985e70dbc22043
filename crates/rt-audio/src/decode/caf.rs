//! CAF with samples that need no packets.

use super::adpcm::{Kind, QUICKTIME_PACKET};
use super::plain::Header;
use super::samples::Encoding;
use super::{Input, Plain};
use crate::error::{Error, ErrorKind};
use crate::info::Container;
use crate::limits::Limits;
use crate::mix::Layout;

/// More chunks than this in front of the samples are not a sound file.
const MOST_CHUNKS: usize = 10_000;

/// What a CAF file turned out to hold.
pub(super) enum Opened {
    /// Plain samples.
    Plain(Box<Plain>),
    /// A codec in packets, by its four letters.
    Coded(Input, [u8; 4]),
}

/// What the description says.
struct Description {
    rate: f64,
    encoding: Option<Encoding>,
    big_endian: bool,
    channels: usize,
    codec: [u8; 4],
}

/// Opens a CAF file.
pub(super) fn open(mut input: Input, limits: &Limits) -> Result<Opened, Error> {
    let (mut description, mut layout) = (None, None);
    let mut at = 8;
    for _ in 0..MOST_CHUNKS {
        let mut chunk = [0; 12];
        if input.read_at(at, &mut chunk)? < chunk.len() {
            break;
        }
        let body = at + 12;
        let size = chunk[4..]
            .iter()
            .fold(0u64, |all, &byte| all << 8 | u64::from(byte));
        match &chunk[..4] {
            b"desc" => {
                let read = read_description(&mut input, body)?;
                match read.encoding {
                    Some(encoding) => description = Some((read, encoding)),
                    // Here, as the table of the packets may be more than a pipe goes back.
                    None => return Ok(Opened::Coded(input, read.codec)),
                }
            }
            b"chan" => layout = Some(read_layout(&mut input, body)?),
            b"data" => {
                let Some((description, encoding)) = description else {
                    return Err(damaged("the samples come before the description"));
                };
                let layout = layout
                    .map(|mask: u32| Layout::Speakers(mask.into()))
                    .filter(|layout| layout.channels() == description.channels);
                let header = Header {
                    container: Container::Caf,
                    encoding,
                    big_endian: description.big_endian,
                    rate: rounded(description.rate),
                    layout: layout.unwrap_or_else(|| Layout::usual(description.channels)),
                    // A count of edits stands in front of the samples.
                    start: body + 4,
                    size: i64::try_from(size).ok().map(|_| size.saturating_sub(4)),
                    frames: None,
                };
                return Ok(Opened::Plain(Box::new(Plain::new(input, header, limits)?)));
            }
            _ => {}
        }
        at = body.saturating_add(size);
    }
    Err(damaged("there is no data chunk"))
}

/// Reads the description of the samples.
fn read_description(input: &mut Input, body: u64) -> Result<Description, Error> {
    let mut bytes = [0; 32];
    if input.read_at(body, &mut bytes)? < bytes.len() {
        return Err(damaged("the description is cut"));
    }
    let number = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let mut rate = [0; 8];
    rate.copy_from_slice(&bytes[..8]);
    let codec = [bytes[8], bytes[9], bytes[10], bytes[11]];
    let (flags, packet, channels, bits) = (number(12), number(16), number(24), number(28));
    let float = flags & 1 != 0;
    let channels = usize::try_from(channels).unwrap_or(usize::MAX);
    let bytes_per_sample = usize::try_from(packet)
        .ok()
        .and_then(|packet| packet.checked_div(channels));
    let encoding = match (&codec, bytes_per_sample) {
        (b"lpcm", Some(4)) if float => Some(Encoding::F32),
        (b"lpcm", Some(8)) if float => Some(Encoding::F64),
        (b"lpcm", Some(bytes @ 1..=4)) if !float => {
            Encoding::integer(u16::try_from(bytes * 8).unwrap_or_default())
        }
        (b"lpcm", _) => {
            let name = format!("PCM with {bits} bits in packets of {packet} bytes");
            return Err(super::unsupported_codec(&name));
        }
        (b"alaw", _) => Some(Encoding::ALaw),
        (b"ulaw", _) => Some(Encoding::MuLaw),
        (b"ima4", _) => {
            let block = QUICKTIME_PACKET.0.saturating_mul(channels);
            Some(Encoding::Adpcm(
                Kind::ImaQuickTime,
                u16::try_from(block).unwrap_or_default(),
            ))
        }
        _ => None,
    };
    Ok(Description {
        rate: f64::from_be_bytes(rate),
        encoding,
        big_endian: flags & 2 == 0,
        channels,
        codec,
    })
}

/// The channel mask, whose bits are those of WAV; 0 if it is told otherwise.
fn read_layout(input: &mut Input, body: u64) -> Result<u32, Error> {
    let mut bytes = [0; 8];
    input.read_at(body, &mut bytes)?;
    let tag = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let mask = u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
    Ok(if tag == 1 << 16 { mask } else { 0 })
}

/// The rate in whole hertz: 0 if it is none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the conversion saturates, and a rate out of range is refused"
)]
fn rounded(rate: f64) -> u32 {
    rate.round() as u32
}

/// The error of a header that makes no sense.
fn damaged(what: &str) -> Error {
    Error::new(
        ErrorKind::Damaged,
        format!("the CAF header is damaged or cut: {what}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_bytes;

    /// 24 kHz mono.
    fn file(codec: &[u8; 4], flags: u8, packet: u8, size: i64, samples: &[u8]) -> Vec<u8> {
        let mut bytes = b"caff\0\x01\0\0desc\0\0\0\0\0\0\0\x20".to_vec();
        bytes.extend(24_000f64.to_be_bytes());
        bytes.extend(codec);
        bytes.extend([
            0,
            0,
            0,
            flags,
            0,
            0,
            0,
            packet,
            0,
            0,
            0,
            1,
            0,
            0,
            0,
            1,
            0,
            0,
            0,
            packet * 8,
        ]);
        bytes.extend(b"free\0\0\0\0\0\0\0\x03abcdata");
        bytes.extend(size.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(samples);
        bytes
    }

    #[test]
    fn samples_of_both_byte_orders_with_and_without_a_size() {
        for (codec, flags, packet, samples, expected) in [
            (b"lpcm", 0, 2, [0x12, 0x34, 0xff, 0xfe].as_slice(), [0x1234, -2]),
            (b"lpcm", 2, 2, &[0x34, 0x12, 0xfe, 0xff], [0x1234, -2]),
            (b"lpcm", 2, 3, &[0, 0x34, 0x12, 0, 0xfe, 0xff], [0x1234, -2]),
            (b"lpcm", 1, 4, &[0x3f, 0, 0, 0, 0xbf, 0, 0, 0], [16_384, -16_384]),
            (b"ulaw", 0, 1, &[0xff, 0x80], [0, 32_124]),
            (b"alaw", 0, 1, &[0xd5, 0xaa], [8, 32_256]),
        ] {
            let bytes = i64::try_from(samples.len()).unwrap();
            for size in [bytes + 4, -1] {
                let audio = read_bytes(file(codec, flags, packet, size, samples)).unwrap();
                assert_eq!(audio.to_samples(), expected, "{}", codec.escape_ascii());
            }
        }
    }

    #[test]
    fn a_pipe_may_have_a_long_table_of_packets() {
        let mut bytes = file(b"alac", 0, 0, -1, &[0; 8]);
        let table = [b"pakt".as_slice(), &100_000u64.to_be_bytes(), &[0; 100_000]].concat();
        bytes.splice(52..52, table);
        let piped = Input::stream(Box::new(std::io::Cursor::new(bytes.clone())));
        let Opened::Coded(input, codec) = open(piped, &Limits::default()).unwrap() else {
            panic!("these are no plain samples");
        };
        assert_eq!(&codec, b"alac");
        assert_eq!(
            input.into_seekable(1 << 20).unwrap().len(),
            Some(bytes.len() as u64)
        );
    }

    #[test]
    fn what_is_cut_or_impossible_is_an_error() {
        let kind = |bytes: Vec<u8>| read_bytes(bytes).unwrap_err().kind();
        let whole = file(b"lpcm", 0, 2, -1, &[0; 8]);
        assert_eq!(kind(whole[..40].to_vec()), ErrorKind::Damaged);
        assert_eq!(
            kind(file(b"lpcm", 0, 7, -1, &[0; 8])),
            ErrorKind::UnsupportedCodec
        );
        assert_eq!(kind(file(b"lpcm", 0, 2, 100, &[0; 8])), ErrorKind::Damaged);
        let mut endless = whole;
        endless[20..28].copy_from_slice(&f64::NAN.to_be_bytes());
        assert_eq!(kind(endless), ErrorKind::Damaged);
    }
}
