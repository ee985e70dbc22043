use super::*;
use crate::error::ErrorKind;

/// Plays "connect, created, `end`" until the machine gives up; returns the number of connects.
fn flap(bench: &mut Bench, end: impl Fn(&mut Bench)) -> u32 {
    let mut dials = 0;
    for _ in 0..1000 {
        dials += bench
            .actions()
            .iter()
            .filter(|action| matches!(action, Action::Dial { .. }))
            .count();
        if bench.machine.state() == State::Closed {
            return u32::try_from(dials).unwrap();
        }
        if bench.machine.phase == Phase::Dialing {
            bench.connect();
            bench.created();
            end(bench);
        } else {
            bench.advance(seconds(1));
        }
    }
    panic!("never gave up");
}

#[test]
fn the_way_up() {
    let mut bench = Bench::new(|_| {});
    assert_eq!(bench.machine.state(), State::Connecting);
    assert_eq!(
        bench.actions(),
        [Action::Dial {
            attempt: 1,
            refresh_token: false
        }]
    );
    bench.connect();
    assert_eq!(bench.machine.state(), State::Connecting);
    assert!(bench.events().is_empty());
    bench.created();
    assert_eq!(bench.machine.state(), State::Connected);
    let events = bench.events();
    let [ConnectionEvent::Opened(opened)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((opened.epoch, opened.attempts), (1, 1));
    assert_eq!(opened.session_id.as_deref(), Some("sess_1"));
}

#[test]
fn a_refused_port_is_tried_so_often_and_so_long() {
    let mut bench = Bench::new(|config| config.retry.max_connects = 100);
    let mut waits = Vec::new();
    for attempt in 1..8 {
        assert_eq!(
            bench.actions(),
            [Action::Dial {
                attempt,
                refresh_token: false
            }]
        );
        bench.fail_dial(&refused_port());
        let retrying = bench.retrying();
        assert_eq!(retrying.attempt, attempt + 1);
        waits.push(retrying.delay.as_millis());
        bench.advance(retrying.delay - Duration::from_millis(1));
        assert!(bench.actions().is_empty(), "not before its time");
        bench.advance(Duration::from_millis(1));
    }
    assert_eq!(waits, [250, 500, 1000, 2000, 4000, 8000, 8000]);
    bench.actions();
    bench.fail_dial(&refused_port());
    let closed = bench.closed();
    let error = closed.error.unwrap();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Tcp, Some(8)));
    assert_eq!(closed.by, CloseInitiator::Transport);
    bench.advance(seconds(1000));
    assert!(bench.actions().is_empty() && bench.events().is_empty());
}

#[test]
fn fatal_is_fatal_at_once() {
    for failure in [
        status(401, None),
        status(404, None),
        status(301, None),
        status(400, None),
    ] {
        let mut bench = Bench::new(|_| {});
        bench.actions();
        bench.fail_dial(&failure);
        assert_eq!(bench.closed().by, CloseInitiator::Peer);
        assert!(bench.actions().is_empty());
    }
}

#[test]
fn a_refused_token_is_replaced_once() {
    let mut bench = Bench::with_provider(|_| {}, true);
    bench.actions();
    bench.fail_dial(&status(401, None));
    bench.advance(seconds(1));
    assert_eq!(
        bench.actions(),
        [Action::Dial {
            attempt: 2,
            refresh_token: true
        }]
    );
    bench.events();
    bench.fail_dial(&status(401, None));
    assert_eq!(bench.closed().error.unwrap().kind(), ErrorKind::Unauthorized);
}

#[test]
fn a_refused_token_is_refused_until_a_new_one_was_taken() {
    let dials = |bench: &mut Bench| match bench.actions()[..] {
        [.., Action::Dial { refresh_token, .. }] => refresh_token,
        ref other => panic!("{other:?}"),
    };
    let mut bench = Bench::with_provider(|_| {}, true);
    assert!(!dials(&mut bench));
    bench.fail_dial(&status(401, None));
    bench.advance(seconds(1));
    assert!(dials(&mut bench));
    // The provider is down for a moment: the next token must not be the refused one either.
    let down = Failure::Token(Error::new(ErrorKind::TokenProvider, "down"));
    for failure in [down, refused_port()] {
        bench.fail_dial(&failure);
        bench.advance(seconds(2));
        assert!(dials(&mut bench));
    }
    bench.connect();
    bench.created();
    bench.drop_stream();
    bench.advance(seconds(8));
    assert!(!dials(&mut bench), "the token was good");
}

