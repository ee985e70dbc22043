//! [`Fate`]: what became of a command, and how it is told.
//!
//! A command is an event that was accepted for sending. [`Handle::send`](crate::Handle::send) gives a [`Receipt`], which resolves
//! to the fate; those other than `Acknowledged` are events too, as [`Settled`].

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use rt_protocol::server_event::ErrorDetails;
use tokio::sync::oneshot;

use crate::config::AudioPolicy;
use crate::mirror;

/// The number of an accepted command. Numbers rise in the order of acceptance, over all sessions of a connection; there
/// may be gaps between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(u64);

impl CommandId {
    pub(crate) const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What became of a command. Every accepted command has exactly one fate in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// The server answered it with the event that says so; or, for a command that has no answer, the peer is known to
    /// have read it: it answered a ping or a command that was written later, or audio is part of a turn that the server committed.
    /// Behind a proxy that ends WebSockets, the peer that answers pings is the proxy.
    Acknowledged,
    /// The server refused it with an error that names it.
    Rejected(Box<ErrorDetails>),
    /// A later one, or the restore of the session, said all that it would have said.
    Superseded,
    /// It has no effect, or none that is known of.
    Discarded(DiscardReason),
}

impl Fate {
    /// Whether it is `Acknowledged`.
    #[must_use]
    pub fn is_acknowledged(&self) -> bool {
        matches!(self, Self::Acknowledged)
    }
}

impl From<mirror::Fate> for Fate {
    fn from(fate: mirror::Fate) -> Self {
        match fate {
            mirror::Fate::Superseded => Self::Superseded,
            mirror::Fate::Discarded(reason) => Self::Discarded(reason),
        }
    }
}

/// Why a command was discarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DiscardReason {
    /// It was written to a connection that broke before there was an answer. The server may have acted on it or not; it
    /// is not something to be repeated.
    ConnectionLost,
    /// It was not written before the connection ended for good.
    Unsent,
    /// Audio that was too old to be sent: only with [`AudioPolicy::Live`]. Of an append in several messages, some may have
    /// been sent before.
    Stale,
    /// The server closed with 1009 and this was, or had in it, the largest message that it may not have read. It is not
    /// sent again, and counts as lost input.
    TooLarge,
    /// It asked for an out-of-band response, and was not marked as repeatable.
    OutOfBand,
    /// Its item could not be restored, or fell out of the bounds before the server answered.
    NotRestored,
    /// Its audio no longer fit what is kept of the input.
    AudioBounds,
    /// It refers to a function call that is gone.
    CallGone,
}

/// Commands that have a fate other than [`Fate::Acknowledged`]: one, or neighbours that share it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Settled {
    /// The first of them.
    pub first: CommandId,
    /// The last of them.
    pub last: CommandId,
    /// How many they are: all from `first` to `last`, except after a time in which no events were taken, when runs
    /// with others in between may have been merged.
    pub count: u64,
    /// The input audio in them: of PCM16 at 24 kHz, other formats are counted by their bytes. Of what grew
    /// [stale](DiscardReason::Stale), only what was not sent.
    pub audio: Duration,
    /// Their fate.
    pub fate: Fate,
    /// The number of the last message in it.
    end: u64,
    bytes: u64,
}

impl Settled {
    pub(crate) fn new(number: u64, end: u64, bytes: u64, fate: Fate) -> Self {
        Self {
            first: CommandId(number),
            last: CommandId(number),
            count: 1,
            audio: AudioPolicy::duration(bytes),
            fate,
            end,
            bytes,
        }
    }

    /// Whether a command can be told of with these; `any` if there may be others in between.
    pub(crate) fn takes(&self, number: u64, fate: &Fate, any: bool) -> bool {
        let is_behind = if any {
            number > self.end
        } else {
            number == self.end + 1
        };
        is_behind && self.fate == *fate && !matches!(fate, Fate::Rejected(_))
    }

    pub(crate) fn extend(&mut self, number: u64, end: u64, bytes: u64) {
        self.last = CommandId(number);
        self.end = end;
        self.count += 1;
        self.bytes += bytes;
        self.audio = AudioPolicy::duration(self.bytes);
    }
}

/// A command whose fate can be awaited. Dropping it changes nothing for the command.
#[derive(Debug)]
#[must_use = "to know only that it was accepted, use `send`"]
pub struct Receipt {
    id: CommandId,
    fate: oneshot::Receiver<Fate>,
}

impl Receipt {
    pub(crate) fn new(id: CommandId, fate: oneshot::Receiver<Fate>) -> Self {
        Self { id, fate }
    }

    /// The command's number.
    #[must_use]
    pub fn id(&self) -> CommandId {
        self.id
    }
}

/// Resolves to the fate: at the latest when the connection is closed. Cancel safe, as long as the receipt is kept.
impl Future for Receipt {
    type Output = Fate;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Fate> {
        // Nobody is left to tell it only if the runtime was shut down before it was told.
        Pin::new(&mut self.fate)
            .poll(cx)
            .map(|fate| fate.unwrap_or(Fate::Discarded(DiscardReason::ConnectionLost)))
    }
}
