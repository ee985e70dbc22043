//! The quality of converters to 24 kHz: the table of docs/audio.md, and its chart.
//!
//!     cargo run --release --manifest-path bench/audio/Cargo.toml --bin quality [-- CHART.svg]

use anyhow::Result;
use rt_audio_bench::chart::{Chart, Line};
use rt_audio_bench::measure::{row, tones};
use rt_audio_bench::peers::{Ffmpeg, Ours, Peer, soxr_hq, soxr_vhq};
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
    for rate in RATES {
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
    if let Some(path) = std::env::args().nth(1) {
        std::fs::write(path, chart(&mut peers)?.svg())?;
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
