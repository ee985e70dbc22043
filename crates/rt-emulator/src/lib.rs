//! The Realtime API in a process: a server for tests, examples and offline work.
mod brain;
mod emulator;
mod error;
mod faults;
mod journal;
mod pacing;
mod script;
mod server;

pub use brain::{Brain, Output, Settings};
pub use emulator::{Builder, Emulator};
pub use error::{Error, ErrorKind};
pub use faults::{Action, Fault, Trigger};
pub use journal::{Entry, Journal, Message, What};
pub use pacing::Pacing;
pub use script::{After, Failure, Script, Step, Turn};
