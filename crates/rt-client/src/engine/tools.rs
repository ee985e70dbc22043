//! Calls of functions: each is answered once, and a response's calls together get one follow-up response.

mod follow;
mod late;
mod outage;
mod overdue;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use rt_protocol::client_event::ConversationItemCreate;
use rt_protocol::item::FunctionCall;
use rt_protocol::server_event::ErrorDetails;
use rt_protocol::{ClientEvent, Item, Text};

use self::late::Late;
use super::ids::Ids;
use crate::error::{Error, ErrorKind};
use crate::tool::ToolCall;

/// How long the server may take to accept an output once the response that asked for it is over.
const ACCEPT: Duration = Duration::from_secs(10);
/// Calls that are remembered after their answer, so that none is answered twice.
const MAX_ANSWERED: usize = 1024;

/// How a function is run.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    pub(crate) timeout: Duration,
    /// The answer that is given at once, while the function runs on.
    pub(crate) interim: Option<Text>,
    /// Whether each call has to be approved first.
    pub(crate) approval: bool,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Step {
    Send(ClientEvent),
    /// Runs the function.
    Run(ToolCall),
    /// Nobody waits for it any more.
    Abort(String),
    /// The application is to answer it.
    Tell(ToolCall),
    /// The application is to approve it.
    Ask(ToolCall),
    /// All outputs are there, of this response if it is of one: the model is to go on.
    Respond(Option<String>),
    /// All outputs of this response are there, and the application sees to what follows.
    Answered(String),
    /// How long a call took.
    Took {
        call: String,
        took: Duration,
        failed: bool,
    },
    Report(Error),
}

#[derive(Debug)]
enum State {
    Approval,
    /// Runs until then at most; for ever if the application answers it.
    Running(Option<Duration>),
    /// The output is sent and not accepted yet.
    Answering {
        item_id: String,
        output: Text,
        event_id: String,
    },
    Accepted,
}

#[derive(Debug)]
struct Call {
    call: ToolCall,
    state: State,
    began: Duration,
    /// It was answered, and a result is still to come.
    running_on: Option<Duration>,
}

/// The calls of one response.
#[derive(Debug, Default)]
struct Batch {
    calls: Vec<String>,
    /// The response is over; until when its outputs are waited for.
    closed: Option<Duration>,
    /// Whether a response follows.
    follow: bool,
}

/// The calls of a session.
#[derive(Debug, Default)]
pub(crate) struct Tools {
    policies: HashMap<String, Policy>,
    calls: HashMap<String, Call>,
    batches: HashMap<String, Batch>,
    answered: VecDeque<String>,
    /// Responses with calls the service makes itself.
    busy: Vec<String>,
    /// Results that came after an answer for the time being, and are not in the conversation yet.
    late: Vec<Late>,
    /// Items that are such results, and their calls.
    results: VecDeque<(String, String)>,
    steps: Vec<Step>,
    offline: bool,
}

impl Tools {
    pub(crate) fn new(policies: HashMap<String, Policy>) -> Self {
        Self {
            policies,
            ..Self::default()
        }
    }

    pub(crate) fn take(&mut self) -> Vec<Step> {
        std::mem::take(&mut self.steps)
    }

    /// Whether a response made calls.
    pub(crate) fn has_call(&self, response_id: &str) -> bool {
        self.batches.contains_key(response_id)
    }

    /// Whether calls are being answered.
    pub(crate) fn is_open(&self) -> bool {
        !self.batches.is_empty()
    }

    /// Calls whose result is awaited.
    #[cfg(test)]
    pub(crate) fn running(&self) -> usize {
        let runs = |call: &&Call| {
            matches!(call.state, State::Running(_) | State::Approval) || call.running_on.is_some()
        };
        self.calls.values().filter(runs).count()
    }

