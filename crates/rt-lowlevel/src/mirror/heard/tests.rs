//! Tests of what counts as heard.

use proptest::prelude::*;

use super::*;

const PACE: Pace = Pace {
    characters: 0,
    ticks: 0,
};

fn reported() -> Playback {
    Playback {
        reported: true,
        unreported: UnreportedPlayback::Received,
        pace: PACE,
    }
}

fn unreported(unreported: UnreportedPlayback) -> Playback {
    Playback {
        reported: false,
        unreported,
        pace: PACE,
    }
}

/// Text and milliseconds of audio, in the order of arrival.
fn part(arrivals: &[(&str, u64)]) -> Part {
    let mut part = Part::default();
    for (text, ms) in arrivals {
        if !text.is_empty() {
            part.push_transcript(text);
        }
        part.push_audio(usize::try_from(ms * 48).unwrap(), Format::Pcm);
    }
    part
}

fn at(part: &Part, played_ms: u64, whole: bool) -> String {
    let mut part = part.clone();
    part.played(ticks(played_ms));
    part.heard(whole, &reported()).to_owned()
}

#[test]
fn a_word_is_heard_when_its_stretch_has_been_played() {
    // Each word with its own audio.
    let part = part(&[("One", 400), (" two", 300), (" three.", 600)]);
    for (played, heard) in [
        (0, ""),
        (399, ""),
        (400, "One"),
        (699, "One"),
        (700, "One two"),
        (1299, "One two"),
        (1300, "One two three."),
        (9999, "One two three."),
    ] {
        // The overall proportion is stricter in places, never looser.
        let got = at(&part, played, true);
        assert!(heard.starts_with(&got), "{played}: {got:?}");
        assert!(got.len() + " three.".len() >= heard.len(), "{played}: {got:?}");
    }
    assert_eq!(at(&part, 1300, true), "One two three.");
    assert_eq!(at(&part, 0, true), "");
}

#[test]
fn text_that_came_at_once_is_cut_in_proportion() {
    let part = part(&[("aaaa bbbb cccc dddd", 0), ("", 1900)]);
    for (played, heard) in [
        (0, ""),
        (399, ""),
        (400, "aaaa"),
        (899, "aaaa"),
        (900, "aaaa bbbb"),
        (1399, "aaaa bbbb"),
        (1400, "aaaa bbbb cccc"),
        (1899, "aaaa bbbb cccc"),
        (1900, "aaaa bbbb cccc dddd"),
    ] {
        assert_eq!(at(&part, played, true), heard, "{played}");
    }
}

#[test]
fn text_ahead_of_its_audio_is_not_heard_early() {
    // Two thirds of the text came with a tenth of the audio.
    let part = part(&[("aaaa bbbb cccc dddd", 100), (" eeee ffff", 900)]);
    assert_eq!(at(&part, 100, true), "");
    assert_eq!(at(&part, 480, true), "aaaa bbbb");
    assert_eq!(at(&part, 500, true), "aaaa bbbb cccc");
    assert_eq!(at(&part, 999, true), "aaaa bbbb cccc dddd eeee");
}

#[test]
fn audio_before_the_text_counts_for_nothing() {
    let part = part(&[("", 500), ("aaaa bbbb", 450)]);
    assert_eq!(at(&part, 500, true), "");
    assert_eq!(at(&part, 501, true), "");
    assert_eq!(at(&part, 700, true), "aaaa");
}

#[test]
fn what_is_unfinished_is_cut_by_the_pace() {
    let part = part(&[("aaaa bbbb cccc dddd", 5000)]);
    let slow = |ms| at(&part, ms, false);
    // Ten characters a second until something better is known.
    assert_eq!(slow(399), "");
    assert_eq!(slow(400), "aaaa");
    assert_eq!(slow(900), "aaaa bbbb");
    assert_eq!(slow(5000), "aaaa bbbb cccc dddd");

    let mut pace = Pace::default();
    tests::part(&[("twenty characters in", 1000)]).learn(&mut pace);
    assert_eq!(pace.characters_in(ticks(500)), 10);
    let mut played = part.clone();
    played.played(ticks(450));
    let playback = Playback { pace, ..reported() };
    assert_eq!(played.heard(false, &playback), "aaaa bbbb");
    // What has no audio teaches nothing.
    let before = pace;
    tests::part(&[("silent", 0)]).learn(&mut pace);
    assert_eq!(pace, before);
}

