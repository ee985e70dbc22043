//! Client events on their way out: what they need before they are written, and what is kept of them until then.

use std::fmt;

use rt_protocol::limits::METADATA_PAIRS;
use rt_protocol::response::Metadata;
use rt_protocol::{ClientEvent, Field};

/// The metadata key by which a response is matched with its request.
pub(super) const REQUEST_KEY: &str = "rt_req";
/// The metadata key that marks an out-of-band response as repeatable (`"true"`).
pub(super) const IDEMPOTENT_KEY: &str = "rt_idempotent";

/// Gives an event what the mirror needs to match its answer and to restore it: an `event_id`, the id of a new item, a
/// metadata key in a `response.create` (`rt_req`, if there is room). What the user set stays. Appends of audio, which
/// have no answer, stay as they are. `next_id` makes a token that is unique in this process, of at most 24 characters.
pub(crate) fn prepare(event: &mut ClientEvent, next_id: &mut impl FnMut() -> String) {
    match event {
        ClientEvent::InputAudioBufferAppend(_)
        | ClientEvent::SessionInputAudioBufferAppend(_)
        | ClientEvent::Unknown(_) => return,
        ClientEvent::ConversationItemCreate(create) if create.item.id().is_none_or(str::is_empty) => {
            create.item.set_id(format!("item_{}", next_id()));
        }
        ClientEvent::ResponseCreate(create) => {
            let metadata = &mut create.response.or_default().metadata;
            mark(metadata, next_id);
        }
        _ => {}
    }
    if event.event_id().is_none() {
        event.set_event_id(format!("evt_{}", next_id()));
    }
}

fn mark(metadata: &mut Field<Metadata>, next_id: &mut impl FnMut() -> String) {
    let metadata = metadata.or_default();
    if metadata.len() < METADATA_PAIRS && !metadata.contains_key(REQUEST_KEY) {
        metadata.insert(REQUEST_KEY.to_owned(), next_id().into());
    }
}

/// What is kept of a client event until it is written. Audio is shared, not copied.
#[derive(Clone)]
pub(crate) struct Intent {
    /// None: an event the mirror has nothing to do with.
    pub(super) event: Option<ClientEvent>,
    event_id: Option<String>,
}

/// What shows that a command was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A server event, or an `error`: the mirror tells.
    Event,
    /// Nothing but that the peer has read it; an `error` with its `event_id` refuses it.
    Barrier,
}

/// Of an event that was [prepared](prepare).
impl From<ClientEvent> for Intent {
    fn from(event: ClientEvent) -> Self {
        if let ClientEvent::Unknown(unknown) = &event {
            return Self {
                event_id: unknown.event_id(),
                event: None,
            };
        }
        Self {
            event_id: event.event_id().map(str::to_owned),
            event: (!matches!(event, ClientEvent::OutputAudioBufferClear(_))).then_some(event),
        }
    }
}

impl Intent {
    #[cfg(test)]
    pub(crate) fn of(event: &ClientEvent) -> Self {
        event.clone().into()
    }

    /// The id by which an `error` refers to it.
    pub(crate) fn event_id(&self) -> Option<&str> {
        self.event_id.as_deref()
    }

    /// Whether it ends the session.
    pub(crate) fn ends_session(&self) -> bool {
        matches!(self.event, Some(ClientEvent::SessionClose(_)))
    }

    /// What shows that it was done.
    pub(crate) fn answer(&self) -> Answer {
        match &self.event {
            None
            | Some(ClientEvent::InputAudioBufferAppend(_) | ClientEvent::SessionInputAudioBufferAppend(_)) => {
                Answer::Barrier
            }
            Some(ClientEvent::ConversationItemCreate(create)) if create.item.id().is_none() => {
                Answer::Barrier
            }
            Some(_) => Answer::Event,
        }
    }
}

