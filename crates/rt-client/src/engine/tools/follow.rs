//! What follows when the calls of a response are answered.

use super::{State, Step, Tools};

impl Tools {
    /// These responses have calls the service makes itself, and which are not over: what follows waits for them.
    pub(crate) fn wait_for(&mut self, busy: Vec<String>) {
        if self.busy == busy {
            return;
        }
        self.busy = busy;
        let open: Vec<String> = self.batches.keys().cloned().collect();
        for response_id in open {
            self.settle(&response_id);
        }
    }

    /// The model is to go on after one of these responses. Whether it will, after calls that are still to be answered.
    pub(crate) fn follow(&mut self, response_ids: &[String]) -> bool {
        for response_id in response_ids {
            if let Some(batch) = self.batches.get_mut(response_id) {
                batch.follow = true;
                return true;
            }
        }
        false
    }

    /// Asks for the follow-up if all outputs of a response are accepted.
    pub(super) fn settle(&mut self, response_id: &str) {
        let Some(batch) = self.batches.get(response_id) else {
            return;
        };
        let accepted = |call_id: &String| {
            self.calls
                .get(call_id)
                .is_none_or(|call| matches!(call.state, State::Accepted))
        };
        let is_busy = self.busy.iter().any(|busy| busy == response_id);
        if batch.closed.is_some() && !is_busy && batch.calls.iter().all(accepted) {
            self.steps.push(match batch.follow {
                true => Step::Respond(Some(response_id.to_owned())),
                false => Step::Answered(response_id.to_owned()),
            });
            self.batches.remove(response_id);
        }
    }
}
