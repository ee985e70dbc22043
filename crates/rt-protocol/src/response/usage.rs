//! Tokens taken by responses and transcriptions.

use serde::{Deserialize, Serialize};

use crate::Field;
use crate::open_enum::open_enum;

/// Tokens of a response.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Input and output together.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub total_tokens: Field<u64>,
    /// Input: the whole conversation and the instructions, cached or not.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub input_tokens: Field<u64>,
    /// Output.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub output_tokens: Field<u64>,
    /// Input by kind.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub input_token_details: Field<InputTokens>,
    /// Output by kind.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub output_token_details: Field<OutputTokens>,
}

/// Input tokens by kind. The cached ones are part of the others, not additional.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InputTokens {
    /// Text.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub text_tokens: Field<u64>,
    /// Audio.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub audio_tokens: Field<u64>,
    /// Images.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub image_tokens: Field<u64>,
    /// Those that came from the cache.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub cached_tokens: Field<u64>,
    /// Those that came from the cache, by kind.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub cached_tokens_details: Field<CachedTokens>,
}

/// Cached input tokens by kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CachedTokens {
    /// Text.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub text_tokens: Field<u64>,
    /// Audio.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub audio_tokens: Field<u64>,
    /// Images.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub image_tokens: Field<u64>,
}

/// Output tokens by kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OutputTokens {
    /// Text.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub text_tokens: Field<u64>,
    /// Audio.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub audio_tokens: Field<u64>,
}

/// What a transcription took: tokens or seconds, by model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TranscriptionUsage {
    /// Which of the two.
    #[serde(rename = "type", default, skip_serializing_if = "Field::is_absent")]
    pub kind: Field<TranscriptionUsageKind>,
    /// Input tokens.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub input_tokens: Field<u64>,
    /// Input tokens by kind.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub input_token_details: Field<TranscriptionTokens>,
    /// Output tokens.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub output_tokens: Field<u64>,
    /// Input and output together.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub total_tokens: Field<u64>,
    /// Seconds of audio.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub seconds: Field<f64>,
}

open_enum! {
    /// How a transcription is counted.
    pub enum TranscriptionUsageKind {
        /// In tokens.
        Tokens = "tokens",
        /// In seconds of audio.
        Duration = "duration",
    }
}

/// Input tokens of a transcription by kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TranscriptionTokens {
    /// Text.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub text_tokens: Field<u64>,
    /// Audio.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub audio_tokens: Field<u64>,
}
