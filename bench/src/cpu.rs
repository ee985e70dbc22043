//! CPU time, which other programs on the machine disturb less than they disturb the clock on the wall.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// CPU time of the calling thread, in user mode and in the kernel.
pub fn thread() -> Duration {
    read(ClockId::ThreadCPUTime)
}

/// CPU time of the process: of all its threads, those that have ended too.
pub fn process() -> Duration {
    read(ClockId::ProcessCPUTime)
}

fn read(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::from_secs(time.tv_sec.unsigned_abs()) + Duration::from_nanos(time.tv_nsec.unsigned_abs())
}
