//! When the second connection is made, when it takes over, and what becomes of it if something is in the way.

use serde_json::json;

use super::rollover::{
    causes, dialing, hangups, has_dial, is_dial, opened, second, session, unproved, written_to,
};
use super::*;

fn says_to_first(bench: &mut Bench, json: &serde_json::Value) {
    let event = rt_protocol::ServerEvent::from_json(&json.to_string()).unwrap();
    let at = bench.at();
    bench.machine.handle_event(at, 1, Ok(&event));
    bench.collect();
}

/// With a second session that is ready, and an item on the first that is not answered.
fn ready_but_not_quiet(length: u64) -> Bench {
    let mut bench = opened(length);
    let start = bench.machine.poll_timeout().unwrap();
    bench.item("a", "one");
    while !has_dial(&bench.actions()) {
        written_to(&mut bench, 1);
        bench.advance(Duration::from_millis(500));
        assert!(bench.now < start + seconds(length));
    }
    bench.connect();
    assert_eq!(session(&mut bench, "sess_2", Some(3600)), Disposition::Hold);
    written_to(&mut bench, 1);
    written_to(&mut bench, 2);
    bench
}

#[test]
fn it_can_be_switched_off() {
    let off: [fn(&mut Config); 2] = [
        |config| config.rollover.enabled = false,
        |config| config.restore.enabled = false,
    ];
    for change in off {
        let mut bench = Bench::new(change);
        bench.connect();
        session(&mut bench, "sess_1", Some(600));
        bench.actions();
        for _ in 0..1200 {
            bench.advance(Duration::from_millis(500));
            written_to(&mut bench, 1);
        }
        assert!(!has_dial(&bench.actions()));
    }
}

#[test]
fn a_short_session_is_used_for_half_of_its_time_and_left_after_three_quarters() {
    let mut bench = opened(16);
    let start = bench.now;
    bench.item("a", "one");
    written_to(&mut bench, 1);
    bench.advance(Duration::from_millis(7_999));
    written_to(&mut bench, 1);
    assert!(bench.actions().is_empty());
    bench.advance(Duration::from_millis(1));
    assert!(is_dial(&bench.actions()));
    bench.connect();
    session(&mut bench, "sess_2", None);
    // The item is not answered: it is not quiet, so the deadline decides.
    while bench.now < start + Duration::from_millis(11_900) {
        bench.advance(Duration::from_millis(100));
        written_to(&mut bench, 1);
        written_to(&mut bench, 2);
    }
    assert!(hangups(&bench.actions()).is_empty());
    bench.advance(Duration::from_millis(100));
    assert_eq!(hangups(&bench.actions()), [(1, true)]);
}

#[test]
fn it_waits_for_what_is_unanswered_until_the_deadline() {
    let mut bench = ready_but_not_quiet(600);
    for _ in 0..40 {
        bench.advance(seconds(1));
        written_to(&mut bench, 1);
        written_to(&mut bench, 2);
    }
    assert!(hangups(&bench.actions()).is_empty());
    bench.advance(seconds(60));
    assert_eq!(hangups(&bench.actions()), [(1, true)]);
    // What was unanswered is part of what the second session is told.
    assert!(bench.machine.sums().pending <= 1);
    assert!(
        written_to(&mut bench, 2)
            .iter()
            .any(|text| text.contains("conversation.item.create"))
    );
}

#[test]
fn a_session_that_says_that_it_ends_is_left_at_once() {
    let mut bench = ready_but_not_quiet(600);
    says_to_first(
        &mut bench,
        &json!({"type": "error", "error": {"type": "invalid_request_error", "code": "session_expired", "message": "m"}}),
    );
    bench.advance(Duration::ZERO);
    assert_eq!(hangups(&bench.actions()), [(1, true)]);
    assert_eq!(bench.machine.state(), State::Connected);
    assert!(!causes(&mut bench).contains(&"retrying".to_owned()));
}

