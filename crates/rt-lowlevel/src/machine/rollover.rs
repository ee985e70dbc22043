//! The rollover: a second connection is prepared, and takes over from the first.
//!
//! ```text
//! Idle -> Dialing -> Preparing -> Ready -> (swap) -> Idle
//!   ^        |           |          |
//!   +-- wait + <---------+----------+   failure of the second connection; the first goes on
//! ```
//!
//! The swap waits for a quiet point: the mirror says that nothing is under way, and the peer has proved that it has read
//! everything. Until that proof nothing more is written to the first connection, so that nothing is sent to both. At the
//! deadline it does not wait any more: what is under way is settled as if the connection were lost, and the turn that is
//! being spoken is sent again.

use std::time::{Duration, Instant};

use super::link::{Link, Slot};
use super::retry::Wait;
use super::timer::{Timer, after};
use super::{Action, At, Machine, Phase};
use crate::classify::{Class, Facts, Failure, Verdict, verdict};
use crate::close::{CloseCode, CloseFrame};
use crate::error::Error;
use crate::event::{ConnectionEvent, RestoreCause, Retrying};
use crate::mirror::Purpose;

/// How often to look for a quiet point, when nothing else is a reason to look.
const LOOK: Duration = Duration::from_millis(250);

/// How long the proof that everything was read may take.
const PROOF: Duration = Duration::from_secs(1);

/// Events of the next session that are held until it takes over, and bytes of them. A server of tools is worth about 6
/// events and some KiB; a session that says more than this has no use.
pub(super) const MAX_HELD: usize = 1024;
const MAX_HELD_BYTES: usize = 4 << 20;

/// A session that lasts less than this is not one that the server describes as it is: clocks may differ.
const SHORTEST: Duration = Duration::from_secs(1);

/// How far the second connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Stage {
    /// There is none; a timer may be set for it.
    #[default]
    Idle,
    Dialing,
    /// Connected: it waits for its session, or tells it what the first one knows.
    Preparing,
    /// It knows everything that does not change any more.
    Ready,
}

#[derive(Debug, Default)]
pub(super) struct Rollover {
    pub(super) stage: Stage,
    /// It was asked for.
    is_restart: bool,
    /// The deadline has passed.
    is_forced: bool,
    failures: u32,
    /// Since when nothing is written to the first connection.
    held_since: Option<Instant>,
}

fn is_final(verdict: &Verdict) -> bool {
    matches!(verdict.class, Class::Fatal | Class::Keep)
}

impl Machine {
    /// A session is open: when is the next one to be prepared, and when must it take over?
    pub(super) fn plan_rollover(&mut self, now: Instant) {
        self.rollover = Rollover::default();
        for timer in [Timer::Rollover, Timer::Force, Timer::Swap, Timer::NextAttempt] {
            self.timers.stop(timer);
        }
        let policy = &self.config.rollover;
        if !policy.enabled || !self.config.restore.enabled {
            return;
        }
        let ends_at = self.link.as_ref().and_then(|link| link.ends_at);
        let left = ends_at
            .map(|end| end.saturating_duration_since(now))
            .filter(|left| *left >= SHORTEST)
            .unwrap_or(policy.max_age);
        // A session shorter than the margins is used for half of its time at least.
        let start = left.saturating_sub(policy.margin).max(left / 2);
        let force = left.saturating_sub(policy.deadline).max(left / 4 * 3);
        self.timers.set(Timer::Rollover, after(now, start));
        self.timers.set(Timer::Force, after(now, force));
    }

    /// Whether a new session would know what this one does.
    pub(crate) fn can_restart(&self) -> bool {
        self.config.restore.enabled
    }

    /// A new session is asked for. Returns whether there will be one.
    pub(crate) fn handle_restart(&mut self, at: At) -> bool {
        if !self.can_restart() {
            return false;
        }
        match self.phase {
            Phase::Draining | Phase::Ended => return false,
            Phase::Open if self.is_asked_to_close() => return false,
            Phase::Open => {}
            // There is going to be one anyway.
            _ => return true,
        }
        self.rollover.is_restart = true;
        let force = after(at.now, self.config.rollover.patience);
        self.timers.set_no_later(Timer::Force, force);
        if self.rollover.stage == Stage::Idle {
            self.timers.set(Timer::Rollover, at.now);
        }
        true
    }

