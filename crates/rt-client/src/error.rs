//! [`Error`]: why a session could not do what it was asked.

use std::fmt;

/// Why a session could not do what it was asked.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What kind of failure an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The connection could not be made, or ended. The source is the error of `rt-lowlevel`, which says whether
    /// another try can help.
    Connection,
    /// The session is closed. Make a new one.
    Closed,
    /// A setting breaks a documented limit, or the server refused it; the message says which one. Correct it.
    Settings,
    /// An event breaks a documented limit; the message says which field. Correct it.
    InvalidEvent,
    /// The server did not answer in time. Trying again may help.
    Timeout,
    /// A message of the server could not be read; the message says which type and where. The session goes on.
    Malformed,
    /// A callback panicked. The session goes on; the callback is at fault.
    Callback,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            source: None,
        }))
    }

    pub(crate) fn connection(source: rt_lowlevel::Error) -> Self {
        Self(Box::new(Inner {
            kind: ErrorKind::Connection,
            message: "the connection failed".to_owned(),
            source: Some(Box::new(source)),
        }))
    }

    /// What `send` says.
    pub(crate) fn sending(error: rt_lowlevel::Error) -> Self {
        use rt_lowlevel::ErrorKind as Kind;
        match error.kind() {
            Kind::Closed => Self::closed(),
            Kind::InvalidEvent => Self::new(ErrorKind::InvalidEvent, error.to_string()),
            _ => Self::connection(error),
        }
    }

    pub(crate) fn closed() -> Self {
        Self::new(ErrorKind::Closed, "the session is closed: connect a new one")
    }

    /// Whether the same may work later: after a connection that failed for a passing reason, or a timeout.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self.0.kind {
            ErrorKind::Connection => self
                .0
                .source
                .as_ref()
                .and_then(|source| source.downcast_ref::<rt_lowlevel::Error>())
                .is_some_and(rt_lowlevel::Error::is_retryable),
            ErrorKind::Timeout => true,
            ErrorKind::Closed
            | ErrorKind::Settings
            | ErrorKind::InvalidEvent
            | ErrorKind::Malformed
            | ErrorKind::Callback => false,
        }
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug
            .field("kind", &self.0.kind)
            .field("message", &self.0.message);
        if let Some(source) = &self.0.source {
            debug.field("source", source);
        }
        debug.finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
