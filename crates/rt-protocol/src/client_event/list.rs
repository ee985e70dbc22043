//! [`ClientEvent`]: the list of its events.

use super::{
    ConversationItemCreate, ConversationItemDelete, ConversationItemRetrieve, ConversationItemTruncate,
    InputAudioBufferAppend, InputAudioBufferClear, InputAudioBufferCommit, OutputAudioBufferClear,
    ResponseCancel, ResponseCreate, SessionClose, SessionInputAudioBufferAppend, SessionUpdate,
};
use crate::b64::{Out, text_len};
use crate::events::event_enum;
use crate::session::SessionKind;
use crate::{AudioBytes, DecodeError, Field};

event_enum! {
    /// An event to the server.
    ///
    /// ```
    /// use rt_protocol::{ClientEvent, Item, client_event::ConversationItemCreate};
    /// let event = ClientEvent::from(ConversationItemCreate {
    ///     item: Item::user_text("Hello"),
    ///     ..Default::default()
    /// });
    /// assert_eq!(
    ///     event.to_json(),
    ///     r#"{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_text","text":"Hello"}]}}"#,
    /// );
    /// ```
    pub enum ClientEvent, fast path crate::events::no_fast_path {
        /// Change the session. Absent fields stay as they are. Answered by `session.updated`, or `error` and nothing is changed.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-client-events/session/update)
        SessionUpdate(Box<SessionUpdate>) = "session.update",
        /// End a translation session after what is under way.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-client-events/session/close)
        SessionClose(SessionClose) = "session.close",
        /// Append audio to the input buffer: at most 15 MiB. There is no answer.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-client-events/input_audio_buffer/append)
        InputAudioBufferAppend(InputAudioBufferAppend) = "input_audio_buffer.append",
        /// Make the buffer an item of the user. Answered by `input_audio_buffer.committed`.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-client-events/input_audio_buffer/commit)
        InputAudioBufferCommit(InputAudioBufferCommit) = "input_audio_buffer.commit",
        /// Empty the buffer. Answered by `input_audio_buffer.cleared`.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-client-events/input_audio_buffer/clear)
        InputAudioBufferClear(InputAudioBufferClear) = "input_audio_buffer.clear",
        /// Stop playing and cancel the response (WebRTC and SIP only; a WebSocket server refuses it).
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-client-events/output_audio_buffer/clear)
        OutputAudioBufferClear(OutputAudioBufferClear) = "output_audio_buffer.clear",
        /// Append audio to a translation session: PCM16 at 24 kHz, best in pieces of 200 ms, silence included.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-client-events/session/input_audio_buffer/append)
        SessionInputAudioBufferAppend(SessionInputAudioBufferAppend) = "session.input_audio_buffer.append",
        /// Add an item. Answered by `conversation.item.added` and `conversation.item.done`.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-client-events/conversation/item/create)
        ConversationItemCreate(Box<ConversationItemCreate>) = "conversation.item.create",
        /// Ask for an item as the server has it, audio included. Answered by `conversation.item.retrieved`.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-client-events/conversation/item/retrieve)
        ConversationItemRetrieve(ConversationItemRetrieve) = "conversation.item.retrieve",
        /// Delete an item. Answered by `conversation.item.deleted`.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-client-events/conversation/item/delete)
        ConversationItemDelete(ConversationItemDelete) = "conversation.item.delete",
        /// Cut audio of the model to what the user heard. Answered by `conversation.item.truncated`; refused past the end of the audio.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-client-events/conversation/item/truncate)
        ConversationItemTruncate(ConversationItemTruncate) = "conversation.item.truncate",
        /// Ask for a response. Refused while another one of the conversation is active.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-client-events/response/create)
        ResponseCreate(ResponseCreate) = "response.create",
        /// Stop a response. Answered by `response.done` with status `cancelled`.
        ///
        /// [Reference](https://platform.openai.com/docs/api-reference/realtime-client-events/response/cancel)
        ResponseCancel(ResponseCancel) = "response.cancel",
    }
}

