use std::io::{self, SeekFrom};

use proptest::prelude::*;

use super::*;
use crate::{Codec, Container};

const AUDIO: &str = "../../fixtures/audio/";

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{AUDIO}{name}")).unwrap()
}

fn samples(name: &str) -> Vec<i16> {
    read(format!("{AUDIO}{name}")).unwrap().to_samples()
}

/// The correlation of two signals, the second shifted by `lag` samples.
fn correlation(a: &[i16], b: &[i16], lag: isize) -> f64 {
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (n, &x) in a.iter().enumerate() {
        let Some(&y) = n.checked_add_signed(lag).and_then(|m| b.get(m)) else {
            continue;
        };
        let (x, y) = (f64::from(x), f64::from(y));
        (ab, aa, bb) = (ab + x * y, aa + x * x, bb + y * y);
    }
    ab / (aa * bb).sqrt()
}

#[test]
fn pcm16_at_24_khz_passes_bit_for_bit() {
    for name in ["question.wav", "hello.wav", "answer.wav"] {
        let bytes = fixture(name);
        let audio = read(format!("{AUDIO}{name}")).unwrap();
        assert!(audio.as_bytes() == &bytes[44..], "{name}");
    }
}

#[test]
fn lossless_codecs_at_24_khz_are_exact() {
    assert!(samples("hello.flac") == samples("hello.wav"));
    assert!(samples("hello.oga") == samples("hello.wav"));
}

#[test]
fn all_formats_are_the_same_speech_at_the_same_place() {
    let question = samples("question.wav");
    for name in ["question.flac", "question.ogg", "question.mp3"] {
        let other = samples(name);
        assert!(
            other.len().abs_diff(question.len()) <= 1,
            "{name}: {} samples",
            other.len()
        );
        let at_zero = correlation(&question, &other, 0);
        assert!(at_zero > 0.99, "{name}: {at_zero}");
        for lag in [-2, -1, 1, 2] {
            assert!(correlation(&question, &other, lag) < at_zero, "{name} lags {lag}");
        }
    }
}

#[test]
fn the_header_is_told() {
    let info = |name: &str| Source::open(format!("{AUDIO}{name}")).unwrap().info().clone();
    let expected = [
        ("question.wav", Container::Wav, Codec::Pcm, 24_000, 1),
        ("question.ogg", Container::Ogg, Codec::Vorbis, 48_000, 2),
        ("question.flac", Container::Flac, Codec::Flac, 16_000, 1),
        ("question.mp3", Container::Mp3, Codec::Mp3, 44_100, 1),
        ("hello.oga", Container::Ogg, Codec::Flac, 24_000, 1),
    ];
    for (name, container, codec, rate, channels) in expected {
        let info = info(name);
        assert_eq!((info.container, info.codec), (container, codec), "{name}");
        assert_eq!((info.sample_rate, info.channels), (rate, channels), "{name}");
        let length = samples(name).len() as f64 / 24_000.0;
        assert!(
            (info.duration.unwrap().as_secs_f64() - length).abs() < 0.001,
            "{name}: {info}"
        );
        assert!(!info.estimated);
    }
}

#[test]
fn the_name_does_not_matter() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("speech.mp3");
    std::fs::copy(format!("{AUDIO}question.ogg"), &path).unwrap();
    assert!(read(&path).unwrap().to_samples() == samples("question.ogg"));
}

#[test]
fn path_bytes_and_reader_agree() {
    let bytes = fixture("question.mp3");
    assert!(read_bytes(bytes.clone()).unwrap().to_samples() == samples("question.mp3"));
    let mut reader = Cursor::new(bytes);
    reader.set_position(77);
    let (audio, _) = Source::from_reader(reader).unwrap().read_to_end().unwrap();
    assert!(audio.to_samples() == samples("question.mp3"));
}

