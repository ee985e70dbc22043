//! What the writer of a connection is given.

use std::time::Instant;

use super::link::{ANNOUNCED, Slot};
use super::timer::after;
use super::{At, Machine, Phase, Timer, Transmit};
use crate::classify::Failure;
use crate::close::{CloseCode, CloseFrame};
use crate::frame::Frame;

impl Machine {
    /// A write failed. The reader is given a moment to find out why: an error event and a close may wait there.
    pub(crate) fn handle_write_failed(&mut self, at: At, epoch: u64, failure: Failure) {
        let Some(link) = self.link_of(epoch) else { return };
        link.writing_since = None;
        link.write_failure = Some(failure);
        link.timers.set(Timer::WriteStall, after(at.now, ANNOUNCED));
    }

    /// What to write next. `flushed` says that all that was written before has been flushed.
    pub(crate) fn poll_transmit(&mut self, at: At, epoch: u64, flushed: bool) -> Transmit {
        if let Some(place) = self.parting.iter().position(|(of, _)| *of == epoch) {
            let (_, close) = self.parting.swap_remove(place);
            return Transmit::Frame(Frame::Close(close));
        }
        let Some(slot) = self.slot(epoch) else {
            return Transmit::Stop;
        };
        let is_open = self.phase == Phase::Open;
        let Some(link) = self.link_at(slot) else {
            return Transmit::Stop;
        };
        let frame = if !flushed && is_open && link.ping_due {
            // What lies in the socket goes out first: the peer has its time to answer from when the ping is next.
            None
        } else {
            self.next_frame(at.now, slot)
        };
        self.transmit_of(at, slot, frame, flushed)
    }

    fn transmit_of(&mut self, at: At, slot: Slot, frame: Option<Frame>, flushed: bool) -> Transmit {
        let stall = after(at.now, self.config.liveness.write_stall);
        let Some(link) = self.link_at(slot) else {
            return Transmit::Stop;
        };
        if link.write_failure.is_some() {
            return Transmit::Stop;
        }
        match frame {
            Some(frame) => {
                if link.writing_since.is_none() || flushed {
                    link.writing_since = Some(at.now);
                }
                if !link.timers.is_set(Timer::WriteStall) {
                    link.timers.set(Timer::WriteStall, stall);
                }
                Transmit::Frame(frame)
            }
            None => {
                if flushed {
                    link.writing_since = None;
                    link.timers.stop(Timer::WriteStall);
                }
                if link.close_written {
                    Transmit::Stop
                } else {
                    Transmit::Idle
                }
            }
        }
    }

    fn next_frame(&mut self, now: Instant, slot: Slot) -> Option<Frame> {
        let link = match slot {
            Slot::Current => self.link.as_mut()?,
            Slot::Next => self.next.as_mut()?,
        };
        if link.close_written || link.write_failure.is_some() {
            return None;
        }
        match self.phase {
            Phase::Open => {
                if let Some(ping) = link.take_ping(now, &self.config.liveness) {
                    return Some(ping);
                }
            }
            Phase::Draining if !link.flushes_outbox || self.outbox.len() == 0 => {
                link.close_written = true;
                return Some(Frame::Close(CloseFrame::new(CloseCode::NORMAL, "")));
            }
            Phase::Draining => {}
            Phase::Idle
            | Phase::Waiting
            | Phase::Dialing
            | Phase::AwaitCreated
            | Phase::Restoring
            | Phase::Ended => return None,
        }
        let message = self.outbox.pop()?;
        self.has_room = true;
        self.ledger.written(message.number);
        link.wrote(now, message.number, &self.config.liveness);
        Some(Frame::Text(message.into_text()))
    }
}
