//! Responses and their settings.

use rt_protocol::ServerEvent;
use serde_json::json;

use crate::{beta, decoded, encoded, parsed};

#[test]
fn responses() {
    let flat = json!({"id": "r", "object": "realtime.response", "status": "completed", "status_details": null,
        "modalities": ["text", "audio"], "voice": "ash", "output_audio_format": "g711_ulaw",
        "max_output_tokens": "inf", "conversation_id": null, "metadata": null,
        "usage": {"total_tokens": 3, "input_token_details": {"cached_tokens": 1, "text_tokens": 1,
            "audio_tokens": 1}},
        "output": [{"id": "i", "type": "message", "role": "assistant", "status": "completed",
            "content": [{"type": "audio", "transcript": "t"}, {"type": "text", "text": "t"}]}]});
    let mut nested = flat.clone();
    for name in ["modalities", "voice", "output_audio_format"] {
        nested.as_object_mut().unwrap().remove(name);
    }
    nested["output_modalities"] = json!(["audio"]);
    nested["audio"] = json!({"output": {"voice": "ash", "format": {"type": "audio/pcmu"}}});
    nested["output"][0]["content"][0]["type"] = "output_audio".into();
    nested["output"][0]["content"][1]["type"] = "output_text".into();
    for name in ["response.created", "response.done"] {
        let message = json!({"type": name, "event_id": "e", "response": flat});
        let event = json!({"type": name, "event_id": "e", "response": nested});
        assert_eq!(decoded(&mut beta(), &message), std::slice::from_ref(&event));
        let event = ServerEvent::from_json(&event.to_string()).unwrap();
        assert_eq!(parsed(&beta().encode_server(&event).unwrap()), message);

        let nulls = json!({"type": name, "event_id": "e", "response": {"modalities": null, "voice": null,
            "output_audio_format": null}});
        let event = beta().decode_server(&nulls.to_string()).unwrap().next().unwrap();
        assert_eq!(
            parsed(&event.to_json())["response"],
            json!({"output_modalities": null, "audio": {"output": {"voice": null, "format": null}}})
        );
        assert_eq!(parsed(&beta().encode_server(&event).unwrap()), nulls);
    }
}

#[test]
fn settings_of_a_response() {
    let assistant = |kind: &str| json!({"type": "message", "role": "assistant", "content": [{"type": kind, "text": "t"}]});
    let user = json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "t"}]});
    let reference = json!({"type": "item_reference", "id": "i"});
    let flat = json!({"type": "response.create", "event_id": "e", "response": {"modalities": ["text", "audio"],
        "instructions": "", "voice": "ash", "output_audio_format": "pcm16", "max_response_output_tokens": 5,
        "conversation": "none", "metadata": {"k": "v"}, "tools": [], "tool_choice": "none",
        "input": [reference, user, assistant("text")]}});
    let nested = json!({"type": "response.create", "event_id": "e", "response": {"output_modalities": ["audio"],
        "instructions": "", "max_output_tokens": 5, "conversation": "none", "metadata": {"k": "v"}, "tools": [],
        "tool_choice": "none",
        "audio": {"output": {"voice": "ash", "format": {"type": "audio/pcm", "rate": 24000}}},
        "input": [reference, user, assistant("output_text")]}});
    let event = beta().decode_client(&flat.to_string()).unwrap();
    assert_eq!(parsed(&event.to_json()), nested);
    assert_eq!(encoded(&mut beta(), &nested), (Some(flat), vec![]));

    for same in [
        json!({"type": "response.create"}),
        json!({"type": "response.create", "response": null, "event_id": null}),
        json!({"type": "response.create", "response": {}}),
    ] {
        let event = beta().decode_client(&same.to_string()).unwrap();
        assert_eq!(parsed(&event.to_json()), same);
        assert_eq!(encoded(&mut beta(), &same), (Some(same), vec![]));
    }
    let other_name = r#"{"type":"response.create","response":{"max_output_tokens":7}}"#;
    let event = beta().decode_client(other_name).unwrap();
    assert_eq!(event.to_json(), other_name);
}