    /// The model calls a function, whole.
    pub(crate) fn call(&mut self, response_id: &str, call: &FunctionCall, ids: &mut Ids, now: Duration) {
        let Some(call_id) = call.call_id.as_deref().filter(|id| !id.is_empty()) else {
            return;
        };
        if self.calls.contains_key(call_id) || self.answered.iter().any(|id| id == call_id) {
            return;
        }
        let batch = self.batches.entry(response_id.to_owned()).or_default();
        batch.calls.push(call_id.to_owned());
        let tool_call = ToolCall {
            call_id: call_id.to_owned(),
            name: call.name.clone(),
            arguments: call.arguments.clone(),
            response_id: response_id.to_owned(),
        };
        let policy = self.policies.get(&call.name).cloned();
        let (state, step) = match &policy {
            None => (State::Running(None), Step::Tell(tool_call.clone())),
            Some(policy) if policy.approval => (State::Approval, Step::Ask(tool_call.clone())),
            Some(policy) => (
                State::Running(Some(now + policy.timeout)),
                Step::Run(tool_call.clone()),
            ),
        };
        batch.follow |= policy.is_some();
        let call = Call {
            call: tool_call,
            state,
            began: now,
            running_on: None,
        };
        self.calls.insert(call_id.to_owned(), call);
        self.steps.push(step);
        if policy.is_some_and(|policy| !policy.approval) {
            self.interim(call_id, ids, now);
        }
    }

    /// Gives the answer that stands in for a result, if there is one.
    fn interim(&mut self, call_id: &str, ids: &mut Ids, now: Duration) {
        let Some(call) = self.calls.get_mut(call_id) else {
            return;
        };
        let Some(policy) = self.policies.get(&call.call.name) else {
            return;
        };
        if let Some(interim) = policy.interim.clone() {
            call.running_on = Some(now + policy.timeout);
            self.send(call_id, interim, ids, now);
        }
    }

    /// Sends the output of a call.
    fn send(&mut self, call_id: &str, output: Text, ids: &mut Ids, now: Duration) {
        let Some(call) = self.calls.get_mut(call_id) else {
            return;
        };
        if let Some(batch) = self.batches.get_mut(&call.call.response_id) {
            // The response may have been over for long: the server has its time from now on.
            batch.closed = batch.closed.map(|due| due.max(now + ACCEPT));
        }
        let (item_id, event_id) = (ids.next("out"), ids.next("tool"));
        self.steps
            .push(Step::Send(output_event(call_id, &item_id, &event_id, &output)));
        call.state = State::Answering {
            item_id,
            output,
            event_id,
        };
    }

    /// The application approves a call, or not.
    pub(crate) fn approve(&mut self, call_id: &str, approve: bool, ids: &mut Ids, now: Duration) -> bool {
        let Some(call) = self.calls.get_mut(call_id) else {
            return false;
        };
        if !matches!(call.state, State::Approval) {
            return false;
        }
        if !approve {
            self.send(call_id, failure("the user did not allow this call"), ids, now);
            return true;
        }
        let timeout = self
            .policies
            .get(&call.call.name)
            .map(|policy| now + policy.timeout);
        call.state = State::Running(timeout);
        // How long it was thought about is not how long the function takes.
        call.began = now;
        self.steps.push(Step::Run(call.call.clone()));
        self.interim(call_id, ids, now);
        true
    }

    /// A function returned, or the application answers a call itself and wants the model to go on. Whether anybody waited
    /// for it.
    pub(crate) fn finished(
        &mut self,
        call_id: &str,
        result: Result<Text, String>,
        ids: &mut Ids,
        now: Duration,
    ) -> bool {
        let Some(call) = self.calls.get_mut(call_id) else {
            return false;
        };
        let awaited = matches!(call.state, State::Running(_) | State::Approval);
        if !awaited && call.running_on.is_none() {
            return false;
        }
        let (name, took) = (call.call.name.clone(), now.saturating_sub(call.began));
        if let Some(batch) = self.batches.get_mut(&call.call.response_id) {
            batch.follow = true;
        }
        self.steps.push(Step::Took {
            call: call_id.to_owned(),
            took,
            failed: result.is_err(),
        });
        if let Err(message) = &result {
            let text = format!("the tool {name} failed: {message}");
            self.steps.push(Step::Report(Error::new(ErrorKind::Tool, text)));
        }
        let output = result.unwrap_or_else(|message| failure(&message));
        if call.running_on.take().is_some() {
            self.late_result(call_id, &name, &output, ids, now);
        } else {
            self.send(call_id, output, ids, now);
        }
        true
    }

