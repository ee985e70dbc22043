use super::*;
use crate::config::SlowConsumerPolicy;
use crate::error::ErrorKind;

fn stalled(policy: SlowConsumerPolicy) -> Bench {
    let mut bench = Bench::opened(|config| config.limits.slow_consumer = policy);
    let (at, epoch) = (bench.at(), bench.epoch());
    bench.machine.handle_read_paused(at, epoch);
    bench.advance(Duration::from_millis(9_999));
    assert!(bench.events().is_empty());
    bench.advance(Duration::from_millis(1));
    bench
}

#[test]
fn ten_seconds_without_room_are_told_once() {
    let mut bench = stalled(SlowConsumerPolicy::Wait);
    assert!(matches!(bench.events()[..], [ConnectionEvent::SlowConsumer(_)]));
    bench.advance(seconds(60));
    assert!(bench.events().is_empty());
    assert!(!bench.machine.drops_audio());
    assert_eq!(bench.machine.state(), State::Connected);
    let (at, epoch) = (bench.at(), bench.epoch());
    bench.machine.handle_room(at, epoch);
    assert!(bench.events().is_empty(), "nothing was lost");
}

#[test]
fn a_moment_without_room_is_nothing() {
    let mut bench = Bench::opened(|_| {});
    let (at, epoch) = (bench.at(), bench.epoch());
    bench.machine.handle_read_paused(at, epoch);
    bench.advance(seconds(9));
    let at = bench.at();
    bench.machine.handle_room(at, epoch);
    bench.advance(seconds(4));
    assert!(bench.events().is_empty());
}

#[test]
fn dropped_audio_is_told_when_there_is_room() {
    let mut bench = stalled(SlowConsumerPolicy::DropAudio);
    bench.events();
    assert!(bench.machine.drops_audio());
    bench.machine.handle_dropped(4800);
    bench.machine.handle_dropped(960);
    let (at, epoch) = (bench.at(), bench.epoch());
    bench.machine.handle_room(at, epoch);
    let events = bench.events();
    let [ConnectionEvent::AudioGap(gap)] = events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((gap.events, gap.bytes), (2, 5760));
    assert!(!bench.machine.drops_audio());
}

#[test]
fn it_can_be_the_end() {
    let mut bench = stalled(SlowConsumerPolicy::Fail);
    let closed = bench.closed();
    assert_eq!(closed.error.unwrap().kind(), ErrorKind::SlowConsumer);
    assert!(bench.actions().contains(&Action::Hangup {
        epoch: 1,
        linger: false
    }));
}

#[test]
fn before_there_is_a_consumer_the_deadlines_stand() {
    let mut bench = Bench::new(|config| config.retry.max_attempts = 1);
    bench.connect();
    let (at, epoch) = (bench.at(), bench.epoch());
    bench.machine.handle_read_paused(at, epoch);
    bench.advance(bench.machine.config.timeouts.session_created);
    let error = bench.closed().error.unwrap();
    assert_ne!(error.kind(), ErrorKind::SlowConsumer);
}

#[test]
fn once_there_is_one_what_it_holds_up_is_not_the_servers_fault() {
    let mut bench = Bench::opened(|_| {});
    bench.drop_stream();
    bench.advance(seconds(1));
    bench.connect();
    bench.events();
    let (at, epoch) = (bench.at(), bench.epoch());
    bench.machine.handle_read_paused(at, epoch);
    bench.advance(bench.machine.config.timeouts.session_created);
    let events = bench.events();
    assert!(
        events
            .iter()
            .all(|event| matches!(event, ConnectionEvent::SlowConsumer(_))),
        "{events:?}"
    );
}

#[test]
fn what_was_dropped_is_told_when_the_connection_is_lost() {
    let mut bench = stalled(SlowConsumerPolicy::DropAudio);
    bench.events();
    bench.machine.handle_dropped(4800);
    bench.drop_stream();
    let events = bench.events();
    assert!(matches!(events[0], ConnectionEvent::AudioGap(gap) if gap.bytes == 4800));
    assert!(
        !bench.machine.drops_audio(),
        "the next connection is not slow yet"
    );
}

#[test]
fn a_lost_connection_is_not_slow() {
    let mut bench = Bench::opened(|config| config.limits.slow_consumer = SlowConsumerPolicy::Fail);
    let (at, epoch) = (bench.at(), bench.epoch());
    bench.machine.handle_read_paused(at, epoch);
    bench.drop_stream();
    bench.advance(seconds(1));
    bench.connect();
    bench.created();
    bench.advance(bench.machine.config.limits.slow_after);
    assert_ne!(bench.machine.state(), State::Closed);
    assert!(
        !bench
            .events()
            .iter()
            .any(|event| matches!(event, ConnectionEvent::SlowConsumer(_)))
    );
}

#[test]
fn what_was_dropped_is_told_at_the_end() {
    let mut bench = stalled(SlowConsumerPolicy::DropAudio);
    bench.events();
    bench.machine.handle_dropped(960);
    bench.machine.handle_abandoned();
    let events = bench.events();
    assert!(
        matches!(events[..], [ConnectionEvent::AudioGap(gap), ConnectionEvent::Closed(_)] if gap.bytes == 960),
        "{events:?}"
    );
}
