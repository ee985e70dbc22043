//! [`Pending`]: items whose `conversation.item.done` is still due.

use std::collections::VecDeque;

use crate::Field;

/// Items that responses are making. A server that never finishes them cannot make it grow: the oldest is forgotten.
#[derive(Debug, Clone, Default)]
pub(super) struct Pending(VecDeque<Growing>);

const MOST: usize = 64;

#[derive(Debug, Clone)]
struct Growing {
    id: String,
    /// Set once the item was reported as part of the conversation, which out of band it never is.
    added: Option<Field<String>>,
}

impl Pending {
    /// A response has begun this item.
    pub(super) fn begun(&mut self, id: &str) {
        if !self.contains(id) {
            self.push(id, None);
        }
    }

    /// The item was added to the conversation, behind another one.
    pub(super) fn added(&mut self, id: &str, previous_item_id: &Field<String>) {
        self.finished(id);
        self.push(id, Some(previous_item_id.clone()));
    }

    /// Whether a response is making this item.
    pub(super) fn contains(&self, id: &str) -> bool {
        self.0.iter().any(|item| item.id == id)
    }

    /// Forgets an item; what it stands behind, if it was added to the conversation.
    pub(super) fn finished(&mut self, id: &str) -> Option<Field<String>> {
        let place = self.0.iter().position(|item| item.id == id)?;
        self.0.remove(place)?.added
    }

    fn push(&mut self, id: &str, added: Option<Field<String>>) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(Growing {
            id: id.to_owned(),
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
            pending.added(&n.to_string(), &Field::Null);
            pending.begun(&n.to_string());
        }
        assert_eq!(pending.0.len(), MOST);
        assert_eq!(pending.finished("5"), None);
        assert_eq!(pending.finished("999"), Some(Field::Null));
        assert_eq!(pending.finished("999"), None);
    }
}
