//! What is in the [`Event`]s of a session: pieces of audio, steps of turns, times.

use std::sync::Arc;
use std::time::Duration;

use rt_lowlevel::State;
use rt_lowlevel::event::Restored;
use rt_protocol::{Pcm16, ServerEvent, Text};

use crate::error::Error;
use crate::guardrail::Blocked;
use crate::history::HistoryChange;
use crate::reply::ReplyStatus;
use crate::tool::{McpApproval, ToolCall};
use crate::transcript::{Line, Transcript};
use crate::usage::{BudgetState, UsageReport};

/// Something that happened in a session.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// The connection opened, was lost, or is back.
    State(State),
    /// An event of the server, before what follows from it.
    Server(Arc<ServerEvent>),
    /// Audio of the model.
    Audio(Audio),
    /// A piece of what was said, or all of one part.
    Transcript(Transcript),
    /// What one side said in its turn, whole; lines come in the order of the conversation.
    Line(Line),
    /// A step in taking turns.
    Turn(Turn),
    /// The model calls a function that no [`Function`](crate::tool::Function) runs. Answer it with
    /// [`Session::answer_tool`](crate::Session::answer_tool).
    ToolCall(ToolCall),
    /// A function is not run before [`Session::approve_tool`](crate::Session::approve_tool) says so.
    ApprovalWanted(ToolCall),
    /// The service does not call a tool of a remote MCP server before
    /// [`Session::approve_mcp`](crate::Session::approve_mcp) says so.
    McpApprovalWanted(McpApproval),
    /// The history changed.
    HistoryUpdated(HistoryChange),
    /// A guardrail blocked a reply.
    Blocked(Blocked),
    /// Tokens were used.
    Usage(Box<UsageReport>),
    /// The budget is nearly used up, or used up.
    Budget(BudgetState),
    /// How long something took.
    Latency(Latency),
    /// A new session knows what the last one knew, as far as the report says: after a reconnect, or before the service would
    /// have ended the last one.
    Restored(Arc<Restored>),
    /// Something failed. Unless it is followed by the closed state, the session goes on.
    Error(Error),
}

/// A piece of the model's audio, whole samples.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Audio {
    /// The response. All its pieces share the string: a copy costs no memory.
    pub response_id: Arc<str>,
    /// The item, shared likewise; empty in a translation.
    pub item_id: Arc<str>,
    /// PCM16 at 24 kHz.
    pub audio: Pcm16,
}

/// A step in taking turns.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Turn {
    /// The server hears the user speak.
    UserStarted {
        /// The item it will become.
        item_id: String,
        /// Where, in the audio sent in this connection.
        at: Duration,
    },
    /// The user stopped.
    UserStopped {
        /// The item it becomes.
        item_id: String,
        /// Where, in the audio sent in this connection.
        at: Duration,
    },
    /// What the user said is an item of the conversation.
    UserCommitted {
        /// The item.
        item_id: String,
    },
    /// The user was silent for as long as the session's idle timeout: the model speaks unasked.
    IdleTimeout {
        /// The item of silence.
        item_id: String,
    },
    /// A response began.
    ReplyStarted {
        /// The response.
        response_id: String,
    },
    /// A response is over; it may still be playing.
    ReplyEnded {
        /// The response.
        response_id: String,
        /// How it ended.
        status: ReplyStatus,
        /// How long it took to begin.
        timing: Timing,
    },
    /// The model wrote though it should speak: its reply was taken back, and asked for again.
    ReplyRepeated {
        /// The response in writing.
        response_id: String,
    },
    /// The model was interrupted: what was not heard is gone from the sink, the history and the server.
    Interrupted {
        /// The item that was playing, or the first that was cut if nothing of any was heard; `None` if there was none yet.
        item_id: Option<String>,
        /// How much of it was heard. In a call, whose audio the server plays, this and the words are by the clock; the history is
        /// corrected when the server says where it cut.
        heard: Duration,
        /// Its words that were heard.
        text: Text,
    },
}

/// How long something took.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Latency {
    /// The first audio of a response has come, or the first text of one in writing.
    FirstOutput {
        /// The response.
        response_id: String,
        /// How long it took.
        timing: Timing,
    },
    /// A function returned, or its call was answered.
    Tool {
        /// The call.
        call_id: String,
        /// From the call, or from its approval if it needed one, to the result.
        took: Duration,
        /// Whether it failed, or took too long.
        failed: bool,
    },
}

/// How long it took until the first output of a response came: audio, or text if it answers in writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Timing {
    /// Since the user stopped speaking, if it is what the user waited for: over calls of functions, if there were any
    /// before it. That is since the audio in which the user stopped was sent, so the silence by which `server_vad` notices is
    /// a part of it. With `semantic_vad`, which waits for no fixed time, it is since the end of the turn's audio was sent.
    /// After a reconnect, in a call, and of a turn that is more than 4096 messages of audio back, nobody here knows when that
    /// was, and it is since the server said so. With turns that are ended by hand, it is since the commit.
    pub after_speech: Option<Duration>,
    /// The part of `after_speech` in which functions ran.
    pub in_tools: Duration,
    /// Since `response.create` was sent, if the session asked for it.
    pub after_request: Option<Duration>,
    /// Since `response.created`. `None` if no output came.
    pub after_created: Option<Duration>,
}