#[test]
fn chunks_have_the_duration_that_was_asked_for() {
    let source = Source::open(format!("{AUDIO}question.ogg")).unwrap();
    let mut chunks = source.chunks(Duration::from_millis(40));
    let total = chunks.info().duration;
    let mut lens = Vec::new();
    while let Some(chunk) = chunks.next() {
        lens.push(chunk.unwrap().len());
        let progress = chunks.progress();
        assert_eq!(
            progress.done.as_micros(),
            lens.iter().sum::<usize>() as u128 * 1_000_000 / 24_000
        );
        assert_eq!(progress.total, total);
    }
    let last = lens.pop().unwrap();
    assert!(lens.iter().all(|&len| len == 960) && (1..=960).contains(&last));
    assert!(chunks.progress().fraction().unwrap() > 0.999);
    assert!(chunks.next().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_chunk_duration_does_not_change_the_samples(
        name in prop::sample::select(vec!["question.wav", "question.ogg", "question.flac", "question.mp3"]),
        micros in 0u64..400_000,
    ) {
        let source = Source::open(format!("{AUDIO}{name}")).unwrap();
        let chunks: Vec<Pcm16> = source.chunks(Duration::from_micros(micros)).map(Result::unwrap).collect();
        prop_assert!(Pcm16::concat(&chunks).to_samples() == samples(name));
    }
}

#[test]
fn a_chunk_may_be_longer_than_the_file() {
    let source = Source::open(format!("{AUDIO}hello.wav")).unwrap();
    let chunks: Vec<_> = source.chunks(Duration::MAX).collect();
    assert_eq!(chunks.len(), 1);
    assert!(chunks[0].as_ref().unwrap().to_samples() == samples("hello.wav"));
}

#[test]
fn a_cut_file_gives_its_beginning_and_a_report() {
    // Ogg packs a second into one page, and the headers of Vorbis alone are a tenth of this file.
    let cuts: [(&str, &[usize]); 5] = [
        ("question.wav", &[10, 50, 90]),
        ("question.flac", &[10, 50, 90]),
        ("question.mp3", &[10, 50, 90]),
        ("question.ogg", &[50, 90]),
        ("hello.oga", &[90]),
    ];
    for (name, percents) in cuts {
        let (bytes, whole) = (fixture(name), samples(name));
        for &percent in percents {
            let cut = bytes[..bytes.len() * percent / 100].to_vec();
            let source = Source::from_bytes(cut.clone()).unwrap();
            let (audio, report) = source.read_to_end().unwrap();
            let part = audio.to_samples();
            let share = part.len() as f64 / whole.len() as f64;
            assert!(part.len() < whole.len(), "{name} at {percent} %");
            assert!(
                share > percent as f64 / 100.0 - 0.35,
                "{name} at {percent} %: {share}"
            );
            // The filter sees silence behind the cut, so the last milliseconds differ.
            let same = part.len().saturating_sub(2_000);
            // What lies behind it in the same transform may turn a rounding.
            let close = |(a, b): (&i16, &i16)| a.abs_diff(*b) <= 1;
            assert!(
                part[..same].iter().zip(&whole).all(close),
                "{name} at {percent} %"
            );
            assert!(!report.is_complete(), "{name} at {percent} %: {report}");
            let error = read_bytes(cut).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Damaged, "{name} at {percent} %");
        }
    }
}

#[test]
fn a_file_cut_within_its_headers_is_refused() {
    for (name, bytes) in [
        ("question.ogg", 3_000),
        ("question.ogg", 40),
        ("question.flac", 30),
        ("hello.oga", 60),
    ] {
        let error = Source::from_bytes(fixture(name)[..bytes].to_vec()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Damaged, "{name}: {error}");
    }
}

