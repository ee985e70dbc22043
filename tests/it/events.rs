//! One fixture per event type, and one event type per fixture.

use std::collections::BTreeSet;
use std::path::Path;

use rt_protocol::{ClientEvent, ServerEvent};
use serde_json::Value;

use crate::capture;

fn fixtures(side: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/events")
        .join(side);
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path
                .file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .strip_suffix(".json")
                .unwrap()
                .to_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn same_names(known: &[&str], fixtures: &[(String, String)]) {
    let known: BTreeSet<&str> = known.iter().copied().collect();
    let present: BTreeSet<&str> = fixtures.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(known, present);
}

fn same_json(name: &str, text: &str, written: &str) {
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let mut losses = Vec::new();
    capture::compare("", &value(text), &value(written), &mut losses);
    assert!(losses.is_empty(), "{name}: {losses:?}");
}

#[test]
fn server_events() {
    let fixtures = fixtures("server");
    same_names(ServerEvent::KNOWN_TYPES, &fixtures);
    for (name, text) in &fixtures {
        let event = ServerEvent::from_json(text).unwrap();
        assert_eq!(event.event_type(), name);
        assert!(!matches!(event, ServerEvent::Unknown(_)), "{name}");
        same_json(name, text, &event.to_json());
        assert_eq!(
            serde_json::from_str::<ServerEvent>(text).unwrap(),
            event,
            "{name}"
        );
    }
}

#[test]
fn client_events() {
    let fixtures = fixtures("client");
    same_names(ClientEvent::KNOWN_TYPES, &fixtures);
    for (name, text) in &fixtures {
        let mut event = ClientEvent::from_json(text).unwrap();
        assert_eq!(event.event_type(), name);
        assert!(!matches!(event, ClientEvent::Unknown(_)), "{name}");
        same_json(name, text, &event.to_json());
        // What is written by hand and what serde writes are the same message.
        event.set_event_id("quote \" and \\ and \u{7}");
        same_json(name, &serde_json::to_string(&event).unwrap(), &event.to_json());
        assert_eq!(ClientEvent::from_json(&event.to_json()).unwrap(), event, "{name}");
    }
}
