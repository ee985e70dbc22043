//! Every message of the OpenAI and Azure OpenAI Realtime APIs, typed. No I/O, no clock, no runtime.
//!
//! ```
//! use rt_protocol::ServerEvent;
//!
//! let message = r#"{"type":"response.output_text.delta","event_id":"event_7","response_id":"resp_1",
//!                   "item_id":"item_1","output_index":0,"content_index":0,"delta":"Hello"}"#;
//! match ServerEvent::from_json(message)? {
//!     ServerEvent::ResponseOutputTextDelta(event) => assert_eq!(event.delta, "Hello"),
//!     other => println!("{}", other.event_type()),
//! }
//! # Ok::<(), rt_protocol::DecodeError>(())
//! ```
//!
//! # What it does not do
//!
//! It opens no connection (that is `rt-lowlevel`), keeps no conversation, and converts neither sample rates nor audio files (that is
//! `rt-audio`).
//!
//! # How to read it
//!
//! - [`ServerEvent`] and [`ClientEvent`] have one variant per message; the structs are in [`server_event`] and
//!   [`client_event`], and named as on the wire.
//! - [`Session`], [`Item`] and [`Response`] are what the messages are about; their parts are in [`session`],
//!   [`item`] and [`response`]. They have setters that chain; [`ClientEvent::check`] finds what the service would
//!   refuse, see [`limits`].
//! - [`http`] has the bodies of the HTTP side: ephemeral keys, calls, webhooks, errors.
//! - [`Field`] is an optional field: absent, `null` or a value. What was read is written again as it was.
//! - [`AudioBytes`] is audio in an event, [`Pcm16`] is audio as samples, and [`g711`] has those of the other formats.
//! - [`Text`] is what was said or written. Its `Debug`, like that of audio, shows a length and nothing else.
//!
//! # Dialects
//!
//! These types are those of the GA protocol. For servers that speak the older beta dialect (Azure OpenAI with
//! `api-version`, Azure Voice Live, older gateways), a [`Codec`](dialect::Codec) reads and writes the same types:
//!
//! ```
//! use rt_protocol::{ServerEvent, dialect::{Codec, Dialect}};
//!
//! let mut codec = Codec::new(Dialect::Beta);
//! let message = r#"{"type":"response.audio.delta","event_id":"event_7","delta":"AAAA"}"#;
//! for event in codec.decode_server(message)? {
//!     assert!(matches!(event, ServerEvent::ResponseOutputAudioDelta(event) if event.delta.len() == 3));
//! }
//! # Ok::<(), rt_protocol::DecodeError>(())
//! ```
//!
//! [`Dialect::detect`](dialect::Dialect::detect) tells the dialect by the first message; [`dialect`] tells what is lost between the two.
//!
//! # Forward compatibility
//!
//! An event of an unknown type is [`ServerEvent::Unknown`] and keeps its text. Unknown items, tools and sessions
//! keep their fields as [`RawObject`]. String enums keep unknown values as `Other`. Unknown fields are ignored.
//! A missing field that the protocol demands reads as its default. Only a field of the wrong kind is an error:
//! [`DecodeError`] names the type, the line and the column, and keeps the text.

mod audio_bytes;
mod b64;
mod either;
mod error;
mod events;
mod field;
mod flat;
mod open_enum;
mod pcm16;
mod peek;
mod plain;
mod read;
mod tagged;
mod text;

pub mod client_event;
pub mod dialect;
pub mod g711;
pub mod http;
pub mod item;
pub mod limits;
pub mod response;
pub mod server_event;
pub mod session;

/// What the fuzz targets compare; not part of the crate.
#[cfg(fuzzing)]
pub mod fuzzing {
    use crate::{ClientEvent, ServerEvent};

    /// The two readings of a delta event: by the one scan, if it takes the text, and by serde. Beta's names count as well,
    /// and space around them, as the beta dialect reads them.
    #[must_use]
    pub fn delta_event(json: &str) -> Option<(ServerEvent, Option<ServerEvent>)> {
        let peeked = crate::peek::peek(json)?;
        let event_type = match peeked.event_type.trim() {
            "response.audio.delta" => "response.output_audio.delta",
            "response.audio_transcript.delta" => "response.output_audio_transcript.delta",
            "response.text.delta" => "response.output_text.delta",
            other => other,
        };
        let fast = crate::flat::delta_event(event_type, peeked.rest, json)?;
        Some((fast, crate::flat::slow(event_type, json)))
    }

    /// Fails if the plain reader takes what serde_json refuses, or reads it otherwise.
    pub fn plain_reader(json: &str) {
        ServerEvent::compare_readers(json);
        ClientEvent::compare_readers(json);
    }
}

pub use audio_bytes::AudioBytes;
pub use client_event::list::ClientEvent;
pub use error::{DecodeError, DecodeErrorKind};
pub use events::UnknownEvent;
pub use field::Field;
pub use item::content::ContentPart;
pub use item::kinds::Item;
pub use pcm16::{OddLength, Pcm16};
pub use response::params::ResponseParams;
pub use response::report::Response;
pub use server_event::list::ServerEvent;
pub use session::kinds::Session;
pub use session::realtime::RealtimeSession;
pub use session::tool::Tool;
pub use session::turn_detection::TurnDetection;
pub use text::{RawObject, Text};
