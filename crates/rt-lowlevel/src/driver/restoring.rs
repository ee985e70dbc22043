//! The span `rt.restore`: while a session is told what the last one knew.

use tracing::Span;
use tracing::field::Empty;

use crate::machine::RestoreProgress;

/// The span of one connection's restore. It ends without figures if the connection is lost before the restore is over.
#[derive(Debug, Default)]
pub(super) struct RestoreSpan(Option<Span>);

impl RestoreSpan {
    /// After each event of the connection. The machine's lock is free: subscribers are code of the user's.
    pub(super) fn follow(&mut self, progress: Option<RestoreProgress>) {
        let Some(progress) = progress else {
            self.0 = None;
            return;
        };
        // What a connection that waits for its turn is told later, event by event, are restores of their own.
        let span = match &self.0 {
            Some(span) => span,
            None if progress.is_done && progress.prepares => return,
            None => self.0.insert(tracing::debug_span!(
                "rt.restore",
                epoch = progress.epoch,
                prepares = progress.prepares,
                items = Empty,
                text_only = Empty,
                lost = Empty,
            )),
        };
        if progress.is_done {
            span.record("items", progress.items);
            span.record("text_only", progress.text_only);
            span.record("lost", progress.lost);
            self.0 = None;
        }
    }
}
