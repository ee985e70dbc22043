//! What the user's turns and interruptions do to responses.

use std::time::Duration;

use rt_protocol::ClientEvent;
use rt_protocol::client_event::ResponseCancel;

use super::request::{Origin, Request};
use super::{CANCEL_TIMEOUT, EXPECT, Responses, Slot, Step};
use crate::engine::ids::Ids;
use crate::error::{Error, ErrorKind};

impl Responses {
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

    /// Whether a response of the conversation is under way, or asked for.
    pub(crate) fn is_under_way(&self) -> bool {
        matches!(self.slot, Slot::Requested { .. } | Slot::Active { .. })
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
            // The server cancels what it has when it hears the user. This begins after that: had it begun before, that would
            // have been told before.
            Slot::Requested { cancel, .. } if !by_server || self.user_speaks => *cancel = true,
            _ => {}
        }
    }

    /// Forgets what the session wanted by itself.
    pub(super) fn drop_auto(&mut self) {
        let queue = std::mem::take(&mut self.queue).into_iter();
        for request in queue {
            match request.origin {
                Origin::Manual => self.queue.push_back(request),
                Origin::Auto => self.interrupted(request),
            }
        }
    }

    /// A request that was interrupted before its response began.
    pub(super) fn interrupted(&mut self, request: Request) {
        let message = "it was interrupted before it began";
        self.fail(request, Error::new(ErrorKind::Cancelled, message));
    }
}
