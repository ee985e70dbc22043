//! Events of the output audio buffer, which WebRTC and SIP connections have.

use serde::{Deserialize, Serialize};

use crate::field;

/// `output_audio_buffer.started`: audio of a response began to play (WebRTC and SIP only).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OutputAudioBufferStarted {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The response.
    #[serde(default, deserialize_with = "field::or_default")]
    pub response_id: String,
}

/// `output_audio_buffer.stopped`: audio of a response was played out (WebRTC and SIP only).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OutputAudioBufferStopped {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The response.
    #[serde(default, deserialize_with = "field::or_default")]
    pub response_id: String,
}

/// `output_audio_buffer.cleared`: audio of a response was thrown away (WebRTC and SIP only).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OutputAudioBufferCleared {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The response.
    #[serde(default, deserialize_with = "field::or_default")]
    pub response_id: String,
}
