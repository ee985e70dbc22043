//! [`Handle`]: the sending side of a connection.

mod outgoing;
mod try_send;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rt_protocol::ClientEvent;
use rt_protocol::dialect::Warning;
use tokio::sync::watch;

pub use self::try_send::{TrySendError, TrySendErrorKind};

use crate::config::AudioPolicy;
use crate::driver::Shared;
use crate::error::{Error, ErrorKind};
use crate::fate::{CommandId, Receipt};
use crate::machine::{Message, Refused};
use crate::mirror::Snapshot;
use crate::state::State;

/// Sends events, closes, and tells the state. Cheap to clone; all clones are of one connection.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
    max_message: usize,
    /// Whether events are checked against the documented limits.
    strict: bool,
}

/// Counters of a connection, at one moment. `accepted` is the sum of `acknowledged`, `rejected`, `superseded`,
/// `discarded` and `pending`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Commands that were accepted.
    pub accepted: u64,
    /// Commands whose fate is [`Acknowledged`](crate::fate::Fate::Acknowledged).
    pub acknowledged: u64,
    /// Commands whose fate is [`Rejected`](crate::fate::Fate::Rejected).
    pub rejected: u64,
    /// Commands whose fate is [`Superseded`](crate::fate::Fate::Superseded).
    pub superseded: u64,
    /// Commands whose fate is [`Discarded`](crate::fate::Fate::Discarded).
    pub discarded: u64,
    /// Commands that have no fate yet: not written, or written and not answered.
    pub pending: u64,
    /// Messages that were accepted and are not written yet, audio included.
    pub waiting_messages: usize,
    /// Audio that was accepted and is not written yet.
    pub waiting_audio: Duration,
    /// Audio that was dropped because it was too old: only with [`AudioPolicy::Live`].
    pub dropped_audio: Duration,
    /// Audio in discarded commands, that included.
    pub discarded_audio: Duration,
}

impl Handle {
    pub(crate) fn new(shared: Arc<Shared>, max_message: usize, strict: bool) -> Self {
        Self {
            shared,
            max_message,
            strict,
        }
    }

    /// Accepts an event for sending, waiting for room if there is none, and returns its number. Accepted events are
    /// written in the order of acceptance. While the connection is being re-established they wait, and go out before any
    /// later one.
    ///
    /// What becomes of it is told by [`ConnectionEvent::Settled`](crate::ConnectionEvent::Settled), unless it is
    /// acknowledged; [`send_tracked`](Self::send_tracked) lets you wait for it. Audio of more than 64 KiB goes out in several
    /// messages of one command.
    ///
    /// # Errors
    /// `Closed` if the connection is closed or closing, with what ended it as the source; `MessageTooLarge` if the event
    /// exceeds [`Limits::message`](crate::config::Limits::message); `InvalidEvent` if it breaks a documented limit and
    /// [`Config::strict`](crate::Config::strict) is on, if the server's dialect has no such event, or if it truncates an item
    /// that was restored as text.
    ///
    /// # Cancel safety
    /// A dropped future has accepted nothing.
    pub async fn send(&self, event: impl Into<ClientEvent>) -> Result<CommandId, Error> {
        self.accept(event.into(), Shared::accept).await
    }

    /// As [`send`](Self::send), with a [`Receipt`] for what becomes of it.
    ///
    /// ```no_run
    /// # async fn f(handle: &rt_lowlevel::Handle) -> Result<(), rt_lowlevel::Error> {
    /// use rt_lowlevel::fate::Fate;
    /// use rt_lowlevel::protocol::{Item, client_event::ConversationItemCreate};
    ///
    /// let receipt = handle.send_tracked(ConversationItemCreate::new(Item::user_text("Hello"))).await?;
    /// match receipt.await {
    ///     Fate::Acknowledged => println!("it is part of the conversation"),
    ///     Fate::Rejected(error) => println!("refused: {}", error.message),
    ///     other => println!("{other:?}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// As [`send`](Self::send).
    pub async fn send_tracked(&self, event: impl Into<ClientEvent>) -> Result<Receipt, Error> {
        self.accept(event.into(), Shared::accept_tracked).await
    }

    async fn accept<T>(
        &self,
        event: ClientEvent,
        accept: impl Fn(&Shared, Vec<Message>) -> Result<T, Refused>,
    ) -> Result<T, Error> {
        self.shared.turn().await;
        let (lane, mut messages, warnings) = self.encode(event)?;
        if !self.shared.has_line(lane) {
            match accept(&self.shared, messages) {
                Ok(accepted) => {
                    self.warn(warnings);
                    return Ok(accepted);
                }
                Err(Refused::Full(back)) => messages = back,
                Err(Refused::Closed) => return Err(self.closed()),
            }
        }
        let _place = self.shared.line(lane).await;
        loop {
            let room = self.shared.wake_senders.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            match accept(&self.shared, messages) {
                Ok(accepted) => {
                    self.warn(warnings);
                    return Ok(accepted);
                }
                Err(Refused::Full(back)) => messages = back,
                Err(Refused::Closed) => return Err(self.closed()),
            }
            room.await;
        }
    }

