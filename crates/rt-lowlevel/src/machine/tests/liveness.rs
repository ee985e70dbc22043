use super::*;
use crate::error::ErrorKind;

#[test]
fn a_dead_peer_is_noticed_in_fifteen_seconds() {
    let mut bench = Bench::opened(|_| {});
    let opened = bench.now;
    let traffic = Traffic {
        last_in: opened,
        last_out: opened,
    };
    bench.advance_with(seconds(5), Some(traffic));
    assert_eq!(bench.written(), ["<ping>"]);
    // What we send is no sign of life.
    let sent = Traffic {
        last_out: opened + seconds(14),
        ..traffic
    };
    bench.advance_with(Duration::from_millis(9_999), Some(sent));
    assert_eq!(bench.machine.state(), State::Connected);
    bench.advance_with(Duration::from_millis(1), Some(sent));
    assert_eq!(bench.retrying().cause.kind(), ErrorKind::PingTimeout);
    assert!(bench.actions().contains(&Action::Hangup {
        epoch: 1,
        linger: false
    }));
}

#[test]
fn any_byte_is_a_sign_of_life() {
    let mut bench = Bench::opened(|_| {});
    for _ in 0..60 {
        // No pong ever comes, but something does.
        let traffic = Traffic {
            last_in: bench.now,
            last_out: bench.now,
        };
        bench.advance_with(seconds(4), Some(traffic));
        bench.written();
    }
    assert_eq!(bench.machine.state(), State::Connected);
}

#[test]
fn an_idle_session_wakes_for_its_pings_only() {
    let mut bench = Bench::opened(|_| {});
    let end = bench.now + seconds(600);
    let (mut wakes, mut pings, mut last_in) = (0, 0, bench.now);
    while let Some(due) = bench.machine.poll_timeout().filter(|due| *due <= end) {
        bench.now = bench.now.max(due);
        let (at, epoch) = (bench.at(), bench.epoch());
        let traffic = Traffic {
            last_in,
            last_out: last_in,
        };
        bench.machine.handle_timeout(at, &|_| Some(traffic));
        wakes += 1;
        for frame in std::iter::from_fn(|| match bench.transmit(true) {
            Transmit::Frame(frame) => Some(frame),
            Transmit::Idle | Transmit::Stop => None,
        })
        .collect::<Vec<_>>()
        {
            let Frame::Ping(payload) = frame else {
                panic!("{frame:?}")
            };
            pings += 1;
            last_in = bench.now;
            assert!(bench.machine.handle_pong(bench.now, epoch, &payload));
        }
    }
    assert_eq!(bench.machine.state(), State::Connected);
    assert_eq!(pings, 120);
    // One more, to find that the connection has lasted.
    assert!((120..=121).contains(&wakes), "{wakes}");
}

#[test]
fn pongs_keep_a_quiet_connection() {
    let mut bench = Bench::opened(|_| {});
    let traffic = Traffic {
        last_in: bench.now,
        last_out: bench.now,
    };
    for _ in 0..120 {
        bench.advance_with(seconds(5), Some(traffic));
        let ping = bench.transmit(true);
        let Transmit::Frame(Frame::Ping(payload)) = ping else {
            panic!("{ping:?}")
        };
        let epoch = bench.epoch();
        assert!(bench.machine.handle_pong(bench.now, epoch, &payload));
        bench.written();
    }
    assert_eq!(bench.machine.state(), State::Connected);
}

#[test]
fn a_ping_that_waits_behind_a_large_message_is_not_unanswered() {
    let mut bench = Bench::opened(|_| {});
    bench.send("large");
    assert!(matches!(bench.transmit(true), Transmit::Frame(Frame::Text(_))));
    let opened = bench.now;
    // It goes out slowly for half a minute, and nothing comes in.
    let traffic = |now| Traffic {
        last_in: opened,
        last_out: now,
    };
    for _ in 0..30 {
        let now = bench.now + seconds(1);
        bench.advance_with(seconds(1), Some(traffic(now)));
    }
    assert_eq!(bench.machine.state(), State::Connected);
    assert_eq!(
        bench.transmit(false),
        Transmit::Idle,
        "what was written before the ping is flushed first"
    );
    assert!(matches!(bench.transmit(true), Transmit::Frame(Frame::Ping(_))));
    assert_eq!(bench.transmit(true), Transmit::Idle, "one ping, however late");
    // From here on the peer has its ten seconds.
    let written = bench.now;
    bench.advance_with(Duration::from_millis(9_999), Some(traffic(written)));
    assert_eq!(bench.machine.state(), State::Connected);
    bench.advance_with(Duration::from_millis(1), Some(traffic(written)));
    assert_eq!(bench.retrying().cause.kind(), ErrorKind::PingTimeout);
}

#[test]
fn the_clock_stands_while_we_do_not_read() {
    let mut bench = Bench::opened(|_| {});
    bench.advance(seconds(5));
    let (at, epoch) = (bench.at(), bench.epoch());
    bench.machine.handle_read_paused(at, epoch);
    for _ in 0..60 {
        bench.advance(seconds(5));
        bench.written();
    }
    assert_eq!(bench.machine.state(), State::Connected);
    let at = bench.at();
    bench.machine.handle_read_resumed(at, epoch);
    bench.advance(Duration::from_millis(9_999));
    assert_eq!(bench.machine.state(), State::Connected);
    bench.advance(Duration::from_millis(1));
    assert_eq!(bench.retrying().cause.kind(), ErrorKind::PingTimeout);
}

