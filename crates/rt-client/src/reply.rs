//! Replies: what came of a request for a response, whole or piece by piece.

mod state;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rt_protocol::item::FunctionCall;
use rt_protocol::{Item, Pcm16, Text};
use tokio::sync::watch;

pub(crate) use self::state::{ReplyUpdate, ReplyWriter, reply};
use self::state::{Shared, State, when};
use crate::error::Error;

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
    /// What was said or written, all messages together. Of a reply that was interrupted while it came, what was heard of it; one
    /// that was whole before can be interrupted later, and tells more than was heard then.
    pub text: Text,
    /// What was spoken, all messages together, at most ten minutes of it, cut as the text is: PCM16 at 24 kHz.
    pub audio: Pcm16,
    /// The functions that were called.
    pub calls: Vec<FunctionCall>,
}

/// A reply to come.
///
/// Await it whole with [`reply`](Self::reply), or read it while it comes: [`next_item`](Self::next_item), then
/// [`ReplyItem::next_part`], then [`ReplyPart::next_chunk`]. Nothing waits for a reader, and dropping it does no harm: the
/// response goes on. It always ends: with the response, a refusal, an interruption, the connection, or a timeout. Only a
/// [`follow_up`](Self::follow_up) waits for what it follows: for as long as the application leaves a call or an approval open.
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

    /// The reply that follows when the functions this one called are answered: the session asks for it by itself, and it
    /// may have come to its end before this is asked. `None` if this reply called no function, and when it was asked before.
    /// Resolves when this reply is over.
    ///
    /// If the user interrupts before the calls are answered, the answer to the user takes its place; if that is while it waits
    /// to be asked for, it is `Cancelled`. If the application answers the
    /// calls by items of its own, nothing follows: that is `Cancelled`.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn follow_up(&mut self) -> Option<Self> {
        when(&self.shared, &mut self.changes, |state| {
            state.end.is_some().then_some(())
        })
        .await?;
        self.shared.lock().follow_up.take()
    }

    /// The reply after all functions: as [`reply`](Self::reply), and if functions were called, then the
    /// [`follow_up`](Self::follow_up) in its place, until one calls none.
    ///
    /// # Errors
    /// As [`reply`](Self::reply), of any of them.
    ///
    /// # Cancel safety
    /// The reply is lost with the future, and nothing else.
    pub async fn final_reply(mut self) -> Result<Reply, Error> {
        loop {
            let reply = self.wait().await?;
            match self.follow_up().await {
                Some(next) => self = next,
                None => return Ok(reply),
            }
        }
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
