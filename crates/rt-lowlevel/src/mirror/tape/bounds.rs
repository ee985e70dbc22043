//! How much a tape holds, and what falls off first.

use super::{Entry, Tape};
use crate::mirror::clock::{TICKS_PER_MS, ms};

/// Pieces per millisecond of the bound, so that tiny ones cannot pile up.
const PIECES_PER_MS: u64 = 1;

/// Commits and requests without an answer; beyond so many the oldest falls off. As many commands wait for an answer.
pub(super) const MAX_MARKS: usize = 1024;

impl Tape {
    /// Drops the oldest commit or request beyond the bound; a commit with what it was to take, or the next one would take
    /// that.
    pub(super) fn bound_marks(&mut self) {
        if self.marks <= MAX_MARKS {
            return;
        }
        let Some(at) = self.sent.iter().position(Entry::is_mark) else {
            return;
        };
        self.marks -= 1;
        if let Some(Entry::Commit(_)) = self.sent.remove(at) {
            self.lost += self.sent.drain(..at).map(|entry| entry.ticks()).sum::<u64>();
            self.count();
        }
    }

    /// Drops the oldest audio beyond the bound.
    pub(super) fn bound(&mut self, speech: bool) {
        let pieces = ms(self.limit).saturating_mul(PIECES_PER_MS).max(1);
        while self.held > self.limit || (self.sent.len() + self.waiting.len() - self.marks) as u64 > pieces {
            let is_audio = |entry: &Entry| matches!(entry, Entry::Audio(_));
            let (queue, at) = match self.sent.iter().position(is_audio) {
                Some(at) => (&mut self.sent, at),
                None => match self.waiting.iter().position(is_audio) {
                    Some(at) => (&mut self.waiting, at),
                    None => return,
                },
            };
            let Some(Entry::Audio(chunk)) = queue.get_mut(at) else {
                return;
            };
            // Whole milliseconds, so that no sample is cut.
            let excess = self.held.saturating_sub(self.limit);
            let excess = excess.div_ceil(TICKS_PER_MS) * TICKS_PER_MS;
            let (start, length) = (chunk.start, chunk.ticks());
            let dropped = if excess == 0 || excess >= length {
                queue.remove(at);
                length
            } else {
                chunk.skip_to(start + excess);
                length - chunk.ticks()
            };
            self.held -= dropped;
            self.lost += match &self.turn {
                Some(turn) => dropped.min((start + dropped).saturating_sub(turn.start)),
                None if speech => dropped,
                None => 0,
            };
        }
    }
}
