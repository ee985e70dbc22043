//! Integration tests: the crates together, over real sockets on loopback.

#[path = "../../examples/support/capture.rs"]
mod capture;

mod captures;
mod dialect;
mod events;