#[test]
fn files_joined_into_one_are_read_to_the_end() {
    for (name, slack) in [("question.ogg", 0), ("question.mp3", 1_200)] {
        let (one, length) = (fixture(name), samples(name).len());
        let joined = read_bytes([one.clone(), one].concat()).unwrap();
        assert!(
            joined.len().abs_diff(2 * length) <= slack,
            "{name}: {} for twice {length}",
            joined.len()
        );
    }
    // The second stream has another rate, other channels and another codec.
    let mixed = read_bytes([fixture("question.ogg"), fixture("hello.oga")].concat()).unwrap();
    let expected = [samples("question.ogg"), samples("hello.wav")].concat();
    assert!(mixed.to_samples() == expected);
}

#[test]
fn a_hole_keeps_what_follows_in_its_place() {
    let mut bytes = fixture("question.mp3");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 1000].fill(0x55);
    let (audio, report) = Source::from_bytes(bytes).unwrap().read_to_end().unwrap();
    let (audio, whole) = (audio.to_samples(), samples("question.mp3"));
    assert!(!report.is_complete(), "{report}");
    assert!(
        audio.len() > whole.len() * 9 / 10,
        "{} of {}",
        audio.len(),
        whole.len()
    );
}

#[test]
fn mutated_files_neither_panic_nor_hang() {
    let mut random = 0x2545_f491_4f6c_dd1du64;
    let mut next = move |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % below as u64).unwrap()
    };
    for name in [
        "hello.wav",
        "question.ogg",
        "question.mp3",
        "hello.flac",
        "hello.oga",
    ] {
        let whole = fixture(name);
        for _ in 0..40 {
            let mut bytes = whole.clone();
            for _ in 0..=next(8) {
                // Half of the changes hit the headers.
                let at = if next(2) == 0 {
                    next(200)
                } else {
                    next(bytes.len())
                };
                bytes[at] = u8::try_from(next(256)).unwrap();
            }
            if next(4) == 0 {
                bytes.truncate(next(whole.len()));
            }
            if let Ok(source) = Source::from_bytes(bytes) {
                let _ = source.read_to_end();
            }
        }
    }
}

#[test]
fn what_is_no_audio_is_refused_with_advice() {
    let refused = |bytes: Vec<u8>| Source::from_bytes(bytes).unwrap_err();
    let empty = refused(Vec::new());
    assert_eq!(empty.kind(), ErrorKind::UnsupportedFormat);
    assert!(empty.to_string().contains("empty"), "{empty}");
    let text = refused(b"Hello, I am a text file.\n".repeat(400));
    assert_eq!(text.kind(), ErrorKind::UnsupportedFormat);
    assert!(text.to_string().contains("text, not audio"), "{text}");
    let mut seed = 1u32;
    let garbage: Vec<u8> = (0..100_000)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed.to_be_bytes()[0]
        })
        .collect();
    for (what, bytes) in [
        ("garbage", garbage),
        ("zeros", vec![0; 100_000]),
        ("short", vec![0x80, 1]),
    ] {
        let error = refused(bytes);
        assert_eq!(error.kind(), ErrorKind::UnsupportedFormat, "{what}: {error}");
        assert!(error.to_string().contains("ffmpeg"), "{what}: {error}");
    }
}

#[cfg(not(feature = "opus"))]
#[test]
fn opus_is_named_and_what_helps() {
    let error = Source::open(format!("{AUDIO}hello.opus")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsupportedCodec);
    let message = error.to_string();
    assert!(
        message.starts_with("../../fixtures/audio/hello.opus: unsupported codec: Opus, which is read with"),
        "{message}"
    );
    assert_eq!(error.path(), Some(Path::new("../../fixtures/audio/hello.opus")));
}

#[cfg(feature = "opus")]
#[test]
fn opus_is_the_same_speech_at_the_same_place() {
    let (opus, wav) = (samples("hello.opus"), samples("hello.wav"));
    assert_eq!(opus.len(), wav.len());
    let at_zero = correlation(&wav, &opus, 0);
    assert!(at_zero > 0.93, "{at_zero}");
    // The codec is not true to the waveform sample by sample.
    for lag in [-24, -12, 12, 24] {
        assert!(correlation(&wav, &opus, lag) < at_zero, "it lags {lag}");
    }
}

