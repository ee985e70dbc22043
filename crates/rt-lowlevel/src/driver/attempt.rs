//! One attempt to connect, from the token to the open WebSocket.

use std::sync::Arc;

use http::HeaderMap;
use tokio::time::Instant;

use crate::classify::Failure;
use crate::config::Config;
use crate::credentials::Credentials;
use crate::endpoint::Endpoint;
use crate::error::ErrorKind;
use crate::event::Handshake;
use crate::observe;
use crate::transport::{Dialer, Meter, Reader, Request, Target, Writer, open, upgrade};

/// What every attempt of a connection needs.
pub(crate) struct Context {
    pub(crate) endpoint: Endpoint,
    pub(crate) credentials: Credentials,
    pub(crate) headers: HeaderMap,
    pub(crate) config: Arc<Config>,
    pub(crate) dialer: Arc<dyn Dialer>,
}

/// An open WebSocket.
pub(super) struct Connected {
    pub(super) reader: Reader,
    pub(super) writer: Writer,
    pub(super) meter: Meter,
    pub(super) handshake: Handshake,
}

impl Context {
    /// The headers of an attempt, credentials among them.
    pub(crate) async fn signed_headers(&self, refresh_token: bool) -> Result<HeaderMap, Failure> {
        let mut headers = self.headers.clone();
        let provider = self.endpoint.provider();
        let applied = self
            .credentials
            .apply(provider, refresh_token, &mut headers)
            .await;
        applied.map_err(|error| {
            if error.kind() == ErrorKind::TokenProvider {
                Failure::Token(error)
            } else {
                Failure::Config(error)
            }
        })?;
        Ok(headers)
    }

    pub(crate) fn target(&self) -> Target {
        let carries_secret =
            !self.credentials.is_none() || self.headers.values().any(http::HeaderValue::is_sensitive);
        Target {
            host: self.endpoint.host().bare(),
            port: self.endpoint.port(),
            is_tls: self.endpoint.is_tls(),
            loopback_only: carries_secret && !self.endpoint.is_tls() && !self.config.allow_insecure,
            timeouts: self.config.timeouts.clone(),
            tcp_user_timeout: self.config.liveness.tcp_user_timeout,
        }
    }
}

pub(super) async fn attempt(context: Arc<Context>, refresh_token: bool) -> Result<Connected, Failure> {
    let observed = observe::Attempt::begin();
    let result = connect(&context, refresh_token).await;
    observed.finish(&result);
    result
}

async fn connect(context: &Context, refresh_token: bool) -> Result<Connected, Failure> {
    let timeouts = &context.config.timeouts;
    let begun = Instant::now();
    let headers = context.signed_headers(refresh_token).await?;
    let stream = context
        .dialer
        .dial(&context.target())
        .await
        .map_err(|error| error.into_failure())?;
    tracing::debug!("stream open");
    let request = Request::new(&context.endpoint, &headers);
    let remaining = timeouts.attempt.saturating_sub(begun.elapsed());
    let upgraded = {
        let _phase = observe::phase("upgrade");
        upgrade(stream, &request, timeouts, remaining).await?
    };
    drop(request);
    tracing::debug!("upgraded");
    let handshake = upgraded.handshake.clone();
    let meter = Meter::new();
    let (reader, writer) = open(upgraded, &meter, &context.config.limits);
    Ok(Connected {
        reader,
        writer,
        meter,
        handshake,
    })
}
