//! CPU time per message, end to end: bursts over WebSocket on the loopback address, received and sent.
//!
//! ```text
//! cargo run --release --manifest-path bench/Cargo.toml --locked --bin loopback
//! ```
//!
//! The server is this program again, in processes of its own. What is measured is the CPU time of the process of the clients,
//! in user mode and in the kernel; on the loopback address the kernel also does the receiver's TCP work in the sender's time.
//! `loopback serve` runs the server alone, for clients in other languages.

mod floor;
mod peers;
mod server;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use clap::{Parser, Subcommand};
use peers::{Peer, Ports};
use rt_bench::stats::median;
use rt_bench::{corpus, cpu};

#[derive(Parser)]
#[command(about = "Measures clients end to end")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Action>,
    /// Bursts of each client and kind, of which the median is taken
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Only clients whose name begins so
    #[arg(long, default_value = "")]
    only: String,
    /// Another read buffer for rt-lowlevel than its default, in bytes
    #[arg(long)]
    read_buffer: Option<usize>,
}

#[derive(Subcommand)]
enum Action {
    /// Runs the server and prints its port
    Serve {
        /// Audio in each message, in milliseconds
        #[arg(long, default_value_t = 100)]
        ms: u32,
        /// Messages in a burst
        #[arg(long, default_value_t = 1000)]
        messages: usize,
        /// The event names of the beta interface
        #[arg(long)]
        beta: bool,
    },
}

/// Audio per message in milliseconds, and messages per burst.
const BURSTS: [(u32, usize); 3] = [(20, 4000), (100, 1000), (1000, 100)];
/// A client that has lost messages waits for ever.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(Action::Serve { ms, messages, beta }) = arguments.command {
        return server::run(ms, messages, beta);
    }
    let mut rows: Vec<(&str, Vec<String>)> = Vec::new();
    let mut ratios = Vec::new();
    for (ms, messages) in BURSTS {
        let (ga, beta) = (
            Server::start(ms, messages, false)?,
            Server::start(ms, messages, true)?,
        );
        let mut peers = peers::connect(
            Ports {
                ga: ga.port,
                beta: beta.port,
            },
            arguments.read_buffer,
        )
        .await;
        let pieces: Vec<Bytes> = corpus::pieces(ms).into_iter().map(Bytes::from).collect();
        peers.push(floor::Floor::connect(ga.port, &pieces).await?);
        peers.retain(|peer| peer.name().starts_with(&arguments.only));
        let (received, sent) = measure(&mut peers, &pieces, messages, arguments.rounds).await?;
        for times in [&received, &sent].into_iter().filter(|times| times.len() > 1) {
            let others = peers.iter().zip(times).filter(|(peer, _)| !peer.is_ours());
            let best = others.map(|(_, time)| *time).fold(f64::INFINITY, f64::min);
            ratios.push(format!("**{:.1}**", best / times[0]));
        }
        for (at, peer) in peers.iter().enumerate() {
            if !rows.iter().any(|(name, _)| *name == peer.name()) {
                rows.push((peer.name(), Vec::new()));
            }
            for (name, cells) in &mut rows {
                if *name == peer.name() {
                    cells.extend([received[at], sent[at]].map(micros));
                }
            }
        }
    }
    let titles = BURSTS.map(|(ms, _)| format!("receive {ms} ms | send {ms} ms"));
    println!("| CPU per message, us | {} |", titles.join(" | "));
    println!("|---|{}", "--:|".repeat(2 * BURSTS.len()));
    for (name, cells) in rows {
        println!("| {name} | {} |", cells.join(" | "));
    }
    if !ratios.is_empty() {
        println!("| rt-lowlevel: times the best peer | {} |", ratios.join(" | "));
    }
    Ok(())
}

fn micros(micros: f64) -> String {
    if micros.is_nan() {
        "lost messages".to_owned()
    } else {
        format!("{micros:.2}")
    }
}

/// Medians of the CPU time per message in microseconds, received and sent, for each client. Not a number for one that
/// did not get through.
async fn measure(
    peers: &mut [Box<dyn Peer>],
    pieces: &[Bytes],
    messages: usize,
    rounds: usize,
) -> anyhow::Result<(Vec<f64>, Vec<f64>)> {
    let expected: usize = pieces.iter().cycle().take(messages).map(Bytes::len).sum();
    let mut received = vec![Vec::new(); peers.len()];
    let mut sent = vec![Vec::new(); peers.len()];
    let mut failed = vec![false; peers.len()];
    // The first round is for warming up.
    for round in 0..=rounds {
        for turn in 0..peers.len() {
            let at = (round + turn) % peers.len();
            if failed[at] {
                continue;
            }
            let start = cpu::process();
            let Ok(bytes) = tokio::time::timeout(PATIENCE, peers[at].receive(messages)).await else {
                eprintln!("{}: messages of a burst are missing", peers[at].name());
                failed[at] = true;
                continue;
            };
            let middle = cpu::process();
            ensure!(bytes? == expected, "{}: not all bytes arrived", peers[at].name());
            let between = cpu::process();
            tokio::time::timeout(PATIENCE, peers[at].send(pieces, messages))
                .await
                .context("sending takes too long")??;
            let end = cpu::process();
            if round > 0 {
                let per_message = |time: Duration| time.as_secs_f64() * 1e6 / messages as f64;
                received[at].push(per_message(middle - start));
                sent[at].push(per_message(end - between));
            }
        }
    }
    let medians = |samples: Vec<Vec<f64>>| {
        let medians =
            samples.into_iter().zip(&failed).map(
                |(mut samples, failed)| {
                    if *failed { f64::NAN } else { median(&mut samples) }
                },
            );
        medians.collect()
    };
    Ok((medians(received), medians(sent)))
}

/// This program as a server, until it is dropped.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(ms: u32, messages: usize, beta: bool) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([
                "serve",
                "--ms",
                &ms.to_string(),
                "--messages",
                &messages.to_string(),
            ])
            .args(beta.then_some("--beta"))
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
        Ok(Self {
            port: line.trim().parse()?,
            child,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
