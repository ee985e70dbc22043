//! The conversation as items: what [`Session::history`](crate::Session::history) returns.

use std::time::Duration;

use rt_protocol::Text;

use crate::transcript::Speaker;

/// One item of the conversation, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryItem {
    /// The item's id.
    pub id: String,
    /// What it is.
    pub kind: HistoryKind,
    /// What was said, written, passed to a tool or returned by it. Of an item that was cut, only what was heard.
    pub text: Text,
    /// How far the text is.
    pub state: HistoryState,
    /// How much of its audio was heard, if playback of it was cut short.
    pub heard: Option<Duration>,
}

/// What an item of the history is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HistoryKind {
    /// The user or the model spoke or wrote.
    Message(Speaker),
    /// Instructions of the application.
    System,
    /// The model calls a function.
    Call {
        /// The function.
        name: String,
        /// The id its output refers to.
        call_id: String,
    },
    /// What a function returned.
    CallOutput {
        /// The call.
        call_id: String,
    },
    /// Something else, such as a list of MCP tools.
    Other,
}

/// How far the text of an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HistoryState {
    /// The item is there, and its text is not known yet.
    Pending,
    /// More text will come.
    Partial,
    /// The text is whole.
    Final,
    /// There will be no text: it was not transcribed.
    Silent,
}

/// What changed in the history.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HistoryChange {
    /// An item is new.
    Added {
        /// The item before it; `None` at the start.
        after: Option<String>,
        /// The item.
        item: HistoryItem,
    },
    /// An item is not as it was. Not told of each piece of text: those are [`Transcript`](crate::Transcript)s.
    Changed(HistoryItem),
    /// An item was deleted.
    Removed(String),
}
