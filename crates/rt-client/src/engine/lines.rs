//! Whole lines of both sides in the order of the conversation.
//!
//! What the user said is transcribed beside the response, and often known after it. A line waits for those before it, but
//! not for ever.

use std::collections::VecDeque;
use std::time::Duration;

use rt_protocol::{Field, Text};

use crate::transcript::{Line, Speaker};

/// How long a line is waited for when others stand behind it.
const PATIENCE: Duration = Duration::from_secs(5);
/// Lines that wait at once.
const MAX_WAITING: usize = 256;

/// One line to be.
#[derive(Debug)]
struct Waiting {
    item_id: String,
    speaker: Speaker,
    /// The text, once it is known; an empty one is not told.
    text: Option<Text>,
    /// Since when it has been in the way.
    since: Duration,
}

/// The lines that were not told yet.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    waiting: VecDeque<Waiting>,
    /// Lines that were passed over.
    missed: Vec<(String, Speaker)>,
}

impl Lines {
    /// A line will come, at this place.
    pub(crate) fn expect(
        &mut self,
        item_id: &str,
        speaker: Speaker,
        previous: &Field<String>,
        now: Duration,
    ) {
        if self.waiting.iter().any(|line| line.item_id == item_id)
            || self.missed.iter().any(|(id, _)| id == item_id)
        {
            return;
        }
        let at = match previous {
            Field::Value(previous) => self
                .waiting
                .iter()
                .position(|line| line.item_id == *previous)
                .map(|at| at + 1),
            Field::Absent | Field::Null => None,
        };
        let line = Waiting {
            item_id: item_id.to_owned(),
            speaker,
            text: None,
            since: now,
        };
        self.waiting.insert(at.unwrap_or(self.waiting.len()), line);
    }

    /// Whether this item is expected here, so that its end can be told.
    pub(crate) fn knows(&self, item_id: &str) -> bool {
        self.waiting.iter().any(|line| line.item_id == item_id)
    }

    /// The text of a line; an empty one if there is none.
    pub(crate) fn set(&mut self, item_id: &str, text: &Text) -> Option<Line> {
        if let Some(line) = self.waiting.iter_mut().find(|line| line.item_id == item_id) {
            line.text.get_or_insert_with(|| text.clone());
            return None;
        }
        let at = self.missed.iter().position(|(id, _)| id == item_id)?;
        let (item_id, speaker) = self.missed.remove(at);
        (!text.is_empty()).then(|| Line {
            speaker,
            item_id,
            text: text.clone(),
            late: true,
        })
    }

    /// These are on their way: the time for which they are waited for begins anew.
    pub(crate) fn stir(&mut self, item_ids: &[String], now: Duration) {
        for line in &mut self.waiting {
            if item_ids.contains(&line.item_id) {
                line.since = now;
            }
        }
    }

    /// An item is gone: nobody waits for it.
    pub(crate) fn forget(&mut self, item_id: &str) {
        self.waiting.retain(|line| line.item_id != item_id);
    }

    /// The lines whose turn it is.
    pub(crate) fn take(&mut self, now: Duration) -> Vec<Line> {
        let mut lines = Vec::new();
        while let Some(first) = self.waiting.front() {
            let crowded = self.waiting.len() > MAX_WAITING;
            let overdue = crowded || (self.waiting.len() > 1 && first.since + PATIENCE <= now);
            if first.text.is_none() && !overdue {
                break;
            }
            let Some(line) = self.waiting.pop_front() else {
                break;
            };
            match line.text {
                Some(text) if !text.is_empty() => lines.push(Line {
                    speaker: line.speaker,
                    item_id: line.item_id,
                    text,
                    late: false,
                }),
                Some(_) => {}
                None => {
                    if self.missed.len() >= MAX_WAITING {
                        self.missed.remove(0);
                    }
                    self.missed.push((line.item_id, line.speaker));
                }
            }
        }
        lines
    }

    /// When somebody has waited long enough.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let first = self.waiting.front()?;
        (self.waiting.len() > 1 && first.text.is_none()).then(|| first.since + PATIENCE)
    }

    /// Everything that is known, at the end.
    pub(crate) fn finish(&mut self) -> Vec<Line> {
        for line in &mut self.waiting {
            line.text.get_or_insert_default();
        }
        self.take(Duration::MAX)
    }
}
