//! Checks captured messages against the protocol crate: is every one decoded, and is nothing lost?
//!
//! ```text
//! cargo run --example check_capture -- fixtures/protocol/examples.jsonl
//! ```
//!
//! The file has one JSON object a line: a bare message, or `{"direction", "type", "message"}`; gzip
//! is unpacked, recordings as YAML (`interactions:` of `direction` and `data`) are read too, and `-` is
//! standard input. Prints a line per message type with how many were
//! decoded, unknown, malformed, and which fields were lost when they were written again. A field that the protocol demands
//! and the message has not is written with its default, and counted as `defaulted`. Exits with 1 if anything is malformed or lost. Messages of the beta dialect become GA events and beta again. Known deviations are listed, with reasons, in `tests/it/capture_allowed.txt`.

#[path = "support/capture.rs"]
mod capture;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use capture::{Allowed, Report, check_lines, read};

fn main() -> anyhow::Result<ExitCode> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    anyhow::ensure!(
        !files.is_empty(),
        "name at least one file of captured messages, or - for standard input"
    );
    let allowed = Allowed::parse(include_str!("../tests/it/capture_allowed.txt"));
    let mut report = Report::new();
    for file in &files {
        let text = read(Path::new(file)).with_context(|| format!("cannot read {file} as text"))?;
        check_lines(&text, &allowed, &mut report);
    }
    println!(
        "{:<64} {:>7} {:>7} {:>9} {:>5} {:>7}",
        "type", "decoded", "unknown", "malformed", "lost", "skipped"
    );
    let mut total = [0_usize; 7];
    for (event_type, tally) in &report {
        let lost: usize = tally.lost.values().sum();
        let row = [tally.decoded, tally.unknown, tally.malformed, lost, tally.skipped];
        println!(
            "{event_type:<64} {:>7} {:>7} {:>9} {:>5} {:>7}",
            row[0], row[1], row[2], row[3], row[4]
        );
        for (what, count) in &tally.lost {
            println!("    {what} ({count} times)");
        }
        for (what, count) in &tally.listed {
            println!("    listed: {what} ({count} times)");
        }
        for (what, count) in &tally.defaulted {
            println!("    {what} ({count} times)");
        }
        for error in &tally.errors {
            println!("    {error}");
        }
        for (sum, count) in total.iter_mut().zip(
            row.into_iter()
                .chain([tally.listed.values().sum(), tally.defaulted.values().sum()]),
        ) {
            *sum += count;
        }
    }
    let [decoded, unknown, malformed, lost, skipped, listed, defaulted] = total;
    println!(
        "decoded {decoded}, unknown {unknown}, malformed {malformed}, fields lost {lost}, listed {listed}, \
         defaulted {defaulted}, skipped {skipped}"
    );
    Ok(ExitCode::from(u8::from(malformed > 0 || lost > 0)))
}
