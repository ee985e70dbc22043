//! The server's mind: pure, it takes the time as an argument.
mod g711;
mod ids;
mod vad;
