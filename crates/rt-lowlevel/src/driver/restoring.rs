//! The span `rt.restore`: while a session is told what the last one knew.

use tracing::Span;
use tracing::field::Empty;

use crate::machine::RestoreProgress;

/// The span of one connection's restore. However it ends, it ends with the figures up to then.
#[derive(Debug, Default)]
pub(super) struct RestoreSpan {
    /// The span, with what was last known of it.
    open: Option<(Span, RestoreProgress)>,
    /// A span has ended with a session that has been told all and waits for its turn.
    is_prepared: bool,
}

impl RestoreSpan {
    /// After events of the connection. The machine's lock is free: subscribers are code of the user's.
    pub(super) fn follow(&mut self, steps: &[RestoreProgress]) {
        if steps.is_empty() {
            self.end();
        }
        for step in steps {
            self.step(step);
        }
    }

    fn step(&mut self, step: &RestoreProgress) {
        match &mut self.open {
            Some((_, last)) => *last = *step,
            // It has been told all before.
            None if step.is_done && (step.prepares || self.is_prepared) => return,
            None => {
                let span = tracing::debug_span!(
                    "rt.restore",
                    epoch = step.epoch,
                    prepares = step.prepares,
                    complete = Empty,
                    items = Empty,
                    text_only = Empty,
                    lost = Empty,
                );
                self.open = Some((span, *step));
            }
        }
        if step.is_done {
            self.is_prepared = step.prepares;
            self.end();
        }
    }

    fn end(&mut self) {
        if let Some((span, last)) = self.open.take() {
            span.record("complete", last.is_done);
            span.record("items", last.items);
            span.record("text_only", last.text_only);
            span.record("lost", last.lost);
        }
    }
}

impl Drop for RestoreSpan {
    fn drop(&mut self) {
        self.end();
    }
}
