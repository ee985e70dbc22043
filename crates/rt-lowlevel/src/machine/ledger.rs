//! [`Ledger`]: what became of every command, and how many there were of each fate.

mod line;

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use rt_protocol::server_event::ErrorDetails;

pub(crate) use self::line::{Kind, Line, Sums};

use crate::fate::{DiscardReason, Fate, Settled};

/// Commands that wait for an answer of the server although the peer has read them: beyond so many, having been read is
/// enough. A server that never answers must not fill the memory.
const MAX_ANSWERS: usize = 1024;

/// Messages that the peer has read behind one that it does not answer, and that are kept because of it: beyond so many,
/// having been read is enough for that one too.
const MAX_BEHIND: u64 = 1 << 14;

/// Runs of commands with one fate that wait to be told: beyond so many, they are merged.
const MAX_RUNS: usize = 64;

/// Commands without an answer that an error may still name.
const MAX_NAMES: usize = 64;

/// What a message of a command is, for the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Bytes of the message.
    bytes: u32,
    /// Bytes of raw audio in it.
    audio: u32,
    /// Place of its type in `ClientEvent::KNOWN_TYPES`.
    kind: u8,
    /// Another message of the same command follows.
    continues: bool,
    /// The server answers it with an event: that the peer has read it is not enough.
    answered: bool,
    /// Somebody waits for its fate.
    tracked: bool,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the outbox, or to be written again on the next session.
    Waiting,
    /// Written to the current connection; nothing proves that it was read.
    Written,
    /// Read by the peer, not yet answered.
    Read,
    Settled,
}

/// The ledger. Messages are numbered from 1 in the order of acceptance, over all connections; a command has the
/// number of its first message.
#[derive(Debug)]
pub(super) struct Ledger {
    entries: VecDeque<Entry>,
    /// The number of the first entry.
    base: u64,
    /// Entries that are read and not answered.
    unanswered: usize,
    /// Raw audio whose commands were discarded.
    discarded_audio: u64,
    sums: Sums,
    /// The ids of commands that only an error answers.
    names: VecDeque<(u64, Box<str>)>,
    /// Fates to be told: all but `Acknowledged`.
    runs: VecDeque<Settled>,
    /// Fates of tracked commands to be told.
    tracked: VecDeque<(u64, Fate)>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            base: 1,
            unanswered: 0,
            discarded_audio: 0,
            sums: Sums::default(),
            names: VecDeque::new(),
            runs: VecDeque::new(),
            tracked: VecDeque::new(),
        }
    }
}

impl Ledger {
    /// The number that the next message will have.
    pub(super) fn next(&self) -> u64 {
        self.base + self.entries.len() as u64
    }

    /// A message was accepted. `continues` says that the next one is of the same command.
    pub(super) fn accept(&mut self, line: Line, continues: bool, tracked: bool) -> u64 {
        let number = self.next();
        let clamp = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        self.entries.push_back(Entry {
            bytes: clamp(line.bytes),
            audio: clamp(line.audio),
            kind: line.kind.0,
            continues,
            answered: line.answered,
            tracked,
            place: Place::Waiting,
        });
        if !continues {
            self.sums.accepted += 1;
            self.sums.pending += 1;
        }
        number
    }

    pub(super) fn sums(&self) -> Sums {
        self.sums
    }

    /// Bytes of raw audio in discarded commands.
    pub(super) fn discarded_audio(&self) -> u64 {
        self.discarded_audio
    }

    fn index(&self, number: u64) -> Option<usize> {
        let index = usize::try_from(number.checked_sub(self.base)?).ok()?;
        (index < self.entries.len()).then_some(index)
    }

    /// A message was handed to the writer of the current connection.
    pub(super) fn written(&mut self, number: u64) {
        if let Some(index) = self.index(number)
            && self.entries[index].place == Place::Waiting
        {
            self.entries[index].place = Place::Written;
        }
    }

