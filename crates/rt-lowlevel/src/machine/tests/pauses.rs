//! Reading that stands still, and what of the rest goes on.

use serde_json::json;

use super::*;
use crate::error::ErrorKind;

fn pause(bench: &mut Bench, epoch: u64) {
    let at = bench.at();
    bench.machine.handle_read_paused(at, epoch);
}

fn resume(bench: &mut Bench, epoch: u64) {
    let at = bench.at();
    bench.machine.handle_read_resumed(at, epoch);
}

fn slow(bench: &mut Bench) -> usize {
    let is_slow = |event: &ConnectionEvent| matches!(event, ConnectionEvent::SlowConsumer(_));
    bench.events().iter().filter(|event| is_slow(event)).count()
}

#[test]
fn a_restore_that_waits_for_room_keeps_its_time() {
    let mut bench = Bench::talking();
    bench.lose_and_connect();
    bench.says_created();
    bench.written();
    pause(&mut bench, 2);
    bench.advance(seconds(60));
    assert_eq!(slow(&mut bench), 1);
    assert_eq!(bench.machine.state(), State::Reconnecting);
    resume(&mut bench, 2);
    bench.advance(Duration::from_millis(9_999));
    assert!(bench.events().is_empty());
    bench.advance(Duration::from_millis(1));
    assert_eq!(bench.retrying().cause.kind(), ErrorKind::Handshake);
}

#[test]
fn a_restore_is_late_however_often_it_waits_for_room() {
    let mut bench = Bench::talking();
    bench.lose_and_connect();
    bench.says_created();
    bench.written();
    // Each time there is room again for a moment only.
    for _ in 0..9 {
        bench.advance(seconds(1));
        pause(&mut bench, 2);
        bench.advance(Duration::from_millis(100));
        resume(&mut bench, 2);
    }
    assert_eq!(bench.machine.state(), State::Reconnecting);
    assert_eq!(slow(&mut bench), 0);
    // One second is left of ten, and at least two after a pause.
    bench.advance(Duration::from_millis(1_999));
    assert!(bench.events().is_empty());
    bench.advance(Duration::from_millis(1));
    assert_eq!(bench.retrying().cause.kind(), ErrorKind::Handshake);
}

#[test]
fn a_restore_that_is_over_is_not_late_after_a_pause() {
    let mut bench = Bench::talking();
    pause(&mut bench, 1);
    resume(&mut bench, 1);
    assert!(
        bench
            .machine
            .link
            .as_ref()
            .is_some_and(|link| !link.timers.is_set(Timer::Restore))
    );
    assert!(!bench.machine.timers.is_set(Timer::Consumer));
}

#[test]
fn a_restore_is_not_late_while_it_is_closed() {
    let mut bench = Bench::talking();
    let config = Arc::make_mut(&mut bench.machine.config);
    config.timeouts.close = seconds(60);
    config.timeouts.restore = seconds(5);
    let at = bench.at();
    assert!(bench.machine.handle_restart(at));
    bench.advance(Duration::ZERO);
    bench.connect();
    bench.says_created();
    bench.written();
    let at = bench.at();
    bench.machine.handle_read_failed(at, 1, ended());
    bench.machine.handle_close(at);
    pause(&mut bench, 2);
    resume(&mut bench, 2);
    bench.advance(seconds(59));
    assert_eq!(bench.machine.state(), State::Closing);
    bench.advance(seconds(1));
    assert_eq!(bench.closed().by, CloseInitiator::Us);
}

#[test]
fn the_loss_of_one_of_two_that_wait_leaves_the_consumer_slow() {
    let mut bench = Bench::talking();
    let at = bench.at();
    assert!(bench.machine.handle_restart(at));
    bench.advance(Duration::ZERO);
    bench.connect();
    bench.says_created();
    pause(&mut bench, 1);
    pause(&mut bench, 2);
    let at = bench.at();
    bench.machine.handle_read_failed(at, 2, ended());
    bench.advance(seconds(10));
    assert_eq!(slow(&mut bench), 1);

    // The other one was the only one that waited.
    let mut bench = Bench::talking();
    let at = bench.at();
    bench.machine.handle_restart(at);
    bench.advance(Duration::ZERO);
    bench.connect();
    pause(&mut bench, 2);
    let at = bench.at();
    bench.machine.handle_read_failed(at, 2, ended());
    bench.advance(seconds(30));
    assert_eq!(slow(&mut bench), 0);
}

