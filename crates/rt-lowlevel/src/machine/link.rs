//! One connection inside the machine: what it is, and what its reader tells.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use rt_protocol::ClientEvent;

use super::progress::RestoreProgress;
use super::restore::Restore;
use super::timer::Timers;
use super::{At, Machine, Phase};
use crate::classify::{ApiError, Failure};
use crate::close::{CloseCode, CloseFrame};
use crate::config::RetryPolicy;
use crate::event::{CloseInitiator, ConnectionEvent, Handshake};

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

/// Which of the two connections that there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// The one that has the session, or is to have it.
    Current,
    /// The one that is being prepared to take over.
    Next,
}

#[derive(Debug)]
pub(super) struct Link {
    /// The number of the connection.
    pub(super) epoch: u64,
    pub(super) handshake: Handshake,
    /// The server's id of its session, and when that ends.
    pub(super) session_id: Option<String>,
    pub(super) expires_at: Option<u64>,
    /// The same on our clock.
    pub(super) ends_at: Option<Instant>,
    /// Events for the user, once its session has taken over.
    pub(super) held: Vec<ConnectionEvent>,
    /// Bytes of the messages that they were.
    pub(super) held_bytes: usize,
    pub(super) opened_at: Option<Instant>,
    pub(super) timers: Timers,
    /// There was a server event that is more than a greeting or an error.
    saw_traffic: bool,
    /// What the server said that decides what its close means.
    pub(super) latched: Option<Failure>,
    /// A ping is to be written.
    pub(super) ping_due: bool,
    pub(super) pings_sent: u64,
    pub(super) last_ping: Option<Instant>,
    /// Since when a ping that was written is unanswered.
    pub(super) ping_since: Option<Instant>,
    /// The number of the last command that was written to it.
    pub(super) last_written: u64,
    /// The peer has read all commands up to this one.
    pub(super) read_to: u64,
    /// Reading stands still because the consumer is slow.
    pub(super) is_paused: bool,
    /// Since when there is something in the writer's hands.
    pub(super) writing_since: Option<Instant>,
    /// A write failed; the reader may still find out why.
    pub(super) write_failure: Option<Failure>,
    /// Incoming pings: since when they are counted, and how many.
    pings: (Instant, u32),
    pub(super) flushes_outbox: bool,
    pub(super) close_written: bool,
    /// The `session.close` that was written to it and not refused.
    pub(super) close_asked: Option<u64>,
    /// Its session is over: `session.closed` has come. Who wanted that.
    pub(super) over: Option<CloseInitiator>,
    /// What the peer closed with while we were closing.
    pub(super) peer_close: Option<CloseFrame>,
    /// That came after our own close was written.
    pub(super) peer_close_is_answer: bool,
    /// What is being told to its session.
    pub(super) restore: Option<Restore>,
    /// What came of that, until it is asked for.
    pub(super) restored: Option<RestoreProgress>,
    /// What was left of its time when reading came to stand still.
    pub(super) restore_left: Option<Duration>,
    /// Restored items of which the server is still to say that they are there.
    pub(super) echoes: HashSet<String>,
    /// To be written before what waits in the outbox, with the numbers of the commands.
    pub(super) queue: VecDeque<(Option<u64>, ClientEvent)>,
    /// The first command that was accepted after its session was opened.
    pub(super) first_fresh: u64,
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

    /// Whether this is how a session ends that was asked to, although it did not say so.
    pub(super) fn ends_as_asked(&self, failure: &Failure) -> bool {
        let is_end = |close: &CloseFrame| {
            [CloseCode::NORMAL, CloseCode::AWAY, CloseCode::NO_STATUS].contains(&close.code)
        };
        let is_told = self.peer_close.as_ref().is_none_or(is_end);
        self.close_asked.is_some()
            && is_told
            && match failure {
                Failure::Ended(_) => true,
                Failure::Close(close) => is_end(close),
                _ => false,
            }
    }

