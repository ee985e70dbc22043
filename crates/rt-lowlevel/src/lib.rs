//! Connections to the OpenAI and Azure OpenAI Realtime APIs that come back by themselves.
//!
//! ```no_run
//! use rt_lowlevel::protocol::ClientEvent;
//! use rt_lowlevel::{Connection, ConnectionEvent, Credentials, Endpoint};
//!
//! # async fn program() -> Result<(), Box<dyn std::error::Error>> {
//! let endpoint = Endpoint::openai("gpt-realtime-2.1")?;
//! let credentials = Credentials::api_key(std::env::var("OPENAI_API_KEY")?)?;
//! let mut connection = Connection::builder(endpoint, credentials).connect().await?;
//!
//! connection.send(ClientEvent::from_json(r#"{"type":"response.create"}"#)?).await?;
//! while let Some(event) = connection.recv().await {
//!     match event {
//!         ConnectionEvent::Server(event) => println!("{}", event.event_type()),
//!         ConnectionEvent::Retrying(retry) => println!("again in {:?}: {}", retry.delay, retry.cause),
//!         ConnectionEvent::Closed(closed) => println!("closed by {:?}", closed.by),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What it does not do
//!
//! It does not call tools, play audio or take turns: that is `rt-client`. It goes through no proxy unless told to, with
//! [`Builder::proxy`] or [`Builder::proxy_from_env`].
//!
//! # A session ends, the conversation goes on
//!
//! The server starts each session from nothing. So the connection remembers what was said, and tells it to every new session
//! before that is used: settings, items in order under their ids, then the input audio that no item was made of. Speech is
//! not lost and not repeated; what the model said is told as far as the user heard it ([`Handle::mark_played`]). What could not
//! be told is listed in [`Restored`](event::Restored), and responses that ended with the connection in [`ConnectionEvent::Interrupted`].
//!
//! Before a session reaches its maximum duration, a second one is prepared, and takes over at a quiet moment
//! ([`RolloverPolicy`](config::RolloverPolicy), [`Handle::restart`]). A [`Snapshot`](restore::Snapshot) carries a conversation to another process. All of it is bounded, and can
//! be switched off: [`RestorePolicy`](restore::RestorePolicy).
//!
//! # States
//!
//! ```text
//! Idle -> Connecting -> Connected <-> Reconnecting
//!              |            |              |
//!              +---------> Closing <-------+      close() while there is a connection
//!              |            |              |
//!              +---------> Closed <--------+      close(), fatal cause, or retries used up
//! ```
//!
//! # What it promises
//!
//! - **Order.** Events are written in the order in which they were accepted, over reconnects too. What the server sends is
//!   delivered in its order, between the [`Opened`](event::Opened) of its session and the [`Retrying`](event::Retrying), [`Closed`](event::Closed) or next [`Opened`](event::Opened).
//! - **One fate.** Every accepted command ends in exactly one [`Fate`](fate::Fate); those other than `Acknowledged` are events, and
//!   [`Stats`] has the sums. A ping proves what the peer has read, so that little is left unconfirmed when a connection breaks.
//! - **At most once.** An event is written to one session. What waited while there was none is sent on the next. Only what the
//!   new session must know is told again: settings, items, input audio without an item, a response that was not begun.
//! - **One end.** Exactly one [`Closed`](event::Closed), last, with the cause: close code and reason, status, request id.
//! - **No pointless retries.** A bad key, an unknown model, an empty account are not tried again, also when the server says
//!   so only after the upgrade. The rest is tried again after random waits that grow, with `Retry-After` honoured and a limit
//!   per outage; a connection that opens and fails again does not renew it. See [`RetryPolicy`](config::RetryPolicy). Retries of all connections
//!   of a process to a host are shared out: a hundred at once, then twenty a second, those that succeeded not counted.
//! - **Nothing hangs.** Every step has a deadline ([`Timeouts`](config::Timeouts)); a peer that died without a word is noticed
//!   ([`Liveness`](config::Liveness)). Only a consumer that takes no events is waited for.
//! - **Everything is bounded.** Queues, frames, buffers ([`Limits`](config::Limits)). A slow consumer slows the server down, and loses
//!   nothing.
//! - **Secrets stay.** No key in any `Debug`, error or log line; none over `ws://` to another machine unless
//!   [`Config::allow_insecure`] is set, through a proxy neither; no redirects.
//! - **Cancel safety.** Every future may be dropped at any time.
//!
//! # Where things are
//!
//! At the root is what most programs name. By topic: what can be set is in [`config`], what is in events in [`event`], what
//! becomes of commands in [`fate`], what is told to the next session in [`restore`], close codes in [`close`], and the byte stream
//! below in [`transport`], for programs that open it themselves. The messages are those of [`protocol`].
//!
//! # Beside the connection
//!
//! Ephemeral keys and calls over HTTP are in `http`, with the feature of that name, off by default: it brings hyper along. The
//! signature of webhooks is in [`webhook`].
//!
//! # Logs
//!
//! Through `tracing`: the span `rt.connection` with `rt.attempt` and `rt.restore` in it (the session's number as `epoch`, whether
//! it `prepares` a session that is to take over, whether it is `complete`, and how many `items` were told, are `text_only`, or `lost`), and what was opened, retried and given up, with types,
//! sizes and ids, never content, at any level. The libraries below do not log content either: of the WebSocket library,
//! which would at level `trace`, only the parts that see no payload are used.
//!
//! # Metrics
//!
//! With the feature `metrics`, through the `metrics` facade, for whichever recorder the program installs. Without it there is no
//! code for them. Times are seconds. Labels have few values, all of them known in advance; what is not known is `other`.
//!
//! | name | kind | what |
//! |---|---|---|
//! | `rt_connects_total{result}` | counter | attempts to connect: `ok`, `aborted` (out of time, or closed meanwhile), or the kind of the error |
//! | `rt_connect_seconds{phase}` | histogram | `dns`, `tcp`, `proxy_tls`, `proxy`, `tls`, `upgrade`, and `total` with the token, whether they succeed or not |
//! | `rt_reconnects_total{cause,close_code}` | counter | waits before another attempt, by what failed |
//! | `rt_outage_seconds` | histogram | from the first failure to the next session |
//! | `rt_session_age_seconds` | histogram | how long sessions were open |
//! | `rt_restores_total{cause}` | counter | restores: after `connection_lost`, at a `rollover` or a `restart`, or of a snapshot (`resumed`) |
//! | `rt_restore_seconds` | histogram | from `session.created` until the session knew what the last one did, where there was no other meanwhile |
//! | `rt_restore_items_total{result}` | counter | items that were told (`restored`), told as text in place of audio (`text_only`), or `lost` |
//! | `rt_messages_unconfirmed_total` | counter | commands that were written to a connection which broke before anything proved that they had been read |
//! | `rt_closed_total{by,cause}` | counter | ends: `us`, `peer`, `transport`; the kind of the error, or `none` |
//! | `rt_messages_total{direction,type}` | counter | messages `in` and `out`, by event type, or `malformed` |
//! | `rt_bytes_total{direction}` | counter | their bytes, before framing and TLS |
//! | `rt_send_queue_messages` | gauge | accepted and not yet written, of all connections together |
//! | `rt_send_queue_bytes` | gauge | bytes of them as they will be written, before framing and TLS |
//! | `rt_send_queue_audio_bytes` | gauge | the audio in them, raw |
//! | `rt_audio_dropped_milliseconds_total{reason}` | counter | audio that was too old to send; `live` is [`AudioPolicy::Live`](config::AudioPolicy::Live) |
//! | `rt_event_queue_depth` | gauge | events received and not yet taken, of all connections together |
//! | `rt_handler_lag_seconds` | histogram | how long each of them waited |
//! | `rt_ping_rtt_seconds` | histogram | from a ping to its answer |
//! | `rt_first_audio_seconds` | histogram | from `response.create` or `speech_stopped` to the first audio |
//! | `rt_response_failed_total{code}` | counter | responses that failed |
//! | `rt_tokens_total{kind}` | counter | `input`, `output`, and their parts: `input_text`, `input_audio`, `input_cached`, `output_text`, `output_audio` |
//!
//! The recorder runs while the connection is locked, on whichever task has just sent or received something: it must be quick,
//! not block, and not use the connection's [`Handle`], which would wait for itself.
//!
//! Four figures are not there. What the kernel has of what was written needs a system call for each look that is not the same
//! everywhere. Until a turn's answer is *played* is known to whoever plays it, so it is rt-client's to measure. How old the oldest waiting
//! message is would need a clock in every send; [`Stats`] has how many wait, and how much audio. And there is no label for the provider or the model:
//! a program that has several of them sets one on its recorder, or a prefix, for each.
//!
//! # Errors
//!
//! There is one [`Error`]. Its [`kind`](Error::kind) is what to branch on, its text is for people, and
//! [`is_retryable`](Error::is_retryable) says whether the same may work later.

