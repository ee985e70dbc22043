//! [`Source`]: an opened file; [`Chunks`]: its audio, piece by piece.

use std::fmt;
use std::fs::File;
use std::io::{Cursor, Read, Seek};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rt_protocol::Pcm16;

use crate::decode::{Input, Media};
use crate::error::{Error, ErrorKind};
use crate::info::{Info, Report};
use crate::limits::Limits;
use crate::pipeline::Pipeline;

/// An audio file that was opened: its header is read and its first block decoded.
///
/// What it is follows from its content; the name does not matter. Damage is no error here: what is there is
/// decoded, and [`Report`] says what was wrong.
///
/// ```
/// use rt_audio::Source;
/// use std::time::Duration;
///
/// let source = Source::open("../../fixtures/audio/question.mp3")?;
/// assert_eq!(source.info().to_string(), "MP3, 44100 Hz, 1 channel, 3.3 s");
/// let mut chunks = source.chunks(Duration::from_millis(100));
/// for chunk in &mut chunks {
///     assert!(chunk?.len() <= 2400);
/// }
/// assert!(chunks.report().is_complete());
/// # Ok::<(), rt_audio::Error>(())
/// ```
pub struct Source {
    /// The way through.
    pipeline: Pipeline,
}

/// How to open a [`Source`], or to start a [`Converter`](crate::Converter).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// What an input may be at most.
    pub limits: Limits,
    /// How much input the resampler may collect before it gives the first of its output. Default: as much
    /// as is fastest, 0.16 s at 48 kHz and 0.6 s at 11,025 Hz.
    ///
    /// For live audio; [`Converter::latency`](crate::Converter::latency) says what it came to.
    pub latency: Duration,
    /// The seed of the dither (TPDF, one step of 16 bits) that is added before rounding; none by default.
    ///
    /// 24 kHz mono PCM16 is not touched by it.
    pub dither: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            latency: Duration::MAX,
            dither: None,
        }
    }
}

impl Options {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the most latency of the resampler.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Adds dither, made from a seed.
    #[must_use]
    pub fn dither(mut self, seed: u64) -> Self {
        self.dither = Some(seed);
        self
    }

    /// Opens a file by its path.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Source, Error> {
        let path = path.as_ref();
        let file =
            File::open(path).map_err(|error| Error::io("opening failed", error).with_path(Some(path)))?;
        self.start(Box::new(file), Some(path.to_path_buf()))
    }

    /// Opens a file in memory.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn from_bytes(&self, bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<Source, Error> {
        self.start(Box::new(Cursor::new(bytes)), None)
    }

    /// Opens what a reader gives, from its very start.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn from_reader(&self, reader: impl Read + Seek + Send + Sync + 'static) -> Result<Source, Error> {
        self.start(Box::new(reader), None)
    }

    /// Opens what a pipe gives, from where it is.
    ///
    /// # Errors
    /// As [`Source::from_stream`].
    pub fn from_stream(&self, reader: impl Read + Send + 'static) -> Result<Source, Error> {
        Ok(Source {
            pipeline: Pipeline::new(Input::stream(Box::new(reader)), self, None)?,
        })
    }

    /// Opens anything.
    fn start(&self, media: Box<dyn Media>, path: Option<PathBuf>) -> Result<Source, Error> {
        let input = Input::new(media).map_err(|error| error.with_path(path.as_deref()))?;
        Ok(Source {
            pipeline: Pipeline::new(input, self, path)?,
        })
    }
}

impl Source {
    /// Opens a file by its path.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] and [`ErrorKind::Io`] if it cannot be read, [`ErrorKind::UnsupportedFormat`]
    /// and [`ErrorKind::UnsupportedCodec`] if it is something else, [`ErrorKind::Damaged`] if nothing in it
    /// can be decoded, [`ErrorKind::Limit`] beyond the default [`Limits`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Options::new().open(path)
    }

    /// Opens a file in memory.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_bytes(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<Self, Error> {
        Options::new().from_bytes(bytes)
    }

    /// Opens what a reader gives, from its very start.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_reader(reader: impl Read + Seek + Send + Sync + 'static) -> Result<Self, Error> {
        Options::new().from_reader(reader)
    }

    /// Opens what a pipe gives, such as standard input, from where it is. It is read once and while it
    /// comes in, in bounded memory; only MP4, and CAF with AAC or ALAC, are kept in memory first,
    /// up to [`Limits::max_buffered`].
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`ErrorKind::Limit`] beyond [`Limits::max_buffered`].
    pub fn from_stream(reader: impl Read + Send + 'static) -> Result<Self, Error> {
        Options::new().from_stream(reader)
    }

    /// What the header says.
    #[must_use]
    pub fn info(&self) -> &Info {
        self.pipeline.info()
    }

    /// The audio in chunks of this duration, the last one as short as it must be.
    ///
    /// Memory stays bounded: a chunk and one block of the decoder. The chunks joined are the same samples
    /// whatever the duration; one below a sample counts as one sample.
    #[must_use]
    pub fn chunks(self, duration: Duration) -> Chunks {
        let samples = duration.as_nanos() * u128::from(Pcm16::SAMPLE_RATE) / 1_000_000_000;
        let bytes = usize::try_from(samples.max(1) * Pcm16::BYTES_PER_SAMPLE as u128);
        Chunks {
            pipeline: self.pipeline,
            size: bytes.unwrap_or(usize::MAX - 1),
            ready: Vec::new(),
            start: 0,
            given: 0,
            failed: None,
        }
    }

    /// All of the audio that can be decoded, and what was wrong with the rest.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if reading fails, [`ErrorKind::Limit`] beyond the limits.
    pub fn read_to_end(mut self) -> Result<(Pcm16, Report), Error> {
        let mut bytes = Vec::new();
        while self.pipeline.pump(&mut bytes)? {}
        Ok((pcm16(bytes), self.pipeline.report()))
    }

    /// All of the audio, or an error if a part is missing.
    fn read_whole(self) -> Result<Pcm16, Error> {
        let path = self.pipeline.path().cloned();
        let (audio, report) = self.read_to_end()?;
        if report.is_complete() {
            return Ok(audio);
        }
        let message = format!("damaged: {report}; `Source` gives what can be decoded");
        Err(Error::new(ErrorKind::Damaged, message).with_path(path.as_deref()))
    }
}

