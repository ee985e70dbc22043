use rt_protocol::ClientEvent;

use super::*;

fn line(bytes: usize, audio: usize, answered: bool) -> Line {
    Line {
        bytes,
        audio,
        kind: Kind::default(),
        answered,
    }
}

fn balanced(ledger: &Ledger) {
    let sums = ledger.sums();
    let parts = sums.acknowledged + sums.rejected + sums.superseded + sums.discarded + sums.pending;
    assert_eq!(sums.accepted, parts, "{sums:?}");
}

fn runs(ledger: &mut Ledger) -> Vec<(u64, u64, u64, Fate)> {
    std::iter::from_fn(|| ledger.take_run())
        .map(|run| (run.first.as_u64(), run.last.as_u64(), run.count, run.fate))
        .collect()
}

#[test]
fn being_read_settles_what_has_no_answer_and_nothing_that_was_not_written() {
    let mut ledger = Ledger::default();
    for answered in [false, true, false, false] {
        ledger.accept(line(10, 0, answered), false, false);
    }
    for number in 1..=3 {
        ledger.written(number);
    }
    ledger.read(4);
    assert_eq!((ledger.sums().acknowledged, ledger.sums().pending), (2, 2));
    ledger.settle(2, Fate::Acknowledged);
    ledger.settle(2, Fate::Superseded);
    assert_eq!((ledger.sums().acknowledged, ledger.sums().superseded), (3, 0));
    ledger.discard_all();
    assert_eq!(
        runs(&mut ledger),
        [(4, 4, 1, Fate::Discarded(DiscardReason::Unsent))]
    );
    assert!(ledger.entries.is_empty());
    balanced(&ledger);
}

#[test]
fn several_messages_are_one_command() {
    let mut ledger = Ledger::default();
    for continues in [true, true, false, true, false] {
        ledger.accept(line(10, 100, false), continues, true);
    }
    assert_eq!(ledger.sums().accepted, 2);
    for number in 1..=4 {
        ledger.written(number);
    }
    ledger.read(2);
    assert_eq!(ledger.sums().acknowledged, 0, "its last message was not read");
    ledger.read(4);
    assert_eq!(ledger.sums().acknowledged, 1);
    assert_eq!(ledger.take_tracked(), Some((1, Fate::Acknowledged)));
    ledger.settle(5, Fate::Discarded(DiscardReason::Stale));
    assert_eq!(
        ledger.take_tracked(),
        Some((4, Fate::Discarded(DiscardReason::Stale)))
    );
    // The other part was read.
    assert_eq!(ledger.discarded_audio(), 100);
    let told = runs(&mut ledger);
    assert_eq!(told, [(4, 4, 1, Fate::Discarded(DiscardReason::Stale))]);
    assert!(ledger.entries.is_empty());
    balanced(&ledger);
}

#[test]
fn neighbours_of_one_fate_are_told_together() {
    let mut ledger = Ledger::default();
    for _ in 0..6 {
        ledger.accept(line(10, 0, false), false, false);
    }
    for number in [1, 2, 4, 5] {
        ledger.settle(number, Fate::Superseded);
    }
    ledger.settle(6, Fate::Discarded(DiscardReason::Unsent));
    assert_eq!(
        runs(&mut ledger),
        [
            (1, 2, 2, Fate::Superseded),
            (4, 5, 2, Fate::Superseded),
            (6, 6, 1, Fate::Discarded(DiscardReason::Unsent)),
        ]
    );
    balanced(&ledger);
}

#[test]
fn nothing_grows_without_end() {
    let mut ledger = Ledger::default();
    for round in 0..5000u64 {
        // Never answered.
        ledger.accept(line(10, 0, true), false, false);
        ledger.accept(line(10, 48, false), false, false);
        ledger.written(2 * round + 1);
        ledger.read(2 * round + 2);
        ledger.settle(2 * round + 2, Fate::Discarded(DiscardReason::Stale));
    }
    assert!(
        ledger.entries.len() <= 2 * MAX_ANSWERS + 2,
        "{}",
        ledger.entries.len()
    );
    assert!(ledger.runs.len() <= MAX_RUNS);
    let told: u64 = runs(&mut ledger).iter().map(|run| run.2).sum();
    assert_eq!(told, 5000);
    balanced(&ledger);
}

