//! What the benchmarks share: the messages, the clients, the clock, the tables.

pub mod cases;
pub mod clients;
pub mod corpus;
pub mod cpu;
pub mod stats;
