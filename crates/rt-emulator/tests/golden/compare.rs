//! The order and the shapes of messages, compared.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub(crate) fn event_type(message: &Value) -> &str {
    message["type"].as_str().unwrap()
}

/// Deltas come in any number.
pub(crate) fn counts(message: &Value) -> bool {
    !event_type(message).ends_with(".delta")
}

/// The order: every message that is not a delta, and between these which deltas there are. The deltas of the
/// user's transcription may be anywhere between `committed` and their `completed`, so they are left out, and that
/// `completed` does not divide the deltas of the response.
pub(crate) fn order(messages: &[Value]) -> Vec<String> {
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
pub(crate) fn differences(recorded: &[Value], emulated: &[Value]) -> Vec<String> {
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
