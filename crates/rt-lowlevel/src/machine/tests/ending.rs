//! Sessions that end as they are to: `session.close` and `session.closed`.

use rt_protocol::client_event::{SessionClose, SessionInputAudioBufferAppend};
use rt_protocol::dialect::Codec;
use rt_protocol::{ClientEvent, ServerEvent};
use serde_json::json;

use super::*;
use crate::error::ErrorKind;

fn asked() -> (Bench, u64) {
    let mut bench = Bench::opened(|_| {});
    let number = bench.command(ClientEvent::from(SessionClose::default()).with_event_id("evt_close"));
    assert_eq!(bench.written().len(), 1);
    (bench, number)
}

fn says_closed(bench: &mut Bench) {
    let disposition = bench.says(&json!({"type": "session.closed"}));
    assert_eq!(disposition, Disposition::Deliver);
}

#[test]
fn a_session_that_says_it_is_over_ends_in_good_order() {
    type End = fn(&mut Bench);
    let ends: [End; 4] = [
        |bench| bench.close(1000, ""),
        |bench| bench.close(1001, "bye"),
        Bench::drop_stream,
        |bench| bench.advance(seconds(10)),
    ];
    for (place, end) in ends.into_iter().enumerate() {
        for is_asked in [true, false] {
            let mut bench = if is_asked {
                asked().0
            } else {
                Bench::opened(|_| {})
            };
            let append = SessionInputAudioBufferAppend::new(vec![1; 480]);
            bench.command(append);
            assert_eq!(bench.written().len(), 1, "it crosses what the server says");
            says_closed(&mut bench);
            assert_eq!(bench.machine.state(), State::Closing);
            assert_eq!(bench.written(), ["<close 1000>"], "nothing but a goodbye");
            end(&mut bench);
            if bench.machine.state() == State::Closing {
                bench.drop_stream();
            }
            let closed = bench.closed();
            let by = if is_asked {
                CloseInitiator::Us
            } else {
                CloseInitiator::Peer
            };
            assert_eq!(closed.by, by, "case {place}");
            assert!(closed.error.is_none(), "case {place}: {closed:?}");
            assert_eq!(closed.clean, place < 3, "case {place}");
            // Only the answer to our close proves that the server has read what was under way.
            let is_answered = place < 2;
            let sums = bench.machine.sums();
            assert_eq!(
                (sums.acknowledged, sums.discarded),
                (
                    u64::from(is_asked) + u64::from(is_answered),
                    u64::from(!is_answered)
                ),
                "case {place}"
            );
            assert!(
                !bench
                    .actions()
                    .iter()
                    .any(|action| matches!(action, Action::Dial { .. }))
            );
        }
    }
}

#[test]
fn a_close_that_was_there_before_ours_proves_nothing() {
    let mut bench = Bench::opened(|_| {});
    bench.command(SessionInputAudioBufferAppend::new(vec![1; 480]));
    bench.written();
    says_closed(&mut bench);
    bench.close(1000, "");
    assert_eq!(bench.written(), ["<close 1000>"]);
    bench.drop_stream();
    assert!(bench.closed().clean);
    let sums = bench.machine.sums();
    assert_eq!((sums.acknowledged, sums.discarded), (0, 1));
}

#[test]
fn a_socket_that_ends_after_session_close_is_no_reason_to_connect_again() {
    type End = fn(&mut Bench);
    let ends: [(End, Option<ErrorKind>); 6] = [
        (|bench| bench.close(1000, ""), None),
        (|bench| bench.close(1005, ""), None),
        (Bench::drop_stream, None),
        (|bench| bench.close(1011, ""), Some(ErrorKind::ConnectionLost)),
        (|bench| bench.advance(seconds(60)), Some(ErrorKind::PingTimeout)),
        (
            |bench| {
                bench.error_event("insufficient_quota");
                bench.drop_stream();
            },
            Some(ErrorKind::Quota),
        ),
    ];
    for (place, (end, kind)) in ends.into_iter().enumerate() {
        let (mut bench, _) = asked();
        bench.advance(seconds(1));
        bench.written();
        end(&mut bench);
        bench.written();
        bench.advance(seconds(60));
        let closed = bench.closed();
        assert_eq!(closed.error.map(|error| error.kind()), kind, "case {place}");
        assert!(!closed.clean, "it did not say that it was done");
        assert!(
            !bench
                .actions()
                .iter()
                .any(|action| matches!(action, Action::Dial { .. }))
        );
    }
}

