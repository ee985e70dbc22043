//! [`Builder`] and [`Connection`]: the receiving side, and how to get one.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use futures_core::Stream;
use http::{HeaderMap, HeaderName, HeaderValue};
use rt_protocol::dialect::BetaVariant;
use rt_protocol::session::SessionKind;
use tokio::sync::watch;
use tracing::Instrument;

use crate::config::Config;
use crate::credentials::{Credentials, names_secret};
use crate::dialect::Translator;
use crate::driver::{Context, Events, Shared, run};
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind};
use crate::event::ConnectionEvent;
use crate::fate::CommandId;
use crate::handle::Handle;
use crate::machine::{Machine, RetryTokens};
use crate::mirror::Snapshot;
use crate::proxy::Proxy;
use crate::state::State;
use crate::transport::{Dialer, Roots, TcpDialer};

/// Settings of a connection that is to be made.
#[must_use = "a builder does nothing until `connect` is called"]
pub struct Builder {
    endpoint: Endpoint,
    credentials: Credentials,
    config: Config,
    headers: HeaderMap,
    roots: Roots,
    proxy: Option<Proxy>,
    dialer: Option<Arc<dyn Dialer>>,
    snapshot: Option<Snapshot>,
}

impl Builder {
    /// Deadlines, limits and retry rules in place of the defaults.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Another header of the upgrade request, such as `OpenAI-Project`. One of the same name is replaced. Headers that
    /// hold a secret by their name (`authorization`, `cookie`, whatever has `key`, `token`, `auth`, `secret` or `password` in
    /// it) are treated like credentials.
    ///
    /// # Errors
    /// `InvalidConfig` if name or value cannot be a header, or the name is one the upgrade itself needs.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, Error> {
        let name = HeaderName::try_from(name)
            .map_err(|_| Error::config("the name of an extra header is not a header name"))?;
        if name.as_str().starts_with("sec-websocket-")
            || [
                "host",
                "connection",
                "upgrade",
                "content-length",
                "transfer-encoding",
            ]
            .contains(&name.as_str())
        {
            return Err(Error::config(format!(
                "the header {name} belongs to the upgrade itself"
            )));
        }
        let mut value = HeaderValue::from_str(value).map_err(|_| {
            Error::config(format!(
                "the value of the extra header {name} is not a header value"
            ))
        })?;
        value.set_sensitive(names_secret(name.as_str()));
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Trusts these root certificates (PEM) beside the usual ones. Without effect on a dialer of your own.
    ///
    /// # Errors
    /// `InvalidConfig` if there is no certificate in the text, or one that is not X.509.
    pub fn root_certificates(mut self, pem: &[u8]) -> Result<Self, Error> {
        self.roots.add_pem(pem)?;
        Ok(self)
    }

    /// Goes through this HTTP proxy: `http://proxy:3128`, `https://` to speak TLS with the proxy too, with
    /// `user:password@` in front of the host for one that asks. What passes through it is a tunnel (`CONNECT`): TLS is
    /// spoken with the server, and the proxy sees its name only. Without effect on a dialer of your own.
    ///
    /// User and password are secrets, and shown nowhere; over `http://` the network up to the proxy can read them, as
    /// usual with proxies. Credentials for the server still do not pass in the clear: `ws://` needs a server, and a proxy, on
    /// this machine.
    ///
    /// # Errors
    /// `InvalidConfig` if it is not such a URL.
    pub fn proxy(mut self, url: &str) -> Result<Self, Error> {
        self.proxy = Some(Proxy::parse(url)?);
        Ok(self)
    }

    /// Goes through the proxy that the environment names, if it names one, as [`proxy`](Self::proxy) does: `HTTPS_PROXY` for
    /// `wss`, `HTTP_PROXY` for `ws`, `ALL_PROXY` for both, in lower or upper case. What `NO_PROXY` lists (names with
    /// those below them, addresses, `address/bits`, `host:port`, `*`) is reached directly, and so is this machine.
    ///
    /// The environment is read now, and never without this call.
    ///
    /// # Errors
    /// `InvalidConfig` if the variable does not hold the URL of an HTTP proxy.
    pub fn proxy_from_env(mut self) -> Result<Self, Error> {
        self.proxy = Proxy::from_env(&self.endpoint, |name| std::env::var(name).ok())?;
        Ok(self)
    }

