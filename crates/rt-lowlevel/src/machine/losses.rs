//! The open session is gone: what becomes of what was in flight, and what is counted until there is another.

use std::time::Instant;

use super::{Machine, Phase};
use crate::error::Error;
use crate::event::{ConnectionEvent, RestoreCause};
use crate::fate::DiscardReason;
use crate::mirror::Lost;

/// What has happened since there was an open session.
#[derive(Debug)]
pub(super) struct Outage {
    pub(super) since: Instant,
    pub(super) cause: RestoreCause,
    pub(super) settled: u64,
    /// Discarded commands up to then.
    pub(super) discarded_before: u64,
    pub(super) lost_audio_ms: u64,
}

impl Machine {
    /// The open session is gone: what was in flight is settled, and told.
    pub(super) fn detach(&mut self, now: Instant, cause: impl FnOnce() -> RestoreCause) {
        let lost = if std::mem::take(&mut self.is_attached) {
            self.mirror.lost()
        } else {
            Lost::default()
        };
        self.settle_lost(now, lost, cause);
    }

    pub(super) fn settle_lost(&mut self, now: Instant, lost: Lost, cause: impl FnOnce() -> RestoreCause) {
        let before = self.ledger.sums().discarded;
        for (number, fate) in lost.fates {
            self.ledger.settle(number, fate.into());
        }
        for number in lost.pending {
            self.ledger.again(number);
        }
        let audio = if self.config.restore.enabled {
            DiscardReason::AudioBounds
        } else {
            DiscardReason::ConnectionLost
        };
        self.ledger.discard_written(audio, DiscardReason::ConnectionLost);
        if self.config.restore.enabled && self.was_open && self.phase != Phase::Ended {
            let outage = self.outage.get_or_insert_with(|| Outage {
                since: now,
                cause: cause(),
                settled: 0,
                discarded_before: before,
                lost_audio_ms: 0,
            });
            outage.settled += lost.responses.len() as u64;
            outage.lost_audio_ms += lost.lost_audio_ms;
        }
        self.tell_settled();
        let responses = lost.responses.into_iter();
        self.events.extend(responses.map(ConnectionEvent::Interrupted));
    }

    /// A snapshot is to be restored on the first session.
    pub(super) fn expect_resume(&mut self, now: Instant) {
        self.outage = Some(Outage {
            since: now,
            cause: RestoreCause::Resumed,
            settled: 0,
            discarded_before: 0,
            lost_audio_ms: 0,
        });
    }
}

/// What a lost connection means for the report.
pub(super) fn lost_by(error: &Error) -> RestoreCause {
    RestoreCause::ConnectionLost(error.clone())
}
