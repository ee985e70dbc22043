//! One connection inside the machine: what it may write, whether it lives.

use std::time::{Duration, Instant};

use super::timer::after;
use super::{At, Machine, Phase, Timer, Transmit};
use crate::classify::{ApiError, Failure};
use crate::close::{CloseCode, CloseFrame};
use crate::config::RetryPolicy;
use crate::event::Handshake;
use crate::frame::Frame;

/// How long a close that must follow may take.
pub(super) const ANNOUNCED: Duration = Duration::from_secs(1);

/// Over which time incoming pings are counted.
const PING_WINDOW: Duration = Duration::from_secs(10);

/// What the machine must know of a server event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Signal {
    Created {
        session_id: Option<String>,
        expires_at: Option<u64>,
    },
    Updated,
    Error(ApiError),
    /// A `response.done` that failed.
    ResponseFailed(ApiError),
    /// Any other event.
    Other,
    /// A message that is no event.
    Malformed,
}

/// When bytes last went in and out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traffic {
    pub(crate) last_in: Instant,
    pub(crate) last_out: Instant,
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) handshake: Handshake,
    pub(super) opened_at: Option<Instant>,
    /// There was a server event that is more than a greeting or an error.
    saw_traffic: bool,
    /// What the server said that decides what its close means.
    pub(super) latched: Option<Failure>,
    /// A ping is to be written.
    ping_due: bool,
    pings_sent: u64,
    /// Since when a ping that was written is unanswered.
    ping_since: Option<Instant>,
    /// Reading stands still because the consumer is slow.
    is_paused: bool,
    /// Since when there is something in the writer's hands.
    writing_since: Option<Instant>,
    /// A write failed; the reader may still find out why.
    write_failure: Option<Failure>,
    /// Incoming pings: since when they are counted, and how many.
    pings: (Instant, u32),
    pub(super) flushes_outbox: bool,
    pub(super) close_written: bool,
    /// What the peer closed with while we were closing.
    pub(super) peer_close: Option<CloseFrame>,
}

impl Link {
    /// A close of the peer that is no answer to ours, although we were closing.
    pub(super) fn crossing_close(&self) -> Option<&CloseFrame> {
        self.peer_close.as_ref().filter(|close| match close.code {
            CloseCode::NORMAL => false,
            // Some answer with these instead of repeating our code.
            CloseCode::NO_STATUS | CloseCode::AWAY => !self.close_written,
            _ => true,
        })
    }

    pub(super) fn new(now: Instant, handshake: Handshake) -> Self {
        Self {
            handshake,
            opened_at: None,
            saw_traffic: false,
            latched: None,
            ping_due: false,
            pings_sent: 0,
            ping_since: None,
            is_paused: false,
            writing_since: None,
            write_failure: None,
            pings: (now, 0),
            flushes_outbox: true,
            close_written: false,
            peer_close: None,
        }
    }

    /// Whether the connection has proved itself: a greeting proves nothing.
    pub(super) fn is_healthy(&self, now: Instant, policy: &RetryPolicy) -> bool {
        self.saw_traffic && self.is_lasting(now, policy)
    }

    /// Whether it was open long enough to count as good.
    pub(super) fn is_lasting(&self, now: Instant, policy: &RetryPolicy) -> bool {
        self.opened_at
            .is_some_and(|at| now.saturating_duration_since(at) >= policy.healthy_after)
    }
}

impl Machine {
    fn is_current(&self, epoch: u64) -> bool {
        epoch == self.epoch && self.link.is_some()
    }

    // Inputs of the reader. Each says whether the connection is still the current one: if not, the reader
    // delivers nothing more of it.

    /// A server event came.
    pub(crate) fn handle_signal(&mut self, at: At, epoch: u64, signal: Signal) -> bool {
        if !self.is_current(epoch) {
            return false;
        }
        match signal {
            Signal::Created {
                session_id,
                expires_at,
            } if self.phase == Phase::AwaitCreated => {
                self.restore(at, session_id, expires_at);
            }
            Signal::Error(api) | Signal::ResponseFailed(api) => self.latch(at, &api),
            Signal::Other => {
                if let Some(link) = &mut self.link {
                    link.saw_traffic = true;
                }
            }
            Signal::Created { .. } | Signal::Updated | Signal::Malformed => {}
        }
        true
    }

