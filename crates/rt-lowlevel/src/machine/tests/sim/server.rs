//! A model of the service: what it keeps of a session, and what it answers to what. Its input is G.711
//! in frames of 10 ms, which begin with their number in the speech; 0 is silence.

use std::time::Duration;

use rt_protocol::{ClientEvent, ServerEvent};
use serde_json::{Value, json};

use super::answers::{Out, Then, event};

/// Bytes of G.711 in a millisecond.
pub(super) const BYTES_PER_MS: u64 = 8;
/// Bytes of a frame: 10 ms.
pub(super) const FRAME: usize = 80;
const PREFIX_MS: u64 = 300;
const SILENCE_MS: u64 = 500;
/// The error of a truncation of an item that the client made.
pub(in super::super) const TRUNCATED_TEXT: &str = "item_truncate_text";
/// So long is a piece of the model's audio.
pub(super) const PIECE_MS: u64 = 60;

/// A turn of the user.
#[derive(Debug, Clone)]
pub(super) struct Turn {
    pub(super) item_id: String,
    pub(super) speech: Vec<u16>,
    /// The client has been told.
    pub(super) is_known: bool,
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) settings: Value,
    /// Items as they are told of: id, kind of content, text.
    pub(super) items: Vec<Value>,
    /// What the client wrote, in order, without audio: type and `event_id`.
    pub(super) log: Vec<ClientEvent>,
    pub(super) turns: Vec<Turn>,
    /// Speech that was appended, in order, committed or not.
    pub(super) heard: Vec<u16>,
    /// The place in `log` at which a message came that is not part of a restore.
    pub(super) first_live: Option<usize>,
    pub(super) refuses: Vec<String>,
    /// Ids of the items that the client made, as often as it did.
    pub(super) creates: Vec<String>,
    pub(super) auto_response: bool,
    pub(super) calls: bool,
    buffer: Vec<u8>,
    /// Milliseconds of input before the buffer.
    before_ms: u64,
    looked: usize,
    speech_since: Option<u64>,
    silent_ms: u64,
    pending_item: Option<String>,
    pub(super) active: Option<u64>,
    cancelled: Vec<u64>,
    ids: u64,
}

impl Session {
    pub(super) fn new(number: usize) -> Self {
        Self {
            id: format!("sess_{number}"),
            settings: json!({}),
            items: Vec::new(),
            log: Vec::new(),
            turns: Vec::new(),
            heard: Vec::new(),
            first_live: None,
            refuses: Vec::new(),
            creates: Vec::new(),
            auto_response: true,
            calls: false,
            buffer: Vec::new(),
            before_ms: 0,
            looked: 0,
            speech_since: None,
            silent_ms: 0,
            pending_item: None,
            active: None,
            cancelled: Vec::new(),
            ids: 0,
        }
    }

    fn id(&mut self, kind: &str) -> String {
        self.ids += 1;
        format!("{kind}_{}_{}", self.id, self.ids)
    }

    pub(super) fn created(&self, expires_at: Option<u64>) -> ServerEvent {
        let mut session = json!({"type": "realtime", "id": self.id});
        if let Some(expires_at) = expires_at {
            session["expires_at"] = expires_at.into();
        }
        event(&json!({"type": "session.created", "event_id": "e", "session": session}))
    }

