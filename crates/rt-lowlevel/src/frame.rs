//! [`Frame`]: what passes between the state machine and the socket.

use std::fmt;

use crate::close::CloseFrame;

/// The JSON of one message, in UTF-8. Not a string: audio becomes base64 where it is to be, which in a string is not possible
/// without `unsafe`.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Json(Vec<u8>);

impl Json {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl From<String> for Json {
    fn from(json: String) -> Self {
        Self(json.into_bytes())
    }
}

impl From<Vec<u8>> for Json {
    /// Of what [`ClientEvent::write_json`](rt_protocol::ClientEvent::write_json) wrote.
    fn from(json: Vec<u8>) -> Self {
        Self(json)
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({} bytes)", self.len())
    }
}

#[cfg(test)]
impl std::ops::Deref for Json {
    type Target = str;
    fn deref(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap()
    }
}

#[cfg(test)]
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

/// One WebSocket message.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    /// JSON text. Owned: never a slice of a read buffer.
    Text(Json),
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
