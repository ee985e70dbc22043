//! The queue of responses: of the conversation there is never more than one under way.
//!
//! Whoever wants a response puts a request into the queue. The first one is sent when no response of the conversation is
//! under way, whoever began that, and the place is free again at `response.done`.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use rt_protocol::client_event::{ResponseCancel, ResponseCreate};
use rt_protocol::response::{ConversationChoice, Response, ResponseStatus, StatusReason};
use rt_protocol::server_event::ErrorDetails;
use rt_protocol::{ClientEvent, ResponseParams, Text};

use super::Ticket;
use super::ids::Ids;
use crate::error::Error;

/// The metadata entry by which a response names the request it answers.
const KEY: &str = "rt_req";
/// Metadata entries the service takes.
const METADATA: usize = 16;
/// How often a request that met another response is sent again.
const MAX_REFUSALS: u32 = 3;
/// From `response.create` to `response.created`.
const CREATE_TIMEOUT: Duration = Duration::from_secs(15);
/// From `response.cancel` to `response.done`.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a response that began may be without any event.
const STALL: Duration = Duration::from_secs(120);
/// How long the server may take to begin the response to a turn it heard.
const EXPECT: Duration = Duration::from_secs(3);
/// How long to wait for a response that is in the way but was never seen.
const BLOCKED: Duration = Duration::from_secs(2);

/// Who wants a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The application: it gets exactly what it asked for.
    Manual,
    /// The session, after tools: one is as good as several.
    Auto,
}

/// A wish for a response.
#[derive(Debug)]
struct Request {
    key: String,
    origin: Origin,
    params: Option<Box<ResponseParams>>,
    ticket: Option<Ticket>,
    refusals: u32,
}

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

/// How a response of which the end was told belongs to the session.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    pub(crate) tickets: Vec<Ticket>,
    pub(crate) outside: bool,
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
    /// Why no more are asked for.
    stopped: Option<Error>,
    steps: Vec<Step>,
}

