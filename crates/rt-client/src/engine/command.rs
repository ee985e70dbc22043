//! [`Command`]: what the application asks of the session.

use std::time::Duration;

use rt_protocol::client_event::{
    ConversationItemCreate, ConversationItemDelete, ConversationItemRetrieve, InputAudioBufferCommit,
};
use rt_protocol::{ClientEvent, Field, Item, ResponseParams, Text};

use super::acks::Wanted;
use super::responses::Origin;
use super::{Engine, Output, Ticket};
use crate::error::{Error, ErrorKind};

/// What the application asks of the session.
#[derive(Debug)]
pub(crate) enum Command {
    /// Asks for a response.
    Respond {
        reply: Ticket,
        params: Option<Box<ResponseParams>>,
    },
    /// Adds an item and asks for a response.
    Say {
        reply: Ticket,
        item: Box<Item>,
    },
    /// Ends the turn of the user, and asks for a response if there is a ticket for it.
    Commit {
        ack: Ticket,
        reply: Option<Ticket>,
    },
    /// Adds an item.
    Insert {
        ack: Ticket,
        item: Box<Item>,
        after: Option<String>,
    },
    Delete {
        ack: Ticket,
        item_id: String,
    },
    Retrieve {
        ack: Ticket,
        item_id: String,
    },
    /// Stops the model.
    Interrupt,
    /// Waits for the response under way, or the next one.
    Watch {
        reply: Ticket,
    },
    /// Nobody waits for this reply any more.
    Abandon {
        reply: Ticket,
    },
    /// Answers a call.
    Answer {
        call_id: String,
        output: Text,
    },
    /// Approves a call, or not.
    Approve {
        call_id: String,
        approve: bool,
    },
    /// Approves a call the service makes itself, or not.
    ApproveMcp {
        request_id: String,
        approve: bool,
    },
    /// An event the engine has a say in.
    Raw(ClientEvent),
}

impl Engine {
    /// The application asks for something.
    pub(crate) fn command(&mut self, now: Duration, command: Command) {
        self.now = now;
        match command {
            Command::Respond { reply, params } => self.request(Origin::Manual, params, Some(reply)),
            Command::Say { reply, item } => {
                let event_id = self.ids.next("say");
                let create = ClientEvent::from(ConversationItemCreate::new(*item));
                self.out
                    .push(Output::Send(create.with_event_id(event_id.as_str())));
                self.request_answer(event_id, reply);
            }
            Command::Commit { ack, reply } => {
                let event_id = self.ids.next("commit");
                self.acks.expect(event_id.clone(), ack, Wanted::Committed, now);
                let commit = ClientEvent::from(InputAudioBufferCommit::default());
                self.out
                    .push(Output::Send(commit.with_event_id(event_id.as_str())));
                self.stopwatch.speech_ended(now);
                if let Some(reply) = reply {
                    self.request_answer(event_id, reply);
                }
            }
            Command::Insert { ack, mut item, after } => {
                let id = match item.id() {
                    Some(id) if !id.is_empty() => id.to_owned(),
                    _ => {
                        let id = self.ids.next("item");
                        item.set_id(id.as_str());
                        id
                    }
                };
                let mut create = ConversationItemCreate::new(*item);
                create.previous_item_id = after.into();
                self.edit(ack, Wanted::Added(id), create.into());
            }
            Command::Delete { ack, item_id } => {
                let event = ConversationItemDelete::new(item_id.as_str()).into();
                self.edit(ack, Wanted::Deleted(item_id), event);
            }
            Command::Retrieve { ack, item_id } => {
                let event = ConversationItemRetrieve::new(item_id.as_str()).into();
                self.edit(ack, Wanted::Retrieved(item_id), event);
            }
            Command::Interrupt => self.interrupt(false),
            Command::Watch { reply } => {
                let playback = &self.playback;
                let is_stopped = |id: &str| playback.is_suppressed(id);
                if let Some(response_id) = self.responses.watch(reply, is_stopped, now) {
                    let began = crate::reply::ReplyUpdate::Began(response_id);
                    self.out.push(Output::Reply(reply, began));
                }
            }
            Command::Abandon { reply } => {
                self.responses.abandon(reply);
                self.follows.abandon(reply);
            }
            Command::Answer { call_id, output } => {
                if !self.tools.finished(&call_id, Ok(output), &mut self.ids, now) {
                    self.unknown_call(&call_id);
                }
            }
            Command::Approve { call_id, approve } => {
                if !self.tools.approve(&call_id, approve, &mut self.ids, now) {
                    self.unknown_call(&call_id);
                }
            }
            Command::ApproveMcp { request_id, approve } => {
                match self.mcp.answer(&request_id, approve, &mut self.ids) {
                    Some(event) => self.out.push(Output::Send(event)),
                    None => self.unknown_call(&request_id),
                }
            }
            Command::Raw(event) => self.raw(event),
        }
        self.settle();
    }

    fn edit(&mut self, ack: Ticket, wanted: Wanted, event: ClientEvent) {
        let event_id = self.ids.next("edit");
        self.acks.expect(event_id.clone(), ack, wanted, self.now);
        self.out.push(Output::Send(event.with_event_id(event_id)));
    }

    fn unknown_call(&mut self, call_id: &str) {
        let message =
            format!("the call {call_id} does not wait for this: it is not known, or was answered before");
        self.report(Error::new(ErrorKind::Tool, message));
    }

    /// An event of the application's own, which goes the same ways as the session's.
    fn raw(&mut self, event: ClientEvent) {
        match event {
            ClientEvent::ResponseCreate(create) => {
                let key = create.event_id.into_value().filter(|id| !id.is_empty());
                let params = create.response.into_value();
                self.responses.request_as(key, &mut self.ids, params, self.now);
            }
            ClientEvent::ResponseCancel(cancel)
                if cancel
                    .response_id
                    .as_deref()
                    .is_none_or(|id| self.responses.active() == Some(id)) =>
            {
                self.responses.cancel(&mut self.ids, self.now, false);
                if let Some(event_id) = cancel.event_id.into_value().filter(|id| !id.is_empty()) {
                    self.responses.name_cancel(event_id);
                }
            }
            ClientEvent::ConversationItemTruncate(mut truncate) => {
                let Some(most) = self
                    .playback
                    .truncatable(&truncate.item_id, truncate.content_index)
                else {
                    let message = format!(
                        "{} has no audio of the model in this connection: it cannot be truncated",
                        truncate.item_id
                    );
                    return self.report(Error::new(ErrorKind::InvalidEvent, message));
                };
                truncate.audio_end_ms = truncate.audio_end_ms.min(most);
                self.playback
                    .note_cut(&truncate.item_id, truncate.content_index, truncate.audio_end_ms);
                self.out.push(Output::Send(truncate.into()));
            }
            other => {
                if let ClientEvent::ConversationItemCreate(create) = &other
                    && let Item::FunctionCallOutput(output) = &create.item
                {
                    self.tools.answered_by_item(&output.call_id);
                }
                self.out.push(Output::Send(other));
            }
        }
    }

    /// A send was not possible after all: nobody will answer it.
    pub(crate) fn send_failed(&mut self, now: Duration, event_id: &Field<String>, error: &Error) {
        self.now = now;
        let details = rt_protocol::server_event::ErrorDetails {
            kind: "not_sent".to_owned(),
            message: error.to_string(),
            event_id: event_id.clone(),
            ..Default::default()
        };
        if !self.claim(&details, error) {
            self.report(error.clone());
        }
        self.settle();
    }
}
