//! Events the server sends.
//!
//! To add one: its struct in the file of its family, one entry in the list in `list.rs`, a fixture in
//! `fixtures/events/server`.

mod conversation;
mod error;
mod input_audio_buffer;
pub(crate) mod list;
mod mcp;
mod output_audio_buffer;
mod rate_limits;
mod response;
mod response_content;
mod response_function;
mod session;
mod transcription;
mod translation;

pub use self::conversation::{
    Conversation, ConversationCreated, ConversationItemAdded, ConversationItemCreated,
    ConversationItemDeleted, ConversationItemDone, ConversationItemRetrieved, ConversationItemTruncated,
};
pub use self::error::{ErrorDetails, ErrorEvent};
pub use self::input_audio_buffer::{
    InputAudioBufferCleared, InputAudioBufferCommitted, InputAudioBufferDtmfEventReceived,
    InputAudioBufferSpeechStarted, InputAudioBufferSpeechStopped, InputAudioBufferTimeoutTriggered,
};
pub use self::mcp::{
    McpListToolsCompleted, McpListToolsFailed, McpListToolsInProgress, ResponseMcpCallArgumentsDelta,
    ResponseMcpCallArgumentsDone, ResponseMcpCallCompleted, ResponseMcpCallFailed, ResponseMcpCallInProgress,
};
pub use self::output_audio_buffer::{
    OutputAudioBufferCleared, OutputAudioBufferStarted, OutputAudioBufferStopped,
};
pub use self::rate_limits::{RateLimit, RateLimitsUpdated};
pub use self::response::{ResponseCreated, ResponseDone, ResponseOutputItemAdded, ResponseOutputItemDone};
pub use self::response_content::{
    ResponseContentPartAdded, ResponseContentPartDone, ResponseOutputAudioDelta, ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta, ResponseOutputAudioTranscriptDone, ResponseOutputTextDelta,
    ResponseOutputTextDone,
};
pub use self::response_function::{ResponseFunctionCallArgumentsDelta, ResponseFunctionCallArgumentsDone};
pub use self::session::{SessionClosed, SessionCreated, SessionUpdated};
pub use self::transcription::{
    ConversationItemInputAudioTranscriptionCompleted, ConversationItemInputAudioTranscriptionDelta,
    ConversationItemInputAudioTranscriptionFailed, ConversationItemInputAudioTranscriptionSegment, LogProb,
    TranscriptionError, TranscriptionLanguage,
};
pub use self::translation::{
    SessionInputTranscriptDelta, SessionOutputAudioDelta, SessionOutputTranscriptDelta,
};
