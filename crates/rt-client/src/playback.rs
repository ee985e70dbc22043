//! Where the model's audio goes, and how far it was played.
//!
//! A [`PlaybackSink`] takes audio and says how many samples it has played. That one number is what makes interruptions
//! exact: the server, the history and the transcript are cut at the last sample that was heard.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rt_protocol::Pcm16;
use tokio::sync::Notify;

/// Something that plays audio.
///
/// It is called on the session's task, which is one of the runtime's, between two events: a method that blocks holds up the session,
/// and on a runtime of one thread everything, pongs among it. Hand the audio to whoever plays it and return, as [`ChannelSink`]
/// does.
pub trait PlaybackSink: Send + 'static {
    /// Takes audio to play after what it has. A whole reply comes faster than it plays, so all of it has to find room.
    ///
    /// # Errors
    /// When it cannot play any more. It is not called again; the session goes on without it.
    fn play(&mut self, audio: Pcm16) -> io::Result<()>;

    /// Stops at once and forgets what was not played.
    fn clear(&mut self);

    /// Stops for the moment and keeps what it has, or goes on. A sink that cannot do that plays on.
    fn pause(&mut self, pause: bool) {
        let _ = pause;
    }

    /// How many samples it has played in all, without those that were forgotten. It never goes back.
    fn played(&self) -> u64;

    /// Whether it will never play again, not even what it has: a device that was unplugged. It counts like an error of
    /// [`play`](Self::play). A sink that does not know says no.
    fn is_gone(&self) -> bool {
        false
    }
}

/// A sink that hands audio to a task of yours, at the pace at which that takes it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use rt_client::playback::{ChannelSink, PlaybackSink};
/// # use rt_client::Pcm16;
/// let (mut sink, mut speaker) = ChannelSink::new();
/// // The session does this:
/// sink.play(Pcm16::from_samples(&[1; 600])).unwrap();
/// // A task that feeds a device or a telephone line does this:
/// let first = speaker.next().await.unwrap();
/// assert_eq!((first.len(), sink.played()), (480, 0));
/// // Whoever asks for more has played what he had.
/// let second = speaker.next().await.unwrap();
/// assert_eq!((second.len(), sink.played()), (120, 480));
/// # }
/// ```
#[derive(Debug)]
pub struct ChannelSink {
    shared: Arc<Channel>,
}

/// The other end of a [`ChannelSink`].
#[derive(Debug)]
pub struct ChannelSpeaker {
    shared: Arc<Channel>,
}

#[derive(Debug, Default)]
struct Channel {
    state: Mutex<ChannelState>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct ChannelState {
    queue: VecDeque<Pcm16>,
    /// Samples that were handed out and are being played.
    in_hand: u64,
    played: u64,
    paused: bool,
    closed: bool,
}

/// The audio handed out at once.
const PIECE: Duration = Duration::from_millis(20);

impl Channel {
    fn lock(&self) -> MutexGuard<'_, ChannelState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ChannelSink {
    /// A sink, and what takes from it.
    #[must_use]
    pub fn new() -> (Self, ChannelSpeaker) {
        let shared = Arc::new(Channel::default());
        let speaker = ChannelSpeaker {
            shared: Arc::clone(&shared),
        };
        (Self { shared }, speaker)
    }
}

impl PlaybackSink for ChannelSink {
    fn play(&mut self, audio: Pcm16) -> io::Result<()> {
        let mut state = self.shared.lock();
        if state.closed {
            return Err(io::Error::new(
                io::ErrorKind::BrokenPipe,
                "the other end of the sink is gone",
            ));
        }
        state.queue.extend(audio.chunks(PIECE));
        drop(state);
        self.shared.changed.notify_one();
        Ok(())
    }

    fn clear(&mut self) {
        let mut state = self.shared.lock();
        state.queue.clear();
        // Perhaps a part of it was heard: nobody can say how much.
        state.in_hand = 0;
    }

    fn pause(&mut self, pause: bool) {
        self.shared.lock().paused = pause;
        self.shared.changed.notify_one();
    }

    fn played(&self) -> u64 {
        self.shared.lock().played
    }

    fn is_gone(&self) -> bool {
        self.shared.lock().closed
    }
}

impl Drop for ChannelSink {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_one();
    }
}

