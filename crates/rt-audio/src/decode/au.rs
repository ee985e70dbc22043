//! AU, the sound files of Sun and NeXT.

use super::plain::Header;
use super::samples::Encoding;
use super::{Input, Plain, unsupported_codec};
use crate::error::{Error, ErrorKind};
use crate::info::Container;
use crate::limits::Limits;
use crate::mix::Layout;

/// Opens an AU file.
pub(super) fn open(mut input: Input, limits: &Limits) -> Result<Plain, Error> {
    let header = read(&mut input)?;
    Plain::new(input, header, limits)
}

/// Reads the header: six numbers of four bytes.
fn read(input: &mut Input) -> Result<Header, Error> {
    let mut bytes = [0; 24];
    let there = input.read_at(0, &mut bytes)?;
    let number = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    if there < bytes.len() || number(4) < 24 {
        let message = "the AU header is damaged or cut";
        return Err(Error::new(ErrorKind::Damaged, message));
    }
    let encoding = match number(12) {
        1 => Encoding::MuLaw,
        2 => Encoding::I8,
        3 => Encoding::I16,
        4 => Encoding::I24,
        5 => Encoding::I32,
        6 => Encoding::F32,
        7 => Encoding::F64,
        27 => Encoding::ALaw,
        23 | 25 | 26 => return Err(unsupported_codec("G.726")),
        24 => return Err(unsupported_codec("G.722")),
        other => return Err(unsupported_codec(&format!("AU encoding {other}"))),
    };
    let channels = usize::try_from(number(20)).unwrap_or(usize::MAX);
    Ok(Header {
        container: Container::Au,
        encoding,
        big_endian: true,
        rate: number(16),
        layout: Layout::usual(channels),
        start: number(4).into(),
        // The size is often left open, with all bits set or none.
        size: Some(number(8))
            .filter(|&size| size > 0 && size < u32::MAX)
            .map(u64::from),
        frames: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Codec, Source, read_bytes};

    fn file(size: u32, encoding: u32, channels: u32, samples: &[u8]) -> Vec<u8> {
        let numbers = [28, size, encoding, 24_000, channels];
        let numbers = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
        [b".snd".to_vec(), numbers, b"note".to_vec(), samples.to_vec()].concat()
    }

    #[test]
    fn every_encoding() {
        for (encoding, samples, codec, expected) in [
            (1, [0xff, 0x80].as_slice(), Codec::MuLaw, [0, 32_124]),
            (2, &[0, 0x40], Codec::Pcm, [0, 16_384]),
            (3, &[0x12, 0x34, 0xff, 0xfe], Codec::Pcm, [0x1234, -2]),
            (4, &[0x12, 0x34, 0, 0xff, 0xfe, 0], Codec::Pcm, [0x1234, -2]),
            (5, &[0x12, 0x34, 0, 0, 0xff, 0xfe, 0, 0], Codec::Pcm, [0x1234, -2]),
            (
                6,
                &[0x3f, 0, 0, 0, 0xbf, 0x80, 0, 0],
                Codec::Float,
                [16_384, -32_768],
            ),
            (27, &[0xd5, 0xaa], Codec::ALaw, [8, 32_256]),
        ] {
            for size in [u32::try_from(samples.len()).unwrap(), u32::MAX, 0] {
                let bytes = file(size, encoding, 1, samples);
                let source = Source::from_bytes(bytes).unwrap();
                assert_eq!(source.info().codec, codec);
                let (audio, report) = source.read_to_end().unwrap();
                assert_eq!(audio.to_samples(), expected, "encoding {encoding}");
                assert!(report.is_complete(), "{report}");
            }
        }
    }

    #[test]
    fn what_is_cut_or_not_decoded_is_an_error() {
        let kind = |bytes: Vec<u8>| read_bytes(bytes).unwrap_err().kind();
        assert_eq!(kind(file(4, 3, 1, &[0; 4])[..20].to_vec()), ErrorKind::Damaged);
        assert_eq!(kind(file(8, 3, 1, &[0; 4])), ErrorKind::Damaged);
        assert_eq!(kind(file(4, 23, 1, &[0; 4])), ErrorKind::UnsupportedCodec);
        assert_eq!(kind(file(4, 99, 1, &[0; 4])), ErrorKind::UnsupportedCodec);
        assert_eq!(kind(file(4, 3, 0, &[0; 4])), ErrorKind::Damaged);
        assert_eq!(kind(file(4, 3, u32::MAX, &[0; 4])), ErrorKind::Limit);
    }
}
