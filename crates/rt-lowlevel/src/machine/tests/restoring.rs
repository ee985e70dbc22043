use rt_protocol::client_event::{ConversationItemCreate, SessionUpdate};
use rt_protocol::{ClientEvent, Item, RealtimeSession, ServerEvent};
use serde_json::{Value, json};

use super::*;
use crate::error::ErrorKind;
use crate::event::RestoreCause;
use crate::mirror::Intent;

impl Bench {
    /// Sends as a handle does. Returns the number.
    pub(super) fn command(&mut self, event: impl Into<ClientEvent>) -> u64 {
        let event = event.into();
        let message = Message::control(event.to_json()).of(Kind::of(&event), Intent::of(&event));
        self.machine.handle_command(vec![message], false).unwrap()
    }

    pub(super) fn item(&mut self, id: &str, text: &str) -> u64 {
        let event = ClientEvent::from(ConversationItemCreate::new(Item::user_text(text).with_id(id)));
        self.command(event.with_event_id(format!("evt_{id}")))
    }

    /// The server says this on the latest connection.
    pub(super) fn says(&mut self, event: &Value) -> Disposition {
        let event = ServerEvent::from_json(&event.to_string()).unwrap();
        let (at, epoch) = (self.at(), self.epoch());
        let disposition = self.machine.handle_event(at, epoch, Ok(&event));
        self.collect();
        disposition
    }

    pub(super) fn says_created(&mut self) -> Disposition {
        self.says(&json!({"type": "session.created", "session": {"type": "realtime", "id": "s"}}))
    }

    pub(super) fn has_item(&mut self, id: &str) -> Disposition {
        let item = json!({"type": "message", "id": id, "role": "user", "content": []});
        let added = self.says(&json!({"type": "conversation.item.added", "item": item}));
        let done = self.says(&json!({"type": "conversation.item.done", "item": item}));
        assert_eq!(added, done);
        added
    }

    /// With a session that has settings and two items.
    pub(super) fn talking() -> Self {
        let mut bench = Self::new(|_| {});
        bench.connect();
        bench.says_created();
        let settings = SessionUpdate::new(RealtimeSession::new().instructions("Be brief."));
        bench.command(settings);
        bench.item("a", "one");
        bench.item("b", "two");
        bench.written();
        bench.says(
            &json!({"type": "session.updated", "session": {"type": "realtime", "instructions": "Be brief."}}),
        );
        assert_eq!(bench.has_item("a"), Disposition::Deliver);
        assert_eq!(bench.has_item("b"), Disposition::Deliver);
        bench.events();
        bench
    }

    pub(super) fn lose_and_connect(&mut self) {
        self.drop_stream();
        self.advance(seconds(1));
        self.connect();
        self.events();
    }
}

/// Types of messages, with the ids of items.
fn names(texts: &[String]) -> Vec<String> {
    let name = |text: &String| {
        let value: Value = serde_json::from_str(text).unwrap();
        let kind = value["type"].as_str().unwrap();
        match value["item"]["id"].as_str() {
            Some(id) => format!(
                "{kind} {id} after {}",
                value["previous_item_id"].as_str().unwrap_or("-")
            ),
            None => kind.to_owned(),
        }
    };
    texts.iter().map(name).collect()
}

fn restored(bench: &mut Bench) -> crate::event::Restored {
    let mut found = bench.events().into_iter().filter_map(|event| match event {
        ConnectionEvent::Restored(restored) => Some(restored),
        _ => None,
    });
    found.next().expect("a report")
}

