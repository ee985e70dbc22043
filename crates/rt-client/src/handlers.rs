//! The callbacks of a session, and how they are called.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rt_protocol::session::AudioFormatKind;
use rt_protocol::{Pcm16, ServerEvent, Session};

use crate::error::{Error, ErrorKind};
use crate::samples::Samples;
use crate::transcript::Transcript;

type Callback<T> = Option<Box<dyn FnMut(T) + Send>>;
type EventCallback = Option<Box<dyn FnMut(&ServerEvent) + Send>>;

/// The callbacks of a session.
#[derive(Default)]
pub(crate) struct Handlers {
    pub(crate) audio: Callback<Pcm16>,
    pub(crate) transcript: Callback<Transcript>,
    pub(crate) event: EventCallback,
    pub(crate) error: Callback<Error>,
    pub(crate) samples: Samples,
    /// The session's output is G.711 or something else that is not PCM16.
    pub(crate) other_format: bool,
}

impl Handlers {
    /// Calls whatever an event concerns: first `on_event`, then the specific ones.
    pub(crate) fn server_event(&mut self, event: &ServerEvent) {
        self.note_format(event);
        let mut panicked = None;
        if let Some(callback) = &mut self.event {
            panicked = call("on_event", || callback(event)).err();
        }
        if let (Some(callback), ServerEvent::ResponseOutputAudioDelta(delta)) = (&mut self.audio, event)
            && !self.other_format
        {
            let audio = self.samples.of(delta);
            panicked = call("on_audio", || callback(audio)).err().or(panicked);
        }
        if let Some(callback) = &mut self.transcript
            && let Some(transcript) = Transcript::of(event)
        {
            panicked = call("on_transcript", || callback(transcript)).err().or(panicked);
        }
        if let Some(error) = panicked {
            self.failed(error);
        }
    }

    /// Remembers the format of the audio that comes, which the server reports with the settings.
    fn note_format(&mut self, event: &ServerEvent) {
        let session = match event {
            ServerEvent::SessionCreated(event) => &event.session,
            ServerEvent::SessionUpdated(event) => &event.session,
            _ => return,
        };
        if let Session::Realtime(session) = session {
            let output = session.audio.value().and_then(|audio| audio.output.value());
            let kind = output
                .and_then(|output| output.format.value())
                .and_then(|format| format.kind.value());
            self.other_format = kind.is_some_and(|kind| *kind != AudioFormatKind::Pcm);
        }
    }

    /// Tells `on_error`.
    pub(crate) fn failed(&mut self, error: Error) {
        tracing::warn!(kind = ?error.kind(), "session error");
        if let Some(callback) = &mut self.error {
            // A panic in here has nobody left to be told to.
            let _ = call("on_error", || callback(error));
        }
    }
}

/// Runs a callback; its panic is an error and not the end of the session.
fn call(name: &str, callback: impl FnOnce()) -> Result<(), Error> {
    catch_unwind(AssertUnwindSafe(callback))
        .map_err(|_| Error::new(ErrorKind::Callback, format!("the callback {name} panicked")))
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handlers")
            .field("audio", &self.audio.is_some())
            .field("transcript", &self.transcript.is_some())
            .field("event", &self.event.is_some())
            .field("error", &self.error.is_some())
            .finish_non_exhaustive()
    }
}
