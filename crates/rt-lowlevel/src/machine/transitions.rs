//! What changes the phase: connecting, opening, losing, ending.

use std::time::Instant;

use super::link::{ANNOUNCED, Link, Slot};
use super::losses::lost_by;
use super::timer::{Timer, after};
use super::{Action, At, Machine, Phase};
use crate::classify::{ApiError, Class, Failure, event_class};
use crate::close::{CloseCode, CloseFrame};
use crate::error::{Error, ErrorKind};
use crate::event::{CloseInitiator, Closed, ConnectionEvent, Opened, Retrying};

impl Machine {
    pub(super) fn dial(&mut self, now: Instant) {
        self.phase = Phase::Dialing;
        self.budget.count_connect(now);
        self.timers
            .set(Timer::Attempt, after(now, self.config.timeouts.attempt));
        self.actions.push_back(Action::Dial {
            attempt: self.budget.attempts(),
            refresh_token: self.refresh_token,
        });
    }

    /// `session.created` has come: what the new session must be told goes first, then live traffic.
    pub(super) fn created(&mut self, at: At) {
        if let Some(link) = &mut self.link {
            link.timers.stop(Timer::Created);
        }
        self.tell_opened();
        if let Some(link) = &mut self.link {
            // Of a connection that was to take over, and became the only one before its session was there.
            self.events.extend(std::mem::take(&mut link.held));
        }
        self.phase = Phase::Restoring;
        if self.outage.is_some() {
            self.begin_restore(at, Slot::Current);
        } else {
            self.is_attached = true;
            self.open(at.now);
        }
    }

    /// Tells of the session of the current connection.
    pub(super) fn tell_opened(&mut self) {
        let Some(link) = &self.link else { return };
        self.session_epoch += 1;
        self.last_session_id.clone_from(&link.session_id);
        self.events.push_back(ConnectionEvent::Opened(Opened {
            epoch: self.session_epoch,
            session_id: link.session_id.clone(),
            expires_at: link.expires_at,
            attempts: self.budget.attempts().max(1),
            handshake: link.handshake.clone(),
        }));
    }

    pub(super) fn open(&mut self, now: Instant) {
        self.phase = Phase::Open;
        self.was_open = true;
        self.budget.stop_clock(now);
        let first_fresh = self.ledger.next();
        if let Some(link) = &mut self.link {
            link.opened_at = Some(now);
            link.first_fresh = first_fresh;
            link.start_pings(now, &self.config.liveness);
            if link.is_paused && !self.timers.is_set(Timer::Consumer) {
                self.timers
                    .set(Timer::Consumer, after(now, self.config.limits.slow_after));
            }
        }
        self.plan_rollover(now);
        self.wakes_writer = true;
    }

    /// Accepts no more. What was accepted is written first, if there is somebody to read it; then it ends.
    pub(super) fn drain(&mut self, at: At, flushes_outbox: bool) {
        if let Some(link) = &mut self.link {
            link.flushes_outbox = flushes_outbox;
            link.timers.stop(Timer::Restore);
        }
        self.phase = Phase::Draining;
        self.drop_next();
        self.stop_liveness();
        self.timers
            .set(Timer::Close, after(at.now, self.config.timeouts.close));
        self.wakes_writer = true;
        self.has_room = true;
    }

    /// The server has said that the session is over: it reads nothing more, and there is no reason to make another one.
    pub(super) fn session_is_over(&mut self, at: At) {
        let is_closing = self.phase == Phase::Draining;
        if let Some(link) = &mut self.link {
            let by = if is_closing || link.close_asked.is_some() {
                CloseInitiator::Us
            } else {
                CloseInitiator::Peer
            };
            link.over.get_or_insert(by);
            link.flushes_outbox = false;
        }
        if self.phase != Phase::Draining {
            self.drain(at, false);
        }
    }

    /// Gives the current connection up.
    pub(super) fn hang_up(&mut self, linger: bool) {
        if let Some(link) = self.link.take() {
            let epoch = link.epoch;
            self.actions.push_back(Action::Hangup { epoch, linger });
            self.wakes_writer = true;
        }
    }