#[test]
fn settings_then_items_then_what_waits() {
    let mut bench = Bench::talking();
    bench.lose_and_connect();
    bench.item("c", "three");
    assert_eq!(bench.says_created(), Disposition::Deliver);
    assert_eq!(names(&bench.written()), ["session.update"]);
    assert_eq!(bench.machine.state(), State::Reconnecting);
    let updated = json!({"type": "session.updated", "session": {"type": "realtime"}});
    assert_eq!(bench.says(&updated), Disposition::Deliver);
    assert_eq!(
        names(&bench.written()),
        [
            "conversation.item.create a after root",
            "conversation.item.create b after a"
        ]
    );
    assert_eq!(bench.has_item("a"), Disposition::Hide);
    assert!(bench.written().is_empty(), "not everything is answered");
    assert_eq!(bench.has_item("b"), Disposition::Hide);
    assert_eq!(bench.machine.state(), State::Connected);
    let report = restored(&mut bench);
    assert_eq!((report.epoch, report.restored, report.lost.len()), (2, 2, 0));
    assert!(report.settings && matches!(report.cause, RestoreCause::ConnectionLost(_)));
    assert_eq!(report.downtime, seconds(1));
    assert_eq!(names(&bench.written()), ["conversation.item.create c after -"]);
    assert_eq!(
        bench.has_item("c"),
        Disposition::Deliver,
        "that one was not restored"
    );
}

#[test]
fn a_drop_at_any_step_begins_anew() {
    for steps in 0..4 {
        let mut bench = Bench::talking();
        bench.lose_and_connect();
        let mut left = steps;
        let mut step = |bench: &mut Bench, event: Value| {
            if left > 0 {
                left -= 1;
                bench.says(&event);
                bench.written();
            }
        };
        let item = |id: &str| json!({"type": "message", "id": id, "role": "user", "content": []});
        step(
            &mut bench,
            json!({"type": "session.created", "session": {"type": "realtime", "id": "s"}}),
        );
        step(
            &mut bench,
            json!({"type": "session.updated", "session": {"type": "realtime"}}),
        );
        step(
            &mut bench,
            json!({"type": "conversation.item.added", "item": item("a")}),
        );
        bench.drop_stream();
        bench.advance(seconds(2));
        bench.connect();
        bench.events();
        bench.says_created();
        assert_eq!(names(&bench.written()), ["session.update"], "after {steps} steps");
        bench.says(&json!({"type": "session.updated", "session": {"type": "realtime"}}));
        assert_eq!(bench.written().len(), 2);
        bench.has_item("a");
        bench.has_item("b");
        assert_eq!(restored(&mut bench).restored, 2);
    }
}

#[test]
fn an_update_that_waits_is_part_of_the_restore() {
    let mut bench = Bench::talking();
    bench.drop_stream();
    let number = bench.command(SessionUpdate::new(
        RealtimeSession::new().instructions("Be long."),
    ));
    bench.advance(seconds(1));
    bench.connect();
    bench.says_created();
    let written = bench.written();
    assert!(written[0].contains("Be long."), "{written:?}");
    bench.events();
    bench.says(&json!({"type": "session.updated", "session": {"type": "realtime"}}));
    let superseded = bench.machine.poll_settled().unwrap();
    assert_eq!(
        (superseded.first.as_u64(), superseded.fate),
        (number, Fate::Superseded)
    );
}

#[test]
fn refused_settings_are_left_out_and_told() {
    let mut bench = Bench::talking();
    bench.drop_stream();
    let number = bench.command(SessionUpdate::new(RealtimeSession::new().instructions("Odd.")));
    bench.advance(seconds(1));
    bench.connect();
    bench.says_created();
    let written = bench.written();
    let refused: Value = serde_json::from_str(&written[0]).unwrap();
    let error = json!({"type": "error", "error": {"type": "invalid_request_error", "code": "invalid_value",
        "message": "m", "param": "session.instructions", "event_id": refused["event_id"]}});
    assert_eq!(bench.says(&error), Disposition::Hide);
    let settled = bench.machine.poll_settled().unwrap();
    assert_eq!(settled.first.as_u64(), number);
    assert!(matches!(settled.fate, Fate::Rejected(_)));
    let again = bench.written();
    assert!(
        again[0].contains("Be brief.") && !again[0].contains("Odd."),
        "{again:?}"
    );
    bench.says(&json!({"type": "session.updated", "session": {"type": "realtime"}}));
    bench.written();
    bench.has_item("a");
    bench.has_item("b");
    assert!(restored(&mut bench).settings);
}

