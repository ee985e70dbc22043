//! The fault matrix, as far as it needs the crates together: a client, a bad line, and the emulator. Each test is named
//! by the row it is of.

mod bench;
mod crowd;
mod ending;
mod kills;
mod line;
mod playback;
mod report;
mod restore;
mod rollover;
mod simulated;
