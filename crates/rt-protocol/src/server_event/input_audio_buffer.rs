//! Events of the input audio buffer.

use serde::{Deserialize, Serialize};

use crate::Field;
use crate::field;

/// `input_audio_buffer.committed`: the audio buffer became an item of the user.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct InputAudioBufferCommitted {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The item before it; `null` or absent at the start of the conversation.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub previous_item_id: Field<String>,
    /// The new item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
}

/// `input_audio_buffer.cleared`: the audio buffer is empty.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct InputAudioBufferCleared {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
}

/// `input_audio_buffer.speech_started`: the service hears speech.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct InputAudioBufferSpeechStarted {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// Start in milliseconds of all audio appended in the session, padding included.
    #[serde(default, deserialize_with = "field::or_default")]
    pub audio_start_ms: u64,
    /// The item the speech will become.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
}

/// `input_audio_buffer.speech_stopped`: the speech is over.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct InputAudioBufferSpeechStopped {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// End in milliseconds of all audio appended in the session.
    #[serde(default, deserialize_with = "field::or_default")]
    pub audio_end_ms: u64,
    /// The item the speech becomes.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
}

/// `input_audio_buffer.timeout_triggered`: the user was silent for `idle_timeout_ms`: the model answers unasked.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct InputAudioBufferTimeoutTriggered {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// Start of the silence in milliseconds.
    #[serde(default, deserialize_with = "field::or_default")]
    pub audio_start_ms: u64,
    /// End of the silence in milliseconds.
    #[serde(default, deserialize_with = "field::or_default")]
    pub audio_end_ms: u64,
    /// The item the silence becomes.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
}

/// `input_audio_buffer.dtmf_event_received`: a key of a telephone was pressed (SIP only).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct InputAudioBufferDtmfEventReceived {
    /// The event's id; this event mostly has none.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub event_id: Field<String>,
    /// The key: 0 to 9, `*`, `#`, A to D.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event: String,
    /// When, in seconds since 1970.
    #[serde(default, deserialize_with = "field::or_default")]
    pub received_at: u64,
}
