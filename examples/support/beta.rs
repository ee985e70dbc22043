//! The check of captured messages in the beta dialect: to GA events, and to beta again.

use rt_protocol::ServerEvent;
use rt_protocol::dialect::{Codec, Dialect};
use serde_json::Value;

use super::{Outcome, Rewrite as _, compared};

/// Decodes a beta message to GA events, writes those as beta again and compares.
pub fn check(message: &Value, is_client: bool) -> Outcome {
    let text = message.to_string();
    let mut codec = Codec::new(Dialect::Beta);
    // What only some beta servers know is not written in beta; it is the same in GA.
    let decoded = if is_client {
        codec.decode_client(&text).map(|event| {
            let written = codec.encode_client(&event).json;
            (event.is_unknown(), written.unwrap_or_else(|| event.to_json()))
        })
    } else {
        codec.decode_server(&text).map(|events| {
            let events: Vec<_> = events.collect();
            let written = events.iter().find_map(|event| codec.encode_server(event));
            (
                events.iter().any(ServerEvent::is_unknown),
                written.unwrap_or_else(|| events[0].to_json()),
            )
        })
    };
    match decoded {
        Err(error) => Outcome::Malformed(error),
        Ok((true, _)) => Outcome::Unknown,
        Ok((false, written)) => {
            let mut original = message.clone();
            of_one_kind(&mut original);
            compared(&original, &written)
        }
    }
}

/// Whether a message that is not labelled can only be beta: by its name, or by settings where GA has none.
pub fn is_beta(message: &Value) -> bool {
    let name = message["type"].as_str().unwrap_or_default();
    let is_beta_name = [
        "response.audio.",
        "response.audio_transcript.",
        "response.text.",
        "transcription_session.",
    ]
    .iter()
    .any(|start| name.starts_with(start));
    let has = |settings: &Value| FLAT.iter().any(|field| settings.get(field).is_some());
    is_beta_name
        || (message["session"].get("type").is_none() && has(&message["session"]))
        || has(&message["response"])
}

/// Settings that GA has elsewhere, or not at all.
const FLAT: [&str; 8] = [
    "modalities",
    "voice",
    "input_audio_format",
    "output_audio_format",
    "input_audio_transcription",
    "turn_detection",
    "max_response_output_tokens",
    "temperature",
];

/// The fields of beta objects by `type`, and of those the ones that are written even if they were absent or null,
/// with what is written then.
const FIELDS: [Fields; 6] = [
    (
        "message",
        &["id", "object", "status", "role", "content", "phase"],
        &[("role", r#""user""#), ("content", "[]")],
    ),
    (
        "function_call",
        &["id", "object", "status", "name", "call_id", "arguments"],
        &[("name", r#""""#), ("arguments", r#""""#)],
    ),
    (
        "function_call_output",
        &["id", "object", "status", "call_id", "output"],
        &[("call_id", r#""""#), ("output", r#""""#)],
    ),
    ("item_reference", &["id"], &[("id", r#""""#)]),
    (
        "server_vad",
        &[
            "threshold",
            "prefix_padding_ms",
            "silence_duration_ms",
            "create_response",
            "interrupt_response",
            "idle_timeout_ms",
        ],
        &[],
    ),
    (
        "semantic_vad",
        &["eagerness", "create_response", "interrupt_response"],
        &[],
    ),
];

type Fields = (
    &'static str,
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
);

/// Beta describes items of all types, and turn detection of all types, by one schema whose fields are all
/// optional. So generated messages have fields that mean nothing for the type, and lack some that the type is
/// made of. This takes the former away and fills in the latter.
pub fn of_one_kind(message: &mut Value) {
    for place in ["/item", "/session/turn_detection"] {
        if let Some(object) = message.pointer_mut(place) {
            with_fields_of_its_type(object);
        }
    }
    for place in ["/response/output", "/response/input"] {
        let items = message.pointer_mut(place).and_then(Value::as_array_mut);
        items.into_iter().flatten().for_each(with_fields_of_its_type);
    }
}

fn with_fields_of_its_type(object: &mut Value) {
    let kind = object.get("type").and_then(Value::as_str);
    let Some((_, known, demanded)) = FIELDS.iter().find(|(name, ..)| kind == Some(name)) else {
        return;
    };
    let Value::Object(fields) = object else { return };
    fields.retain(|key, _| key == "type" || known.contains(&key.as_str()));
    for (key, default) in *demanded {
        let field = fields.entry(*key).or_insert(Value::Null);
        if field.is_null() {
            *field = serde_json::from_str(default).expect("the defaults are JSON");
        }
    }
}
