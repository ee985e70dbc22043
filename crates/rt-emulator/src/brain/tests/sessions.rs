//! The session: defaults, updates, errors, the end.

use serde_json::{Value, json};

use super::*;

#[test]
fn the_defaults_are_the_servers() {
    let settings = Settings {
        opened_at: 1_000,
        model: "gpt-realtime-2".into(),
        ..Settings::default()
    };
    let mut brain = Brain::new(settings);
    let Some(Output::Event(event)) = brain.open(Duration::ZERO).pop() else {
        panic!("no event")
    };
    let session = serde_json::from_str::<Value>(&event.to_json()).unwrap()["session"].clone();
    assert_eq!(session["expires_at"], 4_600);
    assert_eq!(session["model"], "gpt-realtime-2");
    assert_eq!(
        session["audio"]["input"]["turn_detection"],
        json!({"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200,
            "idle_timeout_ms": null, "create_response": true, "interrupt_response": true})
    );
}

#[test]
fn an_update_is_applied_whole_or_not_at_all() {
    let mut talk = Talk::new();
    talk.update(json!({"instructions": "Changed.", "foo": 1}));
    assert_eq!(talk.error(), ("unknown_parameter".into(), "session.foo".into()));
    for (session, code, param) in [
        (
            json!({"instructions": "Changed.", "model": "gpt-realtime-2"}),
            "invalid_value",
            "session.model",
        ),
        (
            json!({"instructions": "Changed.", "output_modalities": ["text", "audio"]}),
            "invalid_value",
            "session.output_modalities",
        ),
        (
            json!({"output_modalities": []}),
            "invalid_value",
            "session.output_modalities",
        ),
        (
            json!({"audio": {"output": {"voice": "robot"}}}),
            "invalid_value",
            "session.audio.output.voice",
        ),
    ] {
        talk.update(session.clone());
        assert_eq!(talk.error(), (code.to_owned(), param.to_owned()), "{session}");
    }
    talk.send(&json!({"type": "session.update", "session": {"type": "transcription"}}));
    assert_eq!(talk.error(), ("invalid_value".into(), "session.type".into()));
    talk.update(json!({"model": "gpt-realtime", "audio": {"output": {"speed": 1.25}}}));
    let session = talk.look().remove(0)["session"].clone();
    assert_ne!(session["instructions"], "Changed.");
    assert_eq!(
        session["audio"]["output"],
        json!({"format": {"type": "audio/pcm", "rate": 24000}, "voice": "alloy",
        "speed": 1.25})
    );
}

#[test]
fn nulls_switch_off_and_absence_keeps() {
    let mut talk = Talk::new();
    talk.update(json!({"instructions": "Mine.", "tracing": "auto", "audio": {"input":
        {"transcription": {"model": "whisper-1", "language": "en"}, "noise_reduction": {"type": "near_field"}}}}));
    talk.look();
    talk.update(json!({"tracing": {"workflow_name": "w"}}));
    assert_eq!(talk.error().1, "session.tracing");
    talk.update(json!({"audio": {"input": {"noise_reduction": null}}}));
    let session = talk.look().remove(0)["session"].clone();
    let input = &session["audio"]["input"];
    assert_eq!(
        (&session["instructions"], &input["noise_reduction"]),
        (&json!("Mine."), &Value::Null)
    );
    assert_eq!(
        input["transcription"],
        json!({"model": "whisper-1", "language": "en", "prompt": null})
    );
    talk.update(json!({"tracing": null, "instructions": "", "audio": {"input": {"transcription": null}}}));
    let session = talk.look().remove(0)["session"].clone();
    assert_eq!(
        (&session["tracing"], &session["audio"]["input"]["transcription"]),
        (&Value::Null, &Value::Null)
    );
    assert!(
        session["instructions"].as_str().unwrap().len() > 20,
        "empty instructions bring the defaults back"
    );
}

#[test]
fn the_voice_stays_once_it_was_heard() {
    let mut talk = Talk::new();
    let voice = |name: &str| json!({"audio": {"output": {"voice": name}}});
    talk.update(voice("marin"));
    assert_eq!(talk.types(), ["session.updated"]);
    talk.send(&respond()).pass_ms(5000);
    talk.look();
    talk.update(voice("cedar"));
    assert_eq!(
        talk.error(),
        ("cannot_update_voice".into(), "session.audio.output.voice".into())
    );
    talk.update(voice("marin"));
    assert_eq!(talk.types(), ["session.updated"]);
    talk.send(&json!({"type": "response.create", "response": voice("cedar")}));
    assert_eq!(talk.error().0, "cannot_update_voice");
}

#[test]
fn bad_messages_are_told_and_survived() {
    let mut talk = Talk::new();
    talk.look();
    for (text, code) in [
        ("nonsense", "invalid_json"),
        ("", "invalid_json"),
        ("[1]", "invalid_event"),
        ("{}", "invalid_event"),
        (r#"{"type":"foo"}"#, "invalid_value"),
        (r#"{"type":"session.close"}"#, "invalid_value"),
        (
            r#"{"type":"input_audio_buffer.append","audio":"!"}"#,
            "invalid_value",
        ),
        (r#"{"type":"input_audio_buffer.append","audio":"AAA="}"#, "ok"),
        (
            r#"{"type":"input_audio_buffer.append","audio":"AA=="}"#,
            "invalid_value",
        ),
    ] {
        let outputs = talk.brain.handle_text(text, talk.now);
        talk.take(outputs);
        if code == "ok" {
            assert!(talk.look().is_empty());
        } else {
            assert_eq!(talk.error().0, code, "{text}");
        }
    }
    let outputs = talk.brain.handle_binary(talk.now);
    talk.take(outputs);
    assert_eq!(talk.error().0, "invalid_event");
    talk.send(&json!({"type": "foo", "event_id": "mine"}));
    let error = talk.look().remove(0)["error"].clone();
    assert_eq!(
        (&error["event_id"], &error["param"]),
        (&json!("mine"), &json!("type"))
    );
    talk.send(&user_text("Still here."))
        .send(&respond())
        .pass_ms(10_000);
    assert_eq!(
        one(&talk.look(), "response.done")["response"]["status"],
        "completed"
    );
}

#[test]
fn an_hour_passes_quickly_and_ends_the_session() {
    let mut talk = Talk::slow();
    talk.look();
    let words = phrase(300, 900, 300);
    let mut turns = 0;
    let began = std::time::Instant::now();
    while talk.closed.is_none() {
        talk.append(&words).pass_ms(9_000);
        let events = talk.look();
        if talk.closed.is_none() {
            assert_eq!(one(&events, "response.done")["response"]["status"], "completed");
            turns += 1;
        } else {
            assert_eq!(events.last().unwrap()["error"]["code"], "session_expired");
        }
    }
    assert_eq!(turns, 399);
    assert_eq!(
        talk.closed,
        Some((
            1001,
            "Your session hit the maximum duration of 60 minutes.".to_owned()
        ))
    );
    talk.look();
    talk.send(&respond()).pass_ms(5000);
    assert!(talk.look().is_empty() && talk.brain.deadline().is_none());
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}