    /// A message came.
    pub(super) fn receive(&mut self, text: &str) -> Vec<(Duration, Then)> {
        let message = ClientEvent::from_json(text).expect("a valid message");
        let mut out = Out::default();
        if !matches!(message, ClientEvent::InputAudioBufferAppend(_)) {
            self.log.push(message.clone());
        }
        let raw: Value = serde_json::from_str(text).unwrap();
        let is_told = |id: &str| id.starts_with("rt_");
        if !raw["event_id"].as_str().is_some_and(is_told) && self.first_live.is_none() {
            self.first_live = Some(self.log.len());
        }
        match &message {
            ClientEvent::InputAudioBufferAppend(append) => self.append(append.audio.as_bytes(), &mut out),
            ClientEvent::InputAudioBufferCommit(_) if self.buffer.is_empty() => {
                out.error("input_audio_buffer_commit_empty", &raw);
            }
            ClientEvent::InputAudioBufferCommit(_) => {
                let item_id = self.id("item");
                self.commit(item_id, self.buffer.len(), 0, &mut out);
            }
            ClientEvent::InputAudioBufferClear(_) => {
                self.forget(self.buffer.len());
                out.say(&json!({"type": "input_audio_buffer.cleared"}));
            }
            ClientEvent::SessionUpdate(_) => {
                overlay(&mut self.settings, &raw["session"]);
                let mut session = self.settings.clone();
                session["type"] = "realtime".into();
                session["id"] = self.id.clone().into();
                out.say(&json!({"type": "session.updated", "session": session}));
            }
            ClientEvent::ConversationItemCreate(_) => self.create(&raw, &mut out),
            ClientEvent::ConversationItemDelete(delete) => {
                let before = self.items.len();
                self.items.retain(|item| item["id"] != delete.item_id.as_str());
                if self.items.len() == before {
                    out.error("item_delete_invalid_item_id", &raw);
                } else {
                    out.say(&json!({"type": "conversation.item.deleted", "item_id": delete.item_id}));
                }
            }
            ClientEvent::ConversationItemTruncate(truncate) => {
                let item = self
                    .items
                    .iter()
                    .find(|item| item["id"] == truncate.item_id.as_str());
                let is_ours = |item: &Value| {
                    item["role"] == "assistant" && !self.creates.iter().any(|id| item["id"] == id.as_str())
                };
                if item.is_some_and(is_ours) {
                    out.say(
                        &json!({"type": "conversation.item.truncated", "item_id": truncate.item_id,
                        "content_index": truncate.content_index, "audio_end_ms": truncate.audio_end_ms}),
                    );
                } else {
                    let is_told = item.is_some() && self.creates.contains(&truncate.item_id);
                    let code = if is_told {
                        TRUNCATED_TEXT
                    } else {
                        "item_truncate_invalid_item_id"
                    };
                    out.error(code, &raw);
                }
            }
            ClientEvent::ResponseCreate(_) if self.active.is_some() => {
                out.error("conversation_already_has_active_response", &raw);
            }
            ClientEvent::ResponseCreate(_) => self.respond(&raw["response"]["metadata"], &mut out),
            ClientEvent::ResponseCancel(_) => match self.active.take() {
                Some(number) => {
                    self.cancelled.push(number);
                    out.say(&json!({"type": "response.done", "response": {"id": format!("resp_{}_{number}", self.id),
                        "status": "cancelled", "output": []}}));
                }
                None => out.error("response_cancel_not_active", &raw),
            },
            other => panic!("the model of the service does not know {}", other.event_type()),
        }
        out.0
    }

    /// What was to be done later is due. Returns the event that goes out.
    pub(super) fn happen(&mut self, then: Then) -> Option<ServerEvent> {
        match then {
            Then::Send(event) => Some(*event),
            Then::Of(number, _) | Then::End(number, _) if self.cancelled.contains(&number) => None,
            Then::Of(_, mut event) => {
                if let ServerEvent::ConversationItemAdded(added) = &mut *event {
                    let before = self.items.last().and_then(|item| item["id"].as_str());
                    added.previous_item_id = before.map(str::to_owned).into();
                    self.items.push(serde_json::to_value(&added.item).unwrap());
                }
                if let ServerEvent::ConversationItemDone(done) = &*event
                    && let Some(id) = done.item.id()
                    && let Some(item) = self.items.iter_mut().find(|item| item["id"] == id)
                {
                    *item = serde_json::to_value(&done.item).unwrap();
                }
                Some(*event)
            }
            Then::End(_, done) => {
                self.active = None;
                Some(event(&done))
            }
        }
    }

    fn create(&mut self, raw: &Value, out: &mut Out) {
        let id = raw["item"]["id"].as_str().unwrap_or_default().to_owned();
        let kind = raw["item"]["type"].as_str().unwrap_or_default();
        let is_known = |id: &Value| self.items.iter().any(|item| item["id"] == *id);
        let previous = &raw["previous_item_id"];
        if self.refuses.contains(&id) {
            return out.error("item_create_refused", raw);
        }
        if is_known(&raw["item"]["id"]) {
            return out.error("item_create_duplicate_item_id", raw);
        }
        if !previous.is_null() && previous != "root" && !is_known(previous) {
            return out.error("item_create_invalid_previous_item_id", raw);
        }
        if kind == "function_call_output" {
            let has_call =
                |item: &Value| item["type"] == "function_call" && item["call_id"] == raw["item"]["call_id"];
            if !self.items.iter().any(has_call) {
                return out.error("invalid_tool_call_id", raw);
            }
        }
        if raw["item"]["role"] == "assistant" && raw["item"]["content"][0]["type"] == "output_audio" {
            return out.error("item_create_assistant_audio", raw);
        }
        let place = match previous.as_str() {
            None => self.items.len(),
            Some("root") => 0,
            Some(before) => 1 + self.items.iter().position(|item| item["id"] == before).unwrap(),
        };
        let before = place.checked_sub(1).map(|place| self.items[place]["id"].clone());
        self.creates.push(id);
        self.items.insert(place, raw["item"].clone());
        for name in ["conversation.item.added", "conversation.item.done"] {
            out.say(&json!({"type": name, "previous_item_id": before, "item": raw["item"]}));
        }
    }

