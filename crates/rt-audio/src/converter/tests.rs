#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the numbers here are small"
)]

use proptest::prelude::*;

use super::*;
use crate::{ErrorKind, Limits, Source};

/// Samples that repeat only after a long time, different in every channel.
fn noise(samples: usize) -> Vec<i16> {
    let mut state = 7u32;
    (0..samples)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 17) as i16 - 16_384
        })
        .collect()
}

/// A WAV file of 16-bit samples.
fn wav(rate: u32, channels: u16, samples: &[i16]) -> Vec<u8> {
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let mut file = b"RIFF".to_vec();
    file.extend((36 + bytes.len() as u32).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    file.extend(channels.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend((rate * u32::from(channels) * 2).to_le_bytes());
    file.extend((channels * 2).to_le_bytes());
    file.extend(16u16.to_le_bytes());
    file.extend(b"data");
    file.extend((bytes.len() as u32).to_le_bytes());
    file.extend(bytes);
    file
}

/// Everything, pushed in pieces of these sizes, again and again.
fn push(mut converter: Converter, samples: &[i16], pieces: &[usize]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), samples);
    for &size in pieces.iter().cycle() {
        let (now, later) = rest.split_at(size.min(rest.len()));
        out.push(converter.push_i16(now));
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    out.push(converter.finish());
    Pcm16::concat(&out).as_bytes().to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn push_equals_pull_however_the_input_is_cut(
        rate in prop::sample::select(vec![8_000u32, 16_000, 22_050, 24_000, 44_100, 44_099, 48_000, 96_000]),
        channels in 1u16..7,
        frames in 0usize..9_000,
        pieces in prop::collection::vec(1usize..5_000, 1..6),
        dither in prop::option::of(0u64..9),
    ) {
        let samples = noise(frames * usize::from(channels));
        let options = match dither {
            Some(seed) => Options::new().dither(seed),
            None => Options::new(),
        };
        let pushed = push(options.converter(rate, channels).unwrap(), &samples, &pieces);
        let exact = (frames as u64 * 24_000 + u64::from(rate) / 2) / u64::from(rate);
        prop_assert_eq!(pushed.len() as u64, exact * 2);
        let (pulled, _) = options
            .from_bytes(wav(rate, channels, &samples))
            .and_then(Source::read_to_end)
            .unwrap();
        prop_assert!(pushed == pulled.as_bytes());
    }

    #[test]
    fn low_latency_is_kept_and_changes_no_length(
        rate in prop::sample::select(vec![8_000u32, 16_000, 44_100, 48_000]),
        frames in 1usize..6_000,
        millis in 15u64..60,
    ) {
        let samples = vec![0.25; frames];
        let mut converter = Options::new().latency(Duration::from_millis(millis)).converter(rate, 1).unwrap();
        let latency = converter.latency();
        prop_assert!(latency <= Duration::from_millis(millis.max(30)), "{:?}", latency);
        let (mut pushed, mut given) = (0u64, 0u64);
        for piece in samples.chunks(rate as usize / 100) {
            pushed += piece.len() as u64;
            given += converter.push(piece).len() as u64;
            // What is older than the latency has come.
            let behind = (latency.as_secs_f64() * 24_000.0).ceil() as u64 + 1;
            prop_assert!(given + behind >= pushed * 24_000 / u64::from(rate));
        }
        given += converter.finish().len() as u64;
        prop_assert_eq!(given, (frames as u64 * 24_000 + u64::from(rate) / 2) / u64::from(rate));
    }
}

#[test]
fn pcm16_at_24_khz_passes_bit_for_bit_even_with_dither() {
    let samples = noise(5_000);
    for options in [Options::new(), Options::new().dither(1)] {
        let converter = options.converter(24_000, 1).unwrap();
        assert_eq!(converter.latency(), Duration::ZERO);
        let out = push(converter, &samples, &[77]);
        assert!(out == Pcm16::from_samples(&samples).as_bytes());
    }
}

#[test]
fn the_mask_says_what_the_channels_are() {
    // 3.1: the low frequencies are not heard, the centre is louder than the sides.
    let mut converter = Options::new().converter_with_mask(24_000, 0b1111).unwrap();
    let out = converter
        .push(&[0.1, 0.1, 0.0, 1.0, 0.0, 0.0, 0.1, 1.0])
        .to_samples();
    assert_eq!(out.len(), 2);
    assert!(out[0] > 1_800 && out[0] < 2_000, "{out:?}");
    assert!(out[1] > 1_300 && out[1] < 1_400, "{out:?}");
}

#[test]
fn what_cannot_be_converted_is_an_error() {
    let kind = |result: Result<Converter, Error>| result.unwrap_err().kind();
    assert_eq!(kind(Converter::new(0, 1)), ErrorKind::Damaged);
    assert_eq!(kind(Converter::new(48_000, 0)), ErrorKind::Damaged);
    assert_eq!(kind(Converter::new(999, 1)), ErrorKind::Limit);
    let loose = Options::new().limits(Limits::default().sample_rates(1, u32::MAX));
    assert_eq!(kind(loose.converter(999, 1)), ErrorKind::Resample);
    assert_eq!(kind(loose.converter(u32::MAX, 1)), ErrorKind::Resample);
    assert_eq!(
        kind(Options::new().converter_with_mask(8_000, 0)),
        ErrorKind::Damaged
    );
}

#[test]
fn debug_prints_no_audio() {
    let mut converter = Converter::new(48_000, 2).unwrap();
    let _ = converter.push(&[0.123; 501]);
    assert!(!format!("{converter:?}").contains("0.123"));
}
