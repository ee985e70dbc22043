//! The way through the crate: decoder, mixer, resampler, 16-bit bytes.

use std::path::PathBuf;
use std::time::Duration;

use crate::decode::{self, Block, Decoder, Input, Wanted};
use crate::error::Error;
use crate::info::{Info, Report, duration_of};
use crate::limits::Limits;
use crate::source::Options;
use crate::stage::Stage;

/// Pulls blocks from a decoder and makes 24 kHz mono bytes of them.
pub(crate) struct Pipeline {
    /// Where frames come from.
    decoder: Box<dyn Decoder>,
    /// What the file may be at most.
    limits: Limits,
    /// The file, for error messages.
    path: Option<PathBuf>,
    /// The block in work.
    block: Block,
    /// Whether the block was decoded already.
    ready: bool,
    /// From blocks to bytes.
    stage: Stage,
    /// Frames decoded at the present rate.
    frames: u64,
    /// What was decoded at other rates before.
    earlier: Duration,
    /// Whether everything was delivered.
    ended: bool,
}

impl Pipeline {
    /// Opens an input.
    pub(crate) fn new(input: Input, options: &Options, path: Option<PathBuf>) -> Result<Self, Error> {
        let wanted = match options.dither {
            None => Wanted::Mono,
            Some(_) => Wanted::MonoOfLossy,
        };
        let parts = decode::open(input, &options.limits, wanted).and_then(|opened| {
            let rate = opened.decoder.info().sample_rate;
            let stage = Stage::new(rate, opened.block.layout, options.latency, options.dither)?;
            Ok((opened, stage))
        });
        let (opened, stage) = parts.map_err(|error| error.with_path(path.as_deref()))?;
        Ok(Self {
            decoder: opened.decoder,
            limits: options.limits.clone(),
            path,
            ready: opened.any,
            block: opened.block,
            stage,
            frames: 0,
            earlier: Duration::ZERO,
            ended: !opened.any,
        })
    }

    /// What the header says.
    pub(crate) fn info(&self) -> &Info {
        self.decoder.info()
    }

    /// The file, if there is one.
    pub(crate) fn path(&self) -> Option<&PathBuf> {
        self.path.as_ref()
    }

    /// Appends the bytes of the next block; `false` once everything was delivered. Also after an error
    /// everything decoded before it has been appended.
    pub(crate) fn pump(&mut self, out: &mut Vec<u8>) -> Result<bool, Error> {
        if self.ended {
            return Ok(false);
        }
        let result = self.advance(out);
        if !matches!(result, Ok(true)) {
            self.ended = true;
            self.stage.finish(out);
        }
        result
            .map(|_| true)
            .map_err(|error| error.with_path(self.path.as_deref()))
    }

    /// Decodes and converts one block; `false` at the end.
    fn advance(&mut self, out: &mut Vec<u8>) -> Result<bool, Error> {
        if !std::mem::take(&mut self.ready) && !self.decoder.next_block(&mut self.block)? {
            return Ok(false);
        }
        let (rate, layout) = (self.block.rate, self.block.layout);
        if self.stage.layout() != layout || self.stage.rate() != rate {
            self.limits.check_format(rate, layout.channels())?;
            let before = self.stage.rate();
            self.stage.change(rate, layout, out)?;
            if before != rate {
                self.earlier += duration_of(self.frames, before);
                self.frames = 0;
            }
        }
        self.frames += (self.block.samples.len() / layout.channels().max(1)) as u64;
        self.limits.check_duration(self.decoded())?;
        self.stage.push(&self.block.samples, out);
        Ok(true)
    }

    /// How much was decoded.
    fn decoded(&self) -> Duration {
        self.earlier + duration_of(self.frames, self.stage.rate())
    }

    /// What became of the input so far.
    pub(crate) fn report(&self) -> Report {
        let health = self.decoder.health();
        Report {
            decoded: self.decoded(),
            missing: health
                .missing
                .map(|frames| duration_of(frames, self.info().sample_rate)),
            skipped: health.skipped,
            problem: health.problem.clone(),
        }
    }
}
