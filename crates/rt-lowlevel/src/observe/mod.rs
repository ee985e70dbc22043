//! Counters and times for whoever collects them, through the `metrics` facade; nothing at all without the feature.
//!
//! The names are in the documentation of the crate. Labels come from lists that are known when this is compiled: nothing a
//! server says becomes a label, and nothing of a session does.

#[cfg(feature = "metrics")]
mod labels;
#[cfg_attr(feature = "metrics", path = "recorder.rs")]
#[cfg_attr(not(feature = "metrics"), path = "noop.rs")]
mod recorder;

/// What waits to be sent on a connection, and what was dropped of it so far.
#[derive(Debug, Clone, Copy, Default)]
#[cfg_attr(not(feature = "metrics"), expect(dead_code, reason = "nobody is told of it"))]
pub(crate) struct Waiting {
    pub(crate) messages: usize,
    /// Bytes of the messages.
    pub(crate) bytes: usize,
    /// The audio in them, raw.
    pub(crate) audio_bytes: usize,
    /// Raw audio that was too old to be sent.
    pub(crate) dropped_bytes: u64,
}

pub(crate) use self::recorder::{Attempt, Queued, Timeline, Wire, phase};
