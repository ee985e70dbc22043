//! What the user says.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rt_protocol::Pcm16;
use rt_protocol::client_event::{InputAudioBufferAppend, InputAudioBufferClear};
use tokio::sync::oneshot;

use super::Session;
use crate::driver::Request;
use crate::engine::{Acked, Command, Ticket};
use crate::error::{Error, ErrorKind};
use crate::reply::{ReplyHandle, ReplyWriter, reply};

/// Longest audio in one message. Longer ones are split, so that a buffer of the connection need not hold it all.
const APPEND: Duration = Duration::from_secs(1);
/// The least audio that makes a turn, in milliseconds.
const LEAST_MS: u64 = 100;

impl Session {
    /// Sends audio of the user. Waits while the connection has as much as it may hold.
    ///
    /// With turn detection, go on sending silence when the user is muted: the server hears the end of a sentence only in
    /// audio. If none is sent for 5 s in the middle of one, the user is taken to be silent as far as follow-ups of functions
    /// are concerned, which else wait for the end of the sentence.
    ///
    /// # Errors
    /// `Closed` if the session is closed.
    ///
    /// # Cancel safety
    /// Dropping the future may leave a part of long audio sent: whole pieces of one second.
    pub async fn send_audio(&self, audio: Pcm16) -> Result<(), Error> {
        for piece in audio.chunks(APPEND) {
            self.append(InputAudioBufferAppend::new(piece)).await?;
        }
        Ok(())
    }

    pub(super) async fn append(&self, mut append: InputAudioBufferAppend) -> Result<(), Error> {
        let bytes = append.audio.len() as u64;
        let half_duplex = self.shared.half_duplex.as_ref();
        if let Some(silence) = half_duplex.and_then(|gate| gate.silence(self.shared.began.elapsed())) {
            append.audio = vec![silence; append.audio.len()].into();
        }
        let sent = self.handle().send(append).await;
        sent.map(|_| ()).map_err(Error::sending)?;
        self.shared.sent.sent(bytes, self.shared.began.elapsed());
        self.shared
            .counters
            .uncommitted
            .fetch_add(bytes, Ordering::Relaxed);
        let us = u64::try_from(self.shared.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.shared
            .counters
            .audio_sent_us
            .fetch_max(us.max(1), Ordering::Relaxed);
        Ok(())
    }

    /// Ends the turn of the user by hand and asks for an answer: for sessions without turn detection. Resolves when
    /// the server has made an item of the audio, whose id is [`ReplyHandle::user_item`].
    ///
    /// # Errors
    /// `TooShort` if less than 100 ms were sent since the last turn: nothing is done then. `Refused` if the server does
    /// not take it, `Connection` if the connection is lost before it answers, `Timeout` after 10 s, `Closed`.
    ///
    /// # Cancel safety
    /// Once polled, the turn ends and is answered even if the future is dropped.
    pub async fn commit_audio(&self) -> Result<ReplyHandle, Error> {
        let reply_ticket = self.ticket();
        let (writer, mut handle) = reply();
        handle.user_item = Some(self.commit(Some((reply_ticket, writer))).await?);
        Ok(handle)
    }

    /// Ends the turn; with a response, if somebody waits for it. The item it became.
    pub(crate) async fn commit(&self, reply: Option<(Ticket, ReplyWriter)>) -> Result<String, Error> {
        let uncommitted = self.shared.counters.uncommitted.load(Ordering::Relaxed);
        if let Some(per_ms) = self.shared.manual
            && uncommitted < LEAST_MS * per_ms
        {
            let message = format!(
                "{} ms of audio are no turn, the service takes {LEAST_MS} ms and more: send more first",
                uncommitted / per_ms
            );
            return Err(Error::new(ErrorKind::TooShort, message));
        }
        let ack = self.ticket();
        let (answer, acked) = oneshot::channel();
        let command = Command::Commit {
            ack,
            reply: reply.as_ref().map(|(ticket, _)| *ticket),
        };
        self.ask(Request::Command {
            command,
            reply,
            ack: Some((ack, answer)),
        })
        .await?;
        // Until then it is there, and may be committed again; what others send meanwhile is of the next turn.
        self.shared.counters.take_audio(uncommitted);
        let acked = acked.await.unwrap_or_else(|_| Err(Error::closed()));
        match acked.inspect_err(|_| self.shared.counters.give_back_audio(uncommitted))? {
            Acked::Item(item_id) => Ok(item_id),
            Acked::Whole(_) => Err(Error::closed()),
        }
    }

    /// The user begins to talk, with push to talk: the model is interrupted, and audio that was sent and not committed is
    /// forgotten.
    ///
    /// # Errors
    /// `Closed` if the session is closed.
    pub async fn start_talking(&self) -> Result<(), Error> {
        self.interrupt().await?;
        self.clear_audio().await
    }

    /// The user has finished, with push to talk: as [`commit_audio`](Self::commit_audio).
    ///
    /// # Errors
    /// As [`commit_audio`](Self::commit_audio).
    pub async fn stop_talking(&self) -> Result<ReplyHandle, Error> {
        self.commit_audio().await
    }

    /// Forgets audio that was sent and not committed.
    ///
    /// # Errors
    /// `Closed` if the session is closed.
    pub async fn clear_audio(&self) -> Result<(), Error> {
        self.send(InputAudioBufferClear::default()).await
    }
}
