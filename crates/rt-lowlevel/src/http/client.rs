//! [`HttpClient`]: the requests.

mod request;

use std::fmt;
use std::time::Duration;

use http::{HeaderValue, header};
use rt_protocol::http::{
    CallAccept, CallCreate, CallRefer, CallReject, ClientSecretRequest, ClientSecretResponse,
    TranslationSecretRequest, call_id,
};
use rt_protocol::limits::LimitError;
use rt_protocol::{DecodeError, Text};

use super::call::Call;
use super::exchange::Answer;
use super::form;
use crate::connection::{Builder, Connection};
use crate::credentials::Credentials;
use crate::driver::Context;
use crate::endpoint::{Endpoint, Provider};
use crate::error::{Error, ErrorKind};

const SDP: &str = "application/sdp";

/// Makes the HTTP calls of a server. See the [module](crate::http).
pub struct HttpClient {
    context: Context,
    /// The path of the realtime API, without a slash at the end.
    base: String,
    timeout: Duration,
    attempts: u32,
}

/// A call that was begun: the answer to [`HttpClient::create_call`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreatedCall {
    /// The id of the call, `rtc_...`.
    pub call_id: String,
    /// The SDP answer, for the peer connection that made the offer.
    pub sdp: Text,
}

impl HttpClient {
    /// Calls at the server of this endpoint; its query, such as the model, is not used.
    ///
    /// # Errors
    /// `InvalidConfig` if the path of the endpoint does not end with `/realtime` (or `/realtime/translations`), or the
    /// endpoint is Azure's preview, which has none of these calls.
    pub fn new(endpoint: Endpoint, credentials: Credentials) -> Result<Self, Error> {
        Self::with_settings(Connection::builder(endpoint, credentials))
    }

