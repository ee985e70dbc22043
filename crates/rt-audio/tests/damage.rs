//! Damaged files: cut, with holes, with bits turned round, with bytes changed at random. Nothing may panic, hang
//! or grow; what can be decoded is.
//!
//! `RT_AUDIO_MUTATIONS=5000 cargo test -p rt-audio --all-features --test damage` tries so many changes of each
//! file (100 otherwise), and `RT_AUDIO_FILES` names a directory of more files to damage.

use std::io::Cursor;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rt_audio::{Frames, Limits, Options, Report};

/// Everything to damage: the fixtures, and what is asked for.
fn files() -> Vec<(String, Vec<u8>)> {
    let mut paths: Vec<PathBuf> = [
        "hello.wav",
        "hello.flac",
        "hello.oga",
        "hello.opus",
        "question.ogg",
        "question.mp3",
    ]
    .iter()
    .map(|name| PathBuf::from("../../fixtures/audio").join(name))
    .collect();
    if let Some(more) = std::env::var_os("RT_AUDIO_FILES") {
        let entries = std::fs::read_dir(more).into_iter().flatten().flatten();
        paths.extend(entries.map(|entry| entry.path()).filter(|path| path.is_file()));
    }
    let named = |path: PathBuf| {
        (
            path.display().to_string(),
            std::fs::read(path).unwrap_or_default(),
        )
    };
    paths.into_iter().map(named).collect()
}

fn limits() -> Limits {
    Limits::default()
        .max_duration(Duration::from_secs(60))
        .max_buffered(4 << 20)
}

/// What a file gives: its frames, and what was wrong. `None` if it is refused.
fn decode(bytes: &[u8], pipe: bool) -> Option<(u64, Report)> {
    let bytes = Cursor::new(bytes.to_vec());
    let opened = if pipe {
        Frames::from_stream(bytes, limits())
    } else {
        Frames::from_reader(bytes, limits())
    };
    let mut frames = opened.ok()?;
    let mut count = 0;
    while let Ok(Some(samples)) = frames.next_block() {
        assert!(!samples.is_empty() && samples.len() <= 1 << 22);
        count += (samples.len() / frames.channels()) as u64;
    }
    Some((count, frames.report()))
}

/// The same on the way to mono, where some codecs decode otherwise; only whether it ends well counts.
fn decode_to_mono(bytes: &[u8]) {
    let Ok(source) = Options::new().limits(limits()).from_bytes(bytes.to_vec()) else {
        return;
    };
    if let Ok((audio, _)) = source.read_to_end() {
        // A minute, and what the last block has beyond it.
        assert!(audio.duration() <= Duration::from_secs(70));
    }
}

/// A generator of numbers, the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end.max(1) as u64).unwrap_or_default()
    }
}

#[test]
fn of_a_cut_file_the_beginning_is_decoded() {
    for (name, bytes) in files() {
        let Some((whole, report)) = decode(&bytes, false) else {
            continue;
        };
        assert!(report.is_complete(), "{name}: {report}");
        for percent in [10, 50, 90] {
            let cut = &bytes[..bytes.len() * percent / 100];
            // Headers may be a large part of a short file, and an MP4 file can have its own at the end.
            let Some((frames, report)) = decode(cut, false) else {
                assert!(
                    percent < 90 || bytes[4..].starts_with(b"ftyp"),
                    "{name} cut at {percent} %"
                );
                continue;
            };
            assert!(frames <= whole, "{name} cut at {percent} %: {frames} of {whole}");
            let told = !report.is_complete() || !knows_its_length(&bytes);
            assert!(told, "{name} cut at {percent} %: {report}");
        }
    }
}

/// Whether the container says how long it is, or where it ends.
fn knows_its_length(bytes: &[u8]) -> bool {
    bytes.starts_with(b"RIFF") || bytes.starts_with(b"fLaC") || bytes.starts_with(b"OggS")
}

#[test]
fn a_hole_does_not_stop_decoding() {
    for (name, bytes) in files() {
        let Some((whole, _)) = decode(&bytes, false) else {
            continue;
        };
        let mut holed = bytes.clone();
        let middle = bytes.len() / 2;
        let end = (middle + 1000).min(bytes.len());
        holed[middle..end].fill(0);
        let frames = decode(&holed, false).map_or(0, |(frames, _)| frames);
        // A second is one page of Ogg, and a hole costs all of it: of a short file that is everything.
        let lost = whole.saturating_sub(frames);
        let pages = 48_000 * 5 / 2;
        assert!(lost <= pages.max(whole / 2), "{name}: {frames} of {whole}");
    }
}

#[test]
fn changes_at_random_neither_panic_nor_hang_nor_go_on_for_ever() {
    let count = std::env::var("RT_AUDIO_MUTATIONS").ok();
    let count = count.map_or(100, |count| count.parse().unwrap());
    let (mut slowest, mut of) = (Duration::ZERO, String::new());
    for (name, bytes) in files() {
        let mut random = Random(0x2545_f491_4f6c_dd1d);
        for n in 0..count {
            let mut damaged = bytes.clone();
            for _ in 0..=random.below(8) {
                // Half of the changes hit the headers.
                let range = if random.below(2) == 0 {
                    300.min(bytes.len())
                } else {
                    bytes.len()
                };
                let at = random.below(range);
                match random.below(3) {
                    0 => damaged[at] ^= 1 << random.below(8),
                    1 => damaged[at] = u8::try_from(random.below(256)).unwrap(),
                    _ => {
                        let end = (at + 4).min(bytes.len());
                        damaged[at..end].fill(0xff);
                    }
                }
            }
            if random.below(4) == 0 {
                damaged.truncate(random.below(bytes.len()));
            }
            let started = Instant::now();
            decode(&damaged, n % 4 == 0);
            decode_to_mono(&damaged);
            if started.elapsed() > slowest {
                (slowest, of) = (started.elapsed(), format!("{name}, change {n}"));
            }
        }
    }
    println!("the slowest took {slowest:?}: {of}");
    // Far beyond what a busy machine adds: only what does not end is meant.
    assert!(slowest < Duration::from_secs(60), "{of} took {slowest:?}");
}
