//! [`Snapshot`]: a conversation that can be carried to another process.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Everything a new session has to be told, to go on with this conversation in another process.
///
/// It holds what was said: transcripts, audio that was not yet answered, instructions and tools with their credentials.
/// Keep it like a secret. Its `Debug` shows sizes only. Its serialised form carries a version, and one that this version of
/// the crate does not know is refused.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    pub(super) version: u32,
}

impl Snapshot {
    /// As JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// From JSON text.
    ///
    /// # Errors
    /// If it is not a snapshot, or one of a version that this version of the crate does not know.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        serde_json::from_str(json)
            .map_err(|error| Error::config(format!("not a snapshot of a conversation: {error}")))
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("version", &self.version)
            .finish()
    }
}
