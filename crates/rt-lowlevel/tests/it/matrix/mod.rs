//! The rows of the fault matrix, F01 to F70, as far as they are about one connection and its transport.

mod after_upgrade;
mod bounds;
mod descriptors;
mod events;
mod frames;
mod leaks;
mod network;
mod proxy;
mod refusals;
mod secrets;
mod tls;
