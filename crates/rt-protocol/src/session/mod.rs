//! Sessions: what `session.update` sets and `session.created` and `session.updated` report.
//!
//! Three kinds of session share the event names; [`Session`] tells them apart by `type`. One struct per kind
//! serves both directions: the fields that only the server writes (`id`, `object`, `expires_at`) stay absent
//! in a request. [`Session`], [`RealtimeSession`], [`Tool`] and [`TurnDetection`] are at the root of the crate, the rest
//! is here.
//!
//! ```
//! use rt_protocol::{RealtimeSession, Session, session::{FunctionTool, ServerVad, Transcription, VoiceName}};
//!
//! let session = RealtimeSession::new()
//!     .instructions("You answer the phone of a flower shop.")
//!     .voice(VoiceName::Marin)
//!     .transcription(Transcription::new("gpt-transcribe"))
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
//!                 "transcription": {"model": "gpt-transcribe"},
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
pub(crate) mod kinds;
mod merge;
mod options;
pub(crate) mod realtime;
pub(crate) mod tool;
mod tool_choice;
pub(crate) mod turn_detection;

use serde::{Deserialize, Serialize};

pub use self::audio::{
    AudioFormat, AudioFormatKind, AudioInput, AudioOutput, CustomVoice, NoiseReduction, NoiseReductionKind,
    SessionAudio, Transcription, TranscriptionDelay, Voice, VoiceName,
};
pub use self::kind::SessionKind;
pub(crate) use self::kind::Untyped;
pub(crate) use self::kinds::Session;
pub use self::options::{
    Include, MaxOutputTokens, Modality, Prompt, Reasoning, ReasoningEffort, RetentionRatio, TokenLimit,
    TokenLimits, Tracing, TracingConfig, TracingMode, Truncation, TruncationMode,
};
pub(crate) use self::realtime::RealtimeSession;
pub(crate) use self::tool::Tool;
pub use self::tool::{
    AllowedTools, ApprovalFilter, ApprovalMode, FunctionTool, McpTool, McpToolFilter, RequireApproval,
};
pub use self::tool_choice::{ToolChoice, ToolChoiceMode, ToolChoiceTool};
pub(crate) use self::turn_detection::TurnDetection;
pub use self::turn_detection::{Eagerness, SemanticVad, ServerVad};
use crate::Field;
use crate::field;

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