mod address;
mod classify;
pub mod close;
pub mod config;
mod connection;
mod credentials;
mod dialect;
mod driver;
mod endpoint;
mod error;
pub mod event;
pub mod fate;
mod frame;
mod handle;
#[cfg(feature = "http")]
pub mod http;
mod machine;
mod mirror;
mod observe;
mod proxy;
pub mod restore;
mod retry_after;
mod state;
pub mod transport;
pub mod webhook;

/// What the fuzz targets call; not part of the crate otherwise.
#[cfg(fuzzing)]
pub mod fuzzing {
    /// Fails unless these bytes of a server, read in pieces of this size, give the messages that tungstenite's own reader
    /// makes of them.
    pub fn websocket_reader(bytes: &[u8], step: usize) {
        crate::transport::compare_readers(bytes, step);
    }
}

pub use rt_protocol as protocol;

pub use self::config::connection::Config;
pub use self::connection::{Builder, Connection};
pub use self::credentials::{Credentials, Token, TokenProvider};
pub use self::endpoint::{Endpoint, Provider};
pub use self::error::{Error, ErrorKind};
pub use self::event::connection::ConnectionEvent;
pub use self::handle::{Handle, Stats, TrySendError, TrySendErrorKind};
pub use self::state::State;

/// The guide, whose code is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/reconnect.md")]
struct ReconnectGuide;