#[test]
fn the_deadline_starts_what_has_not_begun() {
    let mut bench = Bench::new(|config| config.rollover.margin = seconds(10));
    bench.connect();
    session(&mut bench, "sess_1", Some(600));
    bench.actions();
    bench.advance(Duration::from_millis(579_999));
    written_to(&mut bench, 1);
    assert!(bench.actions().is_empty());
    bench.advance(Duration::from_millis(1));
    assert!(is_dial(&bench.actions()));
}

#[test]
fn the_deadline_does_not_cut_a_wait_short() {
    let mut bench = dialing();
    // Half a minute is what the server asks for, and the deadline is in less.
    bench.advance(seconds(0));
    bench.fail_dial(&status(503, Some(seconds(50))));
    bench.advance(seconds(50));
    assert!(is_dial(&bench.actions()));
    bench.fail_dial(&status(503, Some(seconds(59))));
    bench.advance(seconds(58));
    assert!(bench.actions().is_empty(), "the deadline was at 580");
    bench.advance(seconds(1));
    assert!(is_dial(&bench.actions()));
}

#[test]
fn attempts_of_the_second_are_counted_and_ask_for_no_new_token() {
    for can_refresh in [false, true] {
        let mut bench = Bench::with_provider(|_| {}, can_refresh);
        bench.connect();
        session(&mut bench, "sess_1", Some(600));
        bench.actions();
        bench.advance(seconds(480));
        for attempt in 1..4 {
            let expected = Action::Dial {
                attempt,
                refresh_token: false,
            };
            assert_eq!(bench.actions(), [expected]);
            bench.fail_dial(&status(503, None));
            bench.advance(seconds(8));
            written_to(&mut bench, 1);
        }
    }
    // A refused token is not replaced if there is nobody to ask for another.
    let mut bench = dialing();
    bench.fail_dial(&status(401, None));
    bench.drop_stream();
    bench.advance(seconds(8));
    assert!(bench.actions().contains(&Action::Dial {
        attempt: 2,
        refresh_token: false
    }));
}

#[test]
fn a_dial_of_the_second_that_hangs_is_aborted_and_tried_again() {
    let mut bench = dialing();
    bench.advance(Duration::from_millis(9_999));
    written_to(&mut bench, 1);
    assert!(bench.actions().is_empty());
    bench.advance(Duration::from_millis(1));
    assert_eq!(bench.actions(), [Action::AbortDial]);
    bench.advance(seconds(8));
    assert!(is_dial(&bench.actions()));
    assert_eq!(bench.machine.state(), State::Connected);
}

#[test]
fn events_of_the_second_are_held_until_it_takes_over() {
    let mut bench = ready_but_not_quiet(600);
    let event = || {
        let json = r#"{"type":"rate_limits.updated","rate_limits":[]}"#;
        ConnectionEvent::Server(rt_protocol::ServerEvent::from_json(json).unwrap())
    };
    let at = bench.at();
    for _ in 0..400 {
        bench.machine.hold(at, 2, event(), 100);
        bench.machine.hold(at, 1, event(), 100);
    }
    bench.events();
    bench.has_item("a");
    says_to_first(
        &mut bench,
        &json!({"type": "conversation.item.added", "item": {"type": "message", "id": "a", "role": "user", "content": []}}),
    );
    bench.advance(seconds(1));
    written_to(&mut bench, 1);
    bench.advance(seconds(1));
    let told = causes(&mut bench);
    assert_eq!(
        told.iter().filter(|name| *name == "rate_limits.updated").count(),
        400
    );
}

#[test]
fn a_second_that_says_too_much_is_given_up_and_the_first_goes_on() {
    let event = || {
        let json = r#"{"type":"rate_limits.updated","rate_limits":[]}"#;
        ConnectionEvent::Server(rt_protocol::ServerEvent::from_json(json).unwrap())
    };
    for (bytes, most) in [(1, super::super::rollover::MAX_HELD), (1 << 20, 4)] {
        let mut bench = ready_but_not_quiet(600);
        let at = bench.at();
        // One is held: the greeting.
        for _ in 1..most {
            bench.machine.hold(at, 2, event(), bytes);
        }
        assert!(bench.machine.next.is_some(), "{bytes}");
        for _ in 0..2 {
            bench.machine.hold(at, 2, event(), bytes);
        }
        assert!(bench.machine.next.is_none(), "{bytes}");
        assert_eq!(hangups(&bench.actions()), [(2, true)]);
        assert_eq!(bench.machine.state(), State::Connected);
    }
}

