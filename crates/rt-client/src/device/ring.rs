//! [`Ring`]: samples from one thread to another without a lock.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// A queue of samples of fixed size. One thread at a time pushes and one pops; neither ever waits.
///
/// Nothing breaks if that is not kept, but samples come twice or not at all.
#[derive(Debug)]
pub(super) struct Ring {
    /// The bits of the samples; a power of two of them, so that positions may overflow.
    slots: Box<[AtomicU32]>,
    /// Samples pushed so far.
    head: AtomicUsize,
    /// Samples popped or skipped so far.
    tail: AtomicUsize,
    /// Samples before this one are skipped.
    skip: AtomicUsize,
}

impl Ring {
    /// Room for so many samples, or somewhat more.
    pub(super) fn new(samples: usize) -> Self {
        Self {
            slots: (0..samples.next_power_of_two())
                .map(|_| AtomicU32::new(0))
                .collect(),
            head: AtomicUsize::new(0),
            tail: AtomicUsize::new(0),
            skip: AtomicUsize::new(0),
        }
    }

    fn slot(&self, position: usize) -> Option<&AtomicU32> {
        self.slots.get(position & (self.slots.len() - 1))
    }

    /// How many samples find room now.
    pub(super) fn room(&self) -> usize {
        let tail = self.tail.load(Ordering::Acquire);
        let used = self.head.load(Ordering::Relaxed).wrapping_sub(tail);
        self.slots.len().saturating_sub(used)
    }

    /// Takes as many of the samples as find room, and says how many.
    pub(super) fn push(&self, samples: impl IntoIterator<Item = f32>) -> usize {
        let head = self.head.load(Ordering::Relaxed);
        let mut taken = 0;
        for sample in samples.into_iter().take(self.room()) {
            if let Some(slot) = self.slot(head.wrapping_add(taken)) {
                slot.store(sample.to_bits(), Ordering::Relaxed);
            }
            taken += 1;
        }
        self.head.store(head.wrapping_add(taken), Ordering::Release);
        taken
    }

    /// Fills the beginning of `out`, and says how much of it.
    pub(super) fn pop(&self, out: &mut [f32]) -> usize {
        let skip = self.skip.load(Ordering::Acquire);
        let head = self.head.load(Ordering::Acquire);
        let mut tail = self.tail.load(Ordering::Relaxed);
        // Before the tail the distance is close to the greatest number.
        if skip.wrapping_sub(tail) <= head.wrapping_sub(tail) {
            tail = skip;
        }
        let count = head.wrapping_sub(tail).min(out.len());
        for (offset, sample) in out.iter_mut().take(count).enumerate() {
            if let Some(slot) = self.slot(tail.wrapping_add(offset)) {
                *sample = f32::from_bits(slot.load(Ordering::Relaxed));
            }
        }
        self.tail.store(tail.wrapping_add(count), Ordering::Release);
        count
    }

    /// Forgets what is in it; for the side that pushes.
    pub(super) fn clear(&self) {
        self.skip
            .store(self.head.load(Ordering::Relaxed), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn samples_come_out_in_order_and_no_more_than_fit() {
        let ring = Ring::new(8);
        let mut out = [0.0; 16];
        let mut next = 0u16;
        let mut expected = 0u16;
        for (push, pop) in [(3, 2), (9, 5), (1, 9), (0, 1), (8, 3), (5, 16), (2, 1)] {
            let taken = ring.push((next..next + push).map(f32::from));
            assert!(taken <= 8);
            next += u16::try_from(taken).unwrap();
            let count = ring.pop(&mut out[..pop]);
            for sample in &out[..count] {
                assert_eq!(*sample, f32::from(expected));
                expected += 1;
            }
            assert_eq!(ring.room(), 8 - usize::from(next - expected));
        }
    }

    #[test]
    fn what_is_forgotten_does_not_come_out_and_what_follows_does() {
        let ring = Ring::new(8);
        let mut out = [0.0; 8];
        assert_eq!(ring.push([1.0, 2.0, 3.0]), 3);
        assert_eq!(ring.pop(&mut out[..1]), 1);
        ring.clear();
        ring.push([4.0, 5.0]);
        assert_eq!((ring.pop(&mut out), &out[..2]), (2, &[4.0, 5.0][..]));
        ring.clear();
        assert_eq!(ring.pop(&mut out), 0);
        assert_eq!(ring.push([6.0; 9]), 8);
        assert_eq!(ring.pop(&mut out), 8);
    }

    #[test]
    fn positions_may_overflow() {
        let ring = Ring::new(4);
        for position in [&ring.head, &ring.tail, &ring.skip] {
            position.store(usize::MAX - 1, Ordering::Relaxed);
        }
        let mut out = [0.0; 4];
        assert_eq!(ring.push([1.0, 2.0, 3.0, 4.0, 5.0]), 4);
        assert_eq!((ring.pop(&mut out), out), (4, [1.0, 2.0, 3.0, 4.0]));
        ring.push([6.0]);
        ring.clear();
        ring.push([7.0]);
        assert_eq!((ring.pop(&mut out), out[0]), (1, 7.0));
    }

    #[test]
    fn two_threads_lose_and_repeat_nothing() {
        const ALL: u32 = 100_000;
        let ring = Arc::new(Ring::new(256));
        let pushing = Arc::clone(&ring);
        let pusher = std::thread::spawn(move || {
            let mut next = 0;
            while next < ALL {
                let end = ALL.min(next + 100);
                #[expect(clippy::cast_precision_loss, reason = "small enough")]
                let taken = pushing.push((next..end).map(|sample| sample as f32));
                next += u32::try_from(taken).unwrap();
                std::thread::yield_now();
            }
        });
        let (mut expected, mut out) = (0, [0.0; 77]);
        while expected < ALL {
            let count = ring.pop(&mut out);
            for sample in &out[..count] {
                #[expect(clippy::cast_precision_loss, reason = "small enough")]
                let own = expected as f32;
                assert_eq!(*sample, own);
                expected += 1;
            }
            std::thread::yield_now();
        }
        pusher.join().unwrap();
        assert_eq!(ring.pop(&mut out), 0);
    }
}
