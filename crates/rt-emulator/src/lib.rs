//! The Realtime API in a process: a server for tests, examples and offline work, with no key and no bill.
//!
//! It speaks the GA dialect over WebSocket, as recorded traffic of the real server shows it: the same events in the
//! same order, with the same fields and the same nulls. It listens to the samples it is sent, finds turns in them,
//! answers, calls functions, and refuses what the real server refuses.
//!
//! ```
//! use rt_emulator::{Emulator, Script, Step, Turn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), rt_emulator::Error> {
//! let script = Script::default()
//!     .turn(Turn::default().hear("What is the weather in London?").step(Step::say("It is foggy.")));
//! let emulator = Emulator::builder().script(script).start().await?;
//! println!("any client can connect to {}?model=gpt-realtime with any key", emulator.url());
//! // … and afterwards the journal tells what truly happened:
//! assert_eq!(emulator.journal().connects(), 0);
//! emulator.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! As a program: `rt-emulator --listen 127.0.0.1:8787 [--script FILE] [--real-time]`. It prints
//! `listening on ws://127.0.0.1:8787/v1/realtime` and runs until ctrl-c.
//!
//! # What it does not model
//!
//! - There is no intelligence in it: it says what a script says, or gives back what it heard. Instructions, prompts
//!   and truncation settings are kept and reported, but change nothing.
//! - Speech is found by its energy. What is said in it is not understood: the transcript comes from the script, or
//!   tells the length. `semantic_vad` is a longer silence.
//! - MCP tools are accepted and never called. Images are accepted and never seen. Token counts are estimates that
//!   add up.
//! - No TLS, no `permessage-deflate`, no WebRTC, no SIP; no transcription or translation sessions, no Azure URLs, no
//!   beta dialect, and of the HTTP endpoints only `/health`.
//!
//! # Who may connect
//!
//! As with the real server the handshake succeeds for whoever may not connect too, and the refusal is an `error`
//! event and a close after it:
//! 3000 without a key (`Authorization: Bearer …`, or the browsers' `openai-insecure-api-key.…` protocol) or with a
//! bad one; 4000 without a model or with an unknown one, with the `OpenAI-Beta` header, or with an odd `intent`.
//!
//! What is no proper handshake gets an HTTP status (400, 404 or 431), and so does a path or a `call_id` that does not
//! exist.
//!
//! Every key is good that does not begin with `bad` or `invalid` (or `sk-bad`, `sk-invalid`), unless
//! [`Builder::key`] lists the good ones. `gpt-realtime`, everything that begins with `gpt-realtime-`, and the
//! published older models are known, and what [`Builder::model`] adds.
//!
//! # Scripts
//!
//! Without a script the emulator is a parrot: committed audio comes back bit for bit, text comes back as text (or
//! spoken in a hum, if the response is spoken), and so does the output of a function. If the tool choice demands a
//! function, it is called with `{}`.
//!
//! A script is YAML. Each response in the conversation takes the next turn; each connection begins at the first.
//! Responses outside the conversation take none: they are the parrot's.
//!
//! ```yaml
//! # Heard in audio for which no turn says it. Without it: "Speech of 2.3 seconds."
//! hear: Never mind.
//! turns:
//!     # Heard in the user's audio in this turn: its transcript, if transcription is on.
//!   - hear: What is the weather in London?
//!     # What the response does, step by step. Without it the parrot answers.
//!     reply:
//!       - say: One moment.              # written or spoken, as the response's modality asks
//!       - delay: 200ms                  # or 1.5s, or a number of milliseconds
//!       - call: get_weather
//!         arguments: {city: London}     # or JSON in a string, sent as it is; default {}
//!         call_id: call_1               # default: made up
//!   - reply:
//!       - say: It is foggy and 12 degrees.
//!         lasting: 3s                   # of the spoken form; default: by the length of the text
//!   - reply:
//!       - parrot: true                  # give back what the user said
//!   - reply:
//!       - say: I am
//!       - fail: {type: server_error, code: rate_limit_exceeded, message: Too fast.}   # each may be left out
//! # When the turns are used up: parrot (the default), repeat (from the first), or quiet (no output).
//! after: repeat
//! ```
//!
//! An unknown field, two kinds of step in one, or a value of the wrong kind is an error that names the line and the
//! field.
//!
//! # The rest
//!
//! - [`Fault`] makes a connection go wrong on command: at the handshake, after it, or at a [`Trigger`];
//!   [`Emulator::act`] does it now.
//! - [`Journal`] keeps what was received and sent, connection by connection, and the first 64 MiB of input audio.
//! - [`Pacing`] is how fast answers come: as a real server's, at once, or as fast as they play.
//! - [`Brain`] is the server's side of a session without socket, clock and tasks, for tests in simulated time.
//!
//! # Details
//!
//! - With turn detection, the audio of a turn is exactly `audio_start_ms` to `audio_end_ms` of what was appended: the
//!   prefix before the first frame of speech, the speech, and the silence that ended it. Turns never share samples.
//!   Without turn detection it is everything since the last commit or clear. `conversation.item.retrieve` returns it.
//! - `rate_limits.updated` follows `response.done` for models from `gpt-realtime-2` on, and not for older ones: so it
//!   was observed. [`Builder::rate_limits`] decides otherwise.
//! - The output of a function call that arrives while the response that made the call goes on is answered after
//!   `response.done`.
//! - With [`Builder::seed`], the same messages give the same ids.
//!
//! # Features
//!
//! - `cli` (default): the program. Tests that only want the library can leave it out.

mod brain;
mod emulator;
mod error;
mod faults;
mod journal;
mod pacing;
mod script;
mod server;

pub use brain::{Brain, Output, Settings};
pub use emulator::{Builder, Emulator};
pub use error::{Error, ErrorKind};
pub use faults::{Action, Fault, Trigger};
pub use journal::{Entry, Journal, Message, What};
pub use pacing::Pacing;
pub use script::{After, Failure, Script, Step, Turn};
