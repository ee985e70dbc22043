//! Settings that sessions and responses share.

use serde::{Deserialize, Serialize};

use crate::field;
use crate::open_enum::open_enum;
use crate::{Field, RawObject};

open_enum! {
    /// What a response is made of. GA takes exactly one of the two; audio comes with its transcript.
    pub enum Modality {
        /// Text.
        Text = "text",
        /// Audio and its transcript.
        Audio = "audio",
    }
}

/// The most tokens one response may have: a number from 1 to 4,096, or `"inf"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum MaxOutputTokens {
    /// At most so many.
    Tokens(u64),
    /// `"inf"`: as many as the model allows.
    Named(TokenLimit),
}

impl MaxOutputTokens {
    /// As many as the model allows.
    pub const INF: Self = Self::Named(TokenLimit::Inf);
}

impl From<u64> for MaxOutputTokens {
    fn from(tokens: u64) -> Self {
        Self::Tokens(tokens)
    }
}

open_enum! {
    /// A token limit by name.
    pub enum TokenLimit {
        /// No limit but the model's.
        Inf = "inf",
    }
}

/// Settings of reasoning models.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reasoning {
    /// How much the model thinks before it answers; default low.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub effort: Field<ReasoningEffort>,
}

open_enum! {
    /// How much a model thinks.
    pub enum ReasoningEffort {
        /// Hardly.
        Minimal = "minimal",
        /// A little.
        Low = "low",
        /// Some.
        Medium = "medium",
        /// Much.
        High = "high",
        /// The most. Azure does not offer it.
        XHigh = "xhigh",
    }
}

/// Tracing of the session in the service's dashboard. `null` switches it off; it cannot change once on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Tracing {
    /// `"auto"`: default names.
    Mode(TracingMode),
    /// With names of your own.
    Config(TracingConfig),
}

open_enum! {
    /// Tracing without settings.
    pub enum TracingMode {
        /// Default names.
        Auto = "auto",
    }
}

/// Names for a trace.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TracingConfig {
    /// Name of the workflow.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub workflow_name: Field<String>,
    /// Groups traces, such as those of one conversation.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub group_id: Field<String>,
    /// Free form.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub metadata: Field<RawObject>,
}

/// What happens when the conversation outgrows the model's context.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Truncation {
    /// `auto` or `disabled`.
    Mode(TruncationMode),
    /// Drop the oldest items down to a part of the context.
    RetentionRatio(RetentionRatio),
}

open_enum! {
    /// Truncation without settings.
    pub enum TruncationMode {
        /// The service drops the oldest items.
        Auto = "auto",
        /// Nothing is dropped; a response fails instead.
        Disabled = "disabled",
    }
}

/// Truncation that drops more than it must, so that the prompt cache stays warm for longer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RetentionRatio {
    /// Always `retention_ratio`.
    #[serde(rename = "type", default, skip_serializing_if = "Field::is_absent")]
    pub kind: Field<String>,
    /// The part of the conversation that stays, 0 to 1.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub retention_ratio: Field<f64>,
    /// Limits in tokens.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub token_limits: Field<TokenLimits>,
}

/// Limits of a conversation in tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TokenLimits {
    /// The most tokens after the instructions.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub post_instructions: Field<u64>,
}

/// A prompt stored with the service.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Prompt {
    /// The prompt's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub id: String,
    /// Values for its variables: strings, or input content as objects.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub variables: Field<RawObject>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub version: Field<String>,
}

open_enum! {
    /// Additional fields to send.
    pub enum Include {
        /// Log probabilities of input transcription.
        InputTranscriptionLogprobs = "item.input_audio_transcription.logprobs",
    }
}