#[test]
fn a_session_close_that_is_refused_changes_nothing() {
    let (mut bench, number) = asked();
    bench.says(
        &json!({"type": "error", "error": {"type": "invalid_request_error", "code": "unknown", "event_id": "evt_close"}}),
    );
    assert_eq!(bench.machine.sums().rejected, number);
    bench.drop_stream();
    bench.retrying();
    bench.advance(seconds(1));
    assert!(
        bench
            .actions()
            .iter()
            .any(|action| matches!(action, Action::Dial { .. }))
    );
}

#[test]
fn no_other_session_follows_one_that_is_to_end() {
    let (mut bench, _) = asked();
    let at = bench.at();
    assert!(
        !bench.machine.handle_restart(at),
        "and nobody is told that one will"
    );
    bench.advance(Duration::ZERO);
    assert!(
        !bench
            .actions()
            .iter()
            .any(|action| matches!(action, Action::Dial { .. }))
    );
}

#[test]
fn the_last_id_that_the_server_gave_is_kept_over_what_did_not_reach_it() {
    let mut bench = Bench::new(|_| {});
    let refused = Failure::Refused(Box::new(Refusal {
        status: 503,
        request_id: Some("req_1".to_owned()),
        ..Refusal::default()
    }));
    bench.fail_dial(&refused);
    while bench.machine.state() != State::Closed {
        let due = bench.machine.poll_timeout().unwrap();
        bench.advance(due - bench.now);
        bench.fail_dial(&refused_port());
    }
    let error = bench.closed().error.unwrap();
    assert_eq!(
        (error.kind(), error.request_id()),
        (ErrorKind::Tcp, Some("req_1"))
    );
}

#[test]
fn the_server_says_what_kind_of_session_it_is() {
    let mut bench = Bench::new(|_| {});
    bench.connect();
    bench.says(&json!({"type": "session.created", "session": {"type": "transcription", "id": "s"}}));
    assert_eq!(bench.machine.mirror.kind(), SessionKind::Transcription);
    bench.has_item("a");
    bench.lose_and_connect();
    bench.says(&json!({"type": "session.created", "session": {"type": "transcription", "id": "s"}}));
    let written = bench.written();
    assert!(
        !written
            .iter()
            .any(|text| text.contains("conversation.item.create")),
        "{written:?}"
    );
}

#[test]
fn a_session_without_a_type_is_what_the_address_says() {
    let translator = Translator::new(Some(Dialect::Beta), BetaVariant::default());
    let machine =
        Machine::new(Config::default(), false).for_sessions(SessionKind::Transcription, Arc::new(translator));
    let mut bench = Bench {
        machine,
        ..Bench::new(|_| {})
    };
    let at = bench.at();
    bench.machine.handle_start(at);
    bench.connect();
    let json = json!({"type": "session.created", "session": {"id": "sess_9", "expires_at": 77}});
    let decoded = Codec::new(Dialect::Beta)
        .decode_server(&json.to_string())
        .unwrap();
    let event = decoded.into_iter().next().unwrap();
    let ServerEvent::SessionCreated(created) = &event else {
        panic!("{event:?}")
    };
    assert_eq!(
        created.session.kind(),
        Some(SessionKind::Realtime),
        "to the codec"
    );
    let (at, epoch) = (bench.at(), bench.epoch());
    bench.machine.handle_event(at, epoch, Ok(&event));
    assert_eq!(bench.machine.mirror.kind(), SessionKind::Transcription);
    let opened = bench.events().into_iter().find_map(|event| match event {
        ConnectionEvent::Opened(opened) => Some(opened),
        _ => None,
    });
    let opened = opened.unwrap();
    assert_eq!(
        (opened.session_id.as_deref(), opened.expires_at),
        (Some("sess_9"), Some(77))
    );
}
