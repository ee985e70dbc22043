//! Properties of the codec, over random settings and damaged messages.

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use rt_protocol::dialect::{BetaVariant, Codec, Dialect};
use rt_protocol::{ClientEvent, ServerEvent};
use serde_json::{Map, Value, json};

use crate::{beta, decoded, parsed};

/// Settings of a beta session, several to a field: the last one counts.
fn settings() -> Vec<(&'static str, Value)> {
    let turn_detection = |kind: &str| json!({"type": kind, "create_response": false});
    vec![
        ("modalities", json!(["text", "audio"])),
        ("modalities", json!(["text"])),
        ("modalities", json!(null)),
        ("voice", json!("ash")),
        ("voice", json!({"type": "azure-standard", "name": "n"})),
        ("voice", json!(null)),
        ("speed", json!(1.25)),
        ("input_audio_format", json!("pcm16")),
        ("input_audio_format", json!("g711_ulaw")),
        ("input_audio_format", json!(null)),
        ("output_audio_format", json!("g711_alaw")),
        ("output_audio_format", json!("opus")),
        ("input_audio_transcription", json!({"model": "whisper-1"})),
        ("input_audio_transcription", json!(null)),
        ("input_audio_noise_reduction", json!({"type": "far_field"})),
        ("input_audio_noise_reduction", json!(null)),
        ("turn_detection", turn_detection("server_vad")),
        ("turn_detection", turn_detection("semantic_vad")),
        ("turn_detection", turn_detection("azure_semantic_vad")),
        ("turn_detection", json!(null)),
        ("turn_detection", json!({"type": "none"})),
        ("max_response_output_tokens", json!(7)),
        ("max_response_output_tokens", json!("inf")),
        ("instructions", json!("")),
        ("instructions", json!(null)),
        ("tools", json!([])),
        (
            "tools",
            json!([{"type": "function", "name": "f", "parameters": {"type": "object"}}]),
        ),
        ("tool_choice", json!("required")),
        ("tracing", json!(null)),
        ("model", json!("m")),
    ]
}

fn session() -> impl Strategy<Value = Value> {
    let settings = settings();
    let count = settings.len();
    subsequence(settings, 0..=count).prop_map(|settings| {
        let fields = settings.into_iter().map(|(name, value)| (name.to_owned(), value));
        Value::Object(Map::from_iter(fields))
    })
}

fn variant() -> impl Strategy<Value = BetaVariant> {
    select(vec![
        BetaVariant::OpenAi,
        BetaVariant::AzurePreview,
        BetaVariant::VoiceLive,
    ])
}

/// Messages of both directions, to be damaged.
fn messages() -> Vec<Value> {
    let item = json!({"id": "i", "object": "realtime.item", "type": "message", "role": "assistant",
        "status": "in_progress", "content": [{"type": "audio", "audio": "AAAA", "transcript": "é\n"}]});
    vec![
        json!({"type": "session.created", "event_id": "e", "session": Map::from_iter(
            settings().into_iter().map(|(name, value)| (name.to_owned(), value)))}),
        json!({"type": "transcription_session.updated", "session": {"input_audio_format": "pcm16", "include": []}}),
        json!({"type": "conversation.item.created", "event_id": "e", "previous_item_id": null, "item": item}),
        json!({"type": "response.output_item.added", "event_id": "e", "output_index": 0, "item": item}),
        json!({"type": "response.output_item.done", "event_id": "e", "output_index": 0, "item": item}),
        json!({"type": "response.content_part.done", "content_index": 0, "content": {"type": "text", "text": "t"}}),
        json!({"type": "response.audio.delta", "event_id": "e", "output_index": 0, "delta": "AAAA"}),
        json!({"type": "response.text.delta", "event_id": "e", "output_index": 0, "delta": "\u{1F50A}\""}),
        json!({"type": "response.done", "response": {"voice": "ash", "modalities": ["audio"], "temperature": 0.8,
            "output_audio_format": "pcm16", "output": [item]}}),
        json!({"type": "session.update", "session": {"tool_choice": {"type": "function", "function": {"name": "f"}},
            "temperature": 1e300, "turn_detection": {"type": "none"}}}),
        json!({"type": "transcription_session.update", "session": {"turn_detection": null}}),
        json!({"type": "response.create", "response": {"max_response_output_tokens": 1, "input": [item]}}),
        json!({"type": "conversation.item.create", "previous_item_id": "root", "item": item}),
    ]
}

/// Every direction of the codec; the results do not matter.
fn through_everything(codec: &mut Codec, text: &str) {
    let _ = Dialect::detect(text);
    if let Ok(events) = codec.decode_server(text) {
        for event in events {
            let _ = codec.encode_server(&event);
        }
    }
    if let Ok(event) = codec.decode_client(text) {
        let _ = codec.encode_client(&event);
    }
    // The same text as GA, so that beta is written from what it cannot say.
    if let Ok(event) = ServerEvent::from_json(text) {
        let _ = codec.encode_server(&event);
    }
    if let Ok(event) = ClientEvent::from_json(text) {
        let _ = codec.encode_client(&event);
    }
}

