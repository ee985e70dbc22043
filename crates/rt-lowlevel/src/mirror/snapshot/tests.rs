//! Tests of the snapshot.

use rt_protocol::ServerEvent;
use serde_json::json;

use super::super::Intent;
use super::*;

fn mirror(kind: SessionKind) -> Mirror {
    let mut mirror = Mirror::new(RestorePolicy::default(), kind);
    for (seq, event) in (1..).zip([
        json!({"type": "session.update", "session": {"type": "realtime", "instructions": "canary"}}),
        json!({"type": "conversation.item.create", "item": {"type": "message", "id": "u1", "role": "user", "content": [{"type": "input_text", "text": "canary"}]}}),
        json!({"type": "input_audio_buffer.append", "audio": rt_protocol::AudioBytes::from(vec![7; 4800])}),
        json!({"type": "input_audio_buffer.commit", "event_id": "c"}),
        json!({"type": "response.create", "event_id": "r"}),
    ]) {
        let event = rt_protocol::ClientEvent::from_json(&event.to_string()).unwrap();
        mirror.write(seq, Intent::of(&event), false);
    }
    let added = json!({"type": "conversation.item.added", "previous_item_id": "u1",
        "item": {"type": "message", "id": "a1", "role": "assistant", "content": []}});
    mirror.server(&ServerEvent::from_json(&added.to_string()).unwrap());
    let delta = json!({"type": "response.output_audio_transcript.delta", "item_id": "a1", "content_index": 0, "delta": "canary"});
    mirror.server(&ServerEvent::from_json(&delta.to_string()).unwrap());
    mirror.played("a1", 0, 1);
    mirror
}

#[test]
fn another_process_goes_on_with_it() {
    for kind in [
        SessionKind::Realtime,
        SessionKind::Transcription,
        SessionKind::Translation,
    ] {
        let snapshot = mirror(kind).snapshot();
        let read = Snapshot::from_json(&snapshot.to_json()).unwrap();
        assert_eq!(read, snapshot);
        let resumed = Mirror::resume(RestorePolicy::default(), read);
        assert_eq!(resumed.kind(), kind);
        assert_eq!(resumed.snapshot(), snapshot);
        assert!(resumed.playback_reported);
        assert_eq!(snapshot.items(), 2);
    }
    let mut resumed = Mirror::resume(RestorePolicy::default(), mirror(SessionKind::Realtime).snapshot());
    let replayed: Vec<_> = std::iter::from_fn(|| resumed.replay()).collect();
    assert!(replayed.iter().all(|replay| replay.seq.is_none()));
    let ids: Vec<_> = replayed.iter().map(|replay| replay.event.event_id()).collect();
    assert_eq!(ids, [None, Some("c"), Some("r")]);
    assert_eq!(replayed[0].audio_ms, 100);
}

#[test]
fn taking_one_changes_nothing() {
    let mirror = mirror(SessionKind::Realtime);
    let before = format!("{mirror:?}");
    mirror.snapshot();
    assert_eq!(format!("{mirror:?}"), before);
}

#[test]
fn other_versions_and_other_things_are_refused_without_their_content() {
    let json = mirror(SessionKind::Realtime).snapshot().to_json();
    assert!(json.contains(r#""version":1"#));
    for (text, says) in [
        (
            json.replace(r#""version":1"#, r#""version":2"#),
            "version 2, this crate reads version 1",
        ),
        (json.replace(r#""version":1"#, r#""version":"1""#), "no version"),
        (json.replace(r#""version":1,"#, ""), "no version"),
        (
            json.replace(r#""items":["#, r#""items":["canary","#),
            "changed or damaged",
        ),
        ("canary".to_owned(), "snapshot"),
        ("[]".to_owned(), "no version"),
        (String::new(), "snapshot"),
    ] {
        let error = Snapshot::from_json(&text).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::InvalidConfig);
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(says), "{shown}");
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[test]
fn debug_shows_sizes_only() {
    let snapshot = mirror(SessionKind::Realtime).snapshot();
    assert_eq!(
        format!("{snapshot:?}"),
        "Snapshot { version: 1, items: 2, audio_ms: 100, .. }"
    );
}
