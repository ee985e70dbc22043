//! A restore of which the server refuses something.

use rt_protocol::RealtimeSession;
use rt_protocol::client_event::{ConversationItemDelete, SessionUpdate};
use serde_json::{Value, json};

use super::*;
use crate::error::ErrorKind;
use crate::event::Restored;
use crate::mirror::LostReason;

/// With so many items, and another connection whose session is there.
fn restoring(items: usize, change: impl FnOnce(&mut Config)) -> Bench {
    let mut bench = Bench::new(change);
    bench.connect();
    bench.says_created();
    for n in 0..items {
        let id = format!("i{n}");
        bench.item(&id, "text");
        bench.written();
        bench.has_item(&id);
    }
    bench.lose_and_connect();
    bench.says_created();
    bench
}

/// The server refuses what was written.
fn refuse(bench: &mut Bench, text: &str, code: &str) -> Disposition {
    let written: Value = serde_json::from_str(text).unwrap();
    bench.says(
        &json!({"type": "error", "error": {"type": "invalid_request_error", "code": code,
        "message": "m", "event_id": written["event_id"]}}),
    )
}

fn updated(bench: &mut Bench) {
    bench.says(&json!({"type": "session.updated", "session": {"type": "realtime"}}));
}

fn report(bench: &mut Bench) -> Option<Restored> {
    bench.events().into_iter().find_map(|event| match event {
        ConnectionEvent::Restored(restored) => Some(restored),
        _ => None,
    })
}

fn fates(events: &[ConnectionEvent]) -> Vec<(u64, Fate)> {
    let settled = events.iter().filter_map(|event| match event {
        ConnectionEvent::Settled(settled) => Some((settled.first.as_u64(), settled.fate.clone())),
        _ => None,
    });
    settled.collect()
}

#[test]
fn settings_that_are_always_refused_are_done_without() {
    let mut bench = Bench::talking();
    bench.lose_and_connect();
    bench.says_created();
    let mut refusals = 0;
    let items = loop {
        let written = bench.written();
        if !written[0].contains("session.update") {
            break written;
        }
        refusals += 1;
        assert!(refusals < 20);
        assert_eq!(
            refuse(&mut bench, &written[0], "invalid_value"),
            Disposition::Hide
        );
    };
    assert_eq!(refusals, 3);
    assert_eq!(items.len(), 2);
    bench.has_item("a");
    bench.has_item("b");
    let report = report(&mut bench).unwrap();
    assert_eq!((report.settings, report.restored), (false, 2));
    assert_eq!(bench.machine.state(), State::Connected);
}

#[test]
fn so_many_items_are_unanswered_at_a_time() {
    let mut bench = restoring(40, |_| {});
    assert_eq!(bench.written().len(), 32);
    assert!(bench.written().is_empty());
    bench.has_item("i0");
    assert_eq!(bench.written().len(), 1);
    for n in 1..33 {
        bench.has_item(&format!("i{n}"));
    }
    assert_eq!(bench.written().len(), 7);
    for n in 33..40 {
        bench.has_item(&format!("i{n}"));
    }
    assert_eq!(report(&mut bench).unwrap().restored, 40);
}

#[test]
fn a_server_that_refuses_one_after_the_other_is_not_followed_for_ever() {
    let mut bench = restoring(310, |config| config.restore.max_items = 1000);
    let mut refused = 0;
    while bench.machine.state() == State::Reconnecting {
        let Transmit::Frame(Frame::Text(text)) = bench.transmit(false) else {
            panic!("after {refused}")
        };
        refuse(&mut bench, &text, "odd");
        refused += 1;
    }
    assert_eq!(refused, 300);
    let report = report(&mut bench).unwrap();
    assert_eq!((report.restored, report.lost.len()), (0, 310));
    let of = |code: &str| {
        let rejected = LostReason::Rejected(code.to_owned());
        report.lost.iter().filter(|lost| lost.reason == rejected).count()
    };
    assert_eq!((of("odd"), of("not_settled")), (300, 10));
}

#[test]
fn a_refused_item_is_told_with_the_answer_of_the_server() {
    let mut bench = Bench::talking();
    bench.drop_stream();
    bench.advance(seconds(1));
    bench.connect();
    bench.says_created();
    bench.written();
    updated(&mut bench);
    let written = bench.written();
    bench.events();
    refuse(&mut bench, &written[0], "odd");
    bench.has_item("b");
    let again = bench.written();
    assert!(again.is_empty(), "{again:?}");
    let report = report(&mut bench).unwrap();
    assert_eq!((report.restored, report.lost.len()), (1, 1));
    assert_eq!(report.lost[0].reason, LostReason::Rejected("odd".to_owned()));

    // One that was not answered before has a fate.
    let mut bench = Bench::talking();
    let number = bench.item("c", "three");
    bench.written();
    bench.lose_and_connect();
    bench.says_created();
    bench.written();
    updated(&mut bench);
    let written = bench.written();
    bench.has_item("a");
    bench.has_item("b");
    refuse(&mut bench, &written[2], "odd");
    let settled = bench.machine.poll_settled().unwrap();
    let Fate::Rejected(details) = settled.fate else {
        panic!("{:?}", settled.fate)
    };
    assert_eq!(
        (settled.first.as_u64(), details.code.as_deref()),
        (number, Some("odd"))
    );
}

