//! What is measured of a converter: one long signal of tones goes through it, and each is looked at alone.

use std::f64::consts::TAU;

use anyhow::{Result, ensure};
use realfft::RealFftPlanner;

use crate::TARGET;
use crate::peers::Peer;

/// How long each tone lasts, in seconds.
const LASTS: f64 = 0.5;

/// Samples of the output that are looked at, in the middle of each tone.
const LOOK: usize = 6144;

/// The level of the tones: 1 dB below full scale.
const LEVEL: f64 = 0.891_250_938;

/// What became of a tone.
pub struct Tone {
    /// Its frequency in Hz.
    pub hertz: f64,
    /// The output while it lasted, without what the changes at its ends touched.
    output: Vec<f64>,
    /// The time of the first of these samples, in output samples since the start of the tone.
    offset: f64,
}

/// What the table says of a converter at one rate.
pub struct Row {
    /// Signal to noise and distortion at 997 Hz, in dB.
    pub sinad: f64,
    /// The strongest alias or image, in dB below the tone.
    pub alias: f64,
    /// The band within 0.1 dB, as a part of the lower Nyquist frequency.
    pub flat: f64,
    /// The delay in output samples.
    pub delay: f64,
    /// How many samples there are too many.
    pub excess: i64,
}

/// Sends tones through a converter.
pub fn tones(peer: &mut dyn Peer, rate: u32, hertz: &[f64]) -> Result<(Vec<Tone>, i64)> {
    let length = (LASTS * f64::from(rate)) as usize;
    let input: Vec<f32> = hertz
        .iter()
        .flat_map(|&hertz| (0..length).map(move |n| (LEVEL * phase(hertz, rate, n as f64).sin()) as f32))
        .collect();
    let output = peer.convert(rate, &input)?;
    let exact = (input.len() as f64 * f64::from(TARGET) / f64::from(rate)).round() as i64;
    let tones = hertz.iter().enumerate().map(|(n, &hertz)| {
        let start = (n * length) as f64 * f64::from(TARGET) / f64::from(rate);
        let first = (start + (LASTS * f64::from(TARGET) - LOOK as f64) / 2.0).floor();
        let range = first as usize..first as usize + LOOK;
        ensure!(range.end <= output.len(), "{} gave too little", peer.name());
        let output = output[range].iter().map(|&x| f64::from(x)).collect();
        Ok(Tone { hertz, output, offset: first - start })
    });
    let tones = tones.collect::<Result<_>>()?;
    Ok((tones, output.len() as i64 - exact))
}

/// The angle of a tone at a sample.
fn phase(hertz: f64, rate: u32, sample: f64) -> f64 {
    TAU * ((hertz * sample / f64::from(rate)).fract())
}

impl Tone {
    /// Amplitude (1 is that of the input), lag in samples and residue in dB, by least squares.
    pub fn fit(&self) -> (f64, f64, f64) {
        let angle = |n: usize| phase(self.hertz, TARGET, n as f64 + self.offset);
        let (mut ss, mut sc, mut cc, mut sx, mut cx) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (n, x) in self.output.iter().enumerate() {
            let (s, c) = angle(n).sin_cos();
            (ss, sc, cc, sx, cx) = (ss + s * s, sc + s * c, cc + c * c, sx + s * x, cx + c * x);
        }
        let determinant = ss * cc - sc * sc;
        let (a, b) = ((sx * cc - cx * sc) / determinant, (cx * ss - sx * sc) / determinant);
        let (mut signal, mut residue) = (0.0, 0.0);
        for (n, x) in self.output.iter().enumerate() {
            let (s, c) = angle(n).sin_cos();
            let fit = a * s + b * c;
            signal += fit * fit;
            residue += (x - fit).powi(2);
        }
        let lag = -b.atan2(a) / (TAU * self.hertz / f64::from(TARGET));
        (a.hypot(b) / LEVEL, lag, 10.0 * (signal / residue.max(1e-30)).log10())
    }

    /// The strongest line at or above a frequency in Hz, in dB below the tone's level.
    pub fn strongest_above(&self, hertz: f64) -> f64 {
        let mut windowed: Vec<f64> = self.output.iter().enumerate().map(|(n, x)| x * window(n)).collect();
        let forward = RealFftPlanner::<f64>::new().plan_fft_forward(LOOK);
        let mut spectrum = forward.make_output_vec();
        forward.process(&mut windowed, &mut spectrum).expect("the lengths fit");
        // The window spreads a line over so many bins.
        let spread = 11;
        let first = match (hertz / f64::from(TARGET) * LOOK as f64).ceil() as usize {
            0 => 0,
            bin => bin + spread,
        };
        let scale = 2.0 / (0..LOOK).map(window).sum::<f64>();
        let most = spectrum[first.min(spectrum.len() - 1)..]
            .iter()
            .map(|bin| bin.norm() * scale)
            .fold(1e-15, f64::max);
        20.0 * (most / LEVEL).log10()
    }
}

/// A window whose side lobes are below -200 dB: Kaiser's, with a wide main lobe.
fn window(n: usize) -> f64 {
    let bessel = |x: f64| {
        let (mut sum, mut term) = (1.0, 1.0);
        for k in 1..80 {
            term *= x * x / 4.0 / f64::from(k * k);
            sum += term;
        }
        sum
    };
    let place = 2.0 * n as f64 / (LOOK as f64 - 1.0) - 1.0;
    bessel(30.0 * (1.0 - place * place).max(0.0).sqrt()) / bessel(30.0)
}

/// Measures a converter at one rate.
pub fn row(peer: &mut dyn Peer, rate: u32) -> Result<Row> {
    let low = f64::from(rate.min(TARGET)) / 2.0;
    let high = f64::from(rate) / 2.0;
    let flat: Vec<f64> = (1..400).map(|n| low * f64::from(n) / 400.0).collect();
    // Above the target's Nyquist frequency tones become aliases; of the others, images above the input's.
    let probes: Vec<f64> = if rate > TARGET {
        let steps = 120;
        let edge = (0..20).map(|n| low * (1.0 + 0.001 * f64::from(n * n + 1) / 4.0));
        let rest = (1..=steps).map(|n| low + (high - low) * f64::from(n) / f64::from(steps + 1));
        edge.chain(rest).filter(|&hertz| hertz < high).collect()
    } else {
        let rest = (1..100).map(|n| low * f64::from(n) / 100.0);
        rest.chain([0.992, 0.995, 0.998, 0.999].map(|part| low * part)).collect()
    };
    let all: Vec<f64> = [997.0].into_iter().chain(flat.iter().copied()).chain(probes).collect();
    let (tones, excess) = tones(peer, rate, &all)?;
    let (_, delay, sinad) = tones[0].fit();
    let within = |tone: &&Tone| (20.0 * tone.fit().0.log10()).abs() <= 0.1;
    let flat_until = tones[1..=flat.len()].iter().take_while(within).last().map_or(0.0, |tone| tone.hertz);
    let above = if rate > TARGET { 0.0 } else { low };
    let alias = tones[1 + flat.len()..]
        .iter()
        .map(|tone| tone.strongest_above(above))
        .fold(f64::NEG_INFINITY, f64::max);
    Ok(Row { sinad, alias, flat: flat_until / low, delay, excess })
}
