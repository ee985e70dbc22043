//! [`Microphone`]: a device as chunks of audio.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

use rt_audio::{Converter, Options};
use rt_protocol::Pcm16;
use tokio::sync::mpsc as chunks;

use super::host::{Chosen, device_error};
use super::keeper::{Lost, Message, Work, start};
use super::recovery::PATIENCE;
use super::ring::Ring;
use crate::error::Error;

/// Samples of a chunk: 20 ms at 24 kHz.
const CHUNK: usize = 480;
/// How often the ring is emptied.
const PUMP: Duration = Duration::from_millis(10);
/// The most delay of the conversion.
const FILTER: Duration = Duration::from_millis(20);
/// Chunks nobody has taken: two seconds of them.
const WAITING: usize = 100;

/// Records from a device: chunks of 20 ms, 24 kHz mono, at the pace of the device's clock.
///
/// Recording begins when it is opened, and ends when it is dropped. Chunks that are not taken wait, 2 s of them; what comes
/// beyond that is dropped and [counted](Self::dropped). The last chunk of a device that was lost may be shorter.
pub struct Microphone {
    chunks: chunks::Receiver<Result<Pcm16, Error>>,
    control: Sender<Message<Infallible>>,
    dropped: Arc<AtomicU64>,
}

impl Microphone {
    /// The default device. Blocks until it is open: some milliseconds.
    ///
    /// # Errors
    /// `Device` if there is none, or it cannot be used.
    pub fn open() -> Result<Self, Error> {
        Self::begin(None)
    }

    /// The device of this name, as [`microphones`](super::microphones) lists it.
    ///
    /// # Errors
    /// `Device` if there is none, or it cannot be used.
    pub fn open_named(name: &str) -> Result<Self, Error> {
        Self::begin(Some(name.to_owned()))
    }

    /// The next chunk. An error tells that the device was lost: others may follow, of the device that takes its place. `None`
    /// when there is no device any more.
    ///
    /// # Cancel safety
    /// A dropped future has taken no chunk.
    pub async fn next(&mut self) -> Option<Result<Pcm16, Error>> {
        self.chunks.recv().await
    }

    /// How much was dropped because it was not taken, or came faster than it could be converted.
    #[must_use]
    pub fn dropped(&self) -> Duration {
        Duration::from_micros(self.dropped.load(Ordering::Relaxed))
    }

    fn begin(name: Option<String>) -> Result<Self, Error> {
        let (sender, receiver) = chunks::channel(WAITING);
        let dropped = Arc::new(AtomicU64::new(0));
        let recorder = Recorder {
            chunks: sender,
            dropped: Arc::clone(&dropped),
        };
        let control = start(recorder, name)?;
        Ok(Self {
            chunks: receiver,
            control,
            dropped,
        })
    }
}

impl Drop for Microphone {
    fn drop(&mut self) {
        let _ = self.control.send(Message::Stop);
    }
}

impl fmt::Debug for Microphone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Microphone")
            .field("waiting", &self.chunks.len())
            .field("dropped", &self.dropped())
            .finish_non_exhaustive()
    }
}

/// What the thread of a microphone does.
struct Recorder {
    chunks: chunks::Sender<Result<Pcm16, Error>>,
    dropped: Arc<AtomicU64>,
}

/// A stream, and what becomes of its samples.
struct Open {
    stream: cpal::Stream,
    ring: Arc<Ring>,
    chunker: Chunker,
}

impl Work for Recorder {
    type Stream = Open;
    type Command = Infallible;
    const DEVICE: &'static str = "microphone";

    fn open(&mut self, name: Option<&str>, lost: Lost<Infallible>) -> Result<Open, Error> {
        let chosen = Chosen::microphone(name)?;
        let ring = Arc::new(Ring::new(chosen.rate() as usize));
        let chunker = Chunker::new(chosen.rate())?;
        let (filled, channels) = (Arc::clone(&ring), chosen.channels());
        let (rate, dropped) = (chosen.rate(), Arc::clone(&self.dropped));
        let stream = chosen.record(
            move |samples| record(&filled, Mono { samples, channels }, rate, &dropped),
            move || lost.tell(),
        )?;
        Ok(Open {
            stream,
            ring,
            chunker,
        })
    }

    fn pause(&self, is_open: bool) -> Duration {
        if is_open { PUMP } else { PATIENCE }
    }

    fn obey(&mut self, command: Infallible) {
        match command {}
    }

    fn lost(&mut self, open: Open) -> bool {
        let Open {
            stream,
            ring,
            chunker,
        } = open;
        // No callback runs any more: what is there is all.
        drop(stream);
        for chunk in chunker.finish(&ring) {
            self.give(Ok(chunk));
        }
        self.give(Err(device_error("the microphone is gone: looking for another")));
        // What went through it was noted when it did.
        false
    }

    fn work(&mut self, open: Option<&mut Open>) -> bool {
        let mut flowed = false;
        for chunk in open.into_iter().flat_map(|open| open.chunker.pump(&open.ring)) {
            flowed = true;
            self.give(Ok(chunk));
        }
        flowed
    }

    fn gave_up(&mut self, error: Option<Error>) {
        if let Some(error) = error {
            self.give(Err(error));
        }
    }
}

impl Recorder {
    /// Hands a chunk over, or counts it.
    fn give(&self, chunk: Result<Pcm16, Error>) {
        let duration = chunk.as_ref().map_or(Duration::ZERO, Pcm16::duration);
        if self.chunks.try_send(chunk).is_err() {
            let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
            self.dropped.fetch_add(micros, Ordering::Relaxed);
        }
    }
}

