//! How far a restore is, for whoever watches.

use super::Machine;
use super::link::Slot;

/// How far a connection is with being told what the last one knew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RestoreProgress {
    pub(crate) is_done: bool,
    /// It is to take over from a connection that still works.
    pub(crate) prepares: bool,
    /// The session, as users know it.
    pub(crate) epoch: u64,
    /// Items that it has taken.
    pub(crate) items: usize,
    /// Those that had audio, and are told as text.
    pub(crate) text_only: usize,
    /// Items that it cannot be told.
    pub(crate) lost: usize,
}

impl Machine {
    /// How far a connection is with being told what the last one knew; `None` when there is nothing of that. That it is
    /// over is told once, whatever ended it.
    pub(crate) fn take_restore_progress(&mut self, epoch: u64) -> Option<RestoreProgress> {
        let slot = self.slot(epoch)?;
        let prepares = slot == Slot::Next;
        let epoch = self.session_epoch + u64::from(prepares);
        let link = self.link_at(slot)?;
        match &link.restore {
            Some(restore) => Some(RestoreProgress {
                is_done: restore.is_done(),
                prepares,
                epoch,
                items: restore.restored,
                text_only: restore.text_only,
                lost: restore.lost.len(),
            }),
            None => link.restored.take(),
        }
    }
}
