//! What the model says and does, from the first event of a response to the last.

use std::sync::Arc;
use std::time::Duration;

use rt_protocol::item::ItemStatus;
use rt_protocol::response::ResponseStatus;
use rt_protocol::server_event::ResponseOutputAudioDelta;
use rt_protocol::{Item, Response, ServerEvent, Text};

use super::guards::{CheckId, Released};
use super::responses::{Ended, Origin, Wish};
use super::server::{Place, status_of};
use super::{Engine, Output, Ticket};
use crate::error::{Error, ErrorKind};
use crate::event::{Audio, Event, Turn};
use crate::guardrail::Verdict;
use crate::reply::{ReplyStatus, ReplyUpdate};
use crate::transcript::Speaker;
use crate::usage::Usage;

impl Engine {
    /// An event of the server, as far as the guardrails let it pass.
    pub(super) fn admit(&mut self, event: &Arc<ServerEvent>) {
        if let ServerEvent::ResponseOutputAudioDelta(delta) = &**event {
            // It is there, even if nobody hears it yet.
            let outside = || self.responses.is_outside(&delta.response_id);
            self.playback
                .begin(&delta.response_id, &delta.item_id, delta.content_index, outside);
            self.responses.seen(&delta.response_id, self.now);
        }
        let is_cut = response_of(event).is_some_and(|id| self.playback.is_suppressed(id));
        let released = if is_cut {
            None
        } else {
            let rate = self.playback.bytes_per_second();
            self.guards.admit(event, rate, self.now)
        };
        match released {
            None => self.apply(event),
            Some(released) => self.release(released),
        }
    }

    /// What the guardrails say.
    pub(super) fn release(&mut self, released: Released) {
        if released.unchecked {
            let message = "audio without a transcript was held back: it could not be checked";
            self.report(Error::new(ErrorKind::Refused, message));
        }
        if let Some(blocked) = released.blocked {
            self.block(&blocked.response_id, &blocked.item_id, released.ended);
            self.tell(Event::Blocked(blocked));
        }
        for event in released.events {
            self.apply(&event);
        }
    }

    /// A check of a guardrail has come to a verdict.
    pub(crate) fn checked(&mut self, now: Duration, id: CheckId, verdict: Verdict) {
        self.now = now;
        if let Some(released) = self.guards.checked(id, verdict, now) {
            self.release(released);
        }
        self.settle();
    }

    pub(super) fn audio(&mut self, event: &ResponseOutputAudioDelta) {
        if self.playback.is_suppressed(&event.response_id) {
            self.responses.seen(&event.response_id, self.now);
            self.playback.late += 1;
            return;
        }
        let outside = || self.responses.is_outside(&event.response_id);
        self.playback
            .begin(&event.response_id, &event.item_id, event.content_index, outside);
        self.first_output(&event.response_id);
        let bytes = event.delta.len() as u64;
        if self.facts.other_format {
            self.responses.seen(&event.response_id, self.now);
            self.playback
                .received(&event.item_id, event.content_index, bytes, bytes, self.now);
            return;
        }
        let audio = self.samples.of(event);
        let samples = audio.len() as u64;
        self.playback
            .received(&event.item_id, event.content_index, bytes, samples, self.now);
        self.reply(&event.response_id, |_| ReplyUpdate::Audio {
            id: event.item_id.clone(),
            content_index: event.content_index,
            audio: audio.clone(),
        });
        self.out.push(Output::Play(audio.clone()));
        let audio = Audio {
            response_id: self.last_response.of(&event.response_id),
            item_id: self.last_item.of(&event.item_id),
            audio,
        };
        self.tell(Event::Audio(audio));
    }

    /// A response has output: how long that took, if it is the first.
    pub(super) fn first_output(&mut self, response_id: &str) {
        if let Some(latency) = self.stopwatch.output(response_id, self.now) {
            self.tell(Event::Latency(latency));
        }
    }

    /// More of what the model says or writes.
    pub(super) fn piece(&mut self, place: Place<'_>, piece: &Text, spoken: bool) {
        if self.playback.is_suppressed(place.response_id) {
            self.responses.seen(place.response_id, self.now);
            self.playback.late += 1;
            return;
        }
        if spoken {
            self.playback.text(place.item_id, place.content_index, piece);
        } else {
            self.first_output(place.response_id);
        }
        self.history.text(place.item_id, piece);
        self.reply(place.response_id, |_| ReplyUpdate::Text {
            id: place.item_id.to_owned(),
            content_index: place.content_index,
            piece: piece.clone(),
        });
        self.say(Speaker::Assistant, place.item_id, piece, false);
    }

    /// All of what the model said or wrote.
    pub(super) fn whole(&mut self, place: Place<'_>, text: &Text, spoken: bool) {
        if self.playback.is_suppressed(place.response_id) {
            return;
        }
        if spoken {
            self.playback.text_done(place.item_id, place.content_index, text);
        }
        let change = self.history.text_done(place.item_id, Some(text));
        self.tell_history(change);
        self.reply(place.response_id, |_| ReplyUpdate::WholeText {
            id: place.item_id.to_owned(),
            content_index: place.content_index,
            text: text.clone(),
        });
        self.said(place.item_id, place.content_index, text);
        self.line(place.item_id, text);
    }

