//! What the events of the server mean to a session.

use std::sync::Arc;
use std::time::Duration;

use rt_protocol::item::ContentKind;
use rt_protocol::response::{ResponseStatus, StatusReason};
use rt_protocol::server_event::{
    ErrorDetails, ResponseMcpCallCompleted, ResponseMcpCallFailed, ResponseOutputAudioDelta,
};
use rt_protocol::{Field, Item, Response, ServerEvent, Text};

use super::acks::{Acked, Wanted};
use super::responses::Origin;
use super::{Engine, Output};
use crate::error::Error;
use crate::event::{Audio, Event, Turn};
use crate::history::{HistoryChange, HistoryKind, HistoryState};
use crate::reply::{ReplyStatus, ReplyUpdate};
use crate::transcript::{Speaker, Transcript};
use crate::usage::Usage;

/// Where a delta belongs.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) response_id: &'a str,
    pub(super) item_id: &'a str,
    pub(super) content_index: u32,
}

/// The place of an event of a response.
macro_rules! place {
    ($event:expr) => {
        Place {
            response_id: &$event.response_id,
            item_id: &$event.item_id,
            content_index: $event.content_index,
        }
    };
}

impl Engine {
    /// An event of the server.
    pub(crate) fn server(&mut self, now: Duration, event: &Arc<ServerEvent>) {
        self.now = now;
        self.tell(Event::Server(Arc::clone(event)));
        if self.guards.is_empty() {
            self.apply(event);
        } else {
            self.admit(event);
        }
        self.settle();
    }

    pub(super) fn apply(&mut self, event: &ServerEvent) {
        use ServerEvent as E;
        match event {
            E::SessionCreated(event) => self.note_session(&event.session),
            E::SessionUpdated(event) => self.note_session(&event.session),
            E::Error(event) => {
                let error = Error::refused("a request", &event.error);
                if !self.claim(&event.error, &error) {
                    self.report(error);
                }
            }
            E::ResponseCreated(event) => self.created(&event.response),
            E::ResponseOutputItemAdded(event) => {
                if let Item::McpCall(call) = &event.item
                    && let Some(id) = call.id.as_deref()
                {
                    self.mcp.began(id, Some(&event.response_id), self.now);
                    self.tools.wait_for(self.mcp.busy());
                }
                if let Some(id) = event.item.id() {
                    let (id, item) = (id.to_owned(), Box::new(event.item.clone()));
                    self.reply(&event.response_id, |_| ReplyUpdate::Item {
                        id: id.clone(),
                        item: item.clone(),
                    });
                }
            }
            E::ResponseContentPartAdded(event) => {
                let kind = event.part.kind.value();
                if matches!(kind, Some(ContentKind::Audio | ContentKind::OutputAudio)) {
                    let outside = || self.responses.is_outside(&event.response_id);
                    self.playback
                        .begin(&event.response_id, &event.item_id, event.content_index, outside);
                }
            }
            E::ResponseOutputAudioDelta(event) => self.audio(event),
            E::ResponseOutputAudioTranscriptDelta(event) => self.piece(place!(event), &event.delta, true),
            E::ResponseOutputTextDelta(event) => self.piece(place!(event), &event.delta, false),
            E::ResponseOutputAudioTranscriptDone(event) => self.whole(place!(event), &event.transcript, true),
            E::ResponseOutputTextDone(event) => self.whole(place!(event), &event.text, false),
            E::ResponseOutputAudioDone(event) => {
                self.playback.part_done(&event.item_id, event.content_index);
            }
            E::ResponseContentPartDone(event) => {
                self.playback.part_done(&event.item_id, event.content_index);
                let (id, content_index) = (event.item_id.clone(), event.content_index);
                self.reply(&event.response_id, |_| ReplyUpdate::PartDone {
                    id: id.clone(),
                    content_index,
                });
            }
            E::ResponseOutputItemDone(event) => self.output_done(&event.response_id, &event.item),
            E::ResponseDone(event) => self.done(&event.response),
            _ => self.apply_conversation(event),
        }
    }

