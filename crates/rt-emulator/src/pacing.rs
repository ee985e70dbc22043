//! [`Pacing`]: how fast the answers come.

use std::time::Duration;

/// How fast the emulator answers.
///
/// The default is the pace of a real server, shortened: a small pause before the first output, then audio several
/// times faster than it plays.
///
/// ```
/// use rt_emulator::Pacing;
/// use std::time::Duration;
/// let slow_start = Pacing { first_output: Duration::from_millis(400), ..Pacing::server() };
/// assert_ne!(slow_start, Pacing::instant());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pacing {
    /// From `response.created` to the first output. Default 60 ms.
    pub first_output: Duration,
    /// Between two deltas of text. Default 5 ms.
    pub text_delta: Duration,
    /// The audio in one delta. Default 100 ms.
    pub audio_chunk: Duration,
    /// How many times faster than it plays audio is sent; infinity sends all at once. Default 8.
    pub audio_speed: f64,
    /// From the commit of audio to the first delta of its transcript, and from one delta to the next. Default 15 ms.
    pub transcription: Duration,
}

impl Pacing {
    /// As a real server: faster than the audio plays.
    #[must_use]
    pub const fn server() -> Self {
        Self {
            first_output: Duration::from_millis(60),
            text_delta: Duration::from_millis(5),
            audio_chunk: Duration::from_millis(100),
            audio_speed: 8.0,
            transcription: Duration::from_millis(15),
        }
    }

    /// No pauses at all: everything is due at once.
    #[must_use]
    pub const fn instant() -> Self {
        Self {
            first_output: Duration::ZERO,
            text_delta: Duration::ZERO,
            audio_chunk: Duration::from_millis(100),
            audio_speed: f64::INFINITY,
            transcription: Duration::ZERO,
        }
    }

    /// Audio as fast as it plays, with the pauses of a busy server: for ears, and for tests of interruptions.
    #[must_use]
    pub const fn real_time() -> Self {
        Self {
            first_output: Duration::from_millis(300),
            text_delta: Duration::from_millis(40),
            audio_chunk: Duration::from_millis(100),
            audio_speed: 1.0,
            transcription: Duration::from_millis(80),
        }
    }

    /// How long `audio` takes to send.
    pub(crate) fn sending(&self, audio: Duration) -> Duration {
        let seconds = audio.as_secs_f64() / self.audio_speed;
        // NaN, infinity and negative speeds all mean "at once".
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }
}

impl Default for Pacing {
    fn default() -> Self {
        Self::server()
    }
}
