//! The `rt-emulator` program.
fn main() {}
