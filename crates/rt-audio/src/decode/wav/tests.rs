use std::time::Duration;

use crate::error::ErrorKind;
use crate::info::{Codec, Report};
use crate::{Source, read_bytes};

/// A chunk with its padding.
fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len()).unwrap();
    let mut bytes = [id.as_slice(), &size.to_le_bytes(), body].concat();
    if body.len() % 2 == 1 {
        bytes.push(0);
    }
    bytes
}

/// A format chunk: tag, channels, rate, bytes per frame, bits.
fn format(tag: u16, channels: u16, rate: u32, align: u16, bits: u16) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(tag.to_le_bytes());
    body.extend(channels.to_le_bytes());
    body.extend(rate.to_le_bytes());
    body.extend((rate * u32::from(align)).to_le_bytes());
    body.extend(align.to_le_bytes());
    body.extend(bits.to_le_bytes());
    body
}

/// A file of chunks.
fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let body = [b"WAVE".as_slice(), &chunks.concat()].concat();
    chunk(b"RIFF", &body)
}

/// A 24 kHz mono file in one encoding.
fn mono(tag: u16, bytes_per_sample: u16, samples: &[u8]) -> Vec<u8> {
    let format = format(tag, 1, 24_000, bytes_per_sample, bytes_per_sample * 8);
    riff(&[chunk(b"fmt ", &format), chunk(b"data", samples)])
}

/// The samples and the report of a file.
fn decode(bytes: Vec<u8>) -> (Vec<i16>, Report) {
    let (audio, report) = Source::from_bytes(bytes).unwrap().read_to_end().unwrap();
    (audio.to_samples(), report)
}

