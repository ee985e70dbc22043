//! Responses: how their steps become events.

use bytes::Bytes;
use rt_protocol::item::{ContentKind, ItemStatus};
use rt_protocol::response::StatusReason;
use rt_protocol::server_event::{
    ConversationItemAdded, ConversationItemDone, RateLimit, RateLimitsUpdated, ResponseContentPartAdded,
    ResponseContentPartDone, ResponseDone, ResponseFunctionCallArgumentsDelta,
    ResponseFunctionCallArgumentsDone, ResponseOutputAudioDelta, ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta, ResponseOutputAudioTranscriptDone, ResponseOutputItemAdded,
    ResponseOutputItemDone, ResponseOutputTextDelta, ResponseOutputTextDone,
};
use rt_protocol::{Field, ServerEvent, Text};
use std::time::Duration;

use super::Brain;
use super::conversation::Entry;
use super::plan::{Act, Ending};
use super::run::{Open, OpenKind};

/// From `response.done` to `rate_limits.updated`, as observed.
const LIMITS_DELAY: Duration = Duration::from_millis(40);
/// The tokens a minute that `rate_limits.updated` tells of.
const TOKENS_PER_MINUTE: u64 = 40_000;

/// Where a delta belongs.
struct Place {
    /// `response_id`.
    response_id: String,
    /// `item_id`.
    item_id: String,
    /// `output_index`.
    output_index: u32,
}

impl Brain {
    /// The next step of a response.
    pub(super) fn advance_run(&mut self, position: usize) {
        let Some((_, act)) = self.runs[position].steps.pop_front() else {
            return;
        };
        match act {
            Act::OpenMessage => self.open_message(position),
            Act::Text(piece) | Act::Transcript(piece) | Act::Arguments(piece) => {
                self.say_piece(position, &piece)
            }
            Act::Audio(audio) => self.say_audio(position, audio),
            Act::CloseMessage(status) => self.close_item(position, status),
            Act::OpenCall { name, call_id } => {
                self.open_item(position, OpenKind::Call { name, call_id });
            }
            Act::CloseCall => self.close_item(position, ItemStatus::Completed),
            Act::Finish(ending) => self.finish_run(position, &ending),
        }
    }

    /// Where the item under way of a response is.
    fn place(&self, position: usize) -> Place {
        let run = &self.runs[position];
        Place {
            response_id: run.id.clone(),
            item_id: run.open.as_ref().map(|open| open.id.clone()).unwrap_or_default(),
            output_index: run.output_index(),
        }
    }

    /// A message begins, and its part with it.
    fn open_message(&mut self, position: usize) {
        let spoken = self.runs[position].spoken.is_some();
        let kind = if spoken {
            OpenKind::Spoken
        } else {
            OpenKind::Written
        };
        let open = self.open_item(position, kind);
        let Place {
            response_id,
            item_id,
            output_index,
        } = self.place(position);
        let part = open.part(if spoken {
            ContentKind::Audio
        } else {
            ContentKind::Text
        });
        self.emit(ServerEvent::ResponseContentPartAdded(
            ResponseContentPartAdded {
                response_id,
                item_id,
                output_index,
                part,
                ..Default::default()
            }
            .into(),
        ));
        if self.runs[position].in_conversation {
            // From now on it can be cut.
            self.conversation
                .settle(&open.id, open.item(ItemStatus::Incomplete));
        }
    }

    /// An item begins: `response.output_item.added`, and `conversation.item.added` if it joins the conversation.
    fn open_item(&mut self, position: usize, kind: OpenKind) -> Open {
        let open = Open {
            id: self.new_item_id(),
            kind,
            text: String::new(),
        };
        let item = open.item(ItemStatus::InProgress);
        let run = &mut self.runs[position];
        run.open = Some(open.clone());
        let (response_id, output_index) = (run.id.clone(), run.output_index());
        let (in_conversation, spoken) = (run.in_conversation, run.spoken);
        self.emit(ServerEvent::ResponseOutputItemAdded(
            ResponseOutputItemAdded {
                response_id,
                output_index,
                item: item.clone(),
                ..Default::default()
            }
            .into(),
        ));
        if in_conversation {
            let mut entry = Entry::new(open.id.clone(), item.clone());
            entry.format = spoken.unwrap_or_default();
            self.conversation.push(entry);
            let previous_item_id = self.conversation.before(&open.id);
            self.emit(ServerEvent::ConversationItemAdded(
                ConversationItemAdded {
                    previous_item_id,
                    item,
                    ..Default::default()
                }
                .into(),
            ));
        }
        open
    }

