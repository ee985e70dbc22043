//! Counters and times for whoever collects them, through the `metrics` facade; nothing at all without the feature.
//!
//! The names are in the documentation of the crate. Labels come from lists that are known when this is compiled: nothing a
//! server says becomes a label, and nothing of a session does.

#[cfg(feature = "metrics")]
mod labels;
#[cfg_attr(feature = "metrics", path = "recorder.rs")]
#[cfg_attr(not(feature = "metrics"), path = "noop.rs")]
mod recorder;

pub(crate) use self::recorder::{Attempt, Queued, Timeline, Wire, phase};
