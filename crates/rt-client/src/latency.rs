//! How long answers take, as [`Event::Latency`](crate::Event::Latency) tells it: [`Timing`] until the first output of a response,
//! or the time of a function.

pub use crate::event::{Latency, Timing};
