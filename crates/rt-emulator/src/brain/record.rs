//! [`SessionRecord`]: what truly arrived in one session, for tests that compare it with what a client claims.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rt_protocol::Item;
use rt_protocol::limits::EVENT_ID_CHARS;
use serde_json::{Map, Value};

use super::format::Format;
use crate::journal::printable;

/// The most commands that are kept; later ones are only counted.
const MAX_COMMANDS: usize = 200_000;
/// The most committed audio that is kept, in bytes: of later turns only the length is.
const MAX_AUDIO: usize = 64 << 20;

/// What truly arrived in one session: its commands in order, the audio that was committed, and the conversation. It can
/// be asked at any time, also after the session. Clones share it.
///
/// ```
/// use std::time::Duration;
/// use rt_emulator::brain::{Brain, Settings};
///
/// let mut brain = Brain::new(Settings::default());
/// brain.open(Duration::ZERO);
/// let record = brain.record();
/// brain.handle_text(
///     r#"{"type":"conversation.item.create","item":{"id":"one","type":"message","role":"user",
///         "content":[{"type":"input_text","text":"Hello"}]}}"#,
///     Duration::ZERO,
/// );
/// brain.handle_text(r#"{"type":"input_audio_buffer.commit","event_id":"too_soon"}"#, Duration::ZERO);
/// assert_eq!(record.item_ids(), ["one"]);
/// let commands = record.commands();
/// assert_eq!(commands[0].refused, None);
/// assert_eq!(commands[1].event_id.as_deref(), Some("too_soon"));
/// assert_eq!(commands[1].refused.as_deref(), Some("input_audio_buffer_commit_empty"));
/// ```
#[derive(Clone, Default)]
pub struct SessionRecord {
    /// What is shared; `None` if nothing is written down.
    shared: Option<Arc<Mutex<Inner>>>,
}

/// What is written down.
#[derive(Default)]
struct Inner {
    /// The id of the session.
    session_id: String,
    /// What was asked for.
    commands: Vec<Command>,
    /// Commands that were not kept.
    dropped: u64,
    /// The bytes of audio that were appended.
    appended: u64,
    /// The turns.
    commits: Vec<Commit>,
    /// The length of their audio.
    audio_kept: usize,
    /// The conversation, without audio.
    items: Vec<Item>,
}

/// A message of the client that was an object.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Command {
    /// Its `type`; `unknown` if there is no such type.
    pub event_type: String,
    /// Its `event_id`.
    pub event_id: Option<String>,
    /// The item it is about: its `item.id` or `item_id`.
    pub item_id: Option<String>,
    /// When it came, on the clock of the session.
    pub at: Duration,
    /// The `code` of the error it was answered with, or the `type` if that has no code.
    pub refused: Option<String>,
}

/// A turn of the user that was committed, by hand or by turn detection.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Commit {
    /// The item it became.
    pub item_id: String,
    /// Where it began on the session's input clock, in samples at 24 kHz.
    pub start: u64,
    /// How long it is, in samples at 24 kHz.
    pub samples: u64,
    /// Its audio in the session's input format; empty if there was more than 64 MiB before it.
    pub audio: Bytes,
    /// When it was committed, on the clock of the session.
    pub at: Duration,
}

impl fmt::Debug for Commit {
    /// Without the audio.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commit")
            .field("item_id", &self.item_id)
            .field("start", &self.start)
            .field("samples", &self.samples)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SessionRecord {
    /// Numbers only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(inner) = self.inner() else {
            return f.write_str("SessionRecord(none)");
        };
        f.debug_struct("SessionRecord")
            .field("commands", &inner.commands.len())
            .field("appended", &inner.appended)
            .field("commits", &inner.commits.len())
            .field("items", &inner.items.len())
            .finish_non_exhaustive()
    }
}

impl Command {
    /// What of a message is written down.
    pub(super) fn new(object: &Map<String, Value>, event_id: Option<String>, at: Duration) -> Self {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let item_id = text(object.get("item").and_then(|item| item.get("id")))
            .or_else(|| text(object.get("item_id")))
            .map(|id| id.chars().take(EVENT_ID_CHARS).collect());
        let event_type = object.get("type").and_then(Value::as_str).unwrap_or_default();
        Self {
            event_type: printable(event_type).to_owned(),
            event_id,
            item_id,
            at,
            refused: None,
        }
    }
}

