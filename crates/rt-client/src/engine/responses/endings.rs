//! How requests and responses end: done, refused, lost, overdue.

use std::collections::VecDeque;
use std::time::Duration;

use rt_protocol::Response;
use rt_protocol::response::{ResponseStatus, StatusReason};
use rt_protocol::server_event::ErrorDetails;

use super::request::{Request, key_of, named_response};
use super::{EXPECT, Ended, Live, Origin, Responses, Slot, Step};
use crate::engine::Ticket;
use crate::error::Error;

/// How often a request that met another response is sent again.
const MAX_REFUSALS: u32 = 3;
/// How long a response that began may be without any event.
const STALL: Duration = Duration::from_secs(120);
/// How long to wait for a response that is in the way but was never seen.
const BLOCKED: Duration = Duration::from_secs(2);

impl Responses {
    /// `response.done`, also of a response that was never created. The place is free; who gets it, [`advance`](Self::advance)
    /// says.
    pub(crate) fn done(&mut self, response: &Response, now: Duration) -> Ended {
        let id = response.id.as_deref().unwrap_or_default();
        let mut ended = match self.live.remove(id) {
            Some(live) => Ended {
                tickets: live.tickets,
                outside: live.outside,
                params: live.params,
            },
            None => Ended::default(),
        };
        let key = key_of(response);
        if let Some((request, _)) = key.and_then(|key| self.outside.remove(key)) {
            ended.outside = true;
            ended.tickets.extend(request.tickets);
            return ended;
        }
        match std::mem::replace(&mut self.slot, Slot::Free) {
            Slot::Active { id: active, .. } if active == id => {
                if std::mem::take(&mut self.owed) {
                    self.expecting = Some(now + EXPECT);
                }
            }
            Slot::Requested { request, .. } if key == Some(&request.key) => {
                ended.tickets.extend(request.tickets);
                ended.params = request.params;
            }
            Slot::Blocked { .. } if !ended.outside => {}
            other => self.slot = other,
        }
        let by_speech = response.status.value() == Some(&ResponseStatus::Cancelled)
            && response
                .status_details
                .value()
                .is_some_and(|details| details.reason.value() == Some(&StatusReason::TurnDetected));
        if by_speech && !self.keep_auto {
            self.drop_auto();
        }
        ended
    }

    /// An `error` of the server. Whether it was about a response.
    pub(crate) fn error(&mut self, details: &ErrorDetails, now: Duration) -> bool {
        let event_id = details.event_id.as_deref();
        if let Some((request, _)) = event_id.and_then(|id| self.outside.remove(id)) {
            self.refuse(request, Error::refused("the response", details));
            return true;
        }
        let conflict = details.is("conversation_already_has_active_response");
        match std::mem::replace(&mut self.slot, Slot::Free) {
            Slot::Requested { request, cancel, .. }
                if event_id == Some(&request.key) || (event_id.is_none() && conflict) =>
            {
                if conflict && cancel && !(request.origin == Origin::Auto && self.keep_auto) {
                    self.slot = self.in_the_way(details, now);
                    self.interrupted(request);
                } else if conflict {
                    self.requeue(request, details, now);
                } else {
                    self.refuse(request, Error::refused("the response", details));
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

    /// What these requests would answer was refused, or never sent: they are taken back. Whether there was one.
    pub(crate) fn withdraw(&mut self, event_id: &str, error: &Error, now: Duration) -> bool {
        let needs_it = |request: &Request| request.needs.as_deref() == Some(event_id);
        let (needless, queue) = std::mem::take(&mut self.queue)
            .into_iter()
            .partition::<VecDeque<Request>, _>(needs_it);
        self.queue = queue;
        let mut found = !needless.is_empty();
        for request in needless {
            self.refuse(request, error.clone());
        }
        // One that was sent will be answered: it is stopped as soon as it has an id.
        if let Slot::Requested { request, cancel, .. } = &mut self.slot
            && needs_it(request)
        {
            found = true;
            *cancel = true;
            let tickets = std::mem::take(&mut request.tickets);
            if tickets.is_empty() {
                self.steps.push(Step::Report(error.clone()));
            }
            let failed = |ticket| Step::Failed(ticket, error.clone());
            self.steps.extend(tickets.into_iter().map(failed));
        }
        self.advance(now);
        found
    }

    /// A request met another response: it goes first again when that one is over.
    pub(super) fn requeue(&mut self, mut request: Request, details: &ErrorDetails, now: Duration) {
        request.refusals += 1;
        self.slot = self.in_the_way(details, now);
        if request.refusals > MAX_REFUSALS {
            self.refuse(request, Error::refused("the response", details));
        } else {
            self.queue.push_front(request);
        }
    }

    /// The place, when the server says that another response has it.
    fn in_the_way(&mut self, details: &ErrorDetails, now: Duration) -> Slot {
        match named_response(&details.message) {
            Some(id) => {
                self.live.entry(id.to_owned()).or_insert_with(|| Live {
                    tickets: Vec::new(),
                    outside: false,
                    seen: now,
                    params: None,
                });
                Slot::Active {
                    id: id.to_owned(),
                    cancelling: None,
                }
            }
            None => Slot::Blocked { due: now + BLOCKED },
        }
    }

    /// A request that has no response, against what the session or the application wanted: whoever waits for it is told,
    /// or else everybody. Of what the session asked for, everybody is.
    fn refuse(&mut self, request: Request, error: Error) {
        if request.tickets.is_empty() || request.origin == Origin::Auto {
            self.steps.push(Step::Report(error.clone()));
        }
        self.fail(request, error);
    }

    #[expect(clippy::needless_pass_by_value, reason = "the request ends here")]
    pub(super) fn fail(&mut self, request: Request, error: Error) {
        let failed = |ticket| Step::Failed(ticket, error.clone());
        self.steps.extend(request.tickets.into_iter().map(failed));
    }

    /// The connection is lost: whose responses were under way. `goes_on` is whether anything else that was under way will
    /// bring a response.
    pub(crate) fn lost(&mut self, goes_on: bool) -> Vec<(String, Vec<Ticket>)> {
        self.online = false;
        self.user.speaks = false;
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
        if !goes_on && self.queue.is_empty() && matches!(self.slot, Slot::Free) {
            self.fail_watchers(&Error::interrupted("the next reply began"));
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
        self.fail_watchers(error);
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
            .chain(self.watchers.deadline())
            .chain(self.muted_at())
            .chain(outside)
            .chain(stalled)
            .min()
    }

    /// Gives up what is overdue.
    pub(crate) fn handle_timeout(&mut self, now: Duration) {
        self.expecting.take_if(|due| *due <= now);
        self.time_out_watchers(now);
        if self.muted_at().is_some_and(|due| due <= now) {
            self.user.speaks = false;
        }
        let overdue = self
            .outside
            .extract_if(|_, (_, due)| due.is_some_and(|due| due <= now));
        let overdue: Vec<Request> = overdue.map(|(_, (request, _))| request).collect();
        for request in overdue {
            self.refuse(request, Error::timeout("the request for a response"));
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
                    self.refuse(request, Error::timeout("the request for a response"));
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
}
