//! What the user's turns and interruptions do to responses.

use std::time::Duration;

use rt_protocol::ClientEvent;
use rt_protocol::client_event::ResponseCancel;

use super::request::{Origin, Request};
use super::{CANCEL_TIMEOUT, EXPECT, Responses, Slot, Step};
use crate::engine::ids::Ids;
use crate::error::{Error, ErrorKind};

/// How long the user is taken to go on speaking when no audio of his is sent.
const MUTED: Duration = Duration::from_secs(5);

/// Whether the user speaks.
#[derive(Debug, Default)]
pub(super) struct User {
    pub(super) speaks: bool,
    /// Since when.
    since: Duration,
    /// When audio of his was sent last, if this session sends it.
    audio: Option<Duration>,
}

impl Responses {
    /// The user began or stopped speaking; whether the server will answer by itself.
    pub(crate) fn user_speaks(&mut self, speaks: bool, answered: bool, now: Duration) {
        self.user.speaks = speaks;
        self.user.since = now;
        self.watchers.stir(now);
        if !speaks && answered {
            if matches!(self.slot, Slot::Active { .. }) {
                self.owed = true;
            } else {
                self.expecting = Some(now + EXPECT);
            }
        }
        self.advance(now);
    }

    /// Audio of the user was sent then.
    pub(crate) fn audio_sent(&mut self, at: Duration) {
        self.user.audio = Some(at);
    }

    /// From when on the user is taken to be silent, if something waits for that: a server that gets no audio does not hear
    /// him stop.
    pub(super) fn muted_at(&self) -> Option<Duration> {
        let sent = self.user.audio?;
        let waits = self.user.speaks
            && self.may_send()
            && self
                .queue
                .front()
                .is_some_and(|request| request.origin == Origin::Auto);
        waits.then(|| sent.max(self.user.since) + MUTED)
    }

    /// Whether a response of the conversation is under way, or asked for, and not being stopped.
    pub(crate) fn is_under_way(&self) -> bool {
        match &self.slot {
            Slot::Requested { cancel, .. } => !cancel,
            Slot::Active { .. } => !self.is_stopping(),
            Slot::Free | Slot::Blocked { .. } => false,
        }
    }

    /// Whether the response under way is being stopped.
    pub(crate) fn is_stopping(&self) -> bool {
        match &self.slot {
            Slot::Active { id, cancelling } => {
                cancelling.is_some() || self.stopped_by_server.as_ref() == Some(id)
            }
            _ => false,
        }
    }

    /// Stops the response under way, unless the server is doing so. What the session wanted by itself is forgotten, unless
    /// it is to be kept.
    pub(crate) fn cancel(&mut self, ids: &mut Ids, now: Duration, by_server: bool) {
        if !self.keep_auto {
            self.drop_auto();
        }
        if by_server {
            self.stopped_by_server = self.active().map(str::to_owned);
        }
        let by_server = by_server || self.is_stopping();
        match &mut self.slot {
            Slot::Active { id, cancelling } if !by_server && cancelling.is_none() => {
                let event_id = ids.next("cancel");
                let cancel = ResponseCancel::new(id.as_str());
                self.steps.push(Step::Send(
                    ClientEvent::from(cancel).with_event_id(event_id.as_str()),
                ));
                *cancelling = Some((now + CANCEL_TIMEOUT, event_id));
            }
            // The server cancels what it has when it hears the user. This begins after that: had it begun before, that would
            // have been told before.
            Slot::Requested { cancel, .. } if !by_server || self.user.speaks => *cancel = true,
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
