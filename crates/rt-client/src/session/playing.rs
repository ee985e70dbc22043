//! How far the model is heard.

use tokio::sync::oneshot;

use super::Session;
use crate::driver::Request;
use crate::error::Error;

impl Session {
    /// Tells how many samples of the model's audio were played in all since the session began, without what was thrown away
    /// at interruptions: for applications that play the audio of `on_audio` themselves. Without it, and without a sink, audio
    /// counts as played at the pace of the clock from when it came; the first report takes the place of what the clock said.
    ///
    /// Report often, every 50 ms or so, and once more when an interruption made you throw audio away. Of what is first
    /// reported after an interruption, no more is taken to be of the next reply than there was time to play of it.
    ///
    /// # Errors
    /// `Closed` if the session is closed.
    pub async fn report_played(&self, samples: u64) -> Result<(), Error> {
        self.ask(Request::Played(samples)).await
    }

    /// Waits until the model is not heard any more: what has come so far was played, or cut by an interruption, and so was
    /// what came meanwhile. A reply is over before it was played, and [`close`](Self::close) takes the sink away, so whoever
    /// wants the end of it to be heard waits here first.
    ///
    /// The sink says what was played, to within the 50 ms in which it is asked; without one it is the clock, and in a call the
    /// server. A sink that stands still, or is paused, is waited for as long as the session lives: set a limit with
    /// `tokio::time::timeout`.
    ///
    /// # Errors
    /// `Closed` if the session is closed, or ends meanwhile.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn playback_finished(&self) -> Result<(), Error> {
        let (done, finished) = oneshot::channel();
        self.ask(Request::PlayedOut(done)).await?;
        finished.await.map_err(|_| Error::closed())
    }
}
