//! A microphone and a speaker, through cpal. With the feature `device`.
//!
//! ```no_run
//! use rt_client::device::{EchoGuard, Microphone, Speaker};
//! use rt_client::{Credentials, Endpoint, Session};
//!
//! # async fn program() -> Result<(), Box<dyn std::error::Error>> {
//! let (speaker, monitor) = Speaker::open()?;
//! let mut microphone = Microphone::open()?;
//! let mut guard = EchoGuard::new(monitor);
//! let key = Credentials::api_key(std::env::var("OPENAI_API_KEY")?)?;
//! let session = Session::builder(Endpoint::openai("gpt-realtime-2.1")?, key)
//!     .playback(speaker)
//!     .connect()
//!     .await?;
//! while let Some(chunk) = microphone.next().await {
//!     match chunk {
//!         Ok(audio) => session.send_audio(guard.process(audio, std::time::Instant::now())).await?,
//!         Err(error) => eprintln!("{error}"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Each device has a thread of its own. The callbacks of the sound system take no lock: samples go through rings of atomics.
//! A device that disappears is looked for again by its name, if it was opened by one, and otherwise replaced by the default one; if
//! there is none for 5 s, the microphone ends and the speaker is gone, after which the session goes on without it.
//!
//! On Linux the feature needs the headers of ALSA (`libasound2-dev`) and `pkg-config` to build.

mod echo;
mod far;
mod host;
mod keeper;
mod microphone;
mod output;
mod recovery;
mod ring;
mod speaker;

pub use self::echo::{EchoCanceller, EchoGate, EchoGuard};
pub use self::host::{microphones, speakers};
pub use self::microphone::Microphone;
pub use self::speaker::{PlaybackMonitor, Speaker};
