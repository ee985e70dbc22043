//! How long an outage may be, and which waits count.

use super::*;
use crate::error::ErrorKind;

/// Every connect fails after a millisecond, until `span` has passed or the machine gives up; returns the connects.
fn fail_for(bench: &mut Bench, span: Duration, failure: &Failure) -> u32 {
    let end = bench.now + span;
    let mut dials = 0;
    loop {
        if bench.machine.phase == Phase::Dialing {
            dials += 1;
            bench.advance(Duration::from_millis(1));
            bench.fail_dial(failure);
        }
        match bench.machine.poll_timeout() {
            Some(due) if due <= end => bench.advance(due.saturating_duration_since(bench.now)),
            _ => return dials,
        }
    }
}

#[test]
fn there_are_only_so_many_connects_in_a_window() {
    let mut bench = Bench::new(|_| {});
    bench.jitter = 0.0;
    for _ in 0..5 {
        bench.fail_dial(&refused_port());
        assert_eq!(bench.retrying().delay, Duration::ZERO);
        bench.advance(Duration::from_millis(1));
    }
    bench.fail_dial(&refused_port());
    let delay = bench.retrying().delay;
    assert_eq!(
        delay,
        seconds(60) - Duration::from_millis(5),
        "the seventh in a minute"
    );
}

#[test]
fn a_refused_port_is_not_given_up_because_the_window_is_full() {
    for jitter in [0.0, 0.3, 1.0] {
        let mut bench = Bench::opened(|_| {});
        bench.signal(Signal::Other);
        bench.now += seconds(3600);
        bench.drop_stream();
        bench.jitter = jitter;
        let quick = fail_for(&mut bench, seconds(30), &refused_port());
        assert!((5..=6).contains(&quick), "{quick} connects, jitter {jitter}");
        assert_eq!(bench.machine.state(), State::Reconnecting, "jitter {jitter}");
        bench.events();
        let rest = fail_for(&mut bench, seconds(600), &refused_port());
        assert_eq!(quick + rest, 8, "jitter {jitter}");
        assert_eq!(bench.closed().error.unwrap().attempts(), Some(8));
    }
}

#[test]
fn a_wait_the_server_asks_for_does_not_count() {
    for asked in [30, 59, 60] {
        let mut bench = Bench::new(|_| {});
        bench.advance(Duration::from_millis(20));
        let busy = status(429, Some(seconds(asked)));
        bench.fail_dial(&busy);
        assert_eq!(bench.retrying().delay, seconds(asked));
        bench.advance(seconds(asked));
        // Nor when it asks every time, as long as there are attempts left.
        let dials = fail_for(&mut bench, seconds(3600), &busy);
        assert_eq!(dials, 7);
        let error = bench.closed().error.unwrap();
        assert_eq!(
            (error.kind(), error.attempts()),
            (ErrorKind::RateLimited, Some(8))
        );
    }
}

#[test]
fn an_outage_is_only_so_long() {
    let mut bench = Bench::new(|config| config.retry.max_downtime = seconds(5));
    bench.fail_dial(&status(503, Some(seconds(4))));
    assert_eq!(bench.retrying().delay, seconds(4));
    // The wait was dictated, save for the quarter of a second that would have been waited anyway; the dials count.
    bench.advance(seconds(4));
    bench.advance(Duration::from_millis(4249));
    bench.fail_dial(&refused_port());
    let delay = bench.retrying().delay;
    bench.advance(delay);
    bench.advance(Duration::from_millis(2));
    bench.fail_dial(&status(503, Some(seconds(2))));
    let error = bench.closed().error.unwrap();
    assert_eq!(error.retry_after(), Some(seconds(2)));
    assert!(error.is_retryable());
}

#[test]
fn f16_retry_after_is_a_floor_and_jitter_can_only_add() {
    for (jitter, expected) in [(0.0, 3000), (1.0, 3000)] {
        let mut bench = Bench::new(|_| {});
        bench.jitter = jitter;
        bench.fail_dial(&status(429, Some(seconds(3))));
        assert_eq!(bench.retrying().delay.as_millis(), expected);
    }
    let mut bench = Bench::new(|config| config.retry.base = seconds(8));
    bench.fail_dial(&status(429, Some(seconds(3))));
    assert_eq!(bench.retrying().delay, seconds(8));
}

#[test]
fn a_duration_without_end_is_one() {
    let endless = |config: &mut Config| {
        let never = Duration::MAX;
        config.timeouts.attempt = never;
        config.timeouts.session_created = never;
        config.timeouts.close = never;
        config.liveness.ping_timeout = never;
        config.liveness.write_stall = never;
        config.retry.max_downtime = never;
        config.retry.healthy_after = never;
    };
    let mut bench = Bench::opened(endless);
    bench.send("a");
    let traffic = Traffic {
        last_in: bench.now,
        last_out: bench.now,
    };
    for _ in 0..100 {
        bench.transmit(true);
        let (at, epoch) = (bench.at(), bench.epoch());
        bench.machine.handle_read_paused(at, epoch);
        let at = bench.at();
        bench.machine.handle_read_resumed(at, epoch);
        bench.advance_with(seconds(3600), Some(traffic));
    }
    let (at, traffic) = (bench.at(), Some(traffic));
    bench.machine.check_ping(at, Slot::Current, traffic);
    bench.machine.check_write(at, Slot::Current, traffic);
    assert_eq!(bench.machine.state(), State::Connected);
    bench.drop_stream();
    bench.retrying();
    bench.advance(seconds(1));
    bench.connect();
    bench.created();
    let at = bench.at();
    bench.machine.handle_close(at);
    assert_eq!(bench.machine.state(), State::Closing);

    let mut bench = Bench::opened(|config| {
        config.liveness.ping_interval = Duration::MAX;
        config.retry.base = Duration::MAX;
        config.retry.cap = Duration::MAX;
        config.retry.window = Duration::MAX;
        config.retry.max_connects = 1;
        config.retry.max_downtime = Duration::MAX;
    });
    bench.advance(seconds(3600));
    bench.drop_stream();
    bench.retrying();
    bench.advance(seconds(3600));
    assert_eq!(bench.machine.state(), State::Reconnecting);
}

