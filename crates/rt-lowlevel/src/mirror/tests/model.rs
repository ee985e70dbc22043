//! A server for tests: strict about what it is told, simple about everything else.

use std::collections::HashSet;

use rt_protocol::{Item, Session};

use super::*;

/// Milliseconds of audio for each character it says.
pub(super) const MS_PER_CHAR: u64 = 60;

pub(super) struct Model {
    pub(super) settings: Session,
    pub(super) items: Vec<(String, Item)>,
    /// Audio that is not committed.
    pub(super) buffer: Vec<u8>,
    /// Audio of each turn, by its item.
    pub(super) turns: Vec<(String, Vec<u8>)>,
    /// The words of each spoken item, each with the end of its audio.
    pub(super) words: Vec<(String, Vec<(String, u64)>)>,
    /// Bytes that were committed: where the buffer begins.
    committed: usize,
    untranscribed: Vec<String>,
    active: Option<Active>,
    vad: bool,
    pub(super) next: u64,
    out: Vec<Value>,
}

struct Active {
    id: String,
    metadata: Value,
    item: Option<Open>,
}

enum Open {
    Spoken(String),
    Call(String),
}

impl Model {
    pub(super) fn new(vad: bool, next: u64) -> Self {
        let detection = if vad {
            json!({"type": "server_vad"})
        } else {
            json!(null)
        };
        let settings = json!({"type": "realtime", "audio": {"input": {"turn_detection": detection}}});
        Self {
            settings: serde_json::from_value(settings).unwrap(),
            items: Vec::new(),
            buffer: Vec::new(),
            turns: Vec::new(),
            words: Vec::new(),
            committed: 0,
            untranscribed: Vec::new(),
            active: None,
            vad,
            next,
            out: Vec::new(),
        }
    }

    pub(super) fn created(&self) -> ServerEvent {
        server(json!({"type": "session.created", "session": self.settings}))
    }

    fn id(&mut self, kind: &str) -> String {
        self.next += 1;
        format!("{kind}_{}", self.next)
    }

    fn flush(&mut self) -> Vec<ServerEvent> {
        std::mem::take(&mut self.out).into_iter().map(server).collect()
    }

    fn last(&self) -> Option<String> {
        self.items.last().map(|(id, _)| id.clone())
    }

    /// Every item once; every call with its output.
    pub(super) fn check(&self) {
        let ids: HashSet<&String> = self.items.iter().map(|(id, _)| id).collect();
        assert_eq!(ids.len(), self.items.len(), "an item twice");
    }

    pub(super) fn has_whole_calls_only(&self) -> bool {
        let (mut calls, mut outputs) = (HashSet::new(), HashSet::new());
        for (_, item) in &self.items {
            match item {
                Item::FunctionCall(call) => _ = calls.insert(call.call_id.as_deref().unwrap()),
                Item::FunctionCallOutput(output) => _ = outputs.insert(&*output.call_id),
                _ => {}
            }
        }
        calls == outputs
    }

    /// What it answers to a client.
    pub(super) fn handle(&mut self, event: &ClientEvent) -> Vec<ServerEvent> {
        if let Err(code) = self.obey(event) {
            self.out.push(error(event.event_id().unwrap_or_default(), code));
        }
        self.flush()
    }

