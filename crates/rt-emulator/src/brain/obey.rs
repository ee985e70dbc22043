//! Messages of the client: read, checked and passed on to what obeys them.

use rt_protocol::limits::EVENT_ID_CHARS;
use rt_protocol::server_event::{ErrorDetails, ErrorEvent, SessionUpdated};
use rt_protocol::{ClientEvent, Field, ResponseParams, ServerEvent};
use serde_json::{Map, Value};

use super::failure::Failure;
use super::kinds::{name_of, takes};
use super::record::Command;
use super::{Brain, Output, validate};

/// The most outputs of calls that wait for the end of a response.
const MAX_DEFERRED: usize = 100;

impl Brain {
    /// Gives an event its id and sends it.
    pub(super) fn emit(&mut self, mut event: ServerEvent) {
        event.set_event_id(self.ids.event());
        self.out.push(Output::Event(event));
    }

    /// An id for an item that the conversation does not have: clients bring ids of other sessions along.
    pub(super) fn new_item_id(&mut self) -> String {
        loop {
            let id = self.ids.item();
            if self.conversation.position(&id).is_none() {
                return id;
            }
        }
    }

    /// An id for a call that the conversation does not have.
    pub(super) fn new_call_id(&mut self) -> String {
        loop {
            let id = self.ids.call();
            if !self.conversation.has_call(&id) {
                return id;
            }
        }
    }

    /// Sends an error about the event `event_id`.
    pub(super) fn fail(&mut self, failure: Failure, event_id: Field<String>) {
        let error = ErrorDetails {
            kind: "invalid_request_error".to_owned(),
            code: Field::or_null(failure.code),
            message: failure.message,
            param: Field::or_null(failure.param),
            event_id: event_id.or(Field::Null),
        };
        self.emit(ServerEvent::Error(
            ErrorEvent {
                error,
                ..Default::default()
            }
            .into(),
        ));
    }

    /// Reads, checks and obeys a message.
    pub(super) fn handle(&mut self, text: &str) {
        let parsed: Value = match serde_json::from_str(text) {
            Ok(value) => value,
            Err(_) => {
                let failure = Failure::new("invalid_json", "Could not parse message as JSON.");
                return self.fail(failure, Field::Null);
            }
        };
        let Value::Object(object) = parsed else {
            return self.fail(
                Failure::new("invalid_event", "The message is not a JSON object."),
                Field::Null,
            );
        };
        let event_id: Field<String> = Field::or_null(
            object
                .get("event_id")
                .and_then(Value::as_str)
                .map(|id| id.chars().take(EVENT_ID_CHARS).collect()),
        );
        let mut command = Command::new(&object, event_id.value().cloned(), self.now);
        let before = self.out.len();
        self.handle_object(object, text, event_id);
        command.refused = self.out[before..].iter().find_map(|output| match output {
            // What waited for the end of a response may be refused in the same breath.
            Output::Event(ServerEvent::Error(error))
                if error.error.event_id.value() == command.event_id.as_ref() =>
            {
                let error = &error.error;
                Some(error.code.value().unwrap_or(&error.kind).clone())
            }
            _ => None,
        });
        self.record.command(command);
    }

    /// Checks and obeys a message that is an object.
    fn handle_object(&mut self, object: Map<String, Value>, text: &str, event_id: Field<String>) {
        let translated = if self.speaks_beta() {
            match self.read_beta(&object, text) {
                Ok(translated) => translated,
                Err(failure) => return self.fail(failure, event_id),
            }
        } else {
            None
        };
        let text = translated.as_deref().unwrap_or(text);
        let object = match translated.as_deref().map(serde_json::from_str) {
            Some(Ok(translated)) => translated,
            _ => object,
        };
        let event_type = match validate::check(self.session.kind(), &object) {
            Ok(event_type) => event_type,
            Err(failure) => return self.fail(failure, event_id),
        };
        drop(object);
        let result = match ClientEvent::from_json_for(self.session.kind(), text) {
            Ok(event) => self.obey(event, &event_id),
            Err(_) if event_type.ends_with("input_audio_buffer.append") => {
                let message =
                    "Invalid 'audio'. Expected base64-encoded audio bytes but got an invalid value.";
                Err(Failure::new("invalid_value", message).param("audio"))
            }
            Err(_) => Err(Failure::new(
                "invalid_value",
                format!("The '{event_type}' event is not valid."),
            )),
        };
        if let Err(failure) = result {
            self.fail(failure, event_id);
        }
    }

    /// Does what a checked event asks for.
    pub(super) fn obey(&mut self, event: ClientEvent, event_id: &Field<String>) -> Result<(), Failure> {
        let kind = self.session.kind();
        let refuse = |event_type: &str| {
            let message = format!("'{event_type}' is not available in a {} session.", name_of(kind));
            Err(Failure::new("invalid_value", message).param("type"))
        };
        if !takes(kind, event.event_type()) {
            return refuse(event.event_type());
        }
        match event {
            ClientEvent::SessionInputAudioBufferAppend(append) => self.translate(append.audio.as_bytes()),
            ClientEvent::SessionClose(_) => {
                self.close_translation();
                Ok(())
            }
            ClientEvent::SessionUpdate(update) => self.update_session(update.session),
            ClientEvent::InputAudioBufferAppend(append) => self.append(append.audio.as_bytes()),
            ClientEvent::InputAudioBufferCommit(_) => self.commit(),
            ClientEvent::InputAudioBufferClear(_) => {
                self.clear_input();
                Ok(())
            }
            ClientEvent::ConversationItemCreate(create) => {
                if self.must_wait(&create.item) {
                    if self.deferred.len() >= MAX_DEFERRED {
                        let message = "Too many outputs of function calls wait for the end of the response.";
                        return Err(Failure::new("conversation_too_long", message));
                    }
                    self.deferred
                        .push_back((ClientEvent::ConversationItemCreate(create), event_id.clone()));
                    return Ok(());
                }
                self.create_item(*create)
            }
            ClientEvent::ConversationItemDelete(delete) => self.delete_item(delete.item_id),
            ClientEvent::ConversationItemRetrieve(retrieve) => self.retrieve_item(&retrieve.item_id),
            ClientEvent::ConversationItemTruncate(truncate) => self.truncate_item(truncate),
            ClientEvent::ResponseCreate(create) => match create.response {
                Field::Value(params) => self.create_response(&params),
                Field::Absent | Field::Null => self.create_response(&ResponseParams::default()),
            },
            ClientEvent::ResponseCancel(cancel) => self.cancel_response(cancel.response_id.as_deref()),
            other => refuse(other.event_type()),
        }
    }

    /// `session.update`.
    pub(super) fn update_session(&mut self, update: rt_protocol::Session) -> Result<(), Failure> {
        self.session.update(update, self.spoke)?;
        self.input
            .configure(self.session.input_format(), self.session.turns());
        // Without speech there is no turn: turn detection was turned off, or a new format emptied the buffer.
        if !self.input.is_speaking() {
            self.turn = None;
        }
        if self.session.turns().is_none() {
            self.idle_at = None;
        }
        let session = self.session.to_wire();
        self.emit(ServerEvent::SessionUpdated(
            SessionUpdated {
                session,
                ..Default::default()
            }
            .into(),
        ));
        Ok(())
    }
}
