//! What a new session has to be told.

use std::collections::HashMap;

use rt_protocol::{ClientEvent, ServerEvent};

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
    pub(super) settings: Option<u64>,
    pub(super) items: HashMap<String, u64>,
    pub(super) rejected: HashMap<String, String>,
}

impl Known {
    /// The session has done this step.
    pub(crate) fn acknowledged(&mut self, step: &Step) {
        let _ = step;
    }

    /// The session refused this step, with this code.
    pub(crate) fn rejected(&mut self, step: &Step, code: &str) {
        let _ = (step, code);
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
    /// Commands whose items are not restored.
    pub(crate) discarded: Vec<(u64, DiscardReason)>,
}

/// One message of a restore.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) event: ClientEvent,
    pub(crate) kind: StepKind,
    /// The command that this step does, if it was not answered on the old session.
    pub(crate) seq: Option<u64>,
    pub(super) fingerprint: u64,
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
    /// Whether this event answers the step, and how. Every `conversation.item.added`, `created` and `done` of a restored
    /// item is an echo, also after the first one that answers.
    pub(crate) fn answered_by(&self, event: &ServerEvent) -> Option<StepAnswer> {
        let _ = event;
        None
    }
}
