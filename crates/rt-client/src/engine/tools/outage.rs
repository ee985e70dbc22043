//! Calls over a lost connection.

use std::time::Duration;

use super::{ACCEPT, State, Step, Tools, output_event};

impl Tools {
    /// The connection is lost: responses are over, and outputs on their way may not have arrived.
    pub(crate) fn lost(&mut self, now: Duration) {
        self.offline = true;
        self.late_lost();
        let open: Vec<String> = self.batches.keys().cloned().collect();
        for response_id in open {
            self.response_done(&response_id, now);
        }
    }

    /// There is a connection again. Unless it sees to that itself, outputs that may not have arrived are sent again, under
    /// the same ids.
    pub(crate) fn opened(&mut self, restored: bool, now: Duration) {
        if !std::mem::take(&mut self.offline) {
            return;
        }
        for batch in self.batches.values_mut() {
            batch.closed = batch.closed.map(|_| now + ACCEPT);
        }
        self.late_opened(restored, now);
        if restored {
            return;
        }
        for (call_id, call) in &self.calls {
            if let State::Answering {
                item_id,
                output,
                event_id,
            } = &call.state
            {
                self.steps
                    .push(Step::Send(output_event(call_id, item_id, event_id, output)));
            }
        }
    }
}
