//! Tools of remote MCP servers, which the service calls itself: what it asks leave for, and when the model goes on.

use std::collections::VecDeque;
use std::time::Duration;

use rt_protocol::client_event::ConversationItemCreate;
use rt_protocol::item::McpApprovalRequest;
use rt_protocol::server_event::ErrorDetails;
use rt_protocol::{ClientEvent, Item};

use super::ids::Ids;
use crate::tool::McpApproval;

/// Requests for approval that are remembered; the oldest are forgotten first.
const MAX_ASKED: usize = 256;
/// Calls that are remembered; the oldest are forgotten first.
const MAX_CALLS: usize = 256;
/// How long a call may take before the model goes on without it.
const CALL_TIMEOUT: Duration = Duration::from_secs(300);

/// A request for approval.
#[derive(Debug)]
struct Asked {
    id: String,
    /// The event id of the answer.
    answer: Option<String>,
}

/// A call the service makes.
#[derive(Debug)]
struct Call {
    item_id: String,
    /// The response it belongs to, while more calls of it may come.
    open: Option<String>,
    /// The response it belongs to, if that is known.
    response_id: Option<String>,
    over: bool,
    due: Duration,
}

/// The MCP calls of a session.
#[derive(Debug, Default)]
pub(crate) struct Mcp {
    asked: VecDeque<Asked>,
    /// Calls after which the model has not gone on yet.
    calls: VecDeque<Call>,
}

impl Mcp {
    /// The service asks for leave. `None` if this was told already.
    pub(crate) fn ask(&mut self, response_id: &str, request: &McpApprovalRequest) -> Option<McpApproval> {
        let id = request.id.as_deref().filter(|id| !id.is_empty())?;
        if self.asked.iter().any(|asked| asked.id == id) {
            return None;
        }
        if self.asked.len() >= MAX_ASKED {
            self.asked.pop_front();
        }
        self.asked.push_back(Asked {
            id: id.to_owned(),
            answer: None,
        });
        Some(McpApproval {
            request_id: id.to_owned(),
            server: request.server_label.clone(),
            name: request.name.clone(),
            arguments: request.arguments.clone(),
            response_id: response_id.to_owned(),
        })
    }

    /// The application's answer; `None` if nobody waits for it.
    pub(crate) fn answer(&mut self, request_id: &str, approve: bool, ids: &mut Ids) -> Option<ClientEvent> {
        let asked = self
            .asked
            .iter_mut()
            .find(|asked| asked.id == request_id && asked.answer.is_none())?;
        let event_id = ids.next("approval");
        asked.answer = Some(event_id.clone());
        let item = Item::mcp_approval(request_id, approve).with_id(ids.next("mcp"));
        let create = ClientEvent::from(ConversationItemCreate::new(item));
        Some(create.with_event_id(event_id))
    }

    /// The server refused something. Whether it was the answer to a request: then that may be answered again, unless the
    /// server has it already.
    pub(crate) fn refused(&mut self, details: &ErrorDetails) -> bool {
        let Some(about) = details.event_id.as_deref() else {
            return false;
        };
        let is_it = |asked: &&mut Asked| asked.answer.as_deref() == Some(about);
        let Some(asked) = self.asked.iter_mut().find(is_it) else {
            return false;
        };
        if !details.is("item_create_duplicate_item_id") {
            asked.answer = None;
        }
        true
    }

    /// A call is being made, by a response if that is known.
    pub(crate) fn began(&mut self, item_id: &str, response_id: Option<&str>, now: Duration) {
        let known = self.calls.iter_mut().find(|call| call.item_id == item_id);
        if let Some(call) = known {
            if call.response_id.is_none() {
                call.response_id = response_id.map(str::to_owned);
                call.open.clone_from(&call.response_id);
            }
            return;
        }
        if self.calls.len() >= MAX_CALLS {
            self.calls.pop_front();
        }
        self.calls.push_back(Call {
            item_id: item_id.to_owned(),
            open: response_id.map(str::to_owned),
            response_id: response_id.map(str::to_owned),
            over: false,
            due: now + CALL_TIMEOUT,
        });
    }

    /// A call is over. The model is to go on after the calls of these responses, if that was the last one.
    pub(crate) fn over(&mut self, item_id: &str) -> Option<Vec<String>> {
        if self.calls.is_empty() {
            // Nobody told of its beginning.
            return Some(Vec::new());
        }
        let call = self.calls.iter_mut().find(|call| call.item_id == item_id)?;
        call.over = true;
        self.all_over()
    }

    /// A response is over. If it was not completed, nothing follows from its calls.
    pub(crate) fn response_done(&mut self, response_id: &str, completed: bool) -> Option<Vec<String>> {
        if !completed {
            self.calls
                .retain(|call| call.response_id.as_deref() != Some(response_id));
        }
        for call in &mut self.calls {
            call.open.take_if(|open| open == response_id);
        }
        self.all_over()
    }

    fn all_over(&mut self) -> Option<Vec<String>> {
        if self.calls.is_empty() || self.calls.iter().any(|call| !call.over || call.open.is_some()) {
            return None;
        }
        let calls = self.calls.drain(..);
        Some(calls.filter_map(|call| call.response_id).collect())
    }

    /// The responses whose calls are being made.
    pub(crate) fn busy(&self) -> Vec<String> {
        let running = self.calls.iter().filter(|call| !call.over);
        running.filter_map(|call| call.response_id.clone()).collect()
    }

    /// When the next call takes too long.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let running = self.calls.iter().filter(|call| !call.over);
        running.map(|call| call.due).min()
    }

    /// Gives up calls that take too long: they are taken to be over.
    pub(crate) fn handle_timeout(&mut self, now: Duration) -> Option<Vec<String>> {
        let mut changed = false;
        for call in self.calls.iter_mut().filter(|call| !call.over && call.due <= now) {
            call.over = true;
            changed = true;
        }
        if changed { self.all_over() } else { None }
    }

    /// The connection is lost: its server makes no more calls.
    pub(crate) fn lost(&mut self) {
        self.calls.clear();
        self.asked.clear();
    }
}
