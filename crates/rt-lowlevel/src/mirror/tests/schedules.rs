//! Random schedules: whatever happens, and wherever the connection is cut.

use std::collections::{BTreeMap, HashMap, VecDeque};

use proptest::prelude::*;
use rt_protocol::Item;

use super::model::{MS_PER_CHAR, Model};
use super::*;

/// A client and a server, and what is on its way between them.
struct World {
    bench: Bench,
    vad: bool,
    model: Model,
    up: VecDeque<ClientEvent>,
    down: VecDeque<ServerEvent>,
    outbox: VecDeque<(u64, ClientEvent)>,
    online: bool,
    /// Commands that are to be answered, and how they were settled.
    fates: BTreeMap<u64, Option<&'static str>>,
    /// How often each response that began has ended.
    responses: HashMap<String, u32>,
    /// Audio of turns that the client knows to be committed.
    heard: Vec<u8>,
    ramp: u16,
    /// Milliseconds of audio the client received, and played, of each item.
    received: HashMap<String, u64>,
    played: HashMap<String, u64>,
    words: HashMap<String, Vec<(String, u64)>>,
    calls: Vec<String>,
}

impl World {
    fn new(vad: bool) -> Self {
        let model = Model::new(vad, 0);
        let mut bench = Bench::new();
        bench.mirror.server(&model.created());
        Self {
            bench,
            vad,
            model,
            up: VecDeque::new(),
            down: VecDeque::new(),
            outbox: VecDeque::new(),
            online: true,
            fates: BTreeMap::new(),
            responses: HashMap::new(),
            heard: Vec::new(),
            ramp: 0,
            received: HashMap::new(),
            played: HashMap::new(),
            words: HashMap::new(),
            calls: Vec::new(),
        }
    }

    fn settle(&mut self, seq: u64, fate: &'static str) {
        if let Some(settled) = self.fates.get_mut(&seq) {
            assert!(settled.is_none(), "{seq}: {settled:?} and {fate}");
            *settled = Some(fate);
        }
    }

    fn send(&mut self, event: Value) {
        let (seq, event) = self.bench.prepared(event);
        if Intent::of(&event).answer() == Answer::Event {
            self.fates.insert(seq, None);
        }
        if self.online {
            self.write(seq, event, false);
        } else {
            self.outbox.push_back((seq, event));
        }
    }

    fn write(&mut self, seq: u64, event: ClientEvent, stale: bool) {
        match self.bench.mirror.write(seq, Intent::of(&event), stale) {
            Write::AsIs => self.up.push_back(event),
            Write::Instead(events) => self.up.extend(events),
            Write::Nothing(_) => self.settle(seq, "not written"),
        }
    }

    /// The server reads so many messages.
    fn read(&mut self, count: usize) {
        for _ in 0..count {
            let Some(event) = self.up.pop_front() else { return };
            self.down.extend(self.model.handle(&event));
        }
    }

    /// The client receives so many events.
    fn receive(&mut self, count: usize) {
        for _ in 0..count {
            let Some(event) = self.down.pop_front() else {
                return;
            };
            match &event {
                ServerEvent::InputAudioBufferCommitted(event) => {
                    let turn = self
                        .model
                        .turns
                        .iter()
                        .find(|(id, _)| *id == event.item_id)
                        .unwrap();
                    self.heard.extend_from_slice(&turn.1);
                }
                ServerEvent::ResponseCreated(event) => {
                    self.responses
                        .insert(event.response.id.as_deref().unwrap().to_owned(), 0);
                }
                ServerEvent::ResponseDone(event) => {
                    *self
                        .responses
                        .get_mut(event.response.id.as_deref().unwrap())
                        .unwrap() += 1;
                }
                ServerEvent::ResponseOutputAudioDelta(event) => {
                    *self.received.entry(event.item_id.clone()).or_default() += event.delta.len() as u64 / 48;
                }
                ServerEvent::ResponseFunctionCallArgumentsDone(event) => {
                    let at = self.bench.mirror.items.get(&event.item_id);
                    self.calls
                        .extend(at.and_then(|entry| entry.call_id()).map(str::to_owned));
                }
                _ => {}
            }
            for (seq, verdict) in self.bench.mirror.server(&event).settled {
                self.settle(
                    seq,
                    if verdict == Verdict::Rejected {
                        "rejected"
                    } else {
                        "acknowledged"
                    },
                );
            }
        }
    }

    /// The connection is cut.
    fn cut(&mut self) {
        self.up.clear();
        self.down.clear();
        self.online = false;
        for (id, words) in std::mem::take(&mut self.model.words) {
            self.words.insert(id, words);
        }
        let lost = self.bench.mirror.lost();
        self.lose(lost);
    }