impl fmt::Debug for Intent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event_type = self.event.as_ref().map_or("other", ClientEvent::event_type);
        write!(f, "Intent({event_type})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(json: &str) -> String {
        let mut event = ClientEvent::from_json(json).unwrap();
        let mut n = 0;
        prepare(&mut event, &mut || {
            n += 1;
            n.to_string()
        });
        event.to_json()
    }

    #[test]
    fn what_is_missing_is_added() {
        for (json, expected) in [
            (
                r#"{"type":"input_audio_buffer.commit"}"#,
                r#"{"type":"input_audio_buffer.commit","event_id":"evt_1"}"#,
            ),
            (
                r#"{"type":"conversation.item.create","item":{"type":"function_call_output","call_id":"c","output":"o"}}"#,
                r#"{"type":"conversation.item.create","event_id":"evt_2","item":{"type":"function_call_output","id":"item_1","call_id":"c","output":"o"}}"#,
            ),
            (
                r#"{"type":"response.create"}"#,
                r#"{"type":"response.create","event_id":"evt_2","response":{"metadata":{"rt_req":"1"}}}"#,
            ),
            (
                r#"{"type":"response.create","response":{"metadata":{"a":"b"}}}"#,
                r#"{"type":"response.create","event_id":"evt_2","response":{"metadata":{"a":"b","rt_req":"1"}}}"#,
            ),
        ] {
            assert_eq!(prepared(json), expected);
        }
    }

    #[test]
    fn what_the_user_set_stays() {
        for json in [
            r#"{"type":"input_audio_buffer.append","audio":"AAAA"}"#,
            r#"{"type":"session.input_audio_buffer.append","audio":"AAAA"}"#,
            r#"{"type":"future.event","x":1}"#,
            r#"{"type":"input_audio_buffer.clear","event_id":"mine"}"#,
            r#"{"type":"conversation.item.create","event_id":"mine","item":{"type":"function_call_output","id":"i","call_id":"c","output":"o"}}"#,
            r#"{"type":"response.create","event_id":"mine","response":{"metadata":{"rt_req":"mine"}}}"#,
        ] {
            assert_eq!(prepared(json), json);
        }
    }

    #[test]
    fn full_metadata_is_left_alone() {
        let pairs = |n: usize| {
            (0..n)
                .map(|n| format!(r#""k{n:02}":"v""#))
                .collect::<Vec<_>>()
                .join(",")
        };
        let create = |n| {
            format!(
                r#"{{"type":"response.create","response":{{"metadata":{{{}}}}}}}"#,
                pairs(n)
            )
        };
        assert!(!prepared(&create(16)).contains("rt_req"));
        assert!(prepared(&create(15)).contains("rt_req"));
    }

    #[test]
    fn who_answers() {
        for (json, answer, id) in [
            (
                r#"{"type":"input_audio_buffer.append","audio":"AAAA"}"#,
                Answer::Barrier,
                None,
            ),
            (
                r#"{"type":"session.input_audio_buffer.append","audio":"AAAA","event_id":"a"}"#,
                Answer::Barrier,
                Some("a"),
            ),
            (
                r#"{"type":"output_audio_buffer.clear","event_id":"o"}"#,
                Answer::Barrier,
                Some("o"),
            ),
            (
                r#"{"type":"future.event","event_id":"f"}"#,
                Answer::Barrier,
                Some("f"),
            ),
            (
                r#"{"type":"conversation.item.create","item":{"type":"message"}}"#,
                Answer::Barrier,
                None,
            ),
            (
                r#"{"type":"conversation.item.create","item":{"type":"message","id":"i"}}"#,
                Answer::Event,
                None,
            ),
            (
                r#"{"type":"response.cancel","event_id":"c"}"#,
                Answer::Event,
                Some("c"),
            ),
        ] {
            let intent = Intent::of(&ClientEvent::from_json(json).unwrap());
            assert_eq!((intent.answer(), intent.event_id()), (answer, id), "{json}");
        }
    }

    #[test]
    fn debug_has_no_content() {
        let json = r#"{"type":"conversation.item.create","item":{"type":"message","content":[{"type":"input_text","text":"canary"}]}}"#;
        let intent = Intent::of(&ClientEvent::from_json(json).unwrap());
        assert_eq!(format!("{intent:?}"), "Intent(conversation.item.create)");
        let intent = Intent::of(&ClientEvent::from_json(r#"{"type":"x"}"#).unwrap());
        assert_eq!(format!("{intent:?}"), "Intent(other)");
    }
}
