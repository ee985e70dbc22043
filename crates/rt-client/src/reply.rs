//! Replies: what came of a request for a response, whole or piece by piece.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rt_protocol::item::FunctionCall;
use rt_protocol::{Item, Pcm16, Text};
use tokio::sync::watch;

use crate::error::Error;

/// The most audio a reply keeps for whoever reads it: ten minutes.
const MAX_SAMPLES: usize = 24_000 * 600;

/// How a response ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplyStatus {
    /// As it should.
    Completed,
    /// By an interruption: the user spoke, or the application asked for it.
    Interrupted,
    /// At the limit of its length.
    TooLong,
    /// By the service's content filter.
    Filtered,
    /// It failed.
    Failed {
        /// The code, such as `rate_limit_exceeded`.
        code: Option<String>,
        /// What the service says of it.
        message: Option<String>,
    },
    /// The connection was lost while it was under way.
    ConnectionLost,
    /// Its end was not told in time.
    Unfinished,
}

/// What a response became.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Reply {
    /// The response; empty if its beginning was not told.
    pub response_id: String,
    /// How it ended.
    pub status: ReplyStatus,
    /// What was said or written, all messages together.
    pub text: Text,
    /// What was spoken, all messages together, at most ten minutes of it: PCM16 at 24 kHz.
    pub audio: Pcm16,
    /// The functions that were called.
    pub calls: Vec<FunctionCall>,
}

/// A reply to come.
///
/// Await it whole with [`reply`](Self::reply), or read it while it comes: [`next_item`](Self::next_item), then
/// [`ReplyItem::next_part`], then [`ReplyPart::next_chunk`]. Nothing waits for a reader, and dropping it does no harm: the
/// response goes on. It always ends: with the response, a refusal, an interruption, or the connection.
#[derive(Debug)]
pub struct ReplyHandle {
    shared: Arc<Shared>,
    changes: watch::Receiver<u64>,
    /// How many items were given out.
    item: usize,
    /// The item of the user that was committed, if any.
    pub(crate) user_item: Option<String>,
}

/// One item of a reply, while it comes.
#[derive(Debug)]
pub struct ReplyItem {
    shared: Arc<Shared>,
    changes: watch::Receiver<u64>,
    item: usize,
    part: usize,
}

/// One part of a message, while it comes.
#[derive(Debug)]
pub struct ReplyPart {
    shared: Arc<Shared>,
    changes: watch::Receiver<u64>,
    item: usize,
    part: usize,
    chunk: usize,
}

/// A piece of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplyChunk {
    /// Text, or the transcript of the audio.
    Text(Text),
    /// Audio, PCM16 at 24 kHz.
    Audio(Pcm16),
}

/// What the engine tells of a reply.
#[derive(Debug, Clone)]
pub(crate) enum ReplyUpdate {
    Began(String),
    Item {
        id: String,
        item: Box<Item>,
    },
    Text {
        id: String,
        content_index: u32,
        piece: Text,
    },
    WholeText {
        id: String,
        content_index: u32,
        text: Text,
    },
    Audio {
        id: String,
        content_index: u32,
        audio: Pcm16,
    },
    PartDone {
        id: String,
        content_index: u32,
    },
    ItemDone {
        id: String,
        item: Box<Item>,
    },
    Ended(ReplyStatus),
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    response_id: String,
    items: Vec<ItemState>,
    samples: usize,
    end: Option<Result<ReplyStatus, Error>>,
}

#[derive(Debug)]
struct ItemState {
    id: String,
    item: Box<Item>,
    parts: Vec<PartState>,
    done: bool,
}

#[derive(Debug)]
struct PartState {
    content_index: u32,
    chunks: Vec<ReplyChunk>,
    whole: Option<Text>,
    done: bool,
}

/// The side that writes a reply. When it is dropped without an end, the session is over.
#[derive(Debug)]
pub(crate) struct ReplyWriter {
    shared: Arc<Shared>,
    changed: watch::Sender<u64>,
}

