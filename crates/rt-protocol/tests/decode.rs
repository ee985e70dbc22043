//! Forward compatibility, errors and what `Debug` shows.

use rt_protocol::item::{ContentKind, ItemStatus, Role};
use rt_protocol::session::{AudioFormat, ServerVad, Truncation, Voice, VoiceName};
use serde_json::json;

use rt_protocol::{
    ClientEvent, DecodeErrorKind, Field, Item, RealtimeSession, Response, ServerEvent, Session, Tool,
    TurnDetection,
};

#[test]
fn an_unknown_type_keeps_its_text() {
    let json = r#"{ "type":"session.hummed", "event_id":"e1", "tune":[1,2] }"#;
    let event = ServerEvent::from_json(json).unwrap();
    assert_eq!(event.event_type(), "session.hummed");
    assert_eq!(event.to_json(), json);
    let ServerEvent::Unknown(event) = event else {
        panic!("{event:?}")
    };
    assert_eq!(event.event_id().as_deref(), Some("e1"));
}

#[test]
fn unknown_enum_values_fields_and_kinds_are_kept_or_ignored() {
    let json = r#"{"type":"conversation.item.added","event_id":"e","sauce":1,"item":{"id":"i","type":"message",
        "status":"pondering","role":"moderator","content":[{"type":"hologram","text":"hi"}]}}"#;
    let ServerEvent::ConversationItemAdded(event) = ServerEvent::from_json(json).unwrap() else {
        panic!()
    };
    let Item::Message(message) = &event.item else {
        panic!("{:?}", event.item)
    };
    assert_eq!(message.status, ItemStatus::Other("pondering".into()).into());
    assert_eq!(message.role, Role::Other("moderator".into()));
    assert_eq!(
        message.content[0].kind,
        ContentKind::Other("hologram".into()).into()
    );
    assert!(event.previous_item_id.is_absent());

    let json = r#"{"id":"i7","type":"hologram_call","output":[1,{"deep":true}],"role":7}"#;
    let item: Item = serde_json::from_str(json).unwrap();
    assert_eq!(item.id(), Some("i7"));
    assert!(matches!(&item, Item::Unknown(raw) if raw.kind() == Some("hologram_call")));
    let again = serde_json::to_value(&item).unwrap();
    assert_eq!(again, serde_json::from_str::<serde_json::Value>(json).unwrap());
    // The same through a tree, and with the type last.
    assert_eq!(serde_json::from_value::<Item>(again).unwrap(), item);
    let tool: Tool = serde_json::from_str(r#"{"name":"f","parameters":{"a":1},"type":"function"}"#).unwrap();
    assert!(matches!(tool, Tool::Function(tool) if tool.name.as_deref() == Some("f")));
}

