//! The Realtime API in a process: a server for tests, examples and offline work.
mod brain;
mod error;
mod pacing;
mod script;

pub use brain::{Brain, Output, Settings};
pub use error::{Error, ErrorKind};
pub use pacing::Pacing;
pub use script::{After, Failure, Script, Step, Turn};