    /// The session was asked to end, and has not refused: no other one follows it.
    fn is_asked_to_close(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.close_asked.is_some())
    }

    /// It is time for the second connection.
    pub(super) fn start_next(&mut self, at: At) {
        if self.phase != Phase::Open || self.rollover.stage != Stage::Idle || self.is_asked_to_close() {
            return;
        }
        let wait = self.budget.window_wait(at.now, &self.config.retry);
        if wait > Duration::ZERO {
            self.timers.set(Timer::Rollover, after(at.now, wait));
            return;
        }
        self.budget.count_other(at.now);
        self.rollover.stage = Stage::Dialing;
        let limit = after(at.now, self.config.timeouts.attempt);
        self.timers.set(Timer::NextAttempt, limit);
        self.actions.push_back(Action::Dial {
            attempt: self.rollover.failures + 1,
            refresh_token: self.refresh_token,
        });
    }

    /// The dial of the second connection succeeded.
    pub(super) fn next_connected(&mut self, now: Instant, mut link: Box<Link>) {
        self.timers.stop(Timer::NextAttempt);
        self.rollover.stage = Stage::Preparing;
        let limit = after(now, self.config.timeouts.session_created);
        link.timers.set(Timer::Created, limit);
        self.next = Some(link);
    }

    pub(super) fn next_attempt_is_late(&mut self, at: At) {
        if self.rollover.stage == Stage::Dialing {
            self.actions.push_back(Action::AbortDial);
            let limit = self.config.timeouts.attempt;
            self.next_failed(at, &Failure::AttemptTimeout(limit));
        }
    }

    /// The session of the second connection is there.
    pub(super) fn next_created(&mut self, at: At) {
        let liveness = &self.config.liveness;
        let Some(link) = &mut self.next else { return };
        link.timers.stop(Timer::Created);
        link.start_pings(at.now, liveness);
        self.begin_restore(at, Slot::Next);
    }

    /// The session of the second connection knows what there is to know for now.
    pub(super) fn next_is_ready(&mut self, at: At) {
        if let Some(link) = &mut self.next {
            link.timers.stop(Timer::Restore);
        }
        self.rollover.stage = Stage::Ready;
        self.timers.set(Timer::Swap, at.now);
    }

    /// Something happened that may have made it quiet.
    pub(super) fn look_for_quiet(&mut self, now: Instant) {
        if self.rollover.stage == Stage::Ready {
            self.timers.set_no_later(Timer::Swap, now);
        }
    }

    /// An event of the session of the second connection, made of so many bytes, is for the user, once it has taken over.
    /// None is dropped: rather than hold too much, the second connection is given up.
    pub(crate) fn hold(&mut self, at: At, epoch: u64, event: ConnectionEvent, bytes: usize) {
        let Some(link) = self.next.as_mut().filter(|link| link.epoch == epoch) else {
            return;
        };
        link.held_bytes += bytes;
        link.held.push(event);
        if link.held.len() > MAX_HELD || link.held_bytes > MAX_HELD_BYTES {
            let failure = Failure::Violation("too many events before its session was used".to_owned());
            self.lose_link(at, Slot::Next, failure, Some(CloseCode::POLICY));
        }
    }

    /// The second connection failed; the first goes on. It is tried again, unless that makes no sense.
    pub(super) fn next_failed(&mut self, at: At, failure: &Failure) {
        self.timers.stop(Timer::NextAttempt);
        self.timers.stop(Timer::Swap);
        self.release_outbox();
        self.rollover.stage = Stage::Idle;
        self.rollover.failures += 1;
        self.refresh_token |=
            matches!(failure, Failure::Refused(refusal) if refusal.status == 401) && self.can_refresh;
        let verdict = self.verdict(failure);
        if is_final(&verdict) || !self.budget.forgive(verdict.bucket, at.now) {
            return;
        }
        let wait = Wait::of(at, self.rollover.failures, &self.config.retry);
        let wait = wait.0.max(verdict.floor);
        self.timers.set(Timer::Rollover, after(at.now, wait));
    }

    fn verdict(&self, failure: &Failure) -> Verdict {
        let facts = Facts {
            policy: &self.config.retry,
            can_refresh: self.can_refresh,
            is_first: false,
        };
        verdict(failure, facts)
    }

    /// Gives the second connection up: the first is being closed, or is over.
    pub(super) fn drop_next(&mut self) {
        if self.rollover.stage == Stage::Dialing {
            self.actions.push_back(Action::AbortDial);
        }
        if let Some(link) = self.next.take() {
            let epoch = link.epoch;
            self.actions.push_back(Action::Hangup { epoch, linger: false });
        }
        self.rollover = Rollover::default();
        for timer in [Timer::Rollover, Timer::Force, Timer::Swap, Timer::NextAttempt] {
            self.timers.stop(timer);
        }
        self.release_outbox();
    }

    fn release_outbox(&mut self) {
        if self.rollover.held_since.take().is_some() {
            self.wakes_writer = true;
        }
    }

    /// Whether nothing is written to the first connection, because the second is about to take over.
    pub(super) fn holds_outbox(&self) -> bool {
        self.rollover.held_since.is_some()
    }

    /// The deadline: from here on it does not wait for a quiet point.
    pub(super) fn force(&mut self, at: At) {
        if self.phase != Phase::Open {
            return;
        }
        self.rollover.is_forced = true;
        match self.rollover.stage {
            Stage::Ready => self.timers.set(Timer::Swap, at.now),
            Stage::Idle if self.rollover.failures == 0 => self.timers.set(Timer::Rollover, at.now),
            _ => {}
        }
    }

    /// The session says that it ends: the second connection takes over, if it is ready.
    pub(super) fn swap_instead_of_end(&mut self, at: At) -> bool {
        let is_ready = self.rollover.stage == Stage::Ready;
        if is_ready {
            self.force(at);
        }
        is_ready
    }

    /// Swaps, if this is the moment.
    pub(super) fn try_swap(&mut self, at: At) {
        if self.phase != Phase::Open || self.rollover.stage != Stage::Ready {
            return;
        }
        if self.rollover.is_forced {
            self.swap(at, false);
            return;
        }
        let Some(link) = &mut self.link else { return };
        if !link.queue.is_empty() || !self.mirror.is_quiet() {
            self.release_outbox();
            self.timers.set(Timer::Swap, after(at.now, LOOK));
            return;
        }
        if link.last_written <= link.read_to {
            self.swap(at, true);
            return;
        }
        match self.rollover.held_since {
            None => {
                self.rollover.held_since = Some(at.now);
                link.ping_due = true;
                self.wakes_writer = true;
                self.timers.set(Timer::Swap, after(at.now, PROOF));
            }
            Some(since) if after(since, PROOF) > at.now => {
                self.timers.set(Timer::Swap, after(since, PROOF));
            }
            Some(_) => {
                self.release_outbox();
                self.timers.set(Timer::Swap, after(at.now, PROOF));
            }
        }
    }

    fn swap(&mut self, at: At, is_quiet: bool) {
        let Some(old) = self.link.take() else { return };
        self.forget_pause(&old);
        let epoch = old.epoch;
        self.actions.push_back(Action::Hangup { epoch, linger: true });
        self.parting.push((epoch, CloseFrame::new(CloseCode::NORMAL, "")));
        if old.is_healthy(at.now, &self.config.retry) {
            self.budget.reset(at.now);
        }
        let is_restart = self.rollover.is_restart;
        self.is_attached = false;
        let lost = if is_quiet {
            self.mirror.hand_over()
        } else {
            self.mirror.lost()
        };
        self.settle_lost(at.now, lost, || {
            if is_restart {
                RestoreCause::Restart
            } else {
                RestoreCause::Rollover
            }
        });
        self.take_over(at);
    }

    /// The second connection is the first now; its session is told the rest.
    fn take_over(&mut self, at: At) {
        let Some(mut link) = self.next.take() else { return };
        self.drop_next();
        let held = std::mem::take(&mut link.held);
        let limit = after(at.now, self.config.timeouts.restore);
        link.timers.set(Timer::Restore, limit);
        if let Some(restore) = &mut link.restore {
            restore.purpose = Purpose::Restore;
        }
        self.link = Some(link);
        self.phase = Phase::Restoring;
        self.is_swapping = true;
        self.wakes_writer = true;
        self.tell_opened();
        self.events.extend(held);
        self.absorb_updates();
        self.advance(at, Slot::Current);
    }

    /// The first connection is lost: the second one takes over, as far as it is. Returns whether there is one.
    pub(super) fn promote_next(&mut self, at: At, failure: &Failure, error: &Error) -> bool {
        let Some(next) = &self.next else { return false };
        if is_final(&self.verdict(failure)) {
            return false;
        }
        if next.restore.is_some() {
            self.take_over(at);
            return true;
        }
        // It still waits for its session.
        self.link = self.next.take();
        self.drop_next();
        self.phase = Phase::AwaitCreated;
        self.events.push_back(ConnectionEvent::Retrying(Retrying {
            attempt: self.budget.attempts() + 1,
            delay: Duration::ZERO,
            cause: error.clone(),
        }));
        true
    }
}
