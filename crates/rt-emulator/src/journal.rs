//! [`Journal`]: what truly happened, so that a test can compare it with what a client claims.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rt_protocol::{AudioBytes, ClientEvent, ServerEvent};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Notify;

use crate::error::{Error, ErrorKind};

/// The most entries that are kept; later ones are only counted.
const MAX_ENTRIES: usize = 200_000;
/// The most JSON that is kept, in bytes; of later messages only type and length are.
const MAX_JSON: usize = 256 << 20;
/// The most input audio that is kept of all connections together, in bytes: more than 20 minutes of PCM.
const MAX_AUDIO: usize = 64 << 20;
/// The most characters of a type that are kept; every type that exists is shorter.
const MAX_TYPE: usize = 64;
/// Strings longer than this are shown by their length, if they are audio.
const MAX_AUDIO_TEXT: usize = 64;

/// Everything that was seen and sent, connection by connection. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    /// What is shared.
    shared: Arc<Shared>,
}

/// What clones share.
#[derive(Debug)]
struct Shared {
    /// When the journal began.
    since: Instant,
    /// Whether input audio is kept.
    keep_audio: bool,
    /// The entries.
    inner: Mutex<Inner>,
    /// Tells of new entries.
    changed: Notify,
}

/// The entries, and what goes with them.
#[derive(Debug, Default)]
struct Inner {
    /// In order.
    entries: Vec<Entry>,
    /// Entries that were not kept.
    dropped: u64,
    /// The length of the JSON that is kept.
    kept: usize,
    /// TCP connections, whatever became of them.
    connects: u64,
    /// The length of the input audio that is kept.
    audio_kept: usize,
    /// Input audio, by connection.
    audio: BTreeMap<u64, Vec<u8>>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// The number of the connection, from 1.
    pub connection: u64,
    /// When it happened, since the emulator started.
    pub at: Duration,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum What {
    /// A request came: its path, with the names of its query (and the values of `model`, `deployment` and `intent`),
    /// and the names of its headers.
    Request {
        /// The path.
        path: String,
        /// The names of the headers.
        headers: Vec<String>,
    },
    /// The handshake was answered.
    Answered {
        /// The HTTP status.
        status: u16,
    },
    /// A message came in.
    Received(Message),
    /// A message went out.
    Sent(Message),
    /// The client sent a Ping or a Pong.
    Heartbeat,
    /// A Close frame came in.
    CloseReceived {
        /// Its code, if it had one.
        code: Option<u16>,
    },
    /// A Close frame went out.
    CloseSent {
        /// Its code.
        code: u16,
        /// Its reason.
        reason: String,
    },
    /// The connection is over.
    Ended,
}

/// A message, its audio left out.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// The `type`, up to 64 characters of it; empty if there is none.
    pub event_type: String,
    /// The JSON; audio stands in it as `<… characters>`. Null if it is not JSON, or if there was too much before it.
    pub json: Value,
    /// The length in bytes.
    pub len: usize,
    /// The length without audio.
    kept: usize,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({}, {} bytes)", printable(&self.event_type), self.len)
    }
}

/// Types that only the beta dialect has.
const BETA_TYPES: &[&str] = &[
    "response.text.delta",
    "response.text.done",
    "response.audio.delta",
    "response.audio.done",
    "response.audio_transcript.delta",
    "response.audio_transcript.done",
    "transcription_session.update",
    "transcription_session.created",
    "transcription_session.updated",
];

/// A type that exists; a client may put anything there, and it may end up in a log.
pub(crate) fn printable(event_type: &str) -> &str {
    let known = ClientEvent::KNOWN_TYPES.contains(&event_type)
        || ServerEvent::KNOWN_TYPES.contains(&event_type)
        || BETA_TYPES.contains(&event_type);
    if known { event_type } else { "unknown" }
}

