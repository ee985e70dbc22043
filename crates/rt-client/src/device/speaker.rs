//! [`Speaker`]: a device as a [`PlaybackSink`].

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use rt_protocol::Pcm16;

use super::host::Chosen;
use super::keeper::{Lost, Message, Work, start};
use super::output::{Output, Shared};
use super::recovery::PATIENCE;
use crate::error::Error;
use crate::playback::PlaybackSink;

/// How often the ring is filled up while more waits: it holds a second.
const REFILL: Duration = Duration::from_millis(50);

/// Plays the model's audio on a device, and tells how much of it was heard: what the device took, less what is still on its way
/// by the latency the sound system reports.
pub struct Speaker {
    shared: Arc<Shared>,
    commands: Sender<Message<Command>>,
    began: Instant,
}

/// What a [`Speaker`] plays, for an [`EchoGuard`](super::EchoGuard).
pub struct PlaybackMonitor {
    shared: Arc<Shared>,
    began: Instant,
}

enum Command {
    Play(Pcm16),
    /// The clearing of this number.
    Clear(u64),
}

impl Speaker {
    /// The default device. Blocks until it is open: some milliseconds.
    ///
    /// # Errors
    /// `Device` if there is none, or it cannot be used.
    pub fn open() -> Result<(Self, PlaybackMonitor), Error> {
        Self::begin(None)
    }

    /// The device of this name, as [`speakers`](super::speakers) lists it.
    ///
    /// # Errors
    /// `Device` if there is none, or it cannot be used.
    pub fn open_named(name: &str) -> Result<(Self, PlaybackMonitor), Error> {
        Self::begin(Some(name.to_owned()))
    }

    fn begin(name: Option<String>) -> Result<(Self, PlaybackMonitor), Error> {
        let shared = Arc::new(Shared::new());
        let began = Instant::now();
        let commands = start(Player::new(Arc::clone(&shared), began), name)?;
        let monitor = PlaybackMonitor {
            shared: Arc::clone(&shared),
            began,
        };
        let speaker = Self {
            shared,
            commands,
            began,
        };
        Ok((speaker, monitor))
    }
}

impl PlaybackSink for Speaker {
    fn play(&mut self, audio: Pcm16) -> io::Result<()> {
        let gone = || {
            io::Error::new(
                io::ErrorKind::NotConnected,
                "the speaker is gone, and there is no other",
            )
        };
        if self.shared.is_gone.load(Ordering::Relaxed) {
            return Err(gone());
        }
        let play = Message::Command(Command::Play(audio));
        self.commands.send(play).map_err(|_| gone())
    }

    fn clear(&mut self) {
        // Silent from here on, whenever the thread gets to it.
        let number = self.shared.clears_asked.fetch_add(1, Ordering::AcqRel) + 1;
        // Nobody to tell is nothing to clear.
        let _ = self.commands.send(Message::Command(Command::Clear(number)));
    }

    fn pause(&mut self, pause: bool) {
        self.shared.is_paused.store(pause, Ordering::Relaxed);
    }

    fn played(&self) -> u64 {
        self.shared.progress.heard(self.began.elapsed())
    }

    fn is_gone(&self) -> bool {
        self.shared.is_gone.load(Ordering::Relaxed)
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        let _ = self.commands.send(Message::Stop);
    }
}

impl PlaybackMonitor {
    /// When the speaker falls, or fell, silent; `None` before the first sound.
    #[must_use]
    pub fn audible_until(&self) -> Option<Instant> {
        let until = self.shared.progress.audible_until();
        (!until.is_zero())
            .then(|| self.began.checked_add(until))
            .flatten()
    }

    /// What went to the device, 24 kHz mono with silence; how many samples were filled in.
    pub(super) fn far(&self, out: &mut [f32]) -> usize {
        self.shared.far.pop(out)
    }

    pub(super) fn discard_far(&self) {
        self.shared.far.discard();
    }

    /// One without a device, and what it is told of.
    #[cfg(test)]
    pub(super) fn detached() -> (Self, Arc<Shared>) {
        let shared = Arc::new(Shared::new());
        let monitor = Self {
            shared: Arc::clone(&shared),
            began: Instant::now(),
        };
        (monitor, shared)
    }
}

impl fmt::Debug for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Speaker")
            .field("played", &self.played())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for PlaybackMonitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlaybackMonitor")
            .field("audible_until", &self.audible_until())
            .finish_non_exhaustive()
    }
}

/// What the thread of a speaker does.
struct Player {
    shared: Arc<Shared>,
    began: Instant,
    /// What finds no room in the ring.
    waiting: VecDeque<i16>,
}

impl Player {
    fn new(shared: Arc<Shared>, began: Instant) -> Self {
        Self {
            shared,
            began,
            waiting: VecDeque::new(),
        }
    }

    fn refill(&mut self) {
        let count = self.waiting.len().min(self.shared.ring.room());
        let samples = self.waiting.drain(..count);
        self.shared
            .ring
            .push(samples.map(|sample| f32::from(sample) / 32_768.0));
    }
}

impl Work for Player {
    type Stream = cpal::Stream;
    type Command = Command;
    const DEVICE: &'static str = "speaker";

