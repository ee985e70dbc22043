//! CPU time, which other programs on the machine disturb less than they disturb the clock on the wall.

use std::time::Duration;

use rustix::process::{Rusage, RusageWho, getrusage};
use rustix::time::{ClockId, Timespec, clock_gettime};

/// CPU time of the calling thread.
pub fn thread() -> Duration {
    duration(clock_gettime(ClockId::ThreadCPUTime))
}

/// CPU time of the process, in user mode and in the kernel.
pub fn process() -> (Duration, Duration) {
    let Rusage {
        ru_utime, ru_stime, ..
    } = getrusage(RusageWho::SELF);
    let of = |time: rustix::time::Timeval| {
        Duration::from_secs(time.tv_sec.unsigned_abs()) + Duration::from_micros(time.tv_usec.unsigned_abs())
    };
    (of(ru_utime), of(ru_stime))
}

fn duration(time: Timespec) -> Duration {
    Duration::from_secs(time.tv_sec.unsigned_abs()) + Duration::from_nanos(time.tv_nsec.unsigned_abs())
}
