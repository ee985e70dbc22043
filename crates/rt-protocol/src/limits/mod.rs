//! What the service accepts, checked before it is sent.
//!
//! ```
//! use rt_protocol::{ClientEvent, RealtimeSession, client_event::SessionUpdate};
//!
//! let update = ClientEvent::from(SessionUpdate::new(RealtimeSession::new().speed(2.0)));
//! let error = update.check().unwrap_err();
//! assert_eq!(error.to_string(), "session.audio.output.speed is 2: allowed is 0.25 to 1.5");
//! assert_eq!(error.field(), "session.audio.output.speed");
//! ```
//!
//! A server refuses an event that is beyond a limit: of a `session.update` it then applies nothing at all.
//! [`ClientEvent::check`](crate::ClientEvent::check) finds the first such field without a round trip. The same method
//! is on sessions, response settings, items, tools and the bodies in [`http`](crate::http). Nothing in this crate calls it
//! by itself: events that are beyond a limit can be written and read. A connection of `rt-lowlevel` calls it for every event,
//! unless told otherwise.
//!
//! The limits are those of the GA service. Other servers may allow more, such as Azure Voice Live with input at
//! 16,000 Hz; do not check what is for them.
//!
//! | field | allowed |
//! |---|---|
//! | `event_id` | at most 512 characters |
//! | `input_audio_buffer.append`: `audio` | at most 15 MiB, before base64 |
//! | `session.input_audio_buffer.append`: `audio` | whole 16-bit samples, because the format is always PCM16 |
//! | `item_id` | not empty |
//! | `output_modalities` | exactly one of `text` and `audio` |
//! | `max_output_tokens` | 1 to 4,096 or `inf` |
//! | `audio.*.format` | rate 24,000 for `audio/pcm`; no rate for `audio/pcmu` and `audio/pcma` |
//! | `audio.input.noise_reduction.strength` | 0 to 1 |
//! | `audio.input.transcription.languages` | at least one |
//! | `audio.input.turn_detection` | `threshold` 0 to 1, `idle_timeout_ms` 5,000 to 30,000 |
//! | ... of a transcription session | `null` with the models that do not detect turns |
//! | `audio.output.speed` | 0.25 to 1.5 |
//! | `truncation.retention_ratio` | present, 0 to 1 |
//! | `prompt.id`, `tool_choice` of one tool | what it refers to is named |
//! | MCP tools | a `server_label`, and where the server is: `server_url`, `connector_id` or `tunnel_id` |
//! | `tunnel_id` | `tunnel_` and 32 characters of a-z and 0-9 |
//! | `allowed_callers` | at least one |
//! | `metadata` | 16 pairs, keys of 64 characters, values of 512 |
//! | `call_id` of a `function_call` item | at most 32 characters |
//! | `call_id` of its output | not empty |
//! | `image_url` of an `input_image` | a data URI |
//! | `expires_after.seconds` of a client secret | 10 to 7,200 |
//! | `target_uri` of a refer | `tel:`, `sip:` or `sips:` |
//! | `reasoning.effort` | `minimal`, `low`, `medium`, `high` or `xhigh` |
//! | names (`voice`, `include`, ...) | not empty |
//!
//! # What it lets pass
//!
//! Values that this version does not know, of string enums other than `reasoning.effort` and of items, tools and sessions: they may be newer than it.
//! What depends on the state of the session, such as a voice that can no longer change. Fields that may be absent, where
//! they are absent or `null`. Events read as [`Unknown`](crate::ClientEvent::Unknown). The length of a `call_id` in an
//! output: the server accepts the ids it has chosen.

mod audio;
mod error;
mod event;
mod item;
mod session;
mod tool;

use std::ops::RangeInclusive;
use std::time::Duration;

pub use self::error::LimitError;
pub(crate) use self::error::{Check, Path, chars, name, present, within};
pub(crate) use self::item::has_scheme;

/// The most characters of a client's `event_id`.
pub const EVENT_ID_CHARS: usize = 512;

/// The most bytes of audio in one `input_audio_buffer.append`, before base64: 15 MiB.
pub const APPEND_BYTES: usize = 15 * 1024 * 1024;

/// The piece of audio that suits a translation session best. It is advice: any length is accepted.
pub const TRANSLATION_APPEND: Duration = Duration::from_millis(200);

/// The most pairs of a response's metadata.
pub const METADATA_PAIRS: usize = 16;

/// The most characters of a key of metadata.
pub const METADATA_KEY_CHARS: usize = 64;

/// The most characters of a value of metadata.
pub const METADATA_VALUE_CHARS: usize = 512;

/// The speed of speech.
pub const SPEED: RangeInclusive<f64> = 0.25..=1.5;

/// The threshold of `server_vad`.
pub const VAD_THRESHOLD: RangeInclusive<f64> = 0.0..=1.0;

/// The idle timeout of `server_vad`, in milliseconds.
pub const IDLE_TIMEOUT_MS: RangeInclusive<u32> = 5_000..=30_000;

/// The strength of noise reduction.
pub const NOISE_REDUCTION_STRENGTH: RangeInclusive<f64> = 0.0..=1.0;

/// The tokens of a response, where they are a number.
pub const MAX_OUTPUT_TOKENS: RangeInclusive<u64> = 1..=4_096;

/// The part of a conversation that truncation keeps.
pub const RETENTION_RATIO: RangeInclusive<f64> = 0.0..=1.0;

/// The most characters of the `call_id` of a `function_call` item.
pub const CALL_ID_CHARS: usize = 32;

/// How long a client secret may live, in seconds.
pub const CLIENT_SECRET_SECONDS: RangeInclusive<u64> = 10..=7_200;

/// Transcription models that do not detect turns: a transcription session with one of them ends turns by
/// `input_audio_buffer.commit`.
pub const MODELS_WITHOUT_VAD: [&str; 2] = ["gpt-realtime-whisper", "gpt-live-transcribe"];

#[cfg(test)]
mod tests;
