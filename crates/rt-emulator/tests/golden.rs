//! The emulator against recorded traffic of the real server: the same order, and the same shape of every message.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rt_emulator::{Brain, Output, Script, Settings};
use serde::Deserialize;
use serde_json::{Value, json};

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

fn event_type(message: &Value) -> &str {
    message["type"].as_str().unwrap()
}

/// Deltas come in any number; the transcription of the user runs beside everything else.
fn counts(message: &Value) -> bool {
    !event_type(message).ends_with(".delta")
}

/// Speech of about three seconds for the appends whose audio was cut, one piece for each of `appends`.
fn speech(appends: usize) -> Vec<Vec<u8>> {
    let ms = |ms: usize| ms * 24;
    let spoken = (0..ms(2000)).map(|n| {
        let syllable = (n % ms(160)) as f64 / ms(160) as f64;
        ((n as f64 * 0.04).sin() * 9000.0 * (syllable * std::f64::consts::PI).sin()) as i16
    });
    let samples = vec![0; ms(1000)]
        .into_iter()
        .chain(spoken)
        .chain(vec![0; ms(700)]);
    let bytes: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
    let piece = bytes.len().div_ceil(appends).next_multiple_of(2);
    bytes.chunks(piece).map(<[u8]>::to_vec).collect()
}

/// A driver that sends what was sent, each message after what was received before it.
struct Replay {
    brain: Brain,
    now: Duration,
    received: Vec<Value>,
}

impl Replay {
    fn take(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Event(event) => self
                    .received
                    .push(serde_json::from_str(&event.to_json()).unwrap()),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Lets time pass until so many messages came, or for a minute.
    fn wait_for(&mut self, messages: usize) {
        while self.received.iter().filter(|message| counts(message)).count() < messages {
            match self
                .brain
                .deadline()
                .filter(|due| *due < self.now + Duration::from_secs(60))
            {
                Some(due) => {
                    self.now = due;
                    let outputs = self.brain.poll(due);
                    self.take(outputs);
                }
                None => return,
            }
        }
    }
}

fn replay(name: &str, interactions: &[Interaction]) -> Vec<Value> {
    let script = Script::from_file(fixture(&format!("scripts/{name}.yaml"))).unwrap();
    let mut settings = Settings::default();
    settings.script = Arc::new(script);
    settings.model = "gpt-realtime".into();
    let mut replay = Replay {
        brain: Brain::new(settings),
        now: Duration::ZERO,
        received: Vec::new(),
    };
    let opening = replay.brain.open(Duration::ZERO);
    replay.take(opening);
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
        replay.wait_for(recorded.iter().filter(|message| counts(message)).count());
        for (theirs, ours) in calls(recorded.iter().copied())
            .into_iter()
            .zip(calls(&replay.received))
        {
            call_ids.insert(theirs, ours);
        }
        let mut message = interaction.data.clone();
        if is_append(&interaction) {
            message["audio"] = STANDARD.encode(audio.next().unwrap()).into();
        }
        if let Some(id) = message["item"]["call_id"].as_str() {
            message["item"]["call_id"] = call_ids[id].clone().into();
        }
        let outputs = replay.brain.handle_text(&message.to_string(), replay.now);
        replay.take(outputs);
    }
    replay.wait_for(usize::MAX);
    replay.received
}

/// The ids of the calls, in order.
fn calls<'a>(messages: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    let done = messages
        .into_iter()
        .filter(|one| event_type(one) == "response.function_call_arguments.done");
    done.map(|one| one["call_id"].as_str().unwrap().to_owned())
        .collect()
}

/// The order: every message that is not a delta, and between these which deltas there are. The deltas of the
/// user's transcription may be anywhere between `committed` and their `completed`, so they are left out, and that
/// `completed` does not divide the deltas of the response.
fn order(messages: &[Value]) -> Vec<String> {
    let mut order: Vec<String> = Vec::new();
    let mut deltas = BTreeSet::new();
    let mut held = Vec::new();
    for message in messages {
        let name = event_type(message);
        if name == "conversation.item.input_audio_transcription.delta" {
            continue;
        }
        if name.ends_with(".delta") {
            deltas.insert(name.to_owned());
        } else if name.starts_with("conversation.item.input_audio_transcription.") {
            held.push(name.to_owned());
        } else {
            order.extend(std::mem::take(&mut deltas));
            order.append(&mut held);
            order.push(name.to_owned());
        }
    }
    order.extend(deltas);
    order.append(&mut held);
    order
}

/// Keys and kinds, all the way down.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "boolean".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "string".into(),
        Value::Array(values) => values.iter().map(shape).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), shape(value)))
            .collect(),
    }
}

/// The shapes of all deltas, by type.
fn delta_shapes(messages: &[Value]) -> BTreeMap<String, BTreeSet<String>> {
    let mut shapes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for message in messages.iter().filter(|message| !counts(message)) {
        shapes
            .entry(event_type(message).to_owned())
            .or_default()
            .insert(shape(message).to_string());
    }
    shapes
}

/// What differs between the recorded messages and the emulator's; nothing if it is the same.
fn differences(recorded: &[Value], emulated: &[Value]) -> Vec<String> {
    let mut differences = Vec::new();
    let (theirs, ours) = (order(recorded), order(emulated));
    if theirs != ours {
        let at = theirs
            .iter()
            .zip(&ours)
            .take_while(|(their, our)| their == our)
            .count();
        differences.push(format!(
            "order at {at}: {:?} against {:?}",
            &theirs[at..],
            &ours[at..]
        ));
    }
    let transcriptions_last = |messages: &[Value]| -> Vec<Value> {
        let mut messages: Vec<Value> = messages
            .iter()
            .filter(|message| counts(message))
            .cloned()
            .collect();
        messages.sort_by_key(|message| event_type(message).contains(".input_audio_transcription."));
        messages
    };
    for (their, our) in transcriptions_last(recorded)
        .iter()
        .zip(transcriptions_last(emulated))
    {
        if shape(their) != shape(&our) {
            differences.push(format!(
                "shape of {}:\n  {}\n  {}",
                event_type(their),
                shape(their),
                shape(&our)
            ));
        }
    }
    let (theirs, ours) = (delta_shapes(recorded), delta_shapes(emulated));
    if theirs != ours {
        differences.push(format!("deltas:\n  {theirs:?}\n  {ours:?}"));
    }
    differences
}

fn check(name: &str) {
    let interactions = recording(name);
    let emulated = replay(name, &interactions);
    let recorded: Vec<Value> = interactions
        .iter()
        .filter(|one| !one.is_sent())
        .map(|one| one.data.clone())
        .collect();
    let differences = differences(&recorded, &emulated);
    assert!(differences.is_empty(), "{name}:\n{}", differences.join("\n"));
    println!(
        "{name}: {} messages recorded, {} emulated, {} in order",
        recorded.len(),
        emulated.len(),
        order(&recorded).len()
    );
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
    let recorded: Vec<Value> = interactions
        .iter()
        .filter(|one| !one.is_sent())
        .map(|one| one.data.clone())
        .collect();
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
