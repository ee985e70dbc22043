//! What became of the parts of a conversation: the vocabulary of the restore report.

use std::fmt;

use rt_protocol::Text;
use rt_protocol::response::Metadata;

pub(crate) use crate::fate::DiscardReason;

/// An item that the new session does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LostItem {
    /// Its id.
    pub id: String,
    /// Why.
    pub reason: LostReason,
}

impl LostItem {
    pub(crate) fn new(id: impl Into<String>, reason: LostReason) -> Self {
        Self {
            id: id.into(),
            reason,
        }
    }
}

/// Why an item was not restored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LostReason {
    /// It did not fit the bounds of the [`RestorePolicy`](crate::restore::RestorePolicy), and no summarizer took it.
    Bounds,
    /// It fell out of the bounds and is part of the summary.
    Summarized,
    /// Audio of the user of which there is no transcript, and which was not kept.
    NoTranscript,
    /// Nothing of it was heard.
    NotHeard,
    /// The connection was lost before it was whole.
    Incomplete,
    /// The output of a function call that is not known.
    NoCall,
    /// A kind of item that cannot be given to a session.
    Unsupported,
    /// The server refused it, with this code or kind.
    Rejected(String),
}

impl fmt::Display for LostReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bounds => "beyond the bounds of the restore",
            Self::Summarized => "beyond the bounds of the restore, and part of the summary",
            Self::NoTranscript => "audio without a transcript",
            Self::NotHeard => "not heard by the user",
            Self::Incomplete => "not whole when the connection was lost",
            Self::NoCall => "the output of an unknown call",
            Self::Unsupported => "a kind of item that cannot be restored",
            Self::Rejected(code) => return write!(f, "refused by the server: {code}"),
        })
    }
}

/// A response that ended with the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettledResponse {
    /// The server's id; none if it was requested and not created.
    pub response_id: Option<String>,
    /// The `event_id` of the `response.create` that asked for it; none if the server started it by itself.
    pub request_id: Option<String>,
    /// The metadata of the request.
    pub metadata: Metadata,
    /// Whether it belongs to no conversation.
    pub out_of_band: bool,
    /// How it ended.
    pub outcome: SettledOutcome,
    /// Ids of the items it had made.
    pub items: Vec<String>,
    /// What of it counts as heard, or read.
    pub heard: Text,
    /// Milliseconds of audio that were received.
    pub received_ms: u64,
    /// Milliseconds of audio that count as played.
    pub played_ms: u64,
}

/// How a response ended that the connection took with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SettledOutcome {
    /// It was under way. What was heard of it stays in the conversation; it is not repeated.
    Interrupted,
    /// It was out of band, and is not repeated.
    Failed,
    /// It was out of band and marked as repeatable: it is requested again.
    Repeated,
}

/// What becomes of a command that was written and not answered when its connection was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Fate {
    /// What it asked for is part of what the new session is told, or went away with the old one.
    Superseded,
    /// It is not done again.
    Discarded(DiscardReason),
}
