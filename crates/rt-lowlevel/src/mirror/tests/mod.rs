//! The whole mirror: what happens in order, and what a new session is told.

mod bounds;
mod calls;
mod flight;
mod input;
mod life;
mod model;
mod reductions;
mod schedules;
mod seeding;

use rt_protocol::ServerEvent;
use serde_json::{Value, json};

use super::*;

/// A mirror and a short way to say what happens.
pub(super) struct Bench {
    pub(super) mirror: Mirror,
    seq: u64,
    ids: u64,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(RestorePolicy::default())
    }

    pub(super) fn with(policy: RestorePolicy) -> Self {
        Self::of(policy, SessionKind::Realtime)
    }

    pub(super) fn of(policy: RestorePolicy, kind: SessionKind) -> Self {
        Self {
            mirror: Mirror::new(policy, kind),
            seq: 0,
            ids: 0,
        }
    }

    /// An event as it leaves the user, and its number.
    pub(super) fn prepared(&mut self, event: Value) -> (u64, ClientEvent) {
        let mut event = client(event);
        let ids = &mut self.ids;
        prepare(&mut event, &mut || {
            *ids += 1;
            ids.to_string()
        });
        self.seq += 1;
        (self.seq, event)
    }

    /// Writes an event; returns its number and what is written.
    pub(super) fn write(&mut self, event: Value) -> (u64, Write) {
        let (seq, event) = self.prepared(event);
        (seq, self.mirror.write(seq, Intent::of(&event), false))
    }

    /// Writes an event as it is.
    pub(super) fn send(&mut self, event: Value) -> u64 {
        let (seq, write) = self.write(event);
        assert!(matches!(write, Write::AsIs), "{write:?}");
        seq
    }

    /// An event that waited over a loss.
    pub(super) fn stale(&mut self, event: Value) -> Write {
        let (seq, event) = self.prepared(event);
        self.mirror.write(seq, Intent::of(&event), true)
    }

    pub(super) fn append(&mut self, bytes: Vec<u8>) -> u64 {
        self.seq += 1;
        let event = rt_protocol::client_event::InputAudioBufferAppend::new(bytes);
        let write = self.mirror.write(self.seq, Intent::of(&event.into()), false);
        assert!(matches!(write, Write::AsIs));
        self.seq
    }

    pub(super) fn server(&mut self, event: Value) -> Reduced {
        self.mirror.server(&server(event))
    }

    /// What it acknowledges.
    pub(super) fn acks(&mut self, event: Value) -> Vec<u64> {
        let reduced = self.server(event);
        reduced
            .settled
            .into_iter()
            .map(|(seq, verdict)| {
                assert_eq!(verdict, Verdict::Acknowledged);
                seq
            })
            .collect()
    }

    /// What it rejects.
    pub(super) fn rejects(&mut self, event: Value) -> Vec<u64> {
        let reduced = self.server(event);
        reduced
            .settled
            .into_iter()
            .map(|(seq, verdict)| {
                assert_eq!(verdict, Verdict::Rejected);
                seq
            })
            .collect()
    }

    /// A text of the user, acknowledged.
    pub(super) fn says(&mut self, id: &str, text: &str) {
        self.send(user_text(id, text));
        let previous = self.before(id);
        self.server(added(
            previous.as_deref(),
            message(id, "user", "input_text", text),
        ));
    }

    fn before(&self, id: &str) -> Option<String> {
        let at = self.mirror.items.position(id)?;
        self.mirror.items.known_before(at).map(str::to_owned)
    }

    /// A response of the model with one spoken item: each word with its milliseconds of audio.
    pub(super) fn speaks(&mut self, id: &str, words: &[(&str, usize)], done: bool) {
        let response = format!("resp_{id}");
        let previous = self.mirror.items.entries().last().map(|entry| entry.id.clone());
        self.server(created(&response, &json!(null)));
        self.server(json!({"type": "response.output_item.added", "response_id": response,
            "item": {"type": "message", "id": id, "role": "assistant", "status": "in_progress", "content": []}}));
        self.server(added(
            previous.as_deref(),
            json!({"type": "message", "id": id, "role": "assistant", "status": "in_progress", "content": []}),
        ));
        for (word, ms) in words {
            self.server(
                json!({"type": "response.output_audio_transcript.delta", "response_id": response,
                "item_id": id, "content_index": 0, "delta": word}),
            );
            self.audio(&response, id, *ms);
        }
        if done {
            let text: String = words.iter().map(|(word, _)| *word).collect();
            let item = json!({"type": "message", "id": id, "role": "assistant", "status": "completed",
                "content": [{"type": "output_audio", "transcript": text}]});
            self.server(
                json!({"type": "response.output_audio_transcript.done", "response_id": response,
                "item_id": id, "content_index": 0, "transcript": text}),
            );
            self.server(json!({"type": "conversation.item.done", "previous_item_id": null, "item": item}));
            self.server(json!({"type": "response.output_item.done", "response_id": response, "item": item}));
            self.server(json!({"type": "response.done", "response": {"id": response, "status": "completed", "output": [item]}}));
        }
    }

    pub(super) fn audio(&mut self, response: &str, id: &str, ms: usize) {
        let event = rt_protocol::server_event::ResponseOutputAudioDelta {
            response_id: response.to_owned(),
            item_id: id.to_owned(),
            delta: vec![0; ms * 48].into(),
            ..Default::default()
        };
        self.mirror.server(&ServerEvent::ResponseOutputAudioDelta(event));
    }

    /// Loses the session, tells a new one that takes everything, and goes on with it. Returns what was told.
    pub(super) fn reconnect(&mut self) -> Told {
        let lost = self.mirror.lost();
        let mut told = self.restore();
        told.lost_session = lost;
        told
    }

    pub(super) fn restore(&mut self) -> Told {
        let mut known = Known::default();
        let plan = self.mirror.plan(&known, Purpose::Restore);
        for step in &plan.steps {
            known.acknowledged(step);
        }
        let again = self.mirror.plan(&known, Purpose::Restore);
        assert!(again.steps.is_empty(), "{:?}", again.steps);
        assert_eq!((&again.lost, again.text_only), (&plan.lost, plan.text_only));
        self.mirror.attach(&known);
        let replayed = std::iter::from_fn(|| self.mirror.replay()).collect();
        Told {
            plan,
            replayed,
            lost_session: Lost::default(),
        }
    }
}

