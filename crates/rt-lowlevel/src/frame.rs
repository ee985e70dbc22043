//! [`Frame`]: what passes between the state machine and the socket.

use std::fmt;

use crate::close::CloseFrame;

/// One WebSocket message.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    /// JSON text. Owned: never a slice of a read buffer.
    Text(String),
    /// A ping: its own number, and that of the last command before it.
    Ping([u8; 16]),
    Close(CloseFrame),
}

impl Frame {
    /// About how many bytes it takes on the wire.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Ping(payload) => payload.len(),
            Self::Close(close) => close.reason.len(),
        }
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Ping(_) => f.write_str("Ping"),
            Self::Close(close) => write!(f, "Close({})", close.code),
        }
    }
}
