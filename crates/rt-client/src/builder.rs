//! [`SessionBuilder`]: settings and callbacks, then `connect`.

use rt_lowlevel::{Config, Credentials, Endpoint};
use rt_protocol::session::{Transcription, Voice};
use rt_protocol::{Pcm16, RealtimeSession, ServerEvent, Text, Tool};

use crate::error::Error;
use crate::handlers::Handlers;
use crate::session::Session;
use crate::transcript::Transcript;

/// Settings and callbacks of a session to be.
///
/// Callbacks run one after the other, in the order of the wire, on a task of their own: never on the connection's
/// tasks. A slow one does not lose anything: after a bound it slows the connection down. Do not block in one for
/// long; hand work over to a channel.
#[derive(Debug)]
#[must_use = "nothing happens before `connect`"]
pub struct SessionBuilder {
    endpoint: Endpoint,
    credentials: Credentials,
    config: Config,
    settings: RealtimeSession,
    handlers: Handlers,
}

impl SessionBuilder {
    pub(crate) fn new(endpoint: Endpoint, credentials: Credentials) -> Self {
        Self {
            endpoint,
            credentials,
            config: Config::default(),
            settings: RealtimeSession::default(),
            handlers: Handlers::default(),
        }
    }

    /// What the model should do and be.
    pub fn instructions(mut self, instructions: impl Into<Text>) -> Self {
        self.settings.instructions = instructions.into().into();
        self
    }

    /// The voice of the model.
    pub fn voice(mut self, voice: impl Into<Voice>) -> Self {
        self.settings.audio.or_default().output.or_default().voice = voice.into().into();
        self
    }

    /// Transcribes what the user says with this model, such as `gpt-4o-transcribe`.
    pub fn transcribe(mut self, model: impl Into<String>) -> Self {
        self.settings.audio.or_default().input.or_default().transcription = Transcription::new(model).into();
        self
    }

    /// A tool the model may use; call it several times for several tools.
    pub fn tool(mut self, tool: impl Into<Tool>) -> Self {
        self.settings.tools.or_default().push(tool.into());
        self
    }

    /// All settings of the session, in place of those given so far.
    pub fn settings(mut self, settings: RealtimeSession) -> Self {
        self.settings = settings;
        self
    }

    /// Deadlines, bounds and retries of the connection.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Called with the model's audio as it arrives: PCM16 at 24 kHz, whole samples. It comes faster than it
    /// plays. Not called for other output formats, whose bytes come with `on_event`.
    pub fn on_audio(mut self, callback: impl FnMut(Pcm16) + Send + 'static) -> Self {
        self.handlers.audio = Some(Box::new(callback));
        self
    }

    /// Called with what the user and the model say, piece by piece and then whole.
    pub fn on_transcript(mut self, callback: impl FnMut(Transcript) + Send + 'static) -> Self {
        self.handlers.transcript = Some(Box::new(callback));
        self
    }

    /// Called with every event of the server, before the other callbacks.
    pub fn on_event(mut self, callback: impl FnMut(&ServerEvent) + Send + 'static) -> Self {
        self.handlers.event = Some(Box::new(callback));
        self
    }

    /// Called when something failed: a message that could not be read, a callback that panicked, the end of the
    /// connection. Errors the server reports are events.
    pub fn on_error(mut self, callback: impl FnMut(Error) + Send + 'static) -> Self {
        self.handlers.error = Some(Box::new(callback));
        self
    }

    /// Connects, sends the settings, and waits until the server has taken them.
    ///
    /// # Errors
    /// `Connection` if no connection could be made after the retries of the [`Config`], `Settings` if the server
    /// refused the settings or they break a documented limit, `Timeout` if it did not answer to them for 10 s.
    ///
    /// # Cancel safety
    /// Dropping the future ends the connection.
    pub async fn connect(self) -> Result<Session, Error> {
        let Self {
            endpoint,
            credentials,
            config,
            settings,
            handlers,
        } = self;
        crate::session::open(endpoint, credentials, config, settings, handlers).await
    }
}