/// What a new session was told.
pub(super) struct Told {
    pub(super) plan: Plan,
    pub(super) replayed: Vec<Replay>,
    pub(super) lost_session: Lost,
}

impl Told {
    /// Ids and what they hold, of the items, in order.
    pub(super) fn items(&self) -> Vec<(String, String)> {
        self.plan
            .steps
            .iter()
            .filter_map(|step| told_item(&step.event))
            .collect()
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.items().into_iter().map(|(id, _)| id).collect()
    }

    pub(super) fn lost(&self) -> Vec<(&str, LostReason)> {
        self.plan
            .lost
            .iter()
            .map(|lost| (lost.id.as_str(), lost.reason.clone()))
            .collect()
    }

    pub(super) fn replayed(&self) -> Vec<&str> {
        self.replayed
            .iter()
            .map(|replay| replay.event.event_type())
            .collect()
    }
}

/// The id and the content of an item that is created.
pub(super) fn told_item(event: &ClientEvent) -> Option<(String, String)> {
    let ClientEvent::ConversationItemCreate(create) = event else {
        return None;
    };
    let content = match &create.item {
        rt_protocol::Item::Message(message) => message
            .content
            .iter()
            .map(|part| match part.audio.value() {
                Some(audio) => format!("<{} bytes>", audio.len()),
                None => part.readable().unwrap_or("<image>").to_owned(),
            })
            .collect::<Vec<_>>()
            .join("|"),
        rt_protocol::Item::FunctionCall(call) => {
            format!(
                "{}:{}",
                call.call_id.as_deref().unwrap_or_default(),
                &*call.arguments
            )
        }
        rt_protocol::Item::FunctionCallOutput(output) => format!("{}:{}", output.call_id, &*output.output),
        other => serde_json::to_string(other).unwrap(),
    };
    Some((create.item.id().unwrap_or_default().to_owned(), content))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "so that `json!` can stand in the call"
)]
pub(super) fn client(event: Value) -> ClientEvent {
    ClientEvent::from_json(&event.to_string()).unwrap()
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "so that `json!` can stand in the call"
)]
pub(super) fn server(event: Value) -> ServerEvent {
    ServerEvent::from_json(&event.to_string()).unwrap()
}

pub(super) fn user_text(id: &str, text: &str) -> Value {
    json!({"type": "conversation.item.create", "item": message(id, "user", "input_text", text)})
}

pub(super) fn message(id: &str, role: &str, kind: &str, text: &str) -> Value {
    json!({"type": "message", "id": id, "role": role, "content": [{"type": kind, "text": text}]})
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "so that `json!` can stand in the call"
)]
pub(super) fn added(previous: Option<&str>, item: Value) -> Value {
    json!({"type": "conversation.item.added", "previous_item_id": previous, "item": item})
}

pub(super) fn created(response: &str, metadata: &Value) -> Value {
    json!({"type": "response.created", "response": {"id": response, "status": "in_progress", "conversation_id": "conv",
        "metadata": metadata}})
}

pub(super) fn committed(id: &str, previous: Option<&str>) -> Value {
    json!({"type": "input_audio_buffer.committed", "item_id": id, "previous_item_id": previous})
}

pub(super) fn transcript(id: &str, text: &str) -> Value {
    json!({"type": "conversation.item.input_audio_transcription.completed", "item_id": id, "content_index": 0,
        "transcript": text})
}

pub(super) fn error(event_id: &str, code: &str) -> Value {
    json!({"type": "error", "error": {"type": "invalid_request_error", "code": code, "event_id": event_id}})
}

pub(super) fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
