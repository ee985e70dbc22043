//! The items of the conversation, in order.

use rt_protocol::{Field, Item};

use super::clock::Format;
pub(super) use super::entry::{Body, Entry, Given, Spoken};
use super::heard::{Pace, Part};

/// Where an item belongs, as its event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'a> {
    First,
    After(&'a str),
    Last,
}

impl<'a> Place<'a> {
    /// As a client says it.
    pub(super) fn asked(previous_item_id: &'a Field<String>) -> Self {
        match previous_item_id.as_deref() {
            Some("root") => Self::First,
            Some(id) => Self::After(id),
            None => Self::Last,
        }
    }

    /// As the server says it.
    pub(super) fn told(previous_item_id: &'a Field<String>) -> Self {
        match previous_item_id {
            Field::Null => Self::First,
            Field::Absent => Self::Last,
            Field::Value(id) => Self::After(id),
        }
    }
}

/// The items, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Items {
    entries: Vec<Entry>,
    /// Where the last one was found: most events are about the same item as the one before.
    last: usize,
}

impl Items {
    pub(super) fn restored(entries: Vec<Entry>) -> Self {
        Self { entries, last: 0 }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn entries_mut(&mut self) -> &mut [Entry] {
        &mut self.entries
    }

    pub(super) fn into_entries(self) -> Vec<Entry> {
        self.entries
    }

    pub(super) fn take_entries(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.entries)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn position(&self, id: &str) -> Option<usize> {
        if self.entries.get(self.last).is_some_and(|entry| entry.id == id) {
            return Some(self.last);
        }
        self.entries.iter().rposition(|entry| entry.id == id)
    }

    pub(super) fn get(&self, id: &str) -> Option<&Entry> {
        self.entries.get(self.position(id)?)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Entry> {
        let at = self.position(id)?;
        self.last = at;
        self.entries.get_mut(at)
    }

    /// What the model says in this item.
    pub(super) fn spoken(&mut self, id: &str) -> Option<&mut Spoken> {
        match &mut self.get_mut(id)?.body {
            Body::Spoken(spoken) => Some(spoken),
            _ => None,
        }
    }

    /// A part of what the model says in this item.
    pub(super) fn part(&mut self, id: &str, content_index: u32) -> Option<&mut Part> {
        self.spoken(id)?.part(content_index)
    }

    /// Puts a new item at its place.
    pub(super) fn insert(&mut self, entry: Entry, place: Place<'_>) {
        let at = self.place(place);
        self.entries.insert(at, entry);
        self.last = at;
    }

    /// Moves an item to where the server has it, unless it is there.
    pub(super) fn settle(&mut self, id: &str, place: Place<'_>) {
        let Some(at) = self.position(id) else { return };
        let before = self.entries[..at].iter().rev().find(|entry| entry.on_session);
        let there = match place {
            Place::First => before.is_none(),
            // Behind an item that is not known here it is as good as anywhere.
            Place::After(previous) => {
                before.is_some_and(|entry| entry.id == previous) || self.position(previous).is_none()
            }
            Place::Last => true,
        };
        if !there {
            let entry = self.entries.remove(at);
            self.insert(entry, place);
        }
    }

    /// The index for a new item. Items the session does not know stay with the one before them, those on their way do
    /// not.
    fn place(&self, place: Place<'_>) -> usize {
        let mut at = match place {
            Place::Last => return self.entries.len(),
            Place::First if self.entries.iter().any(|entry| entry.on_session) => 0,
            Place::First => return self.entries.len(),
            Place::After(id) => match self.position(id) {
                Some(at) => at + 1,
                None => return self.entries.len(),
            },
        };
        let unknown = |entry: &Entry| !entry.on_session && entry.created_by.is_none();
        while self.entries.get(at).is_some_and(unknown) {
            at += 1;
        }
        at
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<Entry> {
        let at = self.position(id)?;
        Some(self.entries.remove(at))
    }

    pub(super) fn retain(&mut self, keep: impl FnMut(&Entry) -> bool) {
        self.entries.retain(keep);
    }

    /// The nearest item before this place that the session knows.
    pub(super) fn known_before(&self, at: usize) -> Option<&str> {
        let before = self.entries.get(..at)?;
        let known = before.iter().rev().find(|entry| entry.on_session);
        known.map(|entry| &*entry.id)
    }

    /// The call with this id.
    pub(super) fn call(&self, call_id: &str) -> Option<usize> {
        let is = |entry: &Entry| entry.call().is_some() && entry.call_id() == Some(call_id);
        self.entries.iter().rposition(is)
    }

    pub(super) fn has_output(&self, call_id: &str) -> bool {
        let is = |entry: &Entry| matches!(&entry.body, Body::Output(output) if output.call_id == call_id);
        self.entries.iter().any(is)
    }

    /// Whether this is a whole call without an output: a tool that runs.
    pub(super) fn is_open_call(&self, entry: &Entry) -> bool {
        match entry.call() {
            Some(call) => call.whole && !entry.call_id().is_some_and(|id| self.has_output(id)),
            None => false,
        }
    }

    pub(super) fn has_open_call(&self) -> bool {
        self.entries.iter().any(|entry| self.is_open_call(entry))
    }

    /// `conversation.item.added` or `created`.
    pub(super) fn added(&mut self, item: &Item, place: Place<'_>, format: Format) {
        let Some(id) = item.id().filter(|id| !id.is_empty()) else {
            return;
        };
        if self.position(id).is_none() {
            self.insert(Entry::made(id, item, format), place);
        }
        self.settle(id, place);
    }

    /// `conversation.item.done`, `response.output_item.done` and the like.
    pub(super) fn done(&mut self, item: &Item, pace: &mut Pace) {
        if let Some(entry) = item.id().and_then(|id| self.get_mut(id)) {
            entry.finish(item, pace);
        }
    }

    /// What the user said in this item.
    pub(super) fn transcribed(&mut self, id: &str, content_index: u32, transcript: Option<&str>) {
        let Some(Body::Message(given)) = self.get_mut(id).map(|entry| &mut entry.body) else {
            return;
        };
        given.settled = true;
        if let Some(transcript) = transcript {
            given.transcribed(content_index, transcript);
        }
    }

    /// Gives up audio and images of the oldest items until so many bytes are left.
    pub(super) fn bound_media(&mut self, most: usize) {
        let of = |entry: &Entry| match &entry.body {
            Body::Message(given) => given.media(),
            _ => 0,
        };
        let mut held: usize = self.entries.iter().map(of).sum();
        for entry in &mut self.entries {
            if held <= most {
                return;
            }
            held -= of(entry);
            if let Body::Message(given) = &mut entry.body {
                given.drop_media();
            }
        }
    }

    /// The session is gone.
    pub(super) fn lost(&mut self) {
        for entry in &mut self.entries {
            entry.on_session = false;
            entry.retold = false;
        }
    }

    pub(super) fn text_len(&self) -> usize {
        self.entries.iter().map(Entry::text_len).sum()
    }
}

#[cfg(test)]
mod tests;
