//! Integration tests: the crates together, over real sockets on loopback.
