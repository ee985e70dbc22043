//! Settings that sessions and responses share.

use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};

use crate::either;
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum MaxOutputTokens {
    /// At most so many.
    Tokens(u64),
    /// `"inf"`: as many as the model allows.
    Named(TokenLimit),
}

impl<'de> Deserialize<'de> for MaxOutputTokens {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberOrName;
        impl Visitor<'_> for NumberOrName {
            type Value = MaxOutputTokens;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of tokens or inf")
            }
            fn visit_u64<E>(self, tokens: u64) -> Result<MaxOutputTokens, E> {
                Ok(MaxOutputTokens::Tokens(tokens))
            }
            fn visit_str<E>(self, name: &str) -> Result<MaxOutputTokens, E> {
                Ok(MaxOutputTokens::Named(name.into()))
            }
        }
        deserializer.deserialize_any(NumberOrName)
    }
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

impl Reasoning {
    /// Reasoning of the given effort.
    #[must_use]
    pub const fn new(effort: ReasoningEffort) -> Self {
        Self {
            effort: Field::Value(effort),
        }
    }
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Tracing {
    /// `"auto"`: default names.
    Mode(TracingMode),
    /// With names of your own.
    Config(TracingConfig),
}

impl<'de> Deserialize<'de> for Tracing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        either::deserialize(
            deserializer,
            "auto or a tracing object",
            |text| Self::Mode(text.into()),
            Self::Config,
        )
    }
}

impl Tracing {
    /// Tracing with default names.
    pub const AUTO: Self = Self::Mode(TracingMode::Auto);
}

impl From<TracingConfig> for Tracing {
    fn from(config: TracingConfig) -> Self {
        Self::Config(config)
    }
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
    /// What this version does not know.
    #[serde(flatten)]
    pub other: RawObject,
}

impl TracingConfig {
    /// Tracing under the given name of a workflow.
    #[must_use]
    pub fn new(workflow_name: impl Into<String>) -> Self {
        Self {
            workflow_name: Field::Value(workflow_name.into()),
            ..Self::default()
        }
    }

    /// Groups traces, such as those of one conversation.
    #[must_use]
    pub fn group_id(mut self, group_id: impl Into<String>) -> Self {
        self.group_id = Field::Value(group_id.into());
        self
    }

    /// Free form.
    #[must_use]
    pub fn metadata(mut self, metadata: RawObject) -> Self {
        self.metadata = metadata.into();
        self
    }
}

/// What happens when the conversation outgrows the model's context.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Truncation {
    /// `auto` or `disabled`.
    Mode(TruncationMode),
    /// Drop the oldest items down to a part of the context.
    RetentionRatio(RetentionRatio),
}

impl<'de> Deserialize<'de> for Truncation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        either::deserialize(
            deserializer,
            "a truncation, by name or as an object",
            |text| Self::Mode(text.into()),
            Self::RetentionRatio,
        )
    }
}

impl From<TruncationMode> for Truncation {
    fn from(mode: TruncationMode) -> Self {
        Self::Mode(mode)
    }
}

impl From<RetentionRatio> for Truncation {
    fn from(ratio: RetentionRatio) -> Self {
        Self::RetentionRatio(ratio)
    }
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
    /// `retention_ratio`, or one that this version does not know.
    #[serde(rename = "type", default, skip_serializing_if = "Field::is_absent")]
    pub kind: Field<String>,
    /// The part of the conversation that stays, 0 to 1.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub retention_ratio: Field<f64>,
    /// Limits in tokens.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub token_limits: Field<TokenLimits>,
    /// What another kind has beside.
    #[serde(flatten)]
    pub other: RawObject,
}

impl RetentionRatio {
    /// Truncation that keeps the given part of the conversation, 0 to 1.
    ///
    /// ```
    /// use rt_protocol::session::{RetentionRatio, Truncation};
    /// assert_eq!(
    ///     serde_json::to_string(&Truncation::from(RetentionRatio::new(0.8).post_instructions(8_000)))?,
    ///     r#"{"type":"retention_ratio","retention_ratio":0.8,"token_limits":{"post_instructions":8000}}"#,
    /// );
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn new(ratio: f64) -> Self {
        Self {
            kind: "retention_ratio".into(),
            retention_ratio: ratio.into(),
            ..Self::default()
        }
    }

    /// The most tokens the conversation may have after the instructions.
    #[must_use]
    pub fn post_instructions(mut self, tokens: u64) -> Self {
        self.token_limits.or_default().post_instructions = tokens.into();
        self
    }
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

impl Prompt {
    /// The prompt of the given id.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            ..Self::default()
        }
    }

    /// Values for its variables: strings, or input content as objects.
    #[must_use]
    pub fn variables(mut self, variables: RawObject) -> Self {
        self.variables = variables.into();
        self
    }

    /// Its version.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Field::Value(version.into());
        self
    }
}

impl From<&str> for Prompt {
    fn from(id: &str) -> Self {
        Self::new(id)
    }
}

open_enum! {
    /// Additional fields to send.
    pub enum Include {
        /// Log probabilities of input transcription.
        InputTranscriptionLogprobs = "item.input_audio_transcription.logprobs",
    }
}