#[test]
fn a_session_that_waits_for_room_is_not_late() {
    let mut bench = Bench::opened(|config| config.limits.slow_after = Duration::MAX);
    bench.drop_stream();
    bench.advance(seconds(1));
    bench.connect();
    bench.events();
    let (at, epoch) = (bench.at(), bench.epoch());
    bench.machine.handle_read_paused(at, epoch);
    bench.advance(seconds(600));
    assert!(bench.events().is_empty());
    let at = bench.at();
    bench.machine.handle_read_resumed(at, epoch);
    // What was read may have been something else: the session has its time again.
    bench.advance(Duration::from_millis(9_999));
    assert!(bench.events().is_empty());
    bench.created();
    assert_eq!(bench.machine.state(), State::Connected);

    bench.drop_stream();
    bench.advance(seconds(1));
    bench.connect();
    let (at, epoch) = (bench.at(), bench.epoch());
    bench.machine.handle_read_paused(at, epoch);
    bench.machine.handle_read_resumed(at, epoch);
    bench.events();
    bench.advance(seconds(10));
    assert_eq!(bench.retrying().cause.kind(), ErrorKind::Handshake);
}

#[test]
fn a_write_that_stalls_is_noticed_and_one_that_creeps_is_not() {
    // Without pings, which have a deadline of their own.
    let mut bench = Bench::opened(|config| config.liveness.ping_interval = seconds(3600));
    bench.send("large");
    assert_eq!(
        bench.transmit(true),
        Transmit::Frame(Frame::Text("large".to_owned().into()))
    );
    for _ in 0..5 {
        let traffic = Traffic {
            last_in: bench.now,
            last_out: bench.now,
        };
        bench.advance_with(seconds(9), Some(traffic));
    }
    assert_eq!(bench.machine.state(), State::Connected);
    let stuck = Traffic {
        last_in: bench.now,
        last_out: bench.now,
    };
    bench.advance_with(seconds(10), Some(stuck));
    assert_eq!(bench.retrying().cause.kind(), ErrorKind::WriteStall);
}

#[test]
fn what_is_flushed_does_not_stall() {
    let mut bench = Bench::opened(|config| config.liveness.ping_interval = seconds(3600));
    bench.send("a");
    assert_eq!(bench.written(), ["a"]);
    bench.advance(seconds(1000));
    assert_eq!(bench.machine.state(), State::Connected);
}

#[test]
fn a_failed_write_waits_for_what_the_reader_finds() {
    let mut bench = Bench::opened(|_| {});
    let (at, epoch) = (bench.at(), bench.epoch());
    bench.machine.handle_write_failed(at, epoch, ended());
    assert_eq!(bench.machine.state(), State::Connected);
    assert_eq!(bench.transmit(false), Transmit::Stop);
    bench.close(3000, "invalid_request_error.invalid_api_key");
    assert_eq!(bench.closed().error.unwrap().close_code(), Some(3000));

    let mut bench = Bench::opened(|_| {});
    let (at, epoch) = (bench.at(), bench.epoch());
    bench.machine.handle_write_failed(at, epoch, ended());
    bench.advance(seconds(1));
    assert_eq!(bench.retrying().cause.kind(), ErrorKind::ConnectionLost);
}

#[test]
fn a_flood_of_pings_is_not_endured() {
    let mut bench = Bench::opened(|_| {});
    let epoch = bench.epoch();
    for _ in 0..30 {
        for _ in 0..900 {
            let at = bench.at();
            assert!(bench.machine.handle_ping(at, epoch));
        }
        bench.now += seconds(10);
    }
    let alive = (0..2000).take_while(|_| {
        let at = bench.at();
        bench.machine.handle_ping(at, epoch)
    });
    assert_eq!(alive.count(), 1000);
    assert_eq!(bench.retrying().cause.kind(), ErrorKind::Protocol);
    assert_eq!(bench.written(), ["<close 1008>"]);
}

#[test]
fn a_message_too_large_is_answered_and_final() {
    let mut bench = Bench::opened(|_| {});
    let (at, epoch) = (bench.at(), bench.epoch());
    bench
        .machine
        .handle_read_failed(at, epoch, Failure::TooLarge { limit: 16 });
    let error = bench.closed().error.unwrap();
    assert_eq!(error.kind(), ErrorKind::MessageTooLarge);
    assert!(error.to_string().contains("16 bytes"));
    assert_eq!(bench.written(), ["<close 1009>"]);
}

#[test]
fn text_that_is_not_utf8_is_answered_with_its_own_code() {
    let mut bench = Bench::opened(|_| {});
    let (at, epoch) = (bench.at(), bench.epoch());
    bench.machine.handle_read_failed(at, epoch, Failure::NotUtf8);
    assert_eq!(bench.written(), ["<close 1007>"]);
}

#[test]
fn a_connection_that_is_being_closed_is_not_measured() {
    let mut bench = Bench::opened(|config| config.timeouts.close = seconds(60));
    bench.advance(seconds(5));
    assert_eq!(bench.written(), ["<ping>"]);
    bench.error_event("session_expired");
    let at = bench.at();
    bench.machine.handle_close(at);
    assert_eq!(bench.written(), ["<close 1000>"]);
    assert_eq!(bench.transmit(true), Transmit::Stop);
    bench.advance(seconds(59));
    assert_eq!(bench.machine.state(), State::Closing);
    assert!(bench.written().is_empty());
    bench.advance(seconds(1));
    assert!(bench.closed().error.is_none());
}
