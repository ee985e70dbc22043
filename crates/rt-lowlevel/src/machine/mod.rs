//! The state machine of a connection: it decides everything and does nothing.
//!
//! There is no socket, no clock and no runtime in here. Inputs go in through `handle_*`, with the time and a random
//! number; what is to be done comes out through `poll_*`. After any input:
//!
//! 1. deliver all of [`poll_event`](Machine::poll_event), in order, before anything else is delivered;
//! 2. do all of [`poll_action`](Machine::poll_action);
//! 3. if [`take_writer_wake`](Machine::take_writer_wake), let the writer ask [`poll_transmit`](Machine::poll_transmit);
//! 4. call [`handle_timeout`](Machine::handle_timeout) when [`poll_timeout`](Machine::poll_timeout) is reached.
//!
//! Time never goes backwards. Inputs of a connection carry its epoch, and those of an earlier one are ignored.
//!
//! ```text
//! Idle -> Waiting <-> Dialing -> AwaitCreated -> Restoring -> Open -> Draining -> Ended
//!            ^                        |              |          |
//!            +------------------------+--------------+----------+   failure, if the retry rules allow
//! ```
//!
//! In `Restoring`, between `session.created` and live traffic, a new session is told what the old one knew: the mirror
//! says what, in steps, and each is waited for. A connection that is lost on the way leaves nothing to be undone: the next
//! one is told all of it again.
//!
//! While a session is open there may be a second connection, which is prepared to take over; see `rollover`.

pub(crate) mod backoff;
mod deadlines;
mod exchange;
mod ledger;
mod link;
mod liveness;
mod losses;
mod outbox;
mod pauses;
mod progress;
mod restore;
mod restoring;
mod retry;
mod rollover;
mod signal;
mod status;
mod timer;
mod tokens;
mod transitions;
mod writing;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use rt_protocol::dialect::{BetaVariant, Dialect};
use rt_protocol::session::SessionKind;

pub(crate) use self::exchange::{Action, At, Refused, Transmit};
pub(crate) use self::ledger::{Kind, Sums};
#[cfg(test)]
pub(crate) use self::link::Signal;
pub(crate) use self::link::Traffic;
pub(crate) use self::outbox::Message;
pub(crate) use self::progress::RestoreProgress;
pub(crate) use self::signal::Disposition;
pub(crate) use self::tokens::RetryTokens;

use self::ledger::Ledger;
use self::link::Link;
use self::losses::Outage;
use self::outbox::Outbox;
use self::retry::Budget;
use self::rollover::{Rollover, Stage};
use self::timer::{Timer, Timers, after};
use crate::classify::Failure;
use crate::close::CloseFrame;
use crate::config::Config;
use crate::dialect::Translator;
use crate::event::{AudioGap, CloseInitiator, Closed, ConnectionEvent, Handshake};
use crate::fate::{DiscardReason, Fate, Settled};
use crate::mirror::{Mirror, Snapshot, Step};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    Waiting,
    Dialing,
    AwaitCreated,
    /// Between `session.created` and live traffic.
    Restoring,
    Open,
    Draining,
    Ended,
}

