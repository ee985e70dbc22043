//! The Realtime API in a process: a server for tests, examples and offline work, with no key and no bill.
//!
//! It speaks as recorded traffic of the real server shows it: the same events in the same order, with the same fields
//! and the same nulls. It listens to the samples it is sent, finds turns in them, answers, calls functions, and refuses
//! what the real server refuses.
//!
//! ```
//! use rt_emulator::{Emulator, Script, Step, Turn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), rt_emulator::Error> {
//! let script = Script::default()
//!     .turn(Turn::default().hear("What is the weather in London?").step(Step::say("It is foggy.")));
//! let emulator = Emulator::builder().script(script).start().await?;
//! println!("any client can connect to {}?model=gpt-realtime-2.1 with any key", emulator.url());
//! // … and afterwards the journal tells what truly happened:
//! assert_eq!(emulator.journal().connects(), 0);
//! emulator.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! As a program: `rt-emulator --listen 127.0.0.1:8787 [--script FILE] [--real-time] [--tls [--cert-out FILE]]`. It
//! prints `listening on ws://127.0.0.1:8787/v1/realtime` and runs until ctrl-c.
//!
//! # Where it answers
//!
//! | WebSocket | what it is |
//! |---|---|
//! | `/v1/realtime?model=MODEL` | a conversation |
//! | `/v1/realtime?intent=transcription` | speech to text; the model is `audio.input.transcription.model` |
//! | `/v1/realtime/translations?model=gpt-realtime-translate` | speech to speech |
//! | `/v1/realtime?call_id=rtc_…` | the session of a call that was made here |
//! | `/openai/v1/realtime?…` | the same as Azure has it, `model` being a deployment |
//! | `/openai/realtime?api-version=VERSION&deployment=DEPLOYMENT` | Azure's preview, in the beta dialect; also with `intent=transcription` |
//!
//! | `POST`, below `/v1/realtime` or `/openai/v1/realtime` | answer |
//! |---|---|
//! | `/client_secrets`, `/translations/client_secrets` | an ephemeral key, good here until it expires, and its session |
//! | `/calls` | 201, an SDP answer that leads nowhere, and the call in `Location` |
//! | `/calls/{id}/accept`, `/reject`, `/refer`, `/hangup` | 200, or 404 if there is no such call |
//!
//! `GET /health` is for those who wait for the program. A body may have 1 MiB.
//!
//! # What it does not model
//!
//! - There is no intelligence in it: it says what a script says, or gives back what it heard. Instructions, prompts
//!   and truncation settings are kept and reported, but change nothing.
//! - Speech is found by its energy. What is said in it is not understood: the transcript comes from the script, or
//!   tells the length. `semantic_vad` is a longer silence.
//! - MCP tools are accepted and never called. Images are accepted and never seen. Token counts are estimates that
//!   add up.
//! - No `permessage-deflate`. No media of calls, neither WebRTC nor SIP: a call is an id and a session, no webhook
//!   tells of it (see [`Emulator::ring`]). Its end closes the sessions that listen to it with 1000; which code the real
//!   server uses is not documented.
//! - A translation gives the audio back, in steps of 200 ms; its transcripts are what the script hears and says, and
//!   they come whether or not `transcription` is set. Other steps of a script mean nothing to it.
//! - In a transcription session without `transcription` nothing is transcribed. There are no log probabilities, no
//!   segments and no speakers.
//! - Azure's preview is the beta dialect of [`rt_protocol::dialect`]. In errors about a value that both dialects have,
//!   `param` is the name GA has for it. Azure Voice Live and its names are not emulated.
//!
//! # Who may connect
//!
//! OpenAI's handshake always succeeds, and a refusal is an `error` event and a close after it: 3000 without a key
//! (`Authorization: Bearer …`, or the browsers' `openai-insecure-api-key.…` protocol) or with a bad one; 4000 without a
//! model or with an unknown one, with a model for a transcription, with the `OpenAI-Beta` header, or with an odd
//! `intent`. Only a call that does not exist is a 404. An ephemeral key is a bad key for a call.
//!
//! Azure's handshake fails, with a body of Azure's: 401 without a good key (`api-key` header or query parameter, or
//! `Authorization: Bearer …`) and with an `api-version` at `/openai/v1`, 404 for an unknown deployment, or without an
//! `api-version` at the preview's address, 400 without a deployment or with an odd `intent`. 429 is a [`Fault`]: `Fault::azure(429).header("Retry-After", "2")`.
//!
//! What is no proper handshake gets an HTTP status (400, 404 or 431), and so does a path or a `call_id` that does not
//! exist.
//!
//! Every key is good that does not begin with `bad` or `invalid` (or `sk-bad`, `sk-invalid`), unless
//! [`Builder::key`] lists the good ones; ephemeral keys that were given out are good besides. `gpt-realtime`, everything
//! that begins with `gpt-realtime-`, and the published older models are known, `gpt-realtime-translate` for
//! translations, and what [`Builder::model`] adds. Deployments are known by the same names.
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
//! # What goes wrong: see below.
//! faults:
//!   - {connection: 2, when: {after: 10s}, then: reset}
//! ```
//!
//! An unknown field, two kinds of step in one, or a value of the wrong kind is an error that names the line and the
//! field.
//!
//! # Faults
//!
//! A [`Fault`] makes a connection go wrong: at the handshake, after it, or at a [`Trigger`](fault::Trigger). [`Emulator::act`] does it
//! now. In a script each is an entry of `faults`, for one `connection` (counted from 1) or for every one:
//!
//! ```yaml
//! faults:
//!   # Instead of a session: one of refuse, no_answer, bad_accept, no_session (each `true`), answer (bytes as text),
//!   - {connection: 1, refuse: true}
//!   # an HTTP status (headers, body, body_after: the pause before a body that comes alone),
//!   - {connection: 2, http: 429, headers: {Retry-After: "2"}, body: slow down, body_after: 50ms}
//!   # or an error event and a close (type, code, message, reason).
//!   - {connection: 3, error: {code: insufficient_quota, close: 4000}}
//!   # One item the session does not take.
//!   - refuse_item: item_7
//!   # When something has happened: upgraded, sent or received (a type; count), sent_messages, received_messages, after.
//!   # Then a word: reset, hang_up, close_without_code, expire, stall, silence, ignore_pings, repeat, swap;
//!   - {when: {sent: response.output_audio.delta, count: 3}, then: reset}
//!   - {when: {after: 2s}, then: expire}
//!   # or a close, a message (text; binary and raw in hexadecimal digits), a bad frame, a claim of a length, fragments,
//!   # Pings;
//!   - {when: {received: response.create}, then: {close: 1011, reason: oops}}
//!   - {when: {after: 2s}, then: {raw: "81 02 7b 7d"}}
//!   - {when: {after: 2s}, then: {frame: reserved_opcode}}
//!   - {when: {after: 2s}, then: {claim: 4611686018427387904}}
//!   - {when: {after: 2s}, then: {fragments: 200000, size: 1}}
//!   # or a stall, a cut at a byte (fin or reset), a way to travel (delay, jitter, slice, drip, bandwidth, hole).
//!   - {when: {after: 2s}, then: {stall_reading: 9s}}
//!   - {when: {after: 2s}, then: {cut_sending: 7, with: reset}}
//!   - {when: {upgraded: true}, then: {drip: 10, every: 20ms}}
//! ```
//!
//! A [`FaultProxy`](proxy::FaultProxy) is a bad line between any client and any server. What it does, it does to TCP: it serves TLS too.
//!
//! # The rest
//!
//! - [`Journal`](journal::Journal) keeps what was received and sent, connection by connection, and the first 64 MiB of input audio. Its
//!   [`SessionRecord`](brain::SessionRecord)s tell what truly arrived: commands, committed audio, the conversation.
//! - [`Pacing`] is how fast answers come: as a real server's, at once, or as fast as they play.
//! - [`Brain`](brain::Brain) is the server's side of a session without socket, clock and tasks, for tests in simulated time.
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
//! - `tls`: `Builder::tls`, with `rustls` and `ring`. Part of `cli`.
//! - `cli` (default): the program. Tests that only want the library can leave it out.

pub mod brain;
mod emulator;
mod error;
mod faults;
pub mod journal;
mod pacing;
pub mod proxy;
mod script;
mod server;
pub mod wire;

/// When a [`Fault`] happens and what it does: the parts of one that is made by hand, or read from the program's options.
pub mod fault {
    pub use crate::faults::{Action, BadFrame, FaultSpec, Trigger};
}

pub use emulator::{Builder, Emulator};
pub use error::{Error, ErrorKind};
pub use faults::Fault;
pub use pacing::Pacing;
pub use script::{After, Failure, Script, Step, Turn};
