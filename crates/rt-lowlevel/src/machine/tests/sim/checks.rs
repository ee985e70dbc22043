//! What must hold in a simulated world.

use std::collections::{BTreeMap, BTreeSet};

use rt_protocol::ClientEvent;
use rt_protocol::ServerEvent;
use serde_json::Value;

use super::super::super::*;
use super::World;
use super::server::PIECE_MS;
use super::user::number_of;
use crate::event::Restored;
use crate::mirror::{Known, Purpose, StepKind};
use crate::state::State;

impl World {
    /// Called with every event that the user is told, when it is told.
    pub(in super::super) fn note(&mut self, event: &ConnectionEvent) {
        match event {
            ConnectionEvent::Server(event) => {
                if let ServerEvent::InputAudioBufferCommitted(committed) = event {
                    for conn in &mut self.conns {
                        for turn in &mut conn.session.turns {
                            turn.is_known |= turn.item_id == committed.item_id;
                        }
                    }
                }
                let now = self.elapsed();
                self.user.hear(event, now, &mut self.rng);
            }
            ConnectionEvent::Restored(restored) => self.check_report(restored),
            _ => {}
        }
    }

    /// The report is what the service saw.
    fn check_report(&mut self, restored: &Restored) {
        let seed = self.seed;
        let epoch = self.machine.link.as_ref().map(|link| link.epoch).unwrap();
        let conn = self.conns.iter().find(|conn| conn.epoch == epoch).unwrap();
        let session = &conn.session;
        assert_eq!(
            session.creates.len(),
            restored.restored,
            "seed {seed}: {restored:?}"
        );
        for lost in &restored.lost {
            let has = session.items.iter().any(|item| item["id"] == lost.id.as_str());
            assert!(!has, "seed {seed}: {lost:?} is not lost");
        }
        self.check_pairs(session_items(session));
        self.check_heard(session_items(session));
        // What was settled and discarded since the last session was told.
        let told = self.told.iter().rev();
        let since = told.take_while(|event| !matches!(event, ConnectionEvent::Restored(_)));
        let settled = since
            .filter(|event| matches!(event, ConnectionEvent::Interrupted(_)))
            .count();
        assert_eq!(settled as u64, restored.settled, "seed {seed}: {restored:?}");
        for item in session_items(session).filter(|item| item["role"] == "assistant") {
            let id = item["id"].as_str().unwrap();
            assert!(
                !self.machine.truncate_allowed(id),
                "seed {seed}: {id} is text now"
            );
        }
    }

