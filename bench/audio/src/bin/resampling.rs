//! CPU time of resampling alone, in one process: this project, libsoxr, rubato.
//!
//!     cargo run --release --manifest-path bench/audio/Cargo.toml --bin resampling
//!     valgrind --tool=callgrind --toggle-collect='*measured*' .../resampling NAME RATE [RUNS]

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context, Result};
use rt_audio_bench::peers::{Ours, Peer, Rubato, soxr_hq, soxr_vhq};
use rt_audio_bench::{RATES, cpu};

/// Seconds of audio per run, and runs.
const SECONDS: u32 = 60;
const ROUNDS: usize = 15;

/// One run; a function of its own, so that callgrind can count it.
#[inline(never)]
fn measured(peer: &mut dyn Peer, rate: u32, input: &[f32]) -> Result<Duration> {
    let start = cpu();
    peer.stream(rate, black_box(input), &mut |piece| {
        black_box(piece);
    })?;
    Ok(cpu() - start)
}

/// Noise of half of full scale.
fn noise(samples: u32) -> Vec<f32> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..samples).map(|_| next()).collect()
}

fn main() -> Result<()> {
    let mut peers: Vec<Box<dyn Peer>> =
        vec![Box::new(Ours), Box::new(soxr_hq()), Box::new(soxr_vhq()), Box::new(Rubato)];
    let mut args = std::env::args().skip(1);
    if let (Some(name), Some(rate)) = (args.next(), args.next()) {
        let rate = rate.parse()?;
        let peer = peers.iter_mut().find(|peer| peer.name() == name).context("no such converter")?;
        let input = noise(rate * SECONDS);
        for _ in 0..args.next().map_or(Ok(1), |runs| runs.parse())? {
            measured(&mut **peer, rate, &input)?;
        }
        return Ok(());
    }
    println!("CPU milliseconds for a minute of mono audio, median of {ROUNDS} runs in turns");
    print!("| Hz |");
    peers.iter().for_each(|peer| print!(" {} |", peer.name()));
    print!(" soxr HQ / rt-audio |\n|--:|");
    peers.iter().for_each(|_| print!("--:|"));
    println!("--:|");
    for rate in RATES.into_iter().chain([44_099]) {
        let input = noise(rate * SECONDS);
        let mut times = vec![Vec::new(); peers.len()];
        for _ in 0..ROUNDS {
            for (peer, times) in peers.iter_mut().zip(&mut times) {
                // A transform as large as rubato would make for such a rate is no comparison.
                if peer.name() != "rubato FFT" || rate != 44_099 {
                    times.push(measured(&mut **peer, rate, &input)?.as_secs_f64() * 1000.0);
                }
            }
        }
        let medians: Vec<f64> = times
            .iter_mut()
            .map(|times| {
                times.sort_by(f64::total_cmp);
                times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
            })
            .collect();
        print!("| {rate} |");
        medians.iter().for_each(|time| print!(" {time:.2} |"));
        println!(" {:.2} |", medians[1] / medians[0]);
    }
    Ok(())
}
