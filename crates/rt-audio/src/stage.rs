//! Frames of any layout and rate in, 24 kHz mono bytes out: what files and streams have in common.

use std::time::Duration;

use rt_protocol::Pcm16;

use crate::error::Error;
use crate::mix::{Layout, Mixer};
use crate::quantize::{Dither, quantize_into};
use crate::resample::Resampler;

/// Samples that are worked on at once: all buffers together stay within the processor's cache.
const PIECE: usize = 1 << 14;

/// Mixer, resampler and rounding.
pub(crate) struct Stage {
    /// To mono, for the layout of the last frames.
    mixer: Mixer,
    /// To 24 kHz, for the rate of the last frames.
    resampler: Resampler,
    /// The most latency of the resampler.
    latency: Duration,
    /// The noise, if it is wanted.
    dither: Option<Dither>,
    /// A piece in mono.
    mono: Vec<f32>,
    /// A piece at 24 kHz.
    converted: Vec<f32>,
}

impl Stage {
    /// For frames of this rate in Hz and layout.
    pub(crate) fn new(
        rate: u32,
        layout: Layout,
        latency: Duration,
        dither: Option<u64>,
    ) -> Result<Self, Error> {
        Ok(Self {
            mixer: Mixer::new(layout),
            resampler: Resampler::with_latency(rate, Pcm16::SAMPLE_RATE, latency)?,
            latency,
            dither: dither.map(Dither::new),
            mono: Vec::new(),
            converted: Vec::new(),
        })
    }

    /// The rate of the frames in Hz.
    pub(crate) fn rate(&self) -> u32 {
        self.resampler.from()
    }

    /// What the channels are.
    pub(crate) fn layout(&self) -> Layout {
        self.mixer.layout()
    }

    /// How much input beyond a sample's own time must be there before it comes.
    pub(crate) fn latency(&self) -> Duration {
        self.resampler.latency()
    }

    /// Goes on with frames of another rate or layout. With another rate, what came before is finished.
    pub(crate) fn change(&mut self, rate: u32, layout: Layout, out: &mut Vec<u8>) -> Result<(), Error> {
        if layout != self.layout() {
            self.mixer = Mixer::new(layout);
        }
        if rate != self.rate() {
            self.finish(out);
            self.resampler = Resampler::with_latency(rate, Pcm16::SAMPLE_RATE, self.latency)?;
        }
        Ok(())
    }

    /// Takes whole interleaved frames and appends the bytes that are ready.
    pub(crate) fn push(&mut self, frames: &[f32], out: &mut Vec<u8>) {
        let channels = self.layout().channels().max(1);
        for piece in frames.chunks((PIECE / channels).max(1) * channels) {
            self.mono.clear();
            self.mixer.mix_into(piece, &mut self.mono);
            if self.resampler.from() == self.resampler.to() {
                std::mem::swap(&mut self.mono, &mut self.converted);
            } else {
                self.resampler.push(&self.mono, &mut self.converted);
            }
            self.round(out);
        }
    }

    /// Appends the rest. The next frames start afresh.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        self.resampler.finish(&mut self.converted);
        self.round(out);
    }

    /// Appends what was converted.
    fn round(&mut self, out: &mut Vec<u8>) {
        match &mut self.dither {
            Some(dither) => {
                let exact = self.resampler.from() == self.resampler.to() && self.mixer.is_copy();
                dither.quantize_into(&self.converted, exact, out);
            }
            None => quantize_into(&self.converted, out),
        }
        self.converted.clear();
    }
}
