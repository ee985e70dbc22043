//! The queue of responses: of the conversation there is never more than one under way.
//!
//! Whoever wants a response puts a request into the queue. The first one is sent when no response of the conversation is
//! under way, whoever began that, and the place is free again at `response.done`.
//!
//! What the server begins by itself while a request is on its way is in its way nevertheless, and that is the only conflict
//! there is: the request goes first again when that response is over, unless the user interrupted meanwhile.

mod endings;
mod named;
mod request;
mod turns;
mod watch;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use rt_protocol::response::ConversationChoice;
use rt_protocol::{ClientEvent, Response, ResponseParams};

pub(crate) use self::request::{Origin, check_metadata};
use self::request::{Request, key_of};
use self::turns::User;
use self::watch::Watchers;
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
    /// No response came for whom nothing was asked: nobody's business but his.
    NoneCame(Ticket, Error),
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
    watchers: Watchers,
    /// The response the server stops by itself.
    stopped_by_server: Option<String>,
    /// The server has named the conversation: a response without that name is of none.
    names_conversation: bool,
    /// Until when a response of the server's own is expected.
    expecting: Option<Duration>,
    /// A turn ended during a response: the server answers it afterwards.
    owed: bool,
    user: User,
    online: bool,
    /// Whether what the session wanted by itself survives an interruption.
    keep_auto: bool,
    /// Why no more are asked for.
    stopped: Option<Error>,
    steps: Vec<Step>,
}

impl Responses {
    /// `patience` is how long somebody waits for any response to begin.
    pub(crate) fn new(keep_auto: bool, patience: Option<Duration>) -> Self {
        Self {
            queue: VecDeque::new(),
            slot: Slot::Free,
            outside: HashMap::new(),
            live: HashMap::new(),
            watchers: Watchers::new(patience),
            stopped_by_server: None,
            names_conversation: false,
            expecting: None,
            owed: false,
            user: User::default(),
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
        match self.queue.back_mut() {
            Some(last) if last.origin == Origin::Auto && request.origin == Origin::Auto => {
                last.tickets.extend(request.tickets);
                return;
            }
            _ => self.queue.push_back(request),
        }
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

    /// Whether the place is free.
    fn may_send(&self) -> bool {
        self.online && matches!(self.slot, Slot::Free) && self.expecting.is_none()
    }

    /// Sends the first request if it may go.
    pub(crate) fn advance(&mut self, now: Duration) {
        if !self.may_send() {
            return;
        }
        // What the session itself wants can wait for the end of the sentence.
        let may_go = |request: &Request| request.origin == Origin::Manual || !self.user.speaks;
        if !self.queue.front().is_some_and(may_go) {
            return;
        }
        let Some(request) = self.queue.pop_front() else {
            return;
        };
        self.watchers.stir(now);
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
        if let Some(request) = self.outside_request(response) {
            began.tickets.extend(request.tickets);
            began.key = Some(request.key);
            self.begin(id, &began.tickets, true, request.params, now);
            return began;
        }
        if self.is_foreign(response) {
            self.begin(id, &[], true, None, now);
            return began;
        }
        // Servers that do not echo metadata exist: then it is ours, unless the server owes one to a turn it heard.
        let unasked = self.expecting.take().is_some();
        let mut params = None;
        match std::mem::replace(&mut self.slot, Slot::Free) {
            Slot::Requested {
                mut request, cancel, ..
            } if key == Some(&request.key) || (key.is_none() && !unasked) => {
                self.slot = Slot::Active {
                    id: id.to_owned(),
                    cancelling: None,
                };
                began.unwanted = cancel;
                if cancel {
                    if request.origin == Origin::Auto && self.keep_auto {
                        self.queue.push_front(request.again(ids));
                    }
                    self.cancel(ids, now, false);
                }
                began.tickets.extend(request.tickets);
                began.key = Some(request.key);
                params = request.params;
            }
            // Ours is on its way, and will be refused.
            requested @ Slot::Requested { .. } => self.slot = requested,
            Slot::Free | Slot::Active { .. } | Slot::Blocked { .. } => {
                self.slot = Slot::Active {
                    id: id.to_owned(),
                    cancelling: None,
                };
                // It sees all that the session would have asked about.
                let is_auto = |request: &mut Request| request.origin == Origin::Auto;
                while !self.keep_auto
                    && let Some(request) = self.queue.pop_front_if(is_auto)
                {
                    began.tickets.extend(request.tickets);
                }
            }
        }
        // What is stopped before it begins is nothing to wait for.
        if !began.unwanted {
            began.tickets.extend(self.watchers.take());
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

    /// The response of the conversation that is under way.
    pub(crate) fn active(&self) -> Option<&str> {
        match &self.slot {
            Slot::Active { id, .. } => Some(id),
            _ => None,
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

    /// Everything that is waited for, for tests.
    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.slot, Slot::Free)
            && self.queue.is_empty()
            && self.outside.is_empty()
            && self.live.is_empty()
    }
}
