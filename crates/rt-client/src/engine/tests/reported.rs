//! What is played, as the application tells it that plays the audio itself.

use super::fed::Fed;
use crate::engine::{Command, Options};

/// 24 samples a millisecond.
fn report(fed: &mut Fed, ms: u64) {
    fed.engine.played(fed.now, ms * 24);
}

/// A reply of so many milliseconds, whole at once.
fn reply(fed: &mut Fed, id: &str, ms: usize) {
    fed.respond(1);
    fed.answered(id);
    fed.audio(id, ms);
    fed.text(id, "one two three four five six seven eight", true);
    fed.done(id);
}

fn heard(fed: &mut Fed) -> u128 {
    fed.command(Command::Interrupt);
    fed.interruptions().last().expect("it is cut").1
}

#[test]
fn the_first_report_counts_no_audio_twice() {
    let mut fed = Fed::new(Options::default(), true, true);
    reply(&mut fed, "a", 2000);
    fed.at(1000);
    report(&mut fed, 1000);
    assert_eq!(heard(&mut fed), 1000);
    assert_eq!(fed.sent("conversation.item.truncate"), 1);
}

#[test]
fn the_report_counts_and_not_the_clock() {
    // It began late, and it plays ahead.
    for (told, then) in [(300, 500), (1400, 1600)] {
        let mut fed = Fed::new(Options::default(), true, true);
        reply(&mut fed, "a", 2000);
        fed.at(1000);
        report(&mut fed, told);
        fed.at(1200);
        report(&mut fed, then);
        assert_eq!(heard(&mut fed), u128::from(then));
    }
}

#[test]
fn a_report_over_several_replies_is_shared_out_in_their_order() {
    let mut fed = Fed::new(Options::default(), true, true);
    reply(&mut fed, "a", 300);
    reply(&mut fed, "b", 2000);
    fed.at(1000);
    report(&mut fed, 100);
    fed.at(1200);
    report(&mut fed, 300 + 250);
    fed.command(Command::Interrupt);
    assert_eq!(fed.interruptions()[0].1, 250);
    assert_eq!(fed.interruptions()[0].0.as_deref(), Some("ib"));
}

#[test]
fn what_was_played_of_the_last_reply_is_none_of_the_next() {
    for reported_before in [true, false] {
        let mut fed = Fed::new(Options::default(), true, true);
        reply(&mut fed, "a", 5000);
        fed.at(1000);
        if reported_before {
            report(&mut fed, 900);
        }
        fed.command(Command::Interrupt);
        // It played on for a while before it was thrown away, and that is told when the next reply is there.
        reply(&mut fed, "b", 1000);
        fed.at(1010);
        report(&mut fed, 1200);
        fed.at(1300);
        report(&mut fed, 1400);
        let heard = heard(&mut fed);
        assert!((200..=210).contains(&heard), "{reported_before}: {heard}");
    }
}

#[test]
fn an_interruption_of_nothing_leaves_the_next_reply_alone() {
    // The sink counts what it is given at once, as one that writes a file does.
    let mut fed = Fed::new(Options::default(), true, true);
    fed.command(Command::Interrupt);
    reply(&mut fed, "a", 5000);
    report(&mut fed, 5000);
    assert!(!fed.engine.is_playing());
}

#[test]
fn what_is_counted_when_it_is_handed_out_is_played_in_the_end() {
    let mut fed = Fed::new(Options::default(), true, true);
    reply(&mut fed, "a", 5000);
    fed.at(1000);
    report(&mut fed, 1000);
    fed.command(Command::Interrupt);
    reply(&mut fed, "b", 400);
    // 20 ms are handed out at a time.
    for at in (0..400).step_by(20) {
        fed.at(1000 + at);
        report(&mut fed, 1020 + at);
    }
    assert!(
        fed.engine.is_playing(),
        "the first of them may have been of the first reply"
    );
    fed.at(1400);
    fed.engine.heard(fed.now);
    assert!(!fed.engine.is_playing());
}
