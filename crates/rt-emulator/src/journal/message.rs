//! [`Message`]: a message as the journal keeps it, its audio left out.

use std::fmt;

use rt_protocol::{ClientEvent, ServerEvent};
use serde_json::Value;

/// The most characters of a type that are kept; every type that exists is shorter.
const MAX_TYPE: usize = 64;
/// Strings longer than this are shown by their length, if they are audio.
const MAX_AUDIO_TEXT: usize = 64;

/// A message, its audio left out.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// The `type`, up to 64 characters of it; empty if there is none.
    pub event_type: String,
    /// The JSON; audio stands in it as `<… characters>`. Null if it is not JSON, or if there was too much before it.
    pub json: Value,
    /// The length in bytes.
    pub len: usize,
    /// The length without audio.
    pub(super) kept: usize,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({}, {} bytes)", printable(&self.event_type), self.len)
    }
}

/// Types that only the beta dialect has.
const BETA_TYPES: &[&str] = &[
    "response.text.delta",
    "response.text.done",
    "response.audio.delta",
    "response.audio.done",
    "response.audio_transcript.delta",
    "response.audio_transcript.done",
    "transcription_session.update",
    "transcription_session.created",
    "transcription_session.updated",
];

/// A type that exists; a client may put anything there, and it may end up in a log.
pub(crate) fn printable(event_type: &str) -> &str {
    let known = ClientEvent::KNOWN_TYPES.contains(&event_type)
        || ServerEvent::KNOWN_TYPES.contains(&event_type)
        || BETA_TYPES.contains(&event_type);
    if known { event_type } else { "unknown" }
}

impl Message {
    /// Reads a text message.
    pub(crate) fn new(text: &str) -> Self {
        let mut json: Value = serde_json::from_str(text).unwrap_or_default();
        let event_type = json["type"].as_str().unwrap_or_default();
        let event_type: String = event_type.chars().take(MAX_TYPE).collect();
        let left_out = leave_out_audio(&mut json, event_type.ends_with("audio.delta"));
        Self {
            event_type,
            json,
            len: text.len(),
            kept: text.len() - left_out,
        }
    }

    /// A binary message.
    pub(crate) fn binary(len: usize) -> Self {
        Self {
            event_type: String::new(),
            json: Value::Null,
            len,
            kept: 0,
        }
    }
}

/// Replaces long audio by its length; how much was left out is returned.
fn leave_out_audio(value: &mut Value, delta_is_audio: bool) -> usize {
    match value {
        Value::Object(fields) => {
            let left_out = fields.iter_mut().map(|(key, value)| {
                let audio = key == "audio" || (delta_is_audio && key == "delta");
                match value {
                    Value::String(text) if audio && text.len() > MAX_AUDIO_TEXT => {
                        let len = text.len();
                        *text = format!("<{len} characters>");
                        len
                    }
                    other => leave_out_audio(other, delta_is_audio),
                }
            });
            left_out.sum()
        }
        Value::Array(values) => values
            .iter_mut()
            .map(|value| leave_out_audio(value, delta_is_audio))
            .sum(),
        _ => 0,
    }
}
