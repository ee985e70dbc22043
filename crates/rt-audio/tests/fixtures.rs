//! What `fixtures/audio` promises to those who use it: one spoken turn, in every format.

use std::time::Duration;

use rt_audio::{Pcm16, read};

/// A hundredth of full scale.
const QUIET: u16 = 327;

/// Where the speech starts and ends, and the longest pause inside it.
fn speech(audio: &Pcm16) -> (Duration, Duration, Duration) {
    let loud: Vec<usize> = audio
        .samples()
        .enumerate()
        .filter(|(_, x)| x.unsigned_abs() > QUIET)
        .map(|(n, _)| n)
        .collect();
    let pause = loud.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
    let after = |samples: usize| audio.slice(..samples).duration();
    (after(loud[0]), after(loud[loud.len() - 1]), after(pause))
}

#[test]
fn the_question_is_one_turn_in_every_format() {
    for format in ["wav", "ogg", "flac", "mp3"] {
        let audio = read(format!("../../fixtures/audio/question.{format}")).unwrap();
        let (start, end, pause) = speech(&audio);
        assert!(
            start.abs_diff(Duration::from_millis(300)) < Duration::from_millis(10),
            "{format}: {start:?}"
        );
        assert!(
            audio.duration() - end > Duration::from_millis(950),
            "{format}: {end:?}"
        );
        assert!(pause < Duration::from_millis(100), "{format}: {pause:?}");
        assert!(
            audio.samples().all(|x| x.unsigned_abs() < 32_000),
            "{format} is close to clipping"
        );
    }
}

#[test]
fn the_other_utterances_are_one_turn_each() {
    for name in ["hello", "answer"] {
        let audio = read(format!("../../fixtures/audio/{name}.wav")).unwrap();
        let (_, end, pause) = speech(&audio);
        assert!(
            audio.duration() - end > Duration::from_millis(450),
            "{name}: {end:?}"
        );
        assert!(pause < Duration::from_millis(100), "{name}: {pause:?}");
    }
}

#[test]
fn every_file_is_small() {
    for entry in std::fs::read_dir("../../fixtures/audio").unwrap() {
        let entry = entry.unwrap();
        assert!(entry.metadata().unwrap().len() < 300_000, "{:?}", entry.path());
    }
}
