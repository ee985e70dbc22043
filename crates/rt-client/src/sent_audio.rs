//! [`SentAudio`]: when which audio of the user was sent.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Moments that are remembered: more than a minute of messages of 20 ms.
const MAX_MARKS: usize = 4096;

/// The service tells positions in the audio of a connection; this tells when they were sent.
#[derive(Debug)]
pub(crate) struct SentAudio {
    bytes_per_ms: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// After each message: bytes so far, and when it was sent.
    marks: VecDeque<(u64, Duration)>,
    bytes: u64,
    /// Up to here nothing is known any more.
    forgotten: u64,
    /// The server counts from elsewhere: a new session may have been given audio again.
    unknown: bool,
}

impl SentAudio {
    pub(crate) fn new(bytes_per_ms: u64) -> Self {
        Self {
            bytes_per_ms,
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// More was sent.
    pub(crate) fn sent(&self, bytes: u64, now: Duration) {
        let mut state = self.lock();
        if state.unknown {
            return;
        }
        if state.marks.len() == MAX_MARKS
            && let Some((until, _)) = state.marks.pop_front()
        {
            state.forgotten = until;
        }
        state.bytes += bytes;
        let until = state.bytes;
        state.marks.push_back((until, now));
    }

    /// Another session takes over, and where its audio begins is not known.
    pub(crate) fn lost(&self) {
        *self.lock() = State {
            unknown: true,
            ..State::default()
        };
    }

    /// When the audio up to this position was sent, if that is known.
    pub(crate) fn when(&self, position: Duration) -> Option<Duration> {
        let ms = u64::try_from(position.as_millis()).ok()?;
        let bytes = ms.saturating_mul(self.bytes_per_ms);
        let state = self.lock();
        if bytes <= state.forgotten {
            return None;
        }
        let at = state.marks.partition_point(|(until, _)| *until < bytes);
        state.marks.get(at).map(|(_, when)| *when)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_position_has_the_time_of_its_message() {
        let sent = SentAudio::new(48);
        for n in 1..=10 {
            sent.sent(20 * 48, ms(1000 + 20 * n));
        }
        assert_eq!(sent.when(ms(0)), None);
        assert_eq!(sent.when(ms(1)), Some(ms(1020)));
        assert_eq!(sent.when(ms(20)), Some(ms(1020)));
        assert_eq!(sent.when(ms(21)), Some(ms(1040)));
        assert_eq!(sent.when(ms(200)), Some(ms(1200)));
        assert_eq!(sent.when(ms(201)), None, "not sent");
    }

    #[test]
    fn what_is_long_ago_or_of_another_connection_is_not_known() {
        let sent = SentAudio::new(48);
        for n in 0..=MAX_MARKS as u64 {
            sent.sent(48, ms(n));
        }
        assert_eq!(sent.when(ms(1)), None);
        assert_eq!(sent.when(ms(2)), Some(ms(1)));
        sent.lost();
        sent.sent(48_000, ms(9000));
        assert_eq!(sent.when(ms(10)), None);
    }
}