/// A writer, and the handle that reads what it writes.
pub(crate) fn reply() -> (ReplyWriter, ReplyHandle) {
    let shared = Arc::new(Shared {
        state: Mutex::default(),
    });
    let (changed, changes) = watch::channel(0);
    let writer = ReplyWriter {
        shared: Arc::clone(&shared),
        changed,
    };
    let handle = ReplyHandle {
        shared,
        changes,
        item: 0,
        user_item: None,
    };
    (writer, handle)
}

impl ReplyWriter {
    /// Whether anybody reads.
    pub(crate) fn is_read(&self) -> bool {
        self.changed.receiver_count() > 0
    }

    pub(crate) fn update(&self, update: ReplyUpdate) {
        self.shared.lock().apply(update);
        self.changed.send_modify(|count| *count += 1);
    }

    pub(crate) fn fail(&self, error: Error) {
        self.shared.lock().end.get_or_insert(Err(error));
        self.changed.send_modify(|count| *count += 1);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn apply(&mut self, update: ReplyUpdate) {
        match update {
            ReplyUpdate::Began(id) => self.response_id = id,
            ReplyUpdate::Item { id, item } => {
                if !self.items.iter().any(|known| known.id == id) {
                    self.items.push(ItemState {
                        id,
                        item,
                        parts: Vec::new(),
                        done: false,
                    });
                }
            }
            ReplyUpdate::Text {
                id,
                content_index,
                piece,
            } => {
                let part = self.part(&id, content_index);
                part.chunks.push(ReplyChunk::Text(piece));
            }
            ReplyUpdate::WholeText {
                id,
                content_index,
                text,
            } => self.part(&id, content_index).whole = Some(text),
            ReplyUpdate::Audio {
                id,
                content_index,
                audio,
            } => {
                if self.samples + audio.len() <= MAX_SAMPLES {
                    self.samples += audio.len();
                    let part = self.part(&id, content_index);
                    part.chunks.push(ReplyChunk::Audio(audio));
                }
            }
            ReplyUpdate::PartDone { id, content_index } => self.part(&id, content_index).done = true,
            ReplyUpdate::ItemDone { id, item } => {
                if let Some(known) = self.items.iter_mut().find(|known| known.id == id) {
                    known.item = item;
                    known.done = true;
                }
            }
            ReplyUpdate::Ended(status) => {
                self.end.get_or_insert(Ok(status));
            }
        }
    }

    /// A part; it and its item are made if their beginning was not told.
    fn part(&mut self, id: &str, content_index: u32) -> &mut PartState {
        let at = match self.items.iter().position(|item| item.id == id) {
            Some(at) => at,
            None => {
                self.items.push(ItemState {
                    id: id.to_owned(),
                    item: Box::default(),
                    parts: Vec::new(),
                    done: false,
                });
                self.items.len() - 1
            }
        };
        let parts = &mut self.items[at].parts;
        let part = match parts.iter().position(|part| part.content_index == content_index) {
            Some(part) => part,
            None => {
                parts.push(PartState {
                    content_index,
                    chunks: Vec::new(),
                    whole: None,
                    done: false,
                });
                parts.len() - 1
            }
        };
        &mut parts[part]
    }

    fn whole(&self, status: ReplyStatus) -> Reply {
        let parts = || self.items.iter().flat_map(|item| &item.parts);
        let mut text = Text::default();
        for part in parts() {
            match &part.whole {
                Some(whole) => text.push_str(whole),
                None => part.chunks.iter().for_each(|chunk| {
                    if let ReplyChunk::Text(piece) = chunk {
                        text.push_str(piece);
                    }
                }),
            }
        }
        let audio = parts()
            .flat_map(|part| &part.chunks)
            .filter_map(|chunk| match chunk {
                ReplyChunk::Audio(audio) => Some(audio),
                ReplyChunk::Text(_) => None,
            });
        let calls = self.items.iter().filter_map(|item| match &*item.item {
            Item::FunctionCall(call) if item.done => Some(call.clone()),
            _ => None,
        });
        Reply {
            response_id: self.response_id.clone(),
            status,
            text,
            audio: Pcm16::concat(audio),
            calls: calls.collect(),
        }
    }
}

/// Waits until `ready` has something to say.
async fn when<T>(
    shared: &Shared,
    changes: &mut watch::Receiver<u64>,
    mut ready: impl FnMut(&State) -> Option<T>,
) -> Option<T> {
    loop {
        changes.mark_unchanged();
        if let Some(found) = ready(&shared.lock()) {
            return Some(found);
        }
        if changes.changed().await.is_err() {
            // Whoever wrote it is gone; what was written last counts.
            return ready(&shared.lock());
        }
    }
}

impl ReplyHandle {
    /// The whole reply, when the response is over. How it ended is in [`Reply::status`].
    ///
    /// # Errors
    /// If there is no response: `Refused`, `Cancelled`, `Timeout`, `Budget`, `Connection` or `Closed`.
    ///
    /// # Cancel safety
    /// The reply is lost with the future, and nothing else.
    pub async fn reply(mut self) -> Result<Reply, Error> {
        self.wait().await
    }

