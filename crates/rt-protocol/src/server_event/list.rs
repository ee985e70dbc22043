//! [`ServerEvent`]: the list of its events.

use super::{
    ConversationCreated, ConversationItemAdded, ConversationItemCreated, ConversationItemDeleted,
    ConversationItemDone, ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionDelta, ConversationItemInputAudioTranscriptionFailed,
    ConversationItemInputAudioTranscriptionSegment, ConversationItemRetrieved, ConversationItemTruncated,
    ErrorEvent, InputAudioBufferCleared, InputAudioBufferCommitted, InputAudioBufferDtmfEventReceived,
    InputAudioBufferSpeechStarted, InputAudioBufferSpeechStopped, InputAudioBufferTimeoutTriggered,
    McpListToolsCompleted, McpListToolsFailed, McpListToolsInProgress, OutputAudioBufferCleared,
    OutputAudioBufferStarted, OutputAudioBufferStopped, RateLimitsUpdated, ResponseContentPartAdded,
    ResponseContentPartDone, ResponseCreated, ResponseDone, ResponseFunctionCallArgumentsDelta,
    ResponseFunctionCallArgumentsDone, ResponseMcpCallArgumentsDelta, ResponseMcpCallArgumentsDone,
    ResponseMcpCallCompleted, ResponseMcpCallFailed, ResponseMcpCallInProgress, ResponseOutputAudioDelta,
    ResponseOutputAudioDone, ResponseOutputAudioTranscriptDelta, ResponseOutputAudioTranscriptDone,
    ResponseOutputItemAdded, ResponseOutputItemDone, ResponseOutputTextDelta, ResponseOutputTextDone,
    SessionClosed, SessionCreated, SessionInputTranscriptDelta, SessionOutputAudioDelta,
    SessionOutputTranscriptDelta, SessionUpdated,
};
use crate::events::event_enum;