/// Reads a whole file as 24 kHz mono.
///
/// ```
/// let audio = rt_audio::read("../../fixtures/audio/question.flac")?;
/// assert_eq!(audio.duration().as_millis(), 3287);
/// # Ok::<(), rt_audio::Error>(())
/// ```
///
/// # Errors
/// As [`Source::open`], and [`ErrorKind::Damaged`] if a part of the file is missing or cannot be decoded:
/// nothing is left out in silence. [`Source`] gives what there is.
pub fn read(path: impl AsRef<Path>) -> Result<Pcm16, Error> {
    Source::open(path)?.read_whole()
}

/// Reads a whole file in memory as 24 kHz mono.
///
/// # Errors
/// As [`read`].
pub fn read_bytes(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<Pcm16, Error> {
    Source::from_bytes(bytes)?.read_whole()
}

/// The audio of a [`Source`] in chunks of one duration.
///
/// An error ends it, after everything that was decoded before.
pub struct Chunks {
    /// The way through.
    pipeline: Pipeline,
    /// Bytes per chunk.
    size: usize,
    /// Bytes that are ready; those before `start` were given away.
    ready: Vec<u8>,
    /// Where the next chunk starts.
    start: usize,
    /// Samples given away.
    given: u64,
    /// The error to give when the bytes are used up.
    failed: Option<Error>,
}

/// How far a conversion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The audio given away.
    pub done: Duration,
    /// The whole audio, if the header tells.
    pub total: Option<Duration>,
}

impl Progress {
    /// From 0 to 1, if the whole is known.
    #[must_use]
    pub fn fraction(&self) -> Option<f64> {
        let total = self.total?.as_secs_f64();
        Some(if total > 0.0 {
            (self.done.as_secs_f64() / total).min(1.0)
        } else {
            1.0
        })
    }
}

impl Chunks {
    /// What the header says.
    #[must_use]
    pub fn info(&self) -> &Info {
        self.pipeline.info()
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let done = crate::info::duration_of(self.given, Pcm16::SAMPLE_RATE);
        Progress {
            done,
            total: self.info().duration,
        }
    }

    /// How much was decoded and what was wrong, so far; final when the iterator has ended.
    #[must_use]
    pub fn report(&self) -> Report {
        self.pipeline.report()
    }
}

impl Iterator for Chunks {
    type Item = Result<Pcm16, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.len() - self.start < self.size {
            self.ready.drain(..self.start);
            self.start = 0;
            while self.ready.len() < self.size {
                match self.pipeline.pump(&mut self.ready) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        self.failed = Some(error);
                        break;
                    }
                }
            }
        }
        let end = self.ready.len().min(self.start.saturating_add(self.size));
        let chunk = &self.ready[self.start..end];
        if chunk.is_empty() {
            return self.failed.take().map(Err);
        }
        let chunk = pcm16(chunk.to_vec());
        self.start = end;
        self.given += chunk.len() as u64;
        Some(Ok(chunk))
    }
}

impl std::iter::FusedIterator for Chunks {}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("info", self.info())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Chunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks")
            .field("info", self.info())
            .field("progress", &self.progress())
            .finish_non_exhaustive()
    }
}

/// The bytes as audio.
#[expect(clippy::expect_used, reason = "two bytes are made of every sample")]
pub(crate) fn pcm16(bytes: Vec<u8>) -> Pcm16 {
    Pcm16::from_le_bytes(bytes).expect("the number of bytes is even")
}

#[cfg(test)]
mod tests;
