//! Whatever clients send: no panic, no hang, and a session that still adds up.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;

/// Messages of every kind, with ids that may or may not exist.
fn message(rng: &mut fastrand::Rng, ids: &[String]) -> Value {
    let id = |rng: &mut fastrand::Rng| match rng.usize(..ids.len() + 2) {
        n if n < ids.len() => ids[n].clone(),
        n if n == ids.len() => "root".to_owned(),
        _ => "nothing".to_owned(),
    };
    match rng.u8(..16) {
        0..4 => json!({"type": "input_audio_buffer.append",
            "audio": STANDARD.encode(phrase(rng.usize(..200), rng.usize(..400), rng.usize(..600)))}),
        4 => json!({"type": "input_audio_buffer.commit"}),
        5 => json!({"type": "input_audio_buffer.clear"}),
        6 => user_text("Some words, in a row."),
        7 => {
            let mut create = user_text("Put somewhere.");
            create["previous_item_id"] = id(rng).into();
            create
        }
        8 => json!({"type": "conversation.item.delete", "item_id": id(rng)}),
        9 => json!({"type": "conversation.item.retrieve", "item_id": id(rng)}),
        10 => json!({"type": "conversation.item.truncate", "item_id": id(rng), "content_index": rng.u8(..2),
            "audio_end_ms": rng.u32(..3000)}),
        11 => respond(),
        12 => {
            json!({"type": "response.create", "response": {"conversation": "none", "max_output_tokens": rng.u8(1..)}})
        }
        13 => json!({"type": "response.cancel"}),
        14 => json!({"type": "session.update", "session": {"type": "realtime", "audio": {"input": {
            "format": {"type": *rng.choice(["audio/pcm", "audio/pcmu"].iter()).unwrap()},
            "turn_detection": *rng.choice([json!(null), json!({"type": "server_vad", "idle_timeout_ms": 5000})].iter()
                .collect::<Vec<_>>()).unwrap()}}}}),
        _ => json!({"type": "conversation.item.create", "item": {"type": "function_call_output",
            "call_id": id(rng), "output": "x"}}),
    }
}

/// Every response is created once and done once; nothing of it comes before or after.
fn check_responses(events: &[Value], open: &mut BTreeMap<String, bool>) {
    for event in events {
        let id = event["response_id"]
            .as_str()
            .or_else(|| event["response"]["id"].as_str());
        let Some(id) = id else { continue };
        match kind(event) {
            "response.created" => assert!(open.insert(id.to_owned(), true).is_none(), "{id} created twice"),
            "response.done" => assert_eq!(open.insert(id.to_owned(), false), Some(true), "{id} done"),
            other => assert_eq!(open.get(id), Some(&true), "{other} of {id}"),
        }
    }
}

#[test]
fn random_sessions_add_up() {
    for seed in 0..20 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let pacing = *rng
            .choice(&[Pacing::server(), Pacing::instant(), Pacing::real_time()])
            .unwrap();
        let mut talk = Talk::with(Settings {
            pacing,
            seed,
            ..Settings::default()
        });
        let mut ids: Vec<String> = Vec::new();
        let mut open = BTreeMap::new();
        for _ in 0..60 {
            let event = message(&mut rng, &ids);
            talk.send(&event);
            if kind(&event) == "input_audio_buffer.commit" {
                for committed in of(&talk.fresh, "input_audio_buffer.committed") {
                    let item_id = committed["item_id"].as_str().unwrap();
                    let entry = talk.brain.conversation.get(item_id).unwrap();
                    assert!(
                        entry.format.ms(entry.audio.len()) >= 100,
                        "seed {seed}: {item_id}"
                    );
                }
            }
            talk.pass_ms(rng.u64(..700));
            let events = talk.look();
            check_responses(&events, &mut open);
            ids.extend(
                of(&events, "conversation.item.added")
                    .iter()
                    .map(|one| one["item"]["id"].as_str().unwrap().into()),
            );
            if ids.len() > 8 {
                ids.drain(..4);
            }
        }
        talk.update(json!({"audio": {"input": {"turn_detection": null}}}))
            .pass_ms(120_000);
        check_responses(&talk.look(), &mut open);
        assert!(
            open.values().all(|open| !open),
            "seed {seed}: every response is done"
        );
    }
}

#[test]
fn no_text_panics() {
    let mut rng = fastrand::Rng::with_seed(11);
    let mut talk = Talk::with(Settings {
        pacing: Pacing::instant(),
        ..Settings::default()
    });
    for _ in 0..2000 {
        let mut bytes = message(&mut rng, &[]).to_string().into_bytes();
        bytes.truncate(400);
        for _ in 0..rng.usize(..6) {
            let at = rng.usize(..bytes.len());
            bytes[at] = *rng.choice(br#"{}[]",:\0a1-e"#).unwrap();
        }
        let outputs = talk.brain.handle_text(&String::from_utf8_lossy(&bytes), talk.now);
        talk.take(outputs);
        talk.look();
    }
    let deep = "[".repeat(100_000);
    let outputs = talk.brain.handle_text(&deep, talk.now);
    talk.take(outputs);
    assert_eq!(talk.error().0, "invalid_json");
}