#[test]
fn after_a_real_loss_there_is_no_session_until_the_second_knows_everything() {
    let mut bench = ready_but_not_quiet(600);
    let at = bench.at();
    bench.machine.handle_read_failed(at, 1, ended());
    assert_eq!(bench.machine.state(), State::Reconnecting);
    bench.written();
    bench.has_item("a");
    assert_eq!(bench.machine.state(), State::Connected);
}

#[test]
fn nothing_is_restarted_that_would_not_be_restored() {
    let mut bench = Bench::opened(|config| config.restore.enabled = false);
    let at = bench.at();
    assert!(!bench.machine.handle_restart(at) && !bench.machine.can_restart());
    bench.advance(seconds(60));
    assert!(!has_dial(&bench.actions()));
}

#[test]
fn events_meanwhile_do_not_end_the_wait_for_the_proof() {
    let mut bench = unproved();
    for _ in 0..4 {
        bench.advance(Duration::from_millis(200));
        says_to_first(
            &mut bench,
            &json!({"type": "rate_limits.updated", "rate_limits": []}),
        );
        bench.advance(Duration::ZERO);
        let at = bench.at();
        bench.machine.poll_transmit(at, 1, true);
        assert_eq!(bench.machine.poll_transmit(at, 1, true), Transmit::Idle, "held");
    }
    bench.advance(Duration::from_millis(200));
    assert!(
        written_to(&mut bench, 1).contains(&"b".to_owned()),
        "after a second it is not"
    );
}

#[test]
fn the_connect_that_takes_over_is_counted() {
    let mut bench = second();
    let at = bench.at();
    bench.machine.handle_read_failed(at, 1, ended());
    let retrying = bench.retrying();
    assert_eq!((retrying.attempt, retrying.delay), (2, Duration::ZERO));
}

#[test]
fn a_pause_of_a_second_connection_that_is_ready_sets_no_deadline() {
    let mut bench = ready_but_not_quiet(600);
    let at = bench.at();
    bench.machine.handle_read_paused(at, 2);
    bench.machine.handle_read_resumed(at, 2);
    for _ in 0..12 {
        bench.advance(seconds(1));
        written_to(&mut bench, 1);
        written_to(&mut bench, 2);
    }
    assert!(hangups(&bench.actions()).is_empty());
}

fn error(code: &str) -> serde_json::Value {
    json!({"type": "error", "error": {"type": "invalid_request_error", "code": code, "message": "m"}})
}

#[test]
fn a_fatal_error_is_no_reason_to_swap() {
    let mut bench = ready_but_not_quiet(600);
    says_to_first(&mut bench, &error("insufficient_quota"));
    bench.advance(Duration::ZERO);
    assert!(hangups(&bench.actions()).is_empty());
    // Nor to close before the server does.
    bench.advance(seconds(2));
    assert!(hangups(&bench.actions()).is_empty());
    assert_eq!(bench.machine.state(), State::Connected);
    let at = bench.at();
    bench
        .machine
        .handle_peer_close(at, 1, CloseFrame::new(CloseCode::new(1011), ""));
    assert_eq!(bench.closed().error.unwrap().kind(), crate::ErrorKind::Quota);
}

#[test]
fn the_end_of_the_second_session_is_not_that_of_the_first() {
    let mut bench = ready_but_not_quiet(600);
    bench.says(&error("session_expired"));
    bench.advance(Duration::ZERO);
    assert!(hangups(&bench.actions()).is_empty());
    bench.advance(seconds(2));
    assert!(hangups(&bench.actions()).is_empty());
}
