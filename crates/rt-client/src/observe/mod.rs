//! Times and counters for whoever collects them, through the `metrics` facade; nothing at all without the feature.
//!
//! The names are in the documentation of the crate. No label comes from the session.

#[cfg_attr(feature = "metrics", path = "recorder.rs")]
#[cfg_attr(not(feature = "metrics"), path = "noop.rs")]
mod recorder;

pub(crate) use self::recorder::event;