#[test]
fn another_greeting_changes_nothing() {
    let mut bench = Bench::talking();
    let created = json!({"type": "session.created", "session": {"type": "realtime", "id": "other"}});
    assert_eq!(bench.says(&created), Disposition::Deliver);
    assert!(
        !bench
            .events()
            .iter()
            .any(|event| matches!(event, ConnectionEvent::Opened(_)))
    );
    assert_eq!(bench.machine.session_epoch, 1);
    assert!(bench.written().is_empty());
    // Nor on the connection that is being prepared, whose restore goes on where it was.
    let at = bench.at();
    assert!(bench.machine.handle_restart(at));
    bench.advance(Duration::ZERO);
    bench.connect();
    bench.says_created();
    assert_eq!(bench.written().len(), 1);
    bench.says(&created);
    assert!(bench.written().is_empty());
}

#[test]
fn what_breaks_the_protocol_is_answered_with_its_code() {
    let mut bench = Bench::opened(|_| {});
    let (at, epoch) = (bench.at(), bench.epoch());
    let failure = Failure::Violation("a reserved bit is set".to_owned());
    bench.machine.handle_read_failed(at, epoch, failure);
    assert_eq!(bench.written(), ["<close 1002>"]);
    let mut bench = Bench::opened(|_| {});
    bench.drop_stream();
    assert!(bench.written().is_empty(), "nobody is left to say goodbye to");
}

#[test]
fn the_answer_to_an_earlier_ping_leaves_the_last_one_open() {
    let mut bench = Bench::opened(|_| {});
    bench.advance(seconds(5));
    let Transmit::Frame(Frame::Ping(first)) = bench.transmit(true) else {
        panic!("no ping")
    };
    bench.advance(seconds(5));
    let Transmit::Frame(Frame::Ping(second)) = bench.transmit(true) else {
        panic!("no ping")
    };
    assert_ne!(first, second);
    let epoch = bench.epoch();
    assert!(bench.machine.handle_pong(bench.now, epoch, &first));
    bench.advance(seconds(5));
    assert_eq!(bench.retrying().cause.kind(), ErrorKind::PingTimeout);
}

#[test]
fn a_consumer_that_was_slow_before_the_session_is_told_of_after_it() {
    let mut bench = Bench::new(|_| {});
    bench.connect();
    pause(&mut bench, 1);
    bench.created();
    bench.advance(Duration::from_millis(9_999));
    assert_eq!(slow(&mut bench), 0);
    bench.advance(Duration::from_millis(1));
    assert_eq!(slow(&mut bench), 1);
}

#[test]
fn a_pause_of_an_open_session_begins_no_outage() {
    let mut bench = Bench::opened(|_| {});
    pause(&mut bench, 1);
    resume(&mut bench, 1);
    bench.now += seconds(3600);
    bench.drop_stream();
    assert_eq!(
        bench.retrying().attempt,
        2,
        "an outage of an hour would be the end"
    );
}

#[test]
fn a_pause_of_a_swap_begins_no_outage() {
    let mut bench = Bench::talking();
    let at = bench.at();
    bench.machine.handle_restart(at);
    bench.advance(Duration::ZERO);
    bench.connect();
    bench.says_created();
    bench.written();
    // It takes over from a lost one, although it knows nothing yet.
    let at = bench.at();
    bench.machine.handle_read_failed(at, 1, ended());
    assert_eq!(bench.machine.state(), State::Reconnecting);
    let before = format!("{:?}", bench.machine.budget);
    bench.now += seconds(1);
    pause(&mut bench, 2);
    bench.now += seconds(1);
    resume(&mut bench, 2);
    assert_eq!(format!("{:?}", bench.machine.budget), before);
}