    /// A call and its output are both there or both not.
    fn check_pairs<'a>(&self, items: impl Iterator<Item = &'a Value>) {
        let mut pairs: BTreeMap<&str, [u32; 2]> = BTreeMap::new();
        for item in items {
            let place = match item["type"].as_str() {
                Some("function_call") => 0,
                Some("function_call_output") => 1,
                _ => continue,
            };
            let call_id = item["call_id"].as_str().unwrap();
            assert!(call_id.len() <= 32, "seed {}: {call_id}", self.seed);
            pairs.entry(call_id).or_default()[place] += 1;
        }
        for (call_id, pair) in pairs {
            assert_eq!(pair, [1, 1], "seed {}: {call_id}", self.seed);
        }
    }

    /// No word that was not heard.
    fn check_heard<'a>(&self, items: impl Iterator<Item = &'a Value>) {
        for item in items {
            if item["role"] != "assistant" {
                continue;
            }
            let content = &item["content"][0];
            assert_ne!(content["type"], "output_audio", "seed {}", self.seed);
            let words = content["text"]
                .as_str()
                .unwrap_or_default()
                .split_whitespace()
                .count() as u64;
            let id = item["id"].as_str().unwrap();
            let Some((_, received, played)) = self.user.audio.iter().find(|(of, ..)| of == id) else {
                assert_eq!(words, 0, "seed {}: nothing of {id} arrived", self.seed);
                continue;
            };
            let heard = if self.plan.playback { played } else { received };
            assert!(
                words <= heard.div_ceil(PIECE_MS),
                "seed {}: {words} words of {id}, {heard} ms heard",
                self.seed
            );
        }
    }

    /// G1.
    pub(in super::super) fn check_ledger(&self) {
        let seed = self.seed;
        let sums = self.machine.sums();
        let parts = sums.acknowledged + sums.rejected + sums.superseded + sums.discarded + sums.pending;
        assert_eq!(sums.accepted, parts, "seed {seed}: {sums:?}");
        assert_eq!(sums.accepted, self.user.accepted.len() as u64, "seed {seed}");
        if self.machine.terminal().is_none() {
            return;
        }
        assert_eq!(sums.pending, 0, "seed {seed}: {sums:?}");
        let fates: Vec<u64> = self.fates.keys().copied().collect();
        assert_eq!(fates, self.user.accepted, "seed {seed}");
        let acknowledged = self.fates.values().filter(|fate| fate.is_acknowledged()).count();
        assert_eq!(acknowledged as u64, sums.acknowledged, "seed {seed}");
        self.check_discarded_speech();
        let told: u64 = self
            .told
            .iter()
            .filter_map(|event| match event {
                ConnectionEvent::Settled(settled) => Some(settled.count),
                _ => None,
            })
            .sum();
        assert_eq!(told, sums.accepted - sums.acknowledged, "seed {seed}: {sums:?}");
    }

    /// G9: no speech counts as fallen out of what is kept that the service has in a turn.
    pub(in super::super) fn check_discarded_speech(&self) {
        let seed = self.seed;
        let turns = self.conns.iter().flat_map(|conn| &conn.session.turns);
        let known: BTreeSet<u16> = turns
            .filter(|turn| turn.is_known)
            .flat_map(|turn| turn.speech.iter().copied())
            .collect();
        let bounds = Fate::Discarded(DiscardReason::AudioBounds);
        for (number, frames) in &self.user.appends {
            if self.fates.get(number) == Some(&bounds) {
                let there = frames.iter().find(|frame| known.contains(frame));
                assert_eq!(there, None, "seed {seed}: command {number} is part of a turn");
            }
        }
    }

    /// G2.
    pub(in super::super) fn check_order_of_restore(&self) {
        let seed = self.seed;
        for conn in self.conns.iter().skip(1) {
            let session = &conn.session;
            let end = session.first_live.unwrap_or(session.log.len());
            let told = &session.log[..end.min(session.log.len())];
            let mut items: Vec<String> = Vec::new();
            for (place, event) in told.iter().enumerate() {
                match event {
                    ClientEvent::SessionUpdate(update) => {
                        assert_eq!(place, 0, "seed {seed}: settings first, and once");
                        let update = serde_json::to_value(update).unwrap();
                        let format = &update["session"]["audio"]["input"]["format"]["type"];
                        assert_eq!(format, "audio/pcmu", "seed {seed}: {update}");
                        assert!(
                            update["session"]["instructions"].is_string(),
                            "seed {seed}: {update}"
                        );
                    }
                    ClientEvent::ConversationItemCreate(create) => {
                        assert!(place > 0, "seed {seed}: settings before items");
                        let id = create.item.id().expect("a known id").to_owned();
                        let before = create.previous_item_id.as_deref().expect("a place");
                        if session.refuses.contains(&id) {
                            continue;
                        }
                        if before == "root" {
                            items.insert(0, id);
                        } else if let Some(at) = items.iter().position(|item| item == before) {
                            assert!(!items.contains(&id), "seed {seed}: {id} twice");
                            items.insert(at + 1, id);
                        } else {
                            // Refused, because what it stands behind was.
                            assert!(!session.refuses.is_empty(), "seed {seed}: {before} is not there");
                        }
                    }
                    // A part of a restore that is brought up to date before it takes over.
                    ClientEvent::ConversationItemDelete(_) | ClientEvent::InputAudioBufferAppend(_) => {}
                    other => {
                        let id = other.event_id().unwrap_or_default();
                        assert!(
                            place + 1 == told.len(),
                            "seed {seed}: {} {id}",
                            other.event_type()
                        );
                    }
                }
            }
        }
    }

    /// The service has in the end what the mirror has, in order.
    pub(in super::super) fn check_items(&self) {
        let seed = self.seed;
        assert_eq!(
            self.machine.state(),
            State::Connected,
            "seed {seed}: {:?}",
            self.machine
        );
        let epoch = self.machine.link.as_ref().map(|link| link.epoch).unwrap();
        let conn = self.conns.iter().find(|conn| conn.epoch == epoch).unwrap();
        let mut mirror = self.machine.mirror.clone();
        mirror.lost();
        let plan = mirror.plan(&Known::default(), Purpose::Restore);
        let planned: Vec<String> = plan
            .steps
            .iter()
            .filter_map(|step| match &step.kind {
                StepKind::Create { id } => Some(id.clone()),
                _ => None,
            })
            .collect();
        let there: Vec<String> = session_items(&conn.session)
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .filter(|id| !plan.lost.iter().any(|lost| lost.id == *id))
            .collect();
        assert_eq!(planned, there, "seed {seed}: lost {:?}", plan.lost);
        let settings = &conn.session.settings;
        assert_eq!(
            settings["instructions"], self.user.settings["instructions"],
            "seed {seed}"
        );
        assert_eq!(
            settings["audio"]["input"]["format"], self.user.settings["audio"]["input"]["format"],
            "seed {seed}"
        );
    }

    /// G5.
    pub(in super::super) fn check_responses(&self) {
        let seed = self.seed;
        let mut ends: BTreeMap<String, u32> = BTreeMap::new();
        for event in &self.told {
            match event {
                ConnectionEvent::Server(ServerEvent::ResponseCreated(created)) => {
                    let id = created.response.id.as_deref().unwrap_or_default();
                    assert!(ends.insert(id.to_owned(), 0).is_none(), "seed {seed}: {id} twice");
                }
                ConnectionEvent::Server(ServerEvent::ResponseDone(done)) => {
                    let id = done.response.id.as_deref().unwrap_or_default();
                    *ends.entry(id.to_owned()).or_default() += 1;
                }
                ConnectionEvent::Interrupted(settled) => {
                    if let Some(id) = &settled.response_id {
                        *ends.entry(id.clone()).or_default() += 1;
                    }
                }
                _ => {}
            }
        }
        for (id, count) in ends {
            assert_eq!(count, 1, "seed {seed}: {id}");
        }
    }

    /// G6: what the conversation holds of the speech, over all sessions, is all of it, once and in order.
    pub(in super::super) fn check_speech(&self) {
        let seed = self.seed;
        let turns = self.conns.iter().flat_map(|conn| &conn.session.turns);
        let spoken = turns
            .filter(|turn| turn.is_known)
            .flat_map(|turn| turn.speech.iter().copied());
        let mut count = 0;
        for number in spoken {
            count += 1;
            assert_eq!(
                number,
                number_of(count),
                "seed {seed}: after {} frames of speech",
                count - 1
            );
        }
        assert_eq!(
            count, self.user.said,
            "seed {seed}: the end of the speech is missing"
        );
    }

    /// Every output of a tool is there once, in the end.
    pub(in super::super) fn check_calls(&self) {
        let epoch = self.machine.link.as_ref().map(|link| link.epoch).unwrap();
        let conn = self.conns.iter().find(|conn| conn.epoch == epoch).unwrap();
        self.check_pairs(session_items(&conn.session));
    }

    /// Nothing was said to two sessions.
    pub(in super::super) fn speech_is_nowhere_twice(&self) -> bool {
        let heard: usize = self.conns.iter().map(|conn| conn.session.heard.len()).sum();
        heard as u64 == self.user.said
    }

    pub(in super::super) fn sessions(&self) -> usize {
        self.conns.len()
    }

    pub(in super::super) fn said(&self) -> u64 {
        self.user.said
    }

    pub(in super::super) fn reports(&self) -> impl Iterator<Item = &Restored> {
        self.told.iter().filter_map(|event| match event {
            ConnectionEvent::Restored(restored) => Some(restored),
            _ => None,
        })
    }

    /// G11.
    pub(in super::super) fn check_bounds(&self) {
        let limits = &self.machine.config.limits;
        let (seed, machine) = (self.seed, &self.machine);
        assert!(
            machine.waiting_audio() <= limits.audio.limit_bytes(),
            "seed {seed}"
        );
        assert!(
            machine.actions.len() <= 8 && machine.parting.len() <= 4,
            "seed {seed}"
        );
        assert!(
            machine.absorbed.len() <= 4 * limits.control_messages,
            "seed {seed}"
        );
        for link in [&machine.link, &machine.next].into_iter().flatten() {
            assert!(link.held.len() <= 64 && link.echoes.len() <= 256, "seed {seed}");
            assert!(link.queue.len() <= 2048, "seed {seed}: {}", link.queue.len());
        }
    }
}

fn session_items(session: &super::server::Session) -> impl Iterator<Item = &Value> {
    session.items.iter()
}