#[test]
fn what_is_kept_raw_is_written_as_the_same() {
    // Numbers beyond 64 bits, and a second type that would make the item another one.
    for json in [
        r#"{"type":"session.updated","session":{"type":"new","rate":240777777777777777777777777777777777777777}}"#,
        r#"{"type":"conversation.item.created","item":{"type":"new","type":"message","content":[]}}"#,
    ] {
        let event = ServerEvent::from_json(json).unwrap();
        let written = event.to_json();
        let again = ServerEvent::from_json(&written).unwrap();
        assert_eq!(again.to_json(), written);
        assert!(written.contains(r#""type":"new""#), "{written}");
    }
}

#[test]
fn what_the_protocol_demands_may_be_missing_or_null() {
    for json in [
        r#"{"type":"response.output_text.delta"}"#,
        r#"{"type":"response.output_text.delta","event_id":null,"content_index":null,"delta":null}"#,
    ] {
        let ServerEvent::ResponseOutputTextDelta(event) = ServerEvent::from_json(json).unwrap() else {
            panic!()
        };
        assert_eq!((event.content_index, event.delta.as_ref()), (0, ""));
    }
    for event_type in ServerEvent::KNOWN_TYPES {
        let event = ServerEvent::from_json(&format!(r#"{{"type":"{event_type}"}}"#)).unwrap();
        assert_eq!(event.event_type(), *event_type);
    }
    for event_type in ClientEvent::KNOWN_TYPES {
        let event = ClientEvent::from_json(&format!(r#"{{"type":"{event_type}"}}"#)).unwrap();
        assert_eq!(event.event_type(), *event_type);
    }
}

#[test]
fn errors_name_type_line_and_column_and_keep_the_text() {
    let json = "{\"type\":\"response.done\",\n \"response\":{\"usage\":{\"total_tokens\":\"canary\"}}}";
    let error = ServerEvent::from_json(json).unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::Body);
    assert_eq!(
        (error.event_type(), error.line(), error.raw()),
        (Some("response.done"), 2, json)
    );
    assert!(error.column() > 30, "{}", error.column());
    let shown = format!("{error} {error:?}");
    assert!(
        shown.contains("response.done") && !shown.contains("canary"),
        "{shown}"
    );

    // Whatever the value is like: words of serde's own, numbers, secrets.
    for json in [
        r#"{"type":"input_audio_buffer.speech_started","audio_start_ms":"the 4111 at line 4111, expected \"4111\" at line 4111"}"#,
        r#"{"type":"conversation.item.input_audio_transcription.completed","transcript":4111}"#,
        r#"{"type":"session.updated","session":{"type":"realtime","tools":[{"type":"mcp","authorization":4111}]}}"#,
        r#"{"type":"response.done","response":{"usage":{"total_tokens":-4111.5}}}"#,
    ] {
        let error = ServerEvent::from_json(json).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("4111"), "{error}");
        assert!(error.to_string().contains("invalid type"), "{error}");
    }

    for (json, kind) in [
        ("", DecodeErrorKind::NotJson),
        ("hello", DecodeErrorKind::NotJson),
        ("{\"type\":\"error\"", DecodeErrorKind::NotJson),
        ("{\"type\":\"not.known\",}", DecodeErrorKind::NotJson),
        ("{\"type\":\"error\"} {}", DecodeErrorKind::NotJson),
        ("[1]", DecodeErrorKind::NoType),
        ("{}", DecodeErrorKind::NoType),
        ("{\"type\":null}", DecodeErrorKind::NoType),
        ("{\"type\":\"error\",\"error\":7}", DecodeErrorKind::Body),
    ] {
        assert_eq!(ServerEvent::from_json(json).unwrap_err().kind(), kind, "{json}");
    }
}

#[test]
fn hostile_text_is_an_error_and_not_a_crash() {
    for depth in [200, 100_000] {
        let nested = format!(
            r#"{{"type":"session.created","session":{}{}}}"#,
            r#"{"a":"#.repeat(depth),
            "}".repeat(depth)
        );
        assert!(ServerEvent::from_json(&nested).is_err());
    }
    assert!(
        ServerEvent::from_json(r#"{"type":"response.output_audio.delta","content_index":1e400}"#).is_err()
    );
    for json in [
        r#"{"type":"response.output_audio.delta","content_index":-1}"#,
        r#"{"type":"response.output_audio.delta","content_index":99999999999999999999}"#,
        r#"{"type":"response.output_audio.delta","delta":"A","delta":"B"}"#,
    ] {
        assert_eq!(
            ServerEvent::from_json(json).unwrap_err().kind(),
            DecodeErrorKind::Body,
            "{json}"
        );
    }
}

#[test]
fn debug_shows_neither_speech_nor_audio_nor_secrets() {
    let json = r#"{"type":"response.done","event_id":"e","response":{"id":"r","output":[
        {"type":"message","role":"assistant","content":[{"type":"output_audio","audio":"Y2FuYXJ5","transcript":"canary"}]},
        {"type":"function_call","name":"f","call_id":"c","arguments":"{\"card\":\"canary\"}"},
        {"type":"function_call_output","call_id":"c","output":"canary"},
        {"type":"mcp_call","arguments":"canary","output":"canary"},
        {"type":"new_kind","said":"canary"}],
        "metadata":{"k":"canary"}}}"#;
    let event = ServerEvent::from_json(json).unwrap();
    let shown = format!("{event:?} {event:#?}");
    assert!(
        !shown.contains("canary") && !shown.contains("Y2FuYXJ5"),
        "{shown}"
    );
    assert!(shown.contains("Text(6 bytes)"));

    let json = r#"{"type":"session.update","session":{"type":"realtime","instructions":"canary",
        "tools":[{"type":"mcp","server_label":"s","authorization":"canary","headers":{"X-Key":"canary"}}],
        "prompt":{"id":"p","variables":{"name":"canary"}}}}"#;
    let shown = format!("{:?}", ClientEvent::from_json(json).unwrap());
    assert!(!shown.contains("canary"), "{shown}");

    let unknown = ServerEvent::from_json(r#"{"type":"x.y","said":"canary"}"#).unwrap();
    assert!(!format!("{unknown:?}").contains("canary"));
}

#[test]
fn a_session_update_says_exactly_what_was_meant() {
    let mut session = RealtimeSession {
        instructions: "Be brief.".into(),
        ..Default::default()
    };
    let audio = session.audio.or_default();
    let input = audio.input.or_default();
    input.format = AudioFormat::pcm().into();
    input.turn_detection = Field::Null;
    audio.output.or_default().voice = Voice::from(VoiceName::Marin).into();
    let update = rt_protocol::client_event::SessionUpdate {
        session: session.into(),
        ..Default::default()
    };
    assert_eq!(
        ClientEvent::from(update).to_json(),
        r#"{"type":"session.update","session":{"type":"realtime","instructions":"Be brief.","audio":{"input":{"format":{"type":"audio/pcm","rate":24000},"turn_detection":null},"output":{"voice":"marin"}}}}"#
    );
}

#[test]
fn either_form_of_a_field_is_read() {
    let bare: AudioFormat = serde_json::from_str(r#""pcm16""#).unwrap();
    assert_eq!(serde_json::to_string(&bare).unwrap(), r#""pcm16""#);
    let truncation: Truncation =
        serde_json::from_str(r#"{"type":"retention_ratio","retention_ratio":0.8}"#).unwrap();
    assert!(matches!(truncation, Truncation::RetentionRatio(_)));
    let response: Response = serde_json::from_str(r#"{"status_details":"cancelled by user"}"#).unwrap();
    let details = response.status_details.value().unwrap();
    assert_eq!(details.text.as_deref(), Some("cancelled by user"));
    let off: TurnDetection = serde_json::from_str(r#"{"type":"none"}"#).unwrap();
    assert!(matches!(off, TurnDetection::Unknown(raw) if raw.kind() == Some("none")));
    let vad: TurnDetection = ServerVad {
        threshold: 0.7.into(),
        ..Default::default()
    }
    .into();
    assert_eq!(
        serde_json::to_string(&vad).unwrap(),
        r#"{"type":"server_vad","threshold":0.7}"#
    );
    let beta: Session = serde_json::from_str(r#"{"id":"sess_1","modalities":["text"]}"#).unwrap();
    assert_eq!(beta.id(), Some("sess_1"));
}

#[test]
fn events_stay_small() {
    assert!(size_of::<ServerEvent>() <= 232, "{}", size_of::<ServerEvent>());
    assert!(size_of::<ClientEvent>() <= 112, "{}", size_of::<ClientEvent>());
    assert_eq!(size_of::<rt_protocol::DecodeError>(), size_of::<usize>());
}

/// Settings of kinds that this version does not know, or with fields that it does not know, come back as they were: they
/// are sent again when a session is restored.
#[test]
fn settings_of_other_kinds_are_kept_whole() {
    for settings in [
        json!({"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]}}),
        json!({"truncation": {"type": "summary", "instructions": "Be brief.", "after": 1.5}}),
        json!({"tracing": {"workflow_name": "w", "sampling": 0.1}}),
        json!({"audio": {"output": {"voice": {"type": "azure-custom", "name": "n", "endpoint_id": "e", "temperature": 0.8}}}}),
        json!({"audio": {"input": {"turn_detection": {"type": "semantic_vad", "model_version": "2"}}}}),
        json!({"audio": {"input": {"turn_detection": {"type": "server_vad", "model_version": "2"}}}}),
    ] {
        let mut session = settings;
        session["type"] = "realtime".into();
        let event = json!({"type": "session.updated", "event_id": "e", "session": session});
        let again = ServerEvent::from_json(&event.to_string()).unwrap().to_json();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&again).unwrap(), event);
    }
}

#[test]
fn codes_may_be_numbers() {
    for (json, code) in [
        (
            r#"{"type":"error","error":{"type":"x","code":429,"message":"m"}}"#,
            "429",
        ),
        (
            r#"{"type":"error","error":{"type":"x","code":"429","message":"m"}}"#,
            "429",
        ),
    ] {
        let ServerEvent::Error(event) = ServerEvent::from_json(json).unwrap() else {
            panic!()
        };
        assert_eq!(event.error.code.as_deref(), Some(code));
    }
}

#[test]
fn half_of_an_emoji_is_no_reason_to_lose_a_delta() {
    let json = r#"{"type":"response.output_text.delta","event_id":"e","response_id":"r","item_id":"i","output_index":0,"content_index":0,"delta":"hi \ud83d"}"#;
    let ServerEvent::ResponseOutputTextDelta(event) = ServerEvent::from_json(json).unwrap() else {
        panic!()
    };
    assert_eq!(event.delta, *"hi \u{fffd}");
}

#[test]
fn what_only_the_server_writes_is_not_sent_back() {
    for kind in ["server_vad", "semantic_vad"] {
        let detection = |rest: serde_json::Value| {
            let mut detection = json!({"type": kind, "create_response": false});
            detection
                .as_object_mut()
                .unwrap()
                .extend(rest.as_object().unwrap().clone());
            json!({"type": "realtime", "audio": {"input": {"turn_detection": detection}}})
        };
        let mut reported = detection(json!({"model_version": "2"}));
        reported["id"] = "sess_1".into();
        reported["expires_at"] = 1.into();
        let reported: Session = serde_json::from_value(reported).unwrap();
        let request = serde_json::to_value(reported.into_request()).unwrap();
        assert_eq!(request, detection(json!({})));
    }
}