#[test]
fn the_largest_is_found_among_what_may_be_unread() {
    let mut ledger = Ledger::default();
    for bytes in [9000, 500, 700, 8000] {
        ledger.accept(line(bytes, 0, false), false, false);
    }
    for number in 1..=3 {
        ledger.written(number);
    }
    ledger.read(1);
    assert_eq!(
        ledger.largest_written(),
        Some((3, Kind::default(), 700)),
        "the first was read, the last not written"
    );
    ledger.again(3);
    assert_eq!(ledger.largest_written().map(|(number, ..)| number), Some(2));
}

#[test]
fn one_that_is_never_answered_does_not_keep_all_behind_it() {
    let mut ledger = Ledger::default();
    ledger.accept(line(10, 0, true), false, false);
    ledger.written(1);
    ledger.read(1);
    for number in 2..=MAX_BEHIND + 1 {
        ledger.accept(line(10, 0, false), false, false);
        ledger.written(number);
    }
    ledger.read(MAX_BEHIND + 1);
    assert_eq!(ledger.sums().pending, 1, "there is still time for the answer");
    ledger.accept(line(10, 0, false), false, false);
    ledger.written(MAX_BEHIND + 2);
    ledger.read(MAX_BEHIND + 2);
    assert_eq!(ledger.sums().pending, 0);
    assert!(ledger.entries.is_empty());
    // An answer after all changes nothing.
    ledger.settle(1, Fate::Superseded);
    assert_eq!(ledger.sums().superseded, 0);
    balanced(&ledger);
}

#[test]
fn numbers_that_are_not_there_are_nothing() {
    let mut ledger = Ledger::default();
    ledger.accept(line(10, 0, false), false, false);
    for number in [0, 2, 3, u64::MAX] {
        ledger.written(number);
        ledger.again(number);
        ledger.settle(number, Fate::Superseded);
    }
    assert_eq!(ledger.sums().pending, 1);
    assert_eq!(ledger.largest_written(), None);
}

#[test]
fn so_many_may_be_unanswered_and_the_oldest_of_more_are_not_waited_for() {
    let mut ledger = Ledger::default();
    let read = |ledger: &mut Ledger, count: usize| {
        for _ in 0..count {
            let number = ledger.accept(line(10, 0, true), false, false);
            ledger.written(number);
            ledger.read(number);
        }
        (ledger.sums().acknowledged, ledger.sums().pending)
    };
    let most = MAX_ANSWERS as u64;
    assert_eq!(read(&mut ledger, MAX_ANSWERS), (0, most));
    // Those that are answered make room.
    for number in 1..=10 {
        ledger.settle(number, Fate::Acknowledged);
    }
    assert_eq!(read(&mut ledger, 10), (10, most));
    assert_eq!(read(&mut ledger, 3), (13, most));
    ledger.discard_all();
    assert_eq!(runs(&mut ledger)[0].0, 14, "the oldest are taken for done");
    balanced(&ledger);
}

#[test]
fn many_read_at_once_are_bounded_too() {
    let mut ledger = Ledger::default();
    for _ in 0..MAX_ANSWERS + 6 {
        let number = ledger.accept(line(10, 0, true), false, false);
        ledger.written(number);
    }
    ledger.read(MAX_ANSWERS as u64 + 6);
    assert_eq!(ledger.sums().acknowledged, 6);
    balanced(&ledger);
}

#[test]
fn the_distance_to_what_is_never_answered_is_counted_from_its_last_message() {
    let mut ledger = Ledger::default();
    ledger.accept(line(10, 0, false), true, false);
    ledger.accept(line(10, 0, true), false, false);
    ledger.written(1);
    ledger.written(2);
    for number in 3..=MAX_BEHIND + 2 {
        ledger.accept(line(10, 0, false), false, false);
        ledger.written(number);
    }
    ledger.read(MAX_BEHIND + 2);
    assert_eq!(ledger.sums().pending, 1);
    ledger.accept(line(10, 0, false), false, false);
    ledger.written(MAX_BEHIND + 3);
    ledger.read(MAX_BEHIND + 3);
    assert_eq!(ledger.sums().pending, 0);
}

