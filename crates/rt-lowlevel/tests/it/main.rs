//! Connections over real sockets to a scripted server, and over pipes in memory with a clock that is paused.

mod after_upgrade;
mod memory;
mod refusals;
mod secrets;
mod support;
mod tls;
mod traffic;
