//! What has come of a reply, between the session that writes it and the handles that read it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rt_protocol::{Item, Pcm16, Text};
use tokio::sync::watch;

use super::{Reply, ReplyChunk, ReplyHandle, ReplyStatus};
use crate::error::Error;

/// The most audio a reply keeps for whoever reads it: ten minutes.
const MAX_SAMPLES: usize = 24_000 * 600;

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
    /// Only so much of a part was heard.
    Cut {
        id: String,
        content_index: u32,
        samples: usize,
        text: Text,
    },
    PartDone {
        id: String,
        content_index: u32,
    },
    ItemDone {
        id: String,
        item: Box<Item>,
    },
    /// What came so far was taken back: it is said again.
    Again,
    Ended(ReplyStatus),
}

#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) response_id: String,
    pub(super) items: Vec<ItemState>,
    pub(super) samples: usize,
    /// The reply after the functions this one called, until somebody takes it.
    pub(super) follow_up: Option<ReplyHandle>,
    pub(super) end: Option<Result<ReplyStatus, Error>>,
}

#[derive(Debug)]
pub(super) struct ItemState {
    pub(super) id: String,
    pub(super) item: Box<Item>,
    pub(super) parts: Vec<PartState>,
    pub(super) done: bool,
    /// It is no part of the reply any more.
    pub(super) taken_back: bool,
}

#[derive(Debug)]
pub(super) struct PartState {
    pub(super) content_index: u32,
    pub(super) chunks: Vec<ReplyChunk>,
    pub(super) whole: Option<Text>,
    pub(super) done: bool,
    /// Samples that were heard, if it was cut.
    pub(super) heard: Option<usize>,
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

    /// Another reply will follow this one.
    pub(crate) fn follow(&self, next: ReplyHandle) {
        self.shared.lock().follow_up = Some(next);
    }

    pub(crate) fn fail(&self, error: Error) {
        self.shared.lock().end.get_or_insert(Err(error));
        self.changed.send_modify(|count| *count += 1);
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
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
                        taken_back: false,
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
            ReplyUpdate::Cut {
                id,
                content_index,
                samples,
                text,
            } => {
                let part = self.part(&id, content_index);
                part.whole = Some(text);
                part.heard = Some(samples);
            }
            ReplyUpdate::PartDone { id, content_index } => self.part(&id, content_index).done = true,
            ReplyUpdate::ItemDone { id, item } => {
                if let Some(known) = self.items.iter_mut().find(|known| known.id == id) {
                    known.item = item;
                    known.done = true;
                }
            }
            ReplyUpdate::Again => {
                for item in &mut self.items {
                    item.done = true;
                    item.taken_back = true;
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
                    taken_back: false,
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
                    heard: None,
                });
                parts.len() - 1
            }
        };
        &mut parts[part]
    }

    pub(super) fn whole(&self, status: ReplyStatus) -> Reply {
        let items = || self.items.iter().filter(|item| !item.taken_back);
        let parts = || items().flat_map(|item| &item.parts);
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
        let audio: Vec<Pcm16> = parts().flat_map(PartState::audio).collect();
        let calls = items().filter_map(|item| match &*item.item {
            Item::FunctionCall(call) if item.done => Some(call.clone()),
            _ => None,
        });
        Reply {
            response_id: self.response_id.clone(),
            status,
            text,
            audio: Pcm16::concat(&audio),
            calls: calls.collect(),
        }
    }
}

impl PartState {
    /// Its audio, as far as it was heard if it was cut.
    fn audio(&self) -> impl Iterator<Item = Pcm16> + '_ {
        let mut left = self.heard.unwrap_or(usize::MAX);
        self.chunks.iter().filter_map(move |chunk| match chunk {
            ReplyChunk::Audio(audio) => {
                let piece = audio.slice(..audio.len().min(left));
                left -= piece.len();
                Some(piece)
            }
            ReplyChunk::Text(_) => None,
        })
    }
}

/// Waits until `ready` has something to say.
pub(super) async fn when<T>(
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