#[test]
fn what_is_forgiven_twice_is_not_forgiven_three_times() {
    let mut bench = Bench::new(|_| {});
    let dials = flap(&mut bench, |bench| {
        let (at, epoch) = (bench.at(), bench.epoch());
        bench
            .machine
            .handle_read_failed(at, epoch, Failure::Violation("x".to_owned()));
    });
    assert_eq!(dials, 3);
    assert_eq!(bench.closed().error.unwrap().kind(), ErrorKind::Protocol);
}

#[test]
fn a_flapping_server_is_left_alone() {
    let mut bench = Bench::new(|config| config.retry.max_connects = 100);
    let dials = flap(&mut bench, |bench| bench.close(1011, ""));
    assert_eq!(dials, 8);
    // An answer is no proof either if the connection does not last.
    let mut bench = Bench::new(|config| config.retry.max_connects = 100);
    let dials = flap(&mut bench, |bench| {
        bench.signal(Signal::Other);
        bench.advance(seconds(9));
        bench.drop_stream();
    });
    assert_eq!(dials, 8);
    // Nor is a long life without any.
    let mut bench = Bench::new(|config| config.retry.max_connects = 100);
    let dials = flap(&mut bench, |bench| {
        bench.signal(Signal::Updated);
        bench.error_event("server_error");
        bench.now += seconds(100);
        bench.drop_stream();
    });
    assert_eq!(dials, 8);
    // Nor a server that always says that the session is over.
    let mut bench = Bench::new(|config| config.retry.max_connects = 100);
    let dials = flap(&mut bench, |bench| {
        bench.error_event("session_expired");
        bench.close(1001, "");
    });
    assert_eq!(dials, 8);
}

#[test]
fn health_renews_the_budget() {
    let mut bench = Bench::opened(|config| config.retry.max_attempts = 2);
    for _ in 0..20 {
        bench.signal(Signal::Other);
        bench.now += seconds(60);
        bench.drop_stream();
        assert_eq!(bench.machine.state(), State::Reconnecting);
        assert_eq!(bench.retrying().attempt, 1);
        bench.advance(seconds(1));
        bench.connect();
        bench.created();
        bench.actions();
        bench.events();
    }
    assert_eq!(bench.machine.session_epoch, 21);
}

#[test]
fn time_with_a_session_is_not_downtime() {
    let mut bench = Bench::opened(|_| {});
    bench.now += seconds(3600);
    bench.drop_stream();
    assert_eq!(
        bench.retrying().attempt,
        2,
        "an idle hour is not an outage of an hour"
    );
}

#[test]
fn expiry_of_a_good_session_costs_nothing() {
    let mut bench = Bench::opened(|_| {});
    bench.signal(Signal::Other);
    bench.now += seconds(3600);
    bench.error_event("session_expired");
    bench.close(1001, "Your session hit the maximum duration of 60 minutes.");
    let retrying = bench.retrying();
    assert_eq!(
        (retrying.delay, retrying.cause.kind()),
        (Duration::ZERO, ErrorKind::SessionExpired)
    );
    bench.advance(Duration::ZERO);
    let actions = bench.actions();
    assert!(
        actions.contains(&Action::Dial {
            attempt: 1,
            refresh_token: false
        }),
        "{actions:?}"
    );
}

#[test]
fn an_idle_connection_is_renewed_every_hour() {
    let mut bench = Bench::opened(|_| {});
    for _ in 0..48 {
        bench.now += seconds(3600);
        bench.error_event("session_expired");
        bench.close(1001, "Your session hit the maximum duration of 60 minutes.");
        let retrying = bench.retrying();
        assert_eq!((retrying.attempt, retrying.delay), (1, Duration::ZERO));
        bench.advance(Duration::ZERO);
        bench.connect();
        bench.created();
        bench.actions();
        bench.events();
    }
    // The budget is whole when it is needed.
    bench.drop_stream();
    assert_eq!(bench.retrying().attempt, 2);
}

#[test]
fn an_expiry_without_a_close_is_closed_by_us() {
    let mut bench = Bench::opened(|_| {});
    bench.error_event("session_expired");
    bench.advance(seconds(1));
    assert_eq!(bench.retrying().cause.kind(), ErrorKind::SessionExpired);
    assert_eq!(bench.written(), ["<close 1000>"]);
    assert!(bench.actions().contains(&Action::Hangup {
        epoch: 1,
        linger: true
    }));
}

