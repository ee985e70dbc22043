//! What of the model's replies was checked, and what waits for it.

mod gate;

use std::sync::Arc;
use std::time::Duration;

use rt_protocol::{Item, ServerEvent, Text};

use self::gate::{Gate, Need, Pace};
use crate::guardrail::{AsyncCheck, Blocked, Guardrail, Verdict};

/// Tells a check from others.
pub(crate) type CheckId = u64;

/// A check to be run.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) id: CheckId,
    pub(crate) check: AsyncCheck,
    pub(crate) text: Text,
}

/// What may happen now.
#[derive(Debug, Default)]
pub(crate) struct Released {
    /// Events whose turn it is.
    pub(crate) events: Vec<Arc<ServerEvent>>,
    /// Audio was dropped because no transcript of it came.
    pub(crate) unchecked: bool,
    /// A reply may not go on; `events` only end it.
    pub(crate) blocked: Option<Blocked>,
    /// The server has ended that reply.
    pub(crate) ended: bool,
}

/// The guardrails of a session, and the replies they look at.
#[derive(Debug, Default)]
pub(crate) struct Guards {
    guardrails: Vec<Guardrail>,
    gates: Vec<Gate>,
    next: CheckId,
    started: Vec<Check>,
    aborted: Vec<CheckId>,
}

