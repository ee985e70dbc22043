//! Sessions that only transcribe.

use rt_lowlevel::{Credentials, Endpoint};
use rt_protocol::session::{NoiseReduction, SemanticVad, ServerVad, Transcription, TranscriptionSession};
use rt_protocol::{Pcm16, Session as Settings};

use crate::error::Error;
use crate::kinds::{common_setters, handle_parts, setters};
use crate::session::Session;
use crate::setup::{Input, Setup};

/// Settings and callbacks of a transcription to be: what [`Session::transcription`] returns.
#[must_use = "nothing happens before `connect`"]
pub struct TranscriptionBuilder {
    setup: Setup,
    settings: TranscriptionSession,
    manual: bool,
}

impl TranscriptionBuilder {
    pub(crate) fn new(endpoint: Endpoint, credentials: Credentials, model: impl Into<String>) -> Self {
        Self {
            setup: Setup::new(endpoint, credentials),
            settings: TranscriptionSession::new(Transcription::new(model)),
            manual: false,
        }
    }

    /// All settings of the transcription, the model among them: language, keywords, prompt.
    pub fn model(mut self, transcription: impl Into<Transcription>) -> Self {
        self.settings = self.settings.transcription(transcription);
        self
    }

    /// Turns end by loudness and silence.
    pub fn server_vad(mut self, vad: ServerVad) -> Self {
        self.settings = self.settings.server_vad(vad);
        self.manual = false;
        self
    }

    /// Turns end when the sentence sounds finished.
    pub fn semantic_vad(mut self, vad: SemanticVad) -> Self {
        self.settings = self.settings.semantic_vad(vad);
        self.manual = false;
        self
    }

    /// Turns are ended by [`Transcriber::commit_audio`]. Some models need it.
    pub fn manual_turns(mut self) -> Self {
        self.settings = self.settings.manual_turns();
        self.manual = true;
        self
    }

    /// Reduces noise before the model.
    pub fn noise_reduction(mut self, noise_reduction: impl Into<NoiseReduction>) -> Self {
        self.settings = self.settings.noise_reduction(noise_reduction);
        self
    }

    common_setters!();
    setters!(on_line, on_turn, on_usage, prices, budget, on_budget);

    /// Connects, sends the settings, and waits until the server has taken them.
    ///
    /// # Errors
    /// As [`SessionBuilder::connect`](crate::SessionBuilder::connect).
    ///
    /// # Cancel safety
    /// Dropping the future ends the connection.
    pub async fn connect(self) -> Result<Transcriber, Error> {
        let settings = Settings::from(self.settings);
        let session = self
            .setup
            .connect(Some(settings), self.manual, Input::PCM16)
            .await?;
        Ok(Transcriber { session })
    }
}

impl std::fmt::Debug for TranscriptionBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TranscriptionBuilder")
            .field("connection", &self.setup.connection)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// A running transcription. Clones are handles of the same one; when the last is dropped, the connection ends.
#[derive(Debug, Clone)]
pub struct Transcriber {
    session: Session,
}

impl Transcriber {
    /// Sends audio: as [`Session::send_audio`].
    ///
    /// # Errors
    /// `Closed` if the session is closed, `Budget` if its [budget](TranscriptionBuilder::budget) is used up.
    ///
    /// # Cancel safety
    /// As [`Session::send_audio`].
    pub async fn send_audio(&self, audio: Pcm16) -> Result<(), Error> {
        self.session.check_budget()?;
        self.session.send_audio(audio).await
    }

    /// Ends a turn by hand. Resolves to the id of its item when the server has made one; the text follows as a
    /// [`Line`](crate::Line).
    ///
    /// # Errors
    /// As [`Session::commit_audio`].
    ///
    /// # Cancel safety
    /// As [`Session::commit_audio`].
    pub async fn commit_audio(&self) -> Result<String, Error> {
        self.session.commit(None).await
    }

    /// Forgets audio that was sent and is no turn yet: as [`Session::clear_audio`].
    ///
    /// # Errors
    /// As [`Session::clear_audio`].
    pub async fn clear_audio(&self) -> Result<(), Error> {
        self.session.clear_audio().await
    }

    handle_parts!();

    /// Closes, and waits until every callback has run: as [`Session::close`]. Text that has not come yet is lost.
    ///
    /// # Cancel safety
    /// As [`Session::close`].
    pub async fn close(&self) {
        self.session.close().await;
    }
}