impl SessionRecord {
    /// An empty one, or one that stays empty.
    pub(super) fn new(keep: bool) -> Self {
        Self {
            shared: keep.then(Arc::default),
        }
    }

    /// What is written down; a panic elsewhere does not make it unreadable.
    fn inner(&self) -> Option<MutexGuard<'_, Inner>> {
        let shared = self.shared.as_ref()?;
        Some(shared.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What `read` finds.
    fn read<T: Default>(&self, read: impl FnOnce(&mut Inner) -> T) -> T {
        self.inner().map(|mut inner| read(&mut inner)).unwrap_or_default()
    }

    /// The id of the session.
    #[must_use]
    pub fn session_id(&self) -> String {
        self.read(|inner| inner.session_id.clone())
    }

    /// What the client asked for, in the order it came; the first 200,000.
    #[must_use]
    pub fn commands(&self) -> Vec<Command> {
        self.read(|inner| inner.commands.clone())
    }

    /// Commands that were not kept, because there were too many.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.read(|inner| inner.dropped)
    }

    /// How many bytes of audio were appended and accepted, in the session's input format.
    #[must_use]
    pub fn appended(&self) -> u64 {
        self.read(|inner| inner.appended)
    }

    /// The turns of the user that were committed, in order.
    #[must_use]
    pub fn commits(&self) -> Vec<Commit> {
        self.read(|inner| inner.commits.clone())
    }

    /// As [`commits`](Self::commits), and forgets them: for simulations of many hours.
    #[must_use]
    pub fn take_commits(&self) -> Vec<Commit> {
        self.read(|inner| {
            inner.audio_kept = 0;
            std::mem::take(&mut inner.commits)
        })
    }

    /// The audio of all committed turns, one after the other, in the session's input format.
    #[must_use]
    pub fn speech(&self) -> Vec<u8> {
        self.read(|inner| {
            inner
                .commits
                .iter()
                .flat_map(|commit| &commit.audio)
                .copied()
                .collect()
        })
    }

    /// The conversation as it stands, or stood at the end, in order. Audio is left out.
    #[must_use]
    pub fn items(&self) -> Vec<Item> {
        self.read(|inner| inner.items.clone())
    }

    /// The ids of the [`items`](Self::items).
    #[must_use]
    pub fn item_ids(&self) -> Vec<String> {
        self.read(|inner| {
            inner
                .items
                .iter()
                .filter_map(Item::id)
                .map(str::to_owned)
                .collect()
        })
    }

    /// The session opened.
    pub(super) fn opened(&self, id: Option<&String>) {
        self.read(|inner| inner.session_id = id.cloned().unwrap_or_default());
    }

    /// A command was obeyed, or refused.
    pub(super) fn command(&self, command: Command) {
        self.read(|inner| {
            if inner.commands.len() < MAX_COMMANDS {
                inner.commands.push(command);
            } else {
                inner.dropped += 1;
            }
        });
    }

    /// Audio was appended.
    pub(super) fn appended_more(&self, bytes: usize) {
        self.read(|inner| inner.appended += bytes as u64);
    }

    /// A turn was committed.
    pub(super) fn committed(&self, item_id: &str, start: u64, audio: &Bytes, format: Format, at: Duration) {
        self.read(|inner| {
            let fits = inner.audio_kept + audio.len() <= MAX_AUDIO;
            let kept = if fits { audio.clone() } else { Bytes::new() };
            inner.audio_kept += kept.len();
            inner.commits.push(Commit {
                item_id: item_id.to_owned(),
                start,
                samples: format.clock(audio.len()),
                audio: kept,
                at,
            });
        });
    }

    /// An item joined the conversation.
    pub(super) fn item_at(&self, position: usize, item: &Item) {
        self.read(|inner| {
            let position = position.min(inner.items.len());
            inner.items.insert(position, item.clone());
        });
    }

    /// An item has another form.
    pub(super) fn item_changed(&self, item: &Item) {
        self.read(|inner| {
            if let Some(known) = inner.items.iter_mut().rev().find(|known| known.id() == item.id()) {
                *known = item.clone();
            }
        });
    }

    /// An item was deleted.
    pub(super) fn item_gone(&self, id: &str) {
        self.read(|inner| inner.items.retain(|item| item.id() != Some(id)));
    }
}