    /// A ping came; the socket answers it by itself, once it is flushed.
    pub(crate) fn handle_ping(&mut self, at: At, epoch: u64) -> bool {
        if !self.is_current(epoch) {
            return false;
        }
        self.wakes_writer = true;
        let Some(link) = &mut self.link else { return false };
        if at.now.saturating_duration_since(link.pings.0) >= PING_WINDOW {
            link.pings = (at.now, 0);
        }
        link.pings.1 += 1;
        if link.pings.1 > self.config.limits.pings {
            self.lose_link(
                at,
                Failure::Violation("too many pings".to_owned()),
                Some(CloseCode::POLICY),
            );
            return false;
        }
        true
    }

    /// A pong came.
    pub(crate) fn handle_pong(&mut self, epoch: u64, payload: &[u8]) -> bool {
        if !self.is_current(epoch) {
            return false;
        }
        if let Some(link) = &mut self.link {
            // An answer to an earlier ping than the last is a sign of life, but the last is still open.
            if payload == link.pings_sent.to_be_bytes() {
                link.ping_since = None;
                self.timers.stop(Timer::PingDeadline);
            }
        }
        true
    }

    /// The server closed.
    pub(crate) fn handle_peer_close(&mut self, at: At, epoch: u64, close: CloseFrame) {
        if !self.is_current(epoch) {
            return;
        }
        if self.phase == Phase::Draining {
            // The answer to our close, or a close that crossed ours: the end of the stream comes next.
            if let Some(link) = &mut self.link {
                link.peer_close = Some(close);
            }
            return;
        }
        self.lose_link(at, Failure::Close(close), None);
    }

    /// The stream ended or broke, or there is no sense in what came.
    pub(crate) fn handle_read_failed(&mut self, at: At, epoch: u64, failure: Failure) {
        if !self.is_current(epoch) {
            return;
        }
        let goodbye = match failure {
            Failure::TooLarge { .. } => Some(CloseCode::TOO_BIG),
            Failure::Violation(_) => Some(CloseCode::PROTOCOL),
            _ => None,
        };
        self.lose_link(at, failure, goodbye);
    }

    /// The reader stopped reading because the consumer is slow.
    pub(crate) fn handle_read_paused(&mut self, at: At, epoch: u64) {
        if self.is_current(epoch)
            && let Some(link) = &mut self.link
        {
            link.is_paused = true;
            self.timers.stop(Timer::PingDeadline);
            // What was awaited may be what finds no room.
            self.timers.stop(Timer::Created);
            // It is not the server that is late: this is no downtime.
            self.budget.stop_clock(at.now);
        }
    }

    /// The reader reads again.
    pub(crate) fn handle_read_resumed(&mut self, at: At, epoch: u64) {
        if !self.is_current(epoch) {
            return;
        }
        let Some(link) = &mut self.link else { return };
        link.is_paused = false;
        if self.phase == Phase::AwaitCreated {
            self.budget.start_outage(at.now);
            self.timers.set(
                Timer::Created,
                after(at.now, self.config.timeouts.session_created),
            );
        }
        if link.ping_since.is_some() {
            link.ping_since = Some(at.now);
            self.timers.set(
                Timer::PingDeadline,
                after(at.now, self.config.liveness.ping_timeout),
            );
        }
    }

    // Inputs of the writer.

    /// A write failed. The reader is given a moment to find out why: an error event and a close may wait there.
    pub(crate) fn handle_write_failed(&mut self, at: At, epoch: u64, failure: Failure) {
        if !self.is_current(epoch) {
            return;
        }
        let Some(link) = &mut self.link else { return };
        link.writing_since = None;
        link.write_failure = Some(failure);
        self.timers.stop(Timer::WriteStall);
        self.timers.set(Timer::WriteStall, after(at.now, ANNOUNCED));
    }

