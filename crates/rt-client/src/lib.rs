//! Voice sessions over the OpenAI and Azure OpenAI Realtime APIs: callbacks in place of messages.
//!
//! ```no_run
//! use rt_client::{Credentials, Endpoint, Session};
//! # fn microphone() -> rt_client::Pcm16 { rt_client::Pcm16::new() }
//! # fn play(_: rt_client::Pcm16) {}
//!
//! # async fn program() -> Result<(), Box<dyn std::error::Error>> {
//! let key = std::env::var("OPENAI_API_KEY")?;
//! let session = Session::builder(Endpoint::openai("gpt-realtime-2.1")?, Credentials::api_key(key)?)
//!     .instructions("Answer in one short sentence.")
//!     .on_audio(|audio| play(audio))
//!     .on_transcript(|line| if line.is_final { println!("{:?}: {}", line.speaker, line.text) })
//!     .on_error(|error| eprintln!("{error}"))
//!     .connect()
//!     .await?;
//! session.send_text("Hello!").await?;
//! loop {
//!     session.send_audio(microphone()).await?;
//!     # break;
//! }
//! session.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What is in it
//!
//! - Three ways to listen, at the same time if you like: closures as above, an [`EventHandler`], or a stream of
//!   [`Event`]s from [`Session::events`].
//! - Whatever asks for a response returns a handle of it: [`reply`].
//! - The model's audio goes to a sink, and an interruption cuts it at the sample that was heard: [`playback`].
//! - Beside conversations there are sessions that only transcribe and sessions that translate: [`transcription`],
//!   [`translation`].
//! - Functions the model may call: [`tool`]. Checks of what it
//!   says: [`guardrail`]. The conversation as items: [`history`]. Tokens and money: [`usage`]. How long answers take:
//!   [`latency`].
//!
//! # Features
//!
//! All are off by default.
//!
//! - `http`: ephemeral keys and calls over HTTP, in `lowlevel::http`. Webhooks need no feature: [`lowlevel::webhook`]. The session
//!   of a running call is [`SessionBuilder::call`]'s.
//! - `audio`: rt-audio as the module `audio`, for files and formats.
//! - `device`: microphone, speaker and echo guard, in `device`.
//! - `metrics`: counters and times, see [below](#metrics).
//!
//! # What it does not do
//!
//! Nothing is recorded from a microphone or played on a speaker unless the feature `device` is on: audio comes from your
//! program, and goes to a sink of yours, a channel or a file.
//!
//! # Traces
//!
//! Spans of [`tracing`](https://docs.rs/tracing) at the level `DEBUG`, with ids, states and times, and never with what was said:
//! `rt.session`; in it `rt.turn` (what the user says, from its begin to its item), `rt.response` (from `response.created` to its end,
//! with what [`latency`] tells) and `rt.tool` (a call of a function, within its response if that is not over; the function runs in it).
//!
//! # Metrics
//!
//! With the feature `metrics`, for the [`metrics`](https://docs.rs/metrics) facade, those of [`lowlevel`](lowlevel#metrics) and
//!
//! | metric | what | labels |
//! |---|---|---|
//! | `rt_first_output_seconds` | until the first audio of a response, or text if it answers in writing | `since`: speech, request, created |
//! | `rt_tool_seconds` | from a call of a function to its result | `result`: ok, failed |
//! | `rt_interruptions_total` | interruptions of the model | |
//! | `rt_replies_blocked_total` | replies a guardrail blocked | |
//!
//! # Layers
//!
//! `rt-client` is a thin layer over [`lowlevel`], whose [`Config`], [`Endpoint`] and [`Credentials`] it uses; the
//! messages are those of [`protocol`].

#[cfg(feature = "audio")]
pub mod audio;
mod builder;
mod callbacks;
#[cfg(feature = "device")]
pub mod device;
mod dispatch;
mod driver;
mod engine;
mod error;
mod event;
pub mod guardrail;
mod half_duplex;
mod handlers;
pub mod history;
mod kinds;
pub mod latency;
mod observe;
pub mod playback;
mod queue;
pub mod reply;
mod samples;
mod sent_audio;
mod session;
mod setup;
pub mod tool;
mod transcript;
pub mod transcription;
pub mod translation;
pub mod usage;

pub use async_trait::async_trait;
pub use builder::SessionBuilder;
pub use dispatch::EventStream;
pub use error::{Error, ErrorKind};
pub use event::{Audio, Event, Turn};
pub use handlers::EventHandler;
pub use rt_lowlevel::{self as lowlevel, Config, Credentials, Endpoint};
pub use rt_protocol::{self as protocol, Pcm16};
pub use session::{Session, SessionStats};
pub use transcript::{Line, Speaker, Transcript};

// README's program is compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
