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
//! `Restoring` has nothing to do yet: it is the place, between `session.created` and live traffic, where a new session is
//! told what the old one knew.

mod backoff;
mod link;
mod outbox;
mod retry;
mod timer;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Instant;

pub(crate) use self::link::{Signal, Traffic};
pub(crate) use self::outbox::Message;

use self::link::Link;
use self::outbox::Outbox;
use self::retry::Budget;
use self::timer::{Timer, Timers};
use crate::classify::{Class, Failure};
use crate::close::{CloseCode, CloseFrame};
use crate::config::Config;
use crate::error::Error;
use crate::event::{CloseInitiator, Closed, ConnectionEvent, Handshake, Opened};
use crate::frame::Frame;
use crate::state::State;

/// The moment of an input: when, and a random number from 0 to 1 in case there is a wait to be chosen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    pub(crate) now: Instant,
    pub(crate) jitter: f64,
}

/// What the supervisor is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Connect; the answer is `handle_connected` or `handle_dial_failed`.
    Dial { attempt: u32, refresh_token: bool },
    /// Drop the dial that runs.
    AbortDial,
    /// Give up the connection of this epoch; with `linger`, let it finish what it is doing for a moment.
    Hangup { epoch: u64, linger: bool },
}

/// What the writer is to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Transmit {
    /// Write this, then ask again.
    Frame(Frame),
    /// Flush, if anything was written since the last flush, and ask again; else wait to be woken.
    Idle,
    /// Flush and end: nothing more is to be written to this connection.
    Stop,
}

/// Why a message was not accepted; it comes back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Full(Vec<Message>),
    Closed,
}

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
    config: Config,
    can_refresh: bool,
    phase: Phase,
    /// The number of the latest connection; 0 before the first.
    epoch: u64,
    /// The number of the latest session.
    session_epoch: u64,
    budget: Budget,
    refresh_token: bool,
    link: Option<Link>,
    /// A close frame that the writer of a connection just given up is still to write.
    parting: Option<(u64, CloseFrame)>,
    outbox: Outbox,
    timers: Timers,
    actions: VecDeque<Action>,
    events: VecDeque<ConnectionEvent>,
    terminal: Option<Closed>,
    wakes_writer: bool,
    has_room: bool,
}

impl Machine {
    pub(crate) fn new(config: Config, can_refresh: bool) -> Self {
        Self {
            outbox: Outbox::new(&config.limits),
            config,
            can_refresh,
            phase: Phase::Idle,
            epoch: 0,
            session_epoch: 0,
            budget: Budget::default(),
            refresh_token: false,
            link: None,
            parting: None,
            timers: Timers::default(),
            actions: VecDeque::new(),
            events: VecDeque::new(),
            terminal: None,
            wakes_writer: false,
            has_room: false,
        }
    }

    // What it is now.

    pub(crate) fn state(&self) -> State {
        match self.phase {
            Phase::Idle => State::Idle,
            Phase::Open => State::Connected,
            Phase::Draining => State::Closing,
            Phase::Ended => State::Closed,
            Phase::Waiting | Phase::Dialing | Phase::AwaitCreated | Phase::Restoring => {
                if self.session_epoch == 0 {
                    State::Connecting
                } else {
                    State::Reconnecting
                }
            }
        }
    }

    /// How it ended, once it has.
    pub(crate) fn terminal(&self) -> Option<&Closed> {
        self.terminal.as_ref()
    }

    /// Whether there ever was a session.
    pub(crate) fn had_session(&self) -> bool {
        self.session_epoch > 0
    }

    pub(crate) fn waiting_messages(&self) -> usize {
        self.outbox.len()
    }

    pub(crate) fn waiting_audio(&self) -> usize {
        self.outbox.waiting_audio()
    }

    pub(crate) fn dropped_audio(&self) -> u64 {
        self.outbox.dropped_audio()
    }

    // Inputs of the user.

    pub(crate) fn handle_start(&mut self, at: At) {
        if self.phase == Phase::Idle {
            self.budget.start_outage(at.now);
            self.dial(at.now);
        }
    }