impl Guards {
    pub(crate) fn new(guardrails: Vec<Guardrail>) -> Self {
        Self {
            guardrails,
            ..Self::default()
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.guardrails.is_empty()
    }

    /// Checks to be run.
    pub(crate) fn take_started(&mut self) -> Vec<Check> {
        std::mem::take(&mut self.started)
    }

    /// Checks nobody waits for any more.
    pub(crate) fn take_aborted(&mut self) -> Vec<CheckId> {
        std::mem::take(&mut self.aborted)
    }

    fn holds(&self) -> bool {
        self.guardrails.iter().any(|guardrail| guardrail.hold)
    }

    /// Characters of a second of speech, as the most careful of those that hold has it.
    fn fastest_speech(&self) -> u64 {
        let holding = self.guardrails.iter().filter(|guardrail| guardrail.hold);
        let characters = holding.map(|guardrail| guardrail.fastest_speech);
        u64::from(characters.max().unwrap_or(u32::MAX))
    }

    /// An event of the server; a second of audio has `rate` bytes. `None` if it has nothing to wait for.
    pub(crate) fn admit(&mut self, event: &Arc<ServerEvent>, rate: u64, now: Duration) -> Option<Released> {
        use ServerEvent as E;
        match &**event {
            E::ResponseOutputAudioDelta(delta) => {
                if !self.holds() {
                    return None;
                }
                let pace = Pace {
                    bytes: rate,
                    characters: self.fastest_speech(),
                };
                let at = self.gate(&delta.response_id);
                let need = self.gates[at].need_of_audio(delta, pace);
                Some(self.queue(at, need, event))
            }
            E::ResponseOutputAudioTranscriptDelta(delta) => {
                let place = (&*delta.response_id, &*delta.item_id, delta.content_index);
                Some(self.text(place, &delta.delta, false, event, now))
            }
            E::ResponseOutputTextDelta(delta) => {
                let place = (&*delta.response_id, &*delta.item_id, delta.content_index);
                Some(self.text(place, &delta.delta, false, event, now))
            }
            E::ResponseOutputAudioTranscriptDone(done) => {
                let place = (&*done.response_id, &*done.item_id, done.content_index);
                Some(self.text(place, &done.transcript, true, event, now))
            }
            E::ResponseOutputTextDone(done) => {
                let place = (&*done.response_id, &*done.item_id, done.content_index);
                Some(self.text(place, &done.text, true, event, now))
            }
            E::ResponseOutputAudioDone(done) => self.end(&done.response_id, event),
            E::ResponseContentPartDone(done) => self.end(&done.response_id, event),
            E::ResponseOutputItemAdded(added) => {
                // The events of the conversation do not tell the response: here its items become known.
                if let (Item::Message(_), Some(id)) = (&added.item, added.item.id()) {
                    let at = self.gate(&added.response_id);
                    self.gates[at].part(id, 0);
                }
                None
            }
            E::ResponseOutputItemDone(done) => {
                if matches!(done.item, Item::Message(_)) {
                    let at = self.gate(&done.response_id);
                    return self.item(at, &done.item, event, now);
                }
                self.end(&done.response_id, event)
            }
            E::ResponseDone(done) => {
                let response_id = done.response.id.as_deref()?;
                let at = self.gates.iter().position(|gate| gate.is_of(response_id))?;
                self.gates[at].ended = true;
                self.end(response_id, event)
            }
            E::ConversationItemDone(done) => {
                let at = self.gate_of_item(&done.item)?;
                self.item(at, &done.item, event, now)
            }
            E::ConversationItemCreated(created) => {
                let at = self.gate_of_item(&created.item)?;
                self.item(at, &created.item, event, now)
            }
            _ => None,
        }
    }

    /// The gate of a response; a new one if there is none.
    fn gate(&mut self, response_id: &str) -> usize {
        if let Some(at) = self.gates.iter().position(|gate| gate.is_of(response_id)) {
            return at;
        }
        self.gates.push(Gate::new(response_id));
        self.gates.len() - 1
    }

    /// More text of a part, or all of it.
    fn text(
        &mut self,
        (response_id, item_id, content_index): (&str, &str, u32),
        text: &str,
        whole: bool,
        event: &Arc<ServerEvent>,
        now: Duration,
    ) -> Released {
        let at = self.gate(response_id);
        let part = self.gates[at].part(item_id, content_index);
        let known = self.gates[at].add_text(part, text, whole).to_owned();
        if let Err((name, reason)) = self.check(&known) {
            return self.block(at, part, name, reason);
        }
        self.start(at, part, now);
        if self.holds() {
            let need = match whole {
                true => Need::Whole(part),
                false => Need::Text(part, known.len()),
            };
            self.queue(at, need, event)
        } else {
            Released {
                events: vec![Arc::clone(event)],
                ..Released::default()
            }
        }
    }

    /// What the quick guardrails say of a text: the name of the first that blocks it, and why.
    fn check(&mut self, text: &str) -> Result<(), (String, String)> {
        for guardrail in &mut self.guardrails {
            guardrail
                .check(text)
                .map_err(|reason| (guardrail.name().to_owned(), reason))?;
        }
        Ok(())
    }

    /// An event that ends a part of a response, or all of it: it waits for what stands before it.
    fn end(&mut self, response_id: &str, event: &Arc<ServerEvent>) -> Option<Released> {
        let at = self.gates.iter().position(|gate| gate.is_of(response_id))?;
        if self.holds() {
            Some(self.queue(at, Need::Nothing, event))
        } else {
            self.tidy(at);
            None
        }
    }

    fn gate_of_item(&self, item: &Item) -> Option<usize> {
        let id = item.id()?;
        self.gates.iter().position(|gate| gate.has_item(id))
    }

    /// An item that is whole tells its text, perhaps as the only one.
    fn item(&mut self, at: usize, item: &Item, event: &Arc<ServerEvent>, now: Duration) -> Option<Released> {
        let id = item.id()?;
        let content = match item {
            Item::Message(message) => message.content.as_slice(),
            _ => &[],
        };
        for (index, text) in (0..).zip(content.iter().map(|part| part.readable())) {
            let Some(text) = text.filter(|text| !text.is_empty()) else {
                continue;
            };
            let part = self.gates[at].part(id, index);
            if self.gates[at].knows(part, text) {
                continue;
            }
            let known = self.gates[at].add_text(part, text, true).to_owned();
            if let Err((name, reason)) = self.check(&known) {
                return Some(self.block(at, part, name, reason));
            }
            self.start(at, part, now);
        }
        let need = self.gates[at].need_of_item(id);
        self.holds().then(|| self.queue(at, need, event))
    }

    fn queue(&mut self, at: usize, need: Need, event: &Arc<ServerEvent>) -> Released {
        self.gates[at].queue.push_back((need, Arc::clone(event)));
        self.release(at)
    }

    /// What may go on of a response.
    fn release(&mut self, at: usize) -> Released {
        let (events, unchecked) = self.gates[at].release();
        let released = Released {
            events,
            unchecked,
            ..Released::default()
        };
        self.tidy(at);
        released
    }

    /// Forgets a response of which nothing is to come.
    fn tidy(&mut self, at: usize) {
        if self.gates[at].is_over() {
            self.gates.swap_remove(at);
        }
    }

    /// Starts the checks of what was not checked of a part, unless some are running.
    fn start(&mut self, at: usize, part: usize, now: Duration) {
        let Some(text) = self.gates[at].unchecked_text(part) else {
            return;
        };
        let text = Text::from(text);
        let mut pending = Vec::new();
        for (index, guardrail) in self.guardrails.iter().enumerate() {
            let Some((check, timeout)) = guardrail.check_async() else {
                continue;
            };
            self.next += 1;
            pending.push((self.next, index, now.saturating_add(timeout)));
            self.started.push(Check {
                id: self.next,
                check,
                text: text.clone(),
            });
        }
        self.gates[at].begin_round(part, pending);
    }

    /// A check has come to a verdict.
    pub(crate) fn checked(&mut self, id: CheckId, verdict: Verdict, now: Duration) -> Option<Released> {
        let found = self.gates.iter().enumerate().find_map(|(at, gate)| {
            let (part, index) = gate.running(id)?;
            Some((at, part, index))
        });
        let (at, part, index) = found?;
        if let Err(reason) = self.guardrails[index].judge(verdict) {
            let name = self.guardrails[index].name().to_owned();
            return Some(self.block(at, part, name, reason));
        }
        if self.gates[at].passed(part, id) {
            self.start(at, part, now);
        }
        Some(self.release(at))
    }

    /// When the next check takes too long.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.gates.iter().filter_map(Gate::deadline).min()
    }

