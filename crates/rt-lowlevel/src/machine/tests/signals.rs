//! What server events mean for the connection and for commands.

use rt_protocol::client_event::InputAudioBufferAppend;
use rt_protocol::{DecodeError, ServerEvent};
use serde_json::{Value, json};

use super::super::signal::signal_of;
use super::*;
use crate::error::ErrorKind;

fn read(value: &Value) -> Result<ServerEvent, DecodeError> {
    ServerEvent::from_json(&value.to_string())
}

fn signal(value: &Value) -> Signal {
    signal_of(read(value).as_ref())
}

#[test]
fn the_session_is_known_by_its_greeting_of_any_kind() {
    for kind in ["realtime", "transcription", "translation"] {
        let created = json!({"type": "session.created",
            "session": {"type": kind, "id": "s", "model": "m", "expires_at": 1234}});
        let expected = Signal::Created {
            session_id: Some("s".to_owned()),
            expires_at: Some(1234),
        };
        assert_eq!(signal(&created), expected, "{kind}");
    }
    // One that cannot be read is a session all the same; anything else that cannot be read is not.
    let expected = Signal::Created {
        session_id: None,
        expires_at: None,
    };
    assert_eq!(
        signal(&json!({"type": "session.created", "session": 5})),
        expected
    );
    assert_eq!(
        signal(&json!({"type": "conversation.item.added", "item": 5})),
        Signal::Malformed
    );
}

#[test]
fn errors_are_known_by_what_they_have() {
    let api = |code: Option<&str>, kind: Option<&str>, message: Option<&str>| ApiError {
        code: code.map(str::to_owned),
        kind: kind.map(str::to_owned),
        message: message.map(str::to_owned),
    };
    let full = json!({"type": "error", "error": {"type": "k", "code": "c", "message": "m"}});
    assert_eq!(signal(&full), Signal::Error(api(Some("c"), Some("k"), Some("m"))));
    let empty = json!({"type": "error", "error": {"type": "", "message": ""}});
    assert_eq!(signal(&empty), Signal::Error(api(None, None, None)));
    let failed = json!({"type": "response.done", "response": {"id": "r", "status": "failed",
        "status_details": {"type": "failed", "error": {"type": "k", "code": "c"}}}});
    assert_eq!(
        signal(&failed),
        Signal::ResponseFailed(api(Some("c"), Some("k"), None))
    );
    let done = json!({"type": "response.done", "response": {"id": "r", "status": "completed"}});
    assert_eq!(signal(&done), Signal::Other);
}

/// With a restored session, lost after a minute in which `says` was all that came.
fn lost_after(says: impl FnOnce(&mut Bench)) -> u32 {
    let mut bench = Bench::talking();
    bench.lose_and_connect();
    bench.says_created();
    bench.written();
    bench.says(&json!({"type": "session.updated", "session": {"type": "realtime"}}));
    bench.written();
    says(&mut bench);
    assert_eq!(bench.machine.state(), State::Connected);
    bench.now += seconds(60);
    bench.drop_stream();
    bench.retrying().attempt
}

#[test]
fn an_echo_proves_nothing_and_news_do() {
    let echoes = |bench: &mut Bench| {
        bench.has_item("a");
        bench.has_item("b");
    };
    assert!(
        lost_after(echoes) > 1,
        "all that came was an answer to the restore"
    );
    let news = |bench: &mut Bench| {
        echoes(bench);
        bench.has_item("c");
    };
    assert_eq!(lost_after(news), 1, "it was a good connection");
}

#[test]
fn a_hidden_error_still_decides_what_the_end_means() {
    let mut bench = Bench::talking();
    bench.lose_and_connect();
    bench.says_created();
    let written = bench.written();
    let update: Value = serde_json::from_str(&written[0]).unwrap();
    let error = json!({"type": "error", "error": {"type": "insufficient_quota", "code": "insufficient_quota",
        "message": "m", "event_id": update["event_id"]}});
    assert_eq!(bench.says(&error), Disposition::Hide);
    bench.close(1011, "");
    assert_eq!(bench.closed().error.unwrap().kind(), ErrorKind::Quota);
}

