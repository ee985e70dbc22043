//! [`Recovery`]: when a device that was lost is opened again. Pure: time is an argument.

use std::time::{Duration, Instant};

use crate::error::Error;

/// A device that was lost is looked for so often and so long.
pub(super) const RETRY: Duration = Duration::from_millis(500);
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// A device, from its loss until another has worked for a while.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    /// When the last device that worked was lost.
    lost_at: Option<Instant>,
    opened_at: Option<Instant>,
    /// When the next attempt is made.
    due: Option<Instant>,
}

impl Recovery {
    /// The stream ended, or the attempt to open one failed. The first attempt after a device that worked is made at once; one that
    /// opens and ends is not tried again without a pause.
    pub(super) fn lost(&mut self, now: Instant) {
        self.due = match self.lost_at {
            None => Some(now),
            Some(_) => now.checked_add(RETRY),
        };
        self.lost_at.get_or_insert(now);
    }

    pub(super) fn opened(&mut self, now: Instant) {
        (self.opened_at, self.due) = (Some(now), None);
    }

    /// Samples went through the stream. If it has been open for a while, it works.
    pub(super) fn flowed(&mut self, now: Instant) {
        let is_young = self
            .opened_at
            .is_some_and(|at| now.saturating_duration_since(at) < RETRY);
        if self.due.is_none() && !is_young {
            self.lost_at = None;
        }
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// How long until an attempt is due, if one is.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        self.due.map(|due| due.saturating_duration_since(now))
    }

    /// Whether it is time to give up: ask after an attempt failed or its stream ended.
    pub(super) fn is_hopeless(&self, now: Instant) -> bool {
        self.lost_at
            .is_some_and(|at| now.saturating_duration_since(at) > PATIENCE)
    }
}

/// Opens the device that was asked for, or if that cannot be, the default one.
pub(super) fn reopened<T>(
    name: Option<&str>,
    mut open: impl FnMut(Option<&str>) -> Result<T, Error>,
) -> Result<T, Error> {
    match name {
        Some(_) => open(name).or_else(|_| open(None)),
        None => open(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_device_that_worked_is_replaced_at_once_and_looked_for_with_pauses() {
        let begin = Instant::now();
        let mut recovery = Recovery::default();
        assert!(!recovery.is_due(begin) && recovery.wait(begin).is_none());
        recovery.opened(begin);
        recovery.flowed(begin + RETRY);
        let lost = begin + 1000 * MS;
        recovery.lost(lost);
        assert!(recovery.is_due(lost));
        recovery.lost(lost);
        assert!(!recovery.is_due(lost + 499 * MS) && recovery.is_due(lost + 500 * MS));
        assert_eq!(recovery.wait(lost + 200 * MS), Some(300 * MS));
        assert!(!recovery.is_hopeless(lost + PATIENCE) && recovery.is_hopeless(lost + PATIENCE + MS));
    }

    #[test]
    fn a_device_that_opens_and_dies_has_pauses_and_an_end() {
        let mut now = Instant::now();
        let mut recovery = Recovery::default();
        recovery.opened(now);
        recovery.flowed(now + RETRY);
        let mut attempts = 0;
        recovery.lost(now);
        while !recovery.is_hopeless(now) {
            now += recovery.wait(now).unwrap();
            assert!(recovery.is_due(now));
            attempts += 1;
            recovery.opened(now);
            // A buffer or two are asked for before it dies.
            recovery.flowed(now + MS);
            recovery.lost(now + MS);
        }
        assert!((10..=12).contains(&attempts), "{attempts}");
    }

    #[test]
    fn a_device_that_works_again_is_as_good_as_new() {
        let begin = Instant::now();
        let mut recovery = Recovery::default();
        recovery.lost(begin);
        recovery.opened(begin);
        recovery.flowed(begin + RETRY);
        let later = begin + 60_000 * MS;
        recovery.lost(later);
        assert!(recovery.is_due(later) && !recovery.is_hopeless(later));
    }

    #[test]
    fn the_device_that_was_asked_for_comes_first() {
        let refused = || Error::new(ErrorKind::Device, "no");
        for (name, works, expected) in [
            (Some("mine"), true, Ok("mine")),
            (Some("mine"), false, Ok("default")),
            (None, true, Ok("default")),
        ] {
            let opened = reopened(name, |name| match name {
                Some(_) if !works => Err(refused()),
                name => Ok(name.unwrap_or("default").to_owned()),
            });
            assert_eq!(opened.as_deref().map_err(Error::kind), expected);
        }
        assert!(reopened::<()>(Some("mine"), |_| Err(refused())).is_err());
    }
}
