//! [`Spares`]: memory of messages that were written, for the next ones.
//!
//! In a burst, as many messages as fill a write wait at the same time. That is more than allocators keep at hand, and looking
//! for memory takes as long as encoding 20 ms of audio into it. At rest nothing is kept.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many are kept at most: what fits in one write.
const COUNT: usize = 64;

/// What is larger is not kept: there it makes no difference.
const ROOM: usize = 8 << 10;

#[derive(Debug, Default)]
pub(crate) struct Spares(Mutex<Vec<Vec<u8>>>);

impl Spares {
    fn locked(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Memory for a message: empty, with room if there is a spare one.
    pub(crate) fn take(&self) -> Vec<u8> {
        self.locked().pop().unwrap_or_default()
    }

    /// Keeps what is worth it.
    pub(super) fn give(&self, written: &mut Vec<Vec<u8>>) {
        let mut spares = self.locked();
        let free = COUNT.saturating_sub(spares.len());
        let worth = |buffer: &Vec<u8>| (1..=ROOM).contains(&buffer.capacity());
        spares.extend(
            written
                .extract_if(.., |buffer| worth(buffer))
                .take(free)
                .map(|mut buffer| {
                    buffer.clear();
                    buffer
                }),
        );
        drop(spares);
        written.clear();
    }

    /// Gives all of it back to the allocator.
    pub(super) fn clear(&self) {
        let spares = std::mem::take(&mut *self.locked());
        drop(spares);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(room: usize) -> Vec<u8> {
        let mut buffer = Vec::with_capacity(room);
        buffer.resize(room, 1);
        buffer
    }

    #[test]
    fn what_was_written_is_used_again_and_empty() {
        let spares = Spares::default();
        assert_eq!(spares.take().capacity(), 0);
        spares.give(&mut vec![buffer(100), buffer(0), buffer(ROOM + 1), buffer(200)]);
        let rooms: Vec<usize> = (0..3)
            .map(|_| spares.take())
            .map(|buffer| {
                assert!(buffer.is_empty());
                buffer.capacity()
            })
            .collect();
        assert_eq!(rooms, [200, 100, 0]);
    }

    #[test]
    fn no_more_than_a_burst_needs_is_kept_and_nothing_at_rest() {
        let spares = Spares::default();
        for _ in 0..3 {
            let mut written: Vec<Vec<u8>> = (0..COUNT).map(|_| buffer(10)).collect();
            spares.give(&mut written);
            assert!(written.is_empty());
        }
        assert_eq!(spares.locked().len(), COUNT);
        spares.clear();
        assert_eq!(spares.locked().capacity(), 0);
    }
}