#[test]
fn a_pipe_gives_the_same_samples() {
    for name in [
        "hello.wav",
        "question.ogg",
        "question.flac",
        "question.mp3",
        "hello.oga",
    ] {
        let pipe = Cursor::new(fixture(name)).chain(io::empty());
        let (audio, report) = Source::from_stream(pipe).unwrap().read_to_end().unwrap();
        assert!(report.is_complete(), "{name}: {report}");
        assert!(audio.to_samples() == samples(name), "{name}");
    }
}

#[test]
fn a_missing_file_and_a_directory_are_named() {
    let missing = Source::open("no/such.wav").unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert_eq!(
        missing.to_string(),
        "no/such.wav: opening failed: there is no such file; check the path"
    );
    let directory = Source::open(AUDIO).unwrap_err();
    assert_eq!(directory.kind(), ErrorKind::Io);
}

#[test]
fn limits_hold_by_header_and_by_content() {
    let short = Options::new().limits(Limits::default().max_duration(Duration::from_secs(1)));
    for name in ["question.wav", "question.ogg", "question.flac", "question.mp3"] {
        let error = short.open(format!("{AUDIO}{name}")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit, "{name}");
    }
    // A header that does not tell the length: the end of STREAMINFO's sample count, set to unknown.
    let mut flac = fixture("question.flac");
    flac[21] &= 0xf0;
    flac[22..26].fill(0);
    let chunks = short.from_bytes(flac).unwrap().chunks(Duration::from_millis(100));
    let (mut seconds, mut errors) = (0.0, Vec::new());
    for chunk in chunks {
        match chunk {
            Ok(chunk) => seconds += chunk.duration().as_secs_f64(),
            Err(error) => errors.push(error.kind()),
        }
    }
    assert_eq!(errors, [ErrorKind::Limit]);
    assert!(seconds > 0.5 && seconds <= 1.0, "{seconds}");
    let stereo = Options::new()
        .limits(Limits::default().max_channels(1))
        .open(format!("{AUDIO}question.ogg"));
    assert_eq!(stereo.unwrap_err().kind(), ErrorKind::Limit);
}

/// A reader that fails at one place.
struct Failing {
    inner: Cursor<Vec<u8>>,
    at: u64,
}

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.at.saturating_sub(self.inner.position())).unwrap();
        if left == 0 {
            return Err(io::Error::other("the cable was pulled"));
        }
        let most = buffer.len().min(left);
        self.inner.read(&mut buffer[..most])
    }
}

impl Seek for Failing {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

#[test]
fn a_failing_reader_is_an_error_behind_the_audio_before_it() {
    for name in ["question.wav", "question.mp3", "question.flac"] {
        let bytes = fixture(name);
        let at = bytes.len() as u64 * 3 / 4;
        // Trailing tags are looked for at the end first, which may fail as well.
        let Ok(source) = Source::from_reader(Failing {
            inner: Cursor::new(bytes),
            at,
        }) else {
            continue;
        };
        let all: Vec<_> = source.chunks(Duration::from_millis(20)).collect();
        let (last, audio) = all.split_last().unwrap();
        let error = last.as_ref().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{name}");
        assert_eq!(
            std::error::Error::source(error).unwrap().to_string(),
            "the cable was pulled"
        );
        assert!(
            audio.len() > 50 && audio.iter().all(Result::is_ok),
            "{name}: {} chunks",
            audio.len()
        );
    }
}

#[test]
fn sources_cross_threads() {
    fn assert_send_sync<T: Send + Sync + 'static>() {}
    assert_send_sync::<Source>();
    assert_send_sync::<Chunks>();
}

#[test]
fn debug_prints_no_audio() {
    let source = Source::open(format!("{AUDIO}hello.wav")).unwrap();
    assert!(format!("{source:?}").starts_with("Source { info: Info { container: Wav"));
    assert!(format!("{:?}", source.chunks(Duration::ZERO)).starts_with("Chunks { info"));
}
