//! The span `rt.restore`: while a session is told what the last one knew.

use tracing::Span;
use tracing::field::Empty;

use crate::machine::RestoreProgress;

/// The span of one connection's restore. It ends without figures if the connection is lost before the restore is over.
#[derive(Debug, Default)]
pub(super) struct RestoreSpan(Option<Span>);

impl RestoreSpan {
    /// After events of the connection. The machine's lock is free: subscribers are code of the user's.
    pub(super) fn follow(&mut self, steps: &[RestoreProgress]) {
        if steps.is_empty() {
            self.0 = None;
        }
        for step in steps {
            self.step(step);
        }
    }

    fn step(&mut self, step: &RestoreProgress) {
        let span = match &self.0 {
            Some(span) => span,
            // It has been told all, and waits for its turn.
            None if step.is_done && step.prepares => return,
            None => self.0.insert(tracing::debug_span!(
                "rt.restore",
                epoch = step.epoch,
                prepares = step.prepares,
                items = Empty,
                text_only = Empty,
                lost = Empty,
            )),
        };
        if step.is_done {
            span.record("items", step.items);
            span.record("text_only", step.text_only);
            span.record("lost", step.lost);
            self.0 = None;
        }
    }
}
