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
    assert_eq!(ledger.discarded_audio(), 200);
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
