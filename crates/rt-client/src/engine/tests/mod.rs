//! The engine against the emulator's brain, in simulated time.

mod barge_in;
mod checks;
mod queue;
mod tool_calls;
mod transcripts;
mod world;
