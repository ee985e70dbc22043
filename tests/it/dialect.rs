//! Every generated and published message through the other dialect and back: what the tables keep is kept.

use rt_protocol::dialect::{Codec, Dialect};
use rt_protocol::{ClientEvent, ServerEvent};
use serde_json::{Map, Value, json};

use crate::capture::beta::of_one_kind;
use crate::capture::read;
use crate::captures::fixtures;

/// A line of the fixtures that is an event.
struct Event {
    is_server: bool,
    is_beta: bool,
    name: String,
    message: Value,
}

fn events(file: &str) -> Vec<Event> {
    read(&fixtures(file))
        .unwrap()
        .lines()
        .filter_map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let is_server = line["direction"] == "server";
            (is_server || line["direction"] == "client").then(|| Event {
                is_server,
                is_beta: line["dialect"] == "beta",
                name: line["message"]["type"].as_str().unwrap().trim().to_owned(),
                message: line["message"].clone(),
            })
        })
        .collect()
}

/// Removes a field; whether it was there.
fn remove(object: &mut Value, field: &str) -> bool {
    object
        .as_object_mut()
        .is_some_and(|fields| fields.remove(field).is_some())
}

fn list_mut<'a>(object: &'a mut Value, field: &str) -> impl Iterator<Item = &'a mut Value> {
    object
        .get_mut(field)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

/// The items in a message of either dialect.
fn for_each_item(message: &mut Value, mut f: impl FnMut(&mut Value)) {
    if let Some(item) = message.get_mut("item") {
        f(item);
    }
    if let Some(response) = message.get_mut("response") {
        list_mut(response, "output").for_each(&mut f);
        list_mut(response, "input").for_each(&mut f);
    }
}

/// Numbers by value: 1 is 1.0.
fn with_floats(value: &mut Value) {
    match value {
        Value::Number(number) => *value = json!(number.as_f64().unwrap()),
        Value::Array(values) => values.iter_mut().for_each(with_floats),
        Value::Object(fields) => fields.values_mut().for_each(with_floats),
        _ => {}
    }
}

fn assert_same(name: &str, mut written: Value, mut expected: Value) {
    with_floats(&mut written);
    with_floats(&mut expected);
    assert_eq!(written, expected, "{name}");
}

/// What is left of a beta message on its way through GA:
///
/// - items and turn detection have the fields of their own type (beta has one schema for all);
/// - content parts have no `id`;
/// - `modalities` with audio begin with one text;
/// - no `client_secret`; no `modalities` in transcription sessions; no `idle_timeout_ms`;
/// - no `temperature` in `session.update` and in responses; the codec keeps the one of a session that is reported;
/// - no `commit` and no `cancel_previous` in `response.create`.
fn through_ga(message: &mut Value) {
    of_one_kind(message);
    for_each_item(message, |item| {
        // Items of an unknown type are kept whole.
        if item["type"] == "message" {
            list_mut(item, "content").for_each(|part| {
                remove(part, "id");
            });
        }
    });
    let name = message["type"].as_str().unwrap_or_default().to_owned();
    if let Some(session) = message.get_mut("session") {
        remove(session, "client_secret");
        if name.starts_with("transcription_session") {
            remove(session, "modalities");
        }
        if name == "session.update" {
            remove(session, "temperature");
        }
        if let Some(detection) = session.get_mut("turn_detection") {
            remove(detection, "idle_timeout_ms");
        }
    }
    if let Some(response) = message.get_mut("response") {
        remove(response, "temperature");
        remove(response, "commit");
        remove(response, "cancel_previous");
    }
    for place in ["/session/modalities", "/response/modalities"] {
        if let Some(Value::Array(modalities)) = message.pointer_mut(place)
            && modalities.contains(&json!("audio"))
        {
            modalities.retain(|modality| modality != "text");
            modalities.insert(0, json!("text"));
        }
    }
}

/// Published as beta, in the shape of GA or of neither.
fn is_mislabelled(event: &Event) -> bool {
    let response = &event.message["response"];
    event.name.starts_with("response.output_audio")
        || event.name.starts_with("response.output_text")
        || response.get("output_modalities").is_some()
        || response["prompt"].is_string()
        || event.message.to_string().contains("ase64")
}

