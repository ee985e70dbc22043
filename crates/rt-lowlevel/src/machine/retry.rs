//! [`Budget`]: how often and how long to try again.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::timer::after;
use super::tokens::RetryTokens;
use super::{At, backoff};
use crate::classify::{Bucket, Class, Facts, Failure, verdict};
use crate::config::RetryPolicy;

/// What has been used up in this outage. An outage begins when a good connection is lost (or at the start) and ends
/// when one has proved itself; a connection that comes and goes in between does not end it.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// Connects in this outage.
    attempts: u32,
    /// Waits in this outage, for the size of the next.
    waits: u32,
    /// Time without a session, up to `down_since`.
    down: Duration,
    /// The part of that time that was waited because the server or the window said so.
    dictated: Duration,
    /// Since when there is no session.
    down_since: Option<Instant>,
    /// When connects were made, over all outages.
    connects: VecDeque<Instant>,
    /// When failures were forgiven that are not forgiven often.
    forgiven: VecDeque<(Bucket, Instant)>,
    /// What retries cost, shared with all other connections to the host.
    tokens: RetryTokens,
    /// How many tokens this outage has taken.
    taken: u32,
}

/// The wait after a failure that is not held against the budget: no shorter than after a refusal.
pub(super) struct Wait(pub(super) Duration);

impl Wait {
    pub(super) fn of(at: At, failures: u32, policy: &RetryPolicy) -> Self {
        let floor = policy.throttle_floor;
        Self(backoff::delay(policy, failures, at.jitter).max(floor))
    }
}

impl Budget {
    /// Draws on tokens that others draw on too.
    pub(super) fn share(&mut self, tokens: RetryTokens) {
        self.tokens = tokens;
    }

    pub(super) fn attempts(&self) -> u32 {
        self.attempts
    }

    pub(super) fn start_outage(&mut self, now: Instant) {
        self.down_since.get_or_insert(now);
    }

    /// A session is there: the time from here on is not downtime.
    pub(super) fn stop_clock(&mut self, now: Instant) {
        if let Some(since) = self.down_since.take() {
            self.down += now.saturating_duration_since(since);
        }
    }

    /// The connection has proved itself: the tokens that it took to get there are given back.
    pub(super) fn refund(&mut self, now: Instant) {
        self.tokens.give_back(now, std::mem::take(&mut self.taken));
    }

    /// The connection was good.
    pub(super) fn reset(&mut self, now: Instant) {
        self.refund(now);
        self.attempts = 0;
        self.waits = 0;
        self.down = Duration::ZERO;
        self.dictated = Duration::ZERO;
        self.down_since = None;
    }

    pub(super) fn count_connect(&mut self, now: Instant) {
        self.attempts += 1;
        self.connects.push_back(now);
    }

    /// The wait before the next connect, or `None` if there is to be none.
    pub(super) fn decide(
        &mut self,
        at: At,
        failure: &Failure,
        policy: &RetryPolicy,
        can_refresh: bool,
        is_first: bool,
        was_healthy: bool,
    ) -> Option<Duration> {
        let verdict = verdict(
            failure,
            Facts {
                policy,
                can_refresh,
                is_first,
            },
        );
        match verdict.class {
            Class::Fatal | Class::Keep => return None,
            // Only a connection that was good is replaced for free: else a server that always says "expired"
            // would be asked for ever.
            Class::Now if was_healthy => return Some(self.window_wait(at.now, policy)),
            Class::Now | Class::Retry | Class::Once => {}
        }
        if self.attempts >= policy.max_attempts.max(1) || !self.forgive(verdict.bucket, at.now) {
            return None;
        }
        let backoff = backoff::delay(policy, self.waits, at.jitter);
        self.waits += 1;
        let down = self.down
            + self
                .down_since
                .map(|since| at.now.saturating_duration_since(since))
                .unwrap_or_default();
        // What others dictate is not held against the outage: the number of attempts bounds that.
        if down.saturating_sub(self.dictated).saturating_add(backoff) > policy.max_downtime {
            return None;
        }
        // The first connect after a good connection is no retry. Of the others, all connections to a host together
        // make only so many; who comes too late waits, for the failures of others are no reason to give up.
        let turn = if self.attempts == 0 {
            Duration::ZERO
        } else {
            self.taken += RetryTokens::COST;
            self.tokens.take(at.now)
        };
        let wait = backoff
            .max(verdict.floor)
            .max(self.window_wait(at.now, policy))
            .max(turn);
        self.dictated += wait - backoff;
        Some(wait)
    }

    /// A connect that is not part of an outage.
    pub(super) fn count_other(&mut self, now: Instant) {
        self.connects.push_back(now);
    }

    /// How long until another connect is allowed.
    pub(super) fn window_wait(&mut self, now: Instant, policy: &RetryPolicy) -> Duration {
        while self
            .connects
            .front()
            .is_some_and(|first| now.saturating_duration_since(*first) >= policy.window)
        {
            self.connects.pop_front();
        }
        match self.connects.len().checked_sub(policy.max_connects.max(1)) {
            Some(index) => after(self.connects[index], policy.window).saturating_duration_since(now),
            None => Duration::ZERO,
        }
    }

    /// Whether a failure that is not forgiven often is forgiven once more.
    pub(super) fn forgive(&mut self, bucket: Option<Bucket>, now: Instant) -> bool {
        let Some(bucket) = bucket else { return true };
        self.forgiven
            .retain(|(_, when)| now.saturating_duration_since(*when) < Bucket::WINDOW);
        if self.forgiven.iter().filter(|(other, _)| *other == bucket).count() >= bucket.max() {
            return false;
        }
        self.forgiven.push_back((bucket, now));
        true
    }
}
