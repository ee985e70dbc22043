//! [`Gate`]: one response and what of it has passed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rt_protocol::ServerEvent;
use rt_protocol::server_event::ResponseOutputAudioDelta;

use super::CheckId;

/// A second of speech.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// As audio.
    pub(super) bytes: u64,
    /// The characters of it that are not exceeded.
    pub(super) characters: u64,
}

/// What an event waits for, beside those before it. Parts are told by their place in the gate.
#[derive(Debug, Clone, Copy)]
pub(super) enum Need {
    Nothing,
    /// So much text has passed.
    Text(usize, usize),
    /// So many characters have passed, and more than so much text: the words of audio are among them.
    Spoken(usize, u64, usize),
    /// All text has passed.
    Whole(usize),
    /// All text has passed of the item of this part.
    Item(usize),
}

/// Checks of the same text.
#[derive(Debug)]
struct Round {
    length: usize,
    characters: u64,
    whole: bool,
    /// Checks that run: whose guardrail it is, and when they take too long.
    pending: Vec<(CheckId, usize, Duration)>,
}

/// One part of a reply.
#[derive(Debug, Default)]
struct Part {
    item_id: String,
    content_index: u32,
    text: String,
    whole: bool,
    /// How much text has passed, and whether all has.
    passed: usize,
    passed_characters: u64,
    passed_whole: bool,
    /// Bytes of audio.
    audio: u64,
    round: Option<Round>,
}

/// One response.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) response_id: String,
    parts: Vec<Part>,
    pub(super) queue: VecDeque<(Need, Arc<ServerEvent>)>,
    /// The server says that it is over.
    pub(super) ended: bool,
}

impl Gate {
    pub(super) fn new(response_id: &str) -> Self {
        Self {
            response_id: response_id.to_owned(),
            parts: Vec::new(),
            queue: VecDeque::new(),
            ended: false,
        }
    }

    pub(super) fn is_of(&self, response_id: &str) -> bool {
        self.response_id == response_id
    }

    pub(super) fn has_item(&self, item_id: &str) -> bool {
        self.parts.iter().any(|part| part.item_id == item_id)
    }

    pub(super) fn item_of(&self, part: usize) -> &str {
        &self.parts[part].item_id
    }

    /// The place of a part; a new one if it is not known.
    pub(super) fn part(&mut self, item_id: &str, content_index: u32) -> usize {
        let is_it = |part: &Part| part.content_index == content_index && part.item_id == item_id;
        if let Some(at) = self.parts.iter().position(is_it) {
            return at;
        }
        self.parts.push(Part {
            item_id: item_id.to_owned(),
            content_index,
            ..Part::default()
        });
        self.parts.len() - 1
    }

    /// What more audio waits for. How audio and text belong together is not told: what was said up to its end is among as much
    /// text as can be spoken in that time, if the text goes on.
    pub(super) fn need_of_audio(&mut self, delta: &ResponseOutputAudioDelta, pace: Pace) -> Need {
        let bytes = delta.delta.len() as u64;
        let at = self.part(&delta.item_id, delta.content_index);
        let part = &mut self.parts[at];
        part.audio = part.audio.saturating_add(bytes);
        let characters = part
            .audio
            .saturating_mul(pace.characters)
            .div_ceil(pace.bytes.max(1));
        Need::Spoken(at, characters, part.text.len())
    }

    /// What an item that is whole waits for.
    pub(super) fn need_of_item(&self, item_id: &str) -> Need {
        let part = self.parts.iter().position(|part| part.item_id == item_id);
        part.map_or(Need::Nothing, Need::Item)
    }

    /// All text of a part, with this.
    pub(super) fn add_text(&mut self, part: usize, text: &str, whole: bool) -> &str {
        let part = &mut self.parts[part];
        if !whole {
            part.text.push_str(text);
            part.reopen();
        } else if text.starts_with(&part.text) {
            part.replace(text.to_owned());
        } else if !part.text.contains(text) {
            // What came in pieces is something else: both are checked, as both come out.
            part.replace(format!("{}\n{text}", part.text));
        }
        part.whole |= whole;
        &part.text
    }

    /// Whether this adds nothing to the text of a part.
    pub(super) fn knows(&self, part: usize, text: &str) -> bool {
        let part = &self.parts[part];
        part.whole && part.text.contains(text)
    }

    /// The text of a part, if not all of it was checked and no check of it runs.
    pub(super) fn unchecked_text(&self, part: usize) -> Option<&str> {
        let part = &self.parts[part];
        let is_new = part.text.len() > part.passed || (part.whole && !part.passed_whole);
        (part.round.is_none() && is_new).then_some(&*part.text)
    }

