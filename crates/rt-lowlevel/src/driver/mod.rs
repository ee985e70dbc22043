//! The tasks around the machine: they move data and decide nothing.
//!
//! - the supervisor keeps the timers, and starts and ends the other tasks;
//! - one task per attempt to connect, which runs the user's token provider and dialer;
//! - one reader and one writer per connection, so that neither direction can hold the other up.
//!
//! Two more pieces of the user's code run under the machine's lock, on any of them: the summarizer of the restore policy, and
//! the recorder of metrics.
//!
//! Reader and writer poll the stream that the dialer opened. Messages are written by the writer only; answers to pings and closes are left to it by the WebSocket.

mod attempt;
mod inbox;
mod note;
mod reader;
mod receiving;
mod restoring;
mod room;
mod sending;
mod shared;
mod spares;
mod supervisor;
mod writer;

pub(crate) use self::attempt::Context;
pub(crate) use self::inbox::Events;
pub(crate) use self::sending::Lane;
pub(crate) use self::shared::Shared;
pub(crate) use self::supervisor::run;
