use super::*;
use crate::config::AudioPolicy;

#[test]
fn nothing_is_sent_before_the_session() {
    let mut bench = Bench::new(|_| {});
    bench.send("a");
    assert_eq!(bench.transmit(false), Transmit::Stop, "there is no connection");
    bench.connect();
    assert_eq!(bench.transmit(false), Transmit::Idle);
    assert!(bench.written().is_empty());
    bench.created();
    assert!(bench.machine.take_writer_wake());
    assert_eq!(bench.written(), ["a"]);
}

#[test]
fn what_waits_goes_out_first_after_a_reconnect() {
    let mut bench = Bench::opened(|_| {});
    bench.send("a");
    assert_eq!(bench.written(), ["a"]);
    bench.send("b");
    bench.drop_stream();
    bench.send("c");
    bench.advance(seconds(1));
    bench.connect();
    bench.send("d");
    assert!(bench.written().is_empty(), "the new session is not there yet");
    bench.created();
    bench.send("e");
    assert_eq!(
        bench.written(),
        ["b", "c", "d", "e"],
        "a was written once and is not written again"
    );
}

#[test]
fn the_bound_holds_while_there_is_no_connection_and_room_is_told() {
    let mut bench = Bench::opened(|config| config.limits.control_messages = 2);
    bench.drop_stream();
    bench.send("a");
    bench.send("b");
    let third = vec![Message::control("c".to_owned())];
    assert_eq!(
        bench.machine.handle_command(third.clone(), false),
        Err(Refused::Full(third))
    );
    assert!(!bench.machine.take_room());
    bench.advance(seconds(1));
    bench.connect();
    bench.created();
    assert_eq!(bench.written(), ["a", "b"]);
    assert!(bench.machine.take_room());
    bench.send("c");
}

#[test]
fn live_audio_stays_live_over_an_outage() {
    let mut bench =
        Bench::opened(|config| config.limits.audio = AudioPolicy::Live(Duration::from_millis(40)));
    bench.drop_stream();
    for text in ["a1", "a2", "a3"] {
        bench
            .machine
            .handle_command(vec![Message::audio(text.to_owned(), 960)], false)
            .unwrap();
    }
    assert_eq!(bench.machine.dropped_audio(), 960);
    bench.advance(seconds(1));
    bench.connect();
    bench.created();
    assert_eq!(bench.written(), ["a2", "a3"]);
}

#[test]
fn close_writes_what_was_accepted_and_then_the_close() {
    let mut bench = Bench::opened(|_| {});
    bench.send("a");
    let at = bench.at();
    bench.machine.handle_close(at);
    bench.machine.handle_close(at);
    assert_eq!(bench.machine.state(), State::Closing);
    let refused = bench
        .machine
        .handle_command(vec![Message::control("b".to_owned())], false);
    assert_eq!(refused, Err(Refused::Closed));
    assert_eq!(bench.written(), ["a", "<close 1000>"]);
    assert_eq!(bench.transmit(true), Transmit::Stop);
    assert!(
        bench.signal(Signal::Other),
        "what comes meanwhile is still delivered"
    );
    bench.close(1000, "");
    assert_eq!(
        bench.machine.state(),
        State::Closing,
        "the end of the stream has not come yet"
    );
    bench.drop_stream();
    let closed = bench.closed();
    assert!(closed.clean && closed.error.is_none());
    assert_eq!((closed.by, closed.unsent), (CloseInitiator::Us, 0));
    assert!(bench.machine.terminal().is_some_and(|closed| closed.clean));
}

#[test]
fn close_does_not_wait_for_ever() {
    let mut bench = Bench::opened(|_| {});
    bench.send("a");
    let at = bench.at();
    bench.machine.handle_close(at);
    bench.advance(seconds(2));
    let closed = bench.closed();
    assert!(!closed.clean && closed.error.is_none());
    assert_eq!((closed.by, closed.unsent), (CloseInitiator::Us, 1));
    assert!(bench.actions().contains(&Action::Hangup {
        epoch: 1,
        linger: false
    }));
}

#[test]
fn close_in_every_state_is_one_end() {
    // While dialing.
    let mut bench = Bench::new(|_| {});
    bench.send("a");
    bench.actions();
    let at = bench.at();
    bench.machine.handle_close(at);
    assert_eq!(bench.actions(), [Action::AbortDial]);
    let closed = bench.closed();
    assert_eq!((closed.by, closed.unsent), (CloseInitiator::Us, 1));
    bench.machine.handle_close(at);
    bench.machine.handle_start(at);
    assert!(bench.events().is_empty() && bench.actions().is_empty());

    // While waiting.
    let mut bench = Bench::new(|_| {});
    bench.fail_dial(&refused_port());
    bench.events();
    let at = bench.at();
    bench.machine.handle_close(at);
    assert!(bench.closed().error.is_none());

    // Before the session: there is nobody to read what waits.
    let mut bench = Bench::new(|_| {});
    bench.send("a");
    bench.connect();
    let at = bench.at();
    bench.machine.handle_close(at);
    assert_eq!(bench.written(), ["<close 1000>"]);
    bench.close(1000, "");
    bench.drop_stream();
    let closed = bench.closed();
    assert_eq!((closed.unsent, closed.clean), (1, false));
}

#[test]
fn a_close_of_the_peer_that_crosses_ours_keeps_its_code() {
    // It comes while there is still something to be written, and that fails.
    let mut bench = Bench::opened(|_| {});
    bench.send("a");
    let (at, epoch) = (bench.at(), bench.epoch());
    bench.machine.handle_close(at);
    bench.close(3000, "invalid_request_error.invalid_api_key");
    assert!(matches!(bench.transmit(false), Transmit::Frame(Frame::Text(_))));
    bench.machine.handle_write_failed(at, epoch, ended());
    bench.advance(seconds(1));
    let closed = bench.closed();
    let error = closed.error.unwrap();
    assert_eq!(
        (error.close_code(), error.close_reason()),
        (Some(3000), Some("invalid_request_error.invalid_api_key"))
    );
    assert_eq!((closed.by, closed.clean), (CloseInitiator::Peer, false));

    // Ours is written already: an answer is told from a close of its own by its code.
    for (code, crosses) in [
        (1000, false),
        (1005, false),
        (1001, false),
        (1011, true),
        (4008, true),
    ] {
        let mut bench = Bench::opened(|_| {});
        let at = bench.at();
        bench.machine.handle_close(at);
        assert_eq!(bench.written(), ["<close 1000>"]);
        bench.close(code, "");
        bench.drop_stream();
        let closed = bench.closed();
        assert_eq!(closed.clean, !crosses, "{code}");
        let seen = closed.error.and_then(|error| error.close_code());
        assert_eq!(seen, crosses.then_some(code));
    }
}

#[test]
fn a_connection_lost_while_closing_is_an_end_and_no_retry() {
    let mut bench = Bench::opened(|_| {});
    bench.send("a");
    let at = bench.at();
    bench.machine.handle_close(at);
    bench.drop_stream();
    let closed = bench.closed();
    assert_eq!((closed.by, closed.unsent), (CloseInitiator::Transport, 1));
    assert!(closed.error.is_some());
}