/// Keeps what finds room, and counts the rest, in microseconds.
fn record(ring: &Ring, mut samples: impl Iterator<Item = f32>, rate: u32, dropped: &AtomicU64) {
    ring.push(&mut samples);
    let lost = samples.count() as u64 * 1_000_000 / u64::from(rate.max(1));
    if lost > 0 {
        dropped.fetch_add(lost, Ordering::Relaxed);
    }
}

/// Frames as the mean of their channels.
struct Mono<'a> {
    samples: &'a mut dyn Iterator<Item = f32>,
    channels: usize,
}

impl Iterator for Mono<'_> {
    type Item = f32;

    fn next(&mut self) -> Option<f32> {
        let mut sum = self.samples.next()?;
        for _ in 1..self.channels {
            sum += self.samples.next()?;
        }
        #[expect(clippy::cast_precision_loss, reason = "a handful of channels")]
        let mean = sum / self.channels as f32;
        Some(mean)
    }
}

/// Mono samples of a device's rate to whole chunks of 24 kHz.
struct Chunker {
    converter: Converter,
    rest: Vec<i16>,
}

impl Chunker {
    fn new(rate: u32) -> Result<Self, Error> {
        let converter = Options::new().latency(FILTER).converter(rate, 1);
        Ok(Self {
            converter: converter
                .map_err(|error| device_error(format!("the microphone's rate cannot be used: {error}")))?,
            rest: Vec::new(),
        })
    }

    fn pump(&mut self, ring: &Ring) -> Vec<Pcm16> {
        let mut samples = [0.0; 1024];
        loop {
            let count = ring.pop(&mut samples);
            if count == 0 {
                break;
            }
            let converted = self.converter.push(samples.get(..count).unwrap_or_default());
            self.rest.extend(converted.to_samples());
        }
        let whole = self.rest.len() / CHUNK * CHUNK;
        let ready: Vec<i16> = self.rest.drain(..whole).collect();
        ready.chunks(CHUNK).map(Pcm16::from_samples).collect()
    }

    /// What is left when no more comes; the last chunk may be shorter.
    fn finish(mut self, ring: &Ring) -> Vec<Pcm16> {
        let mut ready = self.pump(ring);
        self.rest.extend(self.converter.finish().to_samples());
        ready.extend(self.rest.chunks(CHUNK).map(Pcm16::from_samples));
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_become_their_mean_and_half_a_frame_is_left_out() {
        let mut samples = [1.0, 0.0, 0.5, 0.5, 0.7].into_iter();
        let mono = Mono {
            samples: &mut samples,
            channels: 2,
        };
        assert_eq!(mono.collect::<Vec<_>>(), [0.5, 0.5]);
    }

    #[test]
    fn any_rate_becomes_chunks_of_twenty_milliseconds() {
        for rate in [16_000, 24_000, 44_100, 48_000] {
            let ring = Ring::new(rate as usize);
            let mut chunker = Chunker::new(rate).unwrap();
            let mut chunks = Vec::new();
            // One second in pieces of 10 ms.
            for _ in 0..100 {
                assert_eq!(ring.push(vec![0.5; rate as usize / 100]), rate as usize / 100);
                chunks.extend(chunker.pump(&ring));
            }
            assert!(
                (47..=50).contains(&chunks.len()),
                "{rate}: {} chunks",
                chunks.len()
            );
            assert!(chunks.iter().all(|chunk| chunk.len() == CHUNK));
            let last = chunks.last().unwrap().to_samples();
            assert!(
                last.iter().all(|sample| (sample - 16_384).abs() < 40),
                "{rate}: {last:?}"
            );
        }
        assert!(Chunker::new(1).is_err());
    }

    #[test]
    fn what_was_recorded_when_the_device_went_comes_out() {
        for rate in [24_000, 48_000] {
            let ring = Ring::new(rate as usize);
            let mut chunker = Chunker::new(rate).unwrap();
            // 95 ms, of which some wait in the ring.
            ring.push(vec![0.5; rate as usize * 50 / 1000]);
            let mut chunks = chunker.pump(&ring);
            ring.push(vec![0.5; rate as usize * 45 / 1000]);
            chunks.extend(chunker.finish(&ring));
            let samples: usize = chunks.iter().map(Pcm16::len).sum();
            assert_eq!(samples, 95 * 24, "{rate}");
        }
    }

    #[test]
    fn what_finds_no_room_is_counted() {
        let (ring, dropped) = (Ring::new(1024), AtomicU64::new(0));
        record(&ring, std::iter::repeat_n(0.5, 1000), 48_000, &dropped);
        assert_eq!(dropped.load(Ordering::Relaxed), 0);
        record(&ring, std::iter::repeat_n(0.5, 504), 48_000, &dropped);
        assert_eq!(dropped.load(Ordering::Relaxed), 10_000);
    }

    #[tokio::test]
    async fn chunks_nobody_takes_are_counted() {
        let (sender, mut receiver) = chunks::channel(2);
        let recorder = Recorder {
            chunks: sender,
            dropped: Arc::default(),
        };
        for _ in 0..5 {
            recorder.give(Ok(Pcm16::from_samples(&[1; CHUNK])));
        }
        assert_eq!(recorder.dropped.load(Ordering::Relaxed), 60_000);
        assert!(receiver.recv().await.unwrap().is_ok());
    }

    #[test]
    fn what_cannot_be_opened_is_an_error() {
        let error = Microphone::open_named("no device has this name").unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Device);
    }
}
