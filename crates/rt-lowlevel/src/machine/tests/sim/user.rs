//! The user of the simulated world: speaks, writes, listens, runs tools.

use std::collections::VecDeque;
use std::time::Duration;

use rt_protocol::client_event::{
    ConversationItemCreate, ConversationItemDelete, ConversationItemTruncate, InputAudioBufferAppend,
    ResponseCreate,
};
use rt_protocol::{AudioBytes, ClientEvent, Item, ServerEvent};
use serde_json::{Value, json};

use super::super::super::*;
use super::Plan;
use super::server::{BYTES_PER_MS, FRAME, PIECE_MS, numbers};
use crate::mirror::{Intent, prepare};

#[derive(Debug, Default)]
pub(super) struct User {
    /// Says no more.
    pub(super) is_silent: bool,
    /// Frames of speech said so far.
    pub(super) said: u64,
    /// Until when the present utterance, or pause, goes.
    turns_at: Duration,
    speaks: bool,
    /// What could not be accepted yet, in order.
    backlog: VecDeque<ClientEvent>,
    pub(super) accepted: Vec<u64>,
    /// Commands with audio, and the numbers of the frames in them.
    pub(super) appends: Vec<(u64, Vec<u16>)>,
    ids: u64,
    /// Settings as they should be in the end.
    pub(super) settings: Value,
    pub(super) updates: u64,
    /// Items of the conversation by their ids, as far as the user was told.
    pub(super) items: Vec<String>,
    pub(super) deleted: Vec<String>,
    /// Audio of the model by item: received, and played, in milliseconds.
    pub(super) audio: Vec<(String, u64, u64)>,
    /// Outputs of tools that are to be sent.
    outputs: Vec<(Duration, String)>,
    pub(super) calls: Vec<String>,
}

impl User {
    fn id(&mut self) -> String {
        self.ids += 1;
        format!("{:x}", self.ids)
    }

    /// What a session begins with.
    pub(super) fn first_settings(&mut self, machine: &mut Machine) {
        let settings = json!({"type": "realtime", "instructions": "i0", "audio": {"input": {
            "format": {"type": "audio/pcmu"},
            "turn_detection": {"type": "server_vad", "prefix_padding_ms": 300, "silence_duration_ms": 500}},
            "output": {"format": {"type": "audio/pcmu"}}}});
        self.settings = settings.clone();
        self.send_json(machine, &json!({"type": "session.update", "session": settings}));
    }

    fn send_json(&mut self, machine: &mut Machine, event: &Value) {
        self.send(machine, ClientEvent::from_json(&event.to_string()).unwrap());
    }

    pub(super) fn send(&mut self, machine: &mut Machine, event: impl Into<ClientEvent>) {
        self.backlog.push_back(event.into());
        self.flush(machine);
    }

    fn flush(&mut self, machine: &mut Machine) {
        while let Some(mut event) = self.backlog.pop_front() {
            if let ClientEvent::ConversationItemTruncate(truncate) = &event
                && !machine.truncate_allowed(&truncate.item_id)
            {
                continue;
            }
            prepare(&mut event, &mut || self.id());
            let text = event.to_json();
            let (kind, intent) = (Kind::of(&event), Intent::of(&event));
            let message = match &event {
                ClientEvent::InputAudioBufferAppend(append) => Message::audio(text, append.audio.len()),
                _ => Message::control(text),
            };
            match machine.handle_command(vec![message.of(kind, intent)], true) {
                Ok(number) => {
                    self.accepted.push(number);
                    if let ClientEvent::InputAudioBufferAppend(append) = &event {
                        let frames = numbers(append.audio.as_bytes()).collect();
                        self.appends.push((number, frames));
                    }
                }
                Err(Refused::Full(_)) => {
                    self.backlog.push_front(event);
                    return;
                }
                Err(Refused::Closed) => return,
            }
        }
    }