/// 16-bit samples as bytes.
fn le(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

#[test]
fn sixteen_bits_pass_unchanged() {
    let samples: Vec<i16> = (i16::MIN..=i16::MAX).collect();
    assert_eq!(decode(mono(1, 2, &le(&samples))).0, samples);
}

#[test]
fn every_encoding_has_its_scale() {
    let expect = [0, 16_384, -32_768];
    let i24 = [0, 0, 0, 0, 0, 0x40, 0, 0, 0x80];
    let i32s: Vec<u8> = [0, 1 << 30, i32::MIN]
        .iter()
        .flat_map(|x: &i32| x.to_le_bytes())
        .collect();
    let f32s: Vec<u8> = [0.0, 0.5, -1.0]
        .iter()
        .flat_map(|x: &f32| x.to_le_bytes())
        .collect();
    let f64s: Vec<u8> = [0.0, 0.5, -1.0]
        .iter()
        .flat_map(|x: &f64| x.to_le_bytes())
        .collect();
    assert_eq!(decode(mono(1, 1, &[128, 192, 0])).0, expect);
    assert_eq!(decode(mono(1, 3, &i24)).0, expect);
    assert_eq!(decode(mono(1, 4, &i32s)).0, expect);
    assert_eq!(decode(mono(3, 4, &f32s)).0, expect);
    assert_eq!(decode(mono(3, 8, &f64s)).0, expect);
    assert_eq!(decode(mono(6, 1, &[0xd5, 0xaa])).0, [8, 32_256]);
    assert_eq!(decode(mono(7, 1, &[0xff, 0x80])).0, [0, 32_124]);
    for (tag, size, codec) in [
        (1, 2, Codec::Pcm),
        (3, 4, Codec::Float),
        (6, 1, Codec::ALaw),
        (7, 1, Codec::MuLaw),
    ] {
        assert_eq!(
            Source::from_bytes(mono(tag, size, &[0; 8])).unwrap().info().codec,
            codec
        );
    }
}

#[test]
fn floats_beyond_full_scale_saturate_and_no_number_is_silence() {
    let samples: Vec<u8> = [2.0, -3.0, f32::NAN, f32::INFINITY]
        .iter()
        .flat_map(|x: &f32| x.to_le_bytes())
        .collect();
    assert_eq!(decode(mono(3, 4, &samples)).0, [i16::MAX, i16::MIN, 0, 0]);
}

#[test]
fn sizes_that_pipes_write_are_read_whole() {
    let samples = [1, -2, 3, -4, 5];
    for (riff_size, data_size) in [
        (0xffff_ffff, 0xffff_ffff),
        (0x7fff_f024, 0x7fff_f000),
        (0, 0),
        (36, 0),
        (46, 0xffff_ffff),
        (0xffff_ffff, 10),
        (0, 10),
    ] {
        let mut file = mono(1, 2, &le(&samples));
        file[4..8].copy_from_slice(&u32::to_le_bytes(riff_size));
        file[40..44].copy_from_slice(&u32::to_le_bytes(data_size));
        let (read, report) = decode(file);
        assert_eq!(read, samples, "sizes {riff_size:#x} and {data_size:#x}");
        assert!(
            report.is_complete(),
            "sizes {riff_size:#x} and {data_size:#x}: {report}"
        );
    }
}

#[test]
fn other_chunks_are_skipped() {
    let format = chunk(b"fmt ", &format(1, 1, 24_000, 2, 16));
    let data = chunk(b"data", &le(&[7, 8]));
    let odd = chunk(b"junk", b"odd");
    let unpadded = odd[..odd.len() - 1].to_vec();
    let list = chunk(b"LIST", b"INFOISFT\x05\0\0\0sound\0");
    for chunks in [
        vec![odd.clone(), format.clone(), data.clone()],
        vec![unpadded.clone(), format.clone(), unpadded, data.clone()],
        vec![format.clone(), list.clone(), data.clone(), list.clone()],
    ] {
        assert_eq!(decode(riff(&chunks)).0, [7, 8]);
    }
    // An empty file with a comment behind has no samples: the comment is none.
    let empty = riff(&[format, chunk(b"data", b""), list]);
    assert!(decode(empty).0.is_empty());
}

#[test]
fn extensible_names_the_encoding_and_the_speakers() {
    let mut body = format(0xfffe, 3, 24_000, 6, 16);
    body.extend(22u16.to_le_bytes());
    body.extend(16u16.to_le_bytes());
    // Left, right, low frequencies.
    body.extend(0b1011u32.to_le_bytes());
    body.extend(b"\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71");
    let data = le(&[1000, 2000, 30_000, -500, 500, 30_000]);
    assert_eq!(
        decode(riff(&[chunk(b"fmt ", &body), chunk(b"data", &data)])).0,
        [1500, 0]
    );
}

#[test]
fn big_endian_and_64_bit_headers_are_read() {
    let mut rifx = b"RIFX\0\0\0\x28WAVEfmt \0\0\0\x10\0\x01\0\x01".to_vec();
    rifx.extend(24_000u32.to_be_bytes());
    rifx.extend(48_000u32.to_be_bytes());
    rifx.extend(b"\0\x02\0\x10data\0\0\0\x04\x12\x34\xff\xfe");
    assert_eq!(decode(rifx).0, [0x1234, -2]);

    let mut sizes = vec![0; 28];
    sizes[8] = 4;
    let format = chunk(b"fmt ", &format(1, 1, 24_000, 2, 16));
    let mut rf64 = riff(&[
        chunk(b"ds64", &sizes),
        format,
        chunk(b"data", &le(&[5, 6])),
        vec![9; 8],
    ]);
    rf64[..8].copy_from_slice(b"RF64\xff\xff\xff\xff");
    let data_size = rf64.len() - 8 - 4 - 4;
    rf64[data_size..data_size + 4].copy_from_slice(&[0xff; 4]);
    assert_eq!(decode(rf64).0, [5, 6]);
}

#[test]
fn a_pipe_leaves_the_64_bit_sizes_empty() {
    let samples = [1, -2, 3, -4, 5];
    let format = chunk(b"fmt ", &format(1, 1, 24_000, 2, 16));
    let data = chunk(b"data", &le(&samples));
    let mut rf64 = riff(&[chunk(b"ds64", &[0; 28]), format, data]);
    rf64[..8].copy_from_slice(b"RF64\xff\xff\xff\xff");
    let data_size = rf64.len() - le(&samples).len() - 4;
    rf64[data_size..data_size + 4].copy_from_slice(&[0xff; 4]);
    let (audio, report) = Source::from_stream(std::io::Cursor::new(rf64.clone()))
        .unwrap()
        .read_to_end()
        .unwrap();
    assert!(report.is_complete(), "{report}");
    assert_eq!(audio.to_samples(), samples);
    let (read, report) = decode(rf64);
    assert!(report.is_complete(), "{report}");
    assert_eq!(read, samples);
}

#[test]
fn a_cut_file_gives_what_is_there_and_says_so() {
    let file = mono(1, 2, &le(&[1; 24_000]));
    for cut in [46, 47, 1000, 24_044, 48_043] {
        let (read, report) = decode(file[..cut].to_vec());
        assert_eq!(read.len(), (cut - 44) / 2, "cut at {cut}");
        let missing = Duration::from_nanos((24_000 - read.len() as u64) * 1_000_000_000 / 24_000);
        assert_eq!(report.missing, Some(missing), "cut at {cut}");
        assert_eq!(report.problem.as_deref(), Some("the file ends early"));
        let error = read_bytes(file[..cut].to_vec()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Damaged);
    }
    for cut in 12..46 {
        let error = Source::from_bytes(file[..cut].to_vec()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Damaged, "cut at {cut}: {error}");
    }
}

#[test]
fn what_is_not_decoded_is_named() {
    let error = |tag, size| Source::from_bytes(mono(tag, size, &[0; 64])).unwrap_err();
    assert_eq!(error(0x65, 1).kind(), ErrorKind::UnsupportedCodec);
    assert!(
        error(0x65, 1)
            .to_string()
            .starts_with("unsupported codec: G.722; convert it")
    );
    assert!(error(0x1234, 1).to_string().contains("0x1234"));
    assert!(error(1, 7).to_string().contains("PCM with 7 bytes per sample"));
}

#[test]
fn impossible_headers_are_refused_before_anything_is_read() {
    let with = |channels, rate| {
        let format = format(1, channels, rate, channels.saturating_mul(2), 16);
        Source::from_bytes(riff(&[chunk(b"fmt ", &format), chunk(b"data", &[0; 8])]))
            .unwrap_err()
            .kind()
    };
    assert_eq!(with(0, 24_000), ErrorKind::Damaged);
    assert_eq!(with(1, 0), ErrorKind::Damaged);
    assert_eq!(with(1, 999), ErrorKind::Limit);
    assert_eq!(with(1, 768_001), ErrorKind::Limit);
    assert_eq!(with(65, 24_000), ErrorKind::Limit);
    assert_eq!(with(u16::MAX, 24_000), ErrorKind::Limit);
}