    fn lose(&mut self, lost: Lost) {
        for (seq, _) in lost.fates {
            self.settle(seq, "lost");
        }
        for response in lost.responses {
            if let Some(id) = response.response_id {
                *self.responses.get_mut(&id).unwrap() += 1;
            }
        }
        for seq in lost.pending {
            // What a restore has done that was cut is done again.
            let settled = self.fates.get(&seq).copied().flatten();
            assert!(matches!(settled, None | Some("told")), "{seq}: {settled:?}");
        }
        assert_eq!(lost.lost_audio_ms, 0);
    }

    /// A new session is told, up to so many messages; returns whether it was told all.
    fn restore(&mut self, limit: usize) -> bool {
        let mut known = Known::default();
        self.model = Model::new(self.vad, self.model.next);
        let waiting = std::mem::take(&mut self.outbox);
        for (seq, event) in waiting {
            if self.bench.mirror.absorb(seq, &Intent::of(&event)) {
                self.settle(seq, "superseded");
            } else {
                self.outbox.push_back((seq, event));
            }
        }
        let mut left = limit;
        if !self.tell(&mut known, Purpose::Restore, &mut left) {
            return false;
        }
        self.take_over(&known);
        true
    }

    fn tell(&mut self, known: &mut Known, purpose: Purpose, left: &mut usize) -> bool {
        loop {
            let plan = self.bench.mirror.plan(known, purpose);
            if plan.steps.is_empty() {
                for (seq, _) in plan.discarded {
                    // Unless a restore that was cut had told it.
                    if self.fates.get(&seq).is_some_and(Option::is_none) {
                        self.settle(seq, "discarded");
                    }
                }
                return true;
            }
            for step in plan.steps {
                if *left == 0 {
                    return false;
                }
                *left -= 1;
                let answers = self.model.handle(&step.event);
                let answers: Vec<_> = answers
                    .iter()
                    .filter_map(|event| step.answered_by(event))
                    .collect();
                assert_eq!(answers.first(), Some(&StepAnswer::Done), "{step:?}");
                known.acknowledged(&step);
                if let Some(seq) = step.seq {
                    self.told(seq);
                }
            }
        }
    }

    fn told(&mut self, seq: u64) {
        if matches!(self.fates.get(&seq), Some(None)) {
            self.settle(seq, "told");
        }
    }

    fn take_over(&mut self, known: &Known) {
        self.bench.mirror.attach(known);
        self.check_told();
        while let Some(replay) = self.bench.mirror.replay() {
            self.up.push_back(replay.event);
        }
        self.online = true;
        for (seq, event) in std::mem::take(&mut self.outbox) {
            self.write(seq, event, true);
        }
    }

    /// What the new session was told is what the mirror has, and nothing that was not heard.
    fn check_told(&self) {
        let told: Vec<&str> = self.model.items.iter().map(|(id, _)| &**id).collect();
        let own = self
            .bench
            .mirror
            .items
            .entries()
            .iter()
            .filter(|entry| entry.on_session);
        assert_eq!(told, own.map(|entry| &*entry.id).collect::<Vec<_>>());
        assert!(self.model.has_whole_calls_only());
        for (id, item) in &self.model.items {
            let (Some(words), Item::Message(message)) = (self.words.get(id), item) else {
                continue;
            };
            let text = message.content[0].text.as_deref().unwrap();
            let received = self.received.get(id).copied().unwrap_or_default();
            let position = if self.played.is_empty() {
                received
            } else {
                self.played.get(id).copied().unwrap_or_default()
            };
            let all: String = words.iter().map(|(word, _)| &**word).collect();
            assert!(all.starts_with(text), "{text:?} of {all:?}");
            let end = text.len() as u64 * MS_PER_CHAR;
            assert!(end <= position, "{text:?} ends at {end}, played {position}");
        }
    }

    /// Everything on its way arrives.
    fn settle_down(&mut self) {
        if !self.online {
            assert!(self.restore(usize::MAX));
        }
        for n in 0..1000 {
            self.read(usize::MAX);
            self.receive(usize::MAX);
            if self.up.is_empty() && self.down.is_empty() && !self.model.is_active() {
                break;
            }
            self.down.extend(self.model.advance(n));
        }
        assert!(!self.model.is_active());
        let told: Vec<&str> = self.model.items.iter().map(|(id, _)| &**id).collect();
        let own = self
            .bench
            .mirror
            .items
            .entries()
            .iter()
            .filter(|entry| entry.on_session);
        assert_eq!(told, own.map(|entry| &*entry.id).collect::<Vec<_>>());
        assert!(self.fates.values().all(Option::is_some), "{:?}", self.fates);
        assert!(
            self.responses.values().all(|ends| *ends == 1),
            "{:?}",
            self.responses
        );
        assert!(self.bench.mirror.commands.is_empty());
        // Every sample once: in a turn that was committed, or still in the buffer.
        let mut audio = self.heard.clone();
        audio.extend_from_slice(&self.model.buffer);
        let samples: Vec<u16> = audio
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        assert_eq!(samples, (0..self.ramp).collect::<Vec<_>>());
    }

