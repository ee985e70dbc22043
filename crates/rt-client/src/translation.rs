//! Sessions that translate speech.

use std::time::Duration;

use rt_lowlevel::{Credentials, Endpoint, State};
use rt_protocol::client_event::{SessionClose, SessionInputAudioBufferAppend};
use rt_protocol::session::{NoiseReduction, Transcription, TranslationSession};
use rt_protocol::{Pcm16, ServerEvent, Session as Settings};

use crate::error::Error;
use crate::event::Event;
use crate::kinds::{common_setters, handle_parts, setters};
use crate::session::Session;
use crate::setup::{Input, Setup};

/// The audio in one message, as the service likes it.
const APPEND: Duration = Duration::from_millis(200);

/// Settings and callbacks of a translation to be: what [`Session::translation`] returns.
///
/// The service tells nothing of what a translation takes, so there is no usage here and no budget: count the audio you send.
#[must_use = "nothing happens before `connect`"]
pub struct TranslationBuilder {
    setup: Setup,
    settings: TranslationSession,
}

impl TranslationBuilder {
    pub(crate) fn new(endpoint: Endpoint, credentials: Credentials, language: impl Into<String>) -> Self {
        Self {
            setup: Setup::new(endpoint, credentials),
            settings: TranslationSession::to(language),
        }
    }

    /// Transcribes what is said too, in its own language.
    pub fn transcribe(mut self, transcription: impl Into<Transcription>) -> Self {
        self.settings = self.settings.transcription(transcription);
        self
    }

    /// Reduces noise before the model.
    pub fn noise_reduction(mut self, noise_reduction: impl Into<NoiseReduction>) -> Self {
        self.settings = self.settings.noise_reduction(noise_reduction);
        self
    }

    common_setters!();
    setters!(on_audio, playback);

    /// Connects, sends the settings, and waits until the server has taken them.
    ///
    /// # Errors
    /// As [`SessionBuilder::connect`](crate::SessionBuilder::connect).
    ///
    /// # Cancel safety
    /// Dropping the future ends the connection.
    pub async fn connect(self) -> Result<Translator, Error> {
        let settings = Settings::from(self.settings);
        let session = self.setup.connect(Some(settings), false, Input::PCM16).await?;
        Ok(Translator { session })
    }
}

impl std::fmt::Debug for TranslationBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TranslationBuilder")
            .field("connection", &self.setup.connection)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// A running translation. Clones are handles of the same one; when the last is dropped, the connection ends.
///
/// Both transcripts come as [`Transcript`](crate::Transcript)s without an item, piece by piece: the user's in the language
/// that was spoken, the assistant's in the other one. There are no turns, and no final pieces.
#[derive(Debug, Clone)]
pub struct Translator {
    session: Session,
}

impl Translator {
    /// Sends audio, in messages of 200 ms. Send silence too: the service counts time by the audio it gets.
    ///
    /// # Errors
    /// `Closed` if the session is closed.
    ///
    /// # Cancel safety
    /// Dropping the future may leave a part of the audio sent: whole pieces of 200 ms.
    pub async fn send_audio(&self, audio: Pcm16) -> Result<(), Error> {
        for piece in audio.chunks(APPEND) {
            let append = SessionInputAudioBufferAppend::new(piece);
            let sent = self.session.handle().send(append).await;
            sent.map(|_| ()).map_err(Error::sending)?;
        }
        Ok(())
    }

    /// Tells the server that no more comes, waits until it has translated what it has, and closes.
    ///
    /// # Errors
    /// `Closed` if the session is closed, `Connection` if the connection ends first, `Timeout` if the end does not come
    /// within `patience`. The session is closed in any case.
    ///
    /// # Cancel safety
    /// The server ends the session even if the future is dropped.
    pub async fn finish(&self, patience: Duration) -> Result<(), Error> {
        let mut events = self.session.events();
        let sent = self.session.handle().send(SessionClose::default()).await;
        sent.map(|_| ()).map_err(Error::sending)?;
        let closed = async {
            while let Some(event) = events.next().await {
                match event {
                    Event::Server(event) if matches!(*event, ServerEvent::SessionClosed(_)) => return Ok(()),
                    Event::State(State::Reconnecting | State::Closed) => break,
                    _ => {}
                }
            }
            Err(Error::interrupted("the end of the translation"))
        };
        let result = tokio::time::timeout(patience, closed).await;
        drop(events);
        self.session.close().await;
        result.unwrap_or_else(|_| Err(Error::timeout("the end of the translation")))
    }

    handle_parts!();

    /// Closes at once, and waits until every callback has run: as [`Session::close`].
    ///
    /// # Cancel safety
    /// As [`Session::close`].
    pub async fn close(&self) {
        self.session.close().await;
    }
}