    /// The peer has read all that was written up to this number.
    pub(super) fn read(&mut self, number: u64) {
        let count = usize::try_from((number + 1).saturating_sub(self.base)).unwrap_or(usize::MAX);
        for index in 0..count.min(self.entries.len()) {
            let entry = &mut self.entries[index];
            if entry.place != Place::Written {
                continue;
            }
            if entry.answered {
                entry.place = Place::Read;
                self.unanswered += 1;
            } else {
                self.settle_at(index, Fate::Acknowledged);
            }
        }
        while self.unanswered > MAX_ANSWERS {
            let Some(index) = self.entries.iter().position(|entry| entry.place == Place::Read) else {
                break;
            };
            self.settle_at(index, Fate::Acknowledged);
        }
        self.trim();
        self.bound(number);
    }

    /// One message that is never answered must not keep all those behind it for ever.
    fn bound(&mut self, read_to: u64) {
        let is_open = |entry: &Entry| entry.place != Place::Settled;
        while let Some(index) = self.entries.iter().position(is_open)
            && self.entries[index].place == Place::Read
            && read_to.saturating_sub(self.base + index as u64) > MAX_BEHIND
        {
            self.settle_at(index, Fate::Acknowledged);
            self.trim();
        }
    }

    /// The fate of a message is known. Of several messages of one command the first fate that is not
    /// `Acknowledged` is that of the command; the last acknowledgement is, if there is no such.
    pub(super) fn settle(&mut self, number: u64, fate: Fate) {
        if let Some(index) = self.index(number) {
            self.settle_at(index, fate);
            self.trim();
        }
    }

    /// A message is to be written again, on another connection.
    pub(super) fn again(&mut self, number: u64) {
        if let Some(index) = self.index(number)
            && self.entries[index].place != Place::Settled
        {
            self.set_place(index, Place::Waiting);
        }
    }

    /// The connection is gone, and with it all that was written to it and is not settled: audio, and the rest.
    pub(super) fn discard_written(&mut self, audio: DiscardReason, rest: DiscardReason) {
        self.names.clear();
        for index in 0..self.entries.len() {
            let entry = &self.entries[index];
            if matches!(entry.place, Place::Written | Place::Read) {
                let reason = if entry.audio > 0 { audio } else { rest };
                self.settle_at(index, Fate::Discarded(reason));
            }
        }
        self.trim();
    }

    /// A command was written that an error may name although it has no answer of its own.
    pub(super) fn name(&mut self, number: u64, event_id: &str) {
        if self.names.len() >= MAX_NAMES {
            self.names.pop_front();
        }
        self.names.push_back((number, event_id.into()));
    }

    /// An error names a command: that one is refused, unless it is settled already.
    pub(super) fn reject_named(&mut self, event_id: &str, details: &ErrorDetails) {
        let place = self.names.iter().position(|(_, id)| **id == *event_id);
        if let Some((number, _)) = place.and_then(|place| self.names.remove(place)) {
            self.settle(number, Fate::Rejected(Box::new(details.clone())));
        }
    }

    /// Everything that was written counts as read and needs no answer any more: the peer has answered our close.
    pub(super) fn acknowledge_written(&mut self) {
        for index in 0..self.entries.len() {
            if matches!(self.entries[index].place, Place::Written | Place::Read) {
                self.settle_at(index, Fate::Acknowledged);
            }
        }
        self.trim();
    }

    /// The end: nothing stays open.
    pub(super) fn discard_all(&mut self) {
        for index in 0..self.entries.len() {
            let reason = match self.entries[index].place {
                Place::Waiting => DiscardReason::Unsent,
                Place::Written | Place::Read => DiscardReason::ConnectionLost,
                Place::Settled => continue,
            };
            self.settle_at(index, Fate::Discarded(reason));
        }
        self.trim();
    }

