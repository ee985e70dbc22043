//! The beta dialect: what a client says in it, as GA says it, and what this session says, in it.

use rt_protocol::dialect::{BetaVariant, Codec, Dialect};
use rt_protocol::server_event::{ConversationCreated, RateLimit, RateLimitsUpdated};
use rt_protocol::session::SessionKind;
use rt_protocol::{ClientEvent, ServerEvent};
use serde_json::{Map, Value, json};

use super::Brain;
use super::failure::Failure;

/// The temperature of a session that was not told one.
const TEMPERATURE: f64 = 0.8;
/// The temperatures there are.
const TEMPERATURES: std::ops::RangeInclusive<f64> = 0.6..=1.2;
/// The tokens a minute that `rate_limits.updated` tells of.
const TOKENS: u64 = 50_000;
/// The requests a day.
const REQUESTS: u64 = 1000;

/// The fields of a session.
const SESSION: &[&str] = &[
    "id",
    "object",
    "expires_at",
    "model",
    "modalities",
    "instructions",
    "voice",
    "speed",
    "input_audio_format",
    "output_audio_format",
    "input_audio_transcription",
    "input_audio_noise_reduction",
    "turn_detection",
    "tools",
    "tool_choice",
    "temperature",
    "max_response_output_tokens",
    "tracing",
    "prompt",
    "include",
    "truncation",
    "client_secret",
];
/// The fields of a response.
const RESPONSE: &[&str] = &[
    "conversation",
    "modalities",
    "instructions",
    "voice",
    "output_audio_format",
    "tools",
    "tool_choice",
    "temperature",
    "max_output_tokens",
    "max_response_output_tokens",
    "metadata",
    "prompt",
    "input",
    // Of the first preview alone.
    "commit",
    "cancel_previous",
    "append_input_items",
    "input_items",
];

/// The fields of its settings that hold more fields.
const NESTED: &[(&str, &[&str])] = &[
    ("input_audio_transcription", &["model", "language", "prompt"]),
    (
        "turn_detection",
        &[
            "type",
            "threshold",
            "prefix_padding_ms",
            "silence_duration_ms",
            "eagerness",
            "create_response",
            "interrupt_response",
        ],
    ),
    ("input_audio_noise_reduction", &["type"]),
];
/// The items a client may create, beside references in the input of a response.
const ITEMS: &[&str] = &["message", "function_call", "function_call_output"];
/// What a client's message may hold.
const CONTENT: &[&str] = &["input_text", "input_audio", "text", "audio"];

/// What reads and writes a session's dialect.
pub(super) fn codec(dialect: Dialect) -> Codec {
    Codec::new(dialect)
        .with_variant(BetaVariant::AzurePreview)
        .with_temperature(TEMPERATURE)
}

impl Brain {
    /// Whether the session speaks beta.
    pub(super) fn speaks_beta(&self) -> bool {
        self.codec.dialect() == Dialect::Beta
    }

    /// An event as it stands on the wire, in the dialect of the session; `None` if the dialect has no such event.
    #[must_use]
    pub fn encode(&mut self, event: &ServerEvent) -> Option<String> {
        let text = self.codec.encode_server(event)?;
        if !self.speaks_beta() || event.event_type().ends_with(".delta") {
            return Some(text);
        }
        let Ok(mut message) = serde_json::from_str::<Value>(&text) else {
            return Some(text);
        };
        let temperature = self.codec.temperature();
        adorn(&mut message, temperature);
        Some(message.to_string())
    }

    /// A client's message as GA has it; `None` if that is no other, or if the checks to come will refuse it.
    pub(super) fn read_beta(
        &mut self,
        message: &Map<String, Value>,
        text: &str,
    ) -> Result<Option<String>, Failure> {
        let event_type = message.get("type").and_then(Value::as_str).unwrap_or_default();
        match event_type {
            "session.update" | "transcription_session.update" => check(message, "session", SESSION)?,
            "response.create" => {
                check(message, "response", RESPONSE)?;
                let input = message.get("response").and_then(|response| response.get("input"));
                for (index, item) in input.and_then(Value::as_array).into_iter().flatten().enumerate() {
                    check_item(item, &format!("response.input[{index}]"))?;
                }
            }
            "conversation.item.create" => {
                message
                    .get("item")
                    .map_or(Ok(()), |item| check_item(item, "item"))?;
            }
            _ => {}
        }
        match self.codec.decode_client(text) {
            Ok(ClientEvent::Unknown(_)) => Ok(None),
            Ok(event) => Ok(Some(event.to_json())),
            Err(_) if event_type.is_empty() || event_type.ends_with(".append") => Ok(None),
            Err(_) => Err(Failure::new("invalid_value", "The event is not valid.")),
        }
    }

    /// What only beta tells at the start.
    pub(super) fn greet_in_beta(&mut self) {
        if self.speaks_beta() && self.session.kind() == SessionKind::Realtime {
            let mut created = ConversationCreated::default();
            created.conversation.id = self.conversation_id.clone().into();
            created.conversation.object = "realtime.conversation".into();
            self.emit(ServerEvent::ConversationCreated(created));
        }
    }