    /// Gives up checks that take too long: what follows from each.
    pub(crate) fn handle_timeout(&mut self, now: Duration) -> Vec<Released> {
        let mut all = Vec::new();
        while let Some(id) = self.gates.iter().find_map(|gate| gate.overdue(now)) {
            self.aborted.push(id);
            all.extend(self.checked(id, Verdict::Failed("it took too long"), now));
        }
        all
    }

    fn block(&mut self, at: usize, part: usize, guardrail: String, reason: String) -> Released {
        let gate = self.gates.swap_remove(at);
        self.aborted.extend(gate.checks());
        let blocked = Blocked {
            guardrail,
            reason,
            response_id: gate.response_id.clone(),
            item_id: gate.item_of(part).to_owned(),
        };
        Released {
            ended: gate.ended,
            blocked: Some(blocked),
            events: gate.endings(),
            unchecked: false,
        }
    }

    /// Responses that are cut wait for nothing any more: the events that end them.
    pub(crate) fn abandon(&mut self, is_cut: impl Fn(&str) -> bool) -> Vec<Arc<ServerEvent>> {
        let cut = self.gates.extract_if(.., |gate| is_cut(&gate.response_id));
        let mut endings = Vec::new();
        for gate in cut.collect::<Vec<_>>() {
            self.aborted.extend(gate.checks());
            endings.extend(gate.endings());
        }
        endings
    }

    /// Whether the server has ended this response, and its end waits for checks.
    pub(crate) fn has_ended(&self, response_id: &str) -> bool {
        self.gates
            .iter()
            .any(|gate| gate.ended && gate.is_of(response_id))
    }
}