    /// Another way to the server.
    pub fn dialer(mut self, dialer: impl Dialer) -> Self {
        self.dialer = Some(Arc::new(dialer));
        self
    }

    /// Listens to and steers the session of a running WebRTC or SIP call: see [`Endpoint::with_call_id`].
    ///
    /// # Errors
    /// `InvalidConfig` if the id is empty or the endpoint has no calls, as Azure's preview.
    pub fn call(mut self, call_id: &str) -> Result<Self, Error> {
        self.endpoint = self.endpoint.with_call_id(call_id)?;
        Ok(self)
    }

    /// Where it will connect.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Goes on with the conversation of a [`Handle::snapshot`](crate::Handle::snapshot): the first session is told what that
    /// one knew, and [`ConnectionEvent::Restored`] tells how that went. It must be of the endpoint's kind of session, or
    /// [`connect`](Self::connect) fails with `InvalidConfig`. One of a transcription may go on at any address that is not that of
    /// translations: there, the key decides what the session is.
    pub fn resume(mut self, snapshot: Snapshot) -> Self {
        self.snapshot = Some(snapshot);
        self
    }

    /// Connects. Resolves when `session.created` has arrived and, with a snapshot, the session has been restored, after as many attempts as the retry rules allow.
    ///
    /// # Errors
    /// What ended the last attempt. The kind says whether trying again later can help; see
    /// [`Error::is_retryable`].
    ///
    /// # Cancel safety
    /// Dropping the future ends all that was begun.
    ///
    /// # Panics
    /// Outside of a Tokio runtime with time and I/O enabled.
    pub async fn connect(mut self) -> Result<Connection, Error> {
        // The session is the call's, and outlives this connection to it: there is nothing to tell it, and no other to make.
        if self.endpoint.is_call() {
            self.config.restore.enabled = false;
        }
        let kind = self.endpoint.session_kind();
        // A key may have made transcriptions of an address of conversations.
        let may_be = |of: SessionKind| {
            of == kind || (kind == SessionKind::Realtime && of == SessionKind::Transcription)
        };
        if self
            .snapshot
            .as_ref()
            .is_some_and(|snapshot| !may_be(snapshot.kind()))
        {
            return Err(Error::config(
                "the snapshot is of another kind of session than the endpoint",
            ));
        }
        let snapshot = self.snapshot.take();
        let context = self.into_context()?;
        let variant = context.endpoint.beta_variant();
        let translator = Arc::new(Translator::new(context.endpoint.dialect(), variant));
        let mut machine = Machine::new(Arc::clone(&context.config), context.credentials.can_refresh())
            .with_tokens(RetryTokens::of_host(&context.endpoint))
            .for_sessions(kind, Arc::clone(&translator));
        if let Some(snapshot) = snapshot {
            machine = machine.resume(snapshot);
        }
        let (shared, events) = Shared::new(machine, &context.config.limits, translator);
        let handle = Handle::new(
            Arc::clone(&shared),
            context.config.limits.message,
            // Its limits are not those of the GA service.
            context.config.strict && variant != BetaVariant::VoiceLive,
        );
        // From here on, dropping it closes.
        let connection = Connection { handle, events };
        let span = tracing::debug_span!(parent: None, "rt.connection", endpoint = %context.endpoint);
        shared.with(|machine, at| machine.handle_start(at));
        tokio::spawn(run(Arc::clone(&shared), Arc::new(context)).instrument(span));

        let mut state = shared.state();
        let is_decided = |state: &State| !matches!(state, State::Idle | State::Connecting);
        let _ = state.wait_for(is_decided).await;
        // A session that opened and was lost again meanwhile is a session: its events tell.
        let failed = shared.with(|machine, _| match machine.terminal() {
            Some(closed) if !machine.had_session() => {
                let closed_by_us = || Error::new(ErrorKind::Closed, "the connection was closed");
                Some(closed.error.clone().unwrap_or_else(closed_by_us))
            }
            _ => None,
        });
        match failed {
            Some(error) => Err(error),
            None => Ok(connection),
        }
    }

