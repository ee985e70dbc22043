//! AIFF and AIFF-C.

use super::adpcm::{Kind, QUICKTIME_PACKET};
use super::plain::{Header, declared};
use super::samples::Encoding;
use super::{Input, Plain, unsupported_codec};
use crate::error::{Error, ErrorKind};
use crate::info::Container;
use crate::limits::Limits;
use crate::mix::Layout;

/// More chunks than this are not a sound file.
const MOST_CHUNKS: usize = 10_000;

/// What the common chunk says.
struct Common {
    channels: usize,
    rate: u32,
    encoding: Encoding,
    big_endian: bool,
}

/// Opens an AIFF file.
pub(super) fn open(mut input: Input, limits: &Limits) -> Result<Plain, Error> {
    let header = read(&mut input)?;
    Plain::new(input, header, limits)
}

/// Reads the chunks. The samples may stand in front of what describes them.
fn read(input: &mut Input) -> Result<Header, Error> {
    let (mut common, mut sound) = (None, None);
    let mut at = 12;
    for _ in 0..MOST_CHUNKS {
        let mut chunk = [0; 8];
        if (common.is_some() && sound.is_some()) || input.read_at(at, &mut chunk)? < chunk.len() {
            break;
        }
        let size = u64::from(u32::from_be_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]));
        let body = at + 8;
        match &chunk[..4] {
            b"COMM" => common = Some(read_common(input, body, size)?),
            b"SSND" => {
                let mut offset = [0; 4];
                input.read_at(body, &mut offset)?;
                let offset = u64::from(u32::from_be_bytes(offset));
                let bytes = declared(size, false).map(|size| size.saturating_sub(8 + offset));
                sound = Some((body + 8 + offset, bytes));
            }
            _ => {}
        }
        at = body.saturating_add(size).saturating_add(size % 2);
    }
    let Some(common) = common else {
        return Err(damaged("there is no common chunk"));
    };
    let Some((start, size)) = sound else {
        return Err(damaged("there is no sound chunk"));
    };
    Ok(Header {
        container: Container::Aiff,
        encoding: common.encoding,
        big_endian: common.big_endian,
        rate: common.rate,
        layout: Layout::usual(common.channels),
        start,
        size,
        frames: None,
    })
}

/// Reads the common chunk.
fn read_common(input: &mut Input, body: u64, size: u64) -> Result<Common, Error> {
    let mut bytes = [0; 22];
    let wanted = usize::try_from(size).unwrap_or(usize::MAX).min(bytes.len());
    let there = input.read_at(body, &mut bytes[..wanted])?;
    if there < 18 {
        return Err(damaged("the common chunk is cut"));
    }
    let channels = u16::from_be_bytes([bytes[0], bytes[1]]);
    let bits = u16::from_be_bytes([bytes[6], bytes[7]]);
    let integer = || {
        let name = format!("PCM with {bits} bits per sample");
        Encoding::integer(bits).ok_or_else(|| unsupported_codec(&name))
    };
    let mut big_endian = true;
    let encoding = match &bytes[18..22] {
        // Without a compression type it is plain AIFF.
        _ if there < 22 => integer()?,
        b"NONE" | b"twos" => integer()?,
        b"sowt" => {
            big_endian = false;
            integer()?
        }
        b"raw " => Encoding::U8,
        b"in24" => Encoding::I24,
        b"in32" => Encoding::I32,
        b"42ni" => {
            big_endian = false;
            Encoding::I24
        }
        b"23ni" => {
            big_endian = false;
            Encoding::I32
        }
        b"fl32" | b"FL32" => Encoding::F32,
        b"fl64" | b"FL64" => Encoding::F64,
        b"alaw" | b"ALAW" => Encoding::ALaw,
        b"ulaw" | b"ULAW" => Encoding::MuLaw,
        b"ima4" => {
            let block = u16::try_from(QUICKTIME_PACKET.0 * usize::from(channels));
            Encoding::Adpcm(Kind::ImaQuickTime, block.unwrap_or_default())
        }
        b"GSM " | b"agsm" => return Err(unsupported_codec("GSM 06.10")),
        b"G722" => return Err(unsupported_codec("G.722")),
        other => {
            let name = format!("AIFF-C compression type {}", other.escape_ascii());
            return Err(unsupported_codec(&name));
        }
    };
    Ok(Common {
        channels: channels.into(),
        rate: extended(&bytes[8..18]),
        encoding,
        big_endian,
    })
}

/// An 80-bit float as a number of hertz: 0 if it is none that fits.
fn extended(bytes: &[u8]) -> u32 {
    let exponent = i32::from(u16::from_be_bytes([bytes[0], bytes[1]]) & 0x7fff) - 16_383;
    let mantissa = bytes[2..10]
        .iter()
        .fold(0u64, |all, &byte| all << 8 | u64::from(byte));
    let negative = bytes[0] & 0x80 != 0;
    match u32::try_from(63 - exponent) {
        // The highest bit stands for 2 to the power of the exponent; what is below 1 is rounded.
        Ok(shift @ 1..=63) if !negative => {
            let rounded = (u128::from(mantissa) + (1u128 << (shift - 1))) >> shift;
            u32::try_from(rounded).unwrap_or_default()
        }
        _ => 0,
    }
}

