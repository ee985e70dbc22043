//! The queue of responses: of the conversation there is never more than one under way.
//!
//! Whoever wants a response puts a request into the queue. The first one is sent when no response of the conversation is
//! under way, whoever began that, and the place is free again at `response.done`.

mod endings;
mod named;
mod request;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use rt_protocol::client_event::ResponseCancel;
use rt_protocol::response::ConversationChoice;
use rt_protocol::{ClientEvent, Response, ResponseParams};

pub(crate) use self::request::{Origin, check_metadata};
use self::request::{Request, key_of};
use super::Ticket;
use super::ids::Ids;
use crate::error::Error;

/// From `response.create` to `response.created`.
const CREATE_TIMEOUT: Duration = Duration::from_secs(15);
/// From `response.cancel` to `response.done`.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the server may take to begin the response to a turn it heard.
const EXPECT: Duration = Duration::from_secs(3);

/// Who has the place in the conversation.
#[derive(Debug)]
enum Slot {
    Free,
    /// Sent, and not answered yet. `due` is unset while there is no connection.
    Requested {
        request: Request,
        due: Option<Duration>,
        /// To be cancelled as soon as it has an id.
        cancel: bool,
    },
    Active {
        id: String,
        /// When a cancel is given up, and its event id.
        cancelling: Option<(Duration, String)>,
    },
    /// By a response that nobody told of.
    Blocked {
        due: Duration,
    },
}

/// A response that began.
#[derive(Debug)]
struct Live {
    tickets: Vec<Ticket>,
    outside: bool,
    /// The latest sign of it.
    seen: Duration,
    /// What it was asked for with.
    params: Option<Box<ResponseParams>>,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Step {
    Send(ClientEvent),
    /// The request will have no response.
    Failed(Ticket, Error),
    /// No end of this response was told; here is one.
    GaveUp {
        id: String,
        tickets: Vec<Ticket>,
    },
    /// A conflict that cannot be resolved by waiting.
    Report(Error),
}

/// A wish for a response, as the engine passes it on.
#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) origin: Origin,
    pub(crate) params: Option<Box<ResponseParams>>,
    pub(crate) tickets: Vec<Ticket>,
    /// The event id of what it answers: if the server refuses that, there is nothing to answer.
    pub(crate) needs: Option<String>,
}

/// A response that began.
#[derive(Debug, Default)]
pub(crate) struct Began {
    /// Who waited for it.
    pub(crate) tickets: Vec<Ticket>,
    /// The request it answers.
    pub(crate) key: Option<String>,
    /// It was taken back before it began, and is being cancelled.
    pub(crate) unwanted: bool,
}

/// How a response of which the end was told belongs to the session.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    pub(crate) tickets: Vec<Ticket>,
    pub(crate) outside: bool,
    /// What it was asked for with.
    pub(crate) params: Option<Box<ResponseParams>>,
}

/// The queue, and the responses under way.
#[derive(Debug)]
pub(crate) struct Responses {
    queue: VecDeque<Request>,
    slot: Slot,
    /// Requests outside the conversation, not answered yet.
    outside: HashMap<String, (Request, Option<Duration>)>,
    live: HashMap<String, Live>,
    /// Who waits for any response to begin.
    watchers: Vec<Ticket>,
    /// Until when a response of the server's own is expected.
    expecting: Option<Duration>,
    /// A turn ended during a response: the server answers it afterwards.
    owed: bool,
    user_speaks: bool,
    online: bool,
    /// Whether what the session wanted by itself survives an interruption.
    keep_auto: bool,
    /// Why no more are asked for.
    stopped: Option<Error>,
    steps: Vec<Step>,
}

impl Responses {
    pub(crate) fn new(keep_auto: bool) -> Self {
        Self {
            queue: VecDeque::new(),
            slot: Slot::Free,
            outside: HashMap::new(),
            live: HashMap::new(),
            watchers: Vec::new(),
            expecting: None,
            owed: false,
            user_speaks: false,
            online: false,
            keep_auto,
            stopped: None,
            steps: Vec::new(),
        }
    }

