//! The engine against the emulator's brain, in simulated time.

mod barge_in;
mod checks;
mod giving_up;
mod held;
mod late_results;
mod mcp;
mod money;
mod pains;
mod queue;
mod refusals;
mod remote;
mod slow_checks;
mod tool_calls;
mod transcripts;
mod world;
