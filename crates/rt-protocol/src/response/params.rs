//! [`ResponseParams`]: what a client asks for.

use serde::{Deserialize, Serialize};

use super::{ConversationChoice, Metadata};
use crate::field;
use crate::item::Item;
use crate::session::{MaxOutputTokens, Modality, Prompt, Reasoning, SessionAudio, Tool, ToolChoice};
use crate::{Field, Text};

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