    /// Accepts messages, all or none. They are written in this order, after what was accepted before.
    pub(crate) fn handle_messages(&mut self, messages: Vec<Message>) -> Result<(), Refused> {
        if matches!(self.phase, Phase::Draining | Phase::Ended) {
            return Err(Refused::Closed);
        }
        self.outbox.push(messages).map_err(Refused::Full)?;
        self.wakes_writer |= self.phase == Phase::Open;
        Ok(())
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
            Phase::AwaitCreated | Phase::Restoring | Phase::Open => {
                if let Some(link) = &mut self.link {
                    // Without a session there is nobody to read what waits.
                    link.flushes_outbox = self.phase == Phase::Open;
                }
                self.phase = Phase::Draining;
                for timer in [Timer::Created, Timer::Ping, Timer::PingDeadline, Timer::Announced] {
                    self.timers.stop(timer);
                }
                self.timers.set(Timer::Close, at.now + self.config.timeouts.close);
                self.wakes_writer = true;
                self.has_room = true;
            }
        }
    }

    // Inputs of a dial.

    /// The dial succeeded. Returns the epoch of the new connection.
    pub(crate) fn handle_connected(&mut self, at: At, handshake: Handshake) -> Option<u64> {
        if self.phase != Phase::Dialing {
            return None;
        }
        self.timers.stop(Timer::Attempt);
        self.epoch += 1;
        self.link = Some(Link::new(at.now, handshake));
        self.phase = Phase::AwaitCreated;
        self.timers
            .set(Timer::Created, at.now + self.config.timeouts.session_created);
        Some(self.epoch)
    }

    pub(crate) fn handle_dial_failed(&mut self, at: At, failure: &Failure) {
        if self.phase == Phase::Dialing {
            self.timers.stop(Timer::Attempt);
            self.retry_or_end(at, failure, false);
        }
    }

    // Outputs.

    pub(crate) fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    pub(crate) fn poll_event(&mut self) -> Option<ConnectionEvent> {
        self.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
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

    /// A deadline was reached. `traffic` is what the current connection has seen.
    pub(crate) fn handle_timeout(&mut self, at: At, traffic: Option<Traffic>) {
        while let Some(timer) = self.timers.pop_due(at.now) {
            match timer {
                Timer::Backoff => self.dial(at.now),
                Timer::Attempt => {
                    self.actions.push_back(Action::AbortDial);
                    let limit = self.config.timeouts.attempt;
                    self.retry_or_end(at, &Failure::AttemptTimeout(limit), false);
                }
                Timer::Created => {
                    let limit = self.config.timeouts.session_created;
                    self.lose_link(at, Failure::NoSession(limit), None);
                }
                Timer::Ping => self.ping(at.now),
                Timer::PingDeadline => self.check_ping(at, traffic),
                Timer::WriteStall => self.check_write(at, traffic),
                Timer::Announced => self.lose_link(at, Failure::Expired, Some(CloseCode::NORMAL)),
                Timer::Close => {
                    self.hang_up(false);
                    self.end(CloseInitiator::Us, None);
                }
            }
        }
    }

    // Inside.

    fn dial(&mut self, now: Instant) {
        self.phase = Phase::Dialing;
        self.budget.count_connect(now);
        self.timers
            .set(Timer::Attempt, now + self.config.timeouts.attempt);
        let refresh_token = std::mem::take(&mut self.refresh_token);
        self.actions.push_back(Action::Dial {
            attempt: self.budget.attempts(),
            refresh_token,
        });
    }

    /// `session.created` has come: what the new session must be told goes first, then live traffic.
    fn restore(&mut self, at: At, session_id: Option<String>, expires_at: Option<u64>) {
        self.timers.stop(Timer::Created);
        self.phase = Phase::Restoring;
        self.session_epoch += 1;
        let handshake = self
            .link
            .as_ref()
            .map(|link| link.handshake.clone())
            .unwrap_or_default();
        self.events.push_back(ConnectionEvent::Opened(Opened {
            epoch: self.session_epoch,
            session_id,
            expires_at,
            attempts: self.budget.attempts(),
            handshake,
        }));
        self.open(at.now);
    }

    fn open(&mut self, now: Instant) {
        self.phase = Phase::Open;
        self.budget.stop_clock(now);
        if let Some(link) = &mut self.link {
            link.opened_at = Some(now);
        }
        self.timers
            .set(Timer::Ping, now + self.config.liveness.ping_interval);
        self.wakes_writer = true;
    }

    /// Gives the current connection up.
    fn hang_up(&mut self, linger: bool) {
        if self.link.take().is_some() {
            self.actions.push_back(Action::Hangup {
                epoch: self.epoch,
                linger,
            });
            self.wakes_writer = true;
        }
    }

    /// The connection is lost: by itself, or because it is of no use. `code` says goodbye.
    fn lose_link(&mut self, at: At, failure: Failure, code: Option<CloseCode>) {
        let Some(link) = self.link.take() else { return };
        let linger =
            code.is_some() || matches!(failure, Failure::Close(_) | Failure::Event(_) | Failure::Expired);
        self.link = None;
        self.actions.push_back(Action::Hangup {
            epoch: self.epoch,
            linger,
        });
        self.wakes_writer = true;
        self.parting = code.map(|code| (self.epoch, CloseFrame::new(code, "")));
        for timer in [
            Timer::Created,
            Timer::Ping,
            Timer::PingDeadline,
            Timer::WriteStall,
            Timer::Announced,
        ] {
            self.timers.stop(timer);
        }
        if self.phase == Phase::Draining {
            self.end_drained(&link, &failure);
            return;
        }
        let is_healthy = link.is_healthy(at.now, &self.config.retry);
        if is_healthy {
            self.budget.reset();
        }
        self.budget.start_outage(at.now);
        // What the server said before it closed is the cause; the close is only how it acted on it.
        let failure = link.latched.unwrap_or(failure);
        let request_id = link.handshake.request_id;
        self.retry_or_end_of(at, &failure, is_healthy, request_id);
    }

    fn retry_or_end(&mut self, at: At, failure: &Failure, was_healthy: bool) {
        self.retry_or_end_of(at, failure, was_healthy, None);
    }

    fn retry_or_end_of(&mut self, at: At, failure: &Failure, was_healthy: bool, request_id: Option<String>) {
        let is_first = self.session_epoch == 0;
        let decision = self.budget.decide(
            at,
            failure,
            &self.config.retry,
            self.can_refresh,
            is_first,
            was_healthy,
        );
        let error = failure.to_error().with_request_id(request_id);
        match decision {
            Some(delay) => {
                self.refresh_token =
                    matches!(failure, Failure::Refused(refusal) if refusal.status == 401) && self.can_refresh;
                self.phase = Phase::Waiting;
                self.timers.set(Timer::Backoff, at.now + delay);
                self.events
                    .push_back(ConnectionEvent::Retrying(crate::event::Retrying {
                        attempt: self.budget.attempts() + 1,
                        delay,
                        cause: error,
                    }));
            }
            None => {
                let by = match failure {
                    Failure::Refused(_)
                    | Failure::Event(_)
                    | Failure::Close(_)
                    | Failure::Expired
                    | Failure::Violation(_) => CloseInitiator::Peer,
                    _ => CloseInitiator::Transport,
                };
                self.end(by, Some(error.with_attempts(self.budget.attempts())));
            }
        }
    }

    /// The connection ended while it was being closed.
    fn end_drained(&mut self, link: &Link, failure: &Failure) {
        let is_clean = link.close_written && link.peer_closed && self.outbox.len() == 0;
        let error = match failure {
            _ if link.close_written => None,
            Failure::Close(close) if close.code == CloseCode::NORMAL => None,
            other => Some(other.to_error()),
        };
        let by = if error.is_some() {
            CloseInitiator::Transport
        } else {
            CloseInitiator::Us
        };
        self.end(by, error);
        if let Some(ConnectionEvent::Closed(closed)) = self.events.back_mut() {
            closed.clean = is_clean;
            self.terminal = Some(closed.clone());
        }
    }

    fn end(&mut self, by: CloseInitiator, error: Option<Error>) {
        if self.phase == Phase::Ended {
            return;
        }
        self.phase = Phase::Ended;
        self.timers.stop_all();
        self.has_room = true;
        let closed = Closed {
            by,
            error,
            unsent: self.outbox.len(),
            clean: false,
        };
        self.terminal = Some(closed.clone());
        self.events.push_back(ConnectionEvent::Closed(closed));
    }

    /// Whether a failed response or an error event decides what a later end of the connection means.
    fn latch(&mut self, at: At, api: &crate::classify::ApiError) {
        let failure = match crate::classify::event_class(api) {
            Class::Fatal => Failure::Event(api.clone()),
            Class::Now => Failure::Expired,
            Class::Keep | Class::Retry | Class::Once => return,
        };
        let Some(link) = &mut self.link else { return };
        if matches!(failure, Failure::Expired) && self.phase == Phase::Open {
            // The server closes next; if it does not, we do.
            self.timers.set(Timer::Announced, at.now + link::ANNOUNCED);
        }
        // The first fatal cause stays.
        if !matches!(link.latched, Some(Failure::Event(_))) {
            link.latched = Some(failure);
        }
    }
}
