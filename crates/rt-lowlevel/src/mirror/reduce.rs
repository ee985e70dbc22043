//! Server events.

use rt_protocol::server_event::{ErrorDetails, InputAudioBufferCommitted};
use rt_protocol::session::SessionKind;
use rt_protocol::{Field, Item, Response, ServerEvent};

use super::commands::{Command, Kind};
use super::items::{Body, Entry, Given, Place};
use super::plan::DUPLICATE_ITEM;
use super::responses::{Answered, was_cancelled};
use super::{Mirror, Reduced, Verdict};

impl Mirror {
    /// The server sent this, on the open session.
    pub(crate) fn server(&mut self, event: &ServerEvent) -> Reduced {
        let mut reduced = Reduced::default();
        match event {
            // The frequent ones first: they settle nothing.
            ServerEvent::ResponseOutputAudioDelta(event) => {
                let format = self.settings.derived().output;
                if let Some(part) = self.items.part(&event.item_id, event.content_index) {
                    part.push_audio(event.delta.len(), format);
                }
            }
            ServerEvent::ResponseOutputAudioTranscriptDelta(event) => {
                if let Some(part) = self.items.part(&event.item_id, event.content_index) {
                    part.push_transcript(&event.delta);
                }
            }
            ServerEvent::ResponseOutputTextDelta(event) => {
                if let Some(part) = self.items.part(&event.item_id, event.content_index) {
                    part.push_text(&event.delta);
                }
            }
            ServerEvent::ResponseOutputAudioTranscriptDone(event) => {
                if let Some(part) = self.items.part(&event.item_id, event.content_index) {
                    part.set_text(&event.transcript, true);
                }
            }
            ServerEvent::ResponseOutputTextDone(event) => {
                if let Some(part) = self.items.part(&event.item_id, event.content_index) {
                    part.set_text(&event.text, false);
                }
            }
            ServerEvent::SessionCreated(event) => {
                self.learn_kind(event.session.kind());
                self.settings.reported(&event.session);
            }
            ServerEvent::SessionUpdated(event) => {
                let answered = self.answered(&mut reduced, |command| command.kind == Kind::Update);
                if answered {
                    self.settings.acknowledged(&event.session);
                } else {
                    self.settings.reported(&event.session);
                }
            }
            ServerEvent::SessionClosed(_) => {
                self.answered(&mut reduced, |command| command.kind == Kind::Close);
            }
            ServerEvent::Error(event) => self.refused(&event.error, &mut reduced),
            ServerEvent::ConversationItemCreated(event) => {
                self.added(&event.item, &event.previous_item_id, &mut reduced);
            }
            ServerEvent::ConversationItemAdded(event) => {
                self.added(&event.item, &event.previous_item_id, &mut reduced);
            }
            ServerEvent::ConversationItemDone(event) => {
                // Its previous_item_id is not reliable.
                self.items.done(&event.item, &mut self.pace);
                self.created(&event.item, &mut reduced);
            }
            ServerEvent::ConversationItemRetrieved(event) => {
                let id = event.item.id();
                self.answered(&mut reduced, |command| match &command.kind {
                    Kind::Retrieve { id: asked } => Some(&**asked) == id,
                    _ => false,
                });
            }
            ServerEvent::ConversationItemDeleted(event) => {
                if self.items.remove(&event.item_id).is_none() {
                    self.folded.forget(&event.item_id);
                }
                self.answered(&mut reduced, |command| match &command.kind {
                    Kind::Delete { id } => *id == event.item_id,
                    _ => false,
                });
            }
            ServerEvent::ConversationItemTruncated(event) => {
                self.cut(&event.item_id, event.content_index, event.audio_end_ms);
                self.answered(&mut reduced, |command| match &command.kind {
                    Kind::Truncate {
                        id, content_index, ..
                    } => *id == event.item_id && *content_index == event.content_index,
                    _ => false,
                });
            }
            ServerEvent::ConversationItemInputAudioTranscriptionCompleted(event) => {
                self.transcribed(&event.item_id, event.content_index, Some(&event.transcript));
            }
            ServerEvent::ConversationItemInputAudioTranscriptionFailed(event) => {
                self.transcribed(&event.item_id, event.content_index, None);
            }
            ServerEvent::InputAudioBufferSpeechStarted(event) => {
                self.tape.speech_started(&event.item_id, event.audio_start_ms);
            }
            ServerEvent::InputAudioBufferSpeechStopped(event) => {
                self.tape.speech_stopped(&event.item_id, None, event.audio_end_ms);
            }
            ServerEvent::InputAudioBufferTimeoutTriggered(event) => {
                let start = Some(event.audio_start_ms);
                self.tape
                    .speech_stopped(&event.item_id, start, event.audio_end_ms);
            }
            ServerEvent::InputAudioBufferCommitted(event) => self.committed(event, &mut reduced),
            ServerEvent::InputAudioBufferCleared(_) => {
                self.tape.cleared();
                self.answered(&mut reduced, |command| command.kind == Kind::Clear);
            }
            ServerEvent::ResponseCreated(event) => {
                let request = self.responses.created(&event.response, &mut self.tape);
                self.requested(request, &mut reduced);
            }
            ServerEvent::ResponseDone(event) => self.response_done(&event.response, &mut reduced),
            ServerEvent::ResponseOutputItemAdded(event) => {
                if let Some(id) = event.item.id() {
                    self.responses.item(&event.response_id, id);
                }
            }
            ServerEvent::ResponseOutputItemDone(event) => self.items.done(&event.item, &mut self.pace),
            ServerEvent::ResponseFunctionCallArgumentsDone(event) => {
                if let Some(Body::Call(call)) =
                    self.items.get_mut(&event.item_id).map(|entry| &mut entry.body)
                {
                    call.call.arguments.clone_from(&event.arguments);
                    call.whole = true;
                }
            }
            _ => {}
        }
        reduced
    }