    fn step(&mut self, what: u8, size: usize) {
        let known = |world: &Self| {
            let entries = world.bench.mirror.items.entries();
            (!entries.is_empty()).then(|| entries[size % entries.len()].id.clone())
        };
        match what {
            0 => {
                let id = format!("user_{}", self.bench.seq);
                let mut event = user_text(&id, "text");
                if let Some(previous) = known(self).filter(|_| size.is_multiple_of(3)) {
                    event["previous_item_id"] = previous.into();
                }
                self.send(event);
            }
            1 | 2 => {
                let mut bytes = Vec::new();
                for _ in 0..size * 3 + 1 {
                    bytes.extend_from_slice(&self.ramp.to_le_bytes());
                    self.ramp += 1;
                }
                let audio = rt_protocol::AudioBytes::from(bytes);
                self.send(json!({"type": "input_audio_buffer.append", "audio": audio}));
            }
            3 if !self.vad => self.send(json!({"type": "input_audio_buffer.commit"})),
            3 => self.down.extend(if self.online { self.model.hear(size) } else { Vec::new() }),
            4 => self.send(json!({"type": "response.create"})),
            5 if size.is_multiple_of(4) => self.send(json!({"type": "response.cancel"})),
            5 if size % 4 == 1 => self.send(json!({"type": "response.create", "response": {"conversation": "none"}})),
            5 => {
                let mut ids: Vec<_> = self.received.iter().collect();
                ids.sort();
                if let Some((id, received)) = ids.get(size % ids.len().max(1)) {
                    let event = json!({"type": "conversation.item.truncate", "item_id": id, "content_index": 0,
                        "audio_end_ms": *received * (size as u64 % 6) / 5});
                    self.send(event);
                }
            }
            6 => {
                if let Some(id) = known(self) {
                    self.send(json!({"type": "conversation.item.delete", "item_id": id}));
                }
            }
            7 => self.send(json!({"type": "session.update", "session": {"type": "realtime", "instructions": format!("{size}")}})),
            8 | 9 => {
                if let Some(call_id) = self.calls.pop() {
                    self.send(json!({"type": "conversation.item.create", "item": {"type": "function_call_output", "call_id": call_id, "output": "out"}}));
                }
            }
            10 => {
                let mut ids: Vec<_> = self.received.keys().cloned().collect();
                ids.sort();
                if let Some(id) = ids.get(size % ids.len().max(1)) {
                    let played = self.received[id] * (size as u64 % 5) / 4;
                    let best = self.played.entry(id.clone()).or_default();
                    *best = played.max(*best);
                    self.bench.mirror.played(id, 0, played * 24);
                }
            }
            11 | 12 => self.read(size % 7),
            13..=15 if self.online => {
                let events = if what == 15 && size.is_multiple_of(5) { self.model.transcribe() } else { self.model.advance(size) };
                self.down.extend(events);
            }
            16 | 17 => self.receive(size % 12),
            18 if self.online => self.cut(),
            18 | 19 if !self.online => {
                let whole = self.restore(size);
                if !whole {
                    let lost = self.bench.mirror.lost();
                    self.lose(lost);
                }
            }
            20 => {
                let snapshot = self.bench.mirror.snapshot();
                let resumed = Mirror::resume(RestorePolicy::default(), snapshot.clone());
                assert_eq!(resumed.snapshot(), snapshot);
                assert_eq!(Snapshot::from_json(&snapshot.to_json()).unwrap(), snapshot);
            }
            21 if self.online => self.roll_over(),
            _ => {}
        }
    }

    /// A second session is prepared and takes over, at a quiet point or not.
    fn roll_over(&mut self) {
        let mut known = Known::default();
        let second = Model::new(self.vad, self.model.next);
        let mut first = std::mem::replace(&mut self.model, second);
        self.tell(&mut known, Purpose::Prepare, &mut { usize::MAX });
        std::mem::swap(&mut self.model, &mut first);
        self.read(usize::MAX);
        self.receive(usize::MAX);
        for (id, words) in std::mem::take(&mut self.model.words) {
            self.words.insert(id, words);
        }
        let quiet = self.bench.mirror.is_quiet();
        if quiet {
            // What is silence stays behind.
            self.heard.append(&mut self.model.buffer);
        }
        first.next = self.model.next + 1000;
        self.model = first;
        let lost = self.bench.mirror.hand_over();
        assert!(!quiet || (lost.pending.is_empty() && lost.fates.is_empty() && lost.responses.is_empty()));
        self.lose(lost);
        assert!(self.tell(&mut known, Purpose::Restore, &mut { usize::MAX }));
        self.take_over(&known);
    }
}

proptest! {
    /// Commands are settled once, responses end once, items are told once and in order, calls whole, no word that was
    /// not heard, every sample once.
    #[test]
    fn whatever_happens(
        vad in any::<bool>(),
        steps in proptest::collection::vec((0u8..22, 0usize..100), 0..160),
    ) {
        let mut world = World::new(vad);
        for (what, size) in steps {
            world.step(what, size);
        }
        world.settle_down();
        // And one more loss at rest.
        world.cut();
        world.settle_down();
    }
}