#[test]
fn beta_to_ga_and_back() {
    let mut count = 0;
    for file in [
        "protocol/instances_beta.jsonl.gz",
        "protocol/examples.jsonl",
        "protocol/examples_repaired.jsonl",
    ] {
        for event in events(file) {
            if !event.is_beta || is_mislabelled(&event) {
                continue;
            }
            let text = event.message.to_string();
            let mut codec = Codec::new(Dialect::Beta);
            let written: Vec<String> = if event.is_server {
                let events: Vec<_> = codec.decode_server(&text).unwrap().collect();
                assert!(
                    events
                        .iter()
                        .all(|event| !matches!(event, ServerEvent::Unknown(_))),
                    "{text}"
                );
                events
                    .iter()
                    .filter_map(|event| codec.encode_server(event))
                    .collect()
            } else {
                let decoded = codec.decode_client(&text).unwrap();
                assert!(!matches!(decoded, ClientEvent::Unknown(_)), "{text}");
                codec.encode_client(&decoded).json.into_iter().collect()
            };
            if ONLY_GA.contains(&event.name.as_str()) {
                assert!(written.is_empty(), "{text}");
                continue;
            }
            assert_eq!(written.len(), 1, "{text}");
            let mut expected = event.message;
            through_ga(&mut expected);
            assert_same(&event.name, serde_json::from_str(&written[0]).unwrap(), expected);
            count += 1;
        }
    }
    assert_eq!(count, 1422);
}

/// Events of GA that beta has not.
const ONLY_GA: [&str; 18] = [
    "conversation.item.done",
    "conversation.item.input_audio_transcription.segment",
    "input_audio_buffer.timeout_triggered",
    "input_audio_buffer.dtmf_event_received",
    "mcp_list_tools.in_progress",
    "mcp_list_tools.completed",
    "mcp_list_tools.failed",
    "response.mcp_call_arguments.delta",
    "response.mcp_call_arguments.done",
    "response.mcp_call.in_progress",
    "response.mcp_call.completed",
    "response.mcp_call.failed",
    "session.closed",
    "session.input_transcript.delta",
    "session.output_transcript.delta",
    "session.output_audio.delta",
    "session.close",
    "session.input_audio_buffer.append",
];

/// What is left of a GA message on its way through beta, and how many places of it were lost.
#[derive(Default)]
struct ThroughBeta {
    is_client: bool,
    lost: usize,
}

impl ThroughBeta {
    fn drop(&mut self, object: &mut Value, field: &str) {
        self.lost += usize::from(remove(object, field));
    }

    /// - `conversation.item.created` is `.added`, and content of the assistant has the names of GA;
    /// - sessions have a `type`, no `reasoning`, no `parallel_tool_calls`, no MCP tool or choice; see `audio` for the rest;
    /// - a client's items: no MCP, no images, no `phase`.
    fn message(&mut self, message: &mut Value) {
        if message["type"] == "conversation.item.created" {
            message["type"] = "conversation.item.added".into();
        }
        for_each_item(message, |item| {
            if item["type"] == "message" && item["role"] == "assistant" {
                for part in list_mut(item, "content") {
                    let kind = part["type"].as_str().map(str::to_owned);
                    match kind.as_deref() {
                        Some("text") => part["type"] = "output_text".into(),
                        Some("audio") => part["type"] = "output_audio".into(),
                        _ => {}
                    }
                }
            }
        });
        if self.is_client {
            if let Some(Value::Array(input)) = message.pointer_mut("/response/input") {
                self.retain(input, |item| !is_of_ga(item));
            }
            for_each_item(message, |item| self.item(item));
        }
        for holder in ["session", "response"] {
            if let Some(settings) = message.get_mut(holder).filter(|settings| settings.is_object()) {
                // A session without a type is sent as it is, and read as one of a conversation.
                if holder == "session" && settings.get("type").is_none() {
                    settings["type"] = "realtime".into();
                    continue;
                }
                self.settings(settings, holder == "session");
            }
        }
    }

    fn retain(&mut self, list: &mut Vec<Value>, keep: impl Fn(&Value) -> bool) {
        let before = list.len();
        list.retain(keep);
        self.lost += before - list.len();
    }

    fn item(&mut self, item: &mut Value) {
        if item["type"] == "message" {
            self.drop(item, "phase");
            if let Some(Value::Array(content)) = item.get_mut("content") {
                self.retain(content, |part| part["type"] != "input_image");
            }
        }
    }

    fn settings(&mut self, settings: &mut Value, is_session: bool) {
        if is_session || self.is_client {
            self.drop(settings, "reasoning");
            self.drop(settings, "parallel_tool_calls");
            if settings["tool_choice"]["type"] == "mcp" {
                self.drop(settings, "tool_choice");
            }
            if let Some(Value::Array(tools)) = settings.get_mut("tools") {
                self.retain(tools, |tool| tool["type"] != "mcp");
            }
        }
        if let Some(Value::Array(modalities)) = settings.get_mut("output_modalities")
            && modalities.contains(&json!("audio"))
        {
            modalities.retain(|modality| modality != "text");
        }
        let is_transcription = settings["type"] == "transcription";
        if let Some(audio) = settings.as_object_mut().and_then(|fields| fields.remove("audio")) {
            let audio = self.audio(audio, is_transcription);
            if !audio.is_empty() {
                settings["audio"] = audio.into();
            }
        }
    }

