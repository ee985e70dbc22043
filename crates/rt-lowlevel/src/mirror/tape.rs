//! The tape: what was written to the session and has had no effect yet, in order. Uncommitted audio, commits, requests.

mod bounds;
mod entry;

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use rt_protocol::AudioBytes;

use super::clock::{Format, TICKS_PER_MS, ms, ticks};
use super::responses::Request;

pub(super) use self::entry::{Chunk, Commit, Entry};

/// While nobody speaks, so much of what the server has read is kept: it may hear the start of a turn late.
const SILENCE_KEPT: u64 = ticks(5000);

/// A turn the server hears.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Turn {
    item_id: String,
    start: u64,
    end: Option<u64>,
}

/// The audio of a turn that was committed.
#[derive(Debug, Default)]
pub(super) struct TurnAudio {
    pub(super) pieces: Vec<AudioBytes>,
    pub(super) format: Format,
    /// By a `commit` of the client, with this command.
    pub(super) by_client: bool,
    /// The last command with audio up to the end that the server gave: it has read that one.
    pub(super) read: Option<u64>,
}

#[derive(Debug, Clone)]
pub(super) struct Tape {
    /// Written to the open session.
    sent: VecDeque<Entry>,
    /// To be written again.
    waiting: VecDeque<Entry>,
    /// The end of the audio written to the session.
    clock: u64,
    /// Ticks of audio on the tape.
    held: u64,
    /// Commits and requests on the tape.
    marks: usize,
    limit: u64,
    turn: Option<Turn>,
    /// Ticks of speech that fell off the tape.
    lost: u64,
}

impl Tape {
    /// A tape with this much audio at most.
    pub(super) fn new(limit: u64) -> Self {
        Self {
            sent: VecDeque::new(),
            waiting: VecDeque::new(),
            clock: 0,
            held: 0,
            marks: 0,
            limit,
            turn: None,
            lost: 0,
        }
    }

