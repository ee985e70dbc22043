//! [`Request`]: a wish for a response, and how its response is known again.

use rt_protocol::client_event::ResponseCreate;
use rt_protocol::response::Response;
use rt_protocol::{ClientEvent, ResponseParams, Text};

use crate::engine::Ticket;

/// The metadata entry by which a response names the request it answers.
const KEY: &str = "rt_req";
/// Metadata entries the service takes.
const METADATA: usize = 16;

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
    pub(super) ticket: Option<Ticket>,
    pub(super) refusals: u32,
}

impl Request {
    /// The `response.create`, with what it is known by again.
    pub(super) fn event(&self) -> ClientEvent {
        let mut params = self.params.as_deref().cloned().unwrap_or_default();
        let metadata = params.metadata.or_default();
        if metadata.len() < METADATA {
            metadata.insert(KEY.to_owned(), Text::from(self.key.as_str()));
        }
        ClientEvent::from(ResponseCreate::new(params)).with_event_id(self.key.as_str())
    }
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
