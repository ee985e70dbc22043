//! [`Outbox`]: what was accepted and is not written yet.

use std::collections::VecDeque;
use std::fmt;

use crate::config::{AudioPolicy, Limits};

/// What an audio message counts as at least, so that small ones cannot pile up without end: an append without any audio
/// in it has about this size.
const AUDIO_FLOOR: usize = 100;

/// One message, ready to be written.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Message {
    text: String,
    /// Bytes of raw audio in it; `None` for a control message.
    audio: Option<usize>,
}

impl Message {
    pub(crate) fn control(text: String) -> Self {
        Self { text, audio: None }
    }

    pub(crate) fn audio(text: String, bytes: usize) -> Self {
        Self {
            text,
            audio: Some(bytes),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// How much of the bound for audio it takes up; `None` for a control message.
    fn audio_cost(&self) -> Option<usize> {
        self.audio.map(|bytes| bytes.max(AUDIO_FLOOR))
    }

    pub(crate) fn is_audio(&self) -> bool {
        self.audio.is_some()
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({} bytes, audio: {:?})", self.text.len(), self.audio)
    }
}

/// One queue, in the order of acceptance, with a bound for each kind of content: audio that piles up does not keep a
/// control message out, nor the other way round, and neither overtakes the other.
#[derive(Debug)]
pub(super) struct Outbox {
    queue: VecDeque<Message>,
    control_messages: usize,
    control_bytes: usize,
    audio_bytes: usize,
    /// As `audio_bytes`, with every message at its cost.
    audio_cost: usize,
    dropped_audio: u64,
    max_control_messages: usize,
    max_control_bytes: usize,
    max_audio_bytes: usize,
    drops_oldest: bool,
}

impl Outbox {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            queue: VecDeque::new(),
            control_messages: 0,
            control_bytes: 0,
            audio_bytes: 0,
            audio_cost: 0,
            dropped_audio: 0,
            max_control_messages: limits.control_messages.max(1),
            max_control_bytes: limits.control_bytes,
            max_audio_bytes: limits.audio.limit_bytes(),
            drops_oldest: matches!(limits.audio, AudioPolicy::Live(_)),
        }
    }