impl Responses {
    pub(crate) fn new() -> Self {
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
            stopped: None,
            steps: Vec::new(),
        }
    }

    /// What has to be done, in order.
    pub(crate) fn take(&mut self) -> Vec<Step> {
        std::mem::take(&mut self.steps)
    }

    /// Somebody wants a response.
    pub(crate) fn request(
        &mut self,
        ids: &mut Ids,
        origin: Origin,
        params: Option<Box<ResponseParams>>,
        ticket: Option<Ticket>,
        now: Duration,
    ) {
        if let Some(error) = &self.stopped {
            let error = error.clone();
            self.steps
                .extend(ticket.map(|ticket| Step::Failed(ticket, error)));
            return;
        }
        let request = Request {
            key: ids.next("resp"),
            origin,
            params,
            ticket,
            refusals: 0,
        };
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
        let mergeable = |request: &Request| request.origin == Origin::Auto && request.ticket.is_none();
        if mergeable(&request) && self.queue.back().is_some_and(mergeable) {
            return;
        }
        self.queue.push_back(request);
        self.advance(now);
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
    fn advance(&mut self, now: Duration) {
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

    /// `response.created`: who waited for it.
    pub(crate) fn created(&mut self, response: &Response, ids: &mut Ids, now: Duration) -> Vec<Ticket> {
        let Some(id) = response.id.as_deref() else {
            return Vec::new();
        };
        let key = key_of(response);
        if let Some((request, _)) = key.and_then(|key| self.outside.remove(key)) {
            return self.begin(id, request.ticket.into_iter().collect(), true, now);
        }
        let mut tickets = std::mem::take(&mut self.watchers);
        // Servers that do not echo metadata exist: then it is ours, unless the server owes one to a turn it heard.
        let unasked = self.expecting.take().is_some();
        match std::mem::replace(&mut self.slot, Slot::Free) {
            Slot::Requested { request, cancel, .. }
                if key == Some(&request.key) || (key.is_none() && !unasked) =>
            {
                tickets.extend(request.ticket);
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
                while self
                    .queue
                    .front()
                    .is_some_and(|request| request.origin == Origin::Auto)
                {
                    self.queue.pop_front();
                }
            }
        }
        self.begin(id, tickets, false, now)
    }

    fn begin(&mut self, id: &str, tickets: Vec<Ticket>, outside: bool, now: Duration) -> Vec<Ticket> {
        let live = Live {
            tickets: tickets.clone(),
            outside,
            seen: now,
        };
        self.live.insert(id.to_owned(), live);
        tickets
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

    /// `response.done`, also of a response that was never created.
    pub(crate) fn done(&mut self, response: &Response, keep_auto: bool, now: Duration) -> Ended {
        let id = response.id.as_deref().unwrap_or_default();
        let mut ended = match self.live.remove(id) {
            Some(live) => Ended {
                tickets: live.tickets,
                outside: live.outside,
            },
            None => Ended::default(),
        };
        let key = key_of(response);
        if let Some((request, _)) = key.and_then(|key| self.outside.remove(key)) {
            ended.outside = true;
            ended.tickets.extend(request.ticket);
            return ended;
        }
        match std::mem::replace(&mut self.slot, Slot::Free) {
            Slot::Active { id: active, .. } if active == id => {
                if std::mem::take(&mut self.owed) {
                    self.expecting = Some(now + EXPECT);
                }
            }
            Slot::Requested { request, .. } if key == Some(&request.key) => {
                ended.tickets.extend(request.ticket);
            }
            Slot::Blocked { .. } if !ended.outside => {}
            other => self.slot = other,
        }
        let by_speech = response.status.value() == Some(&ResponseStatus::Cancelled)
            && response
                .status_details
                .value()
                .is_some_and(|details| details.reason.value() == Some(&StatusReason::TurnDetected));
        if by_speech && !keep_auto {
            self.drop_auto();
        }
        self.advance(now);
        ended
    }

    /// Forgets what the session wanted by itself.
    fn drop_auto(&mut self) {
        self.queue.retain(|request| request.origin == Origin::Manual);
    }

    /// An `error` of the server. Whether it was about a response.
    pub(crate) fn error(&mut self, details: &ErrorDetails, now: Duration) -> bool {
        let event_id = details.event_id.as_deref();
        if let Some((request, _)) = event_id.and_then(|id| self.outside.remove(id)) {
            self.fail(request, Error::refused("the response", details));
            return true;
        }
        let conflict = details.is("conversation_already_has_active_response");
        match std::mem::replace(&mut self.slot, Slot::Free) {
            Slot::Requested { request, .. }
                if event_id == Some(&request.key) || (event_id.is_none() && conflict) =>
            {
                if conflict {
                    self.requeue(request, details, now);
                } else {
                    self.fail(request, Error::refused("the response", details));
                    self.advance(now);
                }
                true
            }
            Slot::Active {
                id,
                cancelling: Some((_, cancel)),
            } if event_id == Some(&cancel) => {
                // There is nothing to cancel: it is over, whether or not its end was told.
                if let Some(live) = self.live.remove(&id) {
                    self.steps.push(Step::GaveUp {
                        id,
                        tickets: live.tickets,
                    });
                }
                self.advance(now);
                true
            }
            other => {
                self.slot = other;
                details.is("response_cancel_not_active")
            }
        }
    }

    /// A request met another response: it goes first again when that one is over.
    fn requeue(&mut self, mut request: Request, details: &ErrorDetails, now: Duration) {
        request.refusals += 1;
        self.slot = match named_response(&details.message) {
            Some(id) => {
                self.live.entry(id.to_owned()).or_insert_with(|| Live {
                    tickets: Vec::new(),
                    outside: false,
                    seen: now,
                });
                Slot::Active {
                    id: id.to_owned(),
                    cancelling: None,
                }
            }
            None => Slot::Blocked { due: now + BLOCKED },
        };
        if request.refusals > MAX_REFUSALS {
            let error = Error::refused("the response", details);
            if request.ticket.is_none() {
                self.steps.push(Step::Report(error));
            } else {
                self.fail(request, error);
            }
        } else {
            self.queue.push_front(request);
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "the request ends here")]
    fn fail(&mut self, request: Request, error: Error) {
        self.steps
            .extend(request.ticket.map(|ticket| Step::Failed(ticket, error)));
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

    /// Stops the response under way, unless the server is doing so. What the session wanted by itself is forgotten.
    pub(crate) fn cancel(&mut self, ids: &mut Ids, now: Duration, by_server: bool) {
        self.drop_auto();
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

    /// The connection is lost: whose responses were under way.
    pub(crate) fn lost(&mut self) -> Vec<(String, Vec<Ticket>)> {
        self.online = false;
        self.user_speaks = false;
        self.expecting = None;
        self.owed = false;
        if let Slot::Requested { due, .. } = &mut self.slot {
            *due = None;
        } else {
            self.slot = Slot::Free;
        }
        for (_, due) in self.outside.values_mut() {
            *due = None;
        }
        self.live.drain().map(|(id, live)| (id, live.tickets)).collect()
    }

    /// One response went with its connection: by its id, or by the request it would have answered. Who waited for it.
    pub(crate) fn lost_one(
        &mut self,
        id: Option<&str>,
        request: Option<&str>,
        now: Duration,
    ) -> Option<Vec<Ticket>> {
        if let Some((request, _)) = request.and_then(|key| self.outside.remove(key)) {
            self.fail(request, Error::interrupted("the response began"));
            return None;
        }
        let id = id?;
        let live = self.live.remove(id)?;
        if self.active() == Some(id) {
            self.slot = Slot::Free;
            self.advance(now);
        }
        Some(live.tickets)
    }

    /// Asks for no more responses.
    pub(crate) fn stop(&mut self, error: &Error) {
        self.stopped = Some(error.clone());
        for request in std::mem::take(&mut self.queue) {
            self.fail(request, error.clone());
        }
    }

    /// The end: nobody waits any longer.
    pub(crate) fn closed(&mut self, error: &Error) {
        self.stop(error);
        self.online = false;
        if let Slot::Requested { request, .. } = std::mem::replace(&mut self.slot, Slot::Free) {
            self.fail(request, error.clone());
        }
        for (_, (request, _)) in std::mem::take(&mut self.outside) {
            self.fail(request, error.clone());
        }
        let waiting = std::mem::take(&mut self.watchers).into_iter();
        self.steps
            .extend(waiting.map(|ticket| Step::Failed(ticket, error.clone())));
    }

    /// When something is due.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let slot = match &self.slot {
            Slot::Requested { due, .. } => *due,
            Slot::Active { cancelling, .. } => cancelling.as_ref().map(|(due, _)| *due),
            Slot::Blocked { due } => Some(*due),
            Slot::Free => None,
        };
        let outside = self.outside.values().filter_map(|(_, due)| *due);
        let stalled = self.live.values().map(|live| live.seen + STALL);
        slot.into_iter()
            .chain(self.expecting)
            .chain(outside)
            .chain(stalled)
            .min()
    }

    /// Gives up what is overdue.
    pub(crate) fn handle_timeout(&mut self, now: Duration) {
        self.expecting.take_if(|due| *due <= now);
        let overdue = self
            .outside
            .extract_if(|_, (_, due)| due.is_some_and(|due| due <= now));
        let overdue: Vec<Request> = overdue.map(|(_, (request, _))| request).collect();
        for request in overdue {
            self.fail(request, Error::timeout("the request for a response"));
        }
        let stalled = |live: &Live| live.seen + STALL <= now;
        let mut given_up: Vec<String> = self
            .live
            .iter()
            .filter(|(_, live)| stalled(live))
            .map(|(id, _)| id.clone())
            .collect();
        match &mut self.slot {
            Slot::Requested { due: Some(due), .. } if *due <= now => {
                if let Slot::Requested { request, .. } = std::mem::replace(&mut self.slot, Slot::Free) {
                    let error = Error::timeout("the request for a response");
                    if request.ticket.is_none() {
                        self.steps.push(Step::Report(error));
                    } else {
                        self.fail(request, error);
                    }
                }
            }
            Slot::Active {
                id,
                cancelling: Some((due, _)),
            } if *due <= now => given_up.push(id.clone()),
            Slot::Blocked { due } if *due <= now => self.slot = Slot::Free,
            _ => {}
        }
        for id in given_up {
            if self.active() == Some(&id) {
                self.slot = Slot::Free;
            }
            if let Some(live) = self.live.remove(&id) {
                self.steps.push(Step::GaveUp {
                    id,
                    tickets: live.tickets,
                });
            }
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

impl Request {
    /// The `response.create`, with what it is known by again.
    fn event(&self) -> ClientEvent {
        let mut params = self.params.as_deref().cloned().unwrap_or_default();
        let metadata = params.metadata.or_default();
        if metadata.len() < METADATA {
            metadata.insert(KEY.to_owned(), Text::from(self.key.as_str()));
        }
        ClientEvent::from(ResponseCreate::new(params)).with_event_id(self.key.as_str())
    }
}

/// The request a response answers.
fn key_of(response: &Response) -> Option<&str> {
    Some(&**response.metadata.value()?.get(KEY)?)
}

/// The response that an error names: `… in progress: resp_123. Wait …`.
fn named_response(message: &str) -> Option<&str> {
    let at = message.find("resp_")?;
    let name = &message[at..];
    let end = name
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
        .unwrap_or(name.len());
    Some(&name[..end])
}