event_enum! {
    /// An event from the server.
    ///
    /// ```
    /// use rt_protocol::ServerEvent;
    /// let json = r#"{"type":"input_audio_buffer.cleared","event_id":"event_1"}"#;
    /// let event = ServerEvent::from_json(json)?;
    /// assert!(matches!(event, ServerEvent::InputAudioBufferCleared(_)));
    /// assert_eq!(event.event_id(), Some("event_1"));
    ///
    /// let future = ServerEvent::from_json(r#"{"type":"session.hummed","tune":7}"#)?;
    /// assert_eq!(future.event_type(), "session.hummed");
    /// # Ok::<(), rt_protocol::DecodeError>(())
    /// ```
    pub enum ServerEvent, fast path crate::flat::delta_event {
        /// The session is there: always the first event of a connection.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/session/created)
        SessionCreated(Box<SessionCreated>) = "session.created",
        /// A `session.update` took effect.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/session/updated)
        SessionUpdated(Box<SessionUpdated>) = "session.updated",
        /// A translation session ended; the socket closes next.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/session/closed)
        SessionClosed(SessionClosed) = "session.closed",
        /// A request was wrong or something failed. The session goes on unless a close follows.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/error)
        Error(Box<ErrorEvent>) = "error",
        /// A conversation was made.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/conversation/created)
        ConversationCreated(ConversationCreated) = "conversation.created",
        /// An item was added, as older servers say it.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/conversation/item/created)
        ConversationItemCreated(Box<ConversationItemCreated>) = "conversation.item.created",
        /// An item was added to the conversation; it may still grow.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/conversation/item/added)
        ConversationItemAdded(Box<ConversationItemAdded>) = "conversation.item.added",
        /// An item of the conversation is whole.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/conversation/item/done)
        ConversationItemDone(Box<ConversationItemDone>) = "conversation.item.done",
        /// The answer to `conversation.item.retrieve`, audio included.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/conversation/item/retrieved)
        ConversationItemRetrieved(Box<ConversationItemRetrieved>) = "conversation.item.retrieved",
        /// An item was deleted.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/conversation/item/deleted)
        ConversationItemDeleted(ConversationItemDeleted) = "conversation.item.deleted",
        /// Audio of the model was cut to what the user heard; its transcript is gone.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/conversation/item/truncated)
        ConversationItemTruncated(ConversationItemTruncated) = "conversation.item.truncated",
        /// More text of what the user said.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/conversation/item/input_audio_transcription/delta)
        ConversationItemInputAudioTranscriptionDelta(ConversationItemInputAudioTranscriptionDelta) = "conversation.item.input_audio_transcription.delta",
        /// A piece of a diarised transcription.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/conversation/item/input_audio_transcription/segment)
        ConversationItemInputAudioTranscriptionSegment(ConversationItemInputAudioTranscriptionSegment) = "conversation.item.input_audio_transcription.segment",
        /// What the user said, whole. It may come before or after the response.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/conversation/item/input_audio_transcription/completed)
        ConversationItemInputAudioTranscriptionCompleted(Box<ConversationItemInputAudioTranscriptionCompleted>) = "conversation.item.input_audio_transcription.completed",
        /// The transcription failed; the audio itself is not affected.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/conversation/item/input_audio_transcription/failed)
        ConversationItemInputAudioTranscriptionFailed(Box<ConversationItemInputAudioTranscriptionFailed>) = "conversation.item.input_audio_transcription.failed",
        /// The audio buffer became an item of the user.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/input_audio_buffer/committed)
        InputAudioBufferCommitted(InputAudioBufferCommitted) = "input_audio_buffer.committed",
        /// The audio buffer is empty.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/input_audio_buffer/cleared)
        InputAudioBufferCleared(InputAudioBufferCleared) = "input_audio_buffer.cleared",
        /// The service hears speech.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/input_audio_buffer/speech_started)
        InputAudioBufferSpeechStarted(InputAudioBufferSpeechStarted) = "input_audio_buffer.speech_started",
        /// The speech is over.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/input_audio_buffer/speech_stopped)
        InputAudioBufferSpeechStopped(InputAudioBufferSpeechStopped) = "input_audio_buffer.speech_stopped",
        /// The user was silent for `idle_timeout_ms`: the model answers unasked.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/input_audio_buffer/timeout_triggered)
        InputAudioBufferTimeoutTriggered(InputAudioBufferTimeoutTriggered) = "input_audio_buffer.timeout_triggered",
        /// A key of a telephone was pressed (SIP only).
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/input_audio_buffer/dtmf_event_received)
        InputAudioBufferDtmfEventReceived(InputAudioBufferDtmfEventReceived) = "input_audio_buffer.dtmf_event_received",
        /// Audio of a response began to play (WebRTC and SIP only).
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/output_audio_buffer/started)
        OutputAudioBufferStarted(OutputAudioBufferStarted) = "output_audio_buffer.started",
        /// Audio of a response was played out (WebRTC and SIP only).
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/output_audio_buffer/stopped)
        OutputAudioBufferStopped(OutputAudioBufferStopped) = "output_audio_buffer.stopped",
        /// Audio of a response was thrown away (WebRTC and SIP only).
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/output_audio_buffer/cleared)
        OutputAudioBufferCleared(OutputAudioBufferCleared) = "output_audio_buffer.cleared",
        /// A response was begun.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/response/created)
        ResponseCreated(Box<ResponseCreated>) = "response.created",
        /// A response ended, in whatever way: always its last event.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/response/done)
        ResponseDone(Box<ResponseDone>) = "response.done",
        /// A response has a new item.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/response/output_item/added)
        ResponseOutputItemAdded(Box<ResponseOutputItemAdded>) = "response.output_item.added",
        /// An item of a response is whole, or ended early.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/response/output_item/done)
        ResponseOutputItemDone(Box<ResponseOutputItemDone>) = "response.output_item.done",
        /// An item of a response has a new part.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/response/content_part/added)
        ResponseContentPartAdded(Box<ResponseContentPartAdded>) = "response.content_part.added",
        /// A part of an item is whole, or ended early.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/response/content_part/done)
        ResponseContentPartDone(Box<ResponseContentPartDone>) = "response.content_part.done",
        /// More text of the model.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/response/output_text/delta)
        ResponseOutputTextDelta(ResponseOutputTextDelta) = "response.output_text.delta",
        /// The text of a part is whole.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/response/output_text/done)
        ResponseOutputTextDone(ResponseOutputTextDone) = "response.output_text.done",
        /// More audio of the model.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/response/output_audio/delta)
        ResponseOutputAudioDelta(ResponseOutputAudioDelta) = "response.output_audio.delta",
        /// The audio of a part is whole.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/response/output_audio/done)
        ResponseOutputAudioDone(ResponseOutputAudioDone) = "response.output_audio.done",
        /// More transcript of the model's audio.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/response/output_audio_transcript/delta)
        ResponseOutputAudioTranscriptDelta(ResponseOutputAudioTranscriptDelta) = "response.output_audio_transcript.delta",
        /// The transcript of a part is whole.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/response/output_audio_transcript/done)
        ResponseOutputAudioTranscriptDone(ResponseOutputAudioTranscriptDone) = "response.output_audio_transcript.done",
        /// More of the arguments of a function call.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/response/function_call_arguments/delta)
        ResponseFunctionCallArgumentsDelta(ResponseFunctionCallArgumentsDelta) = "response.function_call_arguments.delta",
        /// The arguments of a function call are whole.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/response/function_call_arguments/done)
        ResponseFunctionCallArgumentsDone(ResponseFunctionCallArgumentsDone) = "response.function_call_arguments.done",
        /// The tools of an MCP server are being listed.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/mcp_list_tools/in_progress)
        McpListToolsInProgress(McpListToolsInProgress) = "mcp_list_tools.in_progress",
        /// The tools of an MCP server are listed.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/mcp_list_tools/completed)
        McpListToolsCompleted(McpListToolsCompleted) = "mcp_list_tools.completed",
        /// The tools of an MCP server could not be listed.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/mcp_list_tools/failed)
        McpListToolsFailed(McpListToolsFailed) = "mcp_list_tools.failed",
        /// More of the arguments of an MCP call.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/response/mcp_call_arguments/delta)
        ResponseMcpCallArgumentsDelta(ResponseMcpCallArgumentsDelta) = "response.mcp_call_arguments.delta",
        /// The arguments of an MCP call are whole.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/response/mcp_call_arguments/done)
        ResponseMcpCallArgumentsDone(ResponseMcpCallArgumentsDone) = "response.mcp_call_arguments.done",
        /// An MCP call is running.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/response/mcp_call/in_progress)
        ResponseMcpCallInProgress(ResponseMcpCallInProgress) = "response.mcp_call.in_progress",
        /// An MCP call succeeded. It may come after `response.done`.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/response/mcp_call/completed)
        ResponseMcpCallCompleted(ResponseMcpCallCompleted) = "response.mcp_call.completed",
        /// An MCP call failed.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/response/mcp_call/failed)
        ResponseMcpCallFailed(ResponseMcpCallFailed) = "response.mcp_call.failed",
        /// How much of the rate limits is left. On GA it comes after `response.done`.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/rate_limits/updated)
        RateLimitsUpdated(RateLimitsUpdated) = "rate_limits.updated",
        /// More of what was said, in its own language.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/session/input_transcript/delta)
        SessionInputTranscriptDelta(SessionInputTranscriptDelta) = "session.input_transcript.delta",
        /// More of the translation as text.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/session/output_transcript/delta)
        SessionOutputTranscriptDelta(SessionOutputTranscriptDelta) = "session.output_transcript.delta",
        /// More of the translation as audio.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-server-events/session/output_audio/delta)
        SessionOutputAudioDelta(SessionOutputAudioDelta) = "session.output_audio.delta",
    }
}

impl ServerEvent {
    /// The event as JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        match self {
            Self::Unknown(event) => event.raw.clone(),
            event => crate::events::to_json(event),
        }
    }
}