    fn open(&mut self, name: Option<&str>, lost: Lost<Command>) -> Result<cpal::Stream, Error> {
        let chosen = Chosen::speaker(name)?;
        let mut output = Output::new(Arc::clone(&self.shared), chosen.rate())?;
        self.shared.has_flowed.store(false, Ordering::Relaxed);
        let (channels, began) = (chosen.channels(), self.began);
        chosen.play(
            move |out, latency| output.fill(out, channels, began.elapsed(), latency),
            move || lost.tell(),
        )
    }

    fn pause(&self, _: bool) -> Duration {
        if self.waiting.is_empty() { PATIENCE } else { REFILL }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Play(audio) => self.waiting.extend(audio.to_samples()),
            Command::Clear(number) => {
                self.waiting.clear();
                self.shared.ring.clear();
                self.shared.clears_done.store(number, Ordering::Release);
            }
        }
    }

    fn lost(&mut self, _: cpal::Stream) -> bool {
        self.shared.has_flowed.load(Ordering::Relaxed)
    }

    /// What waits goes on where it was, on whichever device there is.
    fn work(&mut self, _: Option<&mut cpal::Stream>) -> bool {
        self.refill();
        false
    }

    fn gave_up(&mut self, error: Option<Error>) {
        let error = error.map(|error| error.to_string());
        tracing::warn!(error, "no speaker that stays");
    }
}

impl Drop for Player {
    /// However its thread ends: nobody plays any more.
    fn drop(&mut self) {
        self.shared.is_gone.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver};

    use super::*;

    fn player() -> Player {
        Player::new(Arc::new(Shared::new()), Instant::now())
    }

    /// A speaker in front of this, and what it tells.
    fn speaker(player: &Player) -> (Speaker, Receiver<Message<Command>>) {
        let (commands, receiver) = mpsc::channel();
        let speaker = Speaker {
            shared: Arc::clone(&player.shared),
            commands,
            began: player.began,
        };
        (speaker, receiver)
    }

    #[test]
    fn a_long_reply_finds_room_and_comes_out_in_order() {
        let mut player = player();
        let samples: Vec<i16> = (0..30_000)
            .map(|at| i16::try_from(at).unwrap())
            .chain(0..30_000)
            .collect();
        player.obey(Command::Play(Pcm16::from_samples(&samples)));
        player.refill();
        assert!(!player.waiting.is_empty(), "the ring is smaller");
        let (mut heard, mut buffer) = (Vec::new(), [0.0; 480]);
        while heard.len() < samples.len() {
            let count = player.shared.ring.pop(&mut buffer);
            heard.extend(buffer[..count].iter().map(|sample| sample * 32_768.0));
            player.refill();
        }
        assert!(
            heard
                .iter()
                .zip(&samples)
                .all(|(heard, sent)| *heard == f32::from(*sent))
        );
        player.obey(Command::Play(Pcm16::from_samples(&samples)));
        player.refill();
        player.obey(Command::Clear(1));
        player.refill();
        assert_eq!(player.shared.ring.pop(&mut buffer), 0);
    }

    #[test]
    fn clearing_is_heard_before_the_thread_knows_of_it() {
        let mut player = player();
        let (mut speaker, receiver) = speaker(&player);
        let mut output = Output::new(Arc::clone(&player.shared), super::super::output::RATE).unwrap();
        let mut heard = || {
            let mut buffer = [9.0; 120];
            output.fill(&mut buffer, 1, Duration::ZERO, Duration::ZERO);
            buffer[0]
        };
        let mut obey = || {
            if let Message::Command(command) = receiver.recv().unwrap() {
                player.obey(command);
            }
            player.refill();
        };
        speaker.play(Pcm16::from_samples(&[16_384; 30_000])).unwrap();
        obey();
        assert_eq!(heard(), 0.5);
        speaker.clear();
        speaker.play(Pcm16::from_samples(&[8192; 480])).unwrap();
        assert_eq!(heard(), 0.0, "nothing of the old reply");
        obey();
        assert_eq!(heard(), 0.0);
        obey();
        assert_eq!(heard(), 0.25, "and then the new one");
        assert_eq!(speaker.shared.progress.heard(Duration::from_secs(1)), 240);
    }

    #[test]
    fn whoever_asks_learns_that_the_speaker_is_gone() {
        let player = player();
        let (speaker, _receiver) = speaker(&player);
        assert!(!speaker.is_gone());
        drop(player);
        assert!(speaker.is_gone());
    }

    #[test]
    fn a_speaker_without_a_device_refuses_and_does_not_panic() {
        let player = player();
        let (mut speaker, receiver) = speaker(&player);
        let shared = &player.shared;
        assert!(speaker.play(Pcm16::new()).is_ok());
        shared.is_gone.store(true, Ordering::Relaxed);
        assert_eq!(
            speaker.play(Pcm16::new()).unwrap_err().kind(),
            io::ErrorKind::NotConnected
        );
        drop(receiver);
        shared.is_gone.store(false, Ordering::Relaxed);
        assert!(speaker.play(Pcm16::new()).is_err(), "its thread has ended");
        speaker.clear();
        speaker.pause(true);
        assert_eq!(speaker.played(), 0);
    }

    #[test]
    fn what_cannot_be_opened_is_an_error() {
        let error = Speaker::open_named("no device has this name").unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Device);
    }
}
