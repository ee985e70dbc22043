//! Sessions: what `session.update` sets and `session.created` and `session.updated` report.
//!
//! Three kinds of session share the event names; [`Session`] tells them apart by `type`. One struct per kind
//! serves both directions: the fields that only the server writes (`id`, `object`, `expires_at`) stay absent
//! in a request.
//!
//! ```
//! use rt_protocol::session::{FunctionTool, RealtimeSession, ServerVad, Session, Transcription, VoiceName};
//!
//! let session = RealtimeSession::new()
//!     .instructions("You answer the phone of a flower shop.")
//!     .voice(VoiceName::Marin)
//!     .transcription(Transcription::new("gpt-4o-transcribe"))
//!     .server_vad(ServerVad::new().silence_duration_ms(300))
//!     .tool(FunctionTool::new("price").description("The price of a flower."));
//! assert_eq!(
//!     serde_json::to_value(Session::from(session))?,
//!     serde_json::json!({
//!         "type": "realtime",
//!         "instructions": "You answer the phone of a flower shop.",
//!         "tools": [{"type": "function", "name": "price", "description": "The price of a flower."}],
//!         "audio": {
//!             "input": {
//!                 "transcription": {"model": "gpt-4o-transcribe"},
//!                 "turn_detection": {"type": "server_vad", "silence_duration_ms": 300},
//!             },
//!             "output": {"voice": "marin"},
//!         },
//!     }),
//! );
//! # Ok::<(), serde_json::Error>(())
//! ```

mod audio;
mod build;
mod kind;
mod merge;
mod options;
mod tool;
mod turn_detection;

use serde::{Deserialize, Deserializer, Serialize};

pub use self::audio::{
    AudioFormat, AudioFormatKind, AudioInput, AudioOutput, CustomVoice, NoiseReduction, NoiseReductionKind,
    SessionAudio, Transcription, TranscriptionDelay, Voice, VoiceName,
};
pub use self::kind::SessionKind;
pub(crate) use self::kind::Untyped;
pub use self::options::{
    Include, MaxOutputTokens, Modality, Prompt, Reasoning, ReasoningEffort, RetentionRatio, TokenLimit,
    TokenLimits, Tracing, TracingConfig, TracingMode, Truncation, TruncationMode,
};
pub use self::tool::{
    AllowedTools, ApprovalFilter, ApprovalMode, FunctionTool, McpTool, McpToolFilter, RequireApproval, Tool,
    ToolChoice, ToolChoiceMode, ToolChoiceTool,
};
pub use self::turn_detection::{Eagerness, SemanticVad, ServerVad, TurnDetection};
use crate::field;
use crate::tagged::{self, Fields, Tagged};
use crate::{Field, RawObject, Text};

/// A session of any kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type")]
#[non_exhaustive]
pub enum Session {
    /// A conversation with a model.
    #[serde(rename = "realtime")]
    Realtime(Box<RealtimeSession>),
    /// Speech to text only.
    #[serde(rename = "transcription")]
    Transcription(Box<TranscriptionSession>),
    /// Speech in one language to speech in another.
    #[serde(rename = "translation")]
    Translation(Box<TranslationSession>),
    /// A kind this version does not know, or a beta session, which has no `type`.
    #[serde(untagged)]
    Unknown(RawObject),
}

impl Session {
    /// The session's id, which only the server gives.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Realtime(session) => session.id.as_deref(),
            Self::Transcription(session) => session.id.as_deref(),
            Self::Translation(session) => session.id.as_deref(),
            Self::Unknown(raw) => raw.0.get("id")?.as_str(),
        }
    }

    /// When the server will end the session, in seconds since 1970.
    #[must_use]
    pub fn expires_at(&self) -> Option<u64> {
        match self {
            Self::Realtime(session) => session.expires_at.value().copied(),
            Self::Transcription(session) => session.expires_at.value().copied(),
            Self::Translation(session) => session.expires_at.value().copied(),
            Self::Unknown(raw) => raw.0.get("expires_at")?.as_u64(),
        }
    }
}

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

/// Speech to text: `"type": "transcription"`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TranscriptionSession {
    /// The session's id. Only the server writes it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub id: Field<String>,
    /// Always `realtime.transcription_session`. Only the server writes it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub object: Field<String>,
    /// When the session ends, in seconds since 1970. Only the server writes it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub expires_at: Field<u64>,
    /// Audio in; the model is `audio.input.transcription.model`.
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

/// Speech to speech in another language: `"type": "translation"`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TranslationSession {
    /// The session's id. Only the server writes it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub id: Field<String>,
    /// The object's kind. Only the server writes it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub object: Field<String>,
    /// The model, such as `gpt-realtime-translate`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub model: Field<String>,
    /// When the session ends, in seconds since 1970. Only the server writes it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub expires_at: Field<u64>,
    /// Audio in, and the language of the audio out.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub audio: Field<SessionAudio>,
}

impl From<RealtimeSession> for Session {
    fn from(session: RealtimeSession) -> Self {
        Self::Realtime(Box::new(session))
    }
}

impl From<TranscriptionSession> for Session {
    fn from(session: TranscriptionSession) -> Self {
        Self::Transcription(Box::new(session))
    }
}

impl From<TranslationSession> for Session {
    fn from(session: TranslationSession) -> Self {
        Self::Translation(Box::new(session))
    }
}

impl Default for Session {
    fn default() -> Self {
        RealtimeSession::default().into()
    }
}

impl<'de> Tagged<'de> for Session {
    const EXPECTED: &'static str = "a session object";

    fn variant<A: serde::de::MapAccess<'de>>(
        tag: Option<&str>,
        fields: Fields<'de, A>,
    ) -> Result<Self, A::Error> {
        match tag {
            Some("realtime") => fields.read().map(Self::Realtime),
            Some("transcription") => fields.read().map(Self::Transcription),
            Some("translation") => fields.read().map(Self::Translation),
            _ => fields.raw().map(Self::Unknown),
        }
    }
}

impl<'de> Deserialize<'de> for Session {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        tagged::deserialize(deserializer)
    }
}
