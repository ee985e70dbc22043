//! What of the model's audio was received, handed to the sink and played, and what an interruption cuts.
//!
//! A sink counts samples and knows nothing of items. Here the pieces handed to it are remembered in order, so that its one
//! number says how far each part of each item was heard.

mod part;
mod progress;
mod remote;

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use rt_protocol::Text;

use self::part::Part;
pub(crate) use self::part::{Cut, Tell};
use self::progress::Resync;
use self::remote::Remote;
use super::heard::Script;

/// Parts that are over are remembered for truncations the application asks for.
const MAX_PARTS: usize = 256;
/// Responses whose late events are dropped.
const MAX_SUPPRESSED: usize = 64;

/// Playback of a session.
#[derive(Debug)]
pub(crate) struct Playback {
    parts: VecDeque<Part>,
    /// Pieces in the sink: the part, by item and content index, and how many samples are left of it.
    queue: VecDeque<(String, u32, u64)>,
    /// Parts that were heard further, until somebody asks.
    heard: Vec<(String, u32)>,
    /// What the sink has told.
    told: u64,
    /// What the clock has taken to be played, while nobody told.
    assumed: u64,
    /// Audio was thrown away, and whoever plays may tell of some of it still.
    resync: Option<Resync>,
    /// Without a sink: since when the queue has been playing, as far as the clock knows.
    clock: Option<Duration>,
    paused: bool,
    /// Somebody tells what is played.
    reported: bool,
    /// The server plays, in place of somebody here.
    remote: Option<Remote>,
    /// Samples per second, and bytes per sample.
    rate: u64,
    width: u64,
    suppressed: VecDeque<String>,
    /// Deltas that came after their response was cut.
    pub(crate) late: u64,
}

impl Playback {
    /// `reported` is whether somebody here tells what is played; `remote`, whether the server plays.
    pub(crate) fn new(reported: bool, remote: bool) -> Self {
        Self {
            parts: VecDeque::new(),
            queue: VecDeque::new(),
            heard: Vec::new(),
            told: 0,
            assumed: 0,
            resync: None,
            clock: None,
            paused: false,
            reported,
            remote: remote.then(Remote::default),
            rate: 24_000,
            width: 2,
            suppressed: VecDeque::new(),
            late: 0,
        }
    }

    /// The output format: samples per second and bytes per sample.
    pub(crate) fn set_format(&mut self, rate: u64, width: u64) {
        (self.rate, self.width) = (rate, width);
    }

    /// Bytes of a second of audio.
    pub(crate) fn bytes_per_second(&self) -> u64 {
        self.rate * self.width
    }

    /// Whether deltas of this response are dropped.
    pub(crate) fn is_suppressed(&self, response_id: &str) -> bool {
        self.suppressed.iter().any(|id| id == response_id)
    }

    /// From now on deltas of this response are dropped.
    pub(crate) fn suppress(&mut self, response_id: &str) {
        if !self.is_suppressed(response_id) {
            if self.suppressed.len() == MAX_SUPPRESSED {
                self.suppressed.pop_front();
            }
            self.suppressed.push_back(response_id.to_owned());
        }
    }

    /// An audio part begins, unless it has; `outside` is whether it is none of the conversation.
    pub(crate) fn begin(
        &mut self,
        response_id: &str,
        item_id: &str,
        content_index: u32,
        outside: impl FnOnce() -> bool,
    ) {
        if self.position(item_id, content_index).is_some() {
            return;
        }
        while self.parts.len() >= MAX_PARTS {
            self.parts.pop_front();
        }
        self.parts.push_back(Part {
            item_id: item_id.to_owned(),
            content_index,
            response_id: response_id.to_owned(),
            outside: outside(),
            past: false,
            received: 0,
            queued: 0,
            played: 0,
            done: false,
            cut: None,
            script: Script::default(),
        });
    }

    fn position(&self, item_id: &str, content_index: u32) -> Option<usize> {
        self.parts
            .iter()
            .rposition(|part| part.content_index == content_index && part.item_id == item_id)
    }