    pub(super) fn restored(limit: u64, waiting: Vec<Entry>) -> Self {
        let mut tape = Self::new(limit);
        tape.waiting = waiting.into();
        tape.count();
        tape.bound(false);
        tape
    }

    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    pub(super) fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
        self.bound(false);
    }

    /// All of it, in the order in which it would be written again.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.sent.iter().chain(&self.waiting)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.sent.is_empty() && self.waiting.is_empty()
    }

    /// Whether nobody speaks and nothing is uncommitted. With `vad`, what is not in a turn is silence.
    pub(super) fn is_quiet(&self, vad: bool) -> bool {
        let silence = |entry: &Entry| vad && matches!(entry, Entry::Audio(_));
        self.turn.is_none() && self.waiting.is_empty() && self.sent.iter().all(silence)
    }

    // What is written.

    /// Audio was written; `speech`: whether it may be speech although no turn is open.
    pub(super) fn append(&mut self, seq: Option<u64>, audio: &AudioBytes, format: Format, speech: bool) {
        if audio.is_empty() {
            return;
        }
        let chunk = Chunk {
            seq,
            start: self.clock,
            format,
            // Shared with the command: to copy it costs more than all that is done with it besides.
            audio: audio.clone(),
        };
        self.clock += chunk.ticks();
        self.held += chunk.ticks();
        self.sent.push_back(Entry::Audio(chunk));
        self.bound(speech);
    }

    pub(super) fn commit(&mut self, commit: Commit) {
        self.sent.push_back(Entry::Commit(commit));
        self.marks += 1;
        self.bound_marks();
    }

    pub(super) fn request(&mut self, request: Request) {
        self.sent.push_back(Entry::Respond(request.into()));
        self.marks += 1;
        self.bound_marks();
    }

    /// The buffer is emptied, up to what an earlier commit is to take.
    pub(super) fn clear(&mut self) {
        let committed = self
            .sent
            .iter()
            .rposition(|entry| matches!(entry, Entry::Commit(_)));
        let keep = committed.unwrap_or_default();
        let mut at = 0;
        self.sent.retain(|entry| {
            at += 1;
            at <= keep || !matches!(entry, Entry::Audio(_))
        });
        self.count();
    }

    /// The next thing to be written again: it is written with this.
    pub(super) fn replay(&mut self) -> Option<Entry> {
        let mut entry = self.waiting.pop_front()?;
        if let Entry::Audio(chunk) = &mut entry {
            chunk.start = self.clock;
            self.clock += chunk.ticks();
        }
        self.sent.push_back(entry.clone());
        Some(entry)
    }

    // What the server says.

    /// The peer has read everything up to this command. Silence it has read is of no use any more.
    pub(super) fn confirmed(&mut self, seq: u64, vad: bool) {
        if !vad || self.turn.is_some() {
            return;
        }
        let read = self.sent.iter().rev().find_map(|entry| match entry {
            Entry::Audio(chunk) if chunk.seq.is_some_and(|of| of <= seq) => Some(chunk.end()),
            _ => None,
        });
        let Some(until) = read.and_then(|read| read.checked_sub(SILENCE_KEPT)) else {
            return;
        };
        while let Some(Entry::Audio(chunk)) = self.sent.front() {
            if chunk.end() > until {
                break;
            }
            self.held -= chunk.ticks();
            self.sent.pop_front();
        }
    }

    pub(super) fn speech_started(&mut self, item_id: &str, audio_start_ms: u64) {
        self.turn = Some(Turn {
            item_id: item_id.to_owned(),
            start: ticks(audio_start_ms),
            end: None,
        });
    }

    /// The end of a turn that started, or of a silence that becomes one.
    pub(super) fn speech_stopped(&mut self, item_id: &str, audio_start_ms: Option<u64>, audio_end_ms: u64) {
        let start = match (&self.turn, audio_start_ms) {
            (Some(turn), None) if turn.item_id == item_id => turn.start,
            (_, start) => start.map_or(0, ticks),
        };
        self.turn = Some(Turn {
            item_id: item_id.to_owned(),
            start,
            end: Some(ticks(audio_end_ms)),
        });
    }

    /// The buffer became this item. What belongs to it comes off the tape.
    pub(super) fn committed(&mut self, item_id: &str) -> (TurnAudio, Option<Commit>) {
        let heard = self
            .turn
            .take_if(|turn| turn.item_id == item_id && turn.end.is_some());
        if let Some(turn) = heard {
            let end = turn.end.unwrap_or(self.clock);
            let read = self.read_to(end);
            let audio = self.take(turn.start, end, self.sent.len());
            return (TurnAudio { read, ..audio }, None);
        }
        self.turn = None;
        let mark = self
            .sent
            .iter()
            .position(|entry| matches!(entry, Entry::Commit(_)));
        let mut audio = self.take(0, u64::MAX, mark.unwrap_or(self.sent.len()));
        let first = self
            .sent
            .iter()
            .position(|entry| matches!(entry, Entry::Commit(_)));
        let commit = match first.and_then(|at| self.sent.remove(at)) {
            Some(Entry::Commit(commit)) => Some(commit),
            _ => None,
        };
        audio.by_client = commit.is_some();
        self.marks -= usize::from(audio.by_client);
        (audio, commit)
    }

    pub(super) fn cleared(&mut self) {
        self.turn = None;
    }

    /// Takes a commit off that the server refused, or that is not to be repeated.
    pub(super) fn remove_commit(&mut self, event_id: Option<&str>) {
        self.retain(
            |entry| !matches!(entry, Entry::Commit(commit) if commit.event_id.as_deref() == event_id),
        );
    }

    pub(super) fn requests(&self) -> impl Iterator<Item = &Request> {
        self.sent.iter().filter_map(|entry| match entry {
            Entry::Respond(request) => Some(&**request),
            _ => None,
        })
    }

    /// Takes the first request off for which `is` holds.
    pub(super) fn take_request(&mut self, is: impl Fn(&Request) -> bool) -> Option<Request> {
        let matches = |entry: &Entry| matches!(entry, Entry::Respond(request) if is(request));
        let at = self.sent.iter().position(matches)?;
        match self.sent.remove(at) {
            Some(Entry::Respond(request)) => {
                self.marks -= 1;
                Some(*request)
            }
            _ => None,
        }
    }

    // The end of a session.

    /// Everything has to be written again, audio of another format excepted.
    pub(super) fn rewind(&mut self, format: Format) {
        while let Some(entry) = self.sent.pop_back() {
            self.waiting.push_front(entry);
        }
        let mut lost = 0;
        self.waiting.retain(|entry| match entry {
            Entry::Audio(chunk) if chunk.format != format => {
                lost += chunk.ticks();
                false
            }
            _ => true,
        });
        self.lost += lost;
        self.clock = 0;
        self.turn = None;
        self.count();
    }

    /// Puts this before everything that waits.
    pub(super) fn push_front(&mut self, entry: Entry) {
        self.held += entry.ticks();
        self.marks += usize::from(entry.is_mark());
        self.waiting.push_front(entry);
        self.bound(true);
    }

    /// Puts a request after everything that waits.
    pub(super) fn push_back_request(&mut self, request: Request) {
        self.waiting.push_back(Entry::Respond(request.into()));
        self.marks += 1;
    }

    /// Takes off what these commands put on: it will not be written again.
    pub(super) fn exclude(&mut self, seqs: &RangeInclusive<u64>) {
        let mut lost = 0;
        self.retain(|entry| {
            let stays = !entry.seq().is_some_and(|seq| seqs.contains(&seq));
            lost += if stays { 0 } else { entry.ticks() };
            stays
        });
        self.lost += lost;
    }

    /// So much speech will not get as far as the tape.
    pub(super) fn lose(&mut self, ticks: u64) {
        self.lost += ticks;
    }

    /// Takes off requests that are not to be repeated.
    pub(super) fn drain_requests(&mut self, mut is: impl FnMut(&Request) -> bool) -> Vec<Request> {
        let mut taken = Vec::new();
        self.retain(|entry| match entry {
            Entry::Respond(request) if is(request) => {
                taken.push(Request::clone(request));
                false
            }
            _ => true,
        });
        taken
    }

    /// Forgets the audio that was written.
    pub(super) fn drop_audio(&mut self) {
        self.retain(|entry| !matches!(entry, Entry::Audio(_)));
    }

    pub(super) fn forget(&mut self) {
        *self = Self::new(self.limit);
    }

    /// Milliseconds of speech that fell off since the last time.
    pub(super) fn take_lost_ms(&mut self) -> u64 {
        let whole = ms(self.lost);
        self.lost %= TICKS_PER_MS;
        whole
    }

    // Details.

    /// The last command with audio before this position.
    fn read_to(&self, end: u64) -> Option<u64> {
        self.sent.iter().rev().find_map(|entry| match entry {
            Entry::Audio(chunk) if chunk.start < end => chunk.seq,
            _ => None,
        })
    }

    /// Takes the audio between two positions off, among the first `within` entries, and forgets what is before it.
    fn take(&mut self, from: u64, to: u64, within: usize) -> TurnAudio {
        let mut audio = TurnAudio::default();
        for entry in self.sent.iter_mut().take(within) {
            let Entry::Audio(chunk) = entry else { continue };
            let piece = chunk.between(from, to);
            if !piece.is_empty() {
                audio.format = chunk.format;
                audio.pieces.push(piece.into());
            }
            chunk.skip_to(to);
        }
        self.sent
            .retain(|entry| !matches!(entry, Entry::Audio(chunk) if chunk.audio.is_empty()));
        self.count();
        audio
    }

    fn retain(&mut self, mut keep: impl FnMut(&Entry) -> bool) {
        self.sent.retain(|entry| keep(entry));
        self.waiting.retain(|entry| keep(entry));
        self.count();
    }

    fn count(&mut self) {
        self.held = self.entries().map(Entry::ticks).sum();
        self.marks = self.entries().filter(|entry| entry.is_mark()).count();
    }
}

#[cfg(test)]
mod tests;
