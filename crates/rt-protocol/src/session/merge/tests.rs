use serde_json::{Value, json};

use crate::Session;
use crate::session::{RealtimeSession, TranscriptionSession, TranslationSession};

fn merged(effective: &Value, update: &Value) -> Value {
    let mut session: RealtimeSession = serde_json::from_value(effective.clone()).unwrap();
    session.merge(&serde_json::from_value(update.clone()).unwrap());
    serde_json::to_value(session).unwrap()
}

#[test]
fn absent_keeps_null_sets_null_and_values_replace() {
    let effective = json!({
        "instructions": "a",
        "tools": [{"type": "function", "name": "f"}],
        "tracing": "auto",
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "transcription": {"model": "whisper-1", "language": "en"},
                "turn_detection": {"type": "server_vad", "threshold": 0.5},
            },
            "output": {"voice": "marin", "speed": 1.0},
        },
    });
    for (name, update, path, expected) in [
        ("nothing", json!({}), "/instructions", json!("a")),
        (
            "an empty text",
            json!({"instructions": ""}),
            "/instructions",
            json!(""),
        ),
        ("an empty list", json!({"tools": []}), "/tools", json!([])),
        ("null", json!({"tracing": null}), "/tracing", Value::Null),
        (
            "null below audio",
            json!({"audio": {"input": {"turn_detection": null}}}),
            "/audio/input/turn_detection",
            Value::Null,
        ),
        (
            "its neighbours stay",
            json!({"audio": {"input": {"turn_detection": null}}}),
            "/audio/input/transcription/language",
            json!("en"),
        ),
        (
            "the other side stays",
            json!({"audio": {"input": {"turn_detection": null}}}),
            "/audio/output/voice",
            json!("marin"),
        ),
        (
            "an object below input is replaced whole",
            json!({"audio": {"input": {"transcription": {"model": "gpt-transcribe"}}}}),
            "/audio/input/transcription",
            json!({"model": "gpt-transcribe"}),
        ),
        (
            "a number",
            json!({"audio": {"output": {"speed": 1.5}}}),
            "/audio/output",
            json!({"voice": "marin", "speed": 1.5}),
        ),
        (
            "null for a whole side",
            json!({"audio": {"output": null}}),
            "/audio/output",
            Value::Null,
        ),
        (
            "a new field",
            json!({"max_output_tokens": 7}),
            "/max_output_tokens",
            json!(7),
        ),
    ] {
        let session = merged(&effective, &update);
        assert_eq!(session.pointer(path), Some(&expected), "{name}: {session}");
    }
    assert_eq!(merged(&effective, &json!({})), effective);
    assert_eq!(merged(&effective, &effective), effective);
    assert_eq!(merged(&json!({}), &effective), effective);
    assert_eq!(merged(&json!({"audio": null}), &effective), effective);
}

#[test]
fn every_field_is_taken_over() {
    let all = json!({
        "id": "sess_1", "object": "realtime.session", "model": "m", "output_modalities": ["text"],
        "instructions": "i", "tools": [], "tool_choice": "auto", "parallel_tool_calls": false,
        "max_output_tokens": "inf", "reasoning": {"effort": "low"}, "tracing": "auto",
        "truncation": {"type": "retention_ratio", "retention_ratio": 0.5}, "prompt": {"id": "p"},
        "expires_at": 5, "include": [],
        "audio": {
            "input": {
                "format": {"type": "audio/pcmu"}, "transcription": {"model": "t"},
                "noise_reduction": {"type": "near_field"}, "turn_detection": {"type": "semantic_vad"},
            },
            "output": {"format": {"type": "audio/pcma"}, "voice": "ash", "speed": 0.5, "language": "de"},
        },
    });
    assert_eq!(merged(&json!({}), &all), all);
    for key in all.as_object().unwrap().keys() {
        let one = json!({ key.clone(): all[key].clone() });
        assert_eq!(merged(&json!({}), &one), one);
        let null = json!({ key.clone(): null });
        assert_eq!(merged(&one, &null), null);
    }
}

#[test]
fn updates_one_after_the_other_are_one_update() {
    let steps = [
        json!({"instructions": "a", "audio": {"input": {"turn_detection": null}}}),
        json!({"audio": {"output": {"voice": "marin"}}}),
        json!({"instructions": "b", "audio": {"input": {"noise_reduction": {"type": "far_field"}}}}),
    ];
    let one_by_one = steps
        .iter()
        .fold(json!({}), |effective, step| merged(&effective, step));
    let at_once = merged(&steps[0], &merged(&steps[1], &steps[2]));
    assert_eq!(one_by_one, at_once);
}

#[test]
fn only_the_same_kind_is_merged() {
    let mut session = Session::from(TranslationSession::to("es"));
    assert!(session.merge(&TranslationSession::to("fr").into()));
    assert_eq!(session, TranslationSession::to("fr").into());
    assert!(!session.merge(&RealtimeSession::new().into()));
    assert!(!session.merge(&Session::Unknown(crate::RawObject::default())));
    assert_eq!(session, TranslationSession::to("fr").into());

    let mut session = Session::from(TranscriptionSession::new("whisper-1"));
    assert!(session.merge(&TranscriptionSession::default().manual_turns().into()));
    assert_eq!(
        session,
        TranscriptionSession::new("whisper-1").manual_turns().into()
    );
}

#[test]
fn a_request_has_nothing_of_the_server() {
    for (reported, request) in [
        (
            json!({"type": "realtime", "id": "s", "object": "o", "expires_at": 1, "model": "m", "tracing": null}),
            json!({"type": "realtime", "model": "m", "tracing": null}),
        ),
        (
            json!({"type": "transcription", "id": "s", "object": "o", "expires_at": 1, "include": []}),
            json!({"type": "transcription", "include": []}),
        ),
        (
            json!({"type": "translation", "id": "s", "expires_at": 1, "model": "m", "audio": {}}),
            json!({"type": "translation", "audio": {}}),
        ),
        (
            json!({"type": "new", "id": "s"}),
            json!({"type": "new", "id": "s"}),
        ),
    ] {
        let session: Session = serde_json::from_value(reported).unwrap();
        assert_eq!(serde_json::to_value(session.into_request()).unwrap(), request);
    }
}
