//! How far playback is: as a sink or the application tells, or else as the clock says.

use std::time::Duration;

use super::Playback;

/// What is still to be told of audio that was thrown away, and of what came since.
#[derive(Debug, Default)]
pub(super) struct Resync {
    /// Since when there is other audio.
    since: Option<Duration>,
    /// Whether anything was told since.
    told: bool,
    /// Samples of the other audio that count as played.
    credited: u64,
    /// Samples that were told and were taken to be of what was thrown away.
    short: u64,
}

impl Resync {
    /// Other audio came.
    pub(super) fn begin(&mut self, now: Duration) {
        self.since.get_or_insert(now);
    }
}

impl Playback {
    /// So many samples were played in all, without those that were thrown away.
    pub(crate) fn played(&mut self, total: u64, now: Duration) {
        let first = !self.reported;
        if first {
            self.settle(now);
            self.reported = true;
            self.clock = None;
            self.take_back(self.assumed.saturating_sub(total));
            self.told = self.assumed.min(total);
        }
        let more = total.saturating_sub(self.told);
        self.told = self.told.max(total);
        // Who throws audio away plays on until he does, and tells that later: none of it is of what came since, and no
        // more of that can have been played than there was time for.
        let fresh = self.resync.as_ref().map(|resync| resync.since);
        match fresh {
            // Of what was thrown away.
            Some(None) => {}
            Some(Some(since)) if self.resync.as_ref().is_some_and(|resync| !resync.told) => {
                let possible = if first {
                    0
                } else {
                    self.samples_in(now.saturating_sub(since))
                };
                let step = more.min(possible);
                self.resync = Some(Resync {
                    since: Some(since),
                    told: true,
                    credited: step,
                    short: more - step,
                });
                self.advance(step);
            }
            Some(Some(_)) => {
                if let Some(resync) = &mut self.resync {
                    resync.credited += more;
                }
                self.advance(more);
            }
            None => self.advance(more),
        }
        self.catch_up(now);
    }

    /// Whoever counts audio when he hands it out, not when it is heard, was taken to have told of too much: what is missing at
    /// the end for that counts as played when it is time.
    fn catch_up(&mut self, now: Duration) {
        let Some(resync) = self.resync.as_ref().filter(|resync| resync.told) else {
            return;
        };
        let left: u64 = self.queue.iter().map(|(_, _, left)| left).sum();
        let since = resync.since.unwrap_or(now);
        let possible = self.samples_in(now.saturating_sub(since));
        if left <= resync.short && possible >= resync.credited.saturating_add(left) {
            self.advance(left);
            self.resync = None;
        }
    }

    /// A number that grows as playback goes on.
    pub(crate) fn progress(&self) -> u64 {
        self.told + self.assumed
    }

    fn samples_in(&self, time: Duration) -> u64 {
        let samples = time.as_nanos() * u128::from(self.rate) / 1_000_000_000;
        u64::try_from(samples).unwrap_or(u64::MAX)
    }

    /// Without a sink, audio is taken to play as it comes, at the pace of the clock.
    pub(crate) fn settle(&mut self, now: Duration) {
        if let Some(remote) = &mut self.remote {
            remote.settle(now);
        }
        if self.reported {
            self.catch_up(now);
            return;
        }
        let Some(since) = self.clock else { return };
        let samples = self.samples_in(now.saturating_sub(since));
        if samples > 0 {
            let left: u64 = self.queue.iter().map(|(_, _, left)| left).sum();
            let played = samples.min(left);
            self.assumed += played;
            self.advance(played);
            let nanos = u128::from(played) * 1_000_000_000 / u128::from(self.rate);
            let advanced = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
            self.clock = (!self.queue.is_empty()).then(|| since.saturating_add(advanced));
        }
    }

    /// Nothing plays until [`resume`](Self::resume): for the clock; a sink is paused itself.
    pub(crate) fn pause(&mut self, now: Duration) {
        self.settle(now);
        self.clock = None;
        self.paused = true;
    }

    pub(crate) fn resume(&mut self, now: Duration) {
        if std::mem::take(&mut self.paused) && !self.queue.is_empty() {
            self.clock = Some(now);
        }
    }

    fn advance(&mut self, mut samples: u64) {
        while samples > 0
            && let Some((item_id, content_index, left)) = self.queue.front_mut()
        {
            let step = samples.min(*left);
            samples -= step;
            *left -= step;
            let (item_id, content_index, over) = (item_id.clone(), *content_index, *left == 0);
            if let Some(part) = self.part(&item_id, content_index) {
                part.played += step;
            }
            self.note_heard(item_id, content_index);
            if over {
                self.queue.pop_front();
            }
        }
    }

    /// The last of what the clock took to be played was not: it still waits.
    fn take_back(&mut self, mut samples: u64) {
        let mut changed = Vec::new();
        for part in self.parts.iter_mut().rev().filter(|part| part.cut.is_none()) {
            let step = samples.min(part.played);
            if step == 0 {
                continue;
            }
            samples -= step;
            part.played -= step;
            let (item_id, content_index) = (part.item_id.clone(), part.content_index);
            match self.queue.front_mut() {
                Some((item, index, left)) if *item == item_id && *index == content_index => *left += step,
                _ => self.queue.push_front((item_id.clone(), content_index, step)),
            }
            changed.push((item_id, content_index));
        }
        for (item_id, content_index) in changed {
            self.note_heard(item_id, content_index);
        }
    }

    fn note_heard(&mut self, item_id: String, content_index: u32) {
        let heard = &mut self.heard;
        if !heard
            .iter()
            .any(|(id, index)| *id == item_id && *index == content_index)
        {
            heard.push((item_id, content_index));
        }
    }

    /// What waits to be played is thrown away.
    pub(super) fn empty(&mut self) {
        if !self.queue.is_empty() {
            self.resync = Some(Resync::default());
        }
        self.queue.clear();
        self.clock = None;
    }

    /// The sink is empty now, and has played so many samples in all.
    pub(crate) fn cleared(&mut self, total: u64) {
        self.queue.clear();
        self.clock = None;
        self.resync = None;
        self.told = self.told.max(total);
    }

    /// Nobody tells any more what is played, and what was handed out will not be.
    pub(crate) fn unreported(&mut self) {
        self.queue.clear();
        self.clock = None;
        self.resync = None;
        self.reported = false;
        self.assumed = self.told;
    }
}
