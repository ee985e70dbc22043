//! Voice sessions over the OpenAI and Azure OpenAI Realtime APIs: callbacks in place of messages.
//!
//! ```no_run
//! use rt_client::{Credentials, Endpoint, Session};
//! # fn microphone() -> rt_client::Pcm16 { rt_client::Pcm16::new() }
//! # fn play(_: rt_client::Pcm16) {}
//!
//! # async fn program() -> Result<(), Box<dyn std::error::Error>> {
//! let key = std::env::var("OPENAI_API_KEY")?;
//! let session = Session::builder(Endpoint::openai("gpt-realtime")?, Credentials::api_key(key)?)
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
//! # What it does not do yet
//!
//! - After a dropped connection it connects again, but the server starts the new session from nothing: the conversation
//!   is not restored. The settings are sent again, behind what was waiting to be sent.
//! - No tool is run for you: watch for function calls with `on_event` and answer with [`Session::send`].
//! - Nothing is played or recorded, and interruptions are not handled: stop your player at
//!   `input_audio_buffer.speech_started`.
//!
//! # Layers
//!
//! `rt-client` is a thin layer over [`lowlevel`], whose [`Config`], [`Endpoint`] and [`Credentials`] it uses; the
//! messages are those of [`protocol`].

mod builder;
mod dispatch;
mod error;
mod handlers;
mod samples;
mod session;
mod transcript;

pub use builder::SessionBuilder;
pub use error::{Error, ErrorKind};
pub use rt_lowlevel::{self as lowlevel, Config, Credentials, Endpoint};
pub use rt_protocol::{self as protocol, Pcm16};
pub use session::Session;
pub use transcript::{Speaker, Transcript};

// README's program is compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
