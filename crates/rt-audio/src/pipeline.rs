//! The way through the crate: decoder, mixer, resampler, 16-bit bytes.

use std::path::PathBuf;
use std::time::Duration;

use rt_protocol::Pcm16;

use crate::decode::{self, Block, Decoder, Input};
use crate::error::Error;
use crate::info::{Info, Report, duration_of};
use crate::limits::Limits;
use crate::mix::Mixer;
use crate::quantize::quantize_into;
use crate::resample::Resampler;

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
    /// To mono, for the layout of the last block.
    mixer: Mixer,
    /// To 24 kHz, for the rate of the last block.
    resampler: Resampler,
    /// The block in mono.
    mono: Vec<f32>,
    /// The block at 24 kHz.
    converted: Vec<f32>,
    /// Frames decoded at the present rate.
    frames: u64,
    /// What was decoded at other rates before.
    earlier: Duration,
    /// Whether everything was delivered.
    ended: bool,
}

impl Pipeline {
    /// Opens an input.
    pub(crate) fn new(input: Input, limits: Limits, path: Option<PathBuf>) -> Result<Self, Error> {
        let parts = decode::open(input, &limits).and_then(|opened| {
            let resampler = Resampler::new(opened.decoder.info().sample_rate, Pcm16::SAMPLE_RATE)?;
            Ok((opened, resampler))
        });
        let (opened, resampler) = parts.map_err(|error| error.with_path(path.as_deref()))?;
        Ok(Self {
            decoder: opened.decoder,
            limits,
            path,
            mixer: Mixer::new(opened.block.layout),
            ready: opened.any,
            block: opened.block,
            resampler,
            mono: Vec::new(),
            converted: Vec::new(),
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
        self.converted.clear();
        let mut result = self.advance();
        if !matches!(result, Ok(true)) {
            self.ended = true;
            self.resampler.finish(&mut self.converted);
            result = result.map(|_| true);
        }
        quantize_into(&self.converted, out);
        result.map_err(|error| error.with_path(self.path.as_deref()))
    }

    /// Decodes, mixes and converts one block; `false` at the end.
    fn advance(&mut self) -> Result<bool, Error> {
        if !std::mem::take(&mut self.ready) && !self.decoder.next_block(&mut self.block)? {
            return Ok(false);
        }
        let Block {
            samples,
            rate,
            layout,
        } = &self.block;
        if self.mixer.layout() != *layout || self.resampler.from() != *rate {
            self.limits.check_format(*rate, layout.channels())?;
            self.mixer = Mixer::new(*layout);
        }
        if self.resampler.from() != *rate {
            self.resampler.finish(&mut self.converted);
            self.earlier += duration_of(self.frames, self.resampler.from());
            self.frames = 0;
            self.resampler = Resampler::new(*rate, Pcm16::SAMPLE_RATE)?;
        }
        self.frames += (samples.len() / layout.channels().max(1)) as u64;
        self.limits.check_duration(self.decoded())?;
        self.mono.clear();
        self.mixer.mix_into(&self.block.samples, &mut self.mono);
        self.resampler.push(&self.mono, &mut self.converted);
        Ok(true)
    }

    /// How much was decoded.
    fn decoded(&self) -> Duration {
        self.earlier + duration_of(self.frames, self.resampler.from())
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
