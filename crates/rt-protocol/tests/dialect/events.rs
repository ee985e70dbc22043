//! Names of events.

use rt_protocol::dialect::{BetaVariant, WarningReason};
use rt_protocol::{ClientEvent, DecodeErrorKind, ServerEvent};
use serde_json::json;

use crate::{beta, encoded, parsed};

#[test]
fn names_of_server_events() {
    for (beta_name, ga_name) in [
        ("response.text.delta", "response.output_text.delta"),
        ("response.text.done", "response.output_text.done"),
        ("response.audio.delta", "response.output_audio.delta"),
        ("response.audio.done", "response.output_audio.done"),
        (
            "response.audio_transcript.delta",
            "response.output_audio_transcript.delta",
        ),
        (
            "response.audio_transcript.done",
            "response.output_audio_transcript.done",
        ),
    ] {
        // Plain, and in a form that the fast path leaves alone.
        for obfuscation in ["xyz", "x\"\n"] {
            let mut message = json!({"type": ga_name, "event_id": "e", "response_id": "r", "item_id": "i",
                "output_index": 1, "content_index": 2, "delta": "AAAA", "obfuscation": obfuscation,
                "text": "t", "transcript": "t"});
            let expected = ServerEvent::from_json(&message.to_string()).unwrap();
            message["type"] = beta_name.into();
            let mut events = beta().decode_server(&message.to_string()).unwrap();
            assert_eq!(events.len(), 1);
            let event = events.next().unwrap();
            assert_eq!(event, expected);
            let again = parsed(&beta().encode_server(&event).unwrap());
            let mut written = parsed(&expected.to_json());
            written["type"] = beta_name.into();
            assert_eq!(again, written);
        }
    }
    // Everything else has one name.
    for name in [
        "error",
        "conversation.created",
        "conversation.item.input_audio_transcription.completed",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.failed",
        "conversation.item.retrieved",
        "conversation.item.truncated",
        "conversation.item.deleted",
        "input_audio_buffer.committed",
        "input_audio_buffer.cleared",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "output_audio_buffer.started",
        "output_audio_buffer.stopped",
        "output_audio_buffer.cleared",
        "response.created",
        "response.done",
        "response.output_item.added",
        "response.output_item.done",
        "response.content_part.added",
        "response.content_part.done",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "rate_limits.updated",
    ] {
        let event = ServerEvent::from_json(&format!(r#"{{"type":"{name}"}}"#)).unwrap();
        assert_eq!(event.event_type(), name);
        let written = beta().encode_server(&event).unwrap();
        assert_eq!(parsed(&written)["type"], name);
        let again: Vec<_> = beta().decode_server(&written).unwrap().collect();
        assert_eq!(again, [event]);
    }
}

#[test]
fn events_that_beta_has_not() {
    for name in [
        "conversation.item.done",
        "conversation.item.input_audio_transcription.segment",
        "input_audio_buffer.timeout_triggered",
        "input_audio_buffer.dtmf_event_received",
        "session.closed",
        "session.input_transcript.delta",
        "session.output_transcript.delta",
        "session.output_audio.delta",
    ] {
        let event = ServerEvent::from_json(&format!(r#"{{"type":"{name}"}}"#)).unwrap();
        for variant in [
            BetaVariant::OpenAi,
            BetaVariant::AzurePreview,
            BetaVariant::VoiceLive,
        ] {
            assert_eq!(beta().with_variant(variant).encode_server(&event), None, "{name}");
        }
    }
    for name in [
        "mcp_list_tools.in_progress",
        "mcp_list_tools.completed",
        "mcp_list_tools.failed",
        "response.mcp_call_arguments.delta",
        "response.mcp_call_arguments.done",
        "response.mcp_call.in_progress",
        "response.mcp_call.completed",
        "response.mcp_call.failed",
    ] {
        let event = ServerEvent::from_json(&format!(r#"{{"type":"{name}"}}"#)).unwrap();
        assert_eq!(beta().encode_server(&event), None, "{name}");
        let mut voice_live = beta().with_variant(BetaVariant::VoiceLive);
        assert!(voice_live.encode_server(&event).is_some(), "{name}");
        // If one comes anyway, it is what it is.
        assert_eq!(
            beta().decode_server(&event.to_json()).unwrap().next(),
            Some(event)
        );
    }
    for event in [
        json!({"type": "session.close"}),
        json!({"type": "session.input_audio_buffer.append", "audio": "AAAA"}),
    ] {
        let expected = (None, vec![("type".to_owned(), WarningReason::NoSuchEvent)]);
        assert_eq!(encoded(&mut beta(), &event), expected);
    }
    let event = json!({"type": "session.update", "session": {"type": "translation"}});
    let expected = (
        None,
        vec![("session.type".to_owned(), WarningReason::NoSuchValue)],
    );
    assert_eq!(encoded(&mut beta(), &event), expected);
}

#[test]
fn what_neither_dialect_knows_comes_through() {
    for message in [
        json!({"type": "warning", "warning": {"code": "x"}}),
        json!({"type": "session.avatar.connecting", "server_sdp": "v=0"}),
        json!({"type": "response.animation_viseme.delta", "event_id": "e", "viseme_id": 7}),
        json!({"type": "response.audio_transcript.annotation.added"}),
    ] {
        let text = message.to_string();
        let event = beta().decode_server(&text).unwrap().next().unwrap();
        let ServerEvent::Unknown(unknown) = &event else {
            panic!("{event:?}")
        };
        assert_eq!(unknown.raw, text);
        assert_eq!(beta().encode_server(&event), Some(text));
    }
    for text in [
        r#"{"type":"input_audio.turn.start","turn_id":"t"}"#,
        r#"{"type":"session.avatar.connect","client_sdp":"v=0"}"#,
    ] {
        let event = beta().decode_client(text).unwrap();
        assert!(matches!(event, ClientEvent::Unknown(_)));
        assert_eq!(beta().encode_client(&event).json.as_deref(), Some(text));
    }
    // Settings that only one server has: a session as an object goes out as it is.
    let event = json!({"type": "session.update", "session": {"avatar": {"character": "lisa"}, "voice": "x"}});
    assert_eq!(encoded(&mut beta(), &event), (Some(event), vec![]));
}

#[test]
fn a_raw_control_character_in_a_name_is_no_json() {
    for name in ["response.audio.delta", "response.text.delta", "response.done"] {
        for character in ['\t', '\n', '\u{1}'] {
            for name in [format!("{character}{name}"), format!("{name}{character}")] {
                let message = format!(r#"{{"type":"{name}","event_id":"e","delta":"AAAA"}}"#);
                let error = beta().decode_server(&message).unwrap_err();
                assert_eq!(error.kind(), DecodeErrorKind::NotJson, "{message:?}");
            }
        }
        // A space is JSON, and is left out.
        let message = format!(r#"{{"type":" {name}","event_id":"e","delta":"AAAA"}}"#);
        assert_eq!(beta().decode_server(&message).unwrap().len(), 1, "{message:?}");
    }
}
