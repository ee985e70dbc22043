//! Allocations per message: how many, and how many bytes, of each case of `codec`.
//!
//! ```text
//! cargo run --release --manifest-path bench/Cargo.toml --locked --bin allocations
//! ```
//!
//! A program of its own, because counting takes time.

use std::alloc::System;

use rt_bench::cases::{DECODE, ENCODE};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> anyhow::Result<()> {
    println!("| case | client | allocations | bytes |");
    println!("|---|---|--:|--:|");
    for case in DECODE.iter().chain(&ENCODE) {
        for subject in case.subjects()? {
            (subject.run)();
            let region = Region::new(ALLOCATOR);
            (subject.run)();
            let stats = region.change();
            let per_message = |count: usize| count as f64 / subject.messages as f64;
            println!(
                "| {} | {} | {:.1} | {:.0} |",
                case.key,
                subject.name,
                per_message(stats.allocations + stats.reallocations),
                per_message(stats.bytes_allocated)
            );
        }
    }
    Ok(())
}
