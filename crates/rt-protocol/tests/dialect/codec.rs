//! The codec itself: detection, GA, errors, `Debug`.

use rt_protocol::dialect::{Codec, Dialect, Warning};
use rt_protocol::{ClientEvent, DecodeErrorKind, ServerEvent};
use serde_json::json;

use crate::beta;

#[test]
fn the_dialect_shows_in_the_first_message() {
    for (message, expected) in [
        (
            r#"{"type":"session.created","session":{"type":"realtime"}}"#,
            Some(Dialect::Ga),
        ),
        (
            r#"{"type":"session.created","session":{"type":"transcription"}}"#,
            Some(Dialect::Ga),
        ),
        (
            r#"{"type":"session.created","session":{"type":"translation"}}"#,
            Some(Dialect::Ga),
        ),
        (
            r#"{"type":"session.created","session":{"modalities":["text"]}}"#,
            Some(Dialect::Beta),
        ),
        (
            r#"{"type":"session.created","session":{"input_audio_format":"pcm16"}}"#,
            Some(Dialect::Beta),
        ),
        (r#"{"type":"transcription_session.created"}"#, Some(Dialect::Beta)),
        (r#"{"type":"session.created","session":{}}"#, None),
        (r#"{"type":"session.created"}"#, None),
        (r#"{"type":"error","error":{}}"#, None),
        ("", None),
        ("[]", None),
    ] {
        assert_eq!(Dialect::detect(message), expected, "{message}");
    }
}

#[test]
fn ga_passes_straight_through() {
    let mut codec = Codec::new(Dialect::Ga);
    let text = r#"{"type":"conversation.item.created","event_id":"e","item":{"type":"message","role":"assistant","content":[{"type":"text","text":"t"}]}}"#;
    let event = ServerEvent::from_json(text).unwrap();
    assert_eq!(
        codec.decode_server(text).unwrap().collect::<Vec<_>>(),
        std::slice::from_ref(&event)
    );
    assert_eq!(codec.encode_server(&event), Some(event.to_json()));
    let text = r#"{"type":"session.update","session":{"type":"realtime","reasoning":{}}}"#;
    let event = ClientEvent::from_json(text).unwrap();
    assert_eq!(codec.decode_client(text).unwrap(), event);
    let encoded = codec.encode_client(&event);
    assert_eq!(
        (encoded.json.as_deref(), encoded.warnings),
        (Some(text), Vec::<Warning>::new())
    );
}

#[test]
fn errors_are_about_the_message_as_it_came() {
    for (text, kind, event_type) in [
        (
            "{\"type\":\"response.audio.delta\",\n\"delta\":7}",
            DecodeErrorKind::Body,
            Some("response.audio.delta"),
        ),
        (
            "{\"type\":\"response.text.done\",\n\"text\":7}",
            DecodeErrorKind::Body,
            Some("response.text.done"),
        ),
        (
            "{\"type\":\"session.created\",\"session\":\n{\"input_audio_format\":7}}",
            DecodeErrorKind::Body,
            Some("session.created"),
        ),
        (
            "{\"type\":\"transcription_session.updated\",\"session\":\n{\"include\":7}}",
            DecodeErrorKind::Body,
            Some("transcription_session.updated"),
        ),
        (
            "{\"type\":\"response.done\",\"response\":\n{\"modalities\":7}}",
            DecodeErrorKind::Body,
            Some("response.done"),
        ),
        (
            "{\"type\":\"conversation.item.created\",\"item\":\n{\"type\":\"message\",\"role\":7}}",
            DecodeErrorKind::Body,
            Some("conversation.item.created"),
        ),
        (
            "{\"type\":\"response.content_part.added\",\n\"content\":7}",
            DecodeErrorKind::Body,
            Some("response.content_part.added"),
        ),
        (
            "{\"type\":\"response.audio.delta\",\n\"delta\":\"AAAA\"",
            DecodeErrorKind::NotJson,
            Some("response.audio.delta"),
        ),
        (
            "{\"type\":\"session.updated\",\n\"session\":{}",
            DecodeErrorKind::NotJson,
            Some("session.updated"),
        ),
        ("{\n}", DecodeErrorKind::NoType, None),
        ("hello", DecodeErrorKind::NotJson, None),
    ] {
        let error = beta().decode_server(text).unwrap_err();
        assert_eq!(
            (error.kind(), error.event_type(), error.raw()),
            (kind, event_type, text)
        );
        if event_type.is_some() {
            assert_eq!(error.line(), 2, "{error}");
            assert!(error.column() > 0, "{error}");
        }
    }
    for text in [
        r#"{"type":"transcription_session.update","session":7}"#,
        r#"{"type":"session.update","session":{"voice":7}}"#,
        r#"{"type":"response.create","response":{"modalities":"text"}}"#,
    ] {
        let error = beta().decode_client(text).unwrap_err();
        assert_eq!(
            (error.kind(), error.raw(), error.line()),
            (DecodeErrorKind::Body, text, 1)
        );
    }
}

#[test]
fn debug_shows_neither_speech_nor_settings() {
    let mut codec = beta();
    let message = json!({"type": "conversation.item.created", "item": {"id": "i", "type": "message",
        "role": "assistant", "content": [{"type": "text", "text": "canary"}]}});
    let decoded = codec.decode_server(&message.to_string()).unwrap();
    let update = json!({"type": "session.update", "session": {"type": "realtime", "instructions": "canary",
        "reasoning": {}}});
    let encoded = codec.encode_client(&ClientEvent::from_json(&update.to_string()).unwrap());
    let shown = format!("{codec:?} {decoded:?} {encoded:?}");
    assert!(!shown.contains("canary"), "{shown}");
    assert!(shown.contains("session.reasoning"), "{shown}");
}
