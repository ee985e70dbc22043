//! What the machine is now, for whoever asks.

use super::losses::Outage;
use super::{Machine, Phase, Sums};
use crate::event::{Closed, RestoreCause};
use crate::mirror::Snapshot;
use crate::state::State;

impl Machine {
    pub(crate) fn state(&self) -> State {
        match self.phase {
            Phase::Idle => State::Idle,
            Phase::Open => State::Connected,
            Phase::Restoring if self.is_swapping && !self.lost_session() => State::Connected,
            Phase::Draining => State::Closing,
            Phase::Ended => State::Closed,
            Phase::Waiting | Phase::Dialing | Phase::AwaitCreated | Phase::Restoring => {
                if self.was_open {
                    State::Reconnecting
                } else {
                    State::Connecting
                }
            }
        }
    }

    /// Whether what is being restored was lost, and not given up for another.
    fn lost_session(&self) -> bool {
        let is_loss = |outage: &Outage| matches!(outage.cause, RestoreCause::ConnectionLost(_));
        self.outage.as_ref().is_some_and(is_loss)
    }

    /// How it ended, once it has.
    pub(crate) fn terminal(&self) -> Option<&Closed> {
        self.terminal.as_ref()
    }

    /// Whether there ever was a session that could be used.
    pub(crate) fn had_session(&self) -> bool {
        self.was_open
    }

    /// Whether a new session is told what the last one knew.
    pub(crate) fn restores(&self) -> bool {
        self.config.restore.enabled
    }

    /// What another process needs to go on with this conversation.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.mirror.snapshot()
    }

    /// Whether the server would take a truncation of this item.
    pub(crate) fn truncate_allowed(&self, item_id: &str) -> bool {
        self.mirror.truncate_allowed(item_id)
    }

    pub(crate) fn waiting_messages(&self) -> usize {
        self.outbox.len()
    }

    pub(crate) fn waiting_bytes(&self) -> usize {
        self.outbox.bytes()
    }

    pub(crate) fn waiting_audio(&self) -> usize {
        self.outbox.waiting_audio()
    }

    pub(crate) fn dropped_audio(&self) -> u64 {
        self.outbox.dropped_audio()
    }

    /// How many commands there were of each fate.
    pub(crate) fn sums(&self) -> Sums {
        self.ledger.sums()
    }

    /// Bytes of raw input audio in discarded commands.
    pub(crate) fn discarded_audio(&self) -> u64 {
        self.ledger.discarded_audio()
    }
}
