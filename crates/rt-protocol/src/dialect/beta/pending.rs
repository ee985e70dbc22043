//! [`Pending`]: items whose `conversation.item.done` is still due.

use std::collections::VecDeque;

use crate::item::ItemStatus;
use crate::{Field, Item};

/// Items that responses are making. A server that never finishes them cannot make it grow: the oldest is forgotten.
#[derive(Debug, Clone, Default)]
pub(super) struct Pending(VecDeque<Growing>);

const MOST: usize = 64;

#[derive(Debug, Clone)]
struct Growing {
    id: String,
    /// Whose it is, if that was said.
    response_id: String,
    /// Set once the item was reported as part of the conversation, which out of band it never is.
    added: Option<Added>,
}

/// What it stands behind, and what was said of it.
type Added = (Field<String>, Item);

impl Pending {
    /// A response has begun this item.
    pub(super) fn begun(&mut self, id: &str, response_id: &str) {
        match self.0.iter_mut().find(|item| item.id == id) {
            Some(item) => response_id.clone_into(&mut item.response_id),
            None => self.push(id, response_id.to_owned(), None),
        }
    }

    /// The item was added to the conversation, behind another one.
    pub(super) fn added(&mut self, id: &str, previous_item_id: &Field<String>, item: &Item) {
        let response_id = self.take(id).map(|item| item.response_id).unwrap_or_default();
        self.push(id, response_id, Some((previous_item_id.clone(), item.clone())));
    }

    /// Whether a response is making this item.
    pub(super) fn contains(&self, id: &str) -> bool {
        self.0.iter().any(|item| item.id == id)
    }

    /// Forgets an item; what it stands behind, if it was added to the conversation.
    pub(super) fn finished(&mut self, id: &str) -> Option<Field<String>> {
        let (previous_item_id, _) = self.take(id)?.added?;
        Some(previous_item_id)
    }

    /// Forgets what the response has not finished; those that were added to the conversation, as incomplete ones.
    pub(super) fn left_by(&mut self, response_id: &str) -> Vec<Added> {
        let mut left = Vec::new();
        self.0.retain_mut(|item| {
            let is_over = !item.response_id.is_empty() && item.response_id == response_id;
            if is_over {
                left.extend(item.added.take());
            }
            !is_over
        });
        for (_, item) in &mut left {
            match item {
                Item::Message(item) => item.status = ItemStatus::Incomplete.into(),
                Item::FunctionCall(item) => item.status = ItemStatus::Incomplete.into(),
                _ => {}
            }
        }
        left
    }

    fn take(&mut self, id: &str) -> Option<Growing> {
        let place = self.0.iter().position(|item| item.id == id)?;
        self.0.remove(place)
    }

    fn push(&mut self, id: &str, response_id: String, added: Option<Added>) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(Growing {
            id: id.to_owned(),
            response_id,
            added,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten() {
        let mut pending = Pending::default();
        for n in 0..1000 {
            pending.added(&n.to_string(), &Field::Null, &Item::user_text(""));
            pending.begun(&n.to_string(), "");
        }
        assert_eq!(pending.0.len(), MOST);
        assert_eq!(pending.finished("5"), None);
        assert_eq!(pending.finished("999"), Some(Field::Null));
        assert_eq!(pending.finished("999"), None);
    }
}