    pub(super) fn act(
        &mut self,
        machine: &mut Machine,
        at: At,
        rng: &mut fastrand::Rng,
        plan: &Plan,
        now: Duration,
    ) {
        self.flush(machine);
        self.play(machine, at, plan);
        if plan.speech.is_some() {
            self.speak(machine, rng, plan, now);
        }
        let due: Vec<String> = self
            .outputs
            .extract_if(.., |(due, _)| *due <= now)
            .map(|(_, call_id)| call_id)
            .collect();
        for call_id in due {
            let item = json!({"type": "conversation.item.create",
                "item": {"type": "function_call_output", "call_id": call_id, "output": "o"}});
            self.send_json(machine, &item);
            self.send(machine, ResponseCreate::default());
        }
        if !self.is_silent && rng.f64() < plan.deeds {
            self.do_something(machine, rng, plan);
        }
    }

    fn speak(&mut self, machine: &mut Machine, rng: &mut fastrand::Rng, plan: &Plan, now: Duration) {
        let (least, most) = plan.speech.unwrap_or((1, 1));
        if now >= self.turns_at {
            self.speaks = !self.speaks;
            let length = if self.speaks {
                rng.u64(least..=most)
            } else {
                rng.u64(900..2500)
            };
            self.turns_at = now + Duration::from_millis(length);
        }
        let mut bytes = vec![0; usize::try_from(plan.tick * BYTES_PER_MS).unwrap()];
        if self.speaks && !self.is_silent {
            for frame in bytes.chunks_exact_mut(FRAME) {
                self.said += 1;
                frame.fill(0x55);
                frame[..2].copy_from_slice(&number_of(self.said).to_le_bytes());
            }
        }
        self.send(machine, InputAudioBufferAppend::new(AudioBytes::from(bytes)));
    }

    fn do_something(&mut self, machine: &mut Machine, rng: &mut fastrand::Rng, plan: &Plan) {
        match rng.u32(0..6) {
            0 => {
                self.updates += 1;
                let instructions = format!("i{}", self.updates);
                self.settings["instructions"] = instructions.clone().into();
                let update = json!({"type": "session.update",
                    "session": {"type": "realtime", "instructions": instructions}});
                self.send_json(machine, &update);
            }
            1 | 2 => {
                let text = format!("typed {}", self.ids);
                self.send(machine, ConversationItemCreate::new(Item::user_text(text)));
                self.send(machine, ResponseCreate::default());
            }
            3 if !self.items.is_empty() && !plan.calls => {
                let id = self.items.swap_remove(rng.usize(..self.items.len()));
                self.deleted.push(id.clone());
                self.send(machine, ConversationItemDelete::new(id));
            }
            4 => {
                if let Some((id, received, _)) = self.audio.last().filter(|(_, received, _)| *received > 0) {
                    let truncate = ConversationItemTruncate::new(id.clone(), received / 2);
                    self.send(machine, truncate);
                }
            }
            5 => self.send_json(machine, &json!({"type": "response.cancel"})),
            _ => {}
        }
    }

    /// Listens to what has arrived, at the speed of speech.
    fn play(&mut self, machine: &mut Machine, at: At, plan: &Plan) {
        if !plan.playback {
            return;
        }
        if let Some((id, received, played)) = self
            .audio
            .iter_mut()
            .find(|(_, received, played)| played < received)
        {
            *played = (*played + plan.tick).min(*received);
            machine.handle_played(at, id, 0, *played * BYTES_PER_MS);
        }
    }

    /// The user is told of an event of the server.
    pub(super) fn hear(&mut self, event: &ServerEvent, now: Duration, rng: &mut fastrand::Rng) {
        match event {
            ServerEvent::ConversationItemAdded(added) => {
                let id = added.item.id().unwrap_or_default().to_owned();
                if !self.items.contains(&id) && !self.deleted.contains(&id) {
                    self.items.push(id);
                }
            }
            ServerEvent::ResponseOutputAudioDelta(delta) => {
                match self.audio.iter_mut().find(|(id, ..)| *id == delta.item_id) {
                    Some((_, received, _)) => *received += PIECE_MS,
                    None => self.audio.push((delta.item_id.clone(), PIECE_MS, 0)),
                }
            }
            ServerEvent::ResponseFunctionCallArgumentsDone(done) => {
                let due = now + Duration::from_millis(rng.u64(0..4000));
                self.calls.push(done.call_id.clone());
                self.outputs.push((due, done.call_id.clone()));
            }
            _ => {}
        }
    }
}

/// The number that stands for the n-th frame of speech, from 1.
pub(super) fn number_of(count: u64) -> u16 {
    u16::try_from((count - 1) % 65_535 + 1).unwrap()
}
