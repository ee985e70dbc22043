//! Dialects: the beta messages of older servers, read and written as the GA types.
//!
//! GA is what this crate's types are. Azure OpenAI preview addresses, Azure Voice Live and older gateways speak
//! *beta*: other names (`response.audio.delta`), a flat session (`input_audio_format`), assistant content called
//! `text` and `audio`. A [`Codec`] stands between such a connection and a program, so that the program sees and
//! sends the same events everywhere:
//!
//! ```
//! use rt_protocol::dialect::{Codec, Dialect};
//! use rt_protocol::{ClientEvent, RealtimeSession, ServerEvent, client_event::SessionUpdate};
//!
//! let first = r#"{"type":"session.created","event_id":"e","session":{"id":"sess_1","modalities":["text","audio"]}}"#;
//! let mut codec = Codec::new(Dialect::detect(first).unwrap_or_default());
//! assert_eq!(codec.dialect(), Dialect::Beta);
//!
//! for event in codec.decode_server(r#"{"type":"response.text.delta","event_id":"e2","delta":"Hi"}"#)? {
//!     assert!(matches!(event, ServerEvent::ResponseOutputTextDelta(delta) if delta.delta == "Hi"));
//! }
//!
//! let session = RealtimeSession { max_output_tokens: rt_protocol::Field::Value(200.into()), ..Default::default() };
//! let update = ClientEvent::from(SessionUpdate { session: session.into(), ..Default::default() });
//! let encoded = codec.encode_client(&update);
//! assert_eq!(
//!     encoded.json.as_deref(),
//!     Some(r#"{"type":"session.update","session":{"max_response_output_tokens":200}}"#),
//! );
//! assert!(encoded.warnings.is_empty());
//! # Ok::<(), rt_protocol::DecodeError>(())
//! ```
//!
//! # What is the same
//!
//! | beta | here |
//! |---|---|
//! | `response.text.*`, `response.audio.*`, `response.audio_transcript.*` | `response.output_text.*`, `response.output_audio.*`, `response.output_audio_transcript.*` |
//! | `conversation.item.created` | `conversation.item.added`, then `conversation.item.done` when the item is whole |
//! | `transcription_session.update`, `.created`, `.updated` | `session.update`, `.created`, `.updated` with a [`TranscriptionSession`](crate::session::TranscriptionSession) |
//! | `modalities`: `["text","audio"]` or `["text"]` | `output_modalities`: `["audio"]` or `["text"]` |
//! | `voice`, `speed`, `output_audio_format` | `audio.output.voice`, `.speed`, `.format` |
//! | `input_audio_format`, `input_audio_transcription`, `input_audio_noise_reduction`, `turn_detection` | `audio.input.format`, `.transcription`, `.noise_reduction`, `.turn_detection` |
//! | `pcm16`, `g711_ulaw`, `g711_alaw` | `audio/pcm` at 24,000, `audio/pcmu`, `audio/pcma` |
//! | `turn_detection`: `{"type":"none"}` or `null` | [`Field::Null`](crate::Field::Null) |
//! | `max_response_output_tokens` | `max_output_tokens` |
//! | `tool_choice`: `{"type":"function","function":{"name":...}}` | `{"type":"function","name":...}` |
//! | `text` and `audio` in messages of the assistant | `output_text` and `output_audio` |
//! | `content` of `response.content_part.*`, in the first preview | `part` |
//! | `input_audio_sampling_rate` (Voice Live) | `audio.input.format.rate` |
//!
//! Beta reports a growing item once, as `conversation.item.created`. An item of the user, of the system or of a
//! function's output is whole then. One that a response is making is done just before `response.output_item.done`,
//! with the content it has there; if that never comes, before `response.done`.
//!
//! Absent stays absent and `null` stays `null`. Everything not named here is the same in both dialects, and what
//! neither knows is [`ServerEvent::Unknown`](crate::ServerEvent::Unknown) or [`ClientEvent::Unknown`](crate::ClientEvent::Unknown), whole.
//!
//! # What is lost
//!
//! - From beta: `temperature` (see [`Codec::temperature`] and [`Codec::with_temperature`]), `client_secret`,
//!   `modalities` of transcription sessions, the `id` of a content part, what only the first preview had in
//!   `response.create` (`commit`, `cancel_previous`), and settings of Voice Live that GA has not.
//! - To beta, from a client, each with a [`Warning`]: `reasoning`, `parallel_tool_calls`,
//!   `transcription.{languages,keywords,delay}`, `noise_reduction.strength`, `turn_detection.idle_timeout_ms`,
//!   `audio.output.language`, a sample rate other than 24,000, `null` in place of `audio`, MCP tools, choices and items, images, the `phase`
//!   of a message, and the events of translation sessions. [`BetaVariant::VoiceLive`] knows MCP, images and the rate.
//! - To beta, from a server: the same settings (what is counted in `usage` is not a setting and stays), `conversation.item.done`, and the events that beta has not
//!   (transcription segments, idle timeouts, DTMF, MCP, translation).

mod beta;
mod codec;
mod decoded;
mod encoded;

use serde::Deserialize;
use serde::de::IgnoredAny;

pub use self::codec::{BetaVariant, Codec};
pub use self::decoded::Decoded;
pub use self::encoded::{Encoded, Warning, WarningReason};

/// The dialect a server speaks. It follows from the address, or from the first message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Dialect {
    /// What this crate's types are: OpenAI, and Azure OpenAI at `/openai/v1`.
    #[default]
    Ga,
    /// The older one: Azure OpenAI with `api-version`, Azure Voice Live, older gateways.
    Beta,
}

impl Dialect {
    /// The dialect of a server by its first message; `None` if that does not tell (an `error`, for example).
    ///
    /// GA says in `session.created` which `type` of session it is; beta does not and has flat settings such as
    /// `modalities`.
    #[must_use]
    pub fn detect(first_server_message: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Message {
            #[serde(rename = "type")]
            event_type: String,
            session: Option<Session>,
        }
        #[derive(Deserialize)]
        struct Session {
            #[serde(rename = "type")]
            kind: Option<String>,
            modalities: Option<IgnoredAny>,
            input_audio_format: Option<IgnoredAny>,
        }
        let message: Message = serde_json::from_str(first_server_message).ok()?;
        match message.event_type.as_str() {
            "transcription_session.created" => Some(Self::Beta),
            "session.created" => {
                let session = message.session?;
                if session.kind.is_some() {
                    Some(Self::Ga)
                } else if session.modalities.is_some() || session.input_audio_format.is_some() {
                    Some(Self::Beta)
                } else {
                    None
                }
            }
            _ => None,
        }
    }
}