#[test]
fn earlier_stretches_of_something_unfinished_follow_the_marks() {
    let part = part(&[("aaaa", 4000), (" bbbb", 4000), (" cccc", 9000)]);
    assert_eq!(at(&part, 3999, false), "");
    assert_eq!(at(&part, 4000, false), "aaaa");
    assert_eq!(at(&part, 8000, false), "aaaa bbbb");
    assert_eq!(at(&part, 8400, false), "aaaa bbbb");
    assert_eq!(at(&part, 8500, false), "aaaa bbbb cccc");
    // Never all of it only because it is all there is.
    let short = tests::part(&[("aaaa bbbb", 100)]);
    assert_eq!(at(&short, 100, false), "");
}

#[test]
fn without_reports_the_policy_decides() {
    let part = part(&[("aaaa bbbb", 900)]);
    let heard = |whole, how| part.heard(whole, &unreported(how)).to_owned();
    assert_eq!(heard(true, UnreportedPlayback::Received), "aaaa bbbb");
    assert_eq!(heard(true, UnreportedPlayback::Finished), "aaaa bbbb");
    assert_eq!(heard(false, UnreportedPlayback::Received), "aaaa bbbb");
    assert_eq!(heard(false, UnreportedPlayback::Finished), "");
    // Once anything is reported, what is not was not played.
    assert_eq!(part.heard(true, &reported()), "");
    assert_eq!(
        part.position(true, &unreported(UnreportedPlayback::Received)),
        ticks(900)
    );
}

#[test]
fn a_cut_bounds_what_was_heard() {
    let mut part = part(&[("aaaa bbbb", 900)]);
    let free = unreported(UnreportedPlayback::Received);
    part.cut(500);
    assert_eq!(part.heard(true, &free), "aaaa");
    // It never grows back.
    part.cut(800);
    assert_eq!(part.position(true, &free), ticks(500));
    part.played(ticks(900));
    assert_eq!(part.position(true, &reported()), ticks(500));
    part.uncut(800);
    assert_eq!(part.position(true, &reported()), ticks(500));
    part.uncut(500);
    assert_eq!(part.heard(true, &reported()), "aaaa bbbb");
    // A cut counts as a report.
    let mut part = tests::part(&[("aaaa bbbb", 900)]);
    part.cut(500);
    assert_eq!(part.position(true, &reported()), ticks(500));
}

#[test]
fn playback_does_not_go_back() {
    let mut part = part(&[("aaaa bbbb", 900)]);
    part.played(ticks(900));
    part.played(ticks(100));
    assert_eq!(part.position(true, &reported()), ticks(900));
    part.played(ticks(100_000));
    assert_eq!(part.position(true, &reported()), ticks(900));
}

#[test]
fn played_out_means_up_to_the_cut() {
    let mut part = part(&[("aaaa", 500)]);
    assert!(part.is_played_out(false));
    assert!(!part.is_played_out(true));
    part.played(ticks(499));
    assert!(!part.is_played_out(true));
    part.played(ticks(500));
    assert!(part.is_played_out(true));
    let mut part = tests::part(&[("aaaa", 500)]);
    part.cut(200);
    part.played(ticks(199));
    assert!(!part.is_played_out(true));
    part.played(ticks(200));
    assert!(part.is_played_out(true));
}

#[test]
fn text_without_audio_was_read() {
    let mut part = Part::default();
    part.push_text("Hel");
    part.push_text("lo");
    assert_eq!(part.heard(false, &reported()), "Hello");
    assert!(!part.spoken());
    assert_eq!((part.text_len(), part.received()), (5, 0));
}

#[test]
fn audio_without_text_and_text_without_its_audio_are_nothing() {
    assert_eq!(
        part(&[("", 500)]).heard(true, &unreported(UnreportedPlayback::Received)),
        ""
    );
    assert_eq!(
        part(&[("word", 0)]).heard(true, &unreported(UnreportedPlayback::Received)),
        ""
    );
}

#[test]
fn the_final_text_replaces_that_of_the_deltas() {
    let mut part = part(&[("One", 400), (" two", 400)]);
    part.set_text("One two", true);
    assert_eq!(part.marks.len(), 2);
    part.set_text("One", true);
    assert_eq!(at(&part, 800, true), "One");
    assert!(part.marks.is_empty());
    let mut part = Part::default();
    part.set_text("late", false);
    assert!(!part.spoken());
    part.set_text("late", true);
    assert!(part.spoken());
}

