//! The restore: what a new session is told before it is used, and what is told of it.

use std::time::Duration;

use rt_protocol::{ClientEvent, ServerEvent};

use super::link::{Link, Slot};
use super::progress::RestoreProgress;
use super::restore::{Restore, TOO_LARGE};
use super::timer::{Timer, after};
use super::{At, Machine, Phase};
use crate::classify::Failure;
use crate::event::{ConnectionEvent, Restored};
use crate::fate::{DiscardReason, Fate};
use crate::frame::Frame;
use crate::mirror::{Known, LostItem, LostReason, Purpose, Step, StepAnswer, StepKind};

/// How often the plan is made anew before what is left is given up: once for each item that may be refused, and the
/// deadline ends it in any case.
const MAX_ROUNDS: u32 = 300;

/// How often settings may be refused before the session is used without them.
const MAX_REFUSALS: u32 = 3;

impl Machine {
    /// The session of a connection is there: begins to tell it what the last one knew.
    pub(super) fn begin_restore(&mut self, at: At, slot: Slot) {
        let purpose = match slot {
            Slot::Current => Purpose::Restore,
            Slot::Next => Purpose::Prepare,
        };
        if slot == Slot::Current {
            self.absorb_updates();
        }
        let mut known = Known::default();
        for step in &self.unwanted {
            known.rejected(step, TOO_LARGE);
        }
        let limit = self.config.timeouts.restore;
        let until = after(at.now, limit.max(self.config.retry.max_downtime));
        let Some(link) = self.link_at(slot) else { return };
        link.restore = Some(Restore::new(known, purpose, until));
        link.timers.set(Timer::Restore, after(at.now, limit));
        self.advance(at, slot);
        self.wakes_writer = true;
    }

    /// What waits in the outbox and can be merged into what the new session is told need not be written: changes of the
    /// settings and of items.
    pub(super) fn absorb_updates(&mut self) {
        let mirror = &mut self.mirror;
        let taken = self.outbox.take_if(|message| {
            let intent = message.intent.as_ref();
            intent.is_some_and(|intent| mirror.absorb(message.number, intent))
        });
        self.has_room |= !taken.is_empty();
        self.absorbed.extend(taken);
    }

    /// Plans when all is answered; with nothing left to do, the session is ready.
    pub(super) fn advance(&mut self, at: At, slot: Slot) {
        if slot == Slot::Current && self.phase != Phase::Restoring && !self.is_swapping {
            // It is being closed: an answer that was under way does not open it again. Only a swap is finished, for
            // what was accepted while there was a session.
            return;
        }
        let Some(link) = self.link_at(slot) else { return };
        let Some(mut restore) = link.restore.take_if(|restore| restore.is_done()) else {
            return;
        };
        let plan = self.mirror.plan(&restore.known, restore.purpose);
        for (number, reason) in &plan.discarded {
            self.ledger.settle(*number, Fate::Discarded(*reason));
        }
        restore.take_up(plan);
        restore.rounds += 1;
        if restore.settings_refusals >= MAX_REFUSALS {
            restore.steps.retain(|step| step.kind != StepKind::Settings);
        }
        if restore.rounds > MAX_ROUNDS {
            // Whatever the server is doing, it does not lead anywhere.
            for step in restore.steps.drain(..) {
                if let StepKind::Create { id } = step.kind {
                    restore
                        .lost
                        .push(LostItem::new(id, LostReason::Rejected("not_settled".to_owned())));
                }
            }
        }
        let is_ready = restore.is_done();
        if let Some(link) = self.link_at(slot) {
            link.restore = Some(restore);
        }
        match (is_ready, slot) {
            (false, _) => self.wakes_writer = true,
            (true, Slot::Current) => self.finish_restore(at),
            (true, Slot::Next) => self.next_is_ready(at),
        }
    }

    /// The next message of the restore.
    pub(super) fn restore_frame(&mut self, at: At, slot: Slot) -> Option<Frame> {
        let link = match slot {
            Slot::Current => self.link.as_deref_mut()?,
            Slot::Next => self.next.as_deref_mut()?,
        };
        let restore = link.restore.as_mut()?;
        let was_done = restore.is_done();
        let text = restore.next_text(&self.translator, &self.excluded);
        if text.is_none() && !was_done && restore.is_done() {
            // What was left cannot be written.
            self.advance(at, slot);
        }
        text.map(|text| Frame::Text(text.into()))
    }

    /// Whether an event answers a step of the restore, and what follows.
    pub(super) fn answer(&mut self, at: At, slot: Slot, event: &ServerEvent) -> bool {
        let limit = self.config.timeouts.restore;
        let Some(link) = self.link_at(slot) else {
            return false;
        };
        let Some(restore) = &mut link.restore else {
            return false;
        };
        let answered = restore.awaited.iter().enumerate();
        let mut answered = answered.filter_map(|(place, step)| Some((place, step.answered_by(event)?)));
        let Some((place, answer)) = answered.next() else {
            return false;
        };
        let step = restore.awaited.remove(place);
        match (&answer, &step.kind) {
            (StepAnswer::Done, kind) => {
                // Audio of the user takes its time on a narrow line.
                if link.timers.is_set(Timer::Restore) {
                    let due = after(at.now, limit).min(restore.until);
                    link.timers.set(Timer::Restore, due);
                }
                restore.known.acknowledged(&step);
                restore.has_settings |= *kind == StepKind::Settings;
                if let StepKind::Create { id } = kind {
                    restore.restored += 1;
                    let is_last = matches!(
                        event,
                        ServerEvent::ConversationItemDone(_) | ServerEvent::Error(_)
                    );
                    if !is_last {
                        link.echoes.insert(id.clone());
                    }
                }
            }
            (StepAnswer::Rejected(_), StepKind::Settings) => {
                restore.settings_refusals += 1;
                restore.has_settings = false;
                // Made anew, with less in it.
                restore.steps.clear();
            }
            (StepAnswer::Rejected(code), _) => {
                restore.known.rejected(&step, code);
                // Those behind it would not find their place.
                restore.steps.clear();
            }
        }
        self.settle_step(&step, &answer, event);
        // There is room in the window.
        self.wakes_writer = true;
        self.advance(at, slot);
        true
    }

