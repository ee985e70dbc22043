//! What a client cannot say in beta.

use rt_protocol::dialect::{BetaVariant, WarningReason};
use serde_json::{Value, json};

use crate::{beta, encoded};

#[test]
fn what_beta_cannot_say_is_warned_of() {
    let field = WarningReason::NoSuchField;
    let value = WarningReason::NoSuchValue;
    let session = |session: Value| {
        let mut event = json!({"type": "session.update", "session": session});
        event["session"]["type"] = "realtime".into();
        event
    };
    let flat = |session: Value| json!({"type": "session.update", "session": session});
    let mcp = json!({"type": "mcp", "server_label": "s", "server_url": "https://x"});
    let function = json!({"type": "function", "name": "f"});
    for (event, written, warnings) in [
        (
            session(json!({"reasoning": {"effort": "low"}})),
            flat(json!({})),
            vec![("session.reasoning", field)],
        ),
        (
            session(json!({"parallel_tool_calls": null, "model": "m"})),
            flat(json!({"model": "m"})),
            vec![("session.parallel_tool_calls", field)],
        ),
        (
            session(json!({"audio": {"input": {"transcription":
                {"model": "m", "languages": ["en"], "keywords": [], "delay": null}}}})),
            flat(json!({"input_audio_transcription": {"model": "m"}})),
            vec![
                ("session.audio.input.transcription.languages", field),
                ("session.audio.input.transcription.keywords", field),
                ("session.audio.input.transcription.delay", field),
            ],
        ),
        (
            session(
                json!({"audio": {"input": {"noise_reduction": {"type": "near_field", "strength": 0.5}}}}),
            ),
            flat(json!({"input_audio_noise_reduction": {"type": "near_field"}})),
            vec![("session.audio.input.noise_reduction.strength", field)],
        ),
        (
            session(json!({"audio": {"input": {"turn_detection":
                {"type": "server_vad", "idle_timeout_ms": 5000, "threshold": 0.5}}}})),
            flat(json!({"turn_detection": {"type": "server_vad", "threshold": 0.5}})),
            vec![("session.audio.input.turn_detection.idle_timeout_ms", field)],
        ),
        (
            session(json!({"audio": {"output": {"language": "es"}}})),
            flat(json!({})),
            vec![("session.audio.output.language", field)],
        ),
        (
            session(
                json!({"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16000}},
                "output": {"format": {"type": "audio/pcm", "rate": 8000}}}}),
            ),
            flat(json!({"input_audio_format": "pcm16", "output_audio_format": "pcm16"})),
            vec![
                ("session.audio.input.format.rate", field),
                ("session.audio.output.format.rate", field),
            ],
        ),
        (
            session(json!({"audio": {"input": {"format": {"rate": 24000}}}})),
            flat(json!({})),
            vec![("session.audio.input.format.rate", field)],
        ),
        (
            session(json!({"audio": null})),
            flat(json!({})),
            vec![("session.audio", field)],
        ),
        (
            session(json!({"audio": {"input": null, "output": null}})),
            flat(json!({})),
            vec![("session.audio.input", field), ("session.audio.output", field)],
        ),
        (session(json!({"audio": {"input": {}}})), flat(json!({})), vec![]),
        (
            session(json!({"tools": [function, mcp, function, mcp]})),
            flat(json!({"tools": [function, function]})),
            vec![("session.tools[1]", value), ("session.tools[3]", value)],
        ),
        (
            session(json!({"tool_choice": {"type": "mcp", "server_label": "s"}})),
            flat(json!({})),
            vec![("session.tool_choice", value)],
        ),
        (
            json!({"type": "response.create", "response": {"reasoning": {}, "parallel_tool_calls": true,
                "tools": [mcp], "audio": {"input": {"turn_detection": null}, "output": {"speed": 1.5}},
                "input": [{"type": "mcp_approval_response", "approval_request_id": "a", "approve": true}]}}),
            json!({"type": "response.create", "response": {"tools": [], "input": []}}),
            vec![
                ("response.audio.input.turn_detection", field),
                ("response.audio.output.speed", field),
                ("response.tools[0]", value),
                ("response.reasoning", field),
                ("response.parallel_tool_calls", field),
                ("response.input[0]", value),
            ],
        ),
        (
            json!({"type": "conversation.item.create", "item": {"type": "message", "role": "user", "phase": "commentary",
                "content": [{"type": "input_image", "image_url": "data:"}, {"type": "input_text", "text": "t"}]}}),
            json!({"type": "conversation.item.create", "item": {"type": "message", "role": "user",
                "content": [{"type": "input_text", "text": "t"}]}}),
            vec![("item.phase", field), ("item.content[0]", value)],
        ),
    ] {
        let warnings = warnings
            .into_iter()
            .map(|(path, reason)| (path.to_owned(), reason))
            .collect();
        assert_eq!(encoded(&mut beta(), &event), (Some(written), warnings));
    }
    let image = json!({"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": "data:"}]});
    let event = json!({"type": "conversation.item.create", "item": image});
    assert_eq!(
        encoded(&mut beta(), &event),
        (None, vec![("item.content[0]".to_owned(), value)])
    );
    let item = json!({"type": "mcp_approval_response", "approval_request_id": "a", "approve": true});
    let event = json!({"type": "conversation.item.create", "item": item});
    assert_eq!(
        encoded(&mut beta(), &event),
        (None, vec![("item".to_owned(), value)])
    );

    let event = session(
        json!({"tools": [mcp], "tool_choice": {"type": "mcp", "server_label": "s"},
        "audio": {"input": {"format": {"type": "audio/pcm", "rate": 16000}}}}),
    );
    let written = flat(
        json!({"tools": [mcp], "tool_choice": {"type": "mcp", "server_label": "s"},
        "input_audio_format": "pcm16", "input_audio_sampling_rate": 16000}),
    );
    let mut voice_live = beta().with_variant(BetaVariant::VoiceLive);
    assert_eq!(encoded(&mut voice_live, &event), (Some(written), vec![]));
}
