//! [`HalfDuplex`]: while the model is heard, the microphone is not.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long after the model a room still sounds is the application's to say; the gate is open before the model speaks.
#[derive(Debug)]
pub(crate) struct HalfDuplex {
    tail: Duration,
    /// A byte of silence in the format of the input.
    silence: u8,
    /// Until when the model is heard, in milliseconds; for ever while it speaks.
    closed_until: AtomicU64,
}

impl HalfDuplex {
    pub(crate) fn new(tail: Duration, silence: u8) -> Self {
        Self {
            tail,
            silence,
            closed_until: AtomicU64::new(0),
        }
    }

    /// Whether the model is heard now.
    pub(crate) fn model_speaks(&self, speaks: bool, now: Duration) {
        let before = self.closed_until.load(Ordering::Relaxed);
        let until = match (speaks, before) {
            (true, _) => u64::MAX,
            // It has just fallen silent.
            (false, u64::MAX) => u64::try_from((now + self.tail).as_millis()).unwrap_or(u64::MAX - 1),
            (false, before) => before,
        };
        self.closed_until.store(until, Ordering::Relaxed);
    }

    /// The byte to send in place of what the microphone hears now, if that would be the model.
    pub(crate) fn silence(&self, now: Duration) -> Option<u8> {
        let until = self.closed_until.load(Ordering::Relaxed);
        (now.as_millis() < u128::from(until)).then_some(self.silence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_while_the_model_is_heard_and_a_tail_longer() {
        let ms = Duration::from_millis;
        let gate = HalfDuplex::new(ms(200), 0xff);
        assert_eq!(gate.silence(ms(0)), None);
        gate.model_speaks(false, ms(10));
        assert_eq!(gate.silence(ms(10)), None);
        gate.model_speaks(true, ms(100));
        assert_eq!(gate.silence(ms(100)), Some(0xff));
        assert_eq!(gate.silence(ms(1_000_000)), Some(0xff));
        gate.model_speaks(false, ms(500));
        // Said again, it is not prolonged.
        gate.model_speaks(false, ms(600));
        assert_eq!(gate.silence(ms(699)), Some(0xff));
        assert_eq!(gate.silence(ms(700)), None);
    }
}