    fn part(&mut self, item_id: &str, content_index: u32) -> Option<&mut Part> {
        let position = self.position(item_id, content_index)?;
        self.parts.get_mut(position)
    }

    /// Audio came: `bytes` of it, of which `samples` go to the sink.
    pub(crate) fn received(
        &mut self,
        item_id: &str,
        content_index: u32,
        bytes: u64,
        samples: u64,
        now: Duration,
    ) {
        self.settle(now);
        let Some(part) = self.part(item_id, content_index) else {
            return;
        };
        part.received += bytes;
        part.queued += samples;
        if samples == 0 || self.remote.is_some() {
            return;
        }
        if self.queue.is_empty() && !self.paused {
            self.clock = Some(now);
        }
        if let Some(resync) = &mut self.resync {
            resync.begin(now);
        }
        match self.queue.back_mut() {
            Some((item, index, left)) if item == item_id && *index == content_index => *left += samples,
            _ => self.queue.push_back((item_id.to_owned(), content_index, samples)),
        }
    }

    /// Text of an audio part came.
    pub(crate) fn text(&mut self, item_id: &str, content_index: u32, piece: &str) {
        let width = self.width;
        if let Some(part) = self.part(item_id, content_index) {
            let received = part.received / width;
            part.script.push(piece, received);
        }
    }

    /// All text of an audio part came.
    pub(crate) fn text_done(&mut self, item_id: &str, content_index: u32, text: &str) {
        if let Some(part) = self.part(item_id, content_index) {
            part.script.set(text);
        }
    }

    /// All audio of a part came.
    pub(crate) fn part_done(&mut self, item_id: &str, content_index: u32) {
        if let Some(part) = self.part(item_id, content_index) {
            part.done = true;
        }
    }

    /// No more audio of this response comes.
    pub(crate) fn response_done(&mut self, response_id: &str) {
        for part in self
            .parts
            .iter_mut()
            .filter(|part| part.response_id == response_id)
        {
            part.done = true;
        }
        self.suppressed.retain(|id| id != response_id);
    }

    /// No end of this response was told. If it was cut, what comes of it nevertheless is still dropped.
    pub(crate) fn gave_up(&mut self, response_id: &str) {
        let is_cut = self.is_suppressed(response_id);
        self.response_done(response_id);
        if is_cut {
            self.suppress(response_id);
        }
    }

    /// Whether anything waits to be played.
    pub(crate) fn is_playing(&self) -> bool {
        !self.queue.is_empty() || self.remote.as_ref().is_some_and(Remote::is_playing)
    }

    /// The parts that were heard further since this was asked last, and how far.
    pub(crate) fn take_heard(&mut self) -> Vec<(String, u32, u64)> {
        let heard = std::mem::take(&mut self.heard).into_iter();
        heard
            .filter_map(|(item_id, content_index)| {
                let part = &self.parts[self.position(&item_id, content_index)?];
                let played = part.played;
                (!part.outside).then_some((item_id, content_index, played))
            })
            .collect()
    }

    /// Cuts everything that is not heard yet. `has_call` is whether a response made a call: then its items stay.
    pub(crate) fn interrupt(&mut self, now: Duration, has_call: impl Fn(&str) -> bool) -> Vec<Cut> {
        if self.remote.is_some() {
            return self.interrupt_remote(now);
        }
        self.settle(now);
        let (rate, width) = (self.rate, self.width);
        let heard: HashSet<String> = self
            .parts
            .iter()
            .filter(|part| part.played > 0)
            .map(|part| part.item_id.clone())
            .collect();
        let mut cuts = Vec::new();
        let mut cut_responses = Vec::new();
        for part in &mut self.parts {
            // What the application or the server has cut may be longer than what was heard.
            let more_to_come = !part.done && part.cut.is_none();
            if part.played >= part.left(width) && !more_to_come {
                continue;
            }
            let stays = heard.contains(&part.item_id) || has_call(&part.response_id);
            cut_responses.push(part.response_id.clone());
            cuts.push(part.cut(rate, width, stays));
        }
        for response_id in cut_responses {
            self.suppress(&response_id);
        }
        self.empty();
        cuts
    }

