//! What happens when a deadline is reached.

use std::time::Instant;

use super::link::Slot;
use super::{Action, At, Machine, Timer, Traffic};
use crate::classify::Failure;
use crate::close::CloseCode;
use crate::event::CloseInitiator;

impl Machine {
    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let links = [&self.link, &self.next];
        let of_links = links.into_iter().flatten().filter_map(|link| link.timers.next());
        of_links.chain(self.timers.next()).min()
    }

    /// A deadline was reached. `traffic` is what the connection of an epoch has seen.
    pub(crate) fn handle_timeout(&mut self, at: At, traffic: &dyn Fn(u64) -> Option<Traffic>) {
        loop {
            if let Some(timer) = self.timers.pop_due(at.now) {
                self.on_timer(at, timer);
                continue;
            }
            let due = [Slot::Current, Slot::Next].into_iter().find_map(|slot| {
                let link = self.link_at(slot)?;
                Some((slot, link.epoch, link.timers.pop_due(at.now)?))
            });
            match due {
                Some((slot, epoch, timer)) => self.on_link_timer(at, slot, timer, traffic(epoch)),
                None => return,
            }
        }
    }

    fn on_timer(&mut self, at: At, timer: Timer) {
        match timer {
            Timer::Backoff => self.dial(at.now),
            Timer::Attempt => {
                self.actions.push_back(Action::AbortDial);
                let limit = self.config.timeouts.attempt;
                self.retry_or_end(at, &Failure::AttemptTimeout(limit), false);
            }
            Timer::Close => {
                let crossing = self.link.as_ref().and_then(|link| link.crossing_close().cloned());
                let over = self.link.as_ref().and_then(|link| link.over);
                self.hang_up(false);
                match crossing.filter(|_| over.is_none()) {
                    Some(close) => {
                        self.end(CloseInitiator::Peer, Some(Failure::Close(close).to_error()));
                    }
                    None => self.end(over.unwrap_or(CloseInitiator::Us), None),
                }
            }
            Timer::Rollover => self.start_next(at),
            Timer::NextAttempt => self.next_attempt_is_late(at),
            Timer::Swap => self.try_swap(at),
            Timer::Force => self.force(at),
            Timer::Consumer => self.consumer_is_slow(),
            Timer::Created
            | Timer::Restore
            | Timer::Ping
            | Timer::PingDeadline
            | Timer::WriteStall
            | Timer::Announced => {}
        }
    }

    fn on_link_timer(&mut self, at: At, slot: Slot, timer: Timer, traffic: Option<Traffic>) {
        match timer {
            Timer::Created => {
                let limit = self.config.timeouts.session_created;
                self.lose_link(at, slot, Failure::NoSession(limit), None);
            }
            Timer::Restore => self.restore_is_late(at, slot),
            Timer::Ping => self.ping(at.now, slot),
            Timer::PingDeadline => self.check_ping(at, slot, traffic),
            Timer::WriteStall => self.check_write(at, slot, traffic),
            Timer::Announced => self.lose_link(at, slot, Failure::Expired, Some(CloseCode::NORMAL)),
            _ => {}
        }
    }
}