/// A machine that draws on `tokens`, just before its first connect fails.
fn sharing(tokens: &RetryTokens) -> Bench {
    let mut bench = Bench::new(|_| {});
    bench.machine = Machine::new(Config::default(), false).with_tokens(tokens.clone());
    bench.jitter = 0.0;
    bench.machine.handle_start(bench.at());
    bench
}

#[test]
fn retries_to_a_host_are_shared_out_among_its_connections() {
    let tokens = RetryTokens::default();
    let mut connections: Vec<Bench> = (0..102).map(|_| sharing(&tokens)).collect();
    let now = connections[0].now;
    let mut waits = Vec::new();
    for bench in &mut connections {
        bench.now = now;
        bench.fail_dial(&refused_port());
        waits.push(bench.retrying().delay);
    }
    assert!(waits[..100].iter().all(Duration::is_zero), "{waits:?}");
    // A moment passed while they were made.
    assert!(
        waits[100] > Duration::from_millis(20) && waits[101] > waits[100],
        "{waits:?}"
    );
}

#[test]
fn a_good_connection_gives_back_what_it_took_and_the_first_connect_after_it_takes_nothing() {
    let tokens = RetryTokens::default();
    let mut bench = Bench::new(|_| {});
    let mut config = Config::default();
    config.retry.healthy_after = Duration::ZERO;
    config.retry.max_connects = 1000;
    config.liveness.ping_interval = Duration::from_millis(1);
    bench.machine = Machine::new(config, false).with_tokens(tokens.clone());
    bench.jitter = 0.0;
    bench.machine.handle_start(bench.at());
    for _ in 0..5 {
        bench.fail_dial(&refused_port());
        bench.advance(Duration::ZERO);
    }
    bench.connect();
    bench.created();
    bench.signal(Signal::Other);
    bench.events();
    // It has proved itself: told with the next ping, before the bucket could fill by itself.
    bench.advance(Duration::from_millis(1));
    let free = (0..200).take_while(|_| tokens.take(bench.now).is_zero()).count();
    assert_eq!(free, 100);
    bench.drop_stream();
    assert_eq!(bench.retrying().delay, Duration::ZERO);
    bench.advance(Duration::ZERO);
    bench.fail_dial(&refused_port());
    assert!(bench.retrying().delay > Duration::ZERO, "the bucket is empty");
}

#[test]
fn an_outage_may_last_as_long_as_the_limit_and_no_longer() {
    for (limit, tries) in [(250, true), (249, false)] {
        let mut bench = Bench::new(|config| config.retry.max_downtime = Duration::from_millis(limit));
        bench.fail_dial(&refused_port());
        assert_eq!(bench.machine.state() == State::Connecting, tries, "{limit} ms");
    }
}

#[test]
fn what_was_forgiven_is_forgotten_after_the_window() {
    use crate::classify::Bucket;
    let (mut budget, now) = (Budget::default(), Instant::now());
    let bucket = Some(Bucket::Edge);
    assert!(budget.forgive(bucket, now));
    assert!(budget.forgive(bucket, now + seconds(1)));
    assert!(!budget.forgive(bucket, now + seconds(2)));
    assert!(
        budget.forgive(Some(Bucket::Misdirected), now),
        "each has its own count"
    );
    let window = Bucket::WINDOW;
    assert!(!budget.forgive(bucket, now + window - Duration::from_millis(1)));
    assert!(budget.forgive(bucket, now + window));
    assert!(!budget.forgive(bucket, now + window));
    assert!(budget.forgive(None, now), "not limited");
}

#[test]
fn connects_of_a_rollover_count_in_the_window() {
    let mut bench = Bench::new(|_| {});
    bench.connect();
    bench.says_created();
    let start = bench.now;
    for _ in 0..5 {
        bench.actions();
        bench.advance(seconds(1));
        let at = bench.at();
        assert!(bench.machine.handle_restart(at));
        bench.advance(Duration::ZERO);
        assert!(matches!(bench.actions()[..], [Action::Dial { attempt: 1, .. }]));
        bench.connect();
        bench.says_created();
        bench.advance(Duration::ZERO);
    }
    assert_eq!(bench.machine.session_epoch, 6);
    bench.actions();
    let at = bench.at();
    assert!(bench.machine.handle_restart(at));
    bench.advance(start + seconds(60) - bench.now - Duration::from_millis(1));
    assert!(bench.actions().is_empty(), "the seventh in a minute");
    bench.advance(Duration::from_millis(1));
    assert!(matches!(bench.actions()[..], [Action::Dial { .. }]));
}
