//! What a session counts, read and written from several tasks.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What is counted of a session.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Microseconds in which the server was not read because callbacks were slow.
    pub(crate) held_back_us: AtomicU64,
    /// Whether it is so now.
    pub(crate) is_held_back: AtomicBool,
    pub(crate) late_deltas: AtomicU64,
    pub(crate) forgotten_items: AtomicU64,
    /// Events that everybody has been given.
    pub(crate) delivered: AtomicU64,
    /// The budget is used up.
    pub(crate) is_exhausted: AtomicBool,
    /// Bytes of audio sent since the last commit.
    pub(crate) uncommitted: AtomicU64,
    /// When audio was sent last, in microseconds of the session; 0 if none was.
    pub(crate) audio_sent_us: AtomicU64,
}

impl Counters {
    /// So many bytes of audio are no part of the next turn any more.
    pub(crate) fn take_audio(&self, bytes: u64) {
        let less = |so_far: u64| Some(so_far.saturating_sub(bytes));
        let _ = self
            .uncommitted
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// They are, after all.
    pub(crate) fn give_back_audio(&self, bytes: u64) {
        self.uncommitted.fetch_add(bytes, Ordering::Relaxed);
    }
}