    /// What has to be done, in order.
    pub(crate) fn take(&mut self) -> Vec<Step> {
        std::mem::take(&mut self.steps)
    }

    /// Somebody wants a response.
    pub(crate) fn request(&mut self, ids: &mut Ids, wish: Wish, now: Duration) {
        if let Some(request) = self.accept(ids, wish) {
            self.place(request, now);
        }
    }

    /// Sends a request, or puts it into the queue.
    fn place(&mut self, request: Request, now: Duration) {
        let outside = request
            .params
            .as_ref()
            .is_some_and(|params| params.conversation.value() == Some(&ConversationChoice::None));
        if outside {
            self.steps.push(Step::Send(request.event()));
            let due = self.online.then_some(now + CREATE_TIMEOUT);
            self.outside.insert(request.key.clone(), (request, due));
            return;
        }
        let mergeable = |request: &Request| request.origin == Origin::Auto && request.tickets.is_empty();
        if mergeable(&request) && self.queue.back().is_some_and(mergeable) {
            return;
        }
        self.queue.push_back(request);
        self.advance(now);
    }

    /// A response is wanted once more, before all others: it is the answer to what came before them. It is sent by the next
    /// [`advance`](Self::advance).
    pub(crate) fn again(&mut self, ids: &mut Ids, wish: Wish) {
        if let Some(request) = self.accept(ids, wish) {
            self.queue.push_front(request);
        }
    }

    /// The request for a response, unless no more are asked for.
    fn accept(&mut self, ids: &mut Ids, wish: Wish) -> Option<Request> {
        if let Some(error) = &self.stopped {
            let failed = |ticket| Step::Failed(ticket, error.clone());
            self.steps.extend(wish.tickets.into_iter().map(failed));
            return None;
        }
        Some(Request {
            key: ids.next("resp"),
            origin: wish.origin,
            params: wish.params,
            tickets: wish.tickets,
            needs: wish.needs,
            refusals: 0,
        })
    }

    /// Somebody waits for the response under way, or else for the next one.
    pub(crate) fn watch(&mut self, ticket: Ticket) -> Option<String> {
        if let Slot::Active { id, .. } = &self.slot
            && let Some(live) = self.live.get_mut(id)
        {
            live.tickets.push(ticket);
            return Some(id.clone());
        }
        self.watchers.push(ticket);
        None
    }

    /// Sends the first request if it may go.
    pub(crate) fn advance(&mut self, now: Duration) {
        if !self.online || !matches!(self.slot, Slot::Free) || self.expecting.is_some() {
            return;
        }
        // What the session itself wants can wait for the end of the sentence.
        let may_go = |request: &Request| request.origin == Origin::Manual || !self.user_speaks;
        if !self.queue.front().is_some_and(may_go) {
            return;
        }
        let Some(request) = self.queue.pop_front() else {
            return;
        };
        self.steps.push(Step::Send(request.event()));
        self.slot = Slot::Requested {
            request,
            due: Some(now + CREATE_TIMEOUT),
            cancel: false,
        };
    }

    /// `response.created`.
    pub(crate) fn created(&mut self, response: &Response, ids: &mut Ids, now: Duration) -> Began {
        let mut began = Began::default();
        let Some(id) = response.id.as_deref() else {
            return began;
        };
        let key = key_of(response);
        if let Some((request, _)) = key.and_then(|key| self.outside.remove(key)) {
            began.tickets.extend(request.tickets);
            began.key = Some(request.key);
            self.begin(id, &began.tickets, true, request.params, now);
            return began;
        }
        began.tickets = std::mem::take(&mut self.watchers);
        // Servers that do not echo metadata exist: then it is ours, unless the server owes one to a turn it heard.
        let unasked = self.expecting.take().is_some();
        let mut params = None;
        match std::mem::replace(&mut self.slot, Slot::Free) {
            Slot::Requested { request, cancel, .. }
                if key == Some(&request.key) || (key.is_none() && !unasked) =>
            {
                began.tickets.extend(request.tickets);
                began.key = Some(request.key);
                params = request.params;
                began.unwanted = cancel;
                self.slot = Slot::Active {
                    id: id.to_owned(),
                    cancelling: None,
                };
                if cancel {
                    self.cancel(ids, now, false);
                }
            }
            // Ours is on its way, and will be refused.
            requested @ Slot::Requested { .. } => self.slot = requested,
            Slot::Free | Slot::Active { .. } | Slot::Blocked { .. } => {
                self.slot = Slot::Active {
                    id: id.to_owned(),
                    cancelling: None,
                };
                // It sees all that the session would have asked about.
                while !self.keep_auto
                    && self
                        .queue
                        .front()
                        .is_some_and(|request| request.origin == Origin::Auto)
                {
                    self.queue.pop_front();
                }
            }
        }
        self.begin(id, &began.tickets, false, params, now);
        began
    }

