//! Calls and outputs that take too long.

use std::time::Duration;

use super::{Call, State, Step, Tools};
use crate::engine::ids::Ids;
use crate::error::Error;

impl Tools {
    pub(super) fn overdue(&self, call: &Call, now: Duration) -> bool {
        let answering = || {
            let batch = self.batches.get(&call.call.response_id);
            !self.offline && batch.is_some_and(|batch| batch.closed.is_some_and(|due| due <= now))
        };
        let late = call.running_on.is_some_and(|due| due <= now);
        match &call.state {
            State::Running(due) => due.is_some_and(|due| due <= now),
            State::Answering { .. } => answering() || late,
            State::Approval => false,
            State::Accepted => late,
        }
    }

    /// When something is due.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let of = |call: &Call| match &call.state {
            State::Running(due) => *due,
            State::Answering { .. } if !self.offline => self
                .batches
                .get(&call.call.response_id)
                .and_then(|batch| batch.closed),
            _ => None,
        };
        self.calls
            .values()
            .flat_map(|call| of(call).into_iter().chain(call.running_on))
            .chain(self.late_deadline())
            .min()
    }

    /// Gives up what is overdue.
    pub(crate) fn handle_timeout(&mut self, ids: &mut Ids, now: Duration) {
        self.late_timeout(now);
        let overdue: Vec<String> = self
            .calls
            .iter()
            .filter(|(_, call)| self.overdue(call, now))
            .map(|(call_id, _)| call_id.clone())
            .collect();
        for call_id in overdue {
            let Some(call) = self.calls.get(&call_id) else {
                continue;
            };
            let late = call.running_on.is_some_and(|due| due <= now);
            let running = matches!(call.state, State::Running(_)) || late;
            if running {
                self.steps.push(Step::Abort(call_id.clone()));
                let result = Err("it took too long".to_owned());
                self.finished(&call_id, result, ids, now);
            } else {
                let error = Error::timeout("the output of a tool");
                self.steps.push(Step::Report(error));
                self.accept(&call_id);
            }
        }
    }
}