    /// A piece of text, transcript or arguments.
    fn say_piece(&mut self, position: usize, piece: &str) {
        let Place {
            response_id,
            item_id,
            output_index,
        } = self.place(position);
        let obfuscation: Field<String> = self.ids.obfuscation(piece).into();
        let run = &mut self.runs[position];
        run.text_out += 1;
        let Some(open) = &mut run.open else { return };
        open.text.push_str(piece);
        let delta = Text::from(piece);
        let event = match open.kind.clone() {
            OpenKind::Written => ServerEvent::ResponseOutputTextDelta(ResponseOutputTextDelta {
                response_id,
                item_id,
                output_index,
                delta,
                obfuscation,
                ..Default::default()
            }),
            OpenKind::Spoken => {
                ServerEvent::ResponseOutputAudioTranscriptDelta(ResponseOutputAudioTranscriptDelta {
                    response_id,
                    item_id,
                    output_index,
                    delta,
                    obfuscation,
                    ..Default::default()
                })
            }
            OpenKind::Call { call_id, .. } => {
                ServerEvent::ResponseFunctionCallArgumentsDelta(ResponseFunctionCallArgumentsDelta {
                    response_id,
                    item_id,
                    output_index,
                    call_id,
                    delta,
                    obfuscation,
                    ..Default::default()
                })
            }
        };
        self.emit(event);
    }

    /// A piece of audio.
    fn say_audio(&mut self, position: usize, audio: Bytes) {
        let Place {
            response_id,
            item_id,
            output_index,
        } = self.place(position);
        let now = self.now;
        let run = &mut self.runs[position];
        run.audio_ms += run.spoken.unwrap_or_default().ms(audio.len());
        run.audio_since.get_or_insert(now);
        if run.in_conversation {
            self.spoke = true;
            if let Some(entry) = self
                .conversation
                .get_mut(&item_id)
                .filter(|entry| !entry.truncated)
            {
                entry.audio.extend_from_slice(&audio);
            }
        }
        self.emit(ServerEvent::ResponseOutputAudioDelta(ResponseOutputAudioDelta {
            response_id,
            item_id,
            output_index,
            delta: audio.into(),
            ..Default::default()
        }));
    }

    /// The item under way ends, with all that belongs to it.
    fn close_item(&mut self, position: usize, status: ItemStatus) {
        let Place {
            response_id,
            item_id,
            output_index,
        } = self.place(position);
        let Some(open) = self.runs[position].open.take() else {
            return;
        };
        let text = Text::from(open.text.clone());
        match &open.kind {
            OpenKind::Written => {
                self.emit(ServerEvent::ResponseOutputTextDone(ResponseOutputTextDone {
                    response_id: response_id.clone(),
                    item_id: item_id.clone(),
                    output_index,
                    text,
                    ..Default::default()
                }));
                self.close_part(&open, ContentKind::Text, &response_id, output_index);
            }
            OpenKind::Spoken => {
                self.emit(ServerEvent::ResponseOutputAudioDone(ResponseOutputAudioDone {
                    response_id: response_id.clone(),
                    item_id: item_id.clone(),
                    output_index,
                    ..Default::default()
                }));
                self.emit(ServerEvent::ResponseOutputAudioTranscriptDone(
                    ResponseOutputAudioTranscriptDone {
                        response_id: response_id.clone(),
                        item_id: item_id.clone(),
                        output_index,
                        transcript: text,
                        ..Default::default()
                    },
                ));
                self.close_part(&open, ContentKind::Audio, &response_id, output_index);
            }
            OpenKind::Call { name, call_id } if status == ItemStatus::Completed => {
                self.emit(ServerEvent::ResponseFunctionCallArgumentsDone(
                    ResponseFunctionCallArgumentsDone {
                        response_id: response_id.clone(),
                        item_id: item_id.clone(),
                        output_index,
                        call_id: call_id.clone(),
                        name: name.clone().into(),
                        arguments: text,
                        ..Default::default()
                    },
                ));
            }
            OpenKind::Call { .. } => {}
        }
        let mut item = open.item(status);
        if self.runs[position].in_conversation {
            let previous_item_id = self.conversation.before_done(&item_id);
            self.conversation.settle(&item_id, item.clone());
            // What was cut meanwhile stays cut.
            if let Some(entry) = self.conversation.get(&item_id) {
                item = entry.item.clone();
            }
            self.emit(ServerEvent::ConversationItemDone(
                ConversationItemDone {
                    previous_item_id,
                    item: item.clone(),
                    ..Default::default()
                }
                .into(),
            ));
        }
        self.runs[position].output.push(item.clone());
        self.emit(ServerEvent::ResponseOutputItemDone(
            ResponseOutputItemDone {
                response_id,
                output_index,
                item,
                ..Default::default()
            }
            .into(),
        ));
    }

