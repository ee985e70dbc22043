//! [`RestorePolicy`]: what of a conversation is kept for a new session, and how much.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use rt_protocol::{Item, Text};

/// What is remembered of a conversation, so that a new session can be told.
///
/// All of it is held in memory of this process, and nowhere else.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RestorePolicy {
    /// Whether a new session is told what the old one knew. On. Off: it starts from nothing, as the server made it.
    pub enabled: bool,
    /// The most items that are restored; the oldest fall out first. 128.
    pub max_items: usize,
    /// The most bytes of text in them, call arguments and outputs included; the oldest fall out first. 64 KiB. The
    /// newest item is kept even if it is larger.
    pub max_text: usize,
    /// The most input audio since the last committed turn that is sent again. 30 s. In a translation session, which
    /// has no turns, at most 1 s.
    pub input_audio: Duration,
    /// Bytes of user audio without a transcript, and of images, that are kept to be sent again; the oldest are given up
    /// first. 2 MiB, which holds 43 s of PCM16. With 0 such items are reported lost.
    pub media: usize,
    /// What the user heard of the model's audio, as long as nobody said what was played.
    pub unreported: UnreportedPlayback,
    /// Makes one text of the items that fall out. None: they are gone, and reported.
    pub summarizer: Option<Summarizer>,
    /// A text that is added as an item of the system after the restored ones, for instance "Go on where you
    /// stopped." Some models greet again, or change the language, when all they see is text. None.
    pub anchor: Option<Text>,
}

impl Default for RestorePolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            max_items: 128,
            max_text: 64 << 10,
            input_audio: Duration::from_secs(30),
            media: 2 << 20,
            unreported: UnreportedPlayback::default(),
            summarizer: None,
            anchor: None,
        }
    }
}

/// What counts as heard while playback has never been reported.
///
/// The model's audio arrives faster than it is played, so without reports nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum UnreportedPlayback {
    /// What was received was heard. Of an unfinished item, only the text whose audio had arrived. The default.
    #[default]
    Received,
    /// Only items that were received whole were heard.
    Finished,
}

/// A function that makes one text of the items that no longer fit.
///
/// It gets the text it made last time, if any, and the items that fall out now, oldest first. What it returns goes to the
/// new session as the first item, from the system; with `None` they are gone, and so they are if it panics.
///
/// It runs while the connection is locked, on whichever task has just sent or received something: it must be quick, not
/// block, and not use the connection's handle, which would wait for itself.
#[derive(Clone)]
pub struct Summarizer(Arc<SummarizeFn>);

type SummarizeFn = dyn Fn(Option<&str>, &[Item]) -> Option<String> + Send + Sync;

impl Summarizer {
    /// Uses this function.
    #[must_use]
    pub fn new(summarize: impl Fn(Option<&str>, &[Item]) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(summarize))
    }

    pub(super) fn call(&self, earlier: Option<&str>, items: &[Item]) -> Option<String> {
        // A panic of the user's code must not leave the conversation half changed.
        catch_unwind(AssertUnwindSafe(|| (self.0)(earlier, items)))
            .ok()
            .flatten()
    }
}

impl fmt::Debug for Summarizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Summarizer")
    }
}