/// The machine. See the module's documentation for how to drive it.
#[derive(Debug)]
pub(crate) struct Machine {
    config: Arc<Config>,
    can_refresh: bool,
    phase: Phase,
    /// The number of the latest connection; 0 before the first.
    epoch: u64,
    /// The number of the latest session.
    session_epoch: u64,
    budget: Budget,
    /// The last token that got as far as the server was refused.
    refresh_token: bool,
    link: Option<Box<Link>>,
    /// The connection that is to take over.
    next: Option<Box<Link>>,
    /// The server's ids of the last request it answered and of the last session, for the error at the end.
    last_request_id: Option<String>,
    last_session_id: Option<String>,
    /// Close frames that the writers of connections just given up are still to write.
    parting: Vec<(u64, CloseFrame)>,
    outbox: Outbox,
    ledger: Ledger,
    timers: Timers,
    actions: VecDeque<Action>,
    events: VecDeque<ConnectionEvent>,
    /// As `events`, to be delivered behind the event that is being handled.
    after: VecDeque<ConnectionEvent>,
    mirror: Mirror,
    translator: Arc<Translator>,
    /// The mirror follows the session of the current connection.
    is_attached: bool,
    /// There was an open session.
    was_open: bool,
    rollover: Rollover,
    /// Audio of the model for which there is no room is dropped.
    drops_audio: bool,
    /// What of it was dropped and is not told yet.
    gap: Option<AudioGap>,
    /// The restore is that of a swap: there was a session all the time.
    is_swapping: bool,
    /// The first session is told what a snapshot has.
    resumes: bool,
    /// Since when there is none, and what happened meanwhile.
    outage: Option<Outage>,
    /// Commands that are part of what the next session is told.
    absorbed: Vec<u64>,
    /// Commands that are not written again, because they are too large for the server.
    excluded: Vec<u64>,
    /// Steps of a restore that are too large for the server.
    unwanted: Vec<Step>,
    terminal: Option<Closed>,
    wakes_writer: bool,
    has_room: bool,
}

impl Machine {
    pub(crate) fn new(config: impl Into<Arc<Config>>, can_refresh: bool) -> Self {
        let config = config.into();
        Self {
            mirror: Mirror::new(config.restore.clone(), SessionKind::Realtime),
            translator: Arc::new(Translator::new(Some(Dialect::Ga), BetaVariant::default())),
            after: VecDeque::new(),
            is_attached: false,
            was_open: false,
            resumes: false,
            rollover: Rollover::default(),
            drops_audio: false,
            gap: None,
            is_swapping: false,
            outage: None,
            absorbed: Vec::new(),
            excluded: Vec::new(),
            unwanted: Vec::new(),
            outbox: Outbox::new(&config.limits),
            config,
            can_refresh,
            phase: Phase::Idle,
            epoch: 0,
            session_epoch: 0,
            budget: Budget::default(),
            refresh_token: false,
            link: None,
            next: None,
            last_request_id: None,
            last_session_id: None,
            parting: Vec::new(),
            ledger: Ledger::default(),
            timers: Timers::default(),
            actions: VecDeque::new(),
            events: VecDeque::new(),
            terminal: None,
            wakes_writer: false,
            has_room: false,
        }
    }

    /// Draws on these for retries, and not on some of its own.
    pub(crate) fn with_tokens(mut self, tokens: RetryTokens) -> Self {
        self.budget.share(tokens);
        self
    }

    /// The same, for sessions of this kind, whose messages are written with this translator.
    pub(crate) fn for_sessions(self, kind: SessionKind, translator: Arc<Translator>) -> Self {
        Self {
            mirror: Mirror::new(self.config.restore.clone(), kind),
            translator,
            ..self
        }
    }

    /// The same, going on with a conversation.
    pub(crate) fn resume(mut self, snapshot: Snapshot) -> Self {
        self.mirror = Mirror::resume(self.config.restore.clone(), snapshot);
        self.resumes = true;
        self
    }

    // Inputs of the user.

    pub(crate) fn handle_start(&mut self, at: At) {
        if self.phase == Phase::Idle {
            self.budget.start_outage(at.now);
            if self.resumes && self.config.restore.enabled {
                self.expect_resume(at.now);
            }
            self.dial(at.now);
        }
    }

    /// So many samples of this content were played so far.
    pub(crate) fn handle_played(&mut self, at: At, item_id: &str, content_index: u32, samples: u64) {
        self.mirror.played(item_id, content_index, samples);
        self.look_for_quiet(at.now);
    }

    /// Accepts the messages of a command, all or none. They are written in this order, after what was accepted before.
    /// Returns the command's number. The fate of a tracked one comes out of
    /// [`poll_tracked`](Self::poll_tracked).
    pub(crate) fn handle_command(
        &mut self,
        mut messages: Vec<Message>,
        tracked: bool,
    ) -> Result<u64, Refused> {
        if matches!(self.phase, Phase::Draining | Phase::Ended) {
            return Err(Refused::Closed);
        }
        if !self.outbox.fits(&messages) {
            return Err(Refused::Full(messages));
        }
        let first = self.ledger.next();
        let last = messages.len().saturating_sub(1);
        for (index, message) in messages.iter_mut().enumerate() {
            message.number = self.ledger.accept(message.line(), index < last, tracked);
        }
        for stale in self.outbox.push(messages) {
            let numbers = self.ledger.messages_of(stale);
            self.ledger.settle(stale, Fate::Discarded(DiscardReason::Stale));
            self.outbox.drop_rest(&numbers);
        }
        self.wakes_writer |= self.phase == Phase::Open;
        Ok(first)
    }

