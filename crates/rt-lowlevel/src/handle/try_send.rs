//! [`TrySendError`]: an event that found no room, given back.

use std::fmt;

use rt_protocol::ClientEvent;

use crate::error::Error;

/// A message that was not accepted, given back.
#[derive(Debug)]
pub struct TrySendError {
    pub(super) event: Box<ClientEvent>,
    pub(super) kind: TrySendErrorKind,
    pub(super) source: Option<Error>,
}

/// Why [`Handle::try_send`](crate::Handle::try_send) did not accept a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TrySendErrorKind {
    /// As much is waiting as [`Limits`](crate::config::Limits) allow. Try later, or use [`Handle::send`](crate::Handle::send), which waits.
    Full,
    /// The connection is closed or closing.
    Closed,
    /// It is larger than [`Limits::message`](crate::config::Limits::message).
    TooLarge,
    /// It breaks a documented limit; the source says which.
    Invalid,
}

impl TrySendError {
    /// Why it was not accepted.
    #[must_use]
    pub fn kind(&self) -> TrySendErrorKind {
        self.kind
    }

    /// The event, to be sent later.
    #[must_use]
    pub fn into_inner(self) -> ClientEvent {
        *self.event
    }
}

impl fmt::Display for TrySendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.kind {
            TrySendErrorKind::Full => "as much is waiting as the limits allow",
            TrySendErrorKind::Closed => "the connection is closed",
            TrySendErrorKind::TooLarge => "it is larger than the limit",
            TrySendErrorKind::Invalid => "it breaks a documented limit",
        };
        write!(f, "{} was not accepted: {why}", self.event.event_type())
    }
}

impl std::error::Error for TrySendError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}