    /// In beta the limits come with the response, not after it.
    pub(super) fn limit_in_beta(&mut self) {
        if !self.speaks_beta() || self.settings.rate_limits == Some(false) {
            return;
        }
        let used = self.seen_tokens.min(TOKENS);
        let rate_limits = vec![
            RateLimit {
                name: "requests".into(),
                limit: REQUESTS.into(),
                remaining: (REQUESTS - 1).into(),
                reset_seconds: 86.4.into(),
            },
            RateLimit {
                name: "tokens".into(),
                limit: TOKENS.into(),
                remaining: (TOKENS - used).into(),
                reset_seconds: (used as f64 * 60.0 / TOKENS as f64).into(),
            },
        ];
        self.emit(ServerEvent::RateLimitsUpdated(RateLimitsUpdated {
            rate_limits,
            ..Default::default()
        }));
    }
}

/// Adds what beta has besides: the kind of object on items, the temperature of a response, a key that is not there. And
/// takes away what it has not: details of the usage, settings that are off.
fn adorn(message: &mut Value, temperature: Option<f64>) {
    let object = |item: &mut Value| {
        if let Some(item) = item.as_object_mut() {
            item.entry("object").or_insert_with(|| "realtime.item".into());
        }
    };
    if let Some(item) = message.get_mut("item") {
        object(item);
    }
    if let Some(response) = message.get_mut("response").and_then(Value::as_object_mut) {
        response.insert("temperature".to_owned(), json!(temperature));
        if let Some(items) = response.get_mut("output").and_then(Value::as_array_mut) {
            items.iter_mut().for_each(object);
        }
        let details = response
            .get_mut("usage")
            .and_then(|usage| usage.get_mut("input_token_details"))
            .and_then(Value::as_object_mut);
        if let Some(details) = details {
            details.remove("image_tokens");
            details.remove("cached_tokens_details");
        }
    }
    if let Some(session) = message.get_mut("session").and_then(Value::as_object_mut) {
        for key in ["tracing", "prompt", "include"] {
            if session.get(key).is_some_and(Value::is_null) {
                session.remove(key);
            }
        }
        session.insert("client_secret".to_owned(), Value::Null);
    }
}

/// Only fields that beta has, and of those that GA has not, only good values.
fn check(message: &Map<String, Value>, place: &str, known: &[&str]) -> Result<(), Failure> {
    let Some(fields) = message.get(place).and_then(Value::as_object) else {
        return Ok(());
    };
    check_known(fields, place, known)?;
    for (name, known) in NESTED {
        if let Some(inner) = fields.get(*name).and_then(Value::as_object) {
            check_known(inner, &format!("{place}.{name}"), known)?;
        }
    }
    let tools = fields.get("tools").and_then(Value::as_array);
    for (index, tool) in tools.into_iter().flatten().enumerate() {
        check_kind(tool, &format!("{place}.tools[{index}]"), &["function"])?;
    }
    if let Some(choice) = fields.get("tool_choice").filter(|choice| choice.is_object()) {
        check_kind(choice, &format!("{place}.tool_choice"), &["function"])?;
    }
    if let Some(temperature) = fields.get("temperature").filter(|value| !value.is_null()) {
        let param = format!("{place}.temperature");
        let Some(number) = temperature.as_f64() else {
            return Err(Failure::wrong_type(&param, "a decimal", temperature));
        };
        if !TEMPERATURES.contains(&number) {
            let message =
                format!("Invalid '{param}': expected a decimal from 0.6 to 1.2, but got {number} instead.");
            let code = if number < *TEMPERATURES.start() {
                "decimal_below_min_value"
            } else {
                "decimal_above_max_value"
            };
            return Err(Failure::new(code, message).param(param));
        }
    }
    if fields.get("modalities") == Some(&json!(["audio"])) {
        let message =
            "Invalid modalities: ['audio']. Supported combinations are: ['text'] and ['audio', 'text'].";
        return Err(Failure::new("invalid_value", message).param(format!("{place}.modalities")));
    }
    Ok(())
}

/// Only items and contents that beta has.
fn check_item(item: &Value, place: &str) -> Result<(), Failure> {
    if item.get("phase").is_some() {
        return Err(Failure::unknown(&format!("{place}.phase")));
    }
    if item.get("type").and_then(Value::as_str) != Some("item_reference") {
        check_kind(item, place, ITEMS)?;
    }
    let content = item.get("content").and_then(Value::as_array);
    for (index, part) in content.into_iter().flatten().enumerate() {
        check_kind(part, &format!("{place}.content[{index}]"), CONTENT)?;
    }
    Ok(())
}

/// Only fields that are known.
fn check_known(fields: &Map<String, Value>, place: &str, known: &[&str]) -> Result<(), Failure> {
    match fields.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => {
            let key: String = key.chars().take(64).collect();
            Err(Failure::unknown(&format!("{place}.{key}")))
        }
        None => Ok(()),
    }
}

/// Only a `type` that exists. What has none, or no text there, is for the checks to come.
fn check_kind(object: &Value, place: &str, known: &[&str]) -> Result<(), Failure> {
    match object.get("type").and_then(Value::as_str) {
        Some(kind) if !known.contains(&kind) => {
            Err(Failure::unsupported(&format!("{place}.type"), kind, known))
        }
        _ => Ok(()),
    }
}
