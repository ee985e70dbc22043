//! The timers of the machine: which there are, and when the next one is due.

use std::time::{Duration, Instant};

/// A deadline the machine waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    /// A dial takes too long.
    Attempt,
    /// `session.created` does not come.
    Created,
    /// A session is not told in time what it must know.
    Restore,
    /// The wait before a connect is over.
    Backoff,
    /// A ping is due.
    Ping,
    /// An unanswered ping may mean that the peer is dead.
    PingDeadline,
    /// A write may have stalled; or one failed, and the reader has not found out why.
    WriteStall,
    /// The close that follows `session_expired` does not come.
    Announced,
    /// Closing takes too long.
    Close,
    /// Another connection is to be prepared.
    Rollover,
    /// The dial of the next connection takes too long.
    NextAttempt,
    /// It may be quiet enough for the next connection to take over.
    Swap,
    /// The next connection must take over.
    Force,
    /// The consumer takes no events.
    Consumer,
}

const ALL: [Timer; 14] = [
    Timer::Attempt,
    Timer::Created,
    Timer::Restore,
    Timer::Backoff,
    Timer::Ping,
    Timer::PingDeadline,
    Timer::WriteStall,
    Timer::Announced,
    Timer::Close,
    Timer::Rollover,
    Timer::NextAttempt,
    Timer::Swap,
    Timer::Force,
    Timer::Consumer,
];

/// As good as never: about 30 years.
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// `wait` after `now`, for any `wait`: a setting may be `Duration::MAX`.
pub(super) fn after(now: Instant, wait: Duration) -> Instant {
    now.checked_add(wait.min(FAR)).unwrap_or(now)
}

/// When each timer is due, if it is set.
#[derive(Debug, Default)]
pub(super) struct Timers {
    due: [Option<Instant>; ALL.len()],
    /// The earliest of them: asked for far more often than it changes.
    next: Option<Instant>,
}

impl Timers {
    pub(super) fn set(&mut self, timer: Timer, at: Instant) {
        let before = self.due[timer as usize].replace(at);
        self.changed(before, Some(at));
    }

    /// As [`set`](Self::set), unless it is due before that.
    pub(super) fn set_no_later(&mut self, timer: Timer, at: Instant) {
        let due = self.due[timer as usize];
        self.set(timer, due.map_or(at, |due| due.min(at)));
    }

    pub(super) fn stop(&mut self, timer: Timer) {
        let before = self.due[timer as usize].take();
        self.changed(before, None);
    }

    /// A deadline changed: the earliest one may be another.
    fn changed(&mut self, before: Option<Instant>, after: Option<Instant>) {
        if before == self.next && before != after {
            self.next = self.due.iter().flatten().min().copied();
        } else if let Some(at) = after {
            self.next = Some(self.next.map_or(at, |next| next.min(at)));
        }
    }

    pub(super) fn stop_all(&mut self) {
        *self = Self::default();
    }

    pub(super) fn is_set(&self, timer: Timer) -> bool {
        self.due[timer as usize].is_some()
    }

    /// How long until it is due, if it is set.
    pub(super) fn left(&self, timer: Timer, now: Instant) -> Option<Duration> {
        self.due[timer as usize].map(|due| due.saturating_duration_since(now))
    }

    /// The earliest deadline.
    pub(super) fn next(&self) -> Option<Instant> {
        self.next
    }

    /// Takes one timer that is due.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Timer> {
        self.next.filter(|next| *next <= now)?;
        let timer = ALL
            .into_iter()
            .find(|timer| self.due[*timer as usize].is_some_and(|due| due <= now))?;
        self.stop(timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_is_always_known() {
        let start = Instant::now();
        let mut dice = fastrand::Rng::with_seed(3);
        let mut timers = Timers::default();
        for _ in 0..20_000 {
            let timer = ALL[dice.usize(..ALL.len())];
            let at = start + Duration::from_millis(dice.u64(..8));
            match dice.u8(..5) {
                0 | 1 => timers.set(timer, at),
                2 => timers.set_no_later(timer, at),
                3 => timers.stop(timer),
                _ => drop(timers.pop_due(at)),
            }
            assert_eq!(timers.next(), timers.due.iter().flatten().min().copied());
        }
    }

    #[test]
    fn as_good_as_never_is_decades_away() {
        const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
        let now = Instant::now();
        assert_eq!(after(now, YEAR * 20), now + YEAR * 20);
        let never = after(now, Duration::MAX) - now;
        assert!(YEAR * 20 < never && never < YEAR * 100, "{never:?}");
    }
}
