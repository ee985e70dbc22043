//! Text, audio and transcript of a response.

use serde::{Deserialize, Serialize};

use crate::field;
use crate::item::ContentPart;
use crate::{AudioBytes, Field, Text};

/// `response.content_part.added`: an item of a response has a new part.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseContentPartAdded {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The response.
    #[serde(default, deserialize_with = "field::or_default")]
    pub response_id: String,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
    /// Place of the item in the response, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub output_index: u32,
    /// Place of the part in the item, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub content_index: u32,
    /// The part, still empty.
    #[serde(default, deserialize_with = "field::or_default")]
    pub part: ContentPart,
}

/// `response.content_part.done`: a part of an item is whole, or ended early.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseContentPartDone {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The response.
    #[serde(default, deserialize_with = "field::or_default")]
    pub response_id: String,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
    /// Place of the item in the response, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub output_index: u32,
    /// Place of the part in the item, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub content_index: u32,
    /// The part without its audio.
    #[serde(default, deserialize_with = "field::or_default")]
    pub part: ContentPart,
}

/// `response.output_text.delta`: more text of the model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseOutputTextDelta {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The response.
    #[serde(default, deserialize_with = "field::or_default")]
    pub response_id: String,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
    /// Place of the item in the response, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub output_index: u32,
    /// Place of the part in the item, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub content_index: u32,
    /// The text to append.
    #[serde(default, deserialize_with = "field::or_default")]
    pub delta: Text,
    /// Padding that hides the length of the delta from an observer of the network.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub obfuscation: Field<String>,
}

/// `response.output_text.done`: the text of a part is whole.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseOutputTextDone {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The response.
    #[serde(default, deserialize_with = "field::or_default")]
    pub response_id: String,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
    /// Place of the item in the response, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub output_index: u32,
    /// Place of the part in the item, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub content_index: u32,
    /// All of it.
    #[serde(default, deserialize_with = "field::or_default")]
    pub text: Text,
}

/// `response.output_audio.delta`: more audio of the model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseOutputAudioDelta {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The response.
    #[serde(default, deserialize_with = "field::or_default")]
    pub response_id: String,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
    /// Place of the item in the response, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub output_index: u32,
    /// Place of the part in the item, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub content_index: u32,
    /// The audio to append, in the session's output format.
    #[serde(default, deserialize_with = "field::or_default")]
    pub delta: AudioBytes,
    /// Padding that hides the length of the delta from an observer of the network.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub obfuscation: Field<String>,
}

/// `response.output_audio.done`: the audio of a part is whole.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseOutputAudioDone {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The response.
    #[serde(default, deserialize_with = "field::or_default")]
    pub response_id: String,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
    /// Place of the item in the response, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub output_index: u32,
    /// Place of the part in the item, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub content_index: u32,
}

/// `response.output_audio_transcript.delta`: more transcript of the model's audio.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseOutputAudioTranscriptDelta {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The response.
    #[serde(default, deserialize_with = "field::or_default")]
    pub response_id: String,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
    /// Place of the item in the response, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub output_index: u32,
    /// Place of the part in the item, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub content_index: u32,
    /// The text to append.
    #[serde(default, deserialize_with = "field::or_default")]
    pub delta: Text,
    /// Padding that hides the length of the delta from an observer of the network.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub obfuscation: Field<String>,
}

/// `response.output_audio_transcript.done`: the transcript of a part is whole.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseOutputAudioTranscriptDone {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The response.
    #[serde(default, deserialize_with = "field::or_default")]
    pub response_id: String,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
    /// Place of the item in the response, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub output_index: u32,
    /// Place of the part in the item, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub content_index: u32,
    /// All of it.
    #[serde(default, deserialize_with = "field::or_default")]
    pub transcript: Text,
}
