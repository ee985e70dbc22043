//! What the writer of a connection is given.

use super::link::{ANNOUNCED, Slot};
use super::timer::after;
use super::{At, Machine, Phase, Timer, Transmit};
use crate::classify::Failure;
use crate::close::{CloseCode, CloseFrame};
use crate::fate::{DiscardReason, Fate};
use crate::frame::Frame;
use crate::mirror::{Answer, Write};

impl Machine {
    /// A write failed. The reader is given a moment to find out why: an error event and a close may wait there.
    pub(crate) fn handle_write_failed(&mut self, at: At, epoch: u64, failure: Failure) {
        let Some(link) = self.link_of(epoch) else { return };
        link.writing_since = None;
        link.write_failure = Some(failure);
        link.timers.set(Timer::WriteStall, after(at.now, ANNOUNCED));
    }

    /// Whether audio that waits to be sent gives way to newer audio.
    pub(crate) fn drops_stale_audio(&self) -> bool {
        self.outbox.drops_oldest()
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
            self.next_frame(at, slot)
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

    fn next_frame(&mut self, at: At, slot: Slot) -> Option<Frame> {
        let link = match slot {
            Slot::Current => self.link.as_deref_mut()?,
            Slot::Next => self.next.as_deref_mut()?,
        };
        if link.close_written || link.write_failure.is_some() {
            return None;
        }
        if self.phase != Phase::Draining
            && let Some(ping) = link.take_ping(at.now, &self.config.liveness)
        {
            return Some(ping);
        }
        if slot == Slot::Next {
            return self.restore_frame(at, slot);
        }
        match self.phase {
            Phase::Open => {}
            Phase::Draining if self.is_swapping => return self.restore_frame(at, slot),
            Phase::Draining if link.flushes_outbox && (self.outbox.len() > 0 || !link.queue.is_empty()) => {}
            Phase::Draining => {
                link.close_written = true;
                return Some(Frame::Close(CloseFrame::new(CloseCode::NORMAL, "")));
            }
            Phase::Restoring => return self.restore_frame(at, slot),
            Phase::Idle | Phase::Waiting | Phase::Dialing | Phase::AwaitCreated | Phase::Ended => {
                return None;
            }
        }
        if self.holds_outbox() {
            return None;
        }
        self.command_frame(at)
    }

    /// The next command, or what is to be written in its place.
    fn command_frame(&mut self, at: At) -> Option<Frame> {
        loop {
            let link = self.link.as_mut()?;
            while let Some((number, event)) = link.queue.pop_front() {
                let encoded = self.translator.encode(&event).json;
                if let Some(number) = number {
                    if encoded.is_some() {
                        self.ledger.written(number);
                        link.wrote(at.now, number, &self.config.liveness);
                    } else {
                        let fate = Fate::Discarded(DiscardReason::NotRestored);
                        self.ledger.settle(number, fate);
                    }
                }
                if let Some(text) = encoded {
                    return Some(Frame::Text(text.into()));
                }
            }
            let message = self.outbox.pop()?;
            self.has_room = true;
            let number = message.number;
            let (text, intent) = message.into_parts();
            let Some(intent) = intent else {
                self.ledger.written(number);
                link.wrote(at.now, number, &self.config.liveness);
                return Some(Frame::Text(text));
            };
            if intent.answer() == Answer::Barrier
                && let Some(id) = intent.event_id()
            {
                self.ledger.name(number, id);
            }
            let ends_session = intent.ends_session();
            match self.mirror.write(number, intent, number < link.first_fresh) {
                Write::AsIs => {
                    self.ledger.written(number);
                    link.wrote(at.now, number, &self.config.liveness);
                    if ends_session {
                        link.close_asked = Some(number);
                        // No other session is to follow this one.
                        self.drop_next();
                    }
                    return Some(Frame::Text(text));
                }
                Write::Instead(events) => {
                    let last = events.len().saturating_sub(1);
                    let events = events.into_iter().enumerate();
                    let numbered = events.map(|(place, event)| ((place == last).then_some(number), event));
                    link.queue.extend(numbered);
                }
                Write::Nothing(fate) => self.ledger.settle(number, fate.into()),
            }
        }
    }
}
