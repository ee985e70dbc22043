//! Whether the peer lives: pings, and the proof of what it has read; writes that stall.
//!
//! A ping carries the number of the last command written before it. Its answer proves that the peer has read all of
//! them: the bytes of a stream arrive in order.

use std::time::{Duration, Instant};

use super::link::{Link, Slot};
use super::timer::after;
use super::{At, Machine, Phase, Timer, Traffic};
use crate::classify::Failure;
use crate::config::Liveness;
use crate::frame::Frame;

/// Never zero, which would be a ping without end.
fn at_least(interval: Duration) -> Duration {
    interval.max(Duration::from_millis(1))
}

impl Link {
    /// Begins to ping.
    pub(super) fn start_pings(&mut self, now: Instant, liveness: &Liveness) {
        self.timers
            .set(Timer::Ping, after(now, at_least(liveness.ping_interval)));
    }

    /// A command is being written: its proof is asked for soon.
    pub(super) fn wrote(&mut self, now: Instant, number: u64, liveness: &Liveness) {
        let was_all_read = self.last_written <= self.read_to;
        self.last_written = number;
        if was_all_read {
            let due = after(now, at_least(liveness.barrier_interval));
            self.timers.set_no_later(Timer::Ping, due);
        }
    }

    /// The ping that is due, as it is handed to the writer.
    pub(super) fn take_ping(&mut self, now: Instant, liveness: &Liveness) -> Option<Frame> {
        if !std::mem::take(&mut self.ping_due) {
            return None;
        }
        self.pings_sent += 1;
        self.last_ping = Some(now);
        self.ping_since.get_or_insert(now);
        if !self.is_paused && !self.timers.is_set(Timer::PingDeadline) {
            self.timers
                .set(Timer::PingDeadline, after(now, liveness.ping_timeout));
        }
        let mut payload = [0; 16];
        payload[..8].copy_from_slice(&self.pings_sent.to_be_bytes());
        payload[8..].copy_from_slice(&self.last_written.to_be_bytes());
        Some(Frame::Ping(payload))
    }

    /// An answer to a ping. Returns the number up to which the peer has read, if that is news.
    fn take_pong(&mut self, payload: &[u8]) -> Option<u64> {
        let (count, number) = payload.split_at_checked(8)?;
        // An answer to an earlier ping than the last is a sign of life, but the last is still open.
        if count == self.pings_sent.to_be_bytes() {
            self.ping_since = None;
            self.timers.stop(Timer::PingDeadline);
        }
        let number = u64::from_be_bytes(number.try_into().ok()?);
        if number <= self.read_to || number > self.last_written {
            return None;
        }
        self.read_to = number;
        Some(number)
    }
}

impl Machine {
    /// A pong came.
    pub(crate) fn handle_pong(&mut self, now: Instant, epoch: u64, payload: &[u8]) -> bool {
        let Some(link) = self.link_of(epoch) else {
            return false;
        };
        if let Some(number) = link.take_pong(payload) {
            self.ledger.read(number);
            self.mirror.confirmed(number);
            self.look_for_quiet(now);
        }
        true
    }

    /// A ping is due. The time to answer it begins when it is handed to the writer, which may still be busy.
    pub(super) fn ping(&mut self, now: Instant, slot: Slot) {
        let liveness = &self.config.liveness;
        let (idle, barrier) = (
            at_least(liveness.ping_interval),
            at_least(liveness.barrier_interval),
        );
        let link = match slot {
            Slot::Current => self.link.as_deref_mut(),
            Slot::Next => self.next.as_deref_mut(),
        };
        let Some(link) = link else { return };
        let rest = link
            .last_ping
            .map(|last| after(last, idle))
            .filter(|due| *due > now);
        if let Some(due) = rest.filter(|_| link.last_written <= link.read_to) {
            // All that was written has been proved meanwhile.
            link.timers.set(Timer::Ping, due);
            return;
        }
        let wait = if link.last_written > link.read_to {
            barrier.min(idle)
        } else {
            idle
        };
        link.timers.set(Timer::Ping, after(now, wait));
        link.ping_due = true;
        self.wakes_writer = true;
        let policy = &self.config.retry;
        if self
            .link
            .as_ref()
            .is_some_and(|link| link.is_healthy(now, policy))
        {
            self.budget.refund(now);
        }
    }

    /// Dead, if nothing came since the ping went unanswered; else the clock starts where something last came.
    pub(super) fn check_ping(&mut self, at: At, slot: Slot, traffic: Option<Traffic>) {
        let limit = self.config.liveness.ping_timeout;
        let Some(link) = self.link_at(slot) else { return };
        let Some(since) = link.ping_since else { return };
        let silent_since = traffic.map_or(since, |traffic| since.max(traffic.last_in));
        if after(silent_since, limit) <= at.now {
            self.lose_link(at, slot, Failure::PingTimeout(limit), None);
        } else {
            link.timers.set(Timer::PingDeadline, after(silent_since, limit));
        }
    }

    /// Stalled, if nothing went out since the writer took what it holds.
    pub(super) fn check_write(&mut self, at: At, slot: Slot, traffic: Option<Traffic>) {
        let limit = self.config.liveness.write_stall;
        let Some(link) = self.link_at(slot) else { return };
        if let Some(failure) = link.write_failure.take() {
            self.lose_link(at, slot, failure, None);
            return;
        }
        let Some(since) = link.writing_since else { return };
        let stuck_since = traffic.map_or(since, |traffic| since.max(traffic.last_out));
        if after(stuck_since, limit) <= at.now {
            self.lose_link(at, slot, Failure::WriteStall(limit), None);
        } else {
            link.timers.set(Timer::WriteStall, after(stuck_since, limit));
        }
    }

    /// Stops what measures an open connection: it is being closed.
    pub(super) fn stop_liveness(&mut self) {
        debug_assert_eq!(self.phase, Phase::Draining);
        if let Some(link) = &mut self.link {
            for timer in [Timer::Created, Timer::Ping, Timer::PingDeadline, Timer::Announced] {
                link.timers.stop(timer);
            }
        }
    }
}