    fn begin(
        &mut self,
        id: &str,
        tickets: &[Ticket],
        outside: bool,
        params: Option<Box<ResponseParams>>,
        now: Duration,
    ) {
        let live = Live {
            tickets: tickets.to_vec(),
            outside,
            seen: now,
            params,
        };
        self.live.insert(id.to_owned(), live);
    }

    /// An event of this response came. Whose it is.
    pub(crate) fn seen(&mut self, id: &str, now: Duration) -> &[Ticket] {
        match self.live.get_mut(id) {
            Some(live) => {
                live.seen = now;
                &live.tickets
            }
            None => &[],
        }
    }

    /// Whether this response is outside the conversation.
    pub(crate) fn is_outside(&self, id: &str) -> bool {
        self.live.get(id).is_some_and(|live| live.outside)
    }

    /// The user began or stopped speaking; whether the server will answer by itself.
    pub(crate) fn user_speaks(&mut self, speaks: bool, answered: bool, now: Duration) {
        self.user_speaks = speaks;
        if !speaks && answered {
            if matches!(self.slot, Slot::Active { .. }) {
                self.owed = true;
            } else {
                self.expecting = Some(now + EXPECT);
            }
        }
        self.advance(now);
    }

    /// The response of the conversation that is under way.
    pub(crate) fn active(&self) -> Option<&str> {
        match &self.slot {
            Slot::Active { id, .. } => Some(id),
            _ => None,
        }
    }

    /// Stops the response under way, unless the server is doing so. What the session wanted by itself is forgotten, unless
    /// it is to be kept.
    pub(crate) fn cancel(&mut self, ids: &mut Ids, now: Duration, by_server: bool) {
        if !self.keep_auto {
            self.drop_auto();
        }
        match &mut self.slot {
            Slot::Active { id, cancelling } if cancelling.is_none() && !by_server => {
                let event_id = ids.next("cancel");
                let cancel = ResponseCancel::new(id.as_str());
                self.steps.push(Step::Send(
                    ClientEvent::from(cancel).with_event_id(event_id.as_str()),
                ));
                *cancelling = Some((now + CANCEL_TIMEOUT, event_id));
            }
            Slot::Requested { cancel, .. } if !by_server => *cancel = true,
            _ => {}
        }
    }

    /// The connection is there, with the conversation restored as far as it will be.
    pub(crate) fn opened(&mut self, now: Duration) {
        self.online = true;
        if let Slot::Requested { due, .. } = &mut self.slot {
            *due = Some(now + CREATE_TIMEOUT);
        }
        for (_, due) in self.outside.values_mut() {
            *due = Some(now + CREATE_TIMEOUT);
        }
        self.advance(now);
    }

    /// Takes back a request that nobody waits for any more, if it was not sent yet.
    pub(crate) fn abandon(&mut self, ticket: Ticket) {
        self.watchers.retain(|watcher| *watcher != ticket);
    }

    /// Everything that is waited for, for tests.
    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.slot, Slot::Free)
            && self.queue.is_empty()
            && self.outside.is_empty()
            && self.live.is_empty()
    }
}
