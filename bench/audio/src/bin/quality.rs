//! The quality of converters to 24 kHz: the table of docs/audio.md, and its chart.
//!
//!     cargo run --release --manifest-path bench/audio/Cargo.toml --bin quality [-- CHART.svg]

use std::time::Duration;

use anyhow::Result;
use rt_audio::Resampler;
use rt_audio::telephone::Law;
use rt_audio_bench::chart::{Chart, Line};
use rt_audio_bench::measure::{row, tones};
use rt_audio_bench::peers::{Ffmpeg, Ours, Peer, PhoneLine, soxr_hq, soxr_vhq};
use rt_audio_bench::{RATES, TARGET};

fn main() -> Result<()> {
    let mut peers: Vec<Box<dyn Peer>> = vec![
        Box::new(Ours),
        Box::new(Ffmpeg("", "ffmpeg default")),
        Box::new(Ffmpeg(":resampler=soxr", "ffmpeg soxr")),
        Box::new(soxr_hq()),
        Box::new(soxr_vhq()),
    ];
    println!("SINAD at 997 Hz, dB / worst alias or image, dB / flat to, of the lower Nyquist / delay, samples / excess");
    print!("| Hz |");
    peers.iter().for_each(|peer| print!(" {} |", peer.name()));
    print!("\n|--:|");
    peers.iter().for_each(|_| print!("--:|"));
    println!();
    for rate in RATES.into_iter().chain([44_099]) {
        print!("| {rate} |");
        for peer in &mut peers {
            let row = row(&mut **peer, rate)?;
            print!(
                " {:.0} / {:.0} / {:.3} / {:+.4} / {:+} |",
                row.sinad, row.alias, row.flat, row.delay, row.excess
            );
        }
        println!();
    }
    latencies()?;
    line()?;
    if let Some(path) = std::env::args().nth(1) {
        std::fs::write(path, chart(&mut peers)?.svg())?;
    }
    Ok(())
}

/// How long each rate takes, by default and at the least.
fn latencies() -> Result<()> {
    println!("\n| Hz | latency for files, ms | least latency, ms |\n|--:|--:|--:|");
    for rate in RATES.into_iter().chain([44_099]) {
        let of = |most| -> Result<f64> {
            Ok(Resampler::with_latency(rate, TARGET, most)?.latency().as_secs_f64() * 1000.0)
        };
        println!("| {rate} | {:.0} | {:.1} |", of(Duration::MAX)?, of(Duration::ZERO)?);
    }
    Ok(())
}

/// Tones over a telephone line and back.
fn line() -> Result<()> {
    let hertz = [200.0, 500.0, 1_004.0, 2_003.0, 3_001.0, 3_400.0, 3_600.0];
    print!("\nSINAD, dB / gain, dB / delay, samples\n| |");
    hertz.iter().for_each(|hertz| print!(" {hertz} Hz |"));
    print!("\n|---|");
    hertz.iter().for_each(|_| print!("--:|"));
    println!();
    for law in [Law::A, Law::Mu] {
        let mut line = PhoneLine(law);
        print!("| {} |", line.name());
        for tone in tones(&mut line, TARGET, &hertz)?.0 {
            let (gain, lag, sinad) = tone.fit();
            print!(" {sinad:.1} / {:+.2} / {lag:+.3} |", 20.0 * gain.log10());
        }
        println!();
    }
    Ok(())
}

/// What a tone of each frequency leaves behind when 48 kHz become 24 kHz.
fn chart(peers: &mut [Box<dyn Peer>]) -> Result<Chart> {
    let rate = 48_000;
    let hertz: Vec<f64> = (1..240).map(|n| 100.0 * f64::from(n) + 7.0).collect();
    let colours = ["#c02020", "#808080", "", "#2060c0", "#20a060"];
    let mut lines = Vec::new();
    for (peer, colour) in peers.iter_mut().zip(colours).filter(|(_, colour)| !colour.is_empty()) {
        let (tones, _) = tones(&mut **peer, rate, &hertz)?;
        let points = tones.iter().map(|tone| (tone.hertz / 1000.0, tone.strongest_above(0.0))).collect();
        lines.push(Line { name: peer.name().to_owned(), colour, points });
    }
    Ok(Chart {
        title: "48 kHz to 24 kHz: the level at which a tone comes out (above 12 kHz: as an alias)",
        labels: ("frequency of the tone, kHz", "dB"),
        x: (0.0, f64::from(TARGET) / 1000.0, 2.0),
        y: (-180.0, 0.0, 20.0),
        lines,
    })
}