impl Message {
    /// Reads a text message.
    pub(crate) fn new(text: &str) -> Self {
        let mut json: Value = serde_json::from_str(text).unwrap_or_default();
        let event_type = json["type"].as_str().unwrap_or_default();
        let event_type: String = event_type.chars().take(MAX_TYPE).collect();
        let left_out = leave_out_audio(&mut json, event_type.ends_with("audio.delta"));
        Self {
            event_type,
            json,
            len: text.len(),
            kept: text.len() - left_out,
        }
    }

    /// A binary message.
    pub(crate) fn binary(len: usize) -> Self {
        Self {
            event_type: String::new(),
            json: Value::Null,
            len,
            kept: 0,
        }
    }
}

/// Replaces long audio by its length; how much was left out is returned.
fn leave_out_audio(value: &mut Value, delta_is_audio: bool) -> usize {
    match value {
        Value::Object(fields) => {
            let left_out = fields.iter_mut().map(|(key, value)| {
                let audio = key == "audio" || (delta_is_audio && key == "delta");
                match value {
                    Value::String(text) if audio && text.len() > MAX_AUDIO_TEXT => {
                        let len = text.len();
                        *text = format!("<{len} characters>");
                        len
                    }
                    other => leave_out_audio(other, delta_is_audio),
                }
            });
            left_out.sum()
        }
        Value::Array(values) => values
            .iter_mut()
            .map(|value| leave_out_audio(value, delta_is_audio))
            .sum(),
        _ => 0,
    }
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            keep_audio: true,
            inner: Mutex::default(),
            changed: Notify::new(),
        }
    }
}

impl Journal {
    /// A journal that keeps input audio, or does not.
    pub(crate) fn new(keep_audio: bool) -> Self {
        let shared = Shared {
            keep_audio,
            ..Shared::default()
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The entries; a panic elsewhere does not make them unreadable.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.shared.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection came in; its number is returned.
    pub(crate) fn connect(&self) -> u64 {
        let connection = {
            let mut inner = self.inner();
            inner.connects += 1;
            inner.connects
        };
        self.shared.changed.notify_waiters();
        connection
    }

    /// Writes down what happened.
    pub(crate) fn note(&self, connection: u64, mut what: What) {
        let at = self.shared.since.elapsed();
        {
            let mut inner = self.inner();
            if let What::Received(message) | What::Sent(message) = &mut what {
                if inner.kept + message.kept > MAX_JSON {
                    message.json = Value::Null;
                } else {
                    inner.kept += message.kept;
                }
            }
            if inner.entries.len() < MAX_ENTRIES {
                inner.entries.push(Entry { connection, at, what });
            } else {
                inner.dropped += 1;
            }
        }
        self.shared.changed.notify_waiters();
    }

    /// Writes down a text message that came in, and keeps the audio it appends.
    pub(crate) fn note_received(&self, connection: u64, text: &str) -> String {
        /// The audio of an append.
        #[derive(Deserialize)]
        struct Append {
            /// Decoded.
            audio: AudioBytes,
        }
        let message = Message::new(text);
        let event_type = message.event_type.clone();
        if self.shared.keep_audio
            && event_type.ends_with("input_audio_buffer.append")
            && let Ok(append) = serde_json::from_str::<Append>(text)
        {
            let mut inner = self.inner();
            let room = MAX_AUDIO.saturating_sub(inner.audio_kept).min(append.audio.len());
            inner.audio_kept += room;
            let audio = inner.audio.entry(connection).or_default();
            audio.extend_from_slice(&append.audio.as_bytes()[..room]);
        }
        self.note(connection, What::Received(message));
        event_type
    }

    /// How many TCP connections were made, whatever became of them.
    #[must_use]
    pub fn connects(&self) -> u64 {
        self.inner().connects
    }

    /// Entries that were not kept, because there were too many.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.inner().dropped
    }

    /// All entries, in order.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.inner().entries.clone()
    }

