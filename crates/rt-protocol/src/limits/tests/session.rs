use serde_json::{Value, json};

use super::{both, session};
use crate::limits::MODELS_WITHOUT_VAD;
use crate::session::{RealtimeSession, Session, Transcription, TranscriptionSession};

#[test]
fn numbers_of_a_session() {
    for (pointer, valid, invalid, message) in [
        (
            "audio/output/speed",
            json!(0.25),
            json!(0.24),
            "session.audio.output.speed is 0.24: allowed is 0.25 to 1.5",
        ),
        (
            "audio/output/speed",
            json!(1.5),
            json!(2),
            "session.audio.output.speed is 2: allowed is 0.25 to 1.5",
        ),
        (
            "max_output_tokens",
            json!(1),
            json!(0),
            "session.max_output_tokens is 0: allowed is 1 to 4096 or inf",
        ),
        (
            "max_output_tokens",
            json!(4096),
            json!(4097),
            "session.max_output_tokens is 4097: allowed is 1 to 4096 or inf",
        ),
        (
            "max_output_tokens",
            json!("inf"),
            json!(""),
            "session.max_output_tokens is empty: allowed is a non-empty text",
        ),
        (
            "audio/input/turn_detection",
            json!({"type": "server_vad", "threshold": 0}),
            json!({"type": "server_vad", "threshold": -0.1}),
            "session.audio.input.turn_detection.threshold is -0.1: allowed is 0 to 1",
        ),
        (
            "audio/input/turn_detection",
            json!({"type": "server_vad", "threshold": 1}),
            json!({"type": "server_vad", "threshold": 1.1}),
            "session.audio.input.turn_detection.threshold is 1.1: allowed is 0 to 1",
        ),
        (
            "audio/input/turn_detection",
            json!({"type": "server_vad", "idle_timeout_ms": 5000}),
            json!({"type": "server_vad", "idle_timeout_ms": 4999}),
            "session.audio.input.turn_detection.idle_timeout_ms is 4999: allowed is 5000 to 30000",
        ),
        (
            "audio/input/turn_detection",
            json!({"type": "server_vad", "idle_timeout_ms": 30000}),
            json!({"type": "server_vad", "idle_timeout_ms": 30001}),
            "session.audio.input.turn_detection.idle_timeout_ms is 30001: allowed is 5000 to 30000",
        ),
        (
            "audio/input/noise_reduction",
            json!({"type": "near_field", "strength": 0}),
            json!({"type": "near_field", "strength": -1}),
            "session.audio.input.noise_reduction.strength is -1: allowed is 0 to 1",
        ),
        (
            "audio/input/noise_reduction",
            json!({"type": "near_field", "strength": 1}),
            json!({"type": "near_field", "strength": 1.01}),
            "session.audio.input.noise_reduction.strength is 1.01: allowed is 0 to 1",
        ),
        (
            "audio/input/format",
            json!({"type": "audio/pcm", "rate": 24000}),
            json!({"type": "audio/pcm", "rate": 16000}),
            "session.audio.input.format.rate is 16000: allowed is 24000",
        ),
        (
            "audio/output/format",
            json!({"type": "audio/pcm"}),
            json!({"type": "audio/pcm", "rate": 48000}),
            "session.audio.output.format.rate is 48000: allowed is 24000",
        ),
        (
            "audio/input/format",
            json!({"type": "audio/pcmu"}),
            json!({"type": "audio/pcmu", "rate": 8000}),
            "session.audio.input.format.rate is 8000: allowed is no rate with audio/pcmu, which has 8000",
        ),
        (
            "audio/output/format",
            json!({"type": "audio/pcma"}),
            json!({"type": "audio/pcma", "rate": 24000}),
            "session.audio.output.format.rate is 24000: allowed is no rate with audio/pcma, which has 8000",
        ),
        (
            "truncation",
            json!({"type": "retention_ratio", "retention_ratio": 0}),
            json!({"type": "retention_ratio", "retention_ratio": -0.5}),
            "session.truncation.retention_ratio is -0.5: allowed is 0 to 1",
        ),
        (
            "truncation",
            json!({"type": "retention_ratio", "retention_ratio": 1}),
            json!({"type": "retention_ratio", "retention_ratio": 1.5}),
            "session.truncation.retention_ratio is 1.5: allowed is 0 to 1",
        ),
        (
            "truncation",
            json!("disabled"),
            json!({"type": "retention_ratio"}),
            "session.truncation.retention_ratio is missing: allowed is 0 to 1",
        ),
        (
            "truncation",
            json!("auto"),
            json!({"retention_ratio": 0.5}),
            "session.truncation.type is missing: allowed is retention_ratio",
        ),
    ] {
        both(&[(
            session("realtime", pointer, &valid),
            session("realtime", pointer, &invalid),
            message,
        )]);
    }
}