    /// A connection is lost: by itself, or because it is of no use. `code` says goodbye.
    pub(super) fn lose_link(&mut self, at: At, slot: Slot, failure: Failure, code: Option<CloseCode>) {
        let taken = match slot {
            Slot::Current => self.link.take(),
            Slot::Next => self.next.take(),
        };
        let Some(link) = taken else { return };
        self.forget_pause(&link);
        let linger =
            code.is_some() || matches!(failure, Failure::Close(_) | Failure::Event(_) | Failure::Expired);
        let epoch = link.epoch;
        self.actions.push_back(Action::Hangup { epoch, linger });
        self.wakes_writer = true;
        // Of earlier connections no writer is left.
        self.parting.retain(|(of, _)| *of + 2 > epoch);
        self.parting
            .extend(code.map(|code| (epoch, CloseFrame::new(code, ""))));
        if slot == Slot::Next {
            let failure = link.latched.unwrap_or(failure);
            self.next_failed(at, &failure);
            return;
        }
        self.is_swapping = false;
        let is_failed = matches!(link.latched, Some(Failure::Event(_)));
        if self.phase == Phase::Draining || (link.close_asked.is_some() && !is_failed) {
            self.end_drained(&link, &failure);
            return;
        }
        // What the server said before it closed is the cause; the close is only how it acted on it.
        let (failure, close) = match (&link.latched, failure) {
            (Some(latched), Failure::Close(close)) => (latched.clone(), Some(close)),
            (Some(latched), _) => (latched.clone(), None),
            (None, Failure::Close(close)) if close.code == CloseCode::TOO_BIG => {
                match self.exclude_largest(&link) {
                    Some((name, bytes)) => (Failure::MessageTooBig { name, bytes }, Some(close)),
                    None => (Failure::Close(close), None),
                }
            }
            (None, failure) => (failure, None),
        };
        let policy = &self.config.retry;
        // A session that was idle until its time was over has done all that it was asked for.
        let is_healthy = if failure.is_expiry() {
            link.is_lasting(at.now, policy)
        } else {
            link.is_healthy(at.now, policy)
        };
        if is_healthy {
            self.budget.reset(at.now);
        }
        self.budget.start_outage(at.now);
        let error = failure
            .to_error()
            .with_request_id(link.handshake.request_id)
            .with_session_id(link.opened_at.and_then(|_| self.last_session_id.clone()))
            .with_close(close);
        self.detach(at.now, || lost_by(&error));
        if self.promote_next(at, &failure, &error) {
            return;
        }
        self.drop_next();
        self.retry_or_end_of(at, &failure, is_healthy, error);
    }

    pub(super) fn retry_or_end(&mut self, at: At, failure: &Failure, was_healthy: bool) {
        self.retry_or_end_of(at, failure, was_healthy, failure.to_error());
    }

