//! Server events as they come in: what they mean for the connection, and who is told of them.

use rt_protocol::{DecodeError, ServerEvent, Session};

use super::ledger::Ledger;
use super::link::{Link, Signal, Slot};
use super::{At, Machine};
use crate::classify::ApiError;
use crate::fate::Fate;
use crate::mirror::Verdict;

/// What is to be done with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disposition {
    /// It is for the user.
    Deliver,
    /// It is for the user when its session takes over; give it to [`Machine::hold`].
    Hold,
    /// It only echoes what the machine did.
    Hide,
    /// Its connection does not count any more.
    Stale,
}

impl Machine {
    /// A message of the server came.
    pub(crate) fn handle_event(
        &mut self,
        at: At,
        epoch: u64,
        event: Result<&ServerEvent, &DecodeError>,
    ) -> Disposition {
        let Some(slot) = self.slot(epoch) else {
            return Disposition::Stale;
        };
        let was_live = slot == Slot::Current && self.is_attached;
        let mut hidden = false;
        if let Ok(event) = event {
            if self.link_at(slot).is_some_and(|link| link.is_echo(event)) || self.answer(at, slot, event) {
                hidden = !matches!(event, ServerEvent::SessionUpdated(_));
            } else if was_live {
                hidden = self.reduce(at, event);
            }
        }
        if self.slot(epoch).is_none() {
            return Disposition::Stale;
        }
        let signal = signal_of(event);
        let is_created = matches!(signal, Signal::Created { .. });
        // An echo proves nothing.
        let is_news = !hidden || signal != Signal::Other;
        if is_news && !self.handle_signal(at, epoch, signal) {
            return Disposition::Stale;
        }
        if is_created
            && slot == Slot::Current
            && !was_live
            && self.is_attached
            && let Ok(event) = event
        {
            // Nothing had to be restored: this is what the session begins with.
            self.mirror.server(event);
        }
        if slot == Slot::Current && matches!(event, Ok(ServerEvent::SessionClosed(_))) {
            self.session_is_over(at);
        }
        self.look_for_quiet(at.now);
        if hidden {
            Disposition::Hide
        } else if slot == Slot::Next {
            Disposition::Hold
        } else {
            Disposition::Deliver
        }
    }

    /// Tells the mirror, and settles what the event answers. Returns whether it is only an echo.
    fn reduce(&mut self, at: At, event: &ServerEvent) -> bool {
        let reduced = self.mirror.server(event);
        let details = match event {
            ServerEvent::Error(error) => Some(&error.error),
            _ => None,
        };
        if let Some(number) = reduced.read {
            prove(&mut self.ledger, self.link.as_deref_mut(), number);
        }
        for (number, verdict) in reduced.settled {
            // The server has read all that was written before what it answers.
            prove(&mut self.ledger, self.link.as_deref_mut(), number);
            let fate = match (verdict, details) {
                (Verdict::Rejected, Some(details)) => Fate::Rejected(Box::new(details.clone())),
                (Verdict::Rejected, None) => Fate::Rejected(Box::default()),
                (Verdict::Acknowledged, _) => Fate::Acknowledged,
            };
            if let Some(link) = &mut self.link
                && verdict == Verdict::Rejected
                && link.close_asked == Some(number)
            {
                link.close_asked = None;
                self.plan_rollover(at.now);
            }
            self.ledger.settle(number, fate);
        }
        if let Some(details) = details
            && let Some(id) = details.event_id.as_deref()
        {
            self.ledger.reject_named(id, details);
        }
        reduced.hidden
    }
}

fn prove(ledger: &mut Ledger, link: Option<&mut Link>, number: u64) {
    if let Some(link) = link
        && number > link.read_to
        && number <= link.last_written
    {
        link.read_to = number;
        ledger.read(number);
    }
}

/// What the machine must know of an event.
pub(super) fn signal_of(decoded: Result<&ServerEvent, &DecodeError>) -> Signal {
    match decoded {
        Ok(ServerEvent::SessionCreated(created)) => {
            let (session_id, expires_at) = identity(&created.session);
            Signal::Created {
                session_id,
                expires_at,
            }
        }
        Ok(ServerEvent::SessionUpdated(_)) => Signal::Updated,
        Ok(ServerEvent::Error(event)) => Signal::Error(ApiError {
            code: event.error.code.value().cloned(),
            kind: Some(event.error.kind.clone()).filter(|kind| !kind.is_empty()),
            message: Some(event.error.message.clone()).filter(|message| !message.is_empty()),
        }),
        Ok(ServerEvent::ResponseDone(done)) => {
            let details = done.response.status_details.value();
            details
                .and_then(|details| details.error.value())
                .map_or(Signal::Other, |error| {
                    Signal::ResponseFailed(ApiError {
                        code: error.code.value().cloned(),
                        kind: error.kind.value().cloned(),
                        message: error.message.value().cloned(),
                    })
                })
        }
        Ok(_) => Signal::Other,
        // A session whose description we cannot read is a session all the same.
        Err(error) if error.event_type() == Some("session.created") => Signal::Created {
            session_id: None,
            expires_at: None,
        },
        Err(_) => Signal::Malformed,
    }
}

/// Id and end of a session.
fn identity(session: &Session) -> (Option<String>, Option<u64>) {
    (session.id().map(str::to_owned), session.expires_at())
}