    /// What to write next. `flushed` says that all that was written before has been flushed.
    pub(crate) fn poll_transmit(&mut self, at: At, epoch: u64, flushed: bool) -> Transmit {
        if let Some((_, close)) = self.parting.take_if(|(of, _)| *of == epoch) {
            return Transmit::Frame(Frame::Close(close));
        }
        if !self.is_current(epoch) {
            return Transmit::Stop;
        }
        if !flushed && self.phase == Phase::Open && self.link.as_ref().is_some_and(|link| link.ping_due) {
            // What lies in the socket goes out first: the peer has its time to answer from when the ping is next.
            return self.transmit_of(at, None, flushed);
        }
        let frame = self.next_frame(at.now);
        self.transmit_of(at, frame, flushed)
    }

    fn transmit_of(&mut self, at: At, frame: Option<Frame>, flushed: bool) -> Transmit {
        let Some(link) = &mut self.link else {
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
                if !self.timers.is_set(Timer::WriteStall) {
                    self.timers
                        .set(Timer::WriteStall, after(at.now, self.config.liveness.write_stall));
                }
                Transmit::Frame(frame)
            }
            None => {
                if flushed {
                    link.writing_since = None;
                    self.timers.stop(Timer::WriteStall);
                }
                if link.close_written {
                    Transmit::Stop
                } else {
                    Transmit::Idle
                }
            }
        }
    }

    fn next_frame(&mut self, now: Instant) -> Option<Frame> {
        let link = self.link.as_mut()?;
        if link.close_written {
            return None;
        }
        match self.phase {
            Phase::Open if std::mem::take(&mut link.ping_due) => {
                link.pings_sent += 1;
                link.ping_since.get_or_insert(now);
                let frame = Frame::Ping(link.pings_sent.to_be_bytes());
                if !link.is_paused && !self.timers.is_set(Timer::PingDeadline) {
                    self.timers
                        .set(Timer::PingDeadline, after(now, self.config.liveness.ping_timeout));
                }
                return Some(frame);
            }
            Phase::Open => {}
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
        Some(Frame::Text(message.into_text()))
    }

    // Timers.

    /// Never zero, which would be a ping without end.
    pub(super) fn ping_interval(&self) -> Duration {
        self.config.liveness.ping_interval.max(Duration::from_millis(1))
    }

    /// A ping is due. The time to answer it begins when it is handed to the writer, which may still be busy.
    pub(super) fn ping(&mut self, now: Instant) {
        self.timers.set(Timer::Ping, after(now, self.ping_interval()));
        let Some(link) = &mut self.link else { return };
        if link.is_healthy(now, &self.config.retry) {
            self.budget.refund(now);
        }
        link.ping_due = true;
        self.wakes_writer = true;
    }

    /// Dead, if nothing came since the ping went unanswered; else the clock starts where something last came.
    pub(super) fn check_ping(&mut self, at: At, traffic: Option<Traffic>) {
        let limit = self.config.liveness.ping_timeout;
        let Some(since) = self.link.as_ref().and_then(|link| link.ping_since) else {
            return;
        };
        let silent_since = traffic.map_or(since, |traffic| since.max(traffic.last_in));
        if after(silent_since, limit) <= at.now {
            self.lose_link(at, Failure::PingTimeout(limit), None);
        } else {
            self.timers.set(Timer::PingDeadline, after(silent_since, limit));
        }
    }

    /// Stalled, if nothing went out since the writer took what it holds.
    pub(super) fn check_write(&mut self, at: At, traffic: Option<Traffic>) {
        let limit = self.config.liveness.write_stall;
        let Some(link) = &mut self.link else { return };
        if let Some(failure) = link.write_failure.take() {
            self.lose_link(at, failure, None);
            return;
        }
        let Some(since) = link.writing_since else { return };
        let stuck_since = traffic.map_or(since, |traffic| since.max(traffic.last_out));
        if after(stuck_since, limit) <= at.now {
            self.lose_link(at, Failure::WriteStall(limit), None);
        } else {
            self.timers.set(Timer::WriteStall, after(stuck_since, limit));
        }
    }
}
