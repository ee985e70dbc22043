//! [`Entry`]: one thing that happened.

use std::time::Duration;

use super::Message;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// The number of the connection, from 1.
    pub connection: u64,
    /// When it happened, since the emulator started.
    pub at: Duration,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum What {
    /// A request came: its path, with the names of its query (and the values of `model`, `deployment` and `intent`),
    /// and the names of its headers.
    Request {
        /// The path.
        path: String,
        /// The names of the headers.
        headers: Vec<String>,
    },
    /// The handshake was answered.
    Answered {
        /// The HTTP status.
        status: u16,
    },
    /// A message came in.
    Received(Message),
    /// A message went out.
    Sent(Message),
    /// The client sent a Ping or a Pong.
    Heartbeat,
    /// A Close frame came in.
    CloseReceived {
        /// Its code, if it had one.
        code: Option<u16>,
    },
    /// A Close frame went out.
    CloseSent {
        /// Its code.
        code: u16,
        /// Its reason.
        reason: String,
    },
    /// The connection is over.
    Ended,
}
