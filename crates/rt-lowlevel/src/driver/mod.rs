//! The tasks around the machine: they move data and decide nothing.
//!
//! - the supervisor dials, keeps the timers and ends connections;
//! - one reader and one writer per connection, so that neither direction can hold the other up.
//!
//! User code runs in none of them. Only the writer writes.

mod attempt;
mod reader;
mod shared;
mod supervisor;
mod writer;

pub(crate) use self::attempt::Context;
pub(crate) use self::shared::{Delivery, Lane, Shared};
pub(crate) use self::supervisor::run;
