//! Tools of remote MCP servers, which the service calls itself: what it asks leave for, and when the model goes on.

use std::collections::{HashSet, VecDeque};

use rt_protocol::ClientEvent;
use rt_protocol::client_event::ConversationItemCreate;
use rt_protocol::item::{Item, McpApprovalRequest};

use super::ids::Ids;
use crate::tool::McpApproval;

/// Requests for approval that are remembered; the oldest are forgotten first.
const MAX_ASKED: usize = 256;

/// A request for approval.
#[derive(Debug)]
struct Asked {
    id: String,
    answered: bool,
}

/// The MCP calls of a session.
#[derive(Debug, Default)]
pub(crate) struct Mcp {
    asked: VecDeque<Asked>,
    running: HashSet<String>,
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
            answered: false,
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
            .find(|asked| asked.id == request_id && !asked.answered)?;
        asked.answered = true;
        let item = Item::mcp_approval(request_id, approve).with_id(ids.next("mcp"));
        let create = ClientEvent::from(ConversationItemCreate::new(item));
        Some(create.with_event_id(ids.next("approval")))
    }

    /// A call is being made.
    pub(crate) fn began(&mut self, item_id: &str) {
        self.running.insert(item_id.to_owned());
    }

    /// A call is over. Whether the model is to go on: no other is being made.
    pub(crate) fn over(&mut self, item_id: &str) -> bool {
        self.running.remove(item_id);
        self.running.is_empty()
    }

    /// The connection is lost: its server makes no more calls.
    pub(crate) fn lost(&mut self) {
        self.running.clear();
        self.asked.clear();
    }
}
