//! What is in a [`ConnectionEvent`]: sessions that open and end, retries, restores.

pub(crate) mod connection;

use std::time::Duration;

pub(crate) use self::connection::ConnectionEvent;
use crate::error::Error;
use crate::mirror::LostItem;

/// A session is open.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Opened {
    /// 1 for the first session of the connection, one more for each later one: the server starts each from nothing.
    pub epoch: u64,
    /// The server's id of the session.
    pub session_id: Option<String>,
    /// When the server will end the session: seconds since 1970.
    pub expires_at: Option<u64>,
    /// How many connects it took since the last good connection.
    pub attempts: u32,
    /// What the server said about the request.
    pub handshake: Handshake,
}

/// What a new session was told, and what was lost.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Restored {
    /// The session, as in [`Opened::epoch`].
    pub epoch: u64,
    /// Why there is a new session.
    pub cause: RestoreCause,
    /// How long there was no session that could be used.
    pub downtime: Duration,
    /// Items that the new session has been given, each under its old id.
    pub restored: usize,
    /// How many of them had audio, and are text now.
    pub text_only: usize,
    /// Items that the new session does not know, and why.
    pub lost: Vec<LostItem>,
    /// Further items that it does not know, which fell out of the bounds too long ago to be listed.
    pub lost_unlisted: u64,
    /// Whether the session took the settings. `false`: it has those it began with.
    pub settings: bool,
    /// Responses that ended with the connection; each was told by [`ConnectionEvent::Interrupted`].
    pub settled: u64,
    /// Input audio that is sent again because the last session did not make an item of it.
    pub replayed: Duration,
    /// Speech that no longer fit what is kept of the input.
    pub lost_audio: Duration,
    /// Commands that were discarded since the last session was lost; each was told by [`ConnectionEvent::Settled`].
    pub discarded: u64,
}

/// Why there is a new session.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RestoreCause {
    /// The last connection was lost.
    ConnectionLost(Error),
    /// The last session was about to end, or old enough.
    Rollover,
    /// [`Handle::restart`](crate::Handle::restart) was called.
    Restart,
    /// The connection began with a [`Snapshot`](crate::restore::Snapshot).
    Resumed,
}

/// What the server said about the request in the headers of its answer; good to have in a support request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Handshake {
    /// `x-request-id`, `apim-request-id` or `x-ms-request-id`.
    pub request_id: Option<String>,
    /// `x-ms-region`.
    pub region: Option<String>,
    /// `openai-processing-ms`.
    pub processing: Option<Duration>,
}

/// No event was taken for a while although more are waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlowConsumer {
    /// For how long.
    pub stalled: Duration,
}

/// Audio of the model that was dropped, because no events were taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AudioGap {
    /// How many events with audio in them.
    pub events: u64,
    /// Bytes of audio, in the session's output format.
    pub bytes: u64,
}

/// The connection failed and will be tried again.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Retrying {
    /// Which connect comes next, counted since the last good connection.
    pub attempt: u32,
    /// The wait before it.
    pub delay: Duration,
    /// What failed.
    pub cause: Error,
}

/// The end of a connection.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Closed {
    /// Who ended it.
    pub by: CloseInitiator,
    /// Why, unless it is what the caller asked for.
    pub error: Option<Error>,
    /// Messages that were accepted and never written.
    pub unsent: usize,
    /// Whether all accepted messages were written and the peer finished the closing handshake, or had said `session.closed`.
    /// After the latter, commands of which nothing proves that they were read are `Discarded` all the same.
    pub clean: bool,
}

/// Who ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseInitiator {
    /// The caller: `close`, a `session.close` that was written, or the [`Connection`](crate::Connection) was dropped.
    Us,
    /// The server: it refused, or sent an error, a close, or a `session.closed` that was not asked for.
    Peer,
    /// Neither: the network, or nobody answered.
    Transport,
}