    /// Takes all of `messages` or none.
    pub(super) fn push(&mut self, messages: Vec<Message>) -> Result<(), Vec<Message>> {
        let control = messages.iter().filter(|message| message.audio.is_none());
        let (count, bytes) = control.fold((0, 0), |(count, bytes), it| (count + 1, bytes + it.len()));
        let audio: usize = messages.iter().filter_map(|message| message.audio).sum();
        let cost: usize = messages.iter().filter_map(Message::audio_cost).sum();

        // What is larger than the whole bound is taken when it would be alone.
        let control_fits = count == 0
            || self.control_messages == 0
            || (self.control_messages + count <= self.max_control_messages
                && self.control_bytes + bytes <= self.max_control_bytes);
        let audio_fits = cost == 0
            || self.audio_cost == 0
            || self.drops_oldest
            || self.audio_cost + cost <= self.max_audio_bytes;
        if !control_fits || !audio_fits {
            return Err(messages);
        }
        if cost > 0 {
            self.make_room(cost);
        }
        self.control_messages += count;
        self.control_bytes += bytes;
        self.audio_bytes += audio;
        self.audio_cost += cost;
        self.queue.extend(messages);
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Option<Message> {
        let message = self.queue.pop_front()?;
        self.forget(&message);
        Some(message)
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Bytes of raw audio that were dropped to stay live.
    pub(super) fn dropped_audio(&self) -> u64 {
        self.dropped_audio
    }

    /// Bytes of raw audio that wait.
    pub(super) fn waiting_audio(&self) -> usize {
        self.audio_bytes
    }

    fn make_room(&mut self, cost: usize) {
        while self.drops_oldest && self.audio_cost > 0 && self.audio_cost + cost > self.max_audio_bytes {
            let oldest = self.queue.iter().position(|message| message.audio.is_some());
            let Some(message) = oldest.and_then(|at| self.queue.remove(at)) else {
                return;
            };
            self.dropped_audio += message.audio.unwrap_or_default() as u64;
            self.forget(&message);
        }
    }

    fn forget(&mut self, message: &Message) {
        match message.audio {
            Some(bytes) => {
                self.audio_bytes -= bytes;
                self.audio_cost -= message.audio_cost().unwrap_or_default();
            }
            None => {
                self.control_messages -= 1;
                self.control_bytes -= message.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn control(text: &str) -> Vec<Message> {
        vec![Message::control(text.to_owned())]
    }

    fn audio(text: &str, millis: usize) -> Vec<Message> {
        vec![Message::audio(text.to_owned(), millis * 48)]
    }

    fn drained(outbox: &mut Outbox) -> Vec<String> {
        std::iter::from_fn(|| outbox.pop())
            .map(Message::into_text)
            .collect()
    }

    fn outbox(audio: AudioPolicy) -> Outbox {
        Outbox::new(&Limits {
            control_messages: 3,
            control_bytes: 10,
            audio,
            ..Limits::default()
        })
    }

    #[test]
    fn order_is_that_of_acceptance_over_both_kinds() {
        let mut outbox = outbox(AudioPolicy::default());
        outbox.push(audio("a1", 20)).unwrap();
        outbox.push(control("c1")).unwrap();
        outbox.push(audio("a2", 20)).unwrap();
        assert_eq!(drained(&mut outbox), ["a1", "c1", "a2"]);
        assert_eq!(
            (outbox.len(), outbox.waiting_audio(), outbox.control_bytes),
            (0, 0, 0)
        );
    }

    #[test]
    fn each_kind_has_its_own_bound() {
        let mut outbox = outbox(AudioPolicy::Keep(Duration::from_millis(100)));
        outbox.push(audio("a1", 60)).unwrap();
        assert_eq!(outbox.push(audio("a2", 60)), Err(audio("a2", 60)));
        outbox.push(audio("a3", 40)).unwrap();
        outbox.push(control("four")).unwrap();
        outbox.push(control("five5")).unwrap();
        assert!(outbox.push(control("67")).is_err(), "11 bytes");
        outbox.push(control("6")).unwrap();
        assert!(outbox.push(control("")).is_err(), "4 messages");
        assert_eq!(drained(&mut outbox), ["a1", "a3", "four", "five5", "6"]);
    }

    #[test]
    fn what_exceeds_the_bound_passes_alone_and_groups_pass_whole_or_not() {
        let mut outbox = outbox(AudioPolicy::Keep(Duration::from_millis(10)));
        outbox.push(control("longer than ten")).unwrap();
        assert!(outbox.push(control("x")).is_err());
        outbox.push([audio("a", 20), audio("b", 20)].concat()).unwrap();
        assert!(outbox.push([audio("c", 1), control("y")].concat()).is_err());
        assert_eq!(outbox.len(), 3);
    }

    #[test]
    fn audio_of_no_length_is_bounded_too() {
        for bytes in [0, 1, 99] {
            let tiny = || vec![Message::audio("{}".to_owned(), bytes)];
            let mut keeping = outbox(AudioPolicy::Keep(Duration::from_millis(100)));
            let taken = (0..1000).take_while(|_| keeping.push(tiny()).is_ok()).count();
            assert_eq!(taken, 48, "{bytes} bytes each, of 4800 in all");
            assert_eq!(keeping.waiting_audio(), 48 * bytes);
            keeping.pop().unwrap();
            keeping.push(tiny()).unwrap();
            assert_eq!(drained(&mut keeping).len(), 48);
            assert_eq!((keeping.audio_bytes, keeping.audio_cost), (0, 0));

            let mut live = outbox(AudioPolicy::Live(Duration::from_millis(100)));
            for _ in 0..1000 {
                live.push(tiny()).unwrap();
            }
            assert_eq!((live.len(), live.dropped_audio()), (48, 952 * bytes as u64));
        }
    }

    #[test]
    fn live_audio_drops_the_oldest_and_counts_it() {
        let mut outbox = outbox(AudioPolicy::Live(Duration::from_millis(100)));
        for (text, millis) in [("a1", 40), ("a2", 40)] {
            outbox.push(audio(text, millis)).unwrap();
        }
        outbox.push(control("c")).unwrap();
        outbox.push(audio("a3", 60)).unwrap();
        assert_eq!(outbox.dropped_audio(), 40 * 48);
        assert_eq!(drained(&mut outbox), ["a2", "c", "a3"]);
    }
}