    pub(super) fn output_done(&mut self, response_id: &str, item: &Item) {
        self.function_called(response_id, item);
        if let Item::McpApprovalRequest(request) = item
            && let Some(approval) = self.mcp.ask(response_id, request)
        {
            self.tell(Event::McpApprovalWanted(approval));
        }
        if let Some(id) = item.id() {
            let (id, mut item) = (id.to_owned(), Box::new(item.clone()));
            if let Item::Message(message) = &mut *item
                && self.playback.is_suppressed(response_id)
            {
                // It says what nobody heard.
                message.content.clear();
            }
            self.reply(response_id, |_| ReplyUpdate::ItemDone {
                id: id.clone(),
                item: item.clone(),
            });
        }
    }

    /// An item is whole, perhaps a call of a function, and perhaps told of before.
    fn function_called(&mut self, response_id: &str, item: &Item) {
        if let Item::FunctionCall(call) = item
            && call.status.value() != Some(&ItemStatus::Incomplete)
            // Its item is in no conversation: no output could be given.
            && !self.responses.is_outside(response_id)
        {
            self.tools.call(response_id, call, &mut self.ids, self.now);
        }
    }

    pub(super) fn created(&mut self, response: &Response) {
        let id = response.id.as_deref().unwrap_or_default().to_owned();
        let began = self.responses.created(response, &mut self.ids, self.now);
        for ticket in began.tickets {
            self.out
                .push(Output::Reply(ticket, ReplyUpdate::Began(id.clone())));
        }
        if began.unwanted {
            self.playback.suppress(&id);
        }
        let outside = self.responses.is_outside(&id);
        self.stopwatch
            .created(&id, began.key.as_deref(), outside, self.now);
        if self.ledger.is_exhausted() && !self.responses.is_outside(&id) {
            self.responses.cancel(&mut self.ids, self.now, false);
            self.playback.suppress(&id);
        }
        self.tell(Event::Turn(Turn::ReplyStarted { response_id: id }));
    }

    pub(super) fn done(&mut self, response: &Response) {
        let id = response.id.as_deref().unwrap_or_default();
        let output = response.output.value().map(Vec::as_slice).unwrap_or_default();
        let suppressed = self.playback.is_suppressed(id);
        for item in output {
            // One whose own event was not sent.
            self.function_called(id, item);
        }
        if suppressed {
            let leftovers = self.playback.leftovers(id, self.tools.has_call(id));
            self.cut(leftovers);
        }
        self.playback.response_done(id);
        for item in output.iter().filter_map(Item::id) {
            if self.lines.knows(item) {
                let text = self.history.get(item).map(|item| item.text.clone());
                self.line(item, &text.unwrap_or_default());
            }
        }
        if let Some(usage) = response.usage.value() {
            self.used(id, Usage::of_response(usage));
        }
        let ended = self.responses.done(response, self.now);
        let status = status_of(response, suppressed);
        // What used up the budget cannot be had again, and is paid for.
        let written = match suppressed || ended.outside || self.ledger.is_exhausted() {
            true => Vec::new(),
            false => self.written.repeats(response),
        };
        if written.is_empty() {
            self.end_reply(id, &ended.tickets, status);
        } else {
            self.repeat(id, &ended, status, written);
        }
        self.responses.advance(self.now);
        let completed = response.status.value() == Some(&ResponseStatus::Completed);
        self.mcp_response_done(id, completed);
        self.tools.response_done(id, self.now);
    }

    /// A reply came in writing, and should be spoken: it is taken back, and asked for again before anything else is, so that
    /// answers keep the order of what they answer.
    fn repeat(&mut self, id: &str, ended: &Ended, status: ReplyStatus, written: Vec<String>) {
        self.end_reply(id, &[], status);
        self.tell(Event::Turn(Turn::ReplyRepeated {
            response_id: id.to_owned(),
        }));
        for item_id in written {
            self.take_back(&item_id);
        }
        for ticket in &ended.tickets {
            self.out.push(Output::Reply(*ticket, ReplyUpdate::Again));
        }
        let params = ended.params.as_deref().cloned().unwrap_or_default().spoken();
        let wish = Wish {
            origin: Origin::Manual,
            params: Some(Box::new(params)),
            tickets: ended.tickets.clone(),
            needs: None,
        };
        self.responses.again(&mut self.ids, wish);
    }

    /// Tells those who wait for a response.
    pub(super) fn reply(&mut self, response_id: &str, update: impl Fn(Ticket) -> ReplyUpdate) {
        for ticket in self.responses.seen(response_id, self.now) {
            self.out.push(Output::Reply(*ticket, update(*ticket)));
        }
    }
}

/// The response an event is about, if it is one that guardrails look at.
fn response_of(event: &ServerEvent) -> Option<&str> {
    use ServerEvent as E;
    Some(match event {
        E::ResponseOutputAudioDelta(event) => &event.response_id,
        E::ResponseOutputAudioTranscriptDelta(event) => &event.response_id,
        E::ResponseOutputTextDelta(event) => &event.response_id,
        E::ResponseOutputAudioTranscriptDone(event) => &event.response_id,
        E::ResponseOutputTextDone(event) => &event.response_id,
        E::ResponseOutputAudioDone(event) => &event.response_id,
        E::ResponseContentPartDone(event) => &event.response_id,
        E::ResponseOutputItemAdded(event) => &event.response_id,
        E::ResponseOutputItemDone(event) => &event.response_id,
        E::ResponseDone(event) => event.response.id.as_deref()?,
        _ => return None,
    })
}
