//! Reading stands still: the consumer is slow, and what was awaited may be what finds no room.

use std::time::Duration;

use super::link::Link;
use super::restore::Restore;
use super::timer::after;
use super::{At, Machine, Phase, Timer};
use crate::classify::Failure;
use crate::config::SlowConsumerPolicy;
use crate::event::{CloseInitiator, ConnectionEvent, SlowConsumer};

/// What a restore has at least after a pause: what it waits for may be what had no room.
const AFTER_PAUSE: Duration = Duration::from_secs(2);

impl Machine {
    /// The reader stopped reading because the consumer is slow.
    pub(crate) fn handle_read_paused(&mut self, at: At, epoch: u64) {
        let Some(link) = self.link_of(epoch) else { return };
        link.is_paused = true;
        if !self.was_open {
            // Nobody takes events before `connect` has returned: no consumer is to blame, and the deadlines stand.
            return;
        }
        self.timers
            .set(Timer::Consumer, after(at.now, self.config.limits.slow_after));
        let Some(link) = self.link_of(epoch) else { return };
        link.timers.stop(Timer::PingDeadline);
        // What was awaited may be what finds no room.
        link.timers.stop(Timer::Created);
        if let Some(left) = link.timers.left(Timer::Restore, at.now) {
            link.restore_left = Some(left);
            link.timers.stop(Timer::Restore);
        }
        if self.is_being_opened() {
            self.budget.stop_clock(at.now);
        }
    }

    /// Reading has stood still for so long that it is worth a word.
    pub(super) fn consumer_is_slow(&mut self) {
        let limits = &self.config.limits;
        self.events.push_back(ConnectionEvent::SlowConsumer(SlowConsumer {
            stalled: limits.slow_after,
        }));
        match limits.slow_consumer {
            SlowConsumerPolicy::Wait => {}
            SlowConsumerPolicy::DropAudio => self.drops_audio = true,
            SlowConsumerPolicy::Fail => {
                let error = Failure::SlowConsumer(limits.slow_after).to_error();
                self.hang_up(false);
                self.end(CloseInitiator::Us, Some(error));
            }
        }
    }

    /// Whether an event for which there is no room is to be dropped, if it is audio of the model.
    pub(crate) fn drops_audio(&self) -> bool {
        self.drops_audio
    }

    /// Audio of the model was dropped because there was no room for it.
    pub(crate) fn handle_dropped(&mut self, bytes: usize) {
        let gap = self.gap.get_or_insert_default();
        gap.events += 1;
        gap.bytes += bytes as u64;
    }

    /// A connection is gone. If it was the one whose reading stood still, the consumer is not slow any more.
    pub(super) fn forget_pause(&mut self, gone: &Link) {
        let others = [&self.link, &self.next];
        if gone.is_paused && !others.into_iter().flatten().any(|link| link.is_paused) {
            self.timers.stop(Timer::Consumer);
            self.tell_gap();
        }
    }

    /// There is room again, or no need of it: what was dropped meanwhile is told.
    pub(super) fn tell_gap(&mut self) {
        self.drops_audio = false;
        let gap = self.gap.take().map(ConnectionEvent::AudioGap);
        self.events.extend(gap);
    }

    /// There is room for an event of this connection.
    pub(crate) fn handle_room(&mut self, at: At, epoch: u64) {
        if self.link_of(epoch).is_some_and(|link| link.is_paused) {
            self.handle_read_resumed(at, epoch);
        }
    }

    /// The reader reads again.
    pub(crate) fn handle_read_resumed(&mut self, at: At, epoch: u64) {
        let is_waiting = self.was_open && self.is_being_opened();
        let awaits_created = self.phase == Phase::AwaitCreated;
        let whole = self.config.timeouts.restore;
        let (created, ping) = (
            after(at.now, self.config.timeouts.session_created),
            after(at.now, self.config.liveness.ping_timeout),
        );
        let Some(link) = self.link_of(epoch) else { return };
        link.is_paused = false;
        self.timers.stop(Timer::Consumer);
        self.tell_gap();
        let has_consumer = self.was_open;
        let is_draining = self.phase == Phase::Draining;
        let Some(link) = self.link_of(epoch) else { return };
        if has_consumer && !is_draining && link.restore.as_ref().is_some_and(Restore::is_under_way) {
            // The rest of it, or one that takes an event now and then would keep it from ever being late.
            let left = link.restore_left.take().unwrap_or(whole);
            link.timers
                .set(Timer::Restore, after(at.now, left.max(AFTER_PAUSE.min(whole))));
        }
        if link.ping_since.is_some() {
            link.ping_since = Some(at.now);
            link.timers.set(Timer::PingDeadline, ping);
        }
        if is_waiting {
            if awaits_created {
                link.timers.set(Timer::Created, created);
            }
            self.budget.start_outage(at.now);
        }
    }
}