proptest! {
    #[test]
    fn settings_come_back_as_they_were(session in session(), variant in variant()) {
        let update = json!({"type": "session.update", "session": session});
        let mut codec = beta().with_variant(variant);
        let event = codec.decode_client(&update.to_string()).unwrap();
        let encoded = codec.encode_client(&event);
        prop_assert!(encoded.warnings.is_empty());
        let mut written = parsed(&encoded.json.unwrap());
        // Azure's way to say off, where null was read.
        if variant == BetaVariant::AzurePreview && update["session"].get("turn_detection") == Some(&Value::Null) {
            prop_assert_eq!(&written["session"]["turn_detection"]["type"], "none");
            written["session"]["turn_detection"] = Value::Null;
        }
        prop_assert_eq!(&written, &update);

        // The GA event is one that any GA server takes, and a server reports the same.
        let ga = event.to_json();
        prop_assert_eq!(ClientEvent::from_json(&ga).unwrap(), event);
        let created = json!({"type": "session.created", "event_id": "e", "session": session});
        let mut codec = beta();
        let event = codec.decode_server(&created.to_string()).unwrap().next().unwrap();
        prop_assert_eq!(parsed(&codec.encode_server(&event).unwrap()), created);
    }

    #[test]
    fn deltas_are_those_of_ga(
        names in select(vec![
            ("response.audio.delta", "response.output_audio.delta"),
            ("response.text.delta", "response.output_text.delta"),
            ("response.audio_transcript.delta", "response.output_audio_transcript.delta"),
        ]),
        fields in prop::collection::btree_map(
            select(vec!["event_id", "response_id", "item_id", "output_index", "content_index", "delta", "obfuscation", "x"]),
            prop_oneof![
                any::<u32>().prop_map(Value::from),
                "[A-Za-z0-9+/]{4}".prop_map(Value::from),
                ".*".prop_map(Value::from),
                Just(Value::Null),
                Just(json!([{}])),
            ],
            0..8,
        ),
    ) {
        let message = |name: &str| {
            let mut message = json!({"type": name});
            for (name, value) in &fields {
                message[*name] = value.clone();
            }
            message.to_string()
        };
        let ga = ServerEvent::from_json(&message(names.1));
        match beta().decode_server(&message(names.0)) {
            Ok(mut events) => prop_assert_eq!(events.next(), ga.ok()),
            Err(error) => {
                prop_assert_eq!(error.kind(), ga.unwrap_err().kind());
                prop_assert_eq!(error.event_type(), Some(names.0));
                prop_assert_eq!(error.raw(), message(names.0));
            }
        }
    }

    #[test]
    fn damaged_messages_do_no_harm(
        message in select(messages()),
        damage in prop::collection::vec((any::<Index>(), any::<u8>(), 0..20_usize), 1..6),
        variant in variant(),
    ) {
        let mut bytes = message.to_string().into_bytes();
        for (place, byte, removed) in damage {
            let at = place.index(bytes.len());
            if removed > 15 {
                bytes.drain(at..(at + removed).min(bytes.len()));
            } else {
                bytes[at] = byte & 0x7f;
            }
            if bytes.is_empty() {
                return Ok(());
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        through_everything(&mut beta().with_variant(variant), &text);
    }

    #[test]
    fn exchanged_values_do_no_harm(
        message in select(messages()),
        place in any::<Index>(),
        value in select(vec![json!(null), json!(7), json!(-1.5), json!("x"), json!([]), json!({}), json!([{}]), json!(true)]),
    ) {
        let mut message = message;
        let count = count(&message);
        exchange(&mut message, place.index(count), &value);
        through_everything(&mut beta(), &message.to_string());
    }
}

/// How many values there are in a value, itself included.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(values) => values.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

/// Puts another value in the nth place.
fn exchange(value: &mut Value, nth: usize, other: &Value) {
    if nth == 0 {
        *value = other.clone();
        return;
    }
    let values: Vec<&mut Value> = match value {
        Value::Array(values) => values.iter_mut().collect(),
        Value::Object(fields) => fields.values_mut().collect(),
        _ => Vec::new(),
    };
    let mut nth = nth - 1;
    for value in values {
        let here = count(value);
        if nth < here {
            return exchange(value, nth, other);
        }
        nth -= here;
    }
}

#[test]
fn the_messages_are_good_before_they_are_damaged() {
    for message in messages() {
        let name = message["type"].as_str().unwrap_or_default();
        if ClientEvent::KNOWN_TYPES.contains(&name) || name == "transcription_session.update" {
            beta().decode_client(&message.to_string()).unwrap();
        } else {
            assert!(!decoded(&mut beta(), &message).is_empty());
        }
    }
}
