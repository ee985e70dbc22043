//! The emulator against recorded traffic of the real server: the same order, the same shape of every
//! message, the same words, and ids that refer to the same things.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a test"
)]

mod compare;
mod servers;

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rt_emulator::Script;
use serde::Deserialize;
use serde_json::{Value, json};

use compare::{counts, differences, event_type, order};
use servers::{InBrain, OverSocket, Server};

#[derive(Deserialize)]
struct Recording {
    interactions: Vec<Interaction>,
}

#[derive(Deserialize)]
struct Interaction {
    direction: String,
    data: Value,
}

impl Interaction {
    fn is_sent(&self) -> bool {
        self.direction == "sent"
    }
}

fn fixture(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures")
        .join(path)
}

fn recording(name: &str) -> Vec<Interaction> {
    let text = std::fs::read_to_string(fixture(&format!("golden/{name}.yaml"))).unwrap();
    let recording: Recording = yaml_serde::from_str(&text).unwrap();
    assert!(recording.interactions.len() > 10);
    recording.interactions
}

/// The speech of `fixtures/audio/question.wav`, one piece for each of `appends` whose audio was cut.
fn speech(appends: usize) -> Vec<Vec<u8>> {
    let file = std::fs::read(fixture("audio/question.wav")).unwrap();
    let data = file.windows(4).position(|four| four == b"data").unwrap() + 8;
    let samples = &file[data..];
    assert!(samples.len() > 3 * 48_000, "three seconds of PCM16 at 24 kHz");
    let piece = samples.len().div_ceil(appends).next_multiple_of(2);
    samples.chunks(piece).map(<[u8]>::to_vec).collect()
}

/// Sends what was sent, each message after what was received before it, and returns what came.
fn replay(interactions: &[Interaction], server: &mut dyn Server) -> Vec<Value> {
    let is_append = |interaction: &&Interaction| event_type(&interaction.data) == "input_audio_buffer.append";
    let appends = interactions
        .iter()
        .filter(|one| one.is_sent())
        .filter(is_append)
        .count();
    let mut audio = speech(appends.max(1)).into_iter();
    let mut call_ids = BTreeMap::new();
    let mut recorded = Vec::new();
    for interaction in interactions {
        if !interaction.is_sent() {
            recorded.push(&interaction.data);
            continue;
        }
        server.wait_for(recorded.iter().filter(|message| counts(message)).count());
        call_ids.extend(
            calls(recorded.iter().copied())
                .into_iter()
                .zip(calls(server.received())),
        );
        let mut message = interaction.data.clone();
        if is_append(&interaction) {
            message["audio"] = STANDARD.encode(audio.next().unwrap()).into();
        }
        if let Some(id) = message["item"]["call_id"].as_str() {
            message["item"]["call_id"] = call_ids[id].clone().into();
        }
        server.send(&message);
    }
    server.wait_for(usize::MAX);
    server.received().to_vec()
}

/// The ids of the calls, in order.
fn calls<'a>(messages: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    let done = messages
        .into_iter()
        .filter(|one| event_type(one) == "response.function_call_arguments.done");
    done.map(|one| one["call_id"].as_str().unwrap().to_owned())
        .collect()
}

/// The messages that were received in a recording.
fn received(interactions: &[Interaction]) -> Vec<Value> {
    interactions
        .iter()
        .filter(|one| !one.is_sent())
        .map(|one| one.data.clone())
        .collect()
}

fn check(name: &str) {
    let interactions = recording(name);
    let recorded = received(&interactions);
    let script = || Script::from_file(fixture(&format!("scripts/{name}.yaml"))).unwrap();
    let servers: [(&str, Box<dyn Server>); 2] = [
        ("in simulated time", Box::new(InBrain::new(script()))),
        ("over a socket", Box::new(OverSocket::new(script()))),
    ];
    for (how, mut server) in servers {
        let emulated = replay(&interactions, &mut *server);
        let differences = differences(&recorded, &emulated);
        assert!(
            differences.is_empty(),
            "{name} {how}:\n{}",
            differences.join("\n")
        );
        let (recorded, emulated, ordered) = (recorded.len(), emulated.len(), order(&recorded).len());
        println!("{name} {how}: {recorded} messages recorded, {emulated} emulated, {ordered} steps in order");
    }
}

#[test]
fn text_in_audio_out_turn() {
    check("text_in_audio_out_turn");
}

#[test]
fn audio_in_server_vad_turn() {
    check("audio_in_server_vad_turn");
}

#[test]
fn message_history_seeding() {
    check("message_history_seeding");
}

#[test]
fn tool_call_round() {
    check("tool_call_round");
}

/// The comparison notices a lost, an added, a moved and a changed message.
#[test]
fn the_comparison_can_fail() {
    let interactions = recording("tool_call_round");
    let recorded = received(&interactions);
    assert!(differences(&recorded, &recorded).is_empty());
    let position = |name: &str| recorded.iter().position(|one| event_type(one) == name).unwrap();
    let done = position("response.done");
    type Change = Box<dyn Fn(&mut Vec<Value>)>;
    let changes: Vec<(&str, Change)> = vec![
        ("lost", Box::new(move |all| drop(all.remove(done)))),
        (
            "added",
            Box::new(|all| all.push(json!({"type": "rate_limits.updated"}))),
        ),
        ("moved", Box::new(move |all| all.swap(done, done - 1))),
        (
            "null for a value",
            Box::new(move |all| all[done]["response"]["usage"] = Value::Null),
        ),
        (
            "a value for null",
            Box::new(move |all| all[done]["response"]["metadata"] = json!({})),
        ),
        (
            "a lost key",
            Box::new(move |all| drop(all[done]["response"].as_object_mut().unwrap().remove("audio"))),
        ),
        (
            "a key more",
            Box::new(move |all| all[done]["response"]["output"][0]["object"] = "x".into()),
        ),
        (
            "another type",
            Box::new(|all| all[0]["session"]["max_output_tokens"] = 5.into()),
        ),
        (
            "a delta without padding",
            Box::new(|all| {
                let delta = all.iter_mut().find(|one| !counts(one)).unwrap();
                delta.as_object_mut().unwrap().remove("obfuscation");
            }),
        ),
        (
            "another part type",
            Box::new(move |all| all[done]["response"]["output"][0]["type"] = "message".into()),
        ),
        (
            "another previous item",
            Box::new(move |all| {
                let added = all
                    .iter_mut()
                    .rfind(|one| event_type(one) == "conversation.item.added");
                let added = added.unwrap();
                assert!(added["previous_item_id"].is_string());
                added["previous_item_id"] = added["item"]["id"].clone();
            }),
        ),
        (
            "other words",
            Box::new(|all| {
                let delta = all.iter_mut().find(|one| !counts(one)).unwrap();
                delta["delta"] = "other".into();
            }),
        ),
        (
            "no deltas",
            Box::new(|all| all.retain(|one| event_type(one) != "response.function_call_arguments.delta")),
        ),
    ];
    for (what, change) in changes {
        let mut changed = recorded.clone();
        change(&mut changed);
        assert!(!differences(&recorded, &changed).is_empty(), "{what}");
    }
}