    /// The largest message that was written and is not known to have been read: its number, type and size.
    pub(super) fn largest_written(&self) -> Option<(u64, Kind, usize)> {
        let (index, entry) = self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.place == Place::Written)
            .max_by_key(|(_, entry)| entry.bytes)?;
        Some((self.base + index as u64, Kind(entry.kind), entry.bytes as usize))
    }

    /// Fates that are to be told, other than `Acknowledged`.
    pub(super) fn take_run(&mut self) -> Option<Settled> {
        self.runs.pop_front()
    }

    pub(super) fn has_runs(&self) -> bool {
        !self.runs.is_empty()
    }

    /// The fate of a command that is waited for, by the number of the command.
    pub(super) fn take_tracked(&mut self) -> Option<(u64, Fate)> {
        self.tracked.pop_front()
    }

    fn set_place(&mut self, index: usize, place: Place) {
        let entry = &mut self.entries[index];
        if entry.place == Place::Read {
            self.unanswered -= 1;
        }
        entry.place = place;
    }

    fn settle_at(&mut self, index: usize, fate: Fate) {
        if self.entries[index].place == Place::Settled {
            return;
        }
        if fate.is_acknowledged() {
            self.set_place(index, Place::Settled);
            // Those before it were read before it.
            if !self.entries[index].continues {
                self.close(self.first_of(index), index, fate, 0);
            }
            return;
        }
        // Others of the command may have been written, but their fate is told with this one.
        let (first, last) = self.command_at(index);
        // What of it was sent before the rest grew stale was not dropped.
        let is_stale = fate == Fate::Discarded(DiscardReason::Stale);
        let counts = |entry: &Entry| !is_stale || entry.place == Place::Waiting;
        let audio = self.entries.range(first..=last).filter(|entry| counts(entry));
        let audio = audio.map(|entry| u64::from(entry.audio)).sum();
        for other in first..=last {
            self.set_place(other, Place::Settled);
        }
        self.close(first, last, fate, audio);
    }

    /// The messages of the command that this one is part of, as far as they are still there.
    pub(super) fn messages_of(&self, number: u64) -> RangeInclusive<u64> {
        let Some(index) = self.index(number) else {
            return number..=number;
        };
        let (first, last) = self.command_at(index);
        self.base + first as u64..=self.base + last as u64
    }

    /// The places of the first and the last message of a command.
    fn command_at(&self, index: usize) -> (usize, usize) {
        let behind = self.entries.range(index..);
        let last = index + behind.take_while(|entry| entry.continues).count();
        (self.first_of(index), last)
    }

    /// The place of the first message of the command, as far as it is still there.
    fn first_of(&self, index: usize) -> usize {
        let before = self.entries.iter().take(index).rev();
        index - before.take_while(|entry| entry.continues).count()
    }

    /// Counts a command and notes its fate; `audio`: so many bytes of it were not sent.
    fn close(&mut self, first: usize, last: usize, fate: Fate, audio: u64) {
        self.sums.pending -= 1;
        match fate {
            Fate::Acknowledged => self.sums.acknowledged += 1,
            Fate::Rejected(_) => self.sums.rejected += 1,
            Fate::Superseded => self.sums.superseded += 1,
            Fate::Discarded(_) => self.sums.discarded += 1,
        }
        let number = self.base + first as u64;
        if self.entries[last].tracked {
            self.tracked.push_back((number, fate.clone()));
        }
        if fate.is_acknowledged() {
            return;
        }
        if matches!(fate, Fate::Discarded(_)) {
            self.discarded_audio += audio;
        }
        let end = self.base + last as u64;
        let is_full = self.runs.len() >= MAX_RUNS;
        let reach = if is_full { MAX_RUNS } else { 1 };
        let mut latest = self.runs.iter_mut().rev().take(reach);
        match latest.find(|run| run.takes(number, &fate, is_full)) {
            Some(run) => run.extend(number, end, audio),
            None => self.runs.push_back(Settled::new(number, end, audio, fate)),
        }
    }

    /// Forgets what is settled at the front. A command of several messages goes as a whole.
    fn trim(&mut self) {
        while self
            .entries
            .front()
            .is_some_and(|entry| entry.place == Place::Settled)
        {
            let len = 1 + self.entries.iter().take_while(|entry| entry.continues).count();
            let is_settled = |entry: &Entry| entry.place == Place::Settled;
            if len > self.entries.len() || !self.entries.iter().take(len).all(is_settled) {
                return;
            }
            self.entries.drain(..len);
            self.base += len as u64;
        }
    }
}

#[cfg(test)]
mod tests;
