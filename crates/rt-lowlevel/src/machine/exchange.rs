//! What goes into the machine and what comes out of it.

use std::time::{Duration, Instant};

use super::outbox::Message;
use super::timer::after;
use crate::frame::Frame;

/// The moment of an input: when, and a random number from 0 to 1 in case there is a wait to be chosen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    pub(crate) now: Instant,
    pub(crate) jitter: f64,
    /// The time of day: since 1970.
    pub(crate) unix: Duration,
}

impl At {
    /// When a time of day is, if it is to come.
    pub(super) fn instant_of(&self, unix: u64) -> Option<Instant> {
        let wait = Duration::from_secs(unix).checked_sub(self.unix)?;
        Some(after(self.now, wait))
    }
}

/// What the supervisor is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Connect; the answer is `handle_connected` or `handle_dial_failed`.
    Dial { attempt: u32, refresh_token: bool },
    /// Drop the dial that runs.
    AbortDial,
    /// Give up the connection of this epoch; with `linger`, let it finish what it is doing for a moment.
    Hangup { epoch: u64, linger: bool },
}

/// What the writer is to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Transmit {
    /// Write this, then ask again.
    Frame(Frame),
    /// Flush, if anything was written since the last flush, and ask again; else wait to be woken.
    Idle,
    /// Flush and end: nothing more is to be written to this connection.
    Stop,
}

/// Why a message was not accepted; it comes back.
#[derive(Debug)]
#[cfg_attr(test, derive(PartialEq))]
pub(crate) enum Refused {
    Full(Vec<Message>),
    Closed,
}
