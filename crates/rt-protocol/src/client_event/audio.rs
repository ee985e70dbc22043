//! Audio buffers.

use serde::{Deserialize, Serialize};

use crate::field;
use crate::{AudioBytes, Field};

/// `input_audio_buffer.append`: append audio to the input buffer: at most 15 MiB. There is no answer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct InputAudioBufferAppend {
    /// An id of the client's choice, at most 512 characters; an `error` refers to it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub event_id: Field<String>,
    /// The audio, in the session's input format.
    #[serde(default, deserialize_with = "field::or_default")]
    pub audio: AudioBytes,
}

impl InputAudioBufferAppend {
    /// Appends this audio, in the session's input format: at most 15 MiB.
    #[must_use]
    pub fn new(audio: impl Into<AudioBytes>) -> Self {
        Self {
            audio: audio.into(),
            ..Self::default()
        }
    }
}

/// `input_audio_buffer.commit`: make the buffer an item of the user. Answered by `input_audio_buffer.committed`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct InputAudioBufferCommit {
    /// An id of the client's choice, at most 512 characters; an `error` refers to it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub event_id: Field<String>,
}

/// `input_audio_buffer.clear`: empty the buffer. Answered by `input_audio_buffer.cleared`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct InputAudioBufferClear {
    /// An id of the client's choice, at most 512 characters; an `error` refers to it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub event_id: Field<String>,
}

/// `output_audio_buffer.clear`: stop playing and cancel the response (WebRTC and SIP only; a WebSocket server refuses it).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OutputAudioBufferClear {
    /// An id of the client's choice, at most 512 characters; an `error` refers to it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub event_id: Field<String>,
}

/// `session.input_audio_buffer.append`: append audio to a translation session: PCM16 at 24 kHz, best in pieces of 200 ms, silence included.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SessionInputAudioBufferAppend {
    /// An id of the client's choice, at most 512 characters; an `error` refers to it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub event_id: Field<String>,
    /// The audio.
    #[serde(default, deserialize_with = "field::or_default")]
    pub audio: AudioBytes,
}

impl SessionInputAudioBufferAppend {
    /// Appends this audio: PCM16 at 24 kHz.
    #[must_use]
    pub fn new(audio: impl Into<AudioBytes>) -> Self {
        Self {
            audio: audio.into(),
            ..Self::default()
        }
    }
}
