//! What the ledger is told and what it says: [`Line`], [`Kind`], [`Sums`].

use std::fmt;

use rt_protocol::ClientEvent;

/// A message as the ledger is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) bytes: usize,
    pub(crate) audio: usize,
    pub(crate) kind: Kind,
    pub(crate) answered: bool,
}

/// The type of a command, in a byte.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Kind(pub(super) u8);

impl Kind {
    pub(crate) fn of(event: &ClientEvent) -> Self {
        let name = event.event_type();
        let place = ClientEvent::KNOWN_TYPES.iter().position(|known| *known == name);
        Self(
            place
                .and_then(|place| u8::try_from(place).ok())
                .unwrap_or(u8::MAX),
        )
    }

    pub(crate) fn name(self) -> &'static str {
        ClientEvent::KNOWN_TYPES
            .get(usize::from(self.0))
            .copied()
            .unwrap_or("an event of an unknown type")
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How many commands there were, by fate. `accepted` is the sum of the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) accepted: u64,
    pub(crate) acknowledged: u64,
    pub(crate) rejected: u64,
    pub(crate) superseded: u64,
    pub(crate) discarded: u64,
    pub(crate) pending: u64,
}