    pub(super) fn new(now: Instant, epoch: u64, handshake: Handshake) -> Self {
        Self {
            epoch,
            handshake,
            session_id: None,
            expires_at: None,
            ends_at: None,
            held: Vec::new(),
            held_bytes: 0,
            opened_at: None,
            timers: Timers::default(),
            saw_traffic: false,
            latched: None,
            ping_due: false,
            pings_sent: 0,
            last_ping: None,
            ping_since: None,
            last_written: 0,
            read_to: 0,
            is_paused: false,
            writing_since: None,
            write_failure: None,
            pings: (now, 0),
            flushes_outbox: true,
            close_written: false,
            close_asked: None,
            over: None,
            peer_close: None,
            peer_close_is_answer: false,
            restore: None,
            restored: None,
            restore_left: None,
            echoes: HashSet::new(),
            queue: VecDeque::new(),
            first_fresh: 0,
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

    /// A server event came that is more than a greeting or an error.
    pub(super) fn proved(&mut self) {
        self.saw_traffic = true;
    }
}

impl Machine {
    /// Which connection has this number, if it is one that counts.
    pub(super) fn slot(&self, epoch: u64) -> Option<Slot> {
        let is = |link: &Option<Box<Link>>| link.as_ref().is_some_and(|link| link.epoch == epoch);
        if is(&self.link) {
            Some(Slot::Current)
        } else if is(&self.next) {
            Some(Slot::Next)
        } else {
            None
        }
    }

    pub(super) fn link_at(&mut self, slot: Slot) -> Option<&mut Link> {
        match slot {
            Slot::Current => self.link.as_deref_mut(),
            Slot::Next => self.next.as_deref_mut(),
        }
    }

    pub(super) fn link_of(&mut self, epoch: u64) -> Option<&mut Link> {
        let slot = self.slot(epoch)?;
        self.link_at(slot)
    }

    fn awaits_session(&self, slot: Slot) -> bool {
        match slot {
            Slot::Current => self.phase == Phase::AwaitCreated,
            Slot::Next => self.next.as_ref().is_some_and(|link| link.restore.is_none()),
        }
    }

    /// Whether the current connection is there, and no session that can be used: time that counts as an outage. There is
    /// no second connection then.
    pub(super) fn is_being_opened(&self) -> bool {
        self.phase == Phase::AwaitCreated || (self.phase == Phase::Restoring && !self.is_swapping)
    }

    // Inputs of the reader. Each says whether the connection is still the current one: if not, the reader
    // delivers nothing more of it.

    /// A server event came.
    pub(crate) fn handle_signal(&mut self, at: At, epoch: u64, signal: Signal) -> bool {
        let Some(slot) = self.slot(epoch) else {
            return false;
        };
        match signal {
            Signal::Created {
                session_id,
                expires_at,
            } if self.awaits_session(slot) => {
                if let Some(link) = self.link_at(slot) {
                    link.session_id = session_id;
                    link.expires_at = expires_at;
                    link.ends_at = expires_at.and_then(|end| at.instant_of(end));
                }
                match slot {
                    Slot::Current => self.created(at),
                    Slot::Next => self.next_created(at),
                }
            }
            Signal::Error(api) | Signal::ResponseFailed(api) => self.latch(at, slot, &api),
            Signal::Other => {
                if let Some(link) = self.link_at(slot) {
                    link.proved();
                }
            }
            Signal::Created { .. } | Signal::Updated | Signal::Malformed => {}
        }
        true
    }

    /// A ping came; the socket answers it by itself, once it is flushed.
    pub(crate) fn handle_ping(&mut self, at: At, epoch: u64) -> bool {
        let limit = self.config.limits.pings;
        let Some(slot) = self.slot(epoch) else {
            return false;
        };
        self.wakes_writer = true;
        let Some(link) = self.link_at(slot) else {
            return false;
        };
        if at.now.saturating_duration_since(link.pings.0) >= PING_WINDOW {
            link.pings = (at.now, 0);
        }
        link.pings.1 += 1;
        if link.pings.1 > limit {
            let failure = Failure::Violation("too many pings".to_owned());
            self.lose_link(at, slot, failure, Some(CloseCode::POLICY));
            return false;
        }
        true
    }

    /// The server closed.
    pub(crate) fn handle_peer_close(&mut self, at: At, epoch: u64, close: CloseFrame) {
        let Some(slot) = self.slot(epoch) else { return };
        if self.phase == Phase::Draining {
            // The answer to our close, or a close that crossed ours: the end of the stream comes next.
            if let Some(link) = self.link_at(slot) {
                link.peer_close = Some(close);
                link.peer_close_is_answer = link.close_written;
            }
            return;
        }
        self.lose_link(at, slot, Failure::Close(close), None);
    }

    /// The stream ended or broke, or there is no sense in what came.
    pub(crate) fn handle_read_failed(&mut self, at: At, epoch: u64, failure: Failure) {
        let Some(slot) = self.slot(epoch) else { return };
        let goodbye = match failure {
            Failure::TooLarge { .. } => Some(CloseCode::TOO_BIG),
            Failure::Violation(_) => Some(CloseCode::PROTOCOL),
            Failure::NotUtf8 => Some(CloseCode::INVALID),
            _ => None,
        };
        self.lose_link(at, slot, failure, goodbye);
    }
}
