//! What fell out of the bounds, and what may still be heard of it.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::items::Entry;
use super::report::{DiscardReason, LostItem, LostReason};

/// Ids of items that fell out between two restores, beyond which they are counted.
const MAX_LISTED: usize = 256;
/// Items that fell out and are still recognised: as many messages as the ledger keeps behind one without an answer.
const MAX_MARKS: usize = 1 << 14;

/// What fell out since the last restore.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Folded {
    pub(super) lost: Vec<LostItem>,
    pub(super) unlisted: u64,
    /// Commands whose items a delete took away while there was no session.
    discarded: Vec<u64>,
    /// The latest that fell out: their acknowledgements may come late, and do not bring them back.
    marks: VecDeque<Mark>,
}

/// An item that fell out. Its id is kept as a hash: a history may be long, and only equality matters.
#[derive(Debug, Clone, PartialEq)]
struct Mark {
    id: u64,
    /// The command that creates it, until it is answered.
    created_by: Option<u64>,
}

fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

impl Folded {
    /// An item fell out.
    pub(super) fn push(&mut self, entry: &Entry, reason: &LostReason) {
        if self.lost.len() < MAX_LISTED {
            self.lost.push(LostItem::new(&entry.id, reason.clone()));
        } else {
            self.unlisted += 1;
        }
        if self.marks.len() == MAX_MARKS {
            self.marks.pop_front();
        }
        self.marks.push_back(Mark {
            id: hash(&entry.id),
            created_by: entry.created_by,
        });
    }

    /// A command whose item is gone before a session knew it.
    pub(super) fn discard(&mut self, created_by: Option<u64>) {
        self.discarded.extend(created_by);
    }

    /// Whether an item fell out.
    pub(super) fn has(&self, id: &str) -> bool {
        !self.marks.is_empty() && self.position(id).is_some()
    }

    fn position(&self, id: &str) -> Option<usize> {
        let id = hash(id);
        self.marks.iter().position(|mark| mark.id == id)
    }

    /// The session has the item, although it is not remembered.
    pub(super) fn created(&mut self, id: &str) {
        if !self.marks.is_empty()
            && let Some(at) = self.position(id)
            && let Some(mark) = self.marks.get_mut(at)
        {
            mark.created_by = None;
        }
    }

    /// The item did not fall out after all: it was refused or deleted, or it is made again. Returns the command that
    /// creates it, if that is not answered.
    pub(super) fn forget(&mut self, id: &str) -> Option<u64> {
        let marked = self.position(id).and_then(|at| self.marks.remove(at));
        match self.lost.iter().position(|lost| lost.id == id) {
            Some(at) => {
                self.lost.remove(at);
            }
            None => self.unlisted -= u64::from(marked.is_some()).min(self.unlisted),
        }
        marked?.created_by
    }

    /// Whether this command's item fell out before the command was answered.
    pub(super) fn awaits(&self, seq: Option<u64>) -> bool {
        seq.is_some() && self.marks.iter().any(|mark| mark.created_by == seq)
    }

    /// The session is gone, and with it the answers. Returns the commands that it did not answer.
    pub(super) fn take_unanswered(&mut self) -> Vec<u64> {
        self.marks.drain(..).filter_map(|mark| mark.created_by).collect()
    }

    /// Commands whose items are not restored.
    pub(super) fn discarded(&self) -> Vec<(u64, DiscardReason)> {
        let fallen = self.marks.iter().filter_map(|mark| mark.created_by);
        let all = fallen.chain(self.discarded.iter().copied());
        all.map(|seq| (seq, DiscardReason::NotRestored)).collect()
    }
}