    fn append(&mut self, bytes: &[u8], out: &mut Out) {
        self.buffer.extend_from_slice(bytes);
        self.heard.extend(numbers(bytes));
        if self.settings["audio"]["input"]["turn_detection"].is_null() {
            return;
        }
        while self.looked + FRAME <= self.buffer.len() {
            let frame = &self.buffer[self.looked..self.looked + FRAME];
            let is_speech = number(frame) != 0;
            self.looked += FRAME;
            let now_ms = self.before_ms + self.looked as u64 / BYTES_PER_MS;
            if is_speech {
                self.silent_ms = 0;
                if self.speech_since.is_none() {
                    let start = (now_ms - 10).saturating_sub(PREFIX_MS).max(self.before_ms);
                    self.speech_since = Some(start);
                    let item_id = self.id("item");
                    out.say(
                        &json!({"type": "input_audio_buffer.speech_started", "audio_start_ms": start,
                        "item_id": item_id}),
                    );
                    self.pending_item = Some(item_id);
                }
            } else if self.speech_since.is_some() {
                self.silent_ms += 10;
                if self.silent_ms >= SILENCE_MS {
                    let item_id = self.pending_item.take().unwrap();
                    out.say(
                        &json!({"type": "input_audio_buffer.speech_stopped", "audio_end_ms": now_ms,
                        "item_id": item_id}),
                    );
                    self.speech_since = None;
                    self.silent_ms = 0;
                    self.commit(item_id, self.looked, 1, out);
                    if self.auto_response && self.active.is_none() {
                        self.respond(&Value::Null, out);
                    }
                }
            }
        }
    }

    fn commit(&mut self, item_id: String, len: usize, delay: u64, out: &mut Out) {
        let speech: Vec<u16> = numbers(&self.buffer[..len]).collect();
        self.forget(len);
        let before = self.items.last().map(|item| item["id"].clone());
        let item = json!({"type": "message", "id": item_id, "role": "user", "status": "completed",
            "content": [{"type": "input_audio", "transcript": null}]});
        self.items.push(item.clone());
        let _ = delay;
        out.say(
            &json!({"type": "input_audio_buffer.committed", "previous_item_id": before, "item_id": item_id}),
        );
        for name in ["conversation.item.added", "conversation.item.done"] {
            out.say(&json!({"type": name, "previous_item_id": before, "item": item}));
        }
        let transcript = transcript(&speech);
        out.later(
            300,
            &json!({"type": "conversation.item.input_audio_transcription.completed", "item_id": item_id,
                "content_index": 0, "transcript": transcript}),
        );
        self.turns.push(Turn {
            item_id,
            speech,
            is_known: false,
        });
    }

    fn forget(&mut self, len: usize) {
        self.buffer.drain(..len);
        self.before_ms += len as u64 / BYTES_PER_MS;
        self.looked = self.looked.saturating_sub(len);
        self.speech_since = None;
    }