    fn apply_conversation(&mut self, event: &ServerEvent) {
        use ServerEvent as E;
        match event {
            E::ConversationItemCreated(event) => self.item(&event.item, &event.previous_item_id),
            E::ConversationItemAdded(event) => self.item(&event.item, &event.previous_item_id),
            E::ConversationItemDone(event) => self.item(&event.item, &event.previous_item_id),
            E::ConversationItemRetrieved(event) => {
                let wanted = Wanted::Retrieved(event.item.id().unwrap_or_default().to_owned());
                let answer = self
                    .acks
                    .acknowledged(&wanted, || Acked::Whole(Box::new(event.item.clone())));
                self.answer(answer);
            }
            E::ConversationItemDeleted(event) => {
                self.playback.deleted(&event.item_id);
                self.cuts.confirmed(&event.item_id);
                self.lines.forget(&event.item_id);
                self.spoken.forget(&event.item_id);
                let change = self.history.removed(&event.item_id);
                self.tell_history(change);
                self.acknowledge(&Wanted::Deleted(event.item_id.clone()), &event.item_id);
            }
            E::ConversationItemTruncated(event) => {
                self.cuts.confirmed(&event.item_id);
                let (item_id, content_index) = (&event.item_id, event.content_index);
                let cut = self
                    .playback
                    .cut_by_server(item_id, content_index, event.audio_end_ms);
                match cut {
                    Some(cut) => self.cut(vec![cut]),
                    None => self.truncated(item_id, content_index, event.audio_end_ms),
                }
            }
            E::OutputAudioBufferStarted(event) => {
                self.playback.remote_began(&event.response_id, self.now);
                self.first_output(&event.response_id);
            }
            E::OutputAudioBufferStopped(event) => self.playback.remote_ended(&event.response_id),
            E::OutputAudioBufferCleared(event) => self.playback.remote_ended(&event.response_id),
            E::InputAudioBufferCleared(_) => self.forget_turn(),
            E::InputAudioBufferSpeechStarted(event) => {
                self.stopwatch.speech_began();
                self.responses.user_speaks(true, false, self.now);
                self.tell(Event::Turn(Turn::UserStarted {
                    item_id: event.item_id.clone(),
                    at: Duration::from_millis(event.audio_start_ms),
                }));
                let speaking = self.playback.is_playing() || self.responses.is_under_way();
                if self.facts.interrupts {
                    self.interrupt(true);
                } else if self.doubt.began(speaking, self.now) {
                    self.playback.pause(self.now);
                    self.out.push(Output::Pause(true));
                }
            }
            E::InputAudioBufferSpeechStopped(event) => {
                let ended = self.speech_sent.take().unwrap_or(self.now);
                self.stopwatch.speech_ended(ended.min(self.now));
                if self.doubt.stopped() {
                    self.resume();
                }
                self.responses.user_speaks(false, self.facts.answers, self.now);
                self.tell(Event::Turn(Turn::UserStopped {
                    item_id: event.item_id.clone(),
                    at: Duration::from_millis(event.audio_end_ms),
                }));
            }
            E::InputAudioBufferTimeoutTriggered(event) => {
                self.responses.user_speaks(false, self.facts.answers, self.now);
                let item_id = event.item_id.clone();
                self.tell(Event::Turn(Turn::IdleTimeout { item_id }));
            }
            E::InputAudioBufferCommitted(event) => {
                // A commit by hand ends the turn too, and the server does not answer it.
                self.responses.user_speaks(false, false, self.now);
                let transcribes = self.facts.transcribes;
                if transcribes {
                    self.lines
                        .expect(&event.item_id, Speaker::User, &event.previous_item_id, self.now);
                }
                let change = self
                    .history
                    .committed(&event.item_id, &event.previous_item_id, transcribes);
                self.tell_history(change);
                self.acknowledge(&Wanted::Committed, &event.item_id);
                if self.doubt.is_on() && self.doubt.committed() {
                    self.request(Origin::Manual, None, None);
                }
                let item_id = event.item_id.clone();
                self.tell(Event::Turn(Turn::UserCommitted { item_id }));
            }
            _ => self.apply_speech(event),
        }
    }

    fn apply_speech(&mut self, event: &ServerEvent) {
        use ServerEvent as E;
        match event {
            E::ConversationItemInputAudioTranscriptionDelta(event) => {
                if let Some(delta) = event.delta.value() {
                    self.history.text(&event.item_id, delta);
                    self.say(Speaker::User, &event.item_id, delta, false);
                }
            }
            E::ConversationItemInputAudioTranscriptionCompleted(event) => {
                self.say(Speaker::User, &event.item_id, &event.transcript, true);
                self.heard_user(&event.item_id, Some(&event.transcript));
                if let Some(usage) = event.usage.value() {
                    self.used(&event.item_id, Usage::of_transcription(usage));
                }
            }
            E::ConversationItemInputAudioTranscriptionFailed(event) => {
                self.heard_user(&event.item_id, None);
                let details = ErrorDetails {
                    kind: event
                        .error
                        .kind
                        .as_deref()
                        .unwrap_or("transcription_error")
                        .to_owned(),
                    code: event.error.code.clone(),
                    message: event
                        .error
                        .message
                        .as_deref()
                        .unwrap_or("no reason given")
                        .to_owned(),
                    ..ErrorDetails::default()
                };
                self.report(Error::refused("to transcribe", &details));
            }
            E::ResponseMcpCallInProgress(event) => self.mcp.began(&event.item_id, None, self.now),
            E::ResponseMcpCallCompleted(ResponseMcpCallCompleted { item_id, .. })
            | E::ResponseMcpCallFailed(ResponseMcpCallFailed { item_id, .. }) => {
                let over = self.mcp.over(item_id);
                self.mcp_over(over);
            }
            E::SessionOutputAudioDelta(event) => {
                let delta = ResponseOutputAudioDelta {
                    delta: event.delta.clone(),
                    ..Default::default()
                };
                let audio = self.samples.of(&delta);
                self.out.push(Output::Play(audio.clone()));
                self.tell(Event::Audio(Audio {
                    response_id: Arc::default(),
                    item_id: Arc::default(),
                    audio,
                }));
            }
            E::SessionInputTranscriptDelta(event) => self.say(Speaker::User, "", &event.delta, false),
            E::SessionOutputTranscriptDelta(event) => self.say(Speaker::Assistant, "", &event.delta, false),
            _ => {}
        }
    }

