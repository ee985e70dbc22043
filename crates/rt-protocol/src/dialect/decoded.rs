//! [`Decoded`]: the events that one message of the server became.

use crate::ServerEvent;

/// The events that one message became, in order: nearly always one.
///
/// ```
/// # use rt_protocol::dialect::{Codec, Dialect};
/// let mut codec = Codec::new(Dialect::Beta);
/// let message = r#"{"type":"conversation.item.created","event_id":"e",
///     "item":{"id":"i","type":"message","role":"user","content":[]}}"#;
/// let types: Vec<_> = codec.decode_server(message)?.map(|event| event.event_type().to_owned()).collect();
/// assert_eq!(types, ["conversation.item.added", "conversation.item.done"]);
/// # Ok::<(), rt_protocol::DecodeError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Decoded {
    /// One event needs no list, and so no allocation.
    first: Option<ServerEvent>,
    rest: std::vec::IntoIter<ServerEvent>,
}

impl Decoded {
    pub(super) fn one(event: ServerEvent) -> Self {
        event.into()
    }

    pub(super) fn many(events: Vec<ServerEvent>) -> Self {
        Self {
            first: None,
            rest: events.into_iter(),
        }
    }
}

impl From<ServerEvent> for Decoded {
    fn from(event: ServerEvent) -> Self {
        Self {
            first: Some(event),
            rest: Vec::new().into_iter(),
        }
    }
}

impl Iterator for Decoded {
    type Item = ServerEvent;

    fn next(&mut self) -> Option<ServerEvent> {
        self.first.take().or_else(|| self.rest.next())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = usize::from(self.first.is_some()) + self.rest.len();
        (len, Some(len))
    }
}

impl ExactSizeIterator for Decoded {}