    /// What every attempt needs.
    pub(crate) fn into_context(self) -> Result<Context, Error> {
        let dialer = match self.dialer {
            Some(dialer) => dialer,
            None => Arc::new(TcpDialer::new(self.roots.config()?, self.proxy)),
        };
        Ok(Context {
            endpoint: self.endpoint,
            credentials: self.credentials,
            headers: self.headers,
            config: Arc::new(self.config),
            dialer,
        })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("endpoint", &self.endpoint)
            .field("credentials", &self.credentials)
            .field("config", &self.config)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}

/// A connection: the receiving side, and a [`Handle`] to send with.
///
/// Take events with [`recv`](Self::recv), or as a [`Stream`]. When it is dropped the connection closes, with all that was
/// accepted still being written for [`Timeouts::close`](crate::config::Timeouts::close) at most.
pub struct Connection {
    handle: Handle,
    events: Events,
}

impl Connection {
    /// Begins to set up a connection.
    pub fn builder(endpoint: Endpoint, credentials: Credentials) -> Builder {
        Builder {
            endpoint,
            credentials,
            config: Config::default(),
            headers: HeaderMap::new(),
            roots: Roots::default(),
            proxy: None,
            dialer: None,
            snapshot: None,
        }
    }

    /// The next event; `None` after [`ConnectionEvent::Closed`].
    ///
    /// Events that are not taken wait, up to [`Limits::events`](crate::config::Limits::events) and
    /// [`Limits::event_bytes`](crate::config::Limits::event_bytes); then nothing more is read from the server, and nothing is lost.
    ///
    /// # Cancel safety
    /// A dropped future has taken no event.
    pub async fn recv(&mut self) -> Option<ConnectionEvent> {
        let next = std::future::poll_fn(|cx| self.events.poll_recv(cx)).await;
        next.map(|event| self.taken(event))
    }

    /// The sending side.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// As [`Handle::send`].
    ///
    /// # Errors
    /// As [`Handle::send`].
    ///
    /// # Cancel safety
    /// As [`Handle::send`].
    pub async fn send(&self, event: impl Into<rt_protocol::ClientEvent>) -> Result<CommandId, Error> {
        self.handle.send(event).await
    }

    /// Whether a new session is told what the last one knew, and [`ConnectionEvent::Restored`] follows a reconnect: unless
    /// [`RestorePolicy::enabled`](crate::restore::RestorePolicy::enabled) is off, or the session is a call's, which goes on by itself.
    #[must_use]
    pub fn restores(&self) -> bool {
        self.handle.shared().with(|machine, _| machine.restores())
    }

    /// The state, now and as it changes.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<State> {
        self.handle.state()
    }

    /// As [`Handle::close`]. Events that came before can still be taken.
    ///
    /// # Cancel safety
    /// As [`Handle::close`].
    pub async fn close(&self) {
        self.handle.close().await;
    }

    /// Nothing comes after the end.
    fn taken(&mut self, event: ConnectionEvent) -> ConnectionEvent {
        if matches!(event, ConnectionEvent::Closed(_)) {
            self.events.close();
        }
        event
    }
}

impl Stream for Connection {
    type Item = ConnectionEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let next = std::task::ready!(self.events.poll_recv(cx));
        Poll::Ready(next.map(|event| self.taken(event)))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.handle.shared().abandon();
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("handle", &self.handle)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_snapshot_of_another_kind_of_session_is_refused() {
        let translator = Arc::new(Translator::new(None, BetaVariant::default()));
        let machine =
            Machine::new(Config::default(), false).for_sessions(SessionKind::Translation, translator);
        // Nobody listens there, and nobody is asked.
        let endpoint = Endpoint::from_url("ws://127.0.0.1:9/v1/realtime?model=m").unwrap();
        let builder = Connection::builder(endpoint, Credentials::none()).resume(machine.snapshot());
        let error = builder.connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.to_string().contains("snapshot"), "{error}");
    }
}
