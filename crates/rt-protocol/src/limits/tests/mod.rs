//! One table per family: of every limit the values at its edges that pass, and those just beyond.

mod parts;
mod session;

use serde_json::{Value, json};

use crate::ClientEvent;
use crate::client_event::{InputAudioBufferAppend, SessionInputAudioBufferAppend, SessionUpdate};
use crate::limits::{APPEND_BYTES, LimitError};
use crate::session::RealtimeSession;

/// A text of so many characters of two bytes each: limits count characters.
pub(super) fn text(characters: usize) -> String {
    "é".repeat(characters)
}

pub(super) fn event(event: &Value) -> Result<(), LimitError> {
    ClientEvent::from_json(&event.to_string()).unwrap().check()
}

/// A `session.update` of the kind with one field, given by its JSON pointer.
pub(super) fn session(kind: &str, pointer: &str, value: &Value) -> Value {
    let nested = pointer
        .rsplit('/')
        .filter(|key| !key.is_empty())
        .fold(value.clone(), |value, key| json!({ key: value }));
    let mut session = nested.as_object().unwrap().clone();
    session.insert("type".to_owned(), kind.into());
    json!({"type": "session.update", "session": session})
}

pub(super) fn response(key: &str, value: &Value) -> Value {
    json!({"type": "response.create", "response": {key: value}})
}

pub(super) fn item(item: &Value) -> Value {
    json!({"type": "conversation.item.create", "item": item})
}

/// Each row: a valid value, an invalid one, and what the error says of it.
pub(super) fn both(rows: &[(Value, Value, &str)]) {
    for (valid, invalid, message) in rows {
        assert_eq!(event(valid), Ok(()), "{valid}");
        let error = event(invalid).expect_err(message);
        assert_eq!(error.to_string(), *message, "{invalid}");
        assert_eq!(
            *message,
            format!(
                "{} is {}: allowed is {}",
                error.field(),
                error.value(),
                error.allowed()
            )
        );
    }
}

#[test]
fn ids_of_every_event() {
    for name in ClientEvent::KNOWN_TYPES {
        let with_id =
            |id: String| json!({"type": name, "event_id": id, "item_id": "i", "item": {"type": "new"}});
        both(&[(
            with_id(text(512)),
            with_id(text(513)),
            "event_id is 513 characters: allowed is at most 512 characters",
        )]);
    }
    assert_eq!(
        event(&json!({"type": "new.event", "event_id": text(513)})),
        Ok(())
    );
}

#[test]
fn appended_audio() {
    let append = |bytes: usize| ClientEvent::from(InputAudioBufferAppend::new(vec![0; bytes])).check();
    assert_eq!(append(0), Ok(()));
    assert_eq!(append(3), Ok(()), "one sample of G.711 is a byte");
    assert_eq!(append(APPEND_BYTES), Ok(()));
    assert_eq!(
        append(APPEND_BYTES + 1).unwrap_err().to_string(),
        "audio is 15728641 bytes: allowed is at most 15728640 bytes (15 MiB)"
    );
    let append = |bytes: usize| ClientEvent::from(SessionInputAudioBufferAppend::new(vec![0; bytes])).check();
    assert_eq!(append(9_600), Ok(()));
    assert_eq!(
        append(9_601).unwrap_err().to_string(),
        "audio is 9601 bytes: allowed is whole 16-bit samples"
    );
}

#[test]
fn not_a_number_is_outside_of_every_range() {
    for speed in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let event = ClientEvent::from(SessionUpdate::new(RealtimeSession::new().speed(speed)));
        assert_eq!(
            event.check().unwrap_err().field(),
            "session.audio.output.speed",
            "{speed}"
        );
    }
}

#[test]
fn errors_show_neither_speech_nor_ids_nor_secrets() {
    let long = "canary".repeat(200);
    for invalid in [
        json!({"type": "input_audio_buffer.clear", "event_id": long}),
        response("metadata", &json!({ "k": long })),
        response("metadata", &json!({ long.clone(): "v" })),
        item(&json!({"type": "function_call", "call_id": long})),
        item(&json!({"type": "message", "content": [{"type": "input_image", "image_url": long}]})),
        session(
            "realtime",
            "tools",
            &json!([{"type": "mcp", "server_label": "s", "tunnel_id": long}]),
        ),
    ] {
        let error = event(&invalid).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
    assert!(size_of::<LimitError>() <= size_of::<usize>());
}
