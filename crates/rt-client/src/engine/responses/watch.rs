//! Those who wait for any response to begin.

use std::time::Duration;

use super::{Responses, Slot, Step};
use crate::engine::Ticket;
use crate::error::{Error, ErrorKind};

/// How long they wait while nothing happens that a response may follow from.
const PATIENCE: Duration = Duration::from_secs(300);
/// Whoever waits longer waits for ever.
const EVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// Who waits for any response to begin.
#[derive(Debug)]
pub(super) struct Watchers {
    /// And since when.
    waiting: Vec<(Ticket, Duration)>,
    patience: Duration,
    /// When something happened last that a response may follow from.
    stirred: Duration,
}

impl Watchers {
    pub(super) fn new(patience: Option<Duration>) -> Self {
        Self {
            waiting: Vec::new(),
            patience: patience.unwrap_or(PATIENCE),
            stirred: Duration::ZERO,
        }
    }

    /// A response may follow from this: the wait begins anew.
    pub(super) fn stir(&mut self, now: Duration) {
        self.stirred = now;
    }

    /// A response begins: whose wait is over.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Ticket> + use<> {
        std::mem::take(&mut self.waiting)
            .into_iter()
            .map(|(ticket, _)| ticket)
    }

    fn due(&self, since: Duration) -> Option<Duration> {
        (self.patience < EVER).then(|| since.max(self.stirred) + self.patience)
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.waiting
            .iter()
            .filter_map(|(_, since)| self.due(*since))
            .min()
    }
}

impl Responses {
    /// Somebody waits for the response under way, or else for the next one. One that is being stopped is not what he waits
    /// for.
    pub(crate) fn watch(
        &mut self,
        ticket: Ticket,
        is_stopped: impl Fn(&str) -> bool,
        now: Duration,
    ) -> Option<String> {
        if let Slot::Active { id, cancelling: None } = &self.slot
            && !is_stopped(id)
            && let Some(live) = self.live.get_mut(id)
        {
            live.tickets.push(ticket);
            return Some(id.clone());
        }
        match &self.stopped {
            Some(error) => self.steps.push(Step::NoneCame(ticket, error.clone())),
            None => self.watchers.waiting.push((ticket, now)),
        }
        None
    }

    /// Nobody waits for this any more.
    pub(crate) fn abandon(&mut self, ticket: Ticket) {
        self.watchers.waiting.retain(|(waiting, _)| *waiting != ticket);
    }

    /// No response will begin.
    pub(super) fn fail_watchers(&mut self, error: &Error) {
        let waiting = self.watchers.take();
        self.steps
            .extend(waiting.map(|ticket| Step::NoneCame(ticket, error.clone())));
    }

    /// Those who have waited for too long wait no more.
    pub(super) fn time_out_watchers(&mut self, now: Duration) {
        if self.watchers.deadline().is_none_or(|due| due > now) {
            return;
        }
        let (over, waiting) = std::mem::take(&mut self.watchers.waiting)
            .into_iter()
            .partition(|(_, since)| self.watchers.due(*since).is_some_and(|due| due <= now));
        self.watchers.waiting = waiting;
        let over: Vec<(Ticket, Duration)> = over;
        let message = format!(
            "no reply began for {:?}: ask for one, wait again, or wait longer (`reply_timeout`)",
            self.watchers.patience
        );
        let error = Error::new(ErrorKind::Timeout, message);
        let failed = |(ticket, _)| Step::NoneCame(ticket, error.clone());
        self.steps.extend(over.into_iter().map(failed));
    }
}
