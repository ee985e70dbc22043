//! Whole sessions in simulated time.

mod beta;
mod chaos;
mod items;
mod responses;
mod sessions;
mod transcription;
mod translation;
mod turns;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rt_protocol::ServerEvent;
use serde_json::{Value, json};

use super::{Brain, Output, Settings};
use crate::{Pacing, Script};

/// A brain, a clock and what came out.
pub(super) struct Talk {
    pub(super) brain: Brain,
    pub(super) now: Duration,
    /// Since the last look.
    pub(super) fresh: Vec<Value>,
    pub(super) closed: Option<(u16, String)>,
}

impl Talk {
    /// An open session; `session.created` is still to be looked at.
    pub(super) fn of(settings: Settings) -> Self {
        let mut talk = Self {
            brain: Brain::new(settings),
            now: Duration::ZERO,
            fresh: Vec::new(),
            closed: None,
        };
        let outputs = talk.brain.open(talk.now);
        talk.take(outputs);
        talk
    }

    pub(super) fn with(settings: Settings) -> Self {
        let mut talk = Self::of(settings);
        assert_eq!(talk.types(), ["session.created"]);
        talk
    }

    pub(super) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(super) fn scripted(yaml: &str) -> Self {
        let script = Arc::new(Script::from_yaml(yaml).unwrap());
        Self::with(Settings {
            script,
            ..Settings::default()
        })
    }

    pub(super) fn slow() -> Self {
        Self::with(Settings {
            pacing: Pacing::real_time(),
            ..Settings::default()
        })
    }

    pub(super) fn take(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Event(event) => {
                    let json = event.to_json();
                    // Everything sent can be read back, and is of a known type.
                    let read = ServerEvent::from_json(&json).unwrap();
                    assert!(!matches!(read, ServerEvent::Unknown(_)), "{json}");
                    self.fresh.push(serde_json::from_str(&json).unwrap());
                }
                Output::Close { code, reason } => self.closed = Some((code, reason)),
            }
        }
    }

    pub(super) fn send(&mut self, event: &Value) -> &mut Self {
        let outputs = self.brain.handle_text(&event.to_string(), self.now);
        self.take(outputs);
        self
    }

    /// Appends audio in pieces of 100 ms, in no time.
    pub(super) fn append(&mut self, audio: &[u8]) -> &mut Self {
        for piece in audio.chunks(4800) {
            self.send(&json!({"type": "input_audio_buffer.append", "audio": STANDARD.encode(piece)}));
        }
        self
    }

    pub(super) fn update(&mut self, mut session: Value) -> &mut Self {
        session["type"] = "realtime".into();
        self.send(&json!({"type": "session.update", "session": session}))
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, time: Duration) -> &mut Self {
        let end = self.now + time;
        while let Some(due) = self.brain.deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            let outputs = self.brain.poll(self.now);
            self.take(outputs);
        }
        self.now = end;
        let outputs = self.brain.poll(end);
        self.take(outputs);
        self
    }

    pub(super) fn pass_ms(&mut self, ms: u64) -> &mut Self {
        self.pass(Duration::from_millis(ms))
    }

    /// What came since the last look.
    pub(super) fn look(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.fresh)
    }

    /// The types of what came since the last look.
    pub(super) fn types(&mut self) -> Vec<String> {
        self.look().iter().map(|event| kind(event).to_owned()).collect()
    }

    /// The code and param of the one error that came since the last look.
    pub(super) fn error(&mut self) -> (String, String) {
        let events = self.look();
        let [event] = &events[..] else {
            panic!("{events:?}")
        };
        assert_eq!(kind(event), "error");
        let text = |key: &str| event["error"][key].as_str().unwrap_or("null").to_owned();
        (text("code"), text("param"))
    }
}

pub(super) fn kind(event: &Value) -> &str {
    event["type"].as_str().unwrap()
}

pub(super) fn of<'a>(events: &'a [Value], wanted: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| kind(event) == wanted).collect()
}

pub(super) fn one<'a>(events: &'a [Value], wanted: &str) -> &'a Value {
    let found = of(events, wanted);
    let kinds: Vec<&str> = events.iter().map(kind).collect();
    assert_eq!(found.len(), 1, "{wanted} in {kinds:?}");
    found[0]
}

/// The audio of all deltas.
pub(super) fn audio(events: &[Value]) -> Vec<u8> {
    let deltas = of(events, "response.output_audio.delta");
    deltas
        .iter()
        .flat_map(|delta| STANDARD.decode(delta["delta"].as_str().unwrap()).unwrap())
        .collect()
}

/// PCM: silence, a hum, silence; no two samples of the hum alike nearby.
#[expect(clippy::cast_possible_truncation, reason = "the amplitude fits")]
pub(super) fn phrase(before_ms: usize, hum_ms: usize, after_ms: usize) -> Vec<u8> {
    let hum = (0..hum_ms * 24).map(|n| ((n as f64 * 0.05).sin() * (6000.0 + (n % 997) as f64)) as i16);
    let quiet = |ms: usize| std::iter::repeat_n(3_i16, ms * 24);
    quiet(before_ms)
        .chain(hum)
        .chain(quiet(after_ms))
        .flat_map(i16::to_le_bytes)
        .collect()
}

pub(super) fn user_text(text: &str) -> Value {
    json!({"type": "conversation.item.create", "item":
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}})
}

pub(super) fn respond() -> Value {
    json!({"type": "response.create"})
}
