//! [`LastId`]: an id that comes with piece after piece, as one string for all of them.

use std::sync::Arc;

/// The id that came last.
#[derive(Debug, Default)]
pub(super) struct LastId(Arc<str>);

impl LastId {
    /// This id, in the memory of the last one if it is the same.
    pub(super) fn of(&mut self, id: &str) -> Arc<str> {
        if *self.0 != *id {
            self.0 = id.into();
        }
        Arc::clone(&self.0)
    }
}