/// The error of a header that makes no sense.
fn damaged(what: &str) -> Error {
    Error::new(
        ErrorKind::Damaged,
        format!("the AIFF header is damaged or cut: {what}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, read_bytes};

    fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len()).unwrap();
        let padding: &[u8] = if body.len() % 2 == 1 { &[0] } else { &[] };
        [id.as_slice(), &size.to_be_bytes(), body, padding].concat()
    }

    /// 24 kHz mono.
    fn file(kind: Option<&[u8; 4]>, bits: u8, samples: &[u8]) -> Vec<u8> {
        let mut common = vec![0, 1, 0, 0, 0, 2, 0, bits];
        common.extend(b"\x40\x0d\xbb\x80\0\0\0\0\0\0");
        common.extend(kind.into_iter().flatten());
        let sound = [&[0; 8], samples].concat();
        let chunks = [
            b"AIFF".to_vec(),
            chunk(b"NAME", b"odd"),
            chunk(b"COMM", &common),
            chunk(b"SSND", &sound),
        ];
        chunk(b"FORM", &chunks.concat())
    }

    #[test]
    fn rates_are_floats_of_80_bits() {
        for (bytes, rate) in [
            (b"\x40\x0d\xbb\x80\0\0\0\0\0\0", 24_000),
            (b"\x40\x0e\xac\x44\0\0\0\0\0\0", 44_100),
            (b"\x40\x0b\xfa\0\0\0\0\0\0\0", 8_000),
            (b"\x40\x0d\xad\xdd\x17\x46\0\0\0\0", 22_255), // 22,254.5
            (b"\0\0\0\0\0\0\0\0\0\0", 0),
            (b"\xc0\x0e\xac\x44\0\0\0\0\0\0", 0),
            (b"\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff", 0),
        ] {
            assert_eq!(extended(bytes), rate);
        }
    }

    #[test]
    fn every_compression_type() {
        for (kind, bits, samples) in [
            (None, 16, [0x12, 0x34, 0xff, 0xfe].as_slice()),
            (None, 12, &[0x12, 0x34, 0xff, 0xfe]),
            (Some(b"NONE"), 24, &[0x12, 0x34, 0, 0xff, 0xfe, 0]),
            (Some(b"twos"), 16, &[0x12, 0x34, 0xff, 0xfe]),
            (Some(b"sowt"), 16, &[0x34, 0x12, 0xfe, 0xff]),
            (Some(b"in32"), 32, &[0x12, 0x34, 0, 0, 0xff, 0xfe, 0, 0]),
        ] {
            assert_eq!(
                read_bytes(file(kind, bits, samples)).unwrap().to_samples(),
                [0x1234, -2]
            );
        }
        let float = file(Some(b"fl32"), 32, &[0x3f, 0, 0, 0, 0xbf, 0, 0, 0]);
        assert_eq!(read_bytes(float).unwrap().to_samples(), [16_384, -16_384]);
        let law = file(Some(b"ulaw"), 16, &[0xff, 0x80]);
        assert_eq!(read_bytes(law).unwrap().to_samples(), [0, 32_124]);
        let error = read_bytes(file(Some(b"MAC6"), 8, &[0; 4])).unwrap_err();
        assert!(error.to_string().contains("MAC6"), "{error}");
    }

    #[test]
    fn sizes_that_pipes_write_are_read_whole() {
        let samples = [0x12, 0x34, 0xff, 0xfe];
        let whole = file(None, 16, &samples);
        let at = whole.len() - samples.len() - 12;
        for size in [0, 0x7f00_0008, 0x7fff_f000, u32::MAX] {
            let mut piped = whole.clone();
            piped[at..at + 4].copy_from_slice(&size.to_be_bytes());
            let stream = Source::from_stream(std::io::Cursor::new(piped.clone())).unwrap();
            assert!(stream.info().duration.is_none(), "size {size:#x}");
            for source in [stream, Source::from_bytes(piped).unwrap()] {
                let (audio, report) = source.read_to_end().unwrap();
                assert_eq!(audio.to_samples(), [0x1234, -2], "size {size:#x}");
                assert!(report.is_complete(), "size {size:#x}: {report}");
            }
        }
    }

    #[test]
    fn a_cut_file_gives_what_is_there() {
        let whole = file(None, 16, &[1; 1000]);
        let (audio, report) = Source::from_bytes(whole[..whole.len() - 400].to_vec())
            .unwrap()
            .read_to_end()
            .unwrap();
        assert_eq!(audio.len(), 300);
        assert!(!report.is_complete() && report.missing.is_some(), "{report}");
        for cut in 12..68 {
            let error = Source::from_bytes(whole[..cut].to_vec()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Damaged, "cut at {cut}");
        }
    }
}