    /// `response.content_part.done`.
    fn close_part(&mut self, open: &Open, kind: ContentKind, response_id: &str, output_index: u32) {
        self.emit(ServerEvent::ResponseContentPartDone(
            ResponseContentPartDone {
                response_id: response_id.to_owned(),
                item_id: open.id.clone(),
                output_index,
                part: open.part(kind),
                ..Default::default()
            }
            .into(),
        ));
    }

    /// Stops a response before its end.
    pub(super) fn stop_run(&mut self, position: usize, reason: StatusReason) {
        self.finish_run(position, &Ending::Cancelled(reason));
    }

    /// Ends a response: whatever is open is closed, then `response.done`, then what waited for it.
    fn finish_run(&mut self, position: usize, ending: &Ending) {
        self.close_item(position, ItemStatus::Incomplete);
        let run = self.runs.remove(position);
        let response = run.done(ending);
        let pacing_is_instant = self.settings.pacing.first_output.is_zero();
        if let Some(usage) = response.usage.value() {
            self.seen_tokens = usage.total_tokens.value().copied().unwrap_or(0);
        }
        self.emit(ServerEvent::ResponseDone(
            ResponseDone {
                response,
                ..Default::default()
            }
            .into(),
        ));
        let limits = self
            .settings
            .rate_limits
            .unwrap_or_else(|| self.settings.model.starts_with("gpt-realtime-2"));
        // `gpt-realtime-2025-08-28` is an older model, in spite of its name.
        if limits
            && !self.speaks_beta()
            && (self.settings.rate_limits.is_some() || !self.settings.model.starts_with("gpt-realtime-2025"))
        {
            self.limits_at.push_back(if pacing_is_instant {
                self.now
            } else {
                self.now + LIMITS_DELAY
            });
        }
        if !run.in_conversation {
            return;
        }
        self.create_deferred();
        if let Some(idle) = self.session.turns().and_then(|turns| turns.idle_timeout_ms) {
            let heard_at = run
                .audio_since
                .map_or(self.now, |since| since + Duration::from_millis(run.audio_ms));
            self.idle_at = Some(heard_at.max(self.now) + Duration::from_millis(idle));
        }
        if std::mem::take(&mut self.response_wanted) {
            self.start_response(&rt_protocol::ResponseParams::default(), true);
        }
    }

    /// `rate_limits.updated`.
    pub(super) fn send_limits(&mut self) {
        self.limits_at.pop_front();
        let used = self.seen_tokens.min(TOKENS_PER_MINUTE);
        let limit = RateLimit {
            name: "tokens".into(),
            limit: TOKENS_PER_MINUTE.into(),
            remaining: (TOKENS_PER_MINUTE - used).into(),
            reset_seconds: (used as f64 * 60.0 / TOKENS_PER_MINUTE as f64).into(),
        };
        self.emit(ServerEvent::RateLimitsUpdated(RateLimitsUpdated {
            rate_limits: vec![limit],
            ..Default::default()
        }));
    }
}
