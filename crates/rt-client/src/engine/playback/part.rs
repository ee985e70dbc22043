//! One audio part of an item, and where it is cut.

use std::time::Duration;

use crate::engine::heard::Script;

/// One audio part of an item of the model.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) item_id: String,
    pub(super) content_index: u32,
    pub(super) response_id: String,
    /// Not in the conversation: the server knows no such item.
    pub(super) outside: bool,
    /// Not of this connection: the server has it as text, if at all.
    pub(super) past: bool,
    /// Bytes, for deltas may end within a sample.
    pub(super) received: u64,
    pub(super) queued: u64,
    pub(super) played: u64,
    /// All of its audio has come.
    pub(super) done: bool,
    /// Samples left by a truncation.
    pub(super) cut: Option<u64>,
    pub(super) script: Script,
}

/// What is cut, and what of it was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) item_id: String,
    pub(crate) content_index: u32,
    pub(crate) response_id: String,
    /// In samples, and in time.
    pub(crate) samples: u64,
    pub(crate) heard: Duration,
    pub(crate) text: String,
    /// What the server has to be told.
    pub(crate) tell: Tell,
}

/// What the server has to be told of a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tell {
    /// It ends at this many milliseconds.
    Truncate(u64),
    /// Nothing of it was heard.
    Delete,
    /// It is not there, or cannot be cut any more.
    Nothing,
}

impl Part {
    /// It was cut by whoever plays it, so long after its beginning. Without its audio, how much of the text that is can only
    /// be guessed.
    pub(super) fn cut_at(&mut self, heard: Duration, rate: u64) -> Cut {
        let heard = Duration::from_millis(u64::try_from(heard.as_millis()).unwrap_or(u64::MAX));
        let samples = heard.as_nanos() * u128::from(rate) / 1_000_000_000;
        let samples = u64::try_from(samples).unwrap_or(u64::MAX);
        self.cut = Some(samples);
        Cut {
            response_id: self.response_id.clone(),
            samples,
            item_id: self.item_id.clone(),
            content_index: self.content_index,
            heard,
            text: self.script.spoken_in(heard).to_owned(),
            tell: Tell::Nothing,
        }
    }

    /// Samples that are left of it, as far as it was not cut.
    pub(super) fn left(&self, width: u64) -> u64 {
        (self.received / width).min(self.cut.unwrap_or(u64::MAX))
    }

    /// The words of so many samples.
    pub(super) fn words(&self, samples: u64, rate: u64, width: u64) -> &str {
        let received = self.received / width;
        self.script.heard(samples, received, self.done, rate)
    }

    /// Cuts it at what was played. `stays` is whether the item has to stay even if this part was not heard.
    pub(super) fn cut(&mut self, rate: u64, width: u64, stays: bool) -> Cut {
        let received = self.received / width;
        let played = self.played.min(self.left(width));
        let ms = played * 1000 / rate;
        let text = self.words(played, rate, width).to_owned();
        let tell = match () {
            () if self.past || self.outside => Tell::Nothing,
            // An empty part cannot be truncated.
            () if ms == 0 && stays && received == 0 => Tell::Nothing,
            () if ms == 0 && !stays => Tell::Delete,
            () => Tell::Truncate(ms),
        };
        self.cut = Some(ms * rate / 1000);
        Cut {
            item_id: self.item_id.clone(),
            content_index: self.content_index,
            response_id: self.response_id.clone(),
            samples: ms * rate / 1000,
            heard: Duration::from_millis(ms),
            text,
            tell,
        }
    }
}
