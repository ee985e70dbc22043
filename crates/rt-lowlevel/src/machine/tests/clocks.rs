//! F66: a time of day that is wrong, or set while a session is open. Deadlines are moments, and not times of day.

use super::rollover::{opened, session};
use super::*;
use crate::error::ErrorKind;

const HOUR: Duration = Duration::from_secs(3600);

/// Whether it connects.
fn is_dial(actions: &[Action]) -> bool {
    actions.iter().any(|action| matches!(action, Action::Dial { .. }))
}

/// The clock is set by an hour, one way or the other.
fn set(bench: &mut Bench, ahead: bool) {
    bench.day = if ahead { bench.day + HOUR } else { bench.day - HOUR };
}

/// With a session of ten minutes, by the clock of a server to which ours is an hour ahead, or behind.
fn opened_by_another_clock(ahead: bool) -> Bench {
    let mut bench = Bench::new(|_| {});
    bench.connect();
    let theirs = if ahead {
        bench.unix() - HOUR
    } else {
        bench.unix() + HOUR
    };
    bench.signal(Signal::Created {
        session_id: Some("sess_1".to_owned()),
        expires_at: Some(theirs.as_secs() + 600),
    });
    bench.actions();
    bench.events();
    bench
}

#[test]
fn f66_a_clock_that_is_set_moves_no_deadline() {
    for ahead in [true, false] {
        let mut bench = opened(600);
        bench.advance(seconds(60));
        set(&mut bench, ahead);
        bench.advance(seconds(419));
        assert!(bench.actions().is_empty(), "ahead: {ahead}");
        bench.advance(seconds(1));
        assert!(is_dial(&bench.actions()), "ahead: {ahead}");
        // The next session is told by the clock as it is now.
        bench.connect();
        session(&mut bench, "sess_2", Some(600));
        bench.advance(seconds(1));
        assert_eq!(bench.machine.state(), State::Connected);
    }
}

#[test]
fn f66_a_clock_that_is_set_is_no_reason_to_take_a_peer_for_dead_or_to_wait() {
    for ahead in [true, false] {
        let mut bench = Bench::opened(|_| {});
        let due = bench.machine.poll_timeout();
        set(&mut bench, ahead);
        assert_eq!(bench.machine.poll_timeout(), due);
        bench.drop_stream();
        let delay = bench.retrying().delay;
        set(&mut bench, ahead);
        bench.advance(delay);
        assert!(is_dial(&bench.actions()), "ahead: {ahead}");
    }
}

#[test]
fn f66_a_session_that_is_over_by_our_clock_is_used() {
    // Ours is an hour ahead: by it, the session of ten minutes ended long ago.
    let mut bench = opened_by_another_clock(true);
    assert_eq!(bench.machine.state(), State::Connected);
    let age = bench.machine.config.rollover.max_age;
    bench.advance(age / 2);
    assert!(bench.actions().is_empty(), "it is as long as any other");
    // What it really is, the server says.
    bench.error_event("session_expired");
    bench.drop_stream();
    bench.advance(Duration::ZERO);
    assert!(is_dial(&bench.actions()), "at once");
}

#[test]
fn f66_a_session_that_has_an_hour_more_by_our_clock_ends_when_the_server_says() {
    let mut bench = opened_by_another_clock(false);
    bench.advance(seconds(600));
    assert!(bench.actions().is_empty());
    bench.error_event("session_expired");
    bench.drop_stream();
    bench.advance(Duration::ZERO);
    assert!(is_dial(&bench.actions()), "at once, and no retry is used up");
    assert_eq!(bench.retrying().cause.kind(), ErrorKind::SessionExpired);
}
