//! [`Far`]: what the speaker plays, for a canceller, in order and without gaps.

use std::sync::atomic::{AtomicU64, Ordering};

use super::ring::Ring;

/// The most silence in place of what found no room: 2 s at 24 kHz. Of the microphone no more is kept either.
const SILENCE: u64 = 48_000;

/// Samples from the callback of a speaker. What finds no room is counted, and comes out as silence in its place.
#[derive(Debug)]
pub(super) struct Far {
    ring: Ring,
    /// Samples after those of the ring that found no room. While there are some, nothing is pushed.
    missed: AtomicU64,
}

impl Far {
    /// Keeps so many samples, or somewhat more.
    pub(super) fn new(samples: usize) -> Self {
        Self {
            ring: Ring::new(samples),
            missed: AtomicU64::new(0),
        }
    }

    /// Takes all of it, or counts it.
    pub(super) fn push(&self, samples: &[f32]) {
        if self.missed.load(Ordering::Acquire) > 0 || self.ring.room() < samples.len() {
            self.missed.fetch_add(samples.len() as u64, Ordering::AcqRel);
        } else {
            self.ring.push(samples.iter().copied());
        }
    }

    /// Fills the beginning of `out`, and says how much of it.
    pub(super) fn pop(&self, out: &mut [f32]) -> usize {
        // Before the ring: after it there might be samples of the ring that come first.
        let missed = self.missed.load(Ordering::Acquire);
        let count = self.ring.pop(out);
        if count > 0 || missed == 0 {
            return count;
        }
        let excess = missed.saturating_sub(SILENCE);
        let silence = usize::try_from(missed - excess).map_or(out.len(), |it| it.min(out.len()));
        if let Some(out) = out.get_mut(..silence) {
            out.fill(0.0);
        }
        self.missed.fetch_sub(excess + silence as u64, Ordering::AcqRel);
        silence
    }

    /// Forgets what there is; for the side that pops.
    pub(super) fn discard(&self) {
        let mut out = [0.0; 960];
        while self.pop(&mut out) > 0 {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(far: &Far) -> Vec<f32> {
        let (mut all, mut out) = (Vec::new(), [9.0; 6]);
        loop {
            match far.pop(&mut out) {
                0 => return all,
                count => all.extend(&out[..count]),
            }
        }
    }

    #[test]
    fn what_found_no_room_is_silence_in_its_place() {
        let far = Far::new(8);
        for sample in [1.0, 2.0, 3.0] {
            far.push(&[sample; 4]);
        }
        let mut out = [9.0; 4];
        assert_eq!((far.pop(&mut out), out), (4, [1.0; 4]));
        // There is room again, but the gap comes first.
        far.push(&[4.0; 4]);
        assert_eq!(all(&far), [[2.0; 4], [0.0; 4], [0.0; 4]].concat());
        far.push(&[5.0; 4]);
        assert_eq!(all(&far), [5.0; 4]);
    }

    #[test]
    fn what_nobody_took_for_long_is_not_made_up_for() {
        let far = Far::new(8);
        for _ in 0..100_000 {
            far.push(&[1.0; 4]);
        }
        assert_eq!(all(&far).len(), 8 + 48_000);
        far.push(&[1.0; 4]);
        far.discard();
        assert!(all(&far).is_empty());
    }
}
