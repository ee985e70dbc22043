//! Times and counters for whoever collects them, through the `metrics` facade, nothing at all without the feature; and spans for
//! `tracing`.
//!
//! The names are in the documentation of the crate. No label of a metric comes from the session.

#[cfg_attr(feature = "metrics", path = "recorder.rs")]
#[cfg_attr(not(feature = "metrics"), path = "noop.rs")]
mod recorder;
mod spans;

pub(crate) use self::recorder::event;
pub(crate) use self::spans::Spans;
