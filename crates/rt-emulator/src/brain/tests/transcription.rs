//! Transcription sessions, against the recorded order and shape.

use rt_protocol::session::SessionKind;

use super::*;

fn transcription() -> Talk {
    Talk::of(Settings {
        kind: SessionKind::Transcription,
        script: Arc::new(Script::from_yaml("hear: Testing one.").unwrap()),
        ..Settings::default()
    })
}

fn update(input: &Value) -> Value {
    json!({"type": "session.update", "session": {"type": "transcription", "audio": {"input": input}}})
}

/// The keys and kinds of a value, all the way down.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), shape(value)))
            .collect(),
        Value::Array(values) => values.iter().map(shape).collect(),
        Value::Null => "null".into(),
        Value::Bool(_) => "boolean".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "string".into(),
    }
}

#[test]
fn a_session_by_hand_has_the_observed_order_and_shape() {
    let mut talk = transcription();
    talk.send(&update(
        &json!({"transcription": {"model": "gpt-4o-transcribe"}, "turn_detection": null}),
    ));
    talk.append(&phrase(0, 1300, 0));
    talk.send(&json!({"type": "input_audio_buffer.commit"}));
    talk.pass_ms(5000);
    let events = talk.look();
    let format = json!({"type": "audio/pcm", "rate": 24000});
    let created = &events[0]["session"];
    assert_eq!(
        *created,
        json!({"type": "transcription", "object": "realtime.transcription_session", "id": created["id"],
            "expires_at": 3600, "audio": {"input": {"format": format, "transcription": null,
            "noise_reduction": null, "turn_detection": {"type": "server_vad", "threshold": 0.5,
            "prefix_padding_ms": 300, "silence_duration_ms": 200}}}, "include": null})
    );
    assert_eq!(
        events[1]["session"]["audio"],
        json!({"input": {"format": format,
            "transcription": {"model": "gpt-4o-transcribe", "language": null, "prompt": null},
            "noise_reduction": null, "turn_detection": null}})
    );
    let kinds: Vec<&str> = events.iter().map(kind).collect();
    let delta = "conversation.item.input_audio_transcription.delta";
    assert_eq!(
        kinds,
        [
            "session.created",
            "session.updated",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            delta,
            delta,
            delta,
            "conversation.item.input_audio_transcription.completed",
        ]
    );
    let item = json!({"event_id": "", "type": "", "previous_item_id": null, "item": {"id": "", "type": "",
        "status": "", "role": "", "content": [{"type": "", "transcript": null}]}});
    assert_eq!(shape(&events[3]), shape(&item));
    assert_eq!(shape(&events[4]), shape(&item));
    let text: String = of(&events, delta)
        .iter()
        .map(|one| one["delta"].as_str().unwrap())
        .collect();
    assert_eq!(text, "Testing one.");
    assert!(events[5]["obfuscation"].is_string());
    let completed = &events[8];
    assert_eq!(completed["transcript"], "Testing one.");
    assert_eq!(
        completed["usage"],
        json!({"type": "tokens", "total_tokens": 16, "input_tokens": 13, "output_tokens": 3,
            "input_token_details": {"text_tokens": 0, "audio_tokens": 13}})
    );
}

#[test]
fn turns_are_found_and_never_answered() {
    let mut talk = transcription();
    talk.send(&update(&json!({"transcription": {"model": "whisper-1"}})));
    talk.append(&phrase(400, 900, 600)).append(&phrase(400, 900, 600));
    talk.pass_ms(20_000);
    let events = talk.look();
    let kinds: Vec<&str> = events.iter().map(kind).collect();
    assert!(
        !kinds
            .iter()
            .any(|kind| kind.starts_with("response.") || kind.starts_with("rate_limits"))
    );
    assert_eq!(of(&events, "input_audio_buffer.committed").len(), 2);
    let completed = of(&events, "conversation.item.input_audio_transcription.completed");
    assert_eq!(completed.len(), 2);
    assert_eq!(completed[0]["usage"]["type"], "duration");
    assert!(completed[0]["usage"]["seconds"].as_f64().unwrap() >= 1.0);
}

#[test]
fn the_model_decides_the_usage() {
    for (model, wanted) in [
        ("whisper-1", "duration"),
        ("gpt-transcribe", "duration"),
        ("gpt-live-transcribe", "duration"),
        ("gpt-4o-transcribe", "tokens"),
        ("gpt-4o-mini-transcribe", "tokens"),
    ] {
        let mut talk = transcription();
        talk.send(&update(
            &json!({"transcription": {"model": model}, "turn_detection": null}),
        ));
        talk.append(&phrase(0, 500, 0));
        talk.send(&json!({"type": "input_audio_buffer.commit"}))
            .pass_ms(2000);
        let events = talk.look();
        let completed = one(&events, "conversation.item.input_audio_transcription.completed");
        assert_eq!(completed["usage"]["type"], wanted, "{model}");
    }
}

#[test]
fn what_is_of_other_sessions_is_refused() {
    let error = |event: Value| {
        let mut talk = transcription();
        talk.look();
        talk.send(&event).error()
    };
    let owned = |code: &str, param: &str| (code.to_owned(), param.to_owned());
    assert_eq!(error(respond()), owned("invalid_value", "type"));
    assert_eq!(
        error(json!({"type": "response.cancel"})),
        owned("invalid_value", "type")
    );
    assert_eq!(error(user_text("x")), owned("invalid_value", "type"));
    assert_eq!(
        error(json!({"type": "session.close"})),
        owned("invalid_value", "type")
    );
    let session = |session: Value| json!({"type": "session.update", "session": session});
    assert_eq!(
        error(session(json!({"type": "realtime", "instructions": "x"}))),
        owned("invalid_value", "session.type")
    );
    assert_eq!(
        error(session(json!({"type": "transcription", "instructions": "x"}))),
        owned("unknown_parameter", "session.instructions")
    );
    assert_eq!(
        error(session(json!({"audio": {}}))),
        owned("missing_required_parameter", "session.type")
    );
    assert_eq!(
        error(update(&json!({"format": {"type": "audio/pcm", "rate": 16000}}))),
        owned("integer_below_min_value", "session.audio.input.format.rate")
    );
    assert_eq!(
        error(update(
            &json!({"transcription": {"model": "gpt-realtime-whisper"}})
        )),
        owned("invalid_value", "session.audio.input.turn_detection")
    );
    assert_eq!(
        error(json!({"type": "input_audio_buffer.commit"})),
        owned("input_audio_buffer_commit_empty", "null")
    );
}

#[test]
fn begins_with_what_its_key_says() {
    let session = rt_protocol::http::ClientSecretRequest::from_json(
        r#"{"session":{"type":"transcription","audio":{"input":{"transcription":{"model":"whisper-1"}}}}}"#,
    );
    let mut talk = Talk::of(Settings {
        kind: SessionKind::Transcription,
        session: session.unwrap().session.value().cloned(),
        ..Settings::default()
    });
    let created = talk.look();
    assert_eq!(
        created[0]["session"]["audio"]["input"]["transcription"]["model"],
        "whisper-1"
    );
}