#[test]
fn a_restore_that_is_not_answered_is_a_failure() {
    let mut bench = Bench::talking();
    bench.lose_and_connect();
    bench.says_created();
    bench.written();
    bench.advance(Duration::from_millis(9_999));
    assert!(bench.actions().is_empty() || bench.machine.state() == State::Reconnecting);
    bench.advance(Duration::from_millis(1));
    let cause = bench.retrying().cause;
    assert_eq!(cause.kind(), ErrorKind::Handshake);
    assert!(cause.to_string().contains("10s"), "{cause}");
}

#[test]
fn without_the_policy_a_session_starts_from_nothing() {
    let mut bench = Bench::new(|config| config.restore.enabled = false);
    bench.connect();
    bench.says_created();
    bench.item("a", "one");
    bench.written();
    bench.has_item("a");
    bench.lose_and_connect();
    bench.says_created();
    assert_eq!(bench.machine.state(), State::Connected);
    assert!(bench.written().is_empty());
    assert!(
        !bench
            .events()
            .iter()
            .any(|event| matches!(event, ConnectionEvent::Restored(_)))
    );
}

#[test]
fn a_snapshot_goes_on_in_another_connection() {
    let snapshot = Bench::talking().machine.snapshot();
    let mut bench = Bench {
        machine: Machine::new(Config::default(), false).resume(snapshot),
        ..Bench::new(|_| {})
    };
    let at = bench.at();
    bench.machine.handle_start(at);
    bench.connect();
    bench.says_created();
    assert_eq!(
        bench.machine.state(),
        State::Connecting,
        "not before it is restored"
    );
    assert_eq!(names(&bench.written()), ["session.update"]);
    bench.says(&json!({"type": "session.updated", "session": {"type": "realtime"}}));
    bench.written();
    bench.has_item("a");
    bench.has_item("b");
    let report = restored(&mut bench);
    assert!(matches!(report.cause, RestoreCause::Resumed));
    assert_eq!((report.epoch, report.restored), (1, 2));
}

