//! How a connection is given up, and what of an earlier one stays.

use rt_protocol::ClientEvent;
use rt_protocol::client_event::ConversationItemDelete;
use serde_json::json;

use super::*;
use crate::error::ErrorKind;

#[test]
fn who_said_goodbye_is_given_a_moment() {
    type Lose = fn(&mut Bench);
    let cases: [(Lose, bool); 4] = [
        (|bench| bench.close(1011, ""), true),
        (|bench| bench.drop_stream(), false),
        (
            |bench| {
                let at = bench.at();
                bench
                    .machine
                    .handle_read_failed(at, 1, Failure::Violation("x".to_owned()));
            },
            true,
        ),
        (
            |bench| {
                bench.error_event("session_expired");
                bench.drop_stream();
            },
            false,
        ),
    ];
    for (place, (lose, linger)) in cases.into_iter().enumerate() {
        let mut bench = Bench::opened(|_| {});
        lose(&mut bench);
        let hangup = Action::Hangup { epoch: 1, linger };
        assert!(bench.actions().contains(&hangup), "case {place}");
    }
}

#[test]
fn the_goodbyes_of_the_last_two_connections_are_kept() {
    let mut bench = Bench::opened(|_| {});
    for _ in 0..20 {
        // No writer asks for what is to be said.
        bench.signal(Signal::Other);
        bench.now += seconds(3600);
        bench.error_event("session_expired");
        bench.advance(seconds(1));
        bench.retrying();
        bench.advance(Duration::ZERO);
        bench.connect();
        bench.created();
        bench.actions();
        bench.events();
    }
    assert_eq!(bench.epoch(), 21);
    assert!(bench.machine.parting.len() <= 2);
    let at = bench.at();
    for (epoch, said) in [(18, false), (19, true), (20, true)] {
        let transmit = bench.machine.poll_transmit(at, epoch, false);
        assert_eq!(
            matches!(transmit, Transmit::Frame(Frame::Close(_))),
            said,
            "{epoch}: {transmit:?}"
        );
        assert_eq!(bench.machine.poll_transmit(at, epoch, false), Transmit::Stop);
    }
    assert!(bench.written().is_empty(), "none for the one that is open");
}

#[test]
fn a_name_that_does_not_exist_is_final_only_at_first() {
    let unknown = || Failure::Dns {
        not_found: true,
        error: Error::new(ErrorKind::Dns, "no such host"),
    };
    let mut bench = Bench::new(|config| config.retry.fail_fast = true);
    bench.fail_dial(&unknown());
    assert_eq!(bench.closed().error.unwrap().kind(), ErrorKind::Dns);
    let mut bench = Bench::opened(|config| config.retry.fail_fast = true);
    bench.drop_stream();
    bench.advance(seconds(1));
    bench.fail_dial(&unknown());
    assert_eq!(bench.retrying().cause.kind(), ErrorKind::Dns);
}

#[test]
fn what_lies_in_the_writer_may_stall_and_what_follows_a_flush_has_its_own_time() {
    let mut bench = Bench::opened(|config| config.liveness.ping_interval = seconds(3600));
    bench.send("a");
    assert!(matches!(bench.transmit(false), Transmit::Frame(Frame::Text(_))));
    bench.advance(Duration::from_millis(9_999));
    assert_eq!(bench.machine.state(), State::Connected);
    bench.advance(Duration::from_millis(1));
    assert_eq!(bench.retrying().cause.kind(), ErrorKind::WriteStall);

    let mut bench = Bench::opened(|config| {
        config.liveness.ping_interval = seconds(3600);
        config.liveness.barrier_interval = seconds(3600);
    });
    bench.send("a");
    bench.send("b");
    assert!(matches!(bench.transmit(true), Transmit::Frame(Frame::Text(_))));
    bench.advance(seconds(6));
    // All was flushed when it asked for the second.
    assert!(matches!(bench.transmit(true), Transmit::Frame(Frame::Text(_))));
    bench.advance(Duration::from_millis(9_999));
    assert_eq!(bench.machine.state(), State::Connected);
    bench.advance(Duration::from_millis(1));
    assert_eq!(bench.retrying().cause.kind(), ErrorKind::WriteStall);
}

#[test]
fn a_command_for_what_is_gone_is_written_only_to_the_session_it_was_meant_for() {
    let mut bench = Bench::talking();
    bench.drop_stream();
    let old = bench.command(ConversationItemDelete::new("nowhere"));
    bench.advance(seconds(1));
    bench.connect();
    bench.says_created();
    bench.written();
    bench.says(&json!({"type": "session.updated", "session": {"type": "realtime"}}));
    bench.written();
    bench.has_item("a");
    bench.has_item("b");
    let before = bench.machine.sums();
    let fresh = bench.command(ConversationItemDelete::new("elsewhere"));
    let written = bench.written();
    assert_eq!(
        written.len(),
        1,
        "{old} came too late, {fresh} did not: {written:?}"
    );
    assert!(written[0].contains("elsewhere"));
    assert_eq!(bench.machine.sums().superseded, before.superseded + 1);
}

#[test]
fn a_command_that_needs_another_before_it_is_written_when_both_are() {
    let mut bench = Bench::opened(|_| {});
    let call = json!({"type": "function_call", "id": "c", "call_id": "k", "name": "f", "arguments": "{}",
        "status": "completed"});
    bench.says(&json!({"type": "response.created", "response": {"id": "r", "conversation_id": "x"}}));
    bench.says(&json!({"type": "conversation.item.added", "item": call}));
    bench.says(&json!({"type": "conversation.item.done", "item": call}));
    bench.says(
        &json!({"type": "response.done", "response": {"id": "r", "status": "completed", "output": [call]}}),
    );
    bench.lose_and_connect();
    bench.says_created();
    assert_eq!(bench.machine.state(), State::Connected);
    // The tool ran over the loss: its output needs the call.
    let json = r#"{"type":"conversation.item.create","item":{"type":"function_call_output","id":"o","call_id":"k","output":"out"}}"#;
    let number = bench.command(ClientEvent::from_json(json).unwrap());
    let last_written = |bench: &Bench| bench.machine.link.as_ref().unwrap().last_written;
    let Transmit::Frame(Frame::Text(first)) = bench.transmit(false) else {
        panic!("the call")
    };
    assert!(first.contains(r#""type":"function_call""#), "{first}");
    assert!(last_written(&bench) < number);
    let Transmit::Frame(Frame::Text(second)) = bench.transmit(false) else {
        panic!("the output")
    };
    assert!(second.contains("function_call_output"), "{second}");
    assert_eq!(last_written(&bench), number);
}
