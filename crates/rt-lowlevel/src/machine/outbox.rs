//! [`Outbox`]: what was accepted and is not written yet.

use std::collections::VecDeque;
use std::fmt;
use std::ops::RangeInclusive;

use super::ledger::{Kind, Line};
use crate::config::{AudioPolicy, Limits};
use crate::frame::Json;
use crate::mirror::{Answer, Intent};

/// What an audio message counts as at least, so that small ones cannot pile up without end: an append without any audio
/// in it has about this size.
const AUDIO_FLOOR: usize = 100;

/// One message, ready to be written.
#[derive(Clone)]
pub(crate) struct Message {
    /// Its number in the ledger; 0 before it was accepted.
    pub(super) number: u64,
    text: Json,
    /// Bytes of raw audio in it; `None` for a control message.
    audio: Option<usize>,
    kind: Kind,
    /// What is kept of the event until it is written.
    pub(super) intent: Option<Intent>,
}

impl Message {
    pub(crate) fn control(text: impl Into<Json>) -> Self {
        Self {
            number: 0,
            text: text.into(),
            audio: None,
            kind: Kind::default(),
            intent: None,
        }
    }

    pub(crate) fn audio(text: impl Into<Json>, bytes: usize) -> Self {
        Self {
            audio: Some(bytes),
            ..Self::control(text)
        }
    }

    /// The same, with what is to be known of its event.
    pub(crate) fn of(self, kind: Kind, intent: Intent) -> Self {
        Self {
            kind,
            intent: Some(intent),
            ..self
        }
    }

    /// What the ledger is told of it.
    pub(super) fn line(&self) -> Line {
        Line {
            bytes: self.text.len(),
            audio: self.audio.unwrap_or_default(),
            kind: self.kind,
            answered: self
                .intent
                .as_ref()
                .is_some_and(|intent| intent.answer() == Answer::Event),
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

    pub(super) fn into_parts(self) -> (Json, Option<Intent>) {
        (self.text, self.intent)
    }

    #[cfg(test)]
    pub(super) fn into_text(self) -> String {
        self.text.to_string()
    }
}

/// Of what is written: the rest follows from it.
#[cfg(test)]
impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.audio) == (&other.text, other.audio)
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, bytes) = (self.kind, self.text.len());
        write!(f, "Message({kind:?}, {bytes} bytes, audio: {:?})", self.audio)
    }
}

/// One queue, in the order of acceptance, with a bound for each kind of content: audio that piles up does not keep a
/// control message out, nor the other way round, and neither overtakes the other.
#[derive(Debug)]
pub(super) struct Outbox {
    queue: VecDeque<Message>,
    /// Bytes of all messages in it.
    bytes: usize,
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
            bytes: 0,
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

    pub(super) fn drops_oldest(&self) -> bool {
        self.drops_oldest
    }

    /// Whether there is room for all of `messages`.
    pub(super) fn fits(&self, messages: &[Message]) -> bool {
        let control = messages.iter().filter(|message| message.audio.is_none());
        let (count, bytes) = control.fold((0, 0), |(count, bytes), it| (count + 1, bytes + it.len()));
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
        control_fits && audio_fits
    }

    /// Takes messages for which there is room. Returns the numbers of what was dropped for them.
    pub(super) fn push(&mut self, messages: Vec<Message>) -> Vec<u64> {
        let cost: usize = messages.iter().filter_map(Message::audio_cost).sum();
        let dropped = if cost > 0 {
            self.make_room(cost)
        } else {
            Vec::new()
        };
        for message in messages {
            self.bytes += message.len();
            match message.audio {
                Some(bytes) => {
                    self.audio_bytes += bytes;
                    self.audio_cost += message.audio_cost().unwrap_or_default();
                }
                None => {
                    self.control_messages += 1;
                    self.control_bytes += message.len();
                }
            }
            self.queue.push_back(message);
        }
        dropped
    }

