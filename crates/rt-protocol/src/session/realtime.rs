//! [`RealtimeSession`]: the settings of a conversation.

use serde::{Deserialize, Serialize};

use super::{
    Include, MaxOutputTokens, Modality, Prompt, Reasoning, SessionAudio, Tool, ToolChoice, Tracing,
    Truncation,
};
use crate::field;
use crate::{Field, Text};

/// A conversation with a model: `"type": "realtime"`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RealtimeSession {
    /// The session's id, `sess_...`. Only the server writes it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub id: Field<String>,
    /// Always `realtime.session`. Only the server writes it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub object: Field<String>,
    /// The model. It cannot change within a session.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub model: Field<String>,
    /// Exactly one of audio (default, with transcript) and text.
    #[serde(
        default,
        deserialize_with = "field::list",
        skip_serializing_if = "Field::is_absent"
    )]
    pub output_modalities: Field<Vec<Modality>>,
    /// What the model should do and be. The published description says that an empty string clears them; the
    /// service has been seen to put its own default instructions in their place.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub instructions: Field<Text>,
    /// The tools; an empty list clears them.
    #[serde(
        default,
        deserialize_with = "field::list",
        skip_serializing_if = "Field::is_absent"
    )]
    pub tools: Field<Vec<Tool>>,
    /// Whether and which tool the model uses.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub tool_choice: Field<ToolChoice>,
    /// Whether the model may call several tools at once.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub parallel_tool_calls: Field<bool>,
    /// The most tokens per response.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub max_output_tokens: Field<MaxOutputTokens>,
    /// Settings of reasoning models.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub reasoning: Field<Reasoning>,
    /// Tracing; `null` is off.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub tracing: Field<Tracing>,
    /// What happens when the conversation grows too long.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub truncation: Field<Truncation>,
    /// A prompt stored with the service.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub prompt: Field<Prompt>,
    /// When the session ends, in seconds since 1970. Only the server writes it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub expires_at: Field<u64>,
    /// Audio in and out.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub audio: Field<SessionAudio>,
    /// Additional fields to send.
    #[serde(
        default,
        deserialize_with = "field::list",
        skip_serializing_if = "Field::is_absent"
    )]
    pub include: Field<Vec<Include>>,
}
