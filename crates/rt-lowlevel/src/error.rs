//! [`Error`]: the one error of this crate.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::close::CloseFrame;

/// What went wrong with a connection, in words a person can act on.
///
/// `Display` says what happened, where, and what to do about it; the underlying cause, if any, is [`source`].
/// Nothing in it is ever a key, a token, a query string or a payload. A clone is cheap.
///
/// [`source`]: std::error::Error::source
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    hint: Option<&'static str>,
    attempts: Option<u32>,
    detail: Detail,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What the server said, kept for support requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Detail {
    pub(crate) retry_after: Option<Duration>,
    pub(crate) http_status: Option<u16>,
    pub(crate) code: Option<String>,
    pub(crate) close: Option<CloseFrame>,
    pub(crate) request_id: Option<String>,
    pub(crate) session_id: Option<String>,
}

/// The kind of an [`Error`]: who is at fault, and whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller's configuration is not usable: URL, key, header, certificate. Change it.
    InvalidConfig,
    /// A credential would have left over `ws://` to a host that is not this machine. Use `wss://`.
    Insecure,
    /// The token provider failed. Retried, because providers are usually network calls themselves.
    TokenProvider,
    /// The host name could not be resolved. Retryable.
    Dns,
    /// No address of the host accepted a connection. Retryable.
    Tcp,
    /// The proxy refused the tunnel (407 and the like), or is none. Not retryable. One that is down is
    /// [`Handshake`](Self::Handshake).
    Proxy,
    /// The TLS handshake failed. Retryable if the peer went away, not if its certificate was refused.
    Tls,
    /// The peer broke off, or was too slow, before the connection was usable. Retryable.
    Handshake,
    /// The credentials were refused (401, `invalid_api_key`, `account_deactivated`). Not retryable.
    Unauthorized,
    /// The credentials are good but not for this (403, unsupported country). Not retryable.
    Forbidden,
    /// No such model, deployment, call or path (404, `model_not_found`). Not retryable.
    NotFound,
    /// The request was refused with another status or close code. Not retryable.
    Rejected,
    /// Too many requests for now. Retryable after [`Error::retry_after`].
    RateLimited,
    /// The account has no quota left or hit its billing limit. Not retryable.
    Quota,
    /// The server has a problem of its own (5xx). Retryable.
    ServerUnavailable,
    /// The server answered with a redirect; credentials are never carried to another address. Not retryable.
    RedirectRefused,
    /// What answered is not a WebSocket server (a captive portal, another service). Not retryable.
    NotWebSocket,
    /// The server closed a session that should have gone on. Not retryable.
    ClosedByServer,
    /// The connection broke: end of stream, reset, or a close code that says "again". Retryable.
    ConnectionLost,
    /// The session reached its maximum duration. Retryable: a new session can be opened at once.
    SessionExpired,
    /// Nothing was heard from the peer although it was asked. Retryable.
    PingTimeout,
    /// The peer stopped taking what was sent. Retryable.
    WriteStall,
    /// The peer broke the WebSocket protocol. Retried a few times.
    Protocol,
    /// A message is larger than the limit, in either direction. Not retryable.
    MessageTooLarge,
    /// An event to be sent breaks a documented limit; the message names field, value and range. Correct it.
    InvalidEvent,
    /// The body of an HTTP answer or of a webhook is not what the protocol says. Not retryable.
    InvalidBody,
    /// A webhook that does not prove that it is the service's: answer 400 and do nothing. Not retryable.
    InvalidSignature,
    /// No events were taken for too long, and the configuration says that this is the end. Not retryable.
    SlowConsumer,
    /// The connection is closed, or closing: nothing more can be sent.
    Closed,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let inner = Inner {
            kind,
            message: message.into(),
            hint: None,
            attempts: None,
            detail: Detail::default(),
            source: None,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidConfig, message)
    }

    fn edit(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        // Most callers hold the only reference.
        match Arc::get_mut(&mut self.inner) {
            Some(inner) => change(inner),
            None => {
                let mut inner = Inner::clone(&self.inner);
                change(&mut inner);
                self.inner = Arc::new(inner);
            }
        }
        self
    }

    pub(crate) fn with_hint(self, hint: &'static str) -> Self {
        self.edit(|inner| inner.hint = Some(hint))
    }

    pub(crate) fn with_detail(self, detail: Detail) -> Self {
        self.edit(|inner| inner.detail = detail)
    }

    pub(crate) fn with_request_id(self, id: Option<String>) -> Self {
        if id.is_none() || self.inner.detail.request_id.is_some() {
            return self;
        }
        self.edit(|inner| inner.detail.request_id = id)
    }

    pub(crate) fn with_session_id(self, id: Option<String>) -> Self {
        if id.is_none() || self.inner.detail.session_id.is_some() {
            return self;
        }
        self.edit(|inner| inner.detail.session_id = id)
    }

    pub(crate) fn with_source(self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let source = Arc::from(source.into());
        self.edit(|inner| inner.source = Some(source))
    }

    pub(crate) fn with_close(self, close: Option<CloseFrame>) -> Self {
        if close.is_none() || self.inner.detail.close.is_some() {
            return self;
        }
        self.edit(|inner| inner.detail.close = close)
    }

    pub(crate) fn with_attempts(self, attempts: u32) -> Self {
        self.edit(|inner| inner.attempts = Some(attempts))
    }

    /// The kind: what to branch on.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Whether the same call may succeed later without a change by the caller. The connection has already
    /// used its own retries when it reports such an error as its end.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self.inner.kind {
            ErrorKind::TokenProvider
            | ErrorKind::Dns
            | ErrorKind::Tcp
            | ErrorKind::Handshake
            | ErrorKind::RateLimited
            | ErrorKind::ServerUnavailable
            | ErrorKind::ConnectionLost
            | ErrorKind::SessionExpired
            | ErrorKind::PingTimeout
            | ErrorKind::WriteStall
            | ErrorKind::Protocol => true,
            ErrorKind::InvalidConfig
            | ErrorKind::Insecure
            | ErrorKind::Proxy
            | ErrorKind::Tls
            | ErrorKind::Unauthorized
            | ErrorKind::Forbidden
            | ErrorKind::NotFound
            | ErrorKind::Rejected
            | ErrorKind::Quota
            | ErrorKind::RedirectRefused
            | ErrorKind::NotWebSocket
            | ErrorKind::ClosedByServer
            | ErrorKind::MessageTooLarge
            | ErrorKind::InvalidEvent
            | ErrorKind::InvalidBody
            | ErrorKind::InvalidSignature
            | ErrorKind::SlowConsumer
            | ErrorKind::Closed => false,
        }
    }

    /// How long the server asked to wait before the next attempt.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.detail.retry_after
    }

    /// The HTTP status of a refused upgrade, or of a proxy that refused the tunnel.
    #[must_use]
    pub fn http_status(&self) -> Option<u16> {
        self.inner.detail.http_status
    }

    /// The API's error code (or, where it has none, the error type), such as `insufficient_quota`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.inner.detail.code.as_deref()
    }

    /// The WebSocket close code the server sent.
    #[must_use]
    pub fn close_code(&self) -> Option<u16> {
        self.inner.detail.close.as_ref().map(|close| close.code.as_u16())
    }

    /// The reason the server gave with its close code.
    #[must_use]
    pub fn close_reason(&self) -> Option<&str> {
        self.inner
            .detail
            .close
            .as_ref()
            .map(|close| close.reason.as_str())
    }

    /// The server's id of the request (`x-request-id`, `apim-request-id`), for a support request. In the error that ends a
    /// connection, that of the last request which was answered, if the one that failed was not.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.inner.detail.request_id.as_deref()
    }

    /// The server's id of the session that ended, or of the last one before the connects that failed.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        self.inner.detail.session_id.as_deref()
    }

    /// How many connects were made before this error became the end; `None` if it is not an end.
    #[must_use]
    pub fn attempts(&self) -> Option<u32> {
        self.inner.attempts
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)?;
        if let Some(attempts) = self.inner.attempts.filter(|attempts| *attempts > 1) {
            write!(f, " (gave up after {attempts} attempts)")?;
        }
        if let Some(hint) = self.inner.hint {
            write!(f, ": {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("message", &self.inner.message)
            .field("attempts", &self.inner.attempts)
            .field("detail", &self.inner.detail)
            .field("source", &self.inner.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_small_and_can_cross_threads() {
        fn crosses<T: Send + Sync + 'static>() {}
        crosses::<Error>();
        assert!(size_of::<Error>() <= 32);
    }

    #[test]
    fn says_what_to_do_and_how_often_it_was_tried() {
        let error = Error::new(ErrorKind::Tcp, "no address of h:1 accepted a connection").with_attempts(8);
        assert_eq!(
            error.to_string(),
            "no address of h:1 accepted a connection (gave up after 8 attempts)"
        );
        let error = Error::config("the API key is empty").with_hint("set OPENAI_API_KEY");
        assert_eq!(error.to_string(), "the API key is empty: set OPENAI_API_KEY");
    }

    #[test]
    fn an_edit_of_a_shared_error_keeps_the_other_as_it_was() {
        let first = Error::new(ErrorKind::Dns, "m").with_source(std::io::Error::other("cause"));
        let second = first.clone().with_attempts(3);
        assert_eq!(first.attempts(), None);
        assert_eq!(second.attempts(), Some(3));
        let source = second.source().unwrap();
        assert_eq!(source.to_string(), "cause", "not the error itself once more");
        assert!(source.source().is_none());
    }
}
