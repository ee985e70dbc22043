//! From an endpoint to an open WebSocket: [`Dialer`] opens the byte stream, the rest is built on top of it.

mod eyeballs;
mod meter;
mod resolve;
mod response;
mod tcp;
mod tls;
mod tunnel;
mod upgrade;
mod websocket;

use std::fmt;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::classify::Failure;
use crate::config::Timeouts;
use crate::error::{Detail, Error, ErrorKind};

pub(crate) use self::meter::Meter;
#[cfg(feature = "http")]
pub(crate) use self::response::refusal;
#[cfg(feature = "http")]
pub(crate) use self::response::request_id;
pub(crate) use self::tcp::TcpDialer;
pub(crate) use self::tls::Roots;
pub(crate) use self::upgrade::{Request, upgrade};
#[cfg(fuzzing)]
pub(crate) use self::websocket::compare_readers;
pub(crate) use self::websocket::{Incoming, Reader, Writer, flush, open, write_frame};

/// A byte stream in both directions: TCP, TLS, or a pipe in memory.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Opens byte streams to servers. The default one resolves names, races addresses, and speaks TLS; set another with
/// [`Builder::dialer`](crate::Builder::dialer) to go through a tunnel, or to stay in memory in a test. A dialer that panics
/// ends the connection with `InvalidConfig`.
#[async_trait::async_trait]
pub trait Dialer: Send + Sync + 'static {
    /// Opens a stream that is ready for HTTP: with TLS done, if the target asks for it.
    ///
    /// # Errors
    /// [`DialError`] with the stage that failed. The connection decides what follows.
    ///
    /// # Cancel safety
    /// The future is dropped when the attempt's deadline passes or the connection is closed.
    async fn dial(&self, target: &Target) -> Result<Box<dyn Io>, DialError>;
}

/// Where to dial.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Target {
    /// Name or address of the host; an IPv6 address has no brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether to speak TLS.
    pub is_tls: bool,
    /// Whether the address must be this machine, because a secret is going to be sent in the clear.
    pub loopback_only: bool,
    /// Deadlines of the steps.
    pub timeouts: Timeouts,
    /// See [`Liveness::tcp_user_timeout`](crate::config::Liveness::tcp_user_timeout).
    pub tcp_user_timeout: Duration,
}

/// The step of a dial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DialStage {
    /// Resolving the name.
    Dns,
    /// Checking the addresses: a secret would go to another machine in the clear.
    Policy,
    /// Connecting, to the server or to the proxy.
    Tcp,
    /// The tunnel through a proxy.
    Proxy,
    /// The TLS handshake.
    Tls,
}

/// Why a dial failed.
#[derive(Debug)]
pub struct DialError {
    stage: DialStage,
    is_final: bool,
    message: String,
    hint: Option<&'static str>,
    http_status: Option<u16>,
    retry_after: Option<Duration>,
    source: Option<io::Error>,
}

impl DialError {
    /// A failure that may pass. The message says what failed and where.
    #[must_use]
    pub fn new(stage: DialStage, message: impl Into<String>) -> Self {
        Self {
            stage,
            is_final: false,
            message: message.into(),
            hint: None,
            http_status: None,
            retry_after: None,
            source: None,
        }
    }

    /// The same, with its cause.
    #[must_use]
    pub fn with_source(self, source: io::Error) -> Self {
        Self {
            source: Some(source),
            ..self
        }
    }

    /// The same, as one that another attempt would not change: a name that does not exist, a refused certificate.
    #[must_use]
    pub fn into_final(self) -> Self {
        Self {
            is_final: true,
            ..self
        }
    }

    fn with_hint(self, hint: &'static str) -> Self {
        Self {
            hint: Some(hint),
            ..self
        }
    }

    fn with_answer(self, status: u16, retry_after: Option<Duration>) -> Self {
        Self {
            http_status: Some(status),
            retry_after,
            ..self
        }
    }

    /// The step that failed.
    #[must_use]
    pub fn stage(&self) -> DialStage {
        self.stage
    }

    pub(crate) fn into_failure(self) -> Failure {
        let kind = match self.stage {
            DialStage::Dns => ErrorKind::Dns,
            DialStage::Policy => ErrorKind::Insecure,
            DialStage::Tcp => ErrorKind::Tcp,
            // A handshake that broke off may work the next time; a refused certificate does not.
            DialStage::Tls if self.is_final => ErrorKind::Tls,
            DialStage::Proxy if self.is_final => ErrorKind::Proxy,
            DialStage::Tls | DialStage::Proxy => ErrorKind::Handshake,
        };
        let mut error = Error::new(kind, self.message).with_detail(Detail {
            http_status: self.http_status,
            retry_after: self.retry_after,
            ..Detail::default()
        });
        if let Some(hint) = self.hint {
            error = error.with_hint(hint);
        }
        if let Some(source) = self.source {
            error = error.with_source(source);
        }
        match self.stage {
            DialStage::Dns => Failure::Dns {
                not_found: self.is_final,
                error,
            },
            DialStage::Policy => Failure::Insecure(error),
            DialStage::Tcp => Failure::Tcp(error),
            DialStage::Proxy => Failure::Proxy {
                refused: self.is_final,
                error,
            },
            DialStage::Tls => Failure::Tls {
                refused: self.is_final,
                error,
            },
        }
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DialError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}
