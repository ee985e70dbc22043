//! The HTTP calls beside the WebSocket: ephemeral keys, and calls over WebRTC and SIP. With the feature `http`.
//!
//! ```no_run
//! use rt_lowlevel::http::HttpClient;
//! use rt_lowlevel::protocol::{RealtimeSession, http::ClientSecretRequest};
//! use rt_lowlevel::{Credentials, Endpoint};
//!
//! # async fn program() -> Result<(), Box<dyn std::error::Error>> {
//! let key = Credentials::api_key(std::env::var("OPENAI_API_KEY")?)?;
//! let client = HttpClient::new(Endpoint::openai("gpt-realtime-2.1")?, key)?;
//! let session = RealtimeSession::new().model("gpt-realtime-2.1");
//! let secret = client.create_client_secret(&ClientSecretRequest::new(session)).await?;
//! println!("good until {}", secret.expires_at);
//! # Ok(())
//! # }
//! ```
//!
//! A request goes the same way as a connection does: the same resolver, race of addresses, proxy, TLS and roots, the same
//! credentials, no redirects, and nothing in the clear to another machine,
//! with credentials or without, unless [`Config::allow_insecure`](crate::Config::allow_insecure) is set. What the answer says of the time to wait, its code
//! and its request id are in the [`Error`](crate::Error).
//!
//! # What is tried again
//!
//! What was certainly not done is tried again: the server was not reached, or it answered 429, 421, or 503 with
//! `Retry-After`, or 401 to a token that can be fetched anew. What may have been done (an answer that broke off, another 5xx) is
//! tried again only if doing it twice is the same as once: ephemeral keys and hanging up. There are 3 attempts within 30 s;
//! see [`HttpClient::attempts`] and [`HttpClient::timeout`].

mod call;
mod client;
mod exchange;
mod form;
mod retry;

pub use self::client::{CreatedCall, HttpClient};
