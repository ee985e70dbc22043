//! [`Journal`]: what truly happened, so that a test can compare it with what a client claims.

mod entry;
mod message;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rt_protocol::AudioBytes;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Notify;

pub use self::entry::{Entry, What};
pub use self::message::Message;
pub(crate) use self::message::printable;
use crate::brain::SessionRecord;
use crate::error::{Error, ErrorKind};

/// The most entries that are kept; later ones are only counted.
const MAX_ENTRIES: usize = 200_000;
/// The most JSON that is kept, in bytes; of later messages only type and length are.
const MAX_JSON: usize = 256 << 20;
/// The most input audio that is kept of all connections together, in bytes: more than 20 minutes of PCM.
const MAX_AUDIO: usize = 64 << 20;
/// The most sessions whose records are kept.
const MAX_SESSIONS: usize = 4096;

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
    /// What arrived in the sessions, by connection.
    sessions: BTreeMap<u64, SessionRecord>,
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

    /// A session began on a connection.
    pub(crate) fn begin(&self, connection: u64, record: SessionRecord) {
        let mut inner = self.inner();
        if inner.sessions.len() >= MAX_SESSIONS {
            inner.sessions.pop_first();
        }
        inner.sessions.insert(connection, record);
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

    /// What truly arrived in the session of connection `connection`; empty if there was none. Of the latest 4,096
    /// sessions it is kept, unless [`Builder::keep_records`](crate::Builder::keep_records) says otherwise.
    #[must_use]
    pub fn session(&self, connection: u64) -> SessionRecord {
        self.inner()
            .sessions
            .get(&connection)
            .cloned()
            .unwrap_or_default()
    }

    /// What truly arrived in the sessions, with the numbers of their connections, in order.
    #[must_use]
    pub fn sessions(&self) -> Vec<(u64, SessionRecord)> {
        let inner = self.inner();
        inner
            .sessions
            .iter()
            .map(|(connection, record)| (*connection, record.clone()))
            .collect()
    }

    /// What the user said: the audio of all committed turns of all sessions, one after the other, in the sessions'
    /// input formats.
    #[must_use]
    pub fn speech(&self) -> Vec<u8> {
        let sessions = self.sessions();
        sessions.iter().flat_map(|(_, record)| record.speech()).collect()
    }

    /// When the handshake of connection `connection` was answered with a 101, since the emulator started.
    #[must_use]
    pub fn opened(&self, connection: u64) -> Option<Duration> {
        self.when(connection, |what| *what == What::Answered { status: 101 })
    }

    /// When connection `connection` was over, since the emulator started.
    #[must_use]
    pub fn ended(&self, connection: u64) -> Option<Duration> {
        self.when(connection, |what| *what == What::Ended)
    }

    /// When something happened on a connection.
    fn when(&self, connection: u64, found: impl Fn(&What) -> bool) -> Option<Duration> {
        let inner = self.inner();
        let mut entries = inner.entries.iter().rev();
        let entry = entries.find(|entry| entry.connection == connection && found(&entry.what))?;
        Some(entry.at)
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
        assert_eq!(without.received(first)[1].event_type.len(), 64);
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
