//! [`Restore`]: what is being told to a session, and how far that is.

use std::collections::VecDeque;
use std::time::Instant;

use rt_protocol::ServerEvent;

use super::link::Link;
use crate::dialect::Translator;
use crate::mirror::{Known, LostItem, Plan, Purpose, Step, StepKind};

/// Items that may be unanswered at a time.
const WINDOW: usize = 32;

/// The code of a refusal by close 1009.
pub(super) const TOO_LARGE: &str = "message_too_large";

/// What is being told to the session of a connection.
#[derive(Debug)]
pub(super) struct Restore {
    pub(super) known: Known,
    pub(super) purpose: Purpose,
    /// It is late then, however steadily it goes on.
    pub(super) until: Instant,
    pub(super) steps: VecDeque<Step>,
    /// Written and not answered.
    pub(super) awaited: Vec<Step>,
    pub(super) rounds: u32,
    pub(super) settings_refusals: u32,
    /// The session has the settings that it was to have.
    pub(super) has_settings: bool,
    pub(super) restored: usize,
    pub(super) lost: Vec<LostItem>,
    pub(super) lost_unlisted: u64,
    pub(super) text_only: usize,
}

impl Restore {
    pub(super) fn new(known: Known, purpose: Purpose, until: Instant) -> Self {
        Self {
            known,
            purpose,
            until,
            steps: VecDeque::new(),
            awaited: Vec::new(),
            rounds: 0,
            settings_refusals: 0,
            has_settings: true,
            restored: 0,
            lost: Vec::new(),
            lost_unlisted: 0,
            text_only: 0,
        }
    }

    /// Every step is answered.
    pub(super) fn is_done(&self) -> bool {
        self.steps.is_empty() && self.awaited.is_empty()
    }

    /// Something is to be written or answered.
    pub(super) fn is_under_way(&self) -> bool {
        !self.is_done()
    }

    pub(super) fn take_up(&mut self, plan: Plan) {
        self.steps = plan.steps.into();
        self.lost = plan.lost;
        self.lost_unlisted = plan.lost_unlisted;
        self.text_only = self.text_only.max(plan.text_only);
    }

    /// The next step that may be written, as text.
    pub(super) fn next_text(&mut self, translator: &Translator, excluded: &[u64]) -> Option<String> {
        while self.awaited.len() < WINDOW
            && !self.awaited.iter().any(|step| step.kind == StepKind::Settings)
            && let Some(step) = self.steps.pop_front()
        {
            if step.seq.is_some_and(|seq| excluded.contains(&seq)) {
                self.known.rejected(&step, TOO_LARGE);
            } else if let Some(text) = translator.encode(&step.event).json {
                self.awaited.push(step);
                return Some(text);
            } else {
                self.known.rejected(&step, "unknown_to_dialect");
            }
        }
        None
    }

    /// The largest step that the peer may not have read.
    pub(super) fn largest(&self) -> Option<&Step> {
        self.awaited.iter().max_by_key(|step| step.event.to_json().len())
    }
}

impl Link {
    /// Whether an event is the echo of a restored item. It takes note of the last one.
    pub(super) fn is_echo(&mut self, event: &ServerEvent) -> bool {
        if self.echoes.is_empty() {
            return false;
        }
        match event {
            ServerEvent::ConversationItemAdded(event) => self.has_echo(event.item.id()),
            ServerEvent::ConversationItemCreated(event) => self.has_echo(event.item.id()),
            ServerEvent::ConversationItemDone(event) => {
                event.item.id().is_some_and(|id| self.echoes.remove(id))
            }
            _ => false,
        }
    }

    fn has_echo(&self, id: Option<&str>) -> bool {
        id.is_some_and(|id| self.echoes.contains(id))
    }
}
