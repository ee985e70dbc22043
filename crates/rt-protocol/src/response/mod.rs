//! Responses: what `response.create` asks for, and what `response.created` and `response.done` report.

mod build;
mod status;
mod usage;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::status::{ResponseStatus, StatusDetails, StatusError, StatusReason};
pub use self::usage::{
    CachedTokens, InputTokens, OutputTokens, TranscriptionTokens, TranscriptionUsage, TranscriptionUsageKind,
    Usage,
};
use crate::field;
use crate::item::Item;
use crate::open_enum::open_enum;
use crate::session::{
    AudioFormat, MaxOutputTokens, Modality, Prompt, Reasoning, SessionAudio, Tool, ToolChoice, Voice,
};
use crate::{Field, Text};

/// Up to 16 pairs; keys of at most 64 characters, values of at most 512.
pub type Metadata = BTreeMap<String, Text>;

/// A response as the server reports it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Response {
    /// Always `realtime.response`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub object: Field<String>,
    /// The response's id, `resp_...`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub id: Field<String>,
    /// How far it is, or how it ended.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub status: Field<ResponseStatus>,
    /// Why it ended so; `null` while it runs and when it completed.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub status_details: Field<StatusDetails>,
    /// The items it made.
    #[serde(
        default,
        deserialize_with = "field::list",
        skip_serializing_if = "Field::is_absent"
    )]
    pub output: Field<Vec<Item>>,
    /// The conversation it belongs to; `null` out of band.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub conversation_id: Field<String>,
    /// What it is made of.
    #[serde(
        default,
        deserialize_with = "field::list",
        skip_serializing_if = "Field::is_absent"
    )]
    pub output_modalities: Field<Vec<Modality>>,
    /// The most tokens it may have.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub max_output_tokens: Field<MaxOutputTokens>,
    /// Its audio settings.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub audio: Field<ResponseAudio>,
    /// The tokens it took; `null` until it is done.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub usage: Field<Usage>,
    /// The metadata of the `response.create`.
    #[serde(
        default,
        deserialize_with = "field::map",
        skip_serializing_if = "Field::is_absent"
    )]
    pub metadata: Field<Metadata>,
}

/// Audio settings of a response.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseAudio {
    /// Audio out.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub output: Field<ResponseAudioOutput>,
}

/// Settings of a response's audio output.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseAudioOutput {
    /// The format.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub format: Field<AudioFormat>,
    /// The voice.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub voice: Field<Voice>,
}

/// What a `response.create` may set, for this response only. Absent fields are as in the session.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseParams {
    /// Exactly one of audio and text.
    #[serde(
        default,
        deserialize_with = "field::list",
        skip_serializing_if = "Field::is_absent"
    )]
    pub output_modalities: Field<Vec<Modality>>,
    /// Instructions in place of the session's.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub instructions: Field<Text>,
    /// Voice and format.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub audio: Field<SessionAudio>,
    /// Tools in place of the session's.
    #[serde(
        default,
        deserialize_with = "field::list",
        skip_serializing_if = "Field::is_absent"
    )]
    pub tools: Field<Vec<Tool>>,
    /// Whether and which tool the model uses.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub tool_choice: Field<ToolChoice>,
    /// Whether it may call several tools at once.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub parallel_tool_calls: Field<bool>,
    /// Settings of reasoning models.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub reasoning: Field<Reasoning>,
    /// The most tokens it may have.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub max_output_tokens: Field<MaxOutputTokens>,
    /// Which conversation it is added to.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub conversation: Field<ConversationChoice>,
    /// Echoed in the response's events: how a client finds its own responses.
    #[serde(
        default,
        deserialize_with = "field::map",
        skip_serializing_if = "Field::is_absent"
    )]
    pub metadata: Field<Metadata>,
    /// A prompt stored with the service.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub prompt: Field<Prompt>,
    /// What the model sees in place of the conversation; an empty list is nothing at all.
    #[serde(
        default,
        deserialize_with = "field::list",
        skip_serializing_if = "Field::is_absent"
    )]
    pub input: Field<Vec<Item>>,
}

open_enum! {
    /// Which conversation a response is added to.
    pub enum ConversationChoice {
        /// The session's.
        Auto = "auto",
        /// None: an out-of-band response.
        None = "none",
    }
}