    /// The application answers a call by an item of its own, and sees to what follows.
    pub(crate) fn answered_by_item(&mut self, call_id: &str) {
        let awaited = |call: &Call| matches!(call.state, State::Running(_) | State::Approval);
        if self.calls.get(call_id).is_some_and(awaited) {
            self.accept(call_id);
        }
    }

    /// An item is in the conversation.
    pub(crate) fn added(&mut self, item_id: &str) {
        if self.late_added(|id, _| id == item_id) {
            return;
        }
        let is_it =
            |call: &&Call| matches!(&call.state, State::Answering { item_id: id, .. } if id == item_id);
        if let Some(call) = self.calls.values().find(is_it) {
            let call_id = call.call.call_id.clone();
            self.accept(&call_id);
        }
    }

    /// What was sent under this event id is in the conversation, as far as the connection knows.
    pub(crate) fn sent(&mut self, event_id: &str) {
        if self.late_added(|_, id| id == event_id) {
            return;
        }
        let found = self.calls.values().find_map(|call| match &call.state {
            State::Answering {
                item_id,
                event_id: id,
                ..
            } if id == event_id => Some(item_id.clone()),
            _ => None,
        });
        if let Some(item_id) = found {
            self.added(&item_id);
        }
    }

    /// The server refused something. Whether it was an output.
    pub(crate) fn error(&mut self, details: &ErrorDetails) -> bool {
        let Some(about) = details.event_id.as_deref() else {
            return false;
        };
        if self.late_refused(about, details) {
            return true;
        }
        let is_it =
            |call: &&Call| matches!(&call.state, State::Answering { event_id, .. } if event_id == about);
        let Some(call) = self.calls.values().find(is_it) else {
            return false;
        };
        let call_id = call.call.call_id.clone();
        // It is there already: sent again after a reconnect.
        if !details.is("item_create_duplicate_item_id") {
            let error = Error::refused("the output of a tool", details);
            self.steps.push(Step::Report(error));
        }
        self.accept(&call_id);
        true
    }

    /// The output of a call is there, or is not waited for any longer.
    fn accept(&mut self, call_id: &str) {
        let Some(call) = self.calls.get_mut(call_id) else {
            return;
        };
        call.state = State::Accepted;
        let response_id = call.call.response_id.clone();
        self.forget_accepted(call_id);
        self.settle(&response_id);
    }

    fn forget_accepted(&mut self, call_id: &str) {
        let over = |call: &Call| matches!(call.state, State::Accepted) && call.running_on.is_none();
        if self.calls.get(call_id).is_some_and(over) {
            self.calls.remove(call_id);
            if self.answered.len() == MAX_ANSWERED {
                self.answered.pop_front();
            }
            self.answered.push_back(call_id.to_owned());
        }
    }

    /// A response is over: no more calls of it come.
    pub(crate) fn response_done(&mut self, response_id: &str, now: Duration) {
        if let Some(batch) = self.batches.get_mut(response_id) {
            batch.closed.get_or_insert(now + ACCEPT);
        }
        self.settle(response_id);
    }
}

/// What the model is told of a call that failed.
fn failure(message: &str) -> Text {
    serde_json::json!({ "error": message }).to_string().into()
}

fn output_event(call_id: &str, item_id: &str, event_id: &str, output: &Text) -> ClientEvent {
    let item = Item::function_call_output(call_id, output.clone()).with_id(item_id);
    ClientEvent::from(ConversationItemCreate::new(item)).with_event_id(event_id)
}