    fn settle_step(&mut self, step: &Step, answer: &StepAnswer, event: &ServerEvent) {
        let refusal = || match event {
            ServerEvent::Error(error) => Fate::Rejected(Box::new(error.error.clone())),
            _ => Fate::Rejected(Box::default()),
        };
        match (answer, &step.kind) {
            (StepAnswer::Done, StepKind::Settings) => self.supersede_absorbed(),
            (StepAnswer::Rejected(_), StepKind::Settings) => {
                for number in self.mirror.settings_rejected() {
                    self.ledger.settle(number, refusal());
                    self.absorbed.retain(|absorbed| *absorbed != number);
                }
            }
            (StepAnswer::Done, _) => {
                if let Some(number) = step.seq {
                    self.ledger.settle(number, Fate::Acknowledged);
                }
            }
            (StepAnswer::Rejected(_), _) => {
                if let Some(number) = step.seq {
                    self.ledger.settle(number, refusal());
                }
            }
        }
    }

    /// What was merged into the settings has been said.
    fn supersede_absorbed(&mut self) {
        for number in std::mem::take(&mut self.absorbed) {
            self.ledger.settle(number, Fate::Superseded);
        }
    }

    /// The new session knows what the old one knew: what is to be written again goes first, then what waits.
    pub(super) fn finish_restore(&mut self, at: At) {
        let Some(link) = &mut self.link else { return };
        let Some(restore) = link.restore.take() else {
            return;
        };
        link.timers.stop(Timer::Restore);
        self.mirror.attach(&restore.known);
        self.is_attached = true;
        let mut replayed_ms = 0;
        while let Some(replay) = self.mirror.replay() {
            replayed_ms += replay.audio_ms;
            link.queue.push_back((replay.seq, replay.event));
        }
        if self.outage.is_some() {
            link.restored = Some(RestoreProgress {
                is_done: true,
                prepares: false,
                epoch: self.session_epoch,
                items: restore.restored,
                text_only: restore.text_only,
                lost: restore.lost.len(),
            });
        }
        self.supersede_absorbed();
        self.unwanted.clear();
        if let Some(outage) = self.outage.take() {
            let sums = self.ledger.sums();
            self.after.push_back(ConnectionEvent::Restored(Restored {
                epoch: self.session_epoch,
                cause: outage.cause,
                downtime: at.now.saturating_duration_since(outage.since),
                restored: restore.restored,
                text_only: restore.text_only,
                lost: restore.lost,
                lost_unlisted: restore.lost_unlisted,
                settings: restore.has_settings,
                settled: outage.settled,
                replayed: Duration::from_millis(replayed_ms),
                lost_audio: Duration::from_millis(outage.lost_audio_ms),
                discarded: sums.discarded - outage.discarded_before,
            }));
        }
        self.is_swapping = false;
        if self.phase == Phase::Draining {
            let first_fresh = self.ledger.next();
            if let Some(link) = &mut self.link {
                link.first_fresh = first_fresh;
            }
            self.wakes_writer = true;
            return;
        }
        self.open(at.now);
    }

    /// The session of a connection takes nothing any more.
    pub(super) fn restore_is_late(&mut self, at: At, slot: Slot) {
        let limit = self.config.timeouts.restore;
        self.lose_link(at, slot, Failure::RestoreTimeout(limit), None);
    }

    /// The server closed because a message is too large: the one that it must be is not written again. Returns
    /// what to tell of it.
    pub(super) fn exclude_largest(&mut self, link: &Link) -> Option<(&'static str, usize)> {
        if let Some(step) = link.restore.as_ref().and_then(Restore::largest) {
            let told = (name_of(&step.event), step.event.to_json().len());
            if let Some(number) = step.seq {
                self.exclude(number);
            }
            if step.kind == StepKind::Settings {
                self.drop_updates();
            }
            self.unwanted.push(step.clone());
            return Some(told);
        }
        let (number, kind, bytes) = self.ledger.largest_written()?;
        self.exclude(number);
        Some((kind.name(), bytes))
    }

    fn exclude(&mut self, number: u64) {
        let messages = self.ledger.messages_of(number);
        self.ledger
            .settle(number, Fate::Discarded(DiscardReason::TooLarge));
        let unwritten = self.outbox.withdraw(&messages);
        self.has_room = true;
        self.mirror.exclude(&messages, unwritten);
        self.excluded.extend(messages);
    }

    /// The settings cannot be said: without those that no session has taken yet.
    fn drop_updates(&mut self) {
        for number in self.mirror.settings_rejected() {
            self.ledger
                .settle(number, Fate::Discarded(DiscardReason::TooLarge));
            self.absorbed.retain(|absorbed| *absorbed != number);
        }
    }
}

fn name_of(event: &ClientEvent) -> &'static str {
    super::Kind::of(event).name()
}