    /// - no `null` and no empty object in place of `audio`, `audio.input` and `audio.output`;
    /// - formats have a type; PCM has the rate 24,000, and no other format has one;
    /// - no `transcription.{languages,keywords,delay}`, no `noise_reduction.strength`, no `idle_timeout_ms` of
    ///   `server_vad`, no `language` of the output;
    /// - no output of a transcription session.
    fn audio(&mut self, audio: Value, is_transcription: bool) -> Map<String, Value> {
        let Value::Object(mut audio) = audio else {
            self.lost += 1;
            return Map::new();
        };
        for direction in ["input", "output"] {
            let Some(mut settings) = audio.remove(direction) else {
                continue;
            };
            if settings.is_null() {
                self.lost += 1;
                continue;
            }
            self.format(&mut settings);
            if let Some(transcription) = settings.get_mut("transcription") {
                self.drop(transcription, "languages");
                self.drop(transcription, "keywords");
                self.drop(transcription, "delay");
            }
            if let Some(reduction) = settings.get_mut("noise_reduction") {
                self.drop(reduction, "strength");
            }
            if let Some(detection) = settings.get_mut("turn_detection")
                && detection["type"] == "server_vad"
            {
                self.drop(detection, "idle_timeout_ms");
            }
            self.drop(&mut settings, "language");
            if is_transcription && direction == "output" {
                self.lost += settings.as_object().map_or(0, Map::len);
            } else if settings.as_object().is_some_and(|settings| !settings.is_empty()) {
                audio.insert(direction.to_owned(), settings);
            }
        }
        audio
    }

    fn format(&mut self, settings: &mut Value) {
        let Some(format) = settings.get_mut("format").filter(|format| format.is_object()) else {
            return;
        };
        match format["type"].as_str() {
            Some("audio/pcm") => {
                self.lost += usize::from(format["rate"].as_u64().is_some_and(|rate| rate != 24_000));
                format["rate"] = json!(24_000);
            }
            Some(_) => {
                remove(format, "rate");
            }
            None => self.drop(settings, "format"),
        }
    }
}

/// Whether beta has no place for an item of a client at all: of MCP, or of nothing but images.
fn is_of_ga(item: &Value) -> bool {
    let content = item["content"].as_array().filter(|content| !content.is_empty());
    item["type"].as_str().is_some_and(|kind| kind.starts_with("mcp_"))
        || content.is_some_and(|content| content.iter().all(|part| part["type"] == "input_image"))
}

#[test]
fn ga_to_beta_and_back() {
    let (mut count, mut warned) = (0, 0);
    for file in [
        "protocol/instances.jsonl.gz",
        "protocol/examples.jsonl",
        "protocol/examples_repaired.jsonl",
    ] {
        for event in events(file) {
            if event.is_beta {
                continue;
            }
            let text = event.message.to_string();
            let mut codec = Codec::new(Dialect::Beta);
            let name = event.name.as_str();
            let mut through = ThroughBeta {
                is_client: !event.is_server,
                lost: 0,
            };
            let mut expected = event.message.clone();
            through.message(&mut expected);
            let is_gone = ONLY_GA.contains(&name)
                || event.message["session"]["type"] == "translation"
                || (through.is_client && is_of_ga(&event.message["item"]));
            let written: Vec<String> = if event.is_server {
                // Published examples with a placeholder for audio.
                let Ok(decoded) = ServerEvent::from_json(&text) else {
                    continue;
                };
                let Some(json) = codec.encode_server(&decoded) else {
                    assert!(is_gone, "{text}");
                    continue;
                };
                codec
                    .decode_server(&json)
                    .unwrap()
                    .map(|event| event.to_json())
                    .collect()
            } else {
                let Ok(decoded) = ClientEvent::from_json(&text) else {
                    continue;
                };
                let encoded = codec.encode_client(&decoded);
                let is_whole = through.lost == 0 && !is_gone;
                assert_eq!(
                    encoded.warnings.is_empty(),
                    is_whole,
                    "{:?} {text}",
                    encoded.warnings
                );
                warned += encoded.warnings.len();
                let Some(json) = encoded.json else {
                    assert!(is_gone, "{text}");
                    continue;
                };
                vec![codec.decode_client(&json).unwrap().to_json()]
            };
            assert!(!is_gone, "{text}");
            assert_same(name, serde_json::from_str(&written[0]).unwrap(), expected);
            count += 1;
        }
    }
    assert_eq!((count, warned), (2295, 571));
}