#[test]
fn names_and_lists_of_a_session() {
    let rows = [
        (
            "output_modalities",
            json!(["text"]),
            json!(["text", "audio"]),
            r#"session.output_modalities is ["text", "audio"]: allowed is ["audio"] or ["text"]"#,
        ),
        (
            "output_modalities",
            json!(["audio"]),
            json!([]),
            r#"session.output_modalities is []: allowed is ["audio"] or ["text"]"#,
        ),
        (
            "output_modalities",
            json!(["text", "smell"]),
            json!([""]),
            "session.output_modalities[0] is empty: allowed is a non-empty text",
        ),
        (
            "reasoning",
            json!({"effort": "xhigh"}),
            json!({"effort": "utmost"}),
            "session.reasoning.effort is \"utmost\": allowed is minimal, low, medium, high or xhigh",
        ),
        (
            "include",
            json!(["item.input_audio_transcription.logprobs"]),
            json!([""]),
            "session.include[0] is empty: allowed is a non-empty text",
        ),
        (
            "include",
            json!(["a.new.one"]),
            json!(["a.new.one", ""]),
            "session.include[1] is empty: allowed is a non-empty text",
        ),
        (
            "model",
            json!("gpt-next"),
            json!(""),
            "session.model is empty: allowed is a non-empty text",
        ),
        (
            "audio/output/voice",
            json!("marin"),
            json!(""),
            "session.audio.output.voice is empty: allowed is a non-empty text",
        ),
        (
            "audio/output/voice",
            json!({"id": "voice_1"}),
            json!({"id": ""}),
            "session.audio.output.voice.id is empty: allowed is a non-empty text",
        ),
        (
            "audio/input/format",
            json!("pcm16"),
            json!({"type": ""}),
            "session.audio.input.format.type is empty: allowed is a non-empty text",
        ),
        (
            "audio/input/transcription",
            json!({"model": "m", "languages": ["en"]}),
            json!({"languages": []}),
            "session.audio.input.transcription.languages is empty: allowed is at least one language",
        ),
        (
            "audio/input/transcription",
            json!({"delay": "low"}),
            json!({"delay": ""}),
            "session.audio.input.transcription.delay is empty: allowed is a non-empty text",
        ),
        (
            "audio/input/transcription",
            json!({}),
            json!({"model": ""}),
            "session.audio.input.transcription.model is empty: allowed is a non-empty text",
        ),
        (
            "audio/input/noise_reduction",
            json!({"type": "far_field"}),
            json!({"type": ""}),
            "session.audio.input.noise_reduction.type is empty: allowed is a non-empty text",
        ),
        (
            "audio/input/turn_detection",
            json!({"type": "semantic_vad", "eagerness": "low"}),
            json!({"type": "semantic_vad", "eagerness": ""}),
            "session.audio.input.turn_detection.eagerness is empty: allowed is a non-empty text",
        ),
        (
            "prompt",
            json!({"id": "pmpt_1"}),
            json!({"version": "2"}),
            "session.prompt.id is empty: allowed is the id of a prompt",
        ),
        (
            "tracing",
            json!("auto"),
            json!(""),
            "session.tracing is empty: allowed is a non-empty text",
        ),
        (
            "tool_choice",
            json!("required"),
            json!(""),
            "session.tool_choice is empty: allowed is a non-empty text",
        ),
        (
            "tool_choice",
            json!({"type": "function", "name": "f"}),
            json!({"type": "function"}),
            "session.tool_choice.name is missing: allowed is the name of a function",
        ),
        (
            "tool_choice",
            json!({"type": "mcp", "server_label": "s"}),
            json!({"type": "mcp", "name": "f"}),
            "session.tool_choice.server_label is missing: allowed is the label of a server",
        ),
    ];
    for (pointer, valid, invalid, message) in &rows {
        both(&[(
            session("realtime", pointer, valid),
            session("realtime", pointer, invalid),
            message,
        )]);
    }
}

#[test]
fn other_kinds_of_session() {
    let vad = |model: &str, turns: Value| {
        session(
            "transcription",
            "audio/input",
            &json!({"transcription": {"model": model}, "turn_detection": turns}),
        )
    };
    for model in MODELS_WITHOUT_VAD {
        both(&[
            (
                vad(model, Value::Null),
                vad(model, json!({"type": "server_vad"})),
                &format!("session.audio.input.turn_detection is server_vad: allowed is null with {model}"),
            ),
            (
                vad("gpt-4o-transcribe", json!({"type": "semantic_vad"})),
                vad(model, json!({"type": "semantic_vad"})),
                &format!("session.audio.input.turn_detection is semantic_vad: allowed is null with {model}"),
            ),
        ]);
    }
    both(&[
        (
            session("transcription", "include", &json!([])),
            session(
                "transcription",
                "audio/input/turn_detection",
                &json!({"type": "server_vad", "threshold": 2}),
            ),
            "session.audio.input.turn_detection.threshold is 2: allowed is 0 to 1",
        ),
        (
            session("translation", "audio/output/language", &json!("es")),
            session("translation", "audio/output/language", &json!("")),
            "session.audio.output.language is empty: allowed is a non-empty text",
        ),
        (
            session("new", "audio/output/speed", &json!(9)),
            session(
                "translation",
                "audio/input/noise_reduction",
                &json!({"strength": 7}),
            ),
            "session.audio.input.noise_reduction.strength is 7: allowed is 0 to 1",
        ),
    ]);
    // A conversation may have turns found and be transcribed by such a model at the same time.
    let spoken = RealtimeSession::new()
        .transcription(Transcription::new("gpt-realtime-whisper"))
        .server_vad(crate::session::ServerVad::new());
    assert_eq!(spoken.check(), Ok(()));
    assert_eq!(TranscriptionSession::new("whisper-1").check(), Ok(()));
    assert_eq!(
        Session::from(RealtimeSession::new().speed(3.0))
            .check()
            .unwrap_err()
            .value(),
        "3"
    );
}
