//! The items of the conversation in their order, with what is known of their text.

use std::time::Duration;

use rt_protocol::item::{ContentKind, ItemStatus, Message, Role};
use rt_protocol::{Field, Item, Text};

use crate::history::{HistoryChange, HistoryItem, HistoryKind, HistoryState};
use crate::transcript::Speaker;

/// The most items that are remembered; the oldest go first.
const MAX_ITEMS: usize = 4096;

/// The history of a session.
#[derive(Debug, Default)]
pub(crate) struct History {
    items: Vec<HistoryItem>,
    /// Items that were deleted: late events of them change nothing.
    deleted: Vec<String>,
    /// Items that were forgotten because there were too many.
    pub(crate) forgotten: u64,
}

impl History {
    pub(crate) fn items(&self) -> &[HistoryItem] {
        &self.items
    }

    fn position(&self, id: &str) -> Option<usize> {
        self.items.iter().rposition(|item| item.id == id)
    }

    pub(crate) fn get(&self, id: &str) -> Option<&HistoryItem> {
        self.position(id).map(|at| &self.items[at])
    }

    /// The place after `previous`. `None` if the item is to go to the end.
    fn place(&self, previous: &Field<String>) -> Option<usize> {
        match previous {
            Field::Value(previous) if previous == "root" => Some(0),
            Field::Value(previous) => self.position(previous).map(|at| at + 1),
            Field::Null => Some(0),
            Field::Absent => None,
        }
    }

    /// The user's audio became an item, of which nothing is known but its place.
    pub(crate) fn committed(
        &mut self,
        id: &str,
        previous: &Field<String>,
        transcribed: bool,
    ) -> Option<HistoryChange> {
        let item = HistoryItem {
            id: id.to_owned(),
            kind: HistoryKind::Message(Speaker::User),
            text: Text::default(),
            state: if transcribed {
                HistoryState::Pending
            } else {
                HistoryState::Silent
            },
            heard: None,
        };
        self.insert(item, previous)
    }

    /// An item was added, or is whole now.
    pub(crate) fn added(
        &mut self,
        item: &Item,
        previous: &Field<String>,
        transcribed: bool,
    ) -> Option<HistoryChange> {
        let id = item.id()?;
        let seen = read(item, transcribed);
        let Some(at) = self.position(id) else {
            return self.insert(seen, previous);
        };
        let known = &mut self.items[at];
        // A cut stays a cut, and the pieces of a text are not undone by an item that does not have it yet.
        let learns = known.heard.is_none()
            && (rank(seen.state), seen.text.len()) > (rank(known.state), known.text.len())
            && known.state != HistoryState::Final;
        if !learns || (seen.text.is_empty() && seen.state != HistoryState::Final) {
            return None;
        }
        *known = seen;
        Some(HistoryChange::Changed(known.clone()))
    }

    fn insert(&mut self, item: HistoryItem, previous: &Field<String>) -> Option<HistoryChange> {
        if self.deleted.contains(&item.id) || self.position(&item.id).is_some() {
            return None;
        }
        if self.items.len() >= MAX_ITEMS {
            self.items.remove(0);
            self.forgotten += 1;
        }
        let at = self.place(previous).unwrap_or(self.items.len());
        let after = at.checked_sub(1).map(|before| self.items[before].id.clone());
        self.items.insert(at, item.clone());
        Some(HistoryChange::Added { after, item })
    }

    /// More text of an item.
    pub(crate) fn text(&mut self, id: &str, piece: &str) {
        if let Some(at) = self.position(id) {
            let item = &mut self.items[at];
            if item.state != HistoryState::Final && item.heard.is_none() {
                item.text.push_str(piece);
                item.state = HistoryState::Partial;
            }
        }
    }

    /// The whole text of an item; `None` if there will be none.
    pub(crate) fn text_done(&mut self, id: &str, text: Option<&Text>) -> Option<HistoryChange> {
        let at = self.position(id)?;
        let item = &mut self.items[at];
        if item.heard.is_some() {
            return None;
        }
        match text {
            Some(text) => {
                item.text = text.clone();
                item.state = HistoryState::Final;
            }
            None if item.text.is_empty() => item.state = HistoryState::Silent,
            None => item.state = HistoryState::Final,
        }
        Some(HistoryChange::Changed(item.clone()))
    }

    /// Only so much of an item was heard.
    pub(crate) fn cut(&mut self, id: &str, heard: Duration, text: &str) -> Option<HistoryChange> {
        let at = self.position(id)?;
        let item = &mut self.items[at];
        item.text = text.into();
        item.heard = Some(heard);
        item.state = HistoryState::Final;
        Some(HistoryChange::Changed(item.clone()))
    }

    /// An item was deleted.
    pub(crate) fn removed(&mut self, id: &str) -> Option<HistoryChange> {
        if self.deleted.len() >= MAX_ITEMS {
            self.deleted.remove(0);
        }
        self.deleted.push(id.to_owned());
        let at = self.position(id)?;
        self.items.remove(at);
        Some(HistoryChange::Removed(id.to_owned()))
    }
}

/// How much a state knows.
fn rank(state: HistoryState) -> u8 {
    match state {
        HistoryState::Pending => 0,
        HistoryState::Silent => 1,
        HistoryState::Partial => 2,
        HistoryState::Final => 3,
    }
}

/// An item of the wire as one of the history.
fn read(item: &Item, transcribed: bool) -> HistoryItem {
    let (kind, text, state) = match item {
        Item::Message(message) => read_message(message, transcribed),
        Item::FunctionCall(call) => {
            let kind = HistoryKind::Call {
                name: call.name.clone(),
                call_id: call.call_id.as_deref().unwrap_or_default().to_owned(),
            };
            let whole = call.status.value() != Some(&ItemStatus::InProgress);
            let state = if whole {
                HistoryState::Final
            } else {
                HistoryState::Pending
            };
            (kind, call.arguments.clone(), state)
        }
        Item::FunctionCallOutput(output) => {
            let call_id = output.call_id.clone();
            (
                HistoryKind::CallOutput { call_id },
                output.output.clone(),
                HistoryState::Final,
            )
        }
        _ => (HistoryKind::Other, Text::default(), HistoryState::Final),
    };
    HistoryItem {
        id: item.id().unwrap_or_default().to_owned(),
        kind,
        text,
        state,
        heard: None,
    }
}

fn read_message(message: &Message, transcribed: bool) -> (HistoryKind, Text, HistoryState) {
    let kind = match message.role {
        Role::User => HistoryKind::Message(Speaker::User),
        Role::Assistant => HistoryKind::Message(Speaker::Assistant),
        _ => HistoryKind::System,
    };
    let text: Vec<&str> = message
        .content
        .iter()
        .filter_map(|part| part.readable())
        .collect();
    let spoken = message
        .content
        .iter()
        .any(|part| part.kind.value() == Some(&ContentKind::InputAudio));
    let state = if message.status.value() == Some(&ItemStatus::InProgress) {
        HistoryState::Pending
    } else if spoken && text.is_empty() {
        if transcribed {
            HistoryState::Pending
        } else {
            HistoryState::Silent
        }
    } else {
        HistoryState::Final
    };
    (kind, Text::from(text.concat()), state)
}