    /// The messages that connection `connection` received.
    #[must_use]
    pub fn received(&self, connection: u64) -> Vec<Message> {
        self.pick(connection, |what| match what {
            What::Received(message) => Some(message.clone()),
            _ => None,
        })
    }

    /// The messages that were sent on connection `connection`.
    #[must_use]
    pub fn sent(&self, connection: u64) -> Vec<Message> {
        self.pick(connection, |what| match what {
            What::Sent(message) => Some(message.clone()),
            _ => None,
        })
    }

    /// The audio that connection `connection` appended, in its own format, in order. Of all connections together
    /// the first 64 MiB are kept, and nothing if [`Builder::keep_audio`](crate::Builder::keep_audio) says so.
    #[must_use]
    pub fn input_audio(&self, connection: u64) -> Vec<u8> {
        self.inner().audio.get(&connection).cloned().unwrap_or_default()
    }

    /// What `pick` finds in the entries of a connection.
    fn pick<T>(&self, connection: u64, pick: impl Fn(&What) -> Option<T>) -> Vec<T> {
        let inner = self.inner();
        inner
            .entries
            .iter()
            .filter(|entry| entry.connection == connection)
            .filter_map(|entry| pick(&entry.what))
            .collect()
    }

    /// Waits until `found` holds for the entries, and returns them.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] if it does not within `timeout`.
    pub async fn wait_for(
        &self,
        timeout: Duration,
        mut found: impl FnMut(&[Entry]) -> bool,
    ) -> Result<Vec<Entry>, Error> {
        let waiting = async {
            loop {
                let changed = self.shared.changed.notified();
                {
                    let inner = self.inner();
                    if found(&inner.entries) {
                        return inner.entries.clone();
                    }
                }
                changed.await;
            }
        };
        tokio::time::timeout(timeout, waiting).await.map_err(|_| {
            Error::new(
                ErrorKind::Timeout,
                format!("the journal does not show it after {timeout:?}"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn audio_has_one_bound_for_all_connections_and_types_have_one() {
        let audio = STANDARD.encode(vec![0; 15 << 20]);
        let append = format!(r#"{{"type":"input_audio_buffer.append","audio":"{audio}"}}"#);
        let journal = Journal::default();
        let first = journal.connect();
        let second = journal.connect();
        for connection in [first, first, first, second, second] {
            journal.note_received(connection, &append);
        }
        let kept = journal.input_audio(first).len() + journal.input_audio(second).len();
        assert_eq!(kept, MAX_AUDIO);
        let without = Journal::new(false);
        without.note_received(first, &append);
        assert!(without.input_audio(first).is_empty());
        without.note_received(first, &format!(r#"{{"type":"{}"}}"#, "x".repeat(1000)));
        assert_eq!(without.received(first)[1].event_type.len(), MAX_TYPE);
    }

    #[tokio::test]
    async fn keeps_messages_without_their_audio() {
        let journal = Journal::default();
        let connection = journal.connect();
        let audio = "AAAA".repeat(100);
        journal.note_received(
            connection,
            &format!(r#"{{"type":"input_audio_buffer.append","audio":"{audio}"}}"#),
        );
        journal.note_received(connection, "nonsense");
        assert_eq!(journal.input_audio(connection).len(), 300);
        let received = journal.received(connection);
        assert_eq!(received[0].json["audio"], "<400 characters>");
        assert_eq!(
            (received[1].event_type.as_str(), &received[1].json),
            ("", &Value::Null)
        );
        assert!(!format!("{received:?}").contains("AAAA"));
        assert!(journal.sent(connection).is_empty());
        assert_eq!(
            journal
                .wait_for(Duration::from_secs(1), |all| all.len() == 2)
                .await
                .unwrap()
                .len(),
            2
        );
        let late = journal
            .wait_for(Duration::from_millis(10), |all| all.len() == 3)
            .await
            .unwrap_err();
        assert_eq!(late.kind(), ErrorKind::Timeout);
    }
}