    /// What of a cut response came too late to be cut with it: nothing of it was heard.
    pub(crate) fn leftovers(&mut self, response_id: &str, has_call: bool) -> Vec<Cut> {
        if self.remote.is_some() {
            return Vec::new();
        }
        let (rate, width) = (self.rate, self.width);
        self.parts
            .iter_mut()
            .filter(|part| part.response_id == response_id && part.cut.is_none() && part.played == 0)
            .map(|part| part.cut(rate, width, has_call))
            .collect()
    }

    /// How far an item may be truncated, in milliseconds; `None` if it may not be at all.
    pub(crate) fn truncatable(&self, item_id: &str, content_index: u32) -> Option<u64> {
        let part = &self.parts[self.position(item_id, content_index)?];
        if part.past || part.outside {
            return None;
        }
        if self.remote.is_some() {
            // How much of it there is only the server knows.
            return Some(u64::MAX);
        }
        Some(part.left(self.width) * 1000 / self.rate)
    }

    /// The application truncates an item itself.
    pub(crate) fn note_cut(&mut self, item_id: &str, content_index: u32, ms: u64) {
        let rate = self.rate;
        if let Some(part) = self.part(item_id, content_index) {
            let samples = ms.saturating_mul(rate) / 1000;
            part.cut = Some(part.cut.map_or(samples, |cut| cut.min(samples)));
        }
    }

    /// The server has cut a part. The words that are left of it, if it was heard here.
    pub(crate) fn truncated(&mut self, item_id: &str, content_index: u32, ms: u64) -> Option<Text> {
        self.note_cut(item_id, content_index, ms);
        let part = &self.parts[self.position(item_id, content_index)?];
        let words = part.words(part.left(self.width), self.rate, self.width);
        (part.received > 0).then(|| words.into())
    }

    /// Whether audio of a part waits to be played, or to come; of any part of the item, if it is not said of which.
    pub(crate) fn is_waiting(&self, item_id: &str, content_index: Option<u32>) -> bool {
        let is_it =
            |id: &str, index: u32| id == item_id && content_index.is_none_or(|wanted| wanted == index);
        self.queue.iter().any(|(id, index, _)| is_it(id, *index))
            || self.parts.iter().any(|part| {
                let is_heard = self
                    .remote
                    .as_ref()
                    .is_some_and(|remote| remote.plays(&part.response_id));
                // Of a response that is stopped, what is still to be cut was not heard.
                let is_open = !part.done || is_heard || self.is_suppressed(&part.response_id);
                is_open && part.cut.is_none() && is_it(&part.item_id, part.content_index)
            })
    }

    /// The words that were heard of a part, or of the first part of an item, if not all of them were.
    pub(crate) fn heard_of(&self, item_id: &str, content_index: Option<u32>) -> Option<Text> {
        let (rate, width) = (self.rate, self.width);
        let part = self.parts.iter().find(|part| {
            part.item_id == item_id && content_index.is_none_or(|index| index == part.content_index)
        })?;
        let heard = part.played.min(part.left(width));
        (heard < part.received / width).then(|| part.words(heard, rate, width).into())
    }

    /// An item is no longer there.
    pub(crate) fn deleted(&mut self, item_id: &str) {
        for part in self.parts.iter_mut().filter(|part| part.item_id == item_id) {
            part.past = true;
        }
    }

    /// The connection is lost: the next server has these items as text.
    pub(crate) fn lost(&mut self, now: Duration) {
        self.suppressed.clear();
        let is_call = if let Some(remote) = &mut self.remote {
            // The call goes on, and its items are what they were; but the ends of what is under way may be missed.
            remote.lost(now);
            true
        } else {
            false
        };
        for part in &mut self.parts {
            part.past |= !is_call;
            part.done = true;
        }
    }
}
