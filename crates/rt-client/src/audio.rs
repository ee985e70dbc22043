//! Audio files to [`Pcm16`] and back, resampling, pacing, G.711: all of [`rt_audio`].
//!
//! ```no_run
//! # async fn program(session: rt_client::Session) -> Result<(), Box<dyn std::error::Error>> {
//! session.send_audio(rt_client::audio::read("question.mp3")?).await?;
//! # Ok(())
//! # }
//! ```

pub use rt_audio::*;