impl ClientEvent {
    /// The event as JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        if let Some(append) = Append::of(self) {
            let mut json = String::with_capacity(append.len());
            append.write(&mut json);
            return json;
        }
        match self {
            Self::Unknown(event) => event.raw.clone(),
            event => crate::events::to_json(event),
        }
    }

    /// Appends the event's JSON text to `out`: what [`to_json`](Self::to_json) gives, in UTF-8. Audio becomes base64 where it
    /// is to be.
    ///
    /// ```
    /// use rt_protocol::{ClientEvent, client_event::InputAudioBufferAppend};
    /// let event = ClientEvent::from(InputAudioBufferAppend::new(vec![1, 2, 3]));
    /// let mut message = Vec::new();
    /// event.write_json(&mut message);
    /// assert_eq!(message, br#"{"type":"input_audio_buffer.append","audio":"AQID"}"#);
    /// ```
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match Append::of(self) {
            Some(append) => {
                out.reserve(append.len());
                append.write(out);
            }
            None => out.extend_from_slice(self.to_json().as_bytes()),
        }
    }

    /// Reads a message from a client of the given kind of endpoint, as a server does.
    ///
    /// It is [`from_json`](Self::from_json), except that in the `session.update` of a translation a session without
    /// `type` is a [`TranslationSession`](crate::session::TranslationSession): that endpoint's clients send none.
    /// Elsewhere such a session stays [`Session::Unknown`](crate::Session::Unknown): it is of the beta dialect, or
    /// a mistake.
    ///
    /// The other direction needs no kind: [`to_json`](Self::to_json) never writes the `type` of a translation, and
    /// always that of the others. So what was written is read again by this, not by `from_json`.
    ///
    /// ```
    /// use rt_protocol::{ClientEvent, Session, session::SessionKind};
    /// let json = r#"{"type":"session.update","session":{"audio":{"output":{"language":"es"}}}}"#;
    /// let ClientEvent::SessionUpdate(update) = ClientEvent::from_json_for(SessionKind::Translation, json)? else {
    ///     unreachable!()
    /// };
    /// assert!(matches!(update.session, Session::Translation(_)));
    /// assert_eq!(ClientEvent::from(*update).to_json(), json);
    /// # Ok::<(), rt_protocol::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json).
    pub fn from_json_for(kind: SessionKind, json: &str) -> Result<Self, DecodeError> {
        const NAME: &str = "session.update";
        let untyped = kind == SessionKind::Translation
            && crate::peek::peek_type(json).is_some_and(|name| name.trim() == NAME);
        if !untyped {
            return Self::from_json(json);
        }
        SessionUpdate::from_translation(NAME, json).map(Into::into)
    }

    /// The event with an id of your choice, at most 512 characters. An `error` that it causes names it.
    #[must_use]
    pub fn with_event_id(mut self, id: impl Into<String>) -> Self {
        self.set_event_id(id);
        self
    }
}

/// An append, which is written without serde, into one buffer of the right size: nine tenths of what a client sends.
struct Append<'a> {
    event_type: &'static str,
    event_id: &'a Field<String>,
    audio: &'a AudioBytes,
}

impl<'a> Append<'a> {
    fn of(event: &'a ClientEvent) -> Option<Self> {
        let (event_type, event_id, audio) = match event {
            ClientEvent::InputAudioBufferAppend(event) => {
                ("input_audio_buffer.append", &event.event_id, &event.audio)
            }
            ClientEvent::SessionInputAudioBufferAppend(event) => {
                ("session.input_audio_buffer.append", &event.event_id, &event.audio)
            }
            _ => return None,
        };
        Some(Self {
            event_type,
            event_id,
            audio,
        })
    }

    /// About how long it is; with an `event_id`, longer.
    fn len(&self) -> usize {
        text_len(self.audio.as_bytes()) + 64 + self.event_type.len()
    }

    fn write(&self, out: &mut impl Out) {
        out.text("{\"type\":\"");
        out.text(self.event_type);
        out.text("\"");
        match self.event_id {
            Field::Absent => {}
            Field::Null => out.text(",\"event_id\":null"),
            Field::Value(id) => {
                out.text(",\"event_id\":");
                out.text(&serde_json::Value::from(id.as_str()).to_string());
            }
        }
        out.text(",\"audio\":\"");
        self.audio.encode_into(out);
        out.text("\"}");
    }
}

macro_rules! from_payload {
    ($($Variant:ident($Payload:ident)),* $(,)?) => {$(
        impl From<$Payload> for ClientEvent {
            fn from(event: $Payload) -> Self {
                Self::$Variant(event.into())
            }
        }
    )*};
}

from_payload! {
    SessionUpdate(SessionUpdate),
    SessionClose(SessionClose),
    InputAudioBufferAppend(InputAudioBufferAppend),
    InputAudioBufferCommit(InputAudioBufferCommit),
    InputAudioBufferClear(InputAudioBufferClear),
    OutputAudioBufferClear(OutputAudioBufferClear),
    SessionInputAudioBufferAppend(SessionInputAudioBufferAppend),
    ConversationItemCreate(ConversationItemCreate),
    ConversationItemRetrieve(ConversationItemRetrieve),
    ConversationItemDelete(ConversationItemDelete),
    ConversationItemTruncate(ConversationItemTruncate),
    ResponseCreate(ResponseCreate),
    ResponseCancel(ResponseCancel),
}
