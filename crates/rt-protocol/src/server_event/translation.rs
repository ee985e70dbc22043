//! What a translation session sends.

use serde::{Deserialize, Serialize};

use crate::field;
use crate::{AudioBytes, Field, Text};

/// `session.input_transcript.delta`: more of what was said, in its own language.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SessionInputTranscriptDelta {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The text to append, spaces included.
    #[serde(default, deserialize_with = "field::or_default")]
    pub delta: Text,
    /// Position in milliseconds of session time, in steps of 200.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub elapsed_ms: Field<u64>,
}

/// `session.output_transcript.delta`: more of the translation as text.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SessionOutputTranscriptDelta {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The text to append, spaces included.
    #[serde(default, deserialize_with = "field::or_default")]
    pub delta: Text,
    /// Position in milliseconds of session time, in steps of 200.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub elapsed_ms: Field<u64>,
}

/// `session.output_audio.delta`: more of the translation as audio.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SessionOutputAudioDelta {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The audio to append.
    #[serde(default, deserialize_with = "field::or_default")]
    pub delta: AudioBytes,
    /// The format, `pcm16`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub format: Field<String>,
    /// Samples per second.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub sample_rate: Field<u32>,
    /// Number of channels.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub channels: Field<u32>,
    /// Position in milliseconds of session time, in steps of 200.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub elapsed_ms: Field<u64>,
}