    /// Closes: accepts no more, lets what was accepted be written, then ends.
    pub(crate) fn handle_close(&mut self, at: At) {
        match self.phase {
            Phase::Draining | Phase::Ended => {}
            Phase::Idle | Phase::Waiting => self.end(CloseInitiator::Us, None),
            Phase::Dialing => {
                self.actions.push_back(Action::AbortDial);
                self.end(CloseInitiator::Us, None);
            }
            // Without a session there is nobody to read what waits.
            Phase::AwaitCreated | Phase::Restoring | Phase::Open => {
                self.drain(at, self.phase == Phase::Open || self.is_swapping);
            }
        }
    }

    // Inputs of a dial.

    /// The dial succeeded. Returns the epoch of the new connection.
    pub(crate) fn handle_connected(&mut self, at: At, handshake: Handshake) -> Option<u64> {
        if self.phase != Phase::Dialing && self.rollover.stage != Stage::Dialing {
            return None;
        }
        self.epoch += 1;
        self.refresh_token = false;
        if handshake.request_id.is_some() {
            self.last_request_id.clone_from(&handshake.request_id);
        }
        let mut link = Box::new(Link::new(at.now, self.epoch, handshake));
        if self.phase != Phase::Dialing {
            self.next_connected(at.now, link);
            return Some(self.epoch);
        }
        self.timers.stop(Timer::Attempt);
        link.timers.set(
            Timer::Created,
            after(at.now, self.config.timeouts.session_created),
        );
        self.link = Some(link);
        self.phase = Phase::AwaitCreated;
        Some(self.epoch)
    }

    pub(crate) fn handle_dial_failed(&mut self, at: At, failure: &Failure) {
        if let Failure::Refused(refusal) = failure
            && refusal.request_id.is_some()
        {
            self.last_request_id.clone_from(&refusal.request_id);
        }
        if self.phase == Phase::Dialing {
            self.timers.stop(Timer::Attempt);
            self.retry_or_end(at, failure, false);
        } else if self.rollover.stage == Stage::Dialing {
            self.next_failed(at, failure);
        }
    }

    // Outputs.

    pub(crate) fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    pub(crate) fn poll_event(&mut self) -> Option<ConnectionEvent> {
        self.events.pop_front()
    }

    /// What follows the event that was handled last, once that is delivered.
    pub(crate) fn poll_event_after(&mut self) -> Option<ConnectionEvent> {
        self.after.pop_front()
    }

    /// Whether there is something to deliver.
    pub(crate) fn has_events(&self) -> bool {
        !self.events.is_empty() || !self.after.is_empty()
    }

    /// Commands with a fate other than `Acknowledged` that are not told of by an event yet. To be taken when there is
    /// room for an event: those that wait are put together.
    pub(crate) fn poll_settled(&mut self) -> Option<Settled> {
        self.ledger.take_run()
    }

    pub(crate) fn has_settled(&self) -> bool {
        self.ledger.has_runs()
    }

    /// The fate of a tracked command, by its number.
    pub(crate) fn poll_tracked(&mut self) -> Option<(u64, Fate)> {
        self.ledger.take_tracked()
    }

    pub(crate) fn has_actions(&self) -> bool {
        !self.actions.is_empty()
    }

    /// Whether there is something new for the writer. Asking resets it.
    pub(crate) fn take_writer_wake(&mut self) -> bool {
        std::mem::take(&mut self.wakes_writer)
    }

    /// Whether those who wait to send should try again. Asking resets it.
    pub(crate) fn take_room(&mut self) -> bool {
        std::mem::take(&mut self.has_room)
    }
}
