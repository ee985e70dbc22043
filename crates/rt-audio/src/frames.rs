//! [`Frames`]: what a file holds, before it is mixed and its rate is converted.

use std::fmt;
use std::fs::File;
use std::io::{Cursor, Read, Seek};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::decode::{self, Block, Decoder, Input, Wanted};
use crate::error::Error;
use crate::info::{Info, Report, duration_of};
use crate::limits::Limits;

/// Decoded audio as it is in the file: every channel, at its own rate.
///
/// For those who want to mix, resample or measure themselves; [`Source`](crate::Source) gives 24 kHz mono.
///
/// ```
/// use rt_audio::{Frames, Limits};
/// let mut frames = Frames::open("../../fixtures/audio/question.ogg", Limits::default())?;
/// let (mut count, mut peak) = (0, 0f32);
/// while let Some(samples) = frames.next_block()? {
///     count += samples.len() / 2; // Interleaved stereo.
///     peak = samples.iter().fold(peak, |peak, sample| peak.max(sample.abs()));
/// }
/// assert_eq!((count, frames.sample_rate()), (157_794, 48_000));
/// assert!(frames.report().is_complete());
/// # Ok::<(), rt_audio::Error>(())
/// ```
pub struct Frames {
    /// Where blocks come from.
    decoder: Box<dyn Decoder>,
    /// The block given last.
    block: Block,
    /// Whether the block was not given yet.
    ready: bool,
    /// What the file may be at most.
    limits: Limits,
    /// The file, for error messages.
    path: Option<PathBuf>,
    /// Frames at the present rate.
    frames: u64,
    /// What was decoded at other rates before.
    earlier: Duration,
    /// The present rate.
    rate: u32,
    /// Whether everything was given.
    ended: bool,
}

impl Frames {
    /// Opens a file by its path.
    ///
    /// # Errors
    /// As [`Source::open`](crate::Source::open).
    pub fn open(path: impl AsRef<Path>, limits: Limits) -> Result<Self, Error> {
        let path = path.as_ref();
        let opened = File::open(path).map_err(|error| Error::io("opening failed", error));
        opened
            .and_then(|file| Self::start(Input::new(Box::new(file))?, limits))
            .map(|frames| Self {
                path: Some(path.to_path_buf()),
                ..frames
            })
            .map_err(|error| error.with_path(Some(path)))
    }

    /// Opens a file in memory.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_bytes(
        bytes: impl AsRef<[u8]> + Send + Sync + 'static,
        limits: Limits,
    ) -> Result<Self, Error> {
        Self::start(Input::new(Box::new(Cursor::new(bytes)))?, limits)
    }

    /// Opens what a reader gives, from its very start.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_reader(
        reader: impl Read + Seek + Send + Sync + 'static,
        limits: Limits,
    ) -> Result<Self, Error> {
        Self::start(Input::new(Box::new(reader))?, limits)
    }

    /// Opens what a pipe gives, from where it is. See [`Source::from_stream`](crate::Source::from_stream).
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`ErrorKind::Limit`](crate::ErrorKind::Limit) beyond
    /// [`Limits::max_buffered`].
    pub fn from_stream(reader: impl Read + Send + 'static, limits: Limits) -> Result<Self, Error> {
        Self::start(Input::stream(Box::new(reader)), limits)
    }

    /// Opens anything.
    fn start(input: Input, limits: Limits) -> Result<Self, Error> {
        let opened = decode::open(input, &limits, Wanted::Channels)?;
        let rate = opened.decoder.info().sample_rate;
        Ok(Self {
            decoder: opened.decoder,
            block: opened.block,
            ready: opened.any,
            limits,
            path: None,
            frames: 0,
            earlier: Duration::ZERO,
            rate,
            ended: !opened.any,
        })
    }

    /// What the header says.
    #[must_use]
    pub fn info(&self) -> &Info {
        self.decoder.info()
    }

    /// The next frames: samples of all channels in turn, full scale at 1 (lossy codecs and float files
    /// exceed it); `None` at the end. A block is what a packet of the codec holds, or about 64 KiB of
    /// a file without packets: some 130,000 frames at most there, in ADPCM with one channel.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if reading fails, [`ErrorKind::Limit`](crate::ErrorKind::Limit)
    /// beyond the limits. Damage is no error; [`report`](Self::report) tells it.
    pub fn next_block(&mut self) -> Result<Option<&[f32]>, Error> {
        if self.ended {
            return Ok(None);
        }
        let advanced = self.advance();
        self.ended = !matches!(advanced, Ok(true));
        match advanced {
            Ok(true) => Ok(Some(&self.block.samples)),
            Ok(false) => Ok(None),
            Err(error) => Err(error.with_path(self.path.as_deref())),
        }
    }

    /// Decodes a block.
    fn advance(&mut self) -> Result<bool, Error> {
        if !std::mem::take(&mut self.ready) && !self.decoder.next_block(&mut self.block)? {
            return Ok(false);
        }
        let (rate, channels) = (self.block.rate, self.block.layout.channels());
        self.limits.check_format(rate, channels)?;
        if rate != self.rate {
            self.earlier += duration_of(self.frames, self.rate);
            (self.frames, self.rate) = (0, rate);
        }
        self.frames += (self.block.samples.len() / channels) as u64;
        self.limits.check_duration(self.decoded())?;
        Ok(true)
    }

    /// The rate of the block given last, in Hz. It differs from that of [`info`](Self::info) only in Ogg
    /// files of several streams and in damaged ones.
    #[must_use]
    pub fn sample_rate(&self) -> u32 {
        self.rate
    }

    /// The channels of the block given last.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.block.layout.channels()
    }

    /// How much was decoded.
    fn decoded(&self) -> Duration {
        self.earlier + duration_of(self.frames, self.rate)
    }

    /// How much was decoded and what was wrong, so far; final after the end.
    #[must_use]
    pub fn report(&self) -> Report {
        self.decoder
            .health()
            .report(self.decoded(), self.info().sample_rate)
    }
}

impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames")
            .field("info", self.info())
            .finish_non_exhaustive()
    }
}