#[test]
fn words_end_where_scripts_part_them() {
    for (text, most, expected) in [
        ("one two", 2, ""),
        ("one two", 3, "one"),
        ("one two", 4, "one"),
        ("one two", 6, "one"),
        ("one two", 7, "one two"),
        ("one, two", 3, ""),
        ("one, two", 4, "one,"),
        ("3.50 euros", 2, ""),
        ("über uns", 4, ""),
        ("über uns", 5, "über"),
        ("你好吗", 3, "你"),
        ("你好吗", 5, "你"),
        ("你好吗", 6, "你好"),
        ("ok你", 2, "ok"),
        ("안녕 하", 5, ""),
        ("안녕 하", 6, "안녕"),
        ("", 0, ""),
        ("", 9, ""),
    ] {
        assert_eq!(words(text, most), expected, "{text} {most}");
    }
}

#[test]
fn text_and_marks_are_bounded() {
    let mut part = Part::default();
    for _ in 0..20 {
        part.push_transcript(&"x".repeat(MAX_TEXT / 10));
        part.push_audio(2, Format::Pcm);
    }
    assert_eq!(part.text_len(), MAX_TEXT / 10 * 10);
    let marks = part.marks.len();
    for _ in 0..100 {
        part.push_transcript("");
        part.push_audio(2, Format::Pcm);
    }
    assert_eq!((part.marks.len(), marks), (10, 10));
    part.set_text(&"y".repeat(MAX_TEXT + 1), true);
    assert!(part.text.starts_with('x'));
    part.set_text(&"y".repeat(MAX_TEXT), true);
    assert!(part.text.starts_with('y'));
}

#[test]
fn debug_has_no_text() {
    let part = part(&[("canary", 10)]);
    assert!(!format!("{part:?}").contains("canary"));
}

proptest! {
    /// A voice that says every word for as long as its letters take; words come no later than their audio, which comes
    /// in pieces of any size. Whatever was played, no word is claimed whose audio has not ended.
    #[test]
    fn no_word_beyond_the_position(
        words in proptest::collection::vec(1usize..12, 1..30),
        ahead in 0usize..20,
        piece_ms in 20u64..400,
        cut_at in 0.0f64..1.2,
        whole in any::<bool>(),
    ) {
        const MS_PER_CHAR: u64 = 60;
        let words: Vec<String> = words
            .iter()
            .enumerate()
            .map(|(n, len)| format!("{}{}", if n == 0 { "" } else { " " }, "w".repeat(*len)))
            .collect();
        let length = |count: usize| words[..count].iter().map(|word| word.len() as u64 * MS_PER_CHAR).sum::<u64>();
        let total = length(words.len());
        let mut part = Part::default();
        let (mut written, mut spoken) = (0, 0);
        let stop = if whole { total } else { total * 2 / 3 };
        while spoken < stop {
            while written < words.len() && (length(written) <= spoken + piece_ms || written < ahead) {
                part.push_transcript(&words[written]);
                written += 1;
            }
            let piece = piece_ms.min(stop - spoken);
            part.push_audio(usize::try_from(piece * 48).unwrap(), Format::Pcm);
            spoken += piece;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position in a test")]
        let played = (total as f64 * cut_at) as u64;
        part.played(ticks(played));
        let heard = part.heard(whole, &reported());
        let count = heard.split_whitespace().count();
        prop_assert!(length(count) <= played.min(spoken), "{count} words at {played} ms");
        prop_assert!(words.concat().starts_with(heard));
        if whole && played >= total {
            prop_assert_eq!(count, words.len());
        }
    }

    /// More playback never means less heard.
    #[test]
    fn hearing_grows(stretches in proptest::collection::vec(("[a-z]{1,6} ?", 0u64..500), 1..20), whole in any::<bool>()) {
        let arrivals: Vec<(&str, u64)> = stretches.iter().map(|(text, ms)| (&**text, *ms)).collect();
        let part = part(&arrivals);
        let mut before = 0;
        for played in 0..80 {
            let heard = at(&part, played * 100, whole).len();
            prop_assert!(heard >= before);
            before = heard;
        }
    }
}

#[test]
fn text_that_arrives_together_shares_its_audio() {
    let part = part(&[
        ("aa", 0),
        (" bb", 0),
        (" cc", 1000),
        (&format!(" {}", "d".repeat(100)), 100),
        ("", 0),
    ]);
    assert_eq!(at(&part, 300, false), "aa", "a third of the first stretch");
    assert_eq!(at(&part, 300, true), "aa");
    assert_eq!(at(&part, 700, true), "aa bb");
}

#[test]
fn what_was_played_to_its_end_was_heard_with_all_that_belongs_to_it() {
    let part = part(&[("One", 400), (" two, ", 0)]);
    assert_eq!(at(&part, 400, true), "One two, ");
    assert_eq!(at(&part, 399, true), "");
    assert_eq!(at(&part, 0, true), "");
}
