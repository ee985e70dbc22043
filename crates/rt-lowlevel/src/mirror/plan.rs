//! What a new session has to be told, step by step.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use rt_protocol::client_event::{ConversationItemCreate, ConversationItemDelete, SessionUpdate};
use rt_protocol::server_event::ErrorDetails;
use rt_protocol::{ClientEvent, Item, ServerEvent, Session};
use serde::Serialize;

use super::report::{DiscardReason, LostItem};

/// What the restore is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The session that is to take over now: everything.
    Restore,
    /// A session that is prepared while another one still works: only what will not change any more.
    Prepare,
}

/// What a session that is being told already knows. One for each connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// The settings it was offered last.
    pub(super) settings: Option<u64>,
    pub(super) settings_done: bool,
    /// Its items, and as what.
    pub(super) items: HashMap<String, u64>,
    /// Items it refused, with the code.
    pub(super) rejected: HashMap<String, String>,
    /// Items it refused because it did not know the one before them.
    orphans: HashSet<String>,
}

impl Known {
    /// The session has done this step.
    pub(crate) fn acknowledged(&mut self, step: &Step) {
        match &step.kind {
            StepKind::Settings => {
                self.settings = Some(step.fingerprint);
                self.settings_done = true;
            }
            StepKind::Create { id } => {
                self.orphans.remove(id);
                self.items.insert(id.clone(), step.fingerprint);
            }
            StepKind::Delete { id } => {
                self.items.remove(id);
            }
        }
    }

    /// The session refused this step, with this code.
    pub(crate) fn rejected(&mut self, step: &Step, code: &str) {
        match &step.kind {
            StepKind::Settings => {
                self.settings = Some(step.fingerprint);
                self.settings_done = false;
            }
            StepKind::Create { id } => {
                let refused =
                    |before: &String| self.rejected.contains_key(before) || self.orphans.contains(before);
                if step.after.as_ref().is_some_and(refused) {
                    self.orphans.insert(id.clone());
                } else {
                    self.orphans.remove(id);
                    self.rejected.insert(id.clone(), code.to_owned());
                }
            }
            // It is not there, or it stays: asking again would not help.
            StepKind::Delete { id } => {
                self.items.remove(id);
            }
        }
    }

    /// How many items the session has been told.
    #[cfg(test)]
    pub(crate) fn items(&self) -> usize {
        self.items.len()
    }
}

/// The steps that bring a session up to date, in order, and what cannot be done.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// First the session.update, if any, to be acknowledged before the others are written; then the items.
    pub(crate) steps: Vec<Step>,
    /// Items that the session will not know.
    pub(crate) lost: Vec<LostItem>,
    /// Further items that fell out of the bounds earlier, too many to be listed.
    pub(crate) lost_unlisted: u64,
    /// How many items had audio and are text now.
    pub(crate) text_only: usize,
    /// Commands whose items are not restored; the same ones in every plan until the session takes over.
    pub(crate) discarded: Vec<(u64, DiscardReason)>,
}

/// One message of a restore.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) event: ClientEvent,
    pub(crate) kind: StepKind,
    /// The command that this step does, if it was not answered on the old session.
    pub(crate) seq: Option<u64>,
    fingerprint: u64,
    /// The item it is to stand behind.
    after: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StepKind {
    Settings,
    Create { id: String },
    Delete { id: String },
}

/// How the session answered a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StepAnswer {
    /// Done; an item that is there already counts.
    Done,
    /// Refused, with this code or kind.
    Rejected(String),
}

impl Step {
    pub(super) fn settings(session: Session, event_id: String) -> Self {
        let fingerprint = fingerprint(&session);
        let mut event = ClientEvent::from(SessionUpdate::new(session));
        event.set_event_id(event_id);
        Self {
            event,
            kind: StepKind::Settings,
            seq: None,
            fingerprint,
            after: None,
        }
    }

    pub(super) fn create(item: Item, after: Option<&str>, seq: Option<u64>, event_id: String) -> Self {
        let fingerprint = fingerprint(&item);
        let id = item.id().unwrap_or_default().to_owned();
        let create = ConversationItemCreate::new(item).after(after.unwrap_or("root"));
        let mut event = ClientEvent::from(create);
        event.set_event_id(event_id);
        Self {
            event,
            kind: StepKind::Create { id },
            seq,
            fingerprint,
            after: after.map(str::to_owned),
        }
    }

    pub(super) fn delete(id: &str, event_id: String) -> Self {
        let mut event = ClientEvent::from(ConversationItemDelete::new(id));
        event.set_event_id(event_id);
        Self {
            event,
            kind: StepKind::Delete { id: id.to_owned() },
            seq: None,
            fingerprint: 0,
            after: None,
        }
    }

    /// Whether this event answers the step, and how. Every `conversation.item.added`, `created` and `done` of a restored
    /// item is an echo, also after the first one that answers.
    pub(crate) fn answered_by(&self, event: &ServerEvent) -> Option<StepAnswer> {
        if let ServerEvent::Error(error) = event {
            return self.refused_by(&error.error);
        }
        let done = match (&self.kind, event) {
            (StepKind::Settings, ServerEvent::SessionUpdated(_)) => true,
            (StepKind::Create { id }, ServerEvent::ConversationItemAdded(event)) => {
                event.item.id() == Some(id)
            }
            (StepKind::Create { id }, ServerEvent::ConversationItemCreated(event)) => {
                event.item.id() == Some(id)
            }
            (StepKind::Create { id }, ServerEvent::ConversationItemDone(event)) => {
                event.item.id() == Some(id)
            }
            (StepKind::Delete { id }, ServerEvent::ConversationItemDeleted(event)) => event.item_id == *id,
            _ => false,
        };
        done.then_some(StepAnswer::Done)
    }

    fn refused_by(&self, error: &ErrorDetails) -> Option<StepAnswer> {
        let of_session = || {
            let param = error.param.as_deref().unwrap_or_default();
            self.kind == StepKind::Settings && (param == "session" || param.starts_with("session."))
        };
        let ours = match error.event_id.as_deref() {
            Some(id) => self.event.event_id() == Some(id),
            None => of_session(),
        };
        if !ours {
            return None;
        }
        let code = error.code.as_deref().unwrap_or(&error.kind);
        let there = match self.kind {
            StepKind::Settings => false,
            StepKind::Create { .. } => code == DUPLICATE_ITEM,
            StepKind::Delete { .. } => code == "item_delete_invalid_item_id",
        };
        Some(if there {
            StepAnswer::Done
        } else {
            StepAnswer::Rejected(code.to_owned())
        })
    }
}

/// The error of an item that is there already.
pub(super) const DUPLICATE_ITEM: &str = "item_create_duplicate_item_id";

/// Tells one content from another.
pub(super) fn fingerprint(content: &impl Serialize) -> u64 {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(content)
        .unwrap_or_default()
        .hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
