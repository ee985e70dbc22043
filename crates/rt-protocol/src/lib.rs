//! Typed messages of the OpenAI and Azure OpenAI Realtime APIs, without I/O.

mod pcm16;

pub use pcm16::{OddLength, Pcm16};
