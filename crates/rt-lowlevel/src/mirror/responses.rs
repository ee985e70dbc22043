//! Responses: which are under way, who asked for them, and which have to be asked for again.

use rt_protocol::Response;
use rt_protocol::client_event::ResponseCreate;
use rt_protocol::response::{ConversationChoice, Metadata, ResponseStatus, StatusReason};
use serde::{Deserialize, Serialize};

use super::intent::{IDEMPOTENT_KEY, REQUEST_KEY};
use super::tape::Tape;

/// More than this at once is not the service; the oldest is forgotten.
const MAX_ACTIVE: usize = 64;
/// More items of one response than this are not listed.
const MAX_ITEMS: usize = 256;

/// A `response.create` that was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Request {
    #[serde(skip)]
    pub(super) seq: Option<u64>,
    pub(super) event: ResponseCreate,
}

impl Request {
    pub(super) fn metadata(&self) -> Option<&Metadata> {
        self.event.response.value()?.metadata.value()
    }

    /// The mark by which its response is known.
    pub(super) fn key(&self) -> Option<&str> {
        self.metadata()?.get(REQUEST_KEY).map(|key| &**key)
    }

    pub(super) fn out_of_band(&self) -> bool {
        let params = self.event.response.value();
        params.is_some_and(|params| params.conversation.value() == Some(&ConversationChoice::None))
    }

    /// Whether it may be asked for again if nobody knows what became of it.
    pub(super) fn repeatable(&self) -> bool {
        let marked = |metadata: &Metadata| metadata.get(IDEMPOTENT_KEY).is_some_and(|mark| *mark == "true");
        !self.out_of_band() || self.metadata().is_some_and(marked)
    }
}

/// A request that has its response.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answered {
    pub(super) event_id: Option<String>,
}

impl Answered {
    fn of(request: &Request) -> Self {
        Self {
            event_id: request.event.event_id.as_deref().map(str::to_owned),
        }
    }
}

/// A response under way.
#[derive(Debug, Clone)]
pub(super) struct Active {
    pub(super) id: String,
    pub(super) request: Option<Request>,
    pub(super) metadata: Metadata,
    pub(super) out_of_band: bool,
    pub(super) items: Vec<String>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Responses {
    active: Vec<Active>,
    /// Turns the server is to answer by itself and has not begun to.
    expected: u32,
    /// The server has echoed the metadata of a request.
    echoes: bool,
}

impl Responses {
    pub(super) fn active(&self) -> &[Active] {
        &self.active
    }

    pub(super) fn take_active(&mut self) -> Vec<Active> {
        std::mem::take(&mut self.active)
    }

    /// Whether the server is to answer a turn by itself.
    pub(super) fn is_expected(&self) -> bool {
        self.expected > 0
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.active.is_empty() && self.expected == 0
    }

    /// The server committed a turn that it answers by itself.
    pub(super) fn expect(&mut self) {
        self.expected = self.expected.saturating_add(1);
    }

    /// Whether a response in the conversation is under way.
    pub(super) fn in_conversation(&self) -> bool {
        self.active.iter().any(|active| !active.out_of_band)
    }

    pub(super) fn knows(&self, id: &str) -> bool {
        self.active.iter().any(|active| active.id == id)
    }

    /// `response.created`; returns the request it answers, which comes off the tape.
    pub(super) fn created(&mut self, response: &Response, tape: &mut Tape) -> Option<Answered> {
        let request = self.request_of(response, tape);
        let answered = request.as_ref().map(Answered::of);
        let by_conversation = response.conversation_id.is_null();
        let out_of_band = request.as_ref().map_or(by_conversation, Request::out_of_band);
        if request.is_none() && !out_of_band {
            self.expected = 0;
        }
        if let Some(id) = response.id.as_deref().filter(|id| !self.knows(id)) {
            if self.active.len() == MAX_ACTIVE {
                self.active.remove(0);
            }
            self.active.push(Active {
                id: id.to_owned(),
                metadata: response.metadata.value().cloned().unwrap_or_default(),
                request,
                out_of_band,
                items: Vec::new(),
            });
        }
        answered
    }

    /// The request a new response answers: by its mark; else the oldest one in the conversation with the same metadata,
    /// or of a server that has not shown any, unless the server has a reason of its own to answer.
    fn request_of(&mut self, response: &Response, tape: &mut Tape) -> Option<Request> {
        let metadata = response.metadata.value();
        if let Some(key) = metadata.and_then(|metadata| metadata.get(REQUEST_KEY)) {
            self.echoes = true;
            return tape.take_request(|request| request.key() == Some(key));
        }
        if self.expected > 0 {
            return None;
        }
        tape.take_request(|request| {
            let same = request.metadata() == metadata;
            !request.out_of_band() && (same || (metadata.is_none() && !self.echoes))
        })
    }

    /// `response.done`; returns the request it answers, if there was no `response.created`.
    pub(super) fn done(&mut self, response: &Response, tape: &mut Tape) -> Option<Answered> {
        let at = match response.id.as_deref() {
            Some(id) => self.active.iter().position(|active| active.id == id),
            // Without an id it can only be the only one.
            None => (self.active.len() == 1).then_some(0),
        };
        if let Some(at) = at {
            self.active.remove(at);
            return None;
        }
        let key = response.metadata.value()?.get(REQUEST_KEY)?;
        let request = tape.take_request(|request| request.key() == Some(key));
        request.as_ref().map(Answered::of)
    }

    /// An item belongs to a response.
    pub(super) fn item(&mut self, response_id: &str, item_id: &str) {
        let Some(active) = self.active.iter_mut().find(|active| active.id == response_id) else {
            return;
        };
        if active.items.len() < MAX_ITEMS && active.items.iter().all(|id| id != item_id) {
            active.items.push(item_id.to_owned());
        }
    }

    pub(super) fn reset(&mut self) {
        self.expected = 0;
        self.echoes = false;
    }
}

/// Whether a response ended because the client cancelled it.
pub(super) fn was_cancelled(response: &Response) -> bool {
    let details = response.status_details.value();
    let reason = details.and_then(|details| details.reason.value());
    match response.status.value() {
        // A cancel that came too late gets an error of its own.
        Some(ResponseStatus::Completed | ResponseStatus::InProgress) | None => false,
        Some(_) => reason != Some(&StatusReason::TurnDetected),
    }
}

#[cfg(test)]
mod tests;