    fn obey(&mut self, event: &ClientEvent) -> Result<(), &'static str> {
        match event {
            ClientEvent::SessionUpdate(update) => {
                assert!(self.settings.merge(&update.session));
                self.out
                    .push(json!({"type": "session.updated", "session": self.settings}));
            }
            ClientEvent::ConversationItemCreate(create) => {
                self.create(&create.item, create.previous_item_id.as_deref())?;
            }
            ClientEvent::ConversationItemDelete(event) => {
                let at = self.at(&event.item_id).ok_or("item_delete_invalid_item_id")?;
                self.items.remove(at);
                self.out
                    .push(json!({"type": "conversation.item.deleted", "item_id": event.item_id}));
            }
            ClientEvent::ConversationItemTruncate(event) => {
                let words = self.words.iter().find(|(id, _)| *id == event.item_id);
                let (_, words) = words.ok_or("item_truncate_invalid_item_id")?;
                let length = words.last().map_or(0, |(_, end)| *end);
                if event.audio_end_ms > length {
                    return Err("invalid_value");
                }
                self.out.push(
                    json!({"type": "conversation.item.truncated", "item_id": event.item_id,
                    "content_index": 0, "audio_end_ms": event.audio_end_ms}),
                );
            }
            ClientEvent::InputAudioBufferAppend(append) => {
                self.buffer.extend_from_slice(append.audio.as_bytes())
            }
            ClientEvent::InputAudioBufferCommit(_) => {
                if self.buffer.is_empty() {
                    return Err("input_audio_buffer_commit_empty");
                }
                let id = self.id("turn");
                self.commit(&id, self.buffer.len());
            }
            ClientEvent::ResponseCreate(create) => {
                let params = serde_json::to_value(&create.response).unwrap();
                if params["conversation"] == "none" {
                    let id = self.id("resp");
                    let response = json!({"id": id, "conversation_id": null, "metadata": params["metadata"], "status": "completed"});
                    self.out
                        .push(json!({"type": "response.created", "response": response}));
                    self.out
                        .push(json!({"type": "response.done", "response": response}));
                } else if self.active.is_some() {
                    return Err("conversation_already_has_active_response");
                } else {
                    self.respond(params["metadata"].clone());
                }
            }
            ClientEvent::ResponseCancel(_) => {
                if self.active.is_none() {
                    return Err("response_cancel_not_active");
                }
                self.end(
                    "cancelled",
                    &json!({"type": "cancelled", "reason": "client_cancelled"}),
                );
            }
            other => panic!("unexpected {}", other.event_type()),
        }
        self.check();
        Ok(())
    }

    fn at(&self, id: &str) -> Option<usize> {
        self.items.iter().position(|(own, _)| own == id)
    }

    fn create(&mut self, item: &Item, previous: Option<&str>) -> Result<(), &'static str> {
        let id = item.id().unwrap().to_owned();
        if self.at(&id).is_some() {
            return Err("item_create_duplicate_item_id");
        }
        let at = match previous {
            None => self.items.len(),
            Some("root") => 0,
            Some(previous) => self.at(previous).ok_or("item_create_invalid_previous_item_id")? + 1,
        };
        match item {
            Item::FunctionCall(call) => assert!(call.call_id.as_deref().unwrap().chars().count() <= 32),
            Item::FunctionCallOutput(output) => {
                let is = |item: &Item| matches!(item, Item::FunctionCall(call) if call.call_id.as_deref() == Some(&output.call_id));
                if !self.items.iter().any(|(_, item)| is(item)) {
                    return Err("item_create_no_call");
                }
            }
            Item::Message(message) if message.role == rt_protocol::item::Role::Assistant => {
                assert!(
                    message.content.iter().all(|part| part.audio.is_absent()),
                    "audio of the model"
                );
            }
            _ => {}
        }
        let before = at.checked_sub(1).map(|at| self.items[at].0.clone());
        self.items.insert(at, (id, item.clone()));
        for kind in ["conversation.item.added", "conversation.item.done"] {
            self.out
                .push(json!({"type": kind, "previous_item_id": before, "item": item}));
        }
        Ok(())
    }

    fn commit(&mut self, id: &str, bytes: usize) {
        let audio: Vec<u8> = self.buffer.drain(..bytes).collect();
        self.committed += audio.len();
        self.turns.push((id.to_owned(), audio));
        self.untranscribed.push(id.to_owned());
        self.out.push(committed(id, self.last().as_deref()));
        let item = json!({"type": "message", "id": id, "role": "user", "content": [{"type": "input_audio", "transcript": null}]});
        self.create(&serde_json::from_value(item).unwrap(), self.last().as_deref())
            .unwrap();
    }

    fn respond(&mut self, metadata: Value) {
        let id = self.id("resp");
        self.out.push(created(&id, &metadata));
        self.active = Some(Active {
            id,
            metadata,
            item: None,
        });
    }

    /// The server hears the end of a turn, somewhere in the buffer.
    pub(super) fn hear(&mut self, part: usize) -> Vec<ServerEvent> {
        let bytes = self.buffer.len() * (part % 100) / 100;
        let end = (self.committed + bytes) / 48;
        let bytes = (end * 48).saturating_sub(self.committed);
        if !self.vad || bytes == 0 {
            return Vec::new();
        }
        let id = self.id("turn");
        self.out.push(json!({"type": "input_audio_buffer.speech_started", "audio_start_ms": self.committed / 48, "item_id": id}));
        self.out
            .push(json!({"type": "input_audio_buffer.speech_stopped", "audio_end_ms": end, "item_id": id}));
        self.commit(&id, bytes);
        if self.active.is_none() {
            self.respond(json!(null));
        }
        self.flush()
    }

    pub(super) fn transcribe(&mut self) -> Vec<ServerEvent> {
        if let Some(id) = self.untranscribed.pop() {
            self.out.push(transcript(&id, &format!("said {id}")));
        }
        self.flush()
    }

    pub(super) fn is_active(&self) -> bool {
        self.active.is_some()
    }

    /// The response goes on.
    pub(super) fn advance(&mut self, choice: usize) -> Vec<ServerEvent> {
        let Some(active) = &mut self.active else {
            return Vec::new();
        };
        let response = active.id.clone();
        match active.item.take() {
            None => self.begin(&response, choice.is_multiple_of(4)),
            Some(Open::Call(id)) => {
                self.out.push(json!({"type": "response.function_call_arguments.done", "response_id": response, "item_id": id, "arguments": "{}"}));
                if let Some(at) = self.at(&id) {
                    let mut item = serde_json::to_value(&self.items[at].1).unwrap();
                    item["arguments"] = "{}".into();
                    item["status"] = "completed".into();
                    self.items[at].1 = serde_json::from_value(item.clone()).unwrap();
                    self.out.push(
                        json!({"type": "conversation.item.done", "previous_item_id": null, "item": item}),
                    );
                    self.out.push(
                        json!({"type": "response.output_item.done", "response_id": response, "item": item}),
                    );
                }
                self.end("completed", &json!(null));
            }
            Some(Open::Spoken(id)) if choice.is_multiple_of(4) => {
                active.item = Some(Open::Spoken(id));
                self.end("completed", &json!(null));
            }
            Some(Open::Spoken(id)) => {
                active.item = Some(Open::Spoken(id.clone()));
                self.say(&response, &id, choice);
            }
        }
        self.flush()
    }

    fn begin(&mut self, response: &str, calls: bool) {
        let (open, item) = if calls {
            let (id, call_id) = (
                self.id("call_item"),
                self.id("call_that_is_much_longer_than_allowed"),
            );
            let item =
                json!({"type": "function_call", "id": id, "call_id": call_id, "name": "f", "arguments": ""});
            (Open::Call(id), item)
        } else {
            let id = self.id("speech");
            self.words.push((id.clone(), Vec::new()));
            let item = json!({"type": "message", "id": id, "role": "assistant", "status": "in_progress", "content": []});
            (Open::Spoken(id), item)
        };
        if let Some(active) = &mut self.active {
            active.item = Some(open);
        }
        self.out
            .push(json!({"type": "response.output_item.added", "response_id": response, "item": item}));
        self.out.push(added(self.last().as_deref(), item.clone()));
        let id = item["id"].as_str().unwrap().to_owned();
        self.items.push((id, serde_json::from_value(item).unwrap()));
    }

    fn say(&mut self, response: &str, id: &str, choice: usize) {
        let Some((_, words)) = self.words.iter_mut().find(|(own, _)| own == id) else {
            return;
        };
        let start = words.last().map_or(0, |(_, end)| *end);
        let space = if words.is_empty() { "" } else { " " };
        let word = format!("{space}{}", "w".repeat(choice % 9 + 1));
        let ms = word.len() as u64 * MS_PER_CHAR;
        words.push((word.clone(), start + ms));
        self.out.push(
            json!({"type": "response.output_audio_transcript.delta", "response_id": response, "item_id": id,
            "content_index": 0, "delta": word}),
        );
        let audio = rt_protocol::AudioBytes::from(vec![0; usize::try_from(ms * 48).unwrap()]);
        self.out.push(
            json!({"type": "response.output_audio.delta", "response_id": response, "item_id": id,
            "content_index": 0, "delta": audio}),
        );
    }

    fn end(&mut self, status: &str, details: &Value) {
        let Some(active) = self.active.take() else { return };
        if let Some(Open::Spoken(id)) = &active.item {
            let words = self.words.iter().find(|(own, _)| own == id);
            let text: String = words
                .into_iter()
                .flat_map(|(_, words)| words.iter().map(|(word, _)| &**word))
                .collect();
            let item = json!({"type": "message", "id": id, "role": "assistant", "status": status,
                "content": [{"type": "output_audio", "transcript": text}]});
            self.out
                .push(json!({"type": "conversation.item.done", "previous_item_id": null, "item": item}));
            self.out
                .push(json!({"type": "response.output_item.done", "response_id": active.id, "item": item}));
        }
        self.out.push(
            json!({"type": "response.done", "response": {"id": active.id, "conversation_id": "conv",
            "status": status, "status_details": details, "metadata": active.metadata}}),
        );
    }
}
