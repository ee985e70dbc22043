//! [`State`]: where a connection is, as its user sees it.

/// Where a connection is.
///
/// ```text
/// Idle -> Connecting -> Connected <-> Reconnecting
///              |            |              |
///              +---------> Closing <-------+      close() with a connection, or `session.closed`
///              |            |              |
///              +---------> Closed <--------+      fatal cause, or retries used up; close() without a connection
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Nothing has been started.
    Idle,
    /// The first session is being opened (retries and their waits included).
    Connecting,
    /// A session is open: `session.created` has arrived and, after a loss or with a snapshot, the session has been told what the last one knew.
    Connected,
    /// There was a session; another is being opened, or told what the last one knew.
    Reconnecting,
    /// `close` was called, or the server said that the session is closed: what was accepted before a `close` is being written,
    /// then the closing handshake runs. Without a connection there is nothing of this, and `Closed` comes at once.
    Closing,
    /// The end. There is no way back; make a new connection.
    Closed,
}

impl State {
    /// Whether this is the end.
    #[must_use]
    pub fn is_closed(self) -> bool {
        self == Self::Closed
    }
}