#[test]
fn a_message_that_is_too_large_is_named_and_not_sent_again() {
    let mut bench = Bench::talking();
    let small = bench.item("c", "small");
    let large = bench.item("d", &"x".repeat(5000));
    bench.written();
    bench.close(1009, "too big");
    let events = bench.events();
    let Some(ConnectionEvent::Retrying(retrying)) = events.last() else {
        panic!("{events:?}")
    };
    assert_eq!(retrying.cause.kind(), ErrorKind::MessageTooLarge);
    assert_eq!(retrying.cause.close_code(), Some(1009));
    let text = retrying.cause.to_string();
    assert!(text.contains("conversation.item.create of 51"), "{text}");
    let fates: Vec<(u64, Fate)> = events
        .iter()
        .filter_map(|event| match event {
            ConnectionEvent::Settled(settled) => Some((settled.first.as_u64(), settled.fate.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(fates, [(large, Fate::Discarded(DiscardReason::TooLarge))]);
    bench.advance(seconds(1));
    bench.connect();
    bench.says_created();
    bench.written();
    bench.says(&json!({"type": "session.updated", "session": {"type": "realtime"}}));
    let told = names(&bench.written());
    assert!(told.iter().any(|name| name.contains(" c ")), "{told:?}");
    assert!(!told.iter().any(|name| name.contains(" d ")), "{told:?}");
    for id in ["a", "b", "c"] {
        bench.has_item(id);
    }
    let report = restored(&mut bench);
    assert_eq!((report.restored, report.lost.len()), (3, 1));
    assert_eq!(report.lost[0].id, "d");
    assert_eq!(bench.machine.sums().pending, 0, "{small} is acknowledged");

    // With nothing that it can have meant, it is the end.
    let mut bench = Bench::opened(|_| {});
    bench.close(1009, "");
    assert_eq!(bench.closed().error.unwrap().close_code(), Some(1009));
}

#[test]
fn a_restore_may_take_long_as_long_as_it_goes_on() {
    let almost = seconds(9);
    let mut bench = Bench::talking();
    bench.lose_and_connect();
    bench.says_created();
    bench.written();
    bench.advance(almost);
    bench.says(&json!({"type": "session.updated", "session": {"type": "realtime"}}));
    bench.written();
    bench.advance(almost);
    bench.has_item("a");
    bench.advance(almost);
    assert_eq!(bench.machine.state(), State::Reconnecting);
    // What takes nothing more is late, whatever else it says.
    let mut stuck = Bench::talking();
    stuck.lose_and_connect();
    stuck.says_created();
    stuck.written();
    stuck.advance(almost);
    stuck.says(&json!({"type": "input_audio_buffer.cleared", "event_id": "e"}));
    stuck.advance(seconds(1));
    let causes = stuck.events().into_iter().filter_map(|event| match event {
        ConnectionEvent::Retrying(retrying) => Some(retrying.cause.kind()),
        _ => None,
    });
    assert_eq!(causes.collect::<Vec<_>>(), [ErrorKind::Handshake]);

    bench.has_item("b");
    assert_eq!(bench.machine.state(), State::Connected);
    assert_eq!(restored(&mut bench).restored, 2);
}

#[test]
fn a_restore_ends_however_steadily_it_goes_on() {
    let mut bench = Bench::opened(|config| config.retry.max_downtime = seconds(25));
    for id in ["a", "b", "c", "d"] {
        bench.item(id, id);
        bench.written();
        bench.has_item(id);
    }
    bench.lose_and_connect();
    bench.says_created();
    bench.written();
    bench.says(&json!({"type": "session.updated", "session": {"type": "realtime"}}));
    bench.written();
    for id in ["a", "b"] {
        bench.advance(seconds(9));
        bench.has_item(id);
    }
    bench.events();
    bench.advance(seconds(7));
    let causes = bench.events().into_iter().filter_map(|event| match event {
        ConnectionEvent::Retrying(retrying) => Some(retrying.cause.kind()),
        ConnectionEvent::Closed(closed) => closed.error.map(|error| error.kind()),
        _ => None,
    });
    assert_eq!(causes.collect::<Vec<_>>(), [ErrorKind::Handshake]);
}

#[test]
fn a_close_is_not_undone_by_the_answers_still_under_way() {
    let mut bench = Bench::talking();
    bench.lose_and_connect();
    bench.says_created();
    bench.written();
    bench.says(&json!({"type": "session.updated", "session": {"type": "realtime"}}));
    assert_eq!(bench.written().len(), 2);
    let at = bench.at();
    bench.machine.handle_close(at);
    bench.has_item("a");
    bench.has_item("b");
    assert_eq!(bench.machine.state(), State::Closing);
    assert_eq!(bench.written(), ["<close 1000>"]);
    bench.advance(bench.machine.config.timeouts.restore);
    assert!(bench.closed().error.is_none());
}

#[test]
fn a_close_during_a_swap_still_writes_what_was_accepted() {
    let mut bench = Bench::talking();
    let at = bench.at();
    assert!(bench.machine.handle_restart(at));
    bench.advance(Duration::ZERO);
    bench.connect();
    assert_eq!(bench.says_created(), Disposition::Hold);
    assert_eq!(names(&bench.written()), ["session.update"]);
    // The first is lost while the second is being prepared, which takes over.
    let at = bench.at();
    bench.machine.handle_read_failed(at, 1, ended());
    assert_eq!(bench.machine.state(), State::Reconnecting);
    bench.send("accepted");
    bench.machine.handle_close(at);
    assert_eq!(bench.machine.state(), State::Closing);
    bench.says(&json!({"type": "session.updated", "session": {"type": "realtime"}}));
    assert_eq!(bench.written().len(), 2, "the items");
    bench.has_item("a");
    bench.has_item("b");
    assert_eq!(bench.machine.state(), State::Closing);
    assert_eq!(bench.written(), ["accepted", "<close 1000>"]);
}
