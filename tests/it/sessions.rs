//! Generated messages of clients: sessions by kind of endpoint, limits, merging.

use std::path::{Path, PathBuf};

use rt_protocol::session::SessionKind;
use rt_protocol::{ClientEvent, RealtimeSession, ServerEvent, Session};
use serde_json::{Map, Value};

use crate::capture::{compare, read};

fn fixtures(place: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(place)
}

/// The generated messages of one side and one dialect, each with whether it is valid by the published types.
fn instances(direction: &str, dialect: &str) -> Vec<(Value, bool)> {
    let text = read(&fixtures("protocol/instances.jsonl.gz")).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .filter(|line| line["direction"] == direction && line["dialect"] == dialect)
        .map(|mut line| {
            let valid = line["spec_valid"] == true;
            (line["message"].take(), valid)
        })
        .collect()
}

fn assert_same(message: &Value, written: &str) {
    let mut losses = Vec::new();
    compare("", message, &serde_json::from_str(written).unwrap(), &mut losses);
    assert!(losses.is_empty(), "{message} became {written}: {losses:?}");
}

#[test]
fn translation_clients_send_sessions_without_a_type() {
    let messages = instances("client", "translation");
    assert_eq!(messages.len(), 90);
    let mut updates = 0;
    for (message, valid) in &messages {
        let event = ClientEvent::from_json_for(SessionKind::Translation, &message.to_string()).unwrap();
        assert_same(message, &event.to_json());
        assert_same(message, &serde_json::to_string(&event).unwrap());
        let again = ClientEvent::from_json_for(SessionKind::Translation, &event.to_json());
        assert_eq!(again.unwrap(), event);
        if let ClientEvent::SessionUpdate(update) = &event {
            assert_eq!(update.session.kind(), Some(SessionKind::Translation), "{message}");
            updates += 1;
        }
        assert!(!valid || event.check().is_ok(), "{message}: {:?}", event.check());
    }
    assert_eq!(updates, 30);
}

#[test]
fn translation_servers_send_sessions_with_a_type() {
    let messages = instances("server", "translation");
    assert_eq!(messages.len(), 210);
    for (message, _) in &messages {
        let event = ServerEvent::from_json(&message.to_string()).unwrap();
        assert_same(message, &event.to_json());
        let session = match event {
            ServerEvent::SessionCreated(event) => event.session,
            ServerEvent::SessionUpdated(event) => event.session,
            _ => continue,
        };
        assert_eq!(session.kind(), Some(SessionKind::Translation), "{message}");
    }
}

#[test]
fn elsewhere_the_kind_of_endpoint_changes_nothing() {
    for (message, _) in instances("client", "ga") {
        let text = message.to_string();
        let event = ClientEvent::from_json(&text).unwrap();
        for kind in [
            SessionKind::Realtime,
            SessionKind::Transcription,
            SessionKind::Translation,
        ] {
            assert_eq!(
                ClientEvent::from_json_for(kind, &text).unwrap(),
                event,
                "{kind:?}: {text}"
            );
        }
    }
    // A session without a type is of the beta dialect there, and stays as it is.
    let beta = r#"{"type":"session.update","session":{"voice":"alloy"}}"#;
    for kind in [SessionKind::Realtime, SessionKind::Transcription] {
        let event = ClientEvent::from_json_for(kind, beta).unwrap();
        assert!(
            matches!(&event, ClientEvent::SessionUpdate(update) if matches!(update.session, Session::Unknown(_)))
        );
        assert_eq!(event.to_json(), beta);
    }
}

#[test]
fn valid_messages_are_within_the_limits() {
    let mut checked = 0;
    for (message, _) in instances("client", "ga").into_iter().filter(|(_, valid)| *valid) {
        let event = ClientEvent::from_json(&message.to_string()).unwrap();
        match event.check() {
            Ok(()) => checked += 1,
            // The published types allow any list, the documentation does not.
            Err(error) => assert!(error.field().ends_with("output_modalities"), "{error}: {message}"),
        }
    }
    assert!(checked > 200, "{checked}");
}

/// The messages of every recording, in order, with whether the client sent them.
fn recordings() -> Vec<Vec<(bool, Value)>> {
    let files = std::fs::read_dir(fixtures("golden")).unwrap();
    files
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| {
            let lines = read(&path).unwrap();
            let messages = lines
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap());
            messages
                .map(|mut message| (message["direction"] == "sent", message["message"].take()))
                .filter(|(_, message)| message.is_object())
                .collect()
        })
        .collect()
}

#[test]
fn recorded_messages_are_within_the_limits() {
    let mut count = 0;
    for (_, message) in recordings().iter().flatten().filter(|(sent, _)| *sent) {
        let event = ClientEvent::from_json(&message.to_string()).unwrap();
        assert!(!matches!(event, ClientEvent::Unknown(_)));
        assert_eq!(event.check(), Ok(()), "{}", event.event_type());
        count += 1;
    }
    assert!(count >= 8, "{count}");
}

#[test]
fn the_service_merges_updates_the_same_way() {
    let recordings = recordings();
    assert_eq!(recordings.len(), 4);
    for recording in recordings {
        let session = |name: &str| -> Session {
            let mut messages = recording.iter().filter(|(_, message)| message["type"] == name);
            serde_json::from_value(messages.next().unwrap().1["session"].clone()).unwrap()
        };
        let mut effective = session("session.created");
        assert!(effective.merge(&session("session.update")));
        let mut differences = Vec::new();
        compare(
            "",
            &serde_json::to_value(&effective).unwrap(),
            &serde_json::to_value(session("session.updated")).unwrap(),
            &mut differences,
        );
        // The service fills in what a new object leaves out, and its own instructions for empty ones.
        differences.retain(|it| match it.path.rsplit_once('.') {
            Some((object, _)) if ["added", "defaulted"].contains(&it.how) => {
                !["audio.input.transcription", "audio.input.turn_detection"].contains(&object)
            }
            _ => it.path != "instructions",
        });
        assert_eq!(differences, []);
    }
}

/// The rule of merging, written on JSON.
fn merged(old: &Map<String, Value>, update: &Map<String, Value>, nested: &[&str]) -> Map<String, Value> {
    let mut new = old.clone();
    for (key, value) in update {
        let both = (old.get(key).and_then(Value::as_object), value.as_object());
        let value = match both {
            (Some(old), Some(update)) if nested.contains(&&**key) => {
                merged(old, update, &["input", "output"]).into()
            }
            _ => value.clone(),
        };
        new.insert(key.clone(), value);
    }
    new
}

#[test]
fn merging_is_the_same_on_sessions_and_on_json() {
    let sessions: Vec<RealtimeSession> = instances("client", "ga")
        .iter()
        .filter_map(
            |(message, _)| match ClientEvent::from_json(&message.to_string()).unwrap() {
                ClientEvent::SessionUpdate(update) => match update.session {
                    Session::Realtime(session) => Some(*session),
                    _ => None,
                },
                _ => None,
            },
        )
        .collect();
    assert!(sessions.len() > 50);
    let object = |session: &RealtimeSession| {
        serde_json::to_value(session)
            .unwrap()
            .as_object()
            .unwrap()
            .clone()
    };
    for old in &sessions {
        for update in &sessions {
            let mut session = old.clone();
            session.merge(update);
            let expected = merged(&object(old), &object(update), &["audio"]);
            assert_eq!(object(&session), expected);
            let once = session.clone();
            session.merge(update);
            assert_eq!(session, once);
        }
    }
}
