//! Transcription of what the user says.

use serde::{Deserialize, Serialize};

use crate::field;
use crate::response::TranscriptionUsage;
use crate::{Field, Text};

/// `conversation.item.input_audio_transcription.delta`: more text of what the user said.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ConversationItemInputAudioTranscriptionDelta {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The user's item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
    /// Place of the part in the item, from 0.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub content_index: Field<u32>,
    /// The text to append.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub delta: Field<Text>,
    /// Log probabilities of the tokens, if `include` asked for them.
    #[serde(
        default,
        deserialize_with = "field::list",
        skip_serializing_if = "Field::is_absent"
    )]
    pub logprobs: Field<Vec<LogProb>>,
    /// Padding that hides the length of the delta from an observer of the network.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub obfuscation: Field<String>,
}

/// `conversation.item.input_audio_transcription.segment`: a piece of a diarised transcription.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ConversationItemInputAudioTranscriptionSegment {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
    /// Place of the part in the item, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub content_index: u32,
    /// What was said.
    #[serde(default, deserialize_with = "field::or_default")]
    pub text: Text,
    /// The segment.
    #[serde(default, deserialize_with = "field::or_default")]
    pub id: String,
    /// Who spoke.
    #[serde(default, deserialize_with = "field::or_default")]
    pub speaker: String,
    /// Start in seconds.
    #[serde(default, deserialize_with = "field::or_default")]
    pub start: f64,
    /// End in seconds.
    #[serde(default, deserialize_with = "field::or_default")]
    pub end: f64,
}

/// `conversation.item.input_audio_transcription.completed`: what the user said, whole. It may come before or after the response.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ConversationItemInputAudioTranscriptionCompleted {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
    /// Place of the part in the item, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub content_index: u32,
    /// What was said.
    #[serde(default, deserialize_with = "field::or_default")]
    pub transcript: Text,
    /// The languages that were heard.
    #[serde(
        default,
        deserialize_with = "field::list",
        skip_serializing_if = "Field::is_absent"
    )]
    pub languages: Field<Vec<TranscriptionLanguage>>,
    /// Log probabilities of the tokens, if `include` asked for them.
    #[serde(
        default,
        deserialize_with = "field::list",
        skip_serializing_if = "Field::is_absent"
    )]
    pub logprobs: Field<Vec<LogProb>>,
    /// What the transcription took.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub usage: Field<TranscriptionUsage>,
}

/// `conversation.item.input_audio_transcription.failed`: the transcription failed; the audio itself is not affected.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ConversationItemInputAudioTranscriptionFailed {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
    /// Place of the part in the item, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub content_index: u32,
    /// Why.
    #[serde(default, deserialize_with = "field::or_default")]
    pub error: TranscriptionError,
}

/// A language that was heard.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TranscriptionLanguage {
    /// Its code.
    #[serde(default, deserialize_with = "field::or_default")]
    pub code: String,
}

/// The log probability of a token.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LogProb {
    /// The token.
    #[serde(default, deserialize_with = "field::or_default")]
    pub token: Text,
    /// Its log probability.
    #[serde(default, deserialize_with = "field::or_default")]
    pub logprob: f64,
    /// Its bytes in UTF-8.
    #[serde(
        default,
        deserialize_with = "field::list",
        skip_serializing_if = "Field::is_absent"
    )]
    pub bytes: Field<Vec<u32>>,
}

/// Why a transcription failed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TranscriptionError {
    /// The kind of error, such as `transcription_error`.
    #[serde(rename = "type", default, skip_serializing_if = "Field::is_absent")]
    pub kind: Field<String>,
    /// Its code, such as `audio_unintelligible`.
    #[serde(
        default,
        deserialize_with = "field::code",
        skip_serializing_if = "Field::is_absent"
    )]
    pub code: Field<String>,
    /// What happened.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub message: Field<String>,
    /// The parameter that was wrong.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub param: Field<String>,
}