    /// As [`retry_or_end`](Self::retry_or_end), told as `error`.
    fn retry_or_end_of(&mut self, at: At, failure: &Failure, was_healthy: bool, error: Error) {
        let is_first = self.session_epoch == 0;
        let decision = self.budget.decide(
            at,
            failure,
            &self.config.retry,
            self.can_refresh,
            is_first,
            was_healthy,
        );
        match decision {
            Some(delay) => {
                self.refresh_token |=
                    matches!(failure, Failure::Refused(refusal) if refusal.status == 401) && self.can_refresh;
                self.phase = Phase::Waiting;
                self.timers.set(Timer::Backoff, after(at.now, delay));
                self.events.push_back(ConnectionEvent::Retrying(Retrying {
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
                    | Failure::Violation(_)
                    | Failure::NotUtf8 => CloseInitiator::Peer,
                    _ => CloseInitiator::Transport,
                };
                self.end(by, Some(error.with_attempts(self.budget.attempts())));
            }
        }
    }

    /// The connection ended while it was being closed.
    pub(super) fn end_drained(&mut self, link: &Link, failure: &Failure) {
        let asked = link.ends_as_asked(failure).then_some(CloseInitiator::Us);
        let (by, error) = match (link.crossing_close(), failure) {
            // It ended as it was to end, however the stream did.
            _ if link.over.or(asked).is_some() => (link.over.unwrap_or(CloseInitiator::Us), None),
            (None, Failure::Close(close)) => (
                CloseInitiator::Peer,
                Some(Failure::Close(close.clone()).to_error()),
            ),
            (Some(close), _) => (
                CloseInitiator::Peer,
                Some(Failure::Close(close.clone()).to_error()),
            ),
            _ if link.close_written => (CloseInitiator::Us, None),
            (None, other) => (CloseInitiator::Transport, Some(other.to_error())),
        };
        let is_answered = link.close_written && link.peer_close.is_some();
        let is_done = link.over.is_some() || is_answered;
        let is_clean = error.is_none() && is_done && self.outbox.len() == 0;
        // `session.closed` says nothing of what was under way when the server wrote it.
        let is_proved = is_answered && link.peer_close_is_answer && link.crossing_close().is_none();
        self.end_as(by, error, is_clean, is_proved);
    }

    /// The tasks around the machine are gone, with their runtime: nothing will be done any more.
    pub(crate) fn handle_abandoned(&mut self) {
        let error = Error::new(
            ErrorKind::Closed,
            "the runtime that drove the connection was shut down",
        );
        self.end(CloseInitiator::Us, Some(error));
    }

    /// With the ids that support asks for: the last ones there were, if the failure has none of its own.
    fn identified(&self, error: Error) -> Error {
        error
            .with_request_id(self.last_request_id.clone())
            .with_session_id(self.last_session_id.clone())
    }

    pub(super) fn end(&mut self, by: CloseInitiator, error: Option<Error>) {
        self.end_as(by, error, false, false);
    }

    /// `clean`: in good order; `proved`: the peer has read all that was written.
    fn end_as(&mut self, by: CloseInitiator, error: Option<Error>, clean: bool, proved: bool) {
        if self.phase == Phase::Ended {
            return;
        }
        self.phase = Phase::Ended;
        self.drop_next();
        self.timers.stop_all();
        self.has_room = true;
        let unsent = self.outbox.len();
        if clean && proved {
            // Its close answers ours, which came behind all that was written.
            self.ledger.acknowledge_written();
        }
        let responses = if std::mem::take(&mut self.is_attached) {
            self.mirror.lost().responses
        } else {
            Vec::new()
        };
        self.ledger.discard_all();
        self.tell_gap();
        self.tell_settled();
        let responses = responses.into_iter();
        self.events.extend(responses.map(ConnectionEvent::Interrupted));
        let closed = Closed {
            by,
            error: error.map(|error| self.identified(error)),
            unsent,
            clean,
        };
        self.terminal = Some(closed.clone());
        self.events.push_back(ConnectionEvent::Closed(closed));
    }

    /// Tells of what was settled before what follows.
    pub(super) fn tell_settled(&mut self) {
        while let Some(settled) = self.ledger.take_run() {
            self.events.push_back(ConnectionEvent::Settled(settled));
        }
    }

    /// Whether a failed response or an error event decides what a later end of the connection means.
    pub(super) fn latch(&mut self, at: At, slot: Slot, api: &ApiError) {
        let failure = match event_class(api, self.phase != Phase::AwaitCreated) {
            Class::Fatal => Failure::Event(api.clone()),
            Class::Now => Failure::Expired,
            Class::Keep | Class::Retry | Class::Once => return,
        };
        let is_open = self.phase == Phase::Open && slot == Slot::Current;
        if matches!(failure, Failure::Expired) && is_open && self.swap_instead_of_end(at) {
            return;
        }
        let Some(link) = self.link_at(slot) else { return };
        if matches!(failure, Failure::Expired) && is_open {
            // The server closes next; if it does not, we do.
            link.timers.set(Timer::Announced, after(at.now, ANNOUNCED));
        }
        // The first fatal cause stays.
        if !matches!(link.latched, Some(Failure::Event(_))) {
            link.latched = Some(failure);
        }
    }
}