    /// Settles the oldest command that `by` holds for.
    fn answered(&mut self, reduced: &mut Reduced, by: impl Fn(&Command) -> bool) -> bool {
        let Some(command) = self.commands.answered(by) else {
            return false;
        };
        reduced.settle(command.seq, Verdict::Acknowledged);
        true
    }

    fn added(&mut self, item: &Item, previous: &Field<String>, reduced: &mut Reduced) {
        if !item.id().is_some_and(|id| self.fell_out(id)) {
            self.items
                .added(item, Place::told(previous), self.settings.derived().input);
        }
        self.created(item, reduced);
        self.bound();
    }

    /// Whether this item is not remembered any more: news of it do not bring it back.
    fn fell_out(&self, id: &str) -> bool {
        self.items.position(id).is_none() && self.folded.has(id)
    }

    /// The session has this item.
    fn created(&mut self, item: &Item, reduced: &mut Reduced) {
        let Some(id) = item.id() else { return };
        if let Some(entry) = self.items.get_mut(id) {
            entry.on_session = true;
            entry.created_by = None;
        } else {
            self.folded.created(id);
        }
        reduced.hidden = self.own_items.iter().any(|own| own == id);
        self.answered(reduced, |command| match &command.kind {
            Kind::Create { id: created, .. } => created == id,
            _ => false,
        });
    }

    fn transcribed(&mut self, id: &str, content_index: u32, transcript: Option<&str>) {
        if self.kind == SessionKind::Transcription {
            // It is told, and nothing else is of use.
            self.items.remove(id);
        } else {
            self.items.transcribed(id, content_index, transcript);
        }
    }

    fn committed(&mut self, event: &InputAudioBufferCommitted, reduced: &mut Reduced) {
        let derived = self.settings.derived();
        let (audio, commit) = self.tape.committed(&event.item_id);
        reduced.read = audio.read;
        if commit.is_some() {
            self.answered(reduced, |command| command.kind == Kind::Commit);
        } else if derived.auto_response {
            self.responses.expect();
            self.answering = Some(event.item_id.clone());
        }
        let place = Place::told(&event.previous_item_id);
        if self.items.position(&event.item_id).is_none() && !event.item_id.is_empty() {
            let given = Given::turn(audio.pieces, audio.format, audio.by_client);
            self.items
                .insert(Entry::new(&event.item_id, Body::Message(given)), place);
        }
        self.items.settle(&event.item_id, place);
        if let Some(entry) = self.items.get_mut(&event.item_id) {
            entry.on_session = true;
        }
        self.bound();
    }

    /// A response was created for this request.
    fn requested(&mut self, request: Option<Answered>, reduced: &mut Reduced) {
        if let Some(Answered { event_id }) = request {
            self.answered(reduced, |command| {
                command.kind == Kind::Respond && command.event_id == event_id
            });
        }
    }

    fn response_done(&mut self, response: &Response, reduced: &mut Reduced) {
        let request = self.responses.done(response, &mut self.tape);
        self.requested(request, reduced);
        for item in response.output.value().into_iter().flatten() {
            self.items.done(item, &mut self.pace);
        }
        if was_cancelled(response) {
            let id = response.id.as_deref();
            self.answered(reduced, |command| match &command.kind {
                Kind::Cancel { response_id } => response_id.is_none() || response_id.as_deref() == id,
                _ => false,
            });
        }
    }

    fn refused(&mut self, error: &ErrorDetails, reduced: &mut Reduced) {
        let Some(command) = self.commands.refused(error) else {
            return;
        };
        let mut verdict = Verdict::Rejected;
        match &command.kind {
            Kind::Create { id, fresh } => {
                if error.is(DUPLICATE_ITEM) {
                    // What was asked for is so.
                    verdict = Verdict::Acknowledged;
                    if let Some(entry) = self.items.get_mut(id) {
                        entry.on_session = true;
                        entry.created_by = None;
                    } else {
                        self.folded.created(id);
                    }
                } else if (*fresh || command.seq.is_none()) && self.items.remove(id).is_none() {
                    self.folded.forget(id);
                }
            }
            Kind::Truncate {
                id,
                content_index,
                audio_end_ms,
            } => {
                if let Some(part) = self.items.part(id, *content_index) {
                    part.uncut(*audio_end_ms);
                }
            }
            Kind::Update => self.settings.rejected(command.seq),
            Kind::Commit => self.tape.remove_commit(command.event_id.as_deref()),
            Kind::Respond => {
                let id = command.event_id.as_deref();
                self.tape
                    .take_request(|request| request.event.event_id.as_deref() == id);
            }
            Kind::Retrieve { .. } | Kind::Delete { .. } | Kind::Clear | Kind::Cancel { .. } | Kind::Close => {
            }
        }
        reduced.hidden = command.seq.is_none();
        reduced.settle(command.seq, verdict);
    }
}

impl Reduced {
    fn settle(&mut self, seq: Option<u64>, verdict: Verdict) {
        self.settled.extend(seq.map(|seq| (seq, verdict)));
    }
}
