//! [`Error`]: why a session could not do what it was asked.

use std::fmt;
use std::sync::Arc;

use rt_protocol::server_event::ErrorDetails;

/// Why a session could not do what it was asked. Cheap to clone.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What kind of failure an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The connection could not be made, ended, or broke before the answer came. The source, where there is one, is
    /// the error of `rt-lowlevel`, which says whether another try can help.
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
    /// A callback panicked: the session goes on; the callback is at fault. From `connect`: the system gave no thread to run the
    /// callbacks on.
    Callback,
    /// The server refused a request; the message says why. The session goes on.
    Refused,
    /// It was taken back before it began: by an interruption, or because something made it needless.
    Cancelled,
    /// Less audio was sent than the service takes as a turn (100 ms). Nothing was sent; go on talking.
    TooShort,
    /// A tool failed, panicked, took too long, or is not known. The model was told; the session goes on.
    Tool,
    /// The budget is used up: no more responses are asked for.
    Budget,
    /// A microphone or a speaker is not there, was lost, or cannot be used; the message says why.
    Device,
    /// The playback sink failed. The session goes on without it.
    Playback,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            source: None,
        }))
    }

    pub(crate) fn connection(source: rt_lowlevel::Error) -> Self {
        Self(Arc::new(Inner {
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

    /// What the server answered to a request.
    pub(crate) fn refused(what: &str, details: &ErrorDetails) -> Self {
        let code = details.code.as_deref().unwrap_or(&details.kind);
        Self::new(
            ErrorKind::Refused,
            format!("the server refused {what}: {} ({code})", details.message),
        )
    }

    /// The connection broke while an answer was awaited.
    pub(crate) fn interrupted(what: &str) -> Self {
        Self::new(
            ErrorKind::Connection,
            format!("the connection was lost before {what}: ask again"),
        )
    }

    /// No answer came in time.
    pub(crate) fn timeout(what: &str) -> Self {
        Self::new(
            ErrorKind::Timeout,
            format!("{what} was not answered in time: try again"),
        )
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
                .is_none_or(rt_lowlevel::Error::is_retryable),
            ErrorKind::Timeout | ErrorKind::TooShort => true,
            _ => false,
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