    /// Accepts an event for sending if there is room now, and returns its number.
    ///
    /// # Errors
    /// [`TrySendError`], with the event in it.
    pub fn try_send(&self, event: impl Into<ClientEvent>) -> Result<CommandId, TrySendError> {
        let event = event.into();
        let refused = |event, kind| TrySendError {
            event: Box::new(event),
            kind,
            source: None,
        };
        // What comes back is what was given.
        let (messages, warnings) = match self.encode(event.clone()) {
            Ok((_, messages, warnings)) => (messages, warnings),
            Err(error) => {
                let kind = match error.kind() {
                    ErrorKind::InvalidEvent => TrySendErrorKind::Invalid,
                    _ => TrySendErrorKind::TooLarge,
                };
                let source = Some(error);
                return Err(TrySendError {
                    source,
                    ..refused(event, kind)
                });
            }
        };
        match self.shared.accept(messages) {
            Ok(id) => {
                self.warn(warnings);
                Ok(id)
            }
            Err(Refused::Full(_)) => Err(refused(event, TrySendErrorKind::Full)),
            Err(Refused::Closed) => Err(refused(event, TrySendErrorKind::Closed)),
        }
    }

    /// Tells how much of the model's audio the user has heard: `samples` of this part of an item, counted from its start,
    /// at the rate of the output format. What a new session is told of the conversation then ends where the user stopped
    /// hearing. Call it as playback goes on; without any call, all audio that arrived counts as heard (see
    /// [`RestorePolicy::unreported`](crate::restore::RestorePolicy::unreported)).
    pub fn mark_played(&self, item_id: &str, content_index: u32, samples: u64) {
        self.shared
            .with(|machine, at| machine.handle_played(at, item_id, content_index, samples));
    }

    /// Asks for a new session in place of this one, which goes on until the new one is ready and knows the
    /// conversation: at a quiet moment, or after [`RolloverPolicy::patience`](crate::config::RolloverPolicy::patience).
    /// [`ConnectionEvent::Restored`](crate::ConnectionEvent::Restored) tells when it is done. While there is no session, a
    /// new one is under way already.
    ///
    /// # Errors
    /// `Closed` if the connection is closed or closing, or `session.close` was written to its session; `InvalidConfig` if a new session would not be told of the
    /// conversation, because [`RestorePolicy::enabled`](crate::restore::RestorePolicy::enabled) is off, or because this is the
    /// control channel of a call, whose session outlives it.
    pub fn restart(&self) -> Result<(), Error> {
        let (is_possible, is_done) = self
            .shared
            .with(|machine, at| (machine.can_restart(), machine.handle_restart(at)));
        if is_done {
            Ok(())
        } else if is_possible || matches!(*self.state().borrow(), State::Closing | State::Closed) {
            Err(self.closed())
        } else {
            Err(Error::config(
                "the session cannot be changed for another, which would know nothing of the conversation",
            )
            .with_hint("set `RestorePolicy::enabled`; the session of a call cannot be changed"))
        }
    }

    /// What another process needs to go on with the conversation, as it is now: see
    /// [`Builder::resume`](crate::Builder::resume).
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.with(|machine, _| machine.snapshot())
    }

    fn check_truncation(&self, item_id: &str) -> Result<(), Error> {
        if self.shared.with(|machine, _| machine.truncate_allowed(item_id)) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::InvalidEvent,
            "conversation.item.truncate: the item was restored as text and has no audio to cut; \
             it says already only what was heard",
        ))
    }

    /// Closes, and waits until it is done: what was accepted is written, the closing handshake runs, and the stream
    /// is read to its end, for [`Timeouts::close`](crate::config::Timeouts::close) at most. Without a session it is immediate.
    ///
    /// Any number of calls, from any clone, at any time. What the server says meanwhile is still delivered as far as
    /// there is room for it.
    ///
    /// # Cancel safety
    /// Closing begins with the first poll and goes on if the future is dropped.
    pub async fn close(&self) {
        self.shared.with(|machine, at| machine.handle_close(at));
        // The sender of the state is in `shared`: this cannot fail.
        let _ = self.shared.state().wait_for(|state| state.is_closed()).await;
    }

    /// The state, now and as it changes.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<State> {
        self.shared.state()
    }

    /// What was accepted and what became of it; what is waiting and what was dropped.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.with(|machine, _| {
            let sums = machine.sums();
            Stats {
                accepted: sums.accepted,
                acknowledged: sums.acknowledged,
                rejected: sums.rejected,
                superseded: sums.superseded,
                discarded: sums.discarded,
                pending: sums.pending,
                waiting_messages: machine.waiting_messages(),
                waiting_audio: AudioPolicy::duration(machine.waiting_audio() as u64),
                dropped_audio: AudioPolicy::duration(machine.dropped_audio()),
                discarded_audio: AudioPolicy::duration(machine.discarded_audio()),
            }
        })
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    fn closed(&self) -> Error {
        let error = Error::new(ErrorKind::Closed, "the connection is closed");
        match self
            .shared
            .with(|machine, _| machine.terminal().and_then(|closed| closed.error.clone()))
        {
            Some(cause) => error.with_source(cause),
            None => error,
        }
    }

    fn warn(&self, warnings: Vec<Warning>) {
        warnings.into_iter().for_each(|warning| self.shared.warn(warning));
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("state", &*self.shared.state().borrow())
            .finish()
    }
}