    /// Whether an `error` answers something the session or the application asked for. `error` is how it is told to whoever
    /// waits for the answer to what was refused.
    pub(super) fn claim(&mut self, details: &ErrorDetails, error: &Error) -> bool {
        let about = details.event_id.as_deref();
        let withdrawn = about.is_some_and(|id| self.responses.withdraw(id, error, self.now));
        if self.responses.error(details, self.now) || self.tools.error(details) || self.cut_refused(details) {
            return true;
        }
        if self.mcp.refused(details) {
            // Sent again after a reconnect, it is there already.
            if !details.is("item_create_duplicate_item_id") {
                self.report(Error::refused("the answer to a request for approval", details));
            }
            return true;
        }
        let answer = self.acks.error(details);
        let found = answer.is_some();
        self.answer(answer);
        found || withdrawn
    }

    /// The service has called tools of MCP servers, perhaps all there are, and waits to be asked for what follows. Functions
    /// of the same response get the same follow-up.
    pub(super) fn mcp_over(&mut self, over: Option<Vec<String>>) {
        if over.is_some_and(|responses| !self.tools.follow(&responses)) {
            self.request(Origin::Auto, None, None);
        }
        self.tools.wait_for(self.mcp.busy());
    }

    /// A response is over, or will have no end.
    pub(super) fn mcp_response_done(&mut self, response_id: &str, completed: bool) {
        let over = self.mcp.response_done(response_id, completed);
        self.mcp_over(over);
    }

    fn acknowledge(&mut self, wanted: &Wanted, item_id: &str) {
        let answer = self.acks.acknowledged(wanted, || Acked::Item(item_id.to_owned()));
        self.answer(answer);
    }

    pub(super) fn say(&mut self, speaker: Speaker, item_id: &str, text: &Text, is_final: bool) {
        let item_id = self.last_item.of(item_id);
        self.tell(Event::Transcript(Transcript {
            speaker,
            item_id,
            text: text.clone(),
            is_final,
        }));
    }

    /// What the user said is known, or never will be.
    fn heard_user(&mut self, item_id: &str, text: Option<&Text>) {
        let change = self.history.text_done(item_id, text);
        self.tell_history(change);
        let line = self.lines.set(item_id, &text.cloned().unwrap_or_default());
        self.tell_lines(line.into_iter().collect());
    }

    /// An item was added to the conversation, or is whole.
    fn item(&mut self, item: &Item, previous: &Field<String>) {
        let Some(id) = item.id() else { return };
        let output = self.tools.output_of(item);
        let item = output.as_ref().unwrap_or(item);
        let change = self.history.added(item, previous, self.facts.transcribes);
        let is_new = matches!(change, Some(HistoryChange::Added { .. }));
        self.tell_history(change);
        self.tools.added(id);
        self.acknowledge(&Wanted::Added(id.to_owned()), id);
        let Some(known) = self.history.get(id) else { return };
        if let HistoryKind::Message(speaker) = known.kind
            && (speaker == Speaker::Assistant || known.state == HistoryState::Final)
        {
            let text = (known.state == HistoryState::Final).then(|| known.text.clone());
            if is_new {
                self.lines.expect(id, speaker, previous, self.now);
            }
            if let Some(text) = text {
                self.line(id, &text);
            }
        }
    }
}

/// How a response ended.
pub(super) fn status_of(response: &Response, suppressed: bool) -> ReplyStatus {
    let details = response.status_details.value();
    match response.status.value() {
        Some(ResponseStatus::Cancelled) => ReplyStatus::Interrupted,
        Some(ResponseStatus::Incomplete) => match details.and_then(|details| details.reason.value()) {
            Some(StatusReason::ContentFilter) => ReplyStatus::Filtered,
            _ => ReplyStatus::TooLong,
        },
        Some(ResponseStatus::Failed) => {
            let error = details.and_then(|details| details.error.value());
            let text = |field: Option<&Field<String>>| field.and_then(|field| field.value().cloned());
            ReplyStatus::Failed {
                code: text(error.map(|error| &error.code)).or_else(|| text(error.map(|error| &error.kind))),
                message: text(error.map(|error| &error.message)),
            }
        }
        _ if suppressed => ReplyStatus::Interrupted,
        _ => ReplyStatus::Completed,
    }
}
