//! The converters, each from mono floats of any rate to 24 kHz.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, ensure};
use audioadapter_buffers::direct::SequentialSlice;
use rt_audio::Pcm16;
use rt_audio::telephone::{Decoder, Encoder, Law};
use rubato::{Fft, FixedSync, Indexing, Resampler as _, WindowFunction};
use soxr::Soxr;
use soxr::format::Mono;
use soxr::params::{QualityRecipe, QualitySpec, RuntimeSpec};

use crate::TARGET;

/// Samples per call, as a reader would hand them over.
const PIECE: usize = 4096;

/// A converter of whole signals.
pub trait Peer {
    /// The name in tables.
    fn name(&self) -> &'static str;

    /// From a rate in Hz to 24 kHz; the output goes to `sink` piece by piece.
    fn stream(&mut self, rate: u32, input: &[f32], sink: &mut dyn FnMut(&[f32])) -> Result<()>;

    /// From a rate in Hz to 24 kHz.
    fn convert(&mut self, rate: u32, input: &[f32]) -> Result<Vec<f32>> {
        let mut out = Vec::new();
        self.stream(rate, input, &mut |piece| out.extend_from_slice(piece))?;
        Ok(out)
    }
}

/// This project.
pub struct Ours;

impl Peer for Ours {
    fn name(&self) -> &'static str {
        "rt-audio"
    }

    fn stream(&mut self, rate: u32, input: &[f32], sink: &mut dyn FnMut(&[f32])) -> Result<()> {
        let mut resampler = rt_audio::Resampler::new(rate, TARGET)?;
        let mut out = Vec::new();
        for piece in input.chunks(PIECE) {
            resampler.push(piece, &mut out);
            sink(&out);
            out.clear();
        }
        resampler.finish(&mut out);
        sink(&out);
        Ok(())
    }
}

/// libsoxr, in the process.
pub struct LibSoxr(pub QualityRecipe, pub &'static str);

impl Peer for LibSoxr {
    fn name(&self) -> &'static str {
        self.1
    }

    fn stream(&mut self, rate: u32, input: &[f32], sink: &mut dyn FnMut(&[f32])) -> Result<()> {
        let failed = |error| anyhow!("soxr: {error:?}");
        let (quality, runtime) = (QualitySpec::new(self.0), RuntimeSpec::default());
        let mut soxr = Soxr::<Mono<f32>>::new_with_params(rate.into(), TARGET.into(), quality, runtime)
            .map_err(failed)?;
        let mut out = vec![0.0; PIECE * 32];
        for piece in input.chunks(PIECE) {
            let done = soxr.process(piece, &mut out).map_err(failed)?;
            ensure!(done.input_frames == piece.len(), "soxr left input");
            sink(&out[..done.output_frames]);
        }
        loop {
            let more = soxr.drain(&mut out).map_err(failed)?;
            sink(&out[..more]);
            if more == 0 {
                return Ok(());
            }
        }
    }
}

/// The FFT resampler of rubato, in the process, fed in large batches; its delay is not removed.
pub struct Rubato;

impl Peer for Rubato {
    fn name(&self) -> &'static str {
        "rubato FFT"
    }

    fn stream(&mut self, rate: u32, input: &[f32], sink: &mut dyn FnMut(&[f32])) -> Result<()> {
        let mut fft = Fft::<f32>::new_custom(
            rate as usize,
            TARGET as usize,
            8192,
            8,
            1,
            WindowFunction::BlackmanHarris2,
            FixedSync::Input,
        )?;
        let batch = fft.input_frames_next();
        let mut scratch = vec![0.0; fft.output_frames_max()];
        for piece in input.chunks(batch) {
            let frames = scratch.len();
            let partial = (piece.len() < batch).then(|| Indexing::new().partial_len(piece.len()));
            let source = SequentialSlice::new(piece, 1, piece.len())?;
            let mut target = SequentialSlice::new_mut(&mut scratch, 1, frames)?;
            let (_, made) = fft.process_into_buffer(&source, &mut target, partial.as_ref())?;
            sink(&scratch[..made]);
        }
        Ok(())
    }
}

/// ffmpeg as a process, with arguments for its resampler.
pub struct Ffmpeg(pub &'static str, pub &'static str);

impl Peer for Ffmpeg {
    fn name(&self) -> &'static str {
        self.1
    }

    fn stream(&mut self, rate: u32, input: &[f32], sink: &mut dyn FnMut(&[f32])) -> Result<()> {
        let filter = format!("aresample={TARGET}{}", self.0);
        let mut child = Command::new("ffmpeg")
            .args(["-v", "error", "-f", "f32le", "-ac", "1", "-ar", &rate.to_string(), "-i", "pipe:0"])
            .args(["-af", &filter, "-f", "f32le", "pipe:1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("ffmpeg did not start (apt-get install ffmpeg)")?;
        let bytes: Vec<u8> = input.iter().flat_map(|x| x.to_le_bytes()).collect();
        let mut stdin = child.stdin.take().context("no standard input")?;
        let writer = std::thread::spawn(move || stdin.write_all(&bytes));
        let mut out = Vec::new();
        child.stdout.take().context("no standard output")?.read_to_end(&mut out)?;
        ensure!(child.wait()?.success(), "ffmpeg failed");
        writer.join().map_err(|_| anyhow!("the writer panicked"))??;
        let out: Vec<f32> = out.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        sink(&out);
        Ok(())
    }
}

/// A telephone line: 24 kHz to G.711 at 8 kHz and back, in packets of 20 ms.
pub struct PhoneLine(pub Law);

impl Peer for PhoneLine {
    fn name(&self) -> &'static str {
        match self.0 {
            Law::A => "A-law",
            Law::Mu => "mu-law",
        }
    }

    fn stream(&mut self, _rate: u32, input: &[f32], sink: &mut dyn FnMut(&[f32])) -> Result<()> {
        let (mut encoder, mut decoder) = (Encoder::new(self.0), Decoder::new(self.0));
        let samples: Vec<i16> = input.iter().map(|x| (x * 32_768.0).round() as i16).collect();
        let mut audio = Vec::new();
        for piece in samples.chunks(480) {
            audio.push(decoder.push(&encoder.push(&Pcm16::from_samples(piece))));
        }
        audio.push(decoder.push(&encoder.finish()));
        audio.push(decoder.finish());
        let floats: Vec<f32> = Pcm16::concat(&audio).samples().map(|x| f32::from(x) / 32_768.0).collect();
        sink(&floats);
        Ok(())
    }
}

/// libsoxr as most programs use it.
pub fn soxr_hq() -> LibSoxr {
    LibSoxr(QualityRecipe::Bits20, "soxr HQ")
}

/// libsoxr at its second best.
pub fn soxr_vhq() -> LibSoxr {
    LibSoxr(QualityRecipe::Bits28, "soxr VHQ")
}