    /// The same, with everything the builder has been told: configuration, headers, proxy, roots, dialer.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_settings(settings: Builder) -> Result<Self, Error> {
        let context = settings.into_context()?;
        if context.endpoint.provider() == Provider::AzurePreview {
            return Err(Error::config("the preview of Azure has none of these calls")
                .with_hint("use `Endpoint::azure`: the GA address has them"));
        }
        let path = context.endpoint.address().path.trim_end_matches('/');
        let base = path.strip_suffix("/translations").unwrap_or(path).to_owned();
        if !base.ends_with("/realtime") {
            return Err(
                Error::config("the path of the endpoint does not end with `/realtime`")
                    .with_hint("the HTTP calls are below that path"),
            );
        }
        Ok(Self {
            context,
            base,
            timeout: Duration::from_secs(30),
            attempts: 3,
        })
    }

    /// How long a call may take, with everything that is tried again. 30 s.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// How many attempts a call has; 0 means 1. 3.
    #[must_use]
    pub fn attempts(self, attempts: u32) -> Self {
        Self { attempts, ..self }
    }

    /// Makes an ephemeral key, with which a browser or a device connects without seeing the real one.
    ///
    /// # Errors
    /// `InvalidEvent` if the request breaks a documented limit; `InvalidBody` if the answer is none; otherwise what the
    /// server or the way to it said, as for a connection: `Unauthorized`, `RateLimited` with
    /// [`retry_after`](Error::retry_after), `Dns`, `ConnectionLost` and so on.
    ///
    /// # Cancel safety
    /// When the future is dropped the request may or may not have been made.
    pub async fn create_client_secret(
        &self,
        request: &ClientSecretRequest,
    ) -> Result<ClientSecretResponse, Error> {
        self.check(request.check())?;
        self.secret("/client_secrets", request.to_json()).await
    }

    /// Makes an ephemeral key for a translation.
    ///
    /// # Errors
    /// As [`create_client_secret`](Self::create_client_secret).
    ///
    /// # Cancel safety
    /// As [`create_client_secret`](Self::create_client_secret).
    pub async fn create_translation_secret(
        &self,
        request: &TranslationSecretRequest,
    ) -> Result<ClientSecretResponse, Error> {
        self.check(request.check())?;
        self.secret("/translations/client_secrets", request.to_json())
            .await
    }

    /// Begins a WebRTC call: an SDP offer goes out, an answer and the id of the call come back. Without a session, as with an
    /// ephemeral key, the offer is sent bare.
    ///
    /// # Errors
    /// As [`create_client_secret`](Self::create_client_secret). `ConnectionLost` if it is not known whether there is a call.
    ///
    /// # Cancel safety
    /// When the future is dropped there may be a call nobody knows of; it ends by itself when no media come.
    pub async fn create_call(&self, call: &CallCreate) -> Result<CreatedCall, Error> {
        self.check(call.check())?;
        let (body, content_type) = if call.session.is_absent() {
            (call.sdp.as_bytes().to_vec(), SDP.to_owned())
        } else {
            form::encode(&call.parts())
        };
        let content_type = HeaderValue::from_str(&content_type)
            .map_err(|_| Error::config("the form has a content type that is no header"))?;
        let call = Call {
            path: "/calls".to_owned(),
            content_type: Some(content_type),
            accept: SDP,
            body: body.into(),
            repeatable: false,
            has_content: true,
            ends: false,
        };
        let name = self.name(&call.path);
        let answer = self.request(call).await?;
        let location = answer
            .headers
            .get(header::LOCATION)
            .and_then(|it| it.to_str().ok());
        let call_id = location.and_then(call_id).ok_or_else(|| {
            answer.blame(Error::new(
                ErrorKind::InvalidBody,
                format!("the answer to {name} has no id of a call in `Location`"),
            ))
        })?;
        Ok(CreatedCall {
            call_id: call_id.to_owned(),
            sdp: text(&name, &answer)?.into(),
        })
    }

    /// Takes an incoming SIP call, with this session.
    ///
    /// # Errors
    /// As [`create_client_secret`](Self::create_client_secret); `NotFound` if the call has ended, or was never there.
    ///
    /// # Cancel safety
    /// As [`create_client_secret`](Self::create_client_secret).
    pub async fn accept_call(&self, call_id: &str, accept: &CallAccept) -> Result<(), Error> {
        self.check(accept.check())?;
        self.act(call_id, "accept", Some(accept.to_json())).await
    }

    /// Turns an incoming SIP call down.
    ///
    /// # Errors
    /// As [`accept_call`](Self::accept_call).
    ///
    /// # Cancel safety
    /// As [`create_client_secret`](Self::create_client_secret).
    pub async fn reject_call(&self, call_id: &str, reject: &CallReject) -> Result<(), Error> {
        self.act(call_id, "reject", Some(reject.to_json())).await
    }

    /// Passes a SIP call on to somebody else.
    ///
    /// # Errors
    /// As [`accept_call`](Self::accept_call).
    ///
    /// # Cancel safety
    /// As [`create_client_secret`](Self::create_client_secret).
    pub async fn refer_call(&self, call_id: &str, refer: &CallRefer) -> Result<(), Error> {
        self.check(refer.check())?;
        self.act(call_id, "refer", Some(refer.to_json())).await
    }

    /// Ends a call, WebRTC or SIP. A call that is not there any more after an attempt nobody answered was ended by that attempt.
    ///
    /// # Errors
    /// As [`accept_call`](Self::accept_call).
    ///
    /// # Cancel safety
    /// As [`create_client_secret`](Self::create_client_secret).
    pub async fn hang_up_call(&self, call_id: &str) -> Result<(), Error> {
        self.act(call_id, "hangup", None).await
    }

    /// Where to listen in on a call: the address of its session's events, at the same server.
    ///
    /// # Errors
    /// `InvalidConfig` if the id is empty, or the client's endpoint is that of a transcription or translation.
    pub fn call_endpoint(&self, call_id: &str) -> Result<Endpoint, Error> {
        self.context.endpoint.clone().with_call_id(call_id)
    }

    async fn secret(&self, path: &str, body: String) -> Result<ClientSecretResponse, Error> {
        let name = self.name(path);
        // A second key that nobody knows of expires unused.
        let answer = self.request(Call::json(path.to_owned(), body, true)).await?;
        let secret = text(&name, &answer).and_then(|text| {
            ClientSecretResponse::from_json(text).map_err(|error| answer.blame(unreadable(&name, &error)))
        })?;
        if secret.value.expose().is_empty() {
            return Err(answer.blame(Error::new(
                ErrorKind::InvalidBody,
                format!("the answer to {name} holds no key"),
            )));
        }
        Ok(secret)
    }

    async fn act(&self, call_id: &str, verb: &str, body: Option<String>) -> Result<(), Error> {
        let is_id = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if call_id.is_empty() || !call_id.bytes().all(is_id) {
            return Err(Error::config(
                "the id of the call is none: `rtc_` and letters or digits",
            ));
        }
        let is_hangup = verb == "hangup";
        let mut call = Call {
            has_content: false,
            ends: is_hangup,
            ..Call::json(
                format!("/calls/{call_id}/{verb}"),
                body.unwrap_or_default(),
                is_hangup,
            )
        };
        if call.body.is_empty() {
            call.content_type = None;
        }
        self.request(call).await.map(drop)
    }

    fn check(&self, result: Result<(), LimitError>) -> Result<(), Error> {
        match result {
            Err(error) if self.context.config.strict => {
                Err(Error::new(ErrorKind::InvalidEvent, error.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// What errors call a request.
    fn name(&self, path: &str) -> String {
        let address = self.context.endpoint.address();
        format!("POST {}{}{path}", address.authority(), self.base)
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("endpoint", &self.context.endpoint)
            .field("credentials", &self.context.credentials)
            .field("timeout", &self.timeout)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

fn text<'a>(name: &str, answer: &'a Answer) -> Result<&'a str, Error> {
    std::str::from_utf8(&answer.body).map_err(|_| {
        answer.blame(Error::new(
            ErrorKind::InvalidBody,
            format!("the answer to {name} is not text"),
        ))
    })
}

fn unreadable(name: &str, error: &DecodeError) -> Error {
    // The cause keeps the text of the answer, in which there is a key, but shows the place only.
    let message = format!("the answer to {name} cannot be read: {error}");
    Error::new(ErrorKind::InvalidBody, message)
        .with_hint("check the URL, and whether a proxy or a login page of the network is in between")
}