/// With a change of the settings, and an item deleted, while there was no connection.
fn changed_meanwhile(text: &str) -> (Bench, u64, u64) {
    let mut bench = Bench::talking();
    bench.drop_stream();
    bench.events();
    bench.machine.take_room();
    let update = bench.command(SessionUpdate::new(RealtimeSession::new().instructions(text)));
    let delete = bench.command(ConversationItemDelete::new("b"));
    assert!(!bench.machine.take_room());
    bench.advance(seconds(1));
    bench.connect();
    bench.says_created();
    assert!(bench.machine.take_room(), "they need not be written");
    assert_eq!(bench.machine.waiting_messages(), 0);
    (bench, update, delete)
}

#[test]
fn what_was_merged_is_superseded_although_the_settings_were_refused() {
    let (mut bench, update, delete) = changed_meanwhile("Odd.");
    let written = bench.written();
    refuse(&mut bench, &written[0], "invalid_value");
    let settled = bench.machine.poll_settled().unwrap();
    let Fate::Rejected(details) = &settled.fate else {
        panic!("{:?}", settled.fate)
    };
    assert_eq!(
        (settled.first.as_u64(), details.code.as_deref()),
        (update, Some("invalid_value"))
    );
    bench.written();
    updated(&mut bench);
    let settled = bench.machine.poll_settled().unwrap();
    assert_eq!((settled.first.as_u64(), settled.fate), (delete, Fate::Superseded));
    assert_eq!(bench.written().len(), 1, "without the item");
    bench.has_item("a");
    assert_eq!(bench.machine.sums().pending, 0);
}

#[test]
fn settings_that_are_too_large_are_named_and_not_said_again() {
    let (mut bench, update, delete) = changed_meanwhile(&"x".repeat(9000));
    assert_eq!(bench.written().len(), 1);
    bench.events();
    bench.close(1009, "too big");
    let events = bench.events();
    let Some(ConnectionEvent::Retrying(retrying)) = events.last() else {
        panic!("{events:?}")
    };
    assert_eq!(retrying.cause.kind(), ErrorKind::MessageTooLarge);
    let text = retrying.cause.to_string();
    assert!(text.contains("session.update of 9"), "{text}");
    let expected = [(update, Fate::Discarded(DiscardReason::TooLarge))];
    assert_eq!(fates(&events), expected);
    bench.advance(seconds(2));
    bench.connect();
    bench.says_created();
    let written = bench.written();
    assert!(written.iter().all(|text| text.len() < 1000), "{written:?}");
    updated(&mut bench);
    bench.written();
    bench.has_item("a");
    bench.events();
    let sums = bench.machine.sums();
    assert_eq!((sums.pending, sums.superseded), (0, 1), "{delete} was merged");
}

#[test]
fn an_item_that_is_too_large_for_the_new_session_is_left_out() {
    let mut bench = Bench::talking();
    bench.item("c", &"x".repeat(5000));
    bench.written();
    bench.has_item("c");
    bench.lose_and_connect();
    bench.says_created();
    bench.written();
    updated(&mut bench);
    assert_eq!(bench.written().len(), 3);
    bench.close(1009, "too big");
    let cause = bench.retrying().cause;
    assert_eq!(cause.kind(), ErrorKind::MessageTooLarge);
    let text = cause.to_string();
    assert!(text.contains("conversation.item.create of 51"), "{text}");
    bench.advance(seconds(2));
    bench.connect();
    bench.says_created();
    bench.written();
    updated(&mut bench);
    assert_eq!(bench.written().len(), 2);
    bench.has_item("a");
    bench.has_item("b");
    let report = report(&mut bench).unwrap();
    assert_eq!(report.lost.len(), 1);
    assert_eq!(report.lost[0].id, "c");
}

#[test]
fn room_is_told_only_if_something_was_merged() {
    let mut bench = Bench::talking();
    bench.drop_stream();
    bench.machine.take_room();
    bench.advance(seconds(1));
    bench.connect();
    bench.says_created();
    assert!(!bench.machine.take_room());
}
