//! Connections over real sockets to a scripted server, and over pipes in memory with a clock that is paused.
//!
//! `matrix` has the rows of the fault matrix (docs/reliability.md) that need a socket, each as a test with its id in front.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper of a test may fail the test"
)]

mod closing;
mod dialect;
#[cfg(feature = "http")]
mod http;
mod matrix;
mod memory;
#[cfg(feature = "metrics")]
mod metrics;
mod rollover;
mod slow_consumer;
mod spans;
mod support;
mod traffic;
mod user_code;