    pub(super) fn pop(&mut self) -> Option<Message> {
        let message = self.queue.pop_front()?;
        self.forget(&message);
        Some(message)
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Bytes of all messages that wait.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes out control messages for which `test` holds, asked in their order. Returns their numbers.
    pub(super) fn take_if(&mut self, mut test: impl FnMut(&Message) -> bool) -> Vec<u64> {
        let mut taken = Vec::new();
        let mut place = 0;
        while let Some(message) = self.queue.get(place) {
            if message.is_audio() || !test(message) {
                place += 1;
            } else if let Some(message) = self.queue.remove(place) {
                self.forget(&message);
                taken.push(message.number);
            }
        }
        taken
    }

    /// Takes out what is left of a command that is not to be written. Returns the bytes of raw audio in it.
    pub(super) fn withdraw(&mut self, numbers: &RangeInclusive<u64>) -> usize {
        let mut bytes = 0;
        while let Some(place) = self
            .queue
            .iter()
            .position(|message| numbers.contains(&message.number))
            && let Some(message) = self.queue.remove(place)
        {
            self.forget(&message);
            bytes += message.audio.unwrap_or_default();
        }
        bytes
    }

    /// The same, of a command of which a part was dropped to stay live: the rest is of no use.
    pub(super) fn drop_rest(&mut self, numbers: &RangeInclusive<u64>) {
        self.dropped_audio += self.withdraw(numbers) as u64;
    }

    /// Bytes of raw audio that were dropped to stay live.
    pub(super) fn dropped_audio(&self) -> u64 {
        self.dropped_audio
    }

    /// Bytes of raw audio that wait.
    pub(super) fn waiting_audio(&self) -> usize {
        self.audio_bytes
    }

    fn make_room(&mut self, cost: usize) -> Vec<u64> {
        let mut dropped = Vec::new();
        while self.drops_oldest && self.audio_cost + cost > self.max_audio_bytes {
            let oldest = self.queue.iter().position(|message| message.audio.is_some());
            let Some(message) = oldest.and_then(|at| self.queue.remove(at)) else {
                break;
            };
            self.dropped_audio += message.audio.unwrap_or_default() as u64;
            self.forget(&message);
            dropped.push(message.number);
        }
        dropped
    }

    fn forget(&mut self, message: &Message) {
        self.bytes -= message.len();
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

    impl Outbox {
        fn take(&mut self, messages: Vec<Message>) -> Result<Vec<u64>, Vec<Message>> {
            if self.fits(&messages) {
                Ok(self.push(messages))
            } else {
                Err(messages)
            }
        }
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
        outbox.take(audio("a1", 20)).unwrap();
        outbox.take(control("c1")).unwrap();
        assert_eq!(outbox.bytes(), 4);
        outbox.take(audio("a2", 20)).unwrap();
        assert_eq!(drained(&mut outbox), ["a1", "c1", "a2"]);
        assert_eq!(
            (
                outbox.len(),
                outbox.waiting_audio(),
                outbox.control_bytes + outbox.bytes()
            ),
            (0, 0, 0)
        );
    }

    #[test]
    fn each_kind_has_its_own_bound() {
        let mut outbox = outbox(AudioPolicy::Keep(Duration::from_millis(100)));
        outbox.take(audio("a1", 60)).unwrap();
        assert_eq!(outbox.take(audio("a2", 60)), Err(audio("a2", 60)));
        outbox.take(audio("a3", 40)).unwrap();
        outbox.take(control("four")).unwrap();
        outbox.take(control("five5")).unwrap();
        assert!(outbox.take(control("67")).is_err(), "11 bytes");
        outbox.take(control("6")).unwrap();
        assert!(outbox.take(control("")).is_err(), "4 messages");
        assert_eq!(drained(&mut outbox), ["a1", "a3", "four", "five5", "6"]);
    }

    #[test]
    fn what_exceeds_the_bound_passes_alone_and_groups_pass_whole_or_not() {
        let mut outbox = outbox(AudioPolicy::Keep(Duration::from_millis(10)));
        outbox.take(control("longer than ten")).unwrap();
        assert!(outbox.take(control("x")).is_err());
        outbox.take([audio("a", 20), audio("b", 20)].concat()).unwrap();
        assert!(outbox.take([audio("c", 1), control("y")].concat()).is_err());
        assert_eq!(outbox.len(), 3);
    }

    #[test]
    fn audio_of_no_length_is_bounded_too() {
        for bytes in [0, 1, 99] {
            let tiny = || vec![Message::audio("{}".to_owned(), bytes)];
            let mut keeping = outbox(AudioPolicy::Keep(Duration::from_millis(100)));
            let taken = (0..1000).take_while(|_| keeping.take(tiny()).is_ok()).count();
            assert_eq!(taken, 48, "{bytes} bytes each, of 4800 in all");
            assert_eq!(keeping.waiting_audio(), 48 * bytes);
            keeping.pop().unwrap();
            keeping.take(tiny()).unwrap();
            assert_eq!(drained(&mut keeping).len(), 48);
            assert_eq!((keeping.audio_bytes, keeping.audio_cost), (0, 0));

            let mut live = outbox(AudioPolicy::Live(Duration::from_millis(100)));
            for _ in 0..1000 {
                live.take(tiny()).unwrap();
            }
            assert_eq!((live.len(), live.dropped_audio()), (48, 952 * bytes as u64));
        }
    }

    #[test]
    fn live_audio_drops_the_oldest_and_counts_it() {
        let mut outbox = outbox(AudioPolicy::Live(Duration::from_millis(100)));
        for (text, millis) in [("a1", 40), ("a2", 40)] {
            outbox.take(audio(text, millis)).unwrap();
        }
        outbox.take(control("c")).unwrap();
        outbox.take(audio("a3", 60)).unwrap();
        assert_eq!(outbox.dropped_audio(), 40 * 48);
        assert_eq!(outbox.bytes(), "a2ca3".len());
        assert_eq!(drained(&mut outbox), ["a2", "c", "a3"]);
        assert_eq!(outbox.bytes(), 0);
    }

    #[test]
    fn what_is_taken_out_is_control_messages_and_is_not_counted_any_more() {
        let mut outbox = outbox(AudioPolicy::default());
        outbox
            .take([control("ab"), audio("a", 20), control("cd")].concat())
            .unwrap();
        let mut asked = Vec::new();
        outbox.take_if(|message| {
            asked.push(message.clone().into_text());
            &*message.text == "ab"
        });
        assert_eq!(asked, ["ab", "cd"], "not of the audio");
        assert_eq!((outbox.control_messages, outbox.control_bytes), (1, 2));
        assert_eq!(outbox.bytes(), "acd".len());
        assert_eq!(drained(&mut outbox), ["a", "cd"]);
    }

    #[test]
    fn a_control_message_pushes_no_audio_out() {
        let mut outbox = outbox(AudioPolicy::Live(Duration::from_millis(10)));
        // Larger than the bound: taken, because it is alone.
        outbox.take(audio("a", 20)).unwrap();
        outbox.take(control("c")).unwrap();
        assert_eq!(outbox.dropped_audio(), 0);
        outbox.take(audio("b", 10)).unwrap();
        assert_eq!(drained(&mut outbox), ["c", "b"]);
    }

    #[test]
    fn debug_tells_the_size_and_not_the_text() {
        let message = Message::audio("canary".to_owned(), 960);
        let text = format!("{message:?}");
        assert!(text.contains("6 bytes") && text.contains("960"), "{text}");
        assert!(!text.contains("canary"));
    }
}
