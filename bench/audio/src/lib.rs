//! What the programs share: converters under one interface, and what is measured of them.

pub mod chart;
pub mod measure;
pub mod peers;

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// CPU time of the calling thread.
pub fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::from_secs(time.tv_sec.unsigned_abs()) + Duration::from_nanos(time.tv_nsec.unsigned_abs())
}

/// The sample rates of the tables, in Hz.
pub const RATES: [u32; 9] = [
    8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000,
];

/// The rate everything is converted to, in Hz.
pub const TARGET: u32 = 24_000;
