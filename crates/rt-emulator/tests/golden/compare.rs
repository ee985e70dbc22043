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

/// Keys whose values have to be the same.
const EXACT: [&str; 21] = [
    "type",
    "object",
    "status",
    "role",
    "name",
    "voice",
    "modalities",
    "output_modalities",
    "reason",
    "code",
    "model",
    "tool_choice",
    "truncation",
    "max_output_tokens",
    "content_index",
    "output_index",
    "rate",
    "threshold",
    "prefix_padding_ms",
    "silence_duration_ms",
    "speed",
];
/// Keys whose values are ids: which they are is made up, what they refer to is not.
const IDS: [&str; 6] = [
    "id",
    "item_id",
    "previous_item_id",
    "response_id",
    "call_id",
    "conversation_id",
];

/// Ids, numbered by their first appearance.
type Names = BTreeMap<String, usize>;

/// What has to be the same of a message: keys and kinds, all the way down, some values, and what ids refer to.
fn strict(key: &str, value: &Value, names: &mut Names) -> Value {
    match value {
        Value::Null => "null".into(),
        Value::String(id) if IDS.contains(&key) => {
            let (kind, next) = (id.split('_').next().unwrap(), names.len());
            let number = names.entry(id.clone()).or_insert(next);
            format!("{kind} #{number}").into()
        }
        Value::Bool(_) => value.clone(),
        Value::Number(_) | Value::String(_) if EXACT.contains(&key) => value.clone(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "string".into(),
        Value::Array(values) => values.iter().map(|value| strict(key, value, names)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), strict(key, value, names)))
            .collect(),
    }
}

/// What has to be the same of a whole recording.
fn strictly(messages: &[Value]) -> Vec<Value> {
    let mut names = Names::new();
    messages
        .iter()
        .map(|message| strict("", message, &mut names))
        .collect()
}

/// The text of all deltas, joined, by type and item.
fn delta_texts(messages: &[Value]) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    let mut names = Names::new();
    for message in messages {
        let item = strict("", message, &mut names)["item_id"].to_string();
        if !counts(message) && !event_type(message).ends_with("audio.delta") {
            let text: &mut String = texts
                .entry(format!("{} {item}", event_type(message)))
                .or_default();
            text.push_str(message["delta"].as_str().unwrap());
        }
    }
    texts
}

/// The shapes of all deltas, by type.
fn delta_shapes(strict: &[Value]) -> BTreeMap<String, BTreeSet<String>> {
    let mut shapes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for message in strict.iter().filter(|message| !counts(message)) {
        shapes
            .entry(event_type(message).to_owned())
            .or_default()
            .insert(message.to_string());
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
    let (texts, our_texts) = (delta_texts(recorded), delta_texts(emulated));
    if texts != our_texts {
        differences.push(format!("texts of deltas:\n  {texts:?}\n  {our_texts:?}"));
    }
    let (recorded, emulated) = (strictly(recorded), strictly(emulated));
    let transcriptions_last = |messages: &[Value]| -> Vec<Value> {
        let mut messages: Vec<Value> = messages
            .iter()
            .filter(|message| counts(message))
            .cloned()
            .collect();
        messages.sort_by_key(|message| event_type(message).contains(".input_audio_transcription."));
        messages
    };
    for (their, our) in transcriptions_last(&recorded)
        .iter()
        .zip(transcriptions_last(&emulated))
    {
        if *their != our {
            differences.push(format!("{}:\n  {their}\n  {our}", event_type(their)));
        }
    }
    let (theirs, ours) = (delta_shapes(&recorded), delta_shapes(&emulated));
    if theirs != ours {
        differences.push(format!("deltas:\n  {theirs:?}\n  {ours:?}"));
    }
    differences
}