    fn respond(&mut self, metadata: &Value, out: &mut Out) {
        self.ids += 1;
        let number = self.ids;
        self.active = Some(number);
        let response_id = format!("resp_{}_{number}", self.id);
        let response =
            json!({"id": response_id, "status": "in_progress", "output": [], "metadata": metadata});
        out.of(
            number,
            30,
            &json!({"type": "response.created", "response": response}),
        );
        let item_id = self.id("item");
        let before = self.items.last().map(|item| item["id"].clone());
        if self.calls && number.is_multiple_of(3) {
            let call = |status: &str, arguments: &str| {
                json!({"type": "function_call", "id": item_id, "call_id": format!("call_{item_id}"), "name": "f",
                "arguments": arguments, "status": status})
            };
            let (open, done) = (call("in_progress", ""), call("completed", "{}"));
            let added = json!({"type": "response.output_item.added", "response_id": response_id,
                "output_index": 0, "item": open});
            out.of(number, 40, &added);
            out.of(
                number,
                40,
                &json!({"type": "conversation.item.added", "previous_item_id": before, "item": open}),
            );
            out.of(
                number,
                90,
                &json!({"type": "response.function_call_arguments.done", "response_id": response_id,
                "item_id": item_id, "output_index": 0, "call_id": format!("call_{item_id}"), "arguments": "{}"}),
            );
            out.of(
                number,
                90,
                &json!({"type": "conversation.item.done", "previous_item_id": before, "item": done}),
            );
            out.of(
                number,
                90,
                &json!({"type": "response.output_item.done", "response_id": response_id,
                "output_index": 0, "item": done}),
            );
            out.end(
                number,
                100,
                json!({"type": "response.done", "response": {"id": response_id, "status": "completed",
                    "output": [done], "metadata": metadata}}),
            );
            return;
        }
        let item = |status: &str, content: Value| json!({"type": "message", "id": item_id, "role": "assistant", "status": status, "content": content});
        let open = item("in_progress", json!([]));
        out.of(
            number,
            40,
            &json!({"type": "response.output_item.added", "response_id": response_id,
            "output_index": 0, "item": open}),
        );
        out.of(
            number,
            40,
            &json!({"type": "conversation.item.added", "previous_item_id": before, "item": open}),
        );
        let at = |name: &str| {
            json!({"type": name, "response_id": response_id, "item_id": item_id,
            "output_index": 0, "content_index": 0})
        };
        let mut part = at("response.content_part.added");
        part["part"] = json!({"type": "audio", "transcript": ""});
        out.of(number, 45, &part);
        let mut text = String::new();
        let pieces = 3 + number % 5;
        // Silence.
        let audio = "A".repeat(usize::try_from(PIECE_MS * BYTES_PER_MS / 3 * 4).unwrap());
        for piece in 0..pieces {
            let word = format!("w{number}p{piece} ");
            text.push_str(&word);
            let mut delta = at("response.output_audio_transcript.delta");
            delta["delta"] = word.into();
            out.of(number, 60 + piece * 50, &delta);
            let mut delta = at("response.output_audio.delta");
            delta["delta"] = audio.clone().into();
            out.of(number, 65 + piece * 50, &delta);
        }
        let end = 70 + pieces * 50;
        let mut done = at("response.output_audio.done");
        out.of(number, end, &done);
        done = at("response.output_audio_transcript.done");
        done["transcript"] = text.clone().into();
        out.of(number, end, &done);
        let mut part = at("response.content_part.done");
        part["part"] = json!({"type": "audio", "transcript": text});
        out.of(number, end, &part);
        let whole = item("completed", json!([{"type": "output_audio", "transcript": text}]));
        out.of(
            number,
            end,
            &json!({"type": "conversation.item.done", "previous_item_id": before, "item": whole}),
        );
        out.of(
            number,
            end,
            &json!({"type": "response.output_item.done", "response_id": response_id,
            "output_index": 0, "item": whole}),
        );
        out.end(
            number,
            end,
            json!({"type": "response.done", "response": {"id": response_id, "status": "completed",
                "output": [whole], "metadata": metadata}}),
        );
    }
}

/// The number of a frame; 0 is silence.
fn number(frame: &[u8]) -> u16 {
    u16::from_le_bytes([frame[0], frame[1]])
}

/// The numbers of the speech in this audio.
pub(super) fn numbers(audio: &[u8]) -> impl Iterator<Item = u16> {
    assert_eq!(audio.len() % FRAME, 0, "audio was cut in the middle of a frame");
    audio
        .chunks_exact(FRAME)
        .map(number)
        .filter(|number| *number != 0)
}

/// The transcript of a turn.
pub(super) fn transcript(speech: &[u16]) -> String {
    match (speech.first(), speech.last()) {
        (Some(first), Some(last)) => format!("u{first}-{last}"),
        _ => "nothing".to_owned(),
    }
}

fn overlay(whole: &mut Value, update: &Value) {
    let Some(update) = update.as_object() else { return };
    for (key, value) in update {
        if value.is_object() && whole[key].is_object() {
            overlay(&mut whole[key], value);
        } else {
            whole[key] = value.clone();
        }
    }
}
