//! Integration tests: the crates together, over real sockets on loopback.

#[path = "../../examples/support/capture.rs"]
mod capture;
mod support;

mod agent;
mod agent_restore;
mod captures;
mod client;
mod dialect;
mod docs;
mod events;
mod failures;
mod matrix;
mod pains;
mod public_names;
mod readme;
mod sessions;
mod tolerance;
mod voice_turn;
