//! Decoding and encoding against other clients: prints tables as Markdown.
//!
//! ```text
//! cargo run --release --manifest-path bench/Cargo.toml --locked --bin codec
//! ```
//!
//! For instruction counts, one case of one client at a time; `bench/instructions.sh` does it for all:
//!
//! ```text
//! valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect='codec::measured' \
//!     bench/target/release/codec --case decode-100 --client rt-protocol
//! ```

use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use rt_bench::cases::{Case, DECODE, ENCODE};
use rt_bench::clients::CLIENTS;
use rt_bench::stats::{Subject, interleaved};

#[derive(Parser)]
#[command(about = "Measures decoding and encoding")]
struct Arguments {
    /// Rounds of which the median is taken
    #[arg(long, default_value_t = 61)]
    rounds: usize,
    /// How long each turn of each client lasts at least, in milliseconds
    #[arg(long, default_value_t = 2)]
    turn_ms: u64,
    /// Only this case, 100 times, by --client, to count instructions
    #[arg(long, requires = "client")]
    case: Option<String>,
    /// The client of --case
    #[arg(long)]
    client: Option<String>,
    /// Prints the cases and the clients of each
    #[arg(long)]
    list: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if arguments.list {
        for case in DECODE.iter().chain(&ENCODE) {
            for subject in case.subjects()? {
                println!("{}\t{}", case.key, subject.name);
            }
        }
        return Ok(());
    }
    if let (Some(case), Some(client)) = (&arguments.case, &arguments.client) {
        return repeat(case, client);
    }
    let turn = Duration::from_millis(arguments.turn_ms);
    table("Decoding: text to bytes, ns", &DECODE, arguments.rounds, turn)?;
    table("Encoding: bytes to text, ns", &ENCODE, arguments.rounds, turn)
}

fn table(title: &str, cases: &[Case], rounds: usize, turn: Duration) -> anyhow::Result<()> {
    let mut names: Vec<&str> = CLIENTS.iter().map(|client| client.name).collect();
    let mut columns = Vec::new();
    for case in cases {
        let subjects = case.subjects()?;
        let times = interleaved(&subjects, rounds, turn);
        for subject in &subjects {
            if !names.contains(&subject.name) {
                names.push(subject.name);
            }
        }
        let column: Vec<(&str, f64)> = subjects.iter().map(|subject| subject.name).zip(times).collect();
        columns.push(column);
    }

    let titles: Vec<&str> = cases.iter().map(|case| case.title).collect();
    println!("| {title} | {} |", titles.join(" | "));
    println!("|---|{}", "--:|".repeat(cases.len()));
    let ours = |column: &[(&str, f64)]| time_of(column, CLIENTS[0].name).unwrap_or(f64::NAN);
    for name in names {
        let cells = columns
            .iter()
            .map(|column| time_of(column, name).map_or_else(|| "-".to_owned(), |time| format!("{time:.0}")));
        row(name, cells);
    }
    row(
        "rt-protocol: times the best peer",
        columns.iter().map(|column| {
            let best = CLIENTS
                .iter()
                .filter(|client| client.is_peer)
                .filter_map(|client| time_of(column, client.name))
                .fold(f64::INFINITY, f64::min);
            format!("**{:.1}**", best / ours(column))
        }),
    );
    println!();
    Ok(())
}

fn row(name: &str, cells: impl Iterator<Item = String>) {
    println!("| {name} | {} |", cells.collect::<Vec<_>>().join(" | "));
}

fn time_of(column: &[(&str, f64)], name: &str) -> Option<f64> {
    column.iter().find(|(of, _)| *of == name).map(|(_, time)| *time)
}

fn repeat(case: &str, client: &str) -> anyhow::Result<()> {
    let case = DECODE
        .iter()
        .chain(&ENCODE)
        .find(|known| known.key == case)
        .context("no such case; --list shows them")?;
    let subject = case
        .subjects()?
        .into_iter()
        .find(|subject| subject.name == client)
        .context("no such client for this case; --list shows them")?;
    (subject.run)();
    measured(&subject);
    println!("messages: {}", 100 * subject.messages);
    Ok(())
}

/// A function of its own, so that callgrind counts this and nothing else.
#[inline(never)]
fn measured(subject: &Subject<'_>) {
    for _ in 0..100 {
        (subject.run)();
    }
}
