//! [`Request`]: a wish for a response, and how its response is known again.

use rt_protocol::client_event::ResponseCreate;
use rt_protocol::{ClientEvent, Response, ResponseParams, Text};

use super::{Responses, Slot};
use crate::engine::Ticket;
use crate::engine::ids::Ids;
use crate::error::{Error, ErrorKind};

/// The metadata entry by which a response names the request it answers.
const KEY: &str = "rt_req";
/// Metadata entries the service takes, but for ours.
const METADATA: usize = 15;

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
pub(super) struct Request {
    pub(super) key: String,
    pub(super) origin: Origin,
    pub(super) params: Option<Box<ResponseParams>>,
    pub(super) tickets: Vec<Ticket>,
    /// The event id of what it answers.
    pub(super) needs: Option<String>,
    pub(super) refusals: u32,
}

impl Request {
    /// The same once more, for whoever waits for it.
    pub(super) fn again(&mut self, ids: &mut Ids) -> Self {
        Self {
            key: ids.next("resp"),
            origin: self.origin,
            params: self.params.clone(),
            tickets: std::mem::take(&mut self.tickets),
            needs: self.needs.clone(),
            refusals: self.refusals,
        }
    }

    /// The `response.create`, with what it is known by again.
    pub(super) fn event(&self) -> ClientEvent {
        let mut params = self.params.as_deref().cloned().unwrap_or_default();
        let metadata = params.metadata.or_default();
        metadata.insert(KEY.to_owned(), Text::from(self.key.as_str()));
        ClientEvent::from(ResponseCreate::new(params)).with_event_id(self.key.as_str())
    }
}

impl Responses {
    /// The request outside the conversation that a response answers. Of a server that does not echo metadata it is the
    /// oldest, if the response is of no conversation.
    pub(super) fn outside_request(&mut self, response: &Response) -> Option<Request> {
        let key = match key_of(response) {
            Some(key) => key.to_owned(),
            None if response.conversation_id.is_null() => self
                .outside
                .keys()
                // They are counted: a longer one is a later one.
                .min_by_key(|key| (key.len(), *key))
                .cloned()?,
            None => return None,
        };
        self.outside.remove(&key).map(|(request, _)| request)
    }

    /// Whether a response that answers no request of ours is of no conversation: on a server that names its conversation, one
    /// without the name.
    pub(super) fn is_foreign(&mut self, response: &Response) -> bool {
        self.names_conversation |= response.conversation_id.value().is_some();
        let is_ours = match &self.slot {
            Slot::Requested { request, .. } => key_of(response) == Some(&request.key),
            _ => false,
        };
        self.names_conversation && response.conversation_id.is_null() && !is_ours
    }
}

/// Whether a request leaves room for the metadata entry by which its response is known again.
pub(crate) fn check_metadata(params: &ResponseParams) -> Result<(), Error> {
    let entries = params
        .metadata
        .value()
        .map_or(0, |metadata| metadata.keys().filter(|key| *key != KEY).count());
    if entries <= METADATA {
        return Ok(());
    }
    let message = format!(
        "response.create: metadata has {entries} entries, and the service takes {METADATA} beside the one this SDK adds: \
         leave some out"
    );
    Err(Error::new(ErrorKind::InvalidEvent, message))
}

/// The request a response answers.
pub(super) fn key_of(response: &Response) -> Option<&str> {
    Some(&**response.metadata.value()?.get(KEY)?)
}

/// The response that an error names: `… in progress: resp_123. Wait …`.
pub(super) fn named_response(message: &str) -> Option<&str> {
    let at = message.find("resp_")?;
    let name = &message[at..];
    let end = name
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
        .unwrap_or(name.len());
    Some(&name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_entries(count: usize) -> ResponseParams {
        let entries = (0..count).map(|n| (format!("key{n}"), "value"));
        ResponseParams::new().metadata(entries)
    }

    #[test]
    fn metadata_leaves_room_for_ours() {
        let most = with_entries(METADATA);
        check_metadata(&most).unwrap();
        // Ours among them is written over.
        check_metadata(&most.clone().metadata([(KEY, "mine")])).unwrap();
        let request = Request {
            key: "rt_1".into(),
            origin: Origin::Manual,
            params: Some(Box::new(most)),
            tickets: Vec::new(),
            needs: None,
            refusals: 0,
        };
        request.event().check().expect("within the documented limit");
        let error = check_metadata(&with_entries(METADATA + 1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidEvent);
        assert!(error.to_string().contains("metadata has 16"), "{error}");
    }
}
