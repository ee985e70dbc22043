//! Every kind of fault, with code and param.

use rt_protocol::session::SessionKind;
use serde_json::{Value, json};

use super::super::failure::Failure;

fn check(event: &Value) -> Result<&'static str, Failure> {
    super::check(SessionKind::Realtime, event.as_object().unwrap())
}

#[test]
fn faults_have_the_codes_and_params_of_the_server() {
    let session = |fields: Value| {
        let mut session = json!({"type": "realtime"});
        session
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        json!({"type": "session.update", "session": session})
    };
    let message = |role: &str, content: Value| {
        json!({"type": "conversation.item.create",
            "item": {"type": "message", "role": role, "content": content}})
    };
    for (event, code, param) in [
        (json!({}), "invalid_event", "type"),
        (json!({"type": 7}), "invalid_type", "type"),
        (json!({"type": "foo"}), "invalid_value", "type"),
        (
            json!({"type": "output_audio_buffer.clear"}),
            "invalid_value",
            "type",
        ),
        (
            json!({"type": "session.update"}),
            "missing_required_parameter",
            "session",
        ),
        (
            json!({"type": "session.update", "session": {"modalities": ["text"], "voice": "alloy"}}),
            "missing_required_parameter",
            "session.type",
        ),
        (session(json!({"foo": 1})), "unknown_parameter", "session.foo"),
        (
            session(json!({"temperature": 0.8})),
            "unknown_parameter",
            "session.temperature",
        ),
        (
            session(json!({"id": "sess_1"})),
            "unknown_parameter",
            "session.id",
        ),
        (
            session(json!({"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16_000}}}})),
            "integer_below_min_value",
            "session.audio.input.format.rate",
        ),
        (
            session(json!({"audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 2}}}})),
            "decimal_above_max_value",
            "session.audio.input.turn_detection.threshold",
        ),
        (
            session(json!({"audio": {"input": {"turn_detection": {"type": "none"}}}})),
            "invalid_value",
            "session.audio.input.turn_detection.type",
        ),
        (
            session(json!({"audio": {"output": {"speed": null}}})),
            "invalid_type",
            "session.audio.output.speed",
        ),
        (
            session(json!({"max_output_tokens": "many"})),
            "invalid_value",
            "session.max_output_tokens",
        ),
        (
            session(json!({"max_output_tokens": 5000})),
            "integer_above_max_value",
            "session.max_output_tokens",
        ),
        (
            session(json!({"tools": [{"type": "function"}]})),
            "missing_required_parameter",
            "session.tools[0].name",
        ),
        (
            session(json!({"instructions": 4})),
            "invalid_type",
            "session.instructions",
        ),
        (message("robot", json!([])), "invalid_value", "item.role"),
        (
            message("assistant", json!([{"type": "text", "text": "x"}])),
            "invalid_value",
            "item.content[0].type",
        ),
        (
            json!({"type": "conversation.item.create", "item": {"type": "function_call", "name": "f",
                "arguments": "", "call_id": "x".repeat(33)}}),
            "string_above_max_length",
            "item.call_id",
        ),
        (
            json!({"type": "conversation.item.truncate", "item_id": "i", "content_index": 0, "audio_end_ms": 1.5}),
            "invalid_type",
            "audio_end_ms",
        ),
        (
            json!({"type": "conversation.item.truncate", "item_id": "i", "content_index": 4_294_967_296_u64,
                "audio_end_ms": 1}),
            "integer_above_max_value",
            "content_index",
        ),
        (
            json!({"type": "conversation.item.truncate", "item_id": "i", "content_index": 0,
                "audio_end_ms": u64::MAX}),
            "integer_above_max_value",
            "audio_end_ms",
        ),
        (
            message("assistant", json!([{"type": "input_text", "text": "x"}])),
            "invalid_value",
            "item.content[0].type",
        ),
        (
            message("user", json!([{"type": "output_text", "text": "x"}])),
            "invalid_value",
            "item.content[0].type",
        ),
        (
            message("system", json!([{"type": "input_audio", "audio": "AAAA"}])),
            "invalid_value",
            "item.content[0].type",
        ),
        (
            message(
                "user",
                json!([{"type": "input_image", "image_url": "https://example.com/x.png"}]),
            ),
            "invalid_value",
            "item.content[0].image_url",
        ),
        (
            message("user", json!([{"type": "input_audio"}])),
            "missing_required_parameter",
            "item.content[0].audio",
        ),
        (
            json!({"type": "response.create", "response": {"temperature": 1}}),
            "unknown_parameter",
            "response.temperature",
        ),
        (
            json!({"type": "response.create", "response": {"metadata": {"a": 1}}}),
            "invalid_type",
            "response.metadata.a",
        ),
        (
            json!({"type": "response.cancel", "event_id": "x".repeat(513)}),
            "string_above_max_length",
            "event_id",
        ),
    ] {
        let failure = check(&event).expect_err(&event.to_string());
        assert_eq!(failure.code.as_deref(), Some(code), "{event} {failure:?}");
        assert_eq!(failure.param.as_deref(), Some(param), "{event} {failure:?}");
    }
}

#[test]
fn good_events_pass() {
    for event in [
        json!({"type": "session.update", "event_id": "e", "session": {
            "type": "realtime", "output_modalities": ["text"], "instructions": "", "tools": [
                {"type": "function", "name": "f", "parameters": {"type": "object"}},
                {"type": "mcp", "server_label": "l", "server_url": "https://example.com"}],
            "tool_choice": {"type": "function", "name": "f"}, "max_output_tokens": "inf", "tracing": null,
            "truncation": {"type": "retention_ratio", "retention_ratio": 0.8}, "prompt": null, "include": null,
            "audio": {"input": {"format": {"type": "audio/pcm", "rate": 24000}, "transcription": null,
                "noise_reduction": {"type": "near_field"},
                "turn_detection": {"type": "semantic_vad", "eagerness": "auto"}},
                "output": {"voice": {"id": "voice_1"}, "speed": 1}}}}),
        json!({"type": "response.create"}),
        json!({"type": "response.create", "response": {"conversation": "none", "metadata": {"a": "b"},
            "input": [{"type": "item_reference", "id": "item_1"}]}}),
        json!({"type": "conversation.item.create", "previous_item_id": "root", "item":
            {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "AAAA"},
                {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}]}}),
        json!({"type": "conversation.item.create", "item": {"type": "message", "role": "assistant",
            "content": [{"type": "output_audio", "transcript": "x"}, {"type": "output_text", "text": "x"}]}}),
    ] {
        let given = event["type"].as_str().unwrap().to_owned();
        assert_eq!(
            check(&event),
            Ok(given.as_str()).map(|_| check(&event).unwrap()),
            "{event}"
        );
        assert_eq!(check(&event).unwrap(), given);
    }
}

#[test]
fn the_message_lists_what_is_supported() {
    let failure = check(&json!({"type": "foo"})).unwrap_err();
    assert!(
        failure
            .message
            .starts_with("Invalid value: 'foo'. Supported values are: 'session.update', ")
    );
    assert!(failure.message.ends_with(" and 'response.cancel'."));
}