#[test]
fn a_fatal_error_event_decides_what_the_close_means() {
    for (code, close, reason) in [
        ("insufficient_quota", 1011, ""),
        ("invalid_api_key", 3000, "invalid_request_error.invalid_api_key"),
        ("insufficient_quota", 1001, "maximum duration"),
        ("insufficient_quota", 1013, ""),
        ("credit_balance_exhausted", 1011, ""),
    ] {
        let mut bench = Bench::opened(|_| {});
        bench.signal(Signal::Other);
        bench.now += seconds(60);
        bench.error_event(code);
        assert_eq!(
            bench.machine.state(),
            State::Connected,
            "the close has not come yet"
        );
        bench.close(close, reason);
        let error = bench.closed().error.unwrap();
        assert_eq!((error.code(), error.close_code()), (Some(code), Some(close)));
        assert_eq!(error.close_reason(), Some(reason));
        assert!(
            bench
                .actions()
                .iter()
                .all(|action| matches!(action, Action::Hangup { .. }))
        );
    }
    // The same without a close, and from a failed response.
    let mut bench = Bench::opened(|_| {});
    let api = ApiError {
        code: None,
        kind: Some("insufficient_quota".to_owned()),
        message: None,
    };
    bench.signal(Signal::ResponseFailed(api));
    bench.drop_stream();
    assert_eq!(bench.closed().error.unwrap().kind(), ErrorKind::Quota);
}

#[test]
fn an_error_before_the_session_is_fatal_too() {
    let mut bench = Bench::new(|_| {});
    bench.connect();
    bench.error_event("invalid_api_key");
    bench.close(3000, "invalid_request_error.invalid_api_key");
    let closed = bench.closed();
    assert_eq!(closed.error.unwrap().kind(), ErrorKind::Unauthorized);
    assert_eq!(closed.by, CloseInitiator::Peer);
}

#[test]
fn an_error_of_a_request_changes_nothing() {
    let mut bench = Bench::opened(|_| {});
    bench.error_event("rate_limit_exceeded");
    bench.error_event("conversation_already_has_active_response");
    bench.close(1011, "");
    assert_eq!(bench.retrying().cause.close_code(), Some(1011));
}

#[test]
fn an_unknown_model_in_a_request_does_not_mark_the_session() {
    for code in ["model_not_found", "invalid_model", "missing_model"] {
        let mut bench = Bench::opened(|_| {});
        bench.signal(Signal::Other);
        // The answer to a `session.update` with a transcription model that does not exist.
        bench.error_event(code);
        bench.now += seconds(1800);
        bench.drop_stream();
        assert_eq!(bench.retrying().cause.kind(), ErrorKind::ConnectionLost, "{code}");
        // Before the session it is what was asked for that does not exist.
        bench.advance(seconds(1));
        bench.connect();
        bench.error_event(code);
        bench.drop_stream();
        assert_eq!(bench.closed().error.unwrap().code(), Some(code));
    }
}

#[test]
fn a_session_that_does_not_come_is_a_failure() {
    let mut bench = Bench::new(|_| {});
    bench.connect();
    bench.advance(seconds(10));
    assert_eq!(bench.retrying().cause.kind(), ErrorKind::Handshake);
    let actions = bench.actions();
    assert!(
        actions.contains(&Action::Hangup {
            epoch: 1,
            linger: false
        }),
        "{actions:?}"
    );
}

#[test]
fn a_dial_that_hangs_is_aborted() {
    let mut bench = Bench::new(|_| {});
    bench.actions();
    bench.advance(seconds(10));
    assert_eq!(bench.actions(), [Action::AbortDial]);
    assert_eq!(bench.retrying().cause.kind(), ErrorKind::Handshake);
    // A result that was on its way does not count any more.
    let at = bench.at();
    assert_eq!(bench.machine.handle_connected(at, Handshake::default()), None);
}

#[test]
fn the_past_does_not_speak() {
    let mut bench = Bench::opened(|_| {});
    let old = bench.epoch();
    bench.drop_stream();
    bench.advance(seconds(1));
    bench.connect();
    bench.created();
    bench.events();
    bench.actions();
    let at = bench.at();
    assert!(!bench.machine.handle_signal(at, old, Signal::Other));
    assert!(!bench.machine.handle_pong(bench.now, old, b""));
    bench
        .machine
        .handle_peer_close(at, old, CloseFrame::new(CloseCode::POLICY, ""));
    bench.machine.handle_read_failed(at, old, ended());
    bench.machine.handle_write_failed(at, old, ended());
    assert_eq!(bench.machine.poll_transmit(at, old, false), Transmit::Stop);
    assert_eq!(bench.machine.state(), State::Connected);
    assert!(bench.events().is_empty() && bench.actions().is_empty());
}