    /// As [`reply`](Self::reply), without giving the handle away.
    ///
    /// # Errors
    /// As [`reply`](Self::reply).
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn wait(&mut self) -> Result<Reply, Error> {
        let done = |state: &State| {
            let end = state.end.clone()?;
            Some(end.map(|status| state.whole(status)))
        };
        let found = when(&self.shared, &mut self.changes, done).await;
        found.unwrap_or_else(|| Err(Error::closed()))
    }

    /// The next item of the response; `None` when there are no more, whatever the reason: [`wait`](Self::wait) tells.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next_item(&mut self) -> Option<ReplyItem> {
        let at = self.item;
        let ready = |state: &State| match state.items.len() > at {
            true => Some(true),
            false => state.end.is_some().then_some(false),
        };
        if !when(&self.shared, &mut self.changes, ready).await? {
            return None;
        }
        self.item += 1;
        Some(ReplyItem {
            shared: Arc::clone(&self.shared),
            changes: self.changes.clone(),
            item: at,
            part: 0,
        })
    }

    /// The item the user's audio became, of a handle that [`commit_audio`](crate::Session::commit_audio) returned.
    #[must_use]
    pub fn user_item(&self) -> Option<&str> {
        self.user_item.as_deref()
    }
}

impl ReplyItem {
    /// The item's id.
    #[must_use]
    pub fn id(&self) -> String {
        self.shared.lock().items[self.item].id.clone()
    }

    /// The item as it was told last: whole once [`next_part`](Self::next_part) has returned `None`.
    #[must_use]
    pub fn item(&self) -> Item {
        (*self.shared.lock().items[self.item].item).clone()
    }

    /// The next part of a message; `None` when there are no more. A function call has none: it returns when it is whole.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next_part(&mut self) -> Option<ReplyPart> {
        let (item, part) = (self.item, self.part);
        let ready = |state: &State| {
            let known = &state.items[item];
            match known.parts.len() > part {
                true => Some(true),
                false => (known.done || state.end.is_some()).then_some(false),
            }
        };
        if !when(&self.shared, &mut self.changes, ready).await? {
            return None;
        }
        self.part += 1;
        Some(ReplyPart {
            shared: Arc::clone(&self.shared),
            changes: self.changes.clone(),
            item,
            part,
            chunk: 0,
        })
    }
}

impl ReplyPart {
    /// The next piece; `None` when there are no more.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next_chunk(&mut self) -> Option<ReplyChunk> {
        let (item, part, chunk) = (self.item, self.part, self.chunk);
        let ready = |state: &State| {
            let known = &state.items[item];
            let over = known.done || known.parts[part].done || state.end.is_some();
            match known.parts[part].chunks.get(chunk) {
                Some(chunk) => Some(Some(chunk.clone())),
                None => over.then_some(None),
            }
        };
        let found = when(&self.shared, &mut self.changes, ready).await??;
        self.chunk += 1;
        Some(found)
    }
}

impl fmt::Display for ReplyStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Completed => "completed",
            Self::Interrupted => "interrupted",
            Self::TooLong => "too long",
            Self::Filtered => "filtered",
            Self::Failed { .. } => "failed",
            Self::ConnectionLost => "connection lost",
            Self::Unfinished => "unfinished",
        })
    }
}

impl Reply {
    /// How long the audio lasts.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.audio.duration()
    }
}