impl ChannelSpeaker {
    /// The next piece, at most 20 ms of it, as soon as there is one and the sink is not paused; `None` when the session is
    /// over. What was taken before counts as played
    /// from now on.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Pcm16> {
        loop {
            let changed = self.shared.changed.notified();
            {
                let mut state = self.shared.lock();
                state.played += std::mem::take(&mut state.in_hand);
                let paused = state.paused && !state.closed;
                if !paused && let Some(audio) = state.queue.pop_front() {
                    state.in_hand = audio.len() as u64;
                    return Some(audio);
                }
                if state.closed {
                    return None;
                }
            }
            changed.await;
        }
    }

    /// What waits to be taken.
    #[must_use]
    pub fn waiting(&self) -> Duration {
        self.shared.lock().queue.iter().map(Pcm16::duration).sum()
    }
}

impl Drop for ChannelSpeaker {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
    }
}

/// A sink that writes everything to a WAV file.
///
/// What it took counts as played: all that has come counts as heard at once, far ahead of any listener. So an interruption cuts
/// nothing that was written, on the server and in the history neither, and the file has all that was said.
#[derive(Debug)]
pub struct FileSink {
    file: BufWriter<File>,
    samples: u64,
}

/// The length of a WAV header.
const HEADER: u64 = 44;

impl FileSink {
    /// Creates or overwrites a file: WAV, PCM16, 24 kHz, mono.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        let mut sink = Self {
            file: BufWriter::new(File::create(path)?),
            samples: 0,
        };
        sink.write_header()?;
        Ok(sink)
    }

    fn write_header(&mut self) -> io::Result<()> {
        let rate = Pcm16::SAMPLE_RATE;
        let bytes = u32::try_from(self.samples * 2).unwrap_or(u32::MAX - 36);
        let file = &mut self.file;
        file.write_all(b"RIFF")?;
        file.write_all(&(bytes + 36).to_le_bytes())?;
        file.write_all(b"WAVEfmt ")?;
        // 16 bytes of format: PCM, one channel.
        file.write_all(&[16, 0, 0, 0, 1, 0, 1, 0])?;
        file.write_all(&rate.to_le_bytes())?;
        file.write_all(&(rate * 2).to_le_bytes())?;
        file.write_all(&[2, 0, 16, 0])?;
        file.write_all(b"data")?;
        file.write_all(&bytes.to_le_bytes())
    }

    /// Writes the lengths, so that the file is whole.
    fn finish(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.write_header()?;
        self.file.seek(SeekFrom::Start(HEADER + self.samples * 2))?;
        self.file.flush()
    }
}

impl PlaybackSink for FileSink {
    fn play(&mut self, audio: Pcm16) -> io::Result<()> {
        self.file.write_all(audio.as_bytes())?;
        self.samples += audio.len() as u64;
        Ok(())
    }

    fn clear(&mut self) {}

    fn played(&self) -> u64 {
        self.samples
    }
}

impl Drop for FileSink {
    fn drop(&mut self) {
        if let Err(error) = self.finish() {
            tracing::warn!(%error, "the audio file is not whole");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_cleared_was_not_played() {
        let (mut sink, mut speaker) = ChannelSink::new();
        sink.play(Pcm16::from_samples(&[1; 960])).unwrap();
        assert_eq!(speaker.next().await.unwrap().len(), 480);
        sink.clear();
        assert_eq!(speaker.waiting(), Duration::ZERO);
        sink.play(Pcm16::from_samples(&[2; 10])).unwrap();
        assert_eq!(speaker.next().await.unwrap().len(), 10);
        assert_eq!(sink.played(), 0);
        drop(sink);
        assert_eq!(speaker.next().await, None);
    }

    #[test]
    fn a_speaker_that_is_gone_is_an_error() {
        let (mut sink, speaker) = ChannelSink::new();
        assert!(!sink.is_gone());
        drop(speaker);
        assert!(sink.is_gone());
        assert!(sink.play(Pcm16::from_samples(&[1])).is_err());
    }

    #[test]
    fn a_file_is_a_wav() {
        let path = std::env::temp_dir().join(format!("rt-client-{}.wav", std::process::id()));
        let audio = Pcm16::from_samples(&[1, -2, 3]);
        let mut sink = FileSink::create(&path).unwrap();
        sink.play(audio.clone()).unwrap();
        sink.clear();
        sink.play(audio.clone()).unwrap();
        assert_eq!(sink.played(), 6);
        drop(sink);
        let read = rt_audio::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(read, Pcm16::concat([&audio, &audio]));
    }
}