#[test]
fn the_first_session_is_known_as_the_server_made_it() {
    let mut bench = Bench::new(|_| {});
    bench.connect();
    bench.says(
        &json!({"type": "session.created", "session": {"type": "realtime", "id": "s",
        "instructions": "as made"}}),
    );
    assert!(bench.machine.snapshot().to_json().contains("as made"));
    // A second greeting of the same session is one more event, and no session.
    bench.item("a", "one");
    bench.written();
    bench.says_created();
    bench.has_item("a");
    assert_eq!(bench.machine.sums().pending, 0);
}

#[test]
fn what_the_second_session_says_is_not_taken_for_the_first() {
    let mut bench = Bench::talking();
    let at = bench.at();
    assert!(bench.machine.handle_restart(at));
    bench.advance(Duration::ZERO);
    bench.connect();
    assert_eq!(bench.says_created(), Disposition::Hold);
    assert_eq!(bench.has_item("zz"), Disposition::Hold);
    assert!(!bench.machine.snapshot().to_json().contains("zz"));
    // On the first it is.
    let item = json!({"type": "message", "id": "yy", "role": "user", "content": []});
    let added = read(&json!({"type": "conversation.item.added", "item": item})).unwrap();
    let at = bench.at();
    assert_eq!(
        bench.machine.handle_event(at, 1, Ok(&added)),
        Disposition::Deliver
    );
    assert!(bench.machine.snapshot().to_json().contains("yy"));
}

#[test]
fn an_answer_proves_what_was_written_before_it() {
    let mut bench = Bench::talking();
    let audio = bench.command(InputAudioBufferAppend::new(vec![1; 480]));
    let item = bench.item("c", "three");
    let later = bench.command(InputAudioBufferAppend::new(vec![1; 480]));
    bench.written();
    assert_eq!(bench.machine.sums().pending, 3);
    bench.has_item("c");
    assert_eq!(bench.machine.sums().pending, 1, "{audio} and {item}, not {later}");
    let link = bench.machine.link.as_ref().unwrap();
    assert_eq!((link.read_to, link.last_written), (item, later));
}

#[test]
fn being_read_is_enough_for_what_has_no_answer_and_for_nothing_else() {
    let mut bench = Bench::talking();
    bench.command(InputAudioBufferAppend::new(vec![1; 480]));
    bench.item("c", "three");
    bench.written();
    bench.advance(seconds(1));
    let Transmit::Frame(Frame::Ping(payload)) = bench.transmit(true) else {
        panic!("no ping")
    };
    bench.machine.handle_pong(bench.now, 1, &payload);
    assert_eq!(bench.machine.sums().pending, 1, "the item");
    bench.has_item("c");
    assert_eq!(bench.machine.sums().pending, 0);
}

#[test]
fn a_refusal_has_the_words_of_the_server() {
    let mut bench = Bench::talking();
    let number = bench.item("c", "three");
    bench.written();
    let error = json!({"type": "error", "error": {"type": "invalid_request_error", "code": "odd",
        "message": "m", "event_id": "evt_c"}});
    assert_eq!(bench.says(&error), Disposition::Deliver);
    let settled = bench.machine.poll_settled().unwrap();
    let Fate::Rejected(details) = settled.fate else {
        panic!("{:?}", settled.fate)
    };
    assert_eq!(
        (settled.first.as_u64(), details.code.as_deref()),
        (number, Some("odd"))
    );

    // Of one that only an error answers, too.
    let json = r#"{"type":"output_audio_buffer.clear","event_id":"evt_clear"}"#;
    let number = bench.command(rt_protocol::ClientEvent::from_json(json).unwrap());
    bench.written();
    bench.says(
        &json!({"type": "error", "error": {"type": "invalid_request_error", "code": "odd",
        "message": "m", "event_id": "evt_clear"}}),
    );
    let settled = bench.machine.poll_settled().unwrap();
    assert_eq!(settled.first.as_u64(), number);
    assert!(matches!(settled.fate, Fate::Rejected(_)));
}
