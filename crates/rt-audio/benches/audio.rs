//! Decoding, resampling and G.711, for daily work: `cargo bench -p rt-audio --all-features`. Comparisons with other
//! programs and libraries are in `bench/audio`.

use std::path::PathBuf;
use std::time::Duration;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use rt_audio::telephone::{Encoder, Law};
use rt_audio::{Frames, Limits, Options, Pcm16, Resampler, Source, g711};

fn main() {
    divan::main();
}

/// A fixture of three seconds in one of its formats.
fn fixture(format: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/audio");
    std::fs::read(path.join(format!("question.{format}"))).unwrap_or_default()
}

/// Noise over all 16-bit values.
fn noise_16(samples: u32) -> Vec<i16> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as u16 as i16
    };
    (0..samples).map(|_| next()).collect()
}

/// The same as floats, of half of full scale.
fn noise(samples: u32) -> Vec<f32> {
    let samples = noise_16(samples).into_iter();
    samples.map(|sample| f32::from(sample) / 65_536.0).collect()
}

/// A second of 24 kHz.
fn pcm16() -> Pcm16 {
    Pcm16::from_samples(&noise_16(24_000))
}

/// The samples of a file as they are in it: three seconds. Items are frames.
#[divan::bench(args = ["wav", "flac", "ogg", "mp3"])]
fn decode(bencher: Bencher<'_, '_>, format: &str) {
    let bytes = fixture(format);
    let decode = |bytes: Vec<u8>| {
        let mut frames = Frames::from_bytes(bytes, Limits::default()).ok()?;
        let mut count = 0;
        while let Ok(Some(samples)) = frames.next_block() {
            count += black_box(samples).len() / frames.channels().max(1);
        }
        Some(count)
    };
    let count = decode(bytes.clone()).unwrap_or_default();
    bencher
        .counter(ItemsCount::new(count))
        .with_inputs(|| bytes.clone())
        .bench_values(decode);
}

/// Opening alone: what a short file costs besides its samples.
#[divan::bench(args = ["wav", "flac", "ogg", "mp3"])]
fn open(bencher: Bencher<'_, '_>, format: &str) {
    let bytes = fixture(format);
    bencher
        .with_inputs(|| bytes.clone())
        .bench_values(Source::from_bytes);
}

/// A second of mono floats to 24 kHz, the making of the converter not included.
#[divan::bench(args = [8_000, 16_000, 44_100, 48_000, 44_099])]
fn resample(bencher: Bencher<'_, '_>, rate: u32) {
    let (input, mut out) = (noise(rate), Vec::new());
    let Ok(mut resampler) = Resampler::new(rate, 24_000) else {
        return;
    };
    bencher.counter(ItemsCount::new(rate)).bench_local(|| {
        out.clear();
        resampler.push(black_box(&input), &mut out);
        resampler.finish(&mut out);
        out.len()
    });
}

/// The making of a converter.
#[divan::bench(args = [8_000, 16_000, 44_100, 48_000, 44_099])]
fn make_resampler(rate: u32) -> bool {
    Resampler::new(black_box(rate), 24_000).is_ok()
}

/// A second of a microphone at 48 kHz, in pieces of 20 ms and at the least latency.
#[divan::bench]
fn convert_live(bencher: Bencher<'_, '_>) {
    let input = noise(48_000);
    let options = Options::new().latency(Duration::ZERO);
    bencher.counter(ItemsCount::new(48_000_u32)).bench(|| {
        let mut converter = options.converter(48_000, 1).ok()?;
        let pieces = black_box(&input).chunks(960);
        let samples: usize = pieces.map(|piece| converter.push(piece).len()).sum();
        Some(samples + converter.finish().len())
    });
}

/// A second of 24 kHz to 8 kHz and mu-law, in pieces of 20 ms.
#[divan::bench]
fn telephone(bencher: Bencher<'_, '_>) {
    let audio = pcm16();
    bencher.counter(ItemsCount::new(audio.len())).bench(|| {
        let mut encoder = Encoder::new(Law::Mu);
        let mut bytes = 0;
        for start in (0..audio.len()).step_by(480) {
            bytes += encoder.push(&audio.slice(start..start + 480)).len();
        }
        bytes + encoder.finish().len()
    });
}

/// 24,000 samples to codes.
#[divan::bench(args = ["A-law", "mu-law"])]
fn g711_encode(bencher: Bencher<'_, '_>, law: &str) {
    let samples = pcm16().to_samples();
    let encode = if law == "A-law" {
        g711::linear_to_a_law
    } else {
        g711::linear_to_mu_law
    };
    bencher.counter(ItemsCount::new(samples.len())).bench(|| {
        black_box(&samples)
            .iter()
            .map(|&sample| encode(sample))
            .collect::<Vec<u8>>()
    });
}

/// 24,000 codes to samples.
#[divan::bench(args = ["A-law", "mu-law"])]
fn g711_decode(bencher: Bencher<'_, '_>, law: &str) {
    let codes: Vec<u8> = pcm16()
        .to_samples()
        .iter()
        .map(|&sample| sample.to_le_bytes()[1])
        .collect();
    let decode = if law == "A-law" {
        g711::a_law_to_linear
    } else {
        g711::mu_law_to_linear
    };
    bencher.counter(ItemsCount::new(codes.len())).bench(|| {
        black_box(&codes)
            .iter()
            .map(|&code| decode(code))
            .collect::<Vec<i16>>()
    });
}
