//! The Realtime API in a process: a server for tests, examples and offline work.