#[test]
fn audio_is_discarded_for_a_reason_of_its_own() {
    let mut ledger = Ledger::default();
    for audio in [960, 0, 1] {
        let number = ledger.accept(line(10, audio, false), false, false);
        ledger.written(number);
    }
    ledger.accept(line(10, 960, false), false, false);
    ledger.discard_written(DiscardReason::AudioBounds, DiscardReason::ConnectionLost);
    let (audio, rest) = (
        Fate::Discarded(DiscardReason::AudioBounds),
        Fate::Discarded(DiscardReason::ConnectionLost),
    );
    assert_eq!(
        runs(&mut ledger),
        [(1, 1, 1, audio.clone()), (2, 2, 1, rest), (3, 3, 1, audio)]
    );
    assert_eq!(ledger.discarded_audio(), 961);
    assert_eq!(ledger.sums().pending, 1, "the last was not written");
}

#[test]
fn an_error_refuses_the_command_that_it_names() {
    let mut ledger = Ledger::default();
    for id in ["one", "two", "three"] {
        let number = ledger.accept(line(10, 0, false), false, false);
        ledger.written(number);
        ledger.name(number, id);
    }
    let details = ErrorDetails {
        kind: "invalid_request_error".to_owned(),
        ..ErrorDetails::default()
    };
    ledger.reject_named("four", &details);
    assert_eq!(ledger.sums().rejected, 0);
    ledger.reject_named("two", &details);
    ledger.reject_named("two", &details);
    assert_eq!(ledger.sums().rejected, 1);
    assert_eq!(
        runs(&mut ledger),
        [(2, 2, 1, Fate::Rejected(Box::new(details.clone())))]
    );
    // A name belongs to its connection.
    ledger.again(1);
    ledger.discard_written(DiscardReason::AudioBounds, DiscardReason::ConnectionLost);
    ledger.reject_named("one", &details);
    assert_eq!(ledger.sums().rejected, 1);
    balanced(&ledger);
}

#[test]
fn only_the_latest_names_are_kept() {
    let mut ledger = Ledger::default();
    for number in 1..=MAX_NAMES as u64 + 1 {
        ledger.accept(line(10, 0, false), false, false);
        ledger.written(number);
        ledger.name(number, &number.to_string());
    }
    let details = ErrorDetails::default();
    ledger.reject_named("1", &details);
    assert_eq!(ledger.sums().rejected, 0);
    ledger.reject_named("2", &details);
    ledger.reject_named(&(MAX_NAMES + 1).to_string(), &details);
    assert_eq!(ledger.sums().rejected, 2);
}

#[test]
fn the_first_fate_of_a_message_is_that_of_its_command() {
    for settled in 1..=3 {
        let mut ledger = Ledger::default();
        for continues in [true, true, false, false] {
            ledger.accept(line(10, 100, false), continues, false);
        }
        assert!(!ledger.has_runs());
        ledger.settle(settled, Fate::Superseded);
        assert!(ledger.has_runs());
        assert_eq!((ledger.sums().superseded, ledger.sums().pending), (1, 1));
        // The rest of it is not told again, and what follows is the next command.
        for number in 1..=3 {
            ledger.written(number);
            ledger.settle(number, Fate::Discarded(DiscardReason::Stale));
        }
        ledger.read(3);
        assert_eq!(ledger.sums().acknowledged, 0);
        ledger.settle(4, Fate::Superseded);
        assert_eq!(
            runs(&mut ledger),
            [(1, 4, 2, Fate::Superseded)],
            "neighbours, although the first has three messages"
        );
        assert!(ledger.entries.is_empty());
        balanced(&ledger);
    }
}

#[test]
fn a_type_is_named_and_an_unknown_one_is_not() {
    let kind = |json: &str| Kind::of(&ClientEvent::from_json(json).unwrap());
    assert_eq!(
        format!("{:?}", kind(r#"{"type":"response.create"}"#)),
        "response.create"
    );
    assert_eq!(
        format!("{:?}", kind(r#"{"type":"future.event"}"#)),
        "an event of an unknown type"
    );
}
