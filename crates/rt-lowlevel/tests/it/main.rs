//! Connections over real sockets to a scripted server, and over pipes in memory with a clock that is paused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper of a test may fail the test"
)]

mod after_upgrade;
mod closing;
mod dialect;
mod memory;
mod refusals;
mod rollover;
mod secrets;
mod slow_consumer;
mod support;
mod tls;
mod traffic;
mod user_code;
