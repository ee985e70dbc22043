//! The engine against the emulator's brain, in simulated time.

mod barge_in;
mod barged;
mod checks;
mod doubts;
mod fed;
mod giving_up;
mod held;
mod late_results;
mod mcp;
mod money;
mod pains;
mod queue;
mod refusals;
mod remote;
mod reported;
mod slow_checks;
mod spoken;
mod stopped;
mod tool_calls;
mod transcripts;
mod verdict;
mod waiting;
mod world;
