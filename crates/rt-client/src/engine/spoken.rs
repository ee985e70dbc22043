//! What the model said, told as said when it was heard: when its audio was played, or cut.

use std::time::Duration;

use rt_protocol::Text;

use super::Engine;
use crate::transcript::Speaker;

/// The texts of spoken parts, and lines, of which audio still waits to be played.
#[derive(Debug, Default)]
pub(crate) struct Spoken {
    /// By item and content index.
    parts: Vec<(String, u32, Text)>,
    lines: Vec<(String, Text)>,
    /// How far playback was.
    progress: u64,
}

impl Spoken {
    fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.lines.is_empty()
    }

    /// A part was cut: its whole text is not told. Whether it was to be.
    pub(super) fn cut(&mut self, item_id: &str, content_index: u32) -> bool {
        let parts = self.parts.len();
        self.parts
            .retain(|(id, index, _)| id != item_id || *index != content_index);
        self.lines.retain(|(id, _)| id != item_id);
        parts != self.parts.len()
    }

    /// An item is gone: nothing of it was said.
    pub(super) fn forget(&mut self, item_id: &str) {
        self.parts.retain(|(id, ..)| id != item_id);
        self.lines.retain(|(id, _)| id != item_id);
    }
}

impl Engine {
    /// So many samples were played in all.
    pub(crate) fn played(&mut self, now: Duration, total: u64) {
        self.now = now;
        self.playback.played(total, now);
        self.tell_spoken();
    }

    /// The sink is empty, and has played so many samples in all.
    pub(crate) fn cleared(&mut self, total: u64) {
        self.playback.cleared(total);
    }

    /// The sink is gone, and with it what it had: from now on the clock says what is played.
    pub(crate) fn sink_failed(&mut self, now: Duration) {
        self.now = now;
        self.playback.unreported();
        self.tell_spoken();
    }

    /// What was heard since this was asked last: items, parts, and samples of them in all.
    pub(crate) fn heard(&mut self, now: Duration) -> Vec<(String, u32, u64)> {
        self.now = now;
        self.playback.settle(now);
        self.tell_spoken();
        self.playback.take_heard()
    }

    /// Whether the model is heard or is about to be.
    pub(crate) fn is_playing(&self) -> bool {
        self.playback.is_playing()
    }

    /// The model said all of a part: told when it was heard.
    pub(super) fn said(&mut self, item_id: &str, content_index: u32, text: &Text) {
        if self.playback.is_waiting(item_id, Some(content_index)) {
            self.spoken
                .parts
                .push((item_id.to_owned(), content_index, text.clone()));
        } else {
            self.say(Speaker::Assistant, item_id, text, true);
        }
    }

    /// The line of an item is known: told when it was heard.
    pub(super) fn line(&mut self, item_id: &str, text: &Text) {
        if self.playback.is_waiting(item_id, None) {
            if !self.spoken.lines.iter().any(|(id, _)| id == item_id) {
                self.spoken.lines.push((item_id.to_owned(), text.clone()));
            }
        } else {
            let late = self.lines.set(item_id, text);
            self.tell_lines(late.into_iter().collect());
        }
    }

    /// Tells what was heard by now.
    pub(super) fn tell_spoken(&mut self) {
        if self.spoken.is_empty() {
            return;
        }
        let progress = self.playback.progress();
        if progress != std::mem::replace(&mut self.spoken.progress, progress) {
            // Nobody else's turn comes while the model is heard.
            let held: Vec<String> = self.spoken.lines.iter().map(|(id, _)| id.clone()).collect();
            self.lines.stir(&held, self.now);
        }
        let playback = &self.playback;
        let is_over = |(id, index, _): &mut (String, u32, Text)| !playback.is_waiting(id, Some(*index));
        let parts: Vec<_> = self.spoken.parts.extract_if(.., is_over).collect();
        let is_over = |(id, _): &mut (String, Text)| !playback.is_waiting(id, None);
        let lines: Vec<_> = self.spoken.lines.extract_if(.., is_over).collect();
        if parts.is_empty() && lines.is_empty() {
            return;
        }
        for (item_id, content_index, text) in parts {
            let cut = self.playback.heard_of(&item_id, Some(content_index));
            let text = cut.unwrap_or(text);
            if !text.is_empty() {
                self.say(Speaker::Assistant, &item_id, &text, true);
            }
        }
        for (item_id, text) in lines {
            let cut = self.playback.heard_of(&item_id, None);
            self.line(&item_id, &cut.unwrap_or(text));
        }
        let lines = self.lines.take(self.now);
        self.tell_lines(lines);
    }

    /// The end: nobody will say any more how much was heard.
    pub(super) fn tell_all_spoken(&mut self) {
        for (item_id, _, text) in std::mem::take(&mut self.spoken.parts) {
            self.say(Speaker::Assistant, &item_id, &text, true);
        }
        for (item_id, text) in std::mem::take(&mut self.spoken.lines) {
            let late = self.lines.set(&item_id, &text);
            self.tell_lines(late.into_iter().collect());
        }
    }

    /// The server has cut an item, for whoever asked it to: what it deleted is not in the history any more.
    pub(super) fn truncated(&mut self, item_id: &str, content_index: u32, ms: u64) {
        let at = Duration::from_millis(ms);
        let Some(item) = self.history.get(item_id) else {
            return;
        };
        if item.heard.is_some_and(|heard| heard <= at) {
            return;
        }
        let left = self.playback.truncated(item_id, content_index, ms);
        let text = left.unwrap_or_else(|| super::heard::within(&item.text, at).into());
        let change = self.history.cut(item_id, at, &text);
        self.tell_history(change);
    }
}
