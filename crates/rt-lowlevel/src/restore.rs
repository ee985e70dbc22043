//! What a new session is told of the conversation, and what it could not be told.
//!
//! [`RestorePolicy`] is a part of the [`Config`](crate::Config), with [`UnreportedPlayback`] and [`Summarizer`] in it. The outcome
//! is in events: [`LostItem`]s in [`Restored`](crate::event::Restored), and a [`SettledResponse`] for each response that ended
//! with its connection. A [`Snapshot`] is the conversation for another process.

pub use crate::mirror::{
    LostItem, LostReason, RestorePolicy, SettledOutcome, SettledResponse, Snapshot, Summarizer,
    UnreportedPlayback,
};
