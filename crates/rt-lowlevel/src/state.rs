//! [`State`]: where a connection is, as its user sees it.

/// Where a connection is.
///
/// ```text
/// Idle -> Connecting -> Connected <-> Reconnecting
///              |            |              |
///              +---------> Closing <-------+      close() in any state
///              |            |              |
///              +---------> Closed <--------+      fatal cause, or retries used up
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Nothing has been started.
    Idle,
    /// The first session is being opened (retries and their waits included).
    Connecting,
    /// A session is open: `session.created` has arrived.
    Connected,
    /// There was a session; another is being opened.
    Reconnecting,
    /// `close` was called: what was accepted is being written, then the closing handshake runs.
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
