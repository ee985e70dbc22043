//! Events that are no events, and events that make no sense.

use rt_lowlevel::protocol::ServerEvent;
use rt_lowlevel::{ConnectionEvent, State};

use crate::support::*;

/// What a connection makes of these messages; the session must outlive them.
async fn heard(texts: Vec<String>) -> Vec<ConnectionEvent> {
    let server = Server::sessions(move |_, mut ws| {
        let texts = texts.clone();
        async move {
            for text in texts {
                ws.send(&text).await;
            }
            ws.send(NEWS).await;
            ws.drain().await;
        }
    })
    .await;
    let mut connection = within(server.builder().connect()).await.unwrap();
    let mut events = Vec::new();
    loop {
        let event = next(&mut connection).await;
        if name(&event) == "input_audio_buffer.cleared" {
            break;
        }
        events.push(event);
    }
    assert_eq!(*connection.state().borrow(), State::Connected);
    assert_eq!(server.connects(), 1);
    events.split_off(2)
}

#[tokio::test]
async fn f54_nonsense_is_told_and_the_session_lives() {
    let deep = format!(
        r#"{{"type":"session.updated","session":{}1{}}}"#,
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let table = [
        ("", "malformed"),
        ("[]", "malformed"),
        ("null", "malformed"),
        (r#"{"type":7}"#, "malformed"),
        (r#"{"kind":"x"}"#, "malformed"),
        (r#"{"type":"response.done"}"#, "response.done"),
        (r#"{"type":"response.done","response":7}"#, "malformed"),
        (
            r#"{"type":"response.output_text.delta","delta":"x","content_index":1e400}"#,
            "malformed",
        ),
        (deep.as_str(), "malformed"),
        (r#"{"type":"never.seen","a":1,"a":2}"#, "never.seen"),
        (
            r#"{"type":"never.seen","a":123456789012345678901234567890}"#,
            "never.seen",
        ),
    ];
    let events = heard(table.iter().map(|(text, _)| (*text).to_owned()).collect()).await;
    let expected: Vec<&str> = table.iter().map(|(_, name)| *name).collect();
    assert_eq!(names(&events), expected);
}

#[tokio::test]
async fn f55_audio_that_is_no_base64_is_told_with_its_type_and_without_its_content() {
    let delta = |audio: &str| {
        format!(
            r#"{{"type":"response.output_audio.delta","event_id":"e","response_id":"resp_1","item_id":"item_1","output_index":0,"content_index":0,"delta":"{audio}"}}"#
        )
    };
    let events = heard(vec![
        delta("canary!!"),
        delta("AAAAA"),
        delta("AAA="),
        delta("AAAA"),
    ])
    .await;
    for event in &events[..2] {
        let ConnectionEvent::Malformed(error) = event else {
            panic!("{event:?}")
        };
        assert_eq!(error.event_type(), Some("response.output_audio.delta"));
        assert!(error.raw().contains("item_1"));
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }
    // An odd number of bytes is half a sample: whole base64, so it is handed on as it is.
    let lengths: Vec<usize> = events[2..]
        .iter()
        .map(|event| match event {
            ConnectionEvent::Server(ServerEvent::ResponseOutputAudioDelta(delta)) => delta.delta.len(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(lengths, [2, 3]);
}

#[tokio::test]
async fn f56_events_out_of_order_are_handed_on_in_theirs() {
    let text = |kind: &str, response: &str| {
        format!(
            r#"{{"type":"response.output_text.{kind}","event_id":"same","response_id":"{response}","item_id":"i","output_index":0,"content_index":0,"delta":"x","text":"x"}}"#
        )
    };
    let done = r#"{"type":"response.done","event_id":"same","response":{"id":"unknown","object":"realtime.response","status":"completed","output":[]}}"#;
    let events = heard(vec![
        text("done", "resp_1"),
        text("delta", "resp_1"),
        text("delta", "unknown"),
        done.to_owned(),
        done.to_owned(),
        created(9),
    ])
    .await;
    assert_eq!(
        names(&events),
        [
            "response.output_text.done",
            "response.output_text.delta",
            "response.output_text.delta",
            "response.done",
            "response.done",
            "session.created"
        ]
    );
}
