//! Settings of sessions.

use rt_protocol::ServerEvent;
use rt_protocol::dialect::{BetaVariant, Codec, WarningReason};
use serde_json::{Value, json};

use crate::{beta, decoded, encoded, parsed};

/// Settings of a session: the field in beta, and the fields in GA.
fn session_table() -> Vec<(Value, Value)> {
    let mut table = vec![
        (
            json!({"modalities": ["text", "audio"]}),
            json!({"output_modalities": ["audio"]}),
        ),
        (
            json!({"modalities": ["text"]}),
            json!({"output_modalities": ["text"]}),
        ),
        (json!({"modalities": []}), json!({"output_modalities": []})),
        (
            json!({"modalities": ["text", "audio", "avatar"]}),
            json!({"output_modalities": ["audio", "avatar"]}),
        ),
        (
            json!({"voice": "sage"}),
            json!({"audio": {"output": {"voice": "sage"}}}),
        ),
        (
            json!({"voice": {"name": "en-US-Ava", "type": "azure-standard"}}),
            json!({"audio": {"output": {"voice": {"name": "en-US-Ava", "type": "azure-standard"}}}}),
        ),
        (
            json!({"speed": 1.5}),
            json!({"audio": {"output": {"speed": 1.5}}}),
        ),
        (
            json!({"input_audio_transcription": {"model": "whisper-1", "language": "en", "prompt": null}}),
            json!({"audio": {"input": {"transcription": {"model": "whisper-1", "language": "en", "prompt": null}}}}),
        ),
        (
            json!({"input_audio_noise_reduction": {"type": "near_field"}}),
            json!({"audio": {"input": {"noise_reduction": {"type": "near_field"}}}}),
        ),
        (
            json!({"turn_detection": {"type": "server_vad", "threshold": 0.5}}),
            json!({"audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 0.5}}}}),
        ),
        (
            json!({"turn_detection": {"type": "semantic_vad", "eagerness": "low"}}),
            json!({"audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}}}}),
        ),
        (
            json!({"turn_detection": {"type": "azure_semantic_vad", "remove_filler_words": true}}),
            json!({"audio": {"input": {"turn_detection":
                {"type": "azure_semantic_vad", "remove_filler_words": true}}}}),
        ),
        (
            json!({"max_response_output_tokens": 200}),
            json!({"max_output_tokens": 200}),
        ),
        (
            json!({"max_response_output_tokens": "inf"}),
            json!({"max_output_tokens": "inf"}),
        ),
    ];
    for (beta_name, ga_name) in [
        ("pcm16", json!({"type": "audio/pcm", "rate": 24000})),
        ("g711_ulaw", json!({"type": "audio/pcmu"})),
        ("g711_alaw", json!({"type": "audio/pcma"})),
        // Formats of Voice Live that GA has not stay names.
        ("pcm16_8000hz", json!("pcm16_8000hz")),
    ] {
        table.push((
            json!({"input_audio_format": beta_name}),
            json!({"audio": {"input": {"format": ga_name}}}),
        ));
        table.push((
            json!({"output_audio_format": beta_name}),
            json!({"audio": {"output": {"format": ga_name}}}),
        ));
    }
    for (beta_name, group, name) in [
        ("voice", "output", "voice"),
        ("speed", "output", "speed"),
        ("output_audio_format", "output", "format"),
        ("input_audio_format", "input", "format"),
        ("input_audio_transcription", "input", "transcription"),
        ("input_audio_noise_reduction", "input", "noise_reduction"),
        ("turn_detection", "input", "turn_detection"),
    ] {
        table.push((json!({beta_name: null}), json!({"audio": {group: {name: null}}})));
    }
    for (beta_name, ga_name) in [
        ("modalities", "output_modalities"),
        ("max_response_output_tokens", "max_output_tokens"),
    ] {
        table.push((json!({beta_name: null}), json!({ga_name: null})));
    }
    for same in [
        json!({}),
        json!({"id": "s", "object": "realtime.session", "model": "m", "expires_at": 5}),
        json!({"instructions": "", "tracing": null, "prompt": null, "truncation": "auto", "include": null}),
        json!({"instructions": null, "tools": []}),
        json!({"tool_choice": "auto", "tools": [{"type": "function", "name": "f", "parameters": {}}]}),
        json!({"tool_choice": {"type": "function", "name": "f"}}),
    ] {
        table.push((same.clone(), same));
    }
    table
}

#[test]
fn settings_of_a_session() {
    for (flat, mut nested) in session_table() {
        nested["type"] = "realtime".into();
        for name in ["session.created", "session.updated", "session.update"] {
            let flat = json!({"type": name, "event_id": "e", "session": flat});
            let nested = json!({"type": name, "event_id": "e", "session": nested});
            if name == "session.update" {
                let event = beta().decode_client(&flat.to_string()).unwrap();
                assert_eq!(parsed(&event.to_json()), nested);
                assert_eq!(encoded(&mut beta(), &nested), (Some(flat), vec![]));
            } else {
                assert_eq!(decoded(&mut beta(), &flat), std::slice::from_ref(&nested));
                let event = ServerEvent::from_json(&nested.to_string()).unwrap();
                assert_eq!(parsed(&beta().encode_server(&event).unwrap()), flat);
            }
        }
    }
}

#[test]
fn other_forms_that_mean_the_same() {
    for (session, expected) in [
        (
            json!({"modalities": ["audio", "text"]}),
            json!({"output_modalities": ["audio"]}),
        ),
        (
            json!({"modalities": ["audio"]}),
            json!({"output_modalities": ["audio"]}),
        ),
        (
            json!({"tool_choice": {"type": "function", "function": {"name": "f"}}}),
            json!({"tool_choice": {"type": "function", "name": "f"}}),
        ),
        (
            json!({"turn_detection": {"type": "none"}}),
            json!({"audio": {"input": {"turn_detection": null}}}),
        ),
        (
            json!({"input_audio_format": "pcm16", "input_audio_sampling_rate": 16000}),
            json!({"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16000}}}}),
        ),
        // A server that has GA's shape already.
        (
            json!({"type": "realtime", "output_modalities": ["audio"], "audio": {"output": {"voice": "ash"}}}),
            json!({"output_modalities": ["audio"], "audio": {"output": {"voice": "ash"}}}),
        ),
    ] {
        let mut expected = expected;
        expected["type"] = "realtime".into();
        let message = json!({"type": "session.updated", "event_id": "e", "session": session});
        let expected = json!({"type": "session.updated", "event_id": "e", "session": expected});
        assert_eq!(decoded(&mut beta(), &message), [expected]);
    }
}

#[test]
fn turn_detection_is_switched_off_as_the_server_knows_it() {
    let off = json!({"type": "session.update",
        "session": {"type": "realtime", "audio": {"input": {"turn_detection": null}}}});
    let unset = json!({"type": "session.update", "session": {"type": "realtime"}});
    let as_null = json!({"type": "session.update", "session": {"turn_detection": null}});
    let as_none = json!({"type": "session.update", "session": {"turn_detection": {"type": "none"}}});
    for (variant, expected) in [
        (BetaVariant::OpenAi, &as_null),
        (BetaVariant::VoiceLive, &as_null),
        (BetaVariant::AzurePreview, &as_none),
    ] {
        let mut codec = beta().with_variant(variant);
        assert_eq!(encoded(&mut codec, &off), (Some(expected.clone()), vec![]));
        let (json, _) = encoded(&mut codec, &unset);
        assert_eq!(json, Some(json!({"type": "session.update", "session": {}})));
    }
    // Or as it says it.
    let mut codec = beta();
    decoded(
        &mut codec,
        &json!({"type": "session.created", "session": {"turn_detection": {"type": "none"}}}),
    );
    assert_eq!(encoded(&mut codec, &off).0, Some(as_none));
}

#[test]
fn a_function_is_nested_for_azure() {
    let event = json!({"type": "session.update",
        "session": {"type": "realtime", "tool_choice": {"type": "function", "name": "f"}}});
    let nested = json!({"type": "function", "function": {"name": "f"}});
    let mut azure = beta().with_variant(BetaVariant::AzurePreview);
    let expected = json!({"type": "session.update", "session": {"tool_choice": nested}});
    assert_eq!(encoded(&mut azure, &event), (Some(expected.clone()), vec![]));
    let read = beta().decode_client(&expected.to_string()).unwrap();
    assert_eq!(parsed(&read.to_json()), event);
}

#[test]
fn transcription_sessions() {
    let settings = json!({"id": "s", "object": "realtime.transcription_session", "include": [],
        "input_audio_format": "pcm16", "input_audio_transcription": {"model": "whisper-1", "prompt": ""},
        "turn_detection": null, "input_audio_noise_reduction": {"type": "far_field"}});
    let nested = json!({"type": "transcription", "id": "s", "object": "realtime.transcription_session",
        "include": [], "audio": {"input": {"format": {"type": "audio/pcm", "rate": 24000},
        "transcription": {"model": "whisper-1", "prompt": ""}, "turn_detection": null,
        "noise_reduction": {"type": "far_field"}}}});
    for (beta_name, ga_name) in [
        ("transcription_session.created", "session.created"),
        ("transcription_session.updated", "session.updated"),
    ] {
        let message = json!({"type": beta_name, "event_id": "e", "session": settings});
        let event = json!({"type": ga_name, "event_id": "e", "session": nested});
        assert_eq!(decoded(&mut beta(), &message), std::slice::from_ref(&event));
        let event = ServerEvent::from_json(&event.to_string()).unwrap();
        assert_eq!(parsed(&beta().encode_server(&event).unwrap()), message);
        // Some servers say session.created, and what it is only in the object.
        let mut message = message;
        message["type"] = ga_name.into();
        assert_eq!(decoded(&mut beta(), &message), [parsed(&event.to_json())]);
    }
    let message = json!({"type": "transcription_session.update", "session": settings});
    let event = json!({"type": "session.update", "session": nested});
    let read = beta().decode_client(&message.to_string()).unwrap();
    assert_eq!(parsed(&read.to_json()), event);
    assert_eq!(encoded(&mut beta(), &event), (Some(message), vec![]));

    let event = json!({"type": "session.update", "session": {"type": "transcription",
        "audio": {"output": {"voice": "ash"}}}});
    let expected = json!({"type": "transcription_session.update", "session": {}});
    let warning = (
        "session.audio.output.voice".to_owned(),
        WarningReason::NoSuchField,
    );
    assert_eq!(encoded(&mut beta(), &event), (Some(expected), vec![warning]));
}

#[test]
fn the_temperature_is_not_lost() {
    let created = json!({"type": "session.created", "event_id": "e", "session": {"temperature": 0.8}});
    let mut client = beta();
    assert_eq!(client.temperature(), None);
    decoded(&mut client, &created);
    assert_eq!(client.temperature(), Some(0.8));
    let update = json!({"type": "session.update", "session": {"type": "realtime"}});
    assert_eq!(encoded(&mut client, &update).0.unwrap()["session"], json!({}));
    let mut client = beta().with_temperature(0.7);
    assert_eq!(client.temperature(), Some(0.7));
    assert_eq!(
        encoded(&mut client, &update).0.unwrap()["session"],
        json!({"temperature": 0.7})
    );

    let mut server = beta().with_temperature(0.8);
    let event =
        ServerEvent::from_json(r#"{"type":"session.updated","session":{"type":"realtime"}}"#).unwrap();
    let told = |server: &mut Codec| parsed(&server.encode_server(&event).unwrap())["session"].clone();
    assert_eq!(told(&mut server), json!({"temperature": 0.8}));
    server
        .decode_client(r#"{"type":"session.update","session":{"temperature":1}}"#)
        .unwrap();
    assert_eq!(told(&mut server), json!({"temperature": 1.0}));
    server
        .decode_client(r#"{"type":"session.update","session":{}}"#)
        .unwrap();
    assert_eq!(told(&mut server), json!({"temperature": 1.0}));
}

#[test]
fn a_rate_by_itself_is_no_format() {
    let beta_update = json!({"type": "session.update", "session": {"input_audio_sampling_rate": 16000}});
    let update = json!({"type": "session.update",
        "session": {"type": "realtime", "audio": {"input": {"format": {"rate": 16000}}}}});
    let mut codec = beta().with_variant(BetaVariant::VoiceLive);
    let event = codec.decode_client(&beta_update.to_string()).unwrap();
    assert_eq!(parsed(&event.to_json()), update);
    assert_eq!(encoded(&mut codec, &update), (Some(beta_update), vec![]));
}