    /// These checks of the text of a part begin. Without any, it has passed.
    pub(super) fn begin_round(&mut self, part: usize, pending: Vec<(CheckId, usize, Duration)>) {
        let part = &mut self.parts[part];
        let round = Round {
            length: part.text.len(),
            characters: part.text.chars().count() as u64,
            whole: part.whole,
            pending,
        };
        part.round = Some(round);
        part.settle();
    }

    /// The part a running check is of, and the guardrail.
    pub(super) fn running(&self, id: CheckId) -> Option<(usize, usize)> {
        let mut parts = self.parts.iter().enumerate();
        parts.find_map(|(at, part)| {
            let round = part.round.as_ref()?;
            let (_, guardrail, _) = round.pending.iter().find(|(check, ..)| *check == id)?;
            Some((at, *guardrail))
        })
    }

    /// A check has passed. Whether it was the last of its round.
    pub(super) fn passed(&mut self, part: usize, id: CheckId) -> bool {
        let part = &mut self.parts[part];
        if let Some(round) = &mut part.round {
            round.pending.retain(|(check, ..)| *check != id);
        }
        part.settle();
        part.round.is_none()
    }

    fn pending(&self) -> impl Iterator<Item = &(CheckId, usize, Duration)> {
        let rounds = self.parts.iter().filter_map(|part| part.round.as_ref());
        rounds.flat_map(|round| &round.pending)
    }

    /// The checks that run.
    pub(super) fn checks(&self) -> impl Iterator<Item = CheckId> {
        self.pending().map(|(id, ..)| *id)
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.pending().map(|(.., due)| *due).min()
    }

    pub(super) fn overdue(&self, now: Duration) -> Option<CheckId> {
        let mut pending = self.pending();
        pending.find(|(.., due)| *due <= now).map(|(id, ..)| *id)
    }

    fn is_met(&self, need: Need) -> bool {
        match need {
            Need::Nothing => true,
            Need::Text(part, length) => self.parts[part].passed_whole || self.parts[part].passed >= length,
            Need::Spoken(part, characters, length) => {
                let part = &self.parts[part];
                part.passed_whole || (part.passed_characters >= characters && part.passed > length)
            }
            Need::Whole(part) => self.parts[part].passed_whole,
            Need::Item(part) => {
                let item = &self.parts[part].item_id;
                let mut parts = self.parts.iter().filter(|part| part.item_id == *item);
                parts.all(|part| part.passed_whole || part.text.is_empty())
            }
        }
    }

    /// The events that may go on; and whether some were dropped, because nothing more comes that could let them pass.
    pub(super) fn release(&mut self) -> (Vec<Arc<ServerEvent>>, bool) {
        let mut events = Vec::new();
        let mut dropped = false;
        let is_stuck = self.ended && self.pending().next().is_none();
        while let Some((need, _)) = self.queue.front() {
            let is_met = self.is_met(*need);
            if !is_met && !is_stuck {
                break;
            }
            let Some((_, event)) = self.queue.pop_front() else {
                break;
            };
            if is_met {
                events.push(event);
            } else {
                dropped = true;
            }
        }
        (events, dropped)
    }

    /// Whether nothing of it is to come, and nothing waits.
    pub(super) fn is_over(&self) -> bool {
        self.ended && self.queue.is_empty() && self.pending().next().is_none()
    }

    /// What is left of a response that is cut: the events that end it.
    pub(super) fn endings(self) -> Vec<Arc<ServerEvent>> {
        use ServerEvent as E;
        let events = self.queue.into_iter().map(|(_, event)| event);
        let ends = |event: &Arc<ServerEvent>| {
            matches!(
                **event,
                E::ResponseContentPartDone(_)
                    | E::ResponseOutputItemDone(_)
                    | E::ResponseDone(_)
                    | E::ConversationItemDone(_)
                    | E::ConversationItemCreated(_)
            )
        };
        events.filter(ends).collect()
    }
}

impl Part {
    fn replace(&mut self, text: String) {
        if text != self.text {
            self.text = text;
            self.reopen();
        }
    }

    /// There is more or other text than what was taken to be all, which has not passed.
    fn reopen(&mut self) {
        self.passed_whole = false;
        if let Some(round) = &mut self.round {
            round.whole = false;
        }
    }

    /// Ends a round when all its checks have passed.
    fn settle(&mut self) {
        if let Some(round) = self.round.take_if(|round| round.pending.is_empty()) {
            self.passed = round.length;
            self.passed_characters = round.characters;
            self.passed_whole = round.whole;
        }
    }
}
