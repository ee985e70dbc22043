//! What a new session is reported to have, and what of its beginning is shown.

use rt_protocol::ClientEvent;
use rt_protocol::client_event::InputAudioBufferAppend;
use serde_json::json;

use super::*;
use crate::event::Restored;

/// With a session that commits nothing by itself, and 300 ms of audio in its buffer.
fn spoken(change: impl FnOnce(&mut Config)) -> Bench {
    let mut bench = Bench::new(change);
    bench.connect();
    bench.says(&json!({"type": "session.created", "session": {"type": "realtime",
        "audio": {"input": {"turn_detection": null}}}}));
    for _ in 0..3 {
        bench.command(InputAudioBufferAppend::new(vec![1; 48 * 100]));
    }
    bench.written();
    bench
}

/// Another connection, whose session takes everything.
fn reconnect(bench: &mut Bench) -> Restored {
    bench.lose_and_connect();
    bench.says_created();
    let written = bench.written();
    if written.iter().any(|text| text.contains("session.update")) {
        bench.says(&json!({"type": "session.updated", "session": {"type": "realtime",
            "audio": {"input": {"turn_detection": null}}}}));
    }
    let mut reports = bench.events().into_iter().filter_map(|event| match event {
        ConnectionEvent::Restored(restored) => Some(restored),
        _ => None,
    });
    reports.next().expect("a report")
}

fn retrieve(bench: &mut Bench) {
    let json = r#"{"type":"conversation.item.retrieve","item_id":"x"}"#;
    bench.command(ClientEvent::from_json(json).unwrap());
    bench.written();
}

#[test]
fn audio_that_is_said_again_is_reported() {
    let mut bench = spoken(|_| {});
    let report = reconnect(&mut bench);
    assert_eq!(report.replayed, Duration::from_millis(300));
    assert_eq!(report.lost_audio, Duration::ZERO);
    assert_eq!(bench.written().len(), 3);
    assert_eq!(bench.machine.sums().discarded, 0);
}

#[test]
fn audio_that_no_longer_fits_is_reported() {
    let mut bench = spoken(|config| config.restore.input_audio = Duration::from_millis(100));
    let report = reconnect(&mut bench);
    assert_eq!(report.replayed, Duration::from_millis(100));
    assert_eq!(report.lost_audio, Duration::from_millis(200));
    // Each report tells of its own outage.
    bench.written();
    let report = reconnect(&mut bench);
    assert_eq!(report.lost_audio, Duration::ZERO);
}

#[test]
fn commands_are_reported_in_the_outage_that_discarded_them() {
    let mut bench = spoken(|_| {});
    retrieve(&mut bench);
    assert_eq!(reconnect(&mut bench).discarded, 1);
    bench.written();
    retrieve(&mut bench);
    retrieve(&mut bench);
    assert_eq!(reconnect(&mut bench).discarded, 2);
    bench.written();
    assert_eq!(reconnect(&mut bench).discarded, 0);
}

#[test]
fn echoes_of_a_restored_item_are_hidden_until_the_last() {
    let mut bench = Bench::talking();
    bench.lose_and_connect();
    bench.says_created();
    bench.written();
    bench.says(&json!({"type": "session.updated", "session": {"type": "realtime"}}));
    bench.written();
    let event = |kind: &str, id: &str| {
        json!({"type": format!("conversation.item.{kind}"), "previous_item_id": null,
        "item": {"type": "message", "id": id, "role": "user", "content": []}})
    };
    for kind in ["added", "added", "created"] {
        assert_eq!(bench.says(&event(kind, "a")), Disposition::Hide, "{kind}");
    }
    bench.has_item("b");
    assert_eq!(bench.machine.state(), State::Connected);
    for kind in ["added", "created", "done"] {
        assert_eq!(
            bench.says(&event(kind, "z")),
            Disposition::Deliver,
            "another item: {kind}"
        );
    }
    assert_eq!(bench.says(&event("created", "a")), Disposition::Hide);
    assert_eq!(bench.says(&event("done", "a")), Disposition::Hide, "the last");
    assert_eq!(bench.says(&event("done", "a")), Disposition::Deliver);
    assert_eq!(bench.says(&event("added", "a")), Disposition::Deliver);
}
