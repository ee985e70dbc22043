//! What is to be sent, on its way from the handles to the writer.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;

use tokio::sync::{Mutex, MutexGuard, oneshot};
use tokio::task::coop;

use super::shared::{Shared, Telling, at};
use crate::fate::{CommandId, Receipt};
use crate::frame::Frame;
use crate::machine::{Message, Refused, Transmit};

/// So many bytes are accepted in a row before the writer has its turn, and so many it takes at once: as much as stays
/// in the cache and fits in one write, with a message on top. Not much more, or allocators give memory back to the system
/// and fetch it again with every turn.
const TURN: usize = 56 << 10;

/// So many the writer takes at once where the oldest audio gives way to the newest: what it has taken cannot.
const LIVE: usize = 4 << 10;

/// The two kinds of messages that wait for room in lines of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    Control,
    Audio,
}

/// Senders that wait for room stand in line here.
#[derive(Debug, Default)]
pub(super) struct Lines {
    control: Line,
    audio: Line,
}

#[derive(Debug, Default)]
struct Line {
    turn: Mutex<()>,
    length: AtomicU32,
}

/// A place in a line, and then the front of it.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    _turn: Option<MutexGuard<'a, ()>>,
    length: &'a AtomicU32,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.length.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What the writer is to do once it has written what it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// Ask again: there may be more.
    Ask,
    /// Flush, if anything was written since the last flush, and ask again; else wait to be woken.
    Idle,
    /// Flush and end.
    Stop,
}

impl Shared {
    fn line_of(&self, lane: Lane) -> &Line {
        match lane {
            Lane::Control => &self.lines.control,
            Lane::Audio => &self.lines.audio,
        }
    }

    /// Whether somebody waits for room.
    pub(crate) fn has_line(&self, lane: Lane) -> bool {
        self.line_of(lane).length.load(Ordering::Relaxed) > 0
    }

    /// The line to stand in before trying to send again and again.
    pub(crate) async fn line(&self, lane: Lane) -> Place<'_> {
        let line = self.line_of(lane);
        line.length.fetch_add(1, Ordering::Relaxed);
        let mut place = Place {
            _turn: None,
            length: &line.length,
        };
        place._turn = Some(line.turn.lock().await);
        place
    }

    /// Lets the writer have its turn, if a lot was accepted since the last one; and the rest of the program, if this task
    /// has done a lot.
    pub(crate) async fn turn(&self) {
        if self.is_crowded.load(Ordering::Relaxed) && self.is_crowded.swap(false, Ordering::Relaxed) {
            give_way().await;
        }
        coop::consume_budget().await;
    }

    /// Accepts a command, if there is room.
    pub(crate) fn accept(&self, messages: Vec<Message>) -> Result<CommandId, Refused> {
        let mut telling = self.telling(None);
        let number = self.command(&mut telling, messages, false)?;
        telling.finish();
        Ok(CommandId::new(number))
    }

    /// As [`accept`](Self::accept), with a receipt for the fate.
    pub(crate) fn accept_tracked(&self, messages: Vec<Message>) -> Result<Receipt, Refused> {
        let mut telling = self.telling(None);
        let number = self.command(&mut telling, messages, true)?;
        let (sender, receiver) = oneshot::channel();
        telling.core.receipts.insert(number, sender);
        telling.finish();
        Ok(Receipt::new(CommandId::new(number), receiver))
    }

    fn command(
        &self,
        telling: &mut Telling<'_>,
        messages: Vec<Message>,
        tracked: bool,
    ) -> Result<u64, Refused> {
        let bytes: usize = messages.iter().map(Message::len).sum();
        let number = telling.machine().handle_command(messages, tracked)?;
        telling.core.unseen += bytes;
        if telling.core.unseen >= TURN {
            telling.core.unseen = 0;
            self.is_crowded.store(true, Ordering::Relaxed);
        }
        Ok(number)
    }

    /// What is to be written next, as much as is worth a write. `flushed` says that all that was written before has been
    /// flushed.
    pub(super) fn transmit(&self, epoch: u64, flushed: bool, frames: &mut Vec<Frame>) -> Then {
        self.transmit_or_wait(epoch, flushed, frames, false)
    }

    /// The same, with everything flushed; if there is nothing, the writer is going to wait.
    pub(super) fn wait_to_transmit(&self, epoch: u64, frames: &mut Vec<Frame>) -> Then {
        self.transmit_or_wait(epoch, true, frames, true)
    }

    fn transmit_or_wait(&self, epoch: u64, flushed: bool, frames: &mut Vec<Frame>, waits: bool) -> Then {
        let at = at();
        let mut telling = self.telling(Some(at.now));
        let mut bytes = 0;
        let worth = if telling.machine().drops_stale_audio() {
            LIVE
        } else {
            TURN
        };
        let then = loop {
            if bytes >= worth {
                break Then::Ask;
            }
            let flushed = flushed && frames.is_empty();
            match telling.machine().poll_transmit(at, epoch, flushed) {
                Transmit::Frame(frame) => {
                    bytes += frame.len();
                    frames.push(frame);
                }
                Transmit::Idle => break Then::Idle,
                Transmit::Stop => break Then::Stop,
            }
        };
        if then == Then::Idle {
            telling.core.unseen = 0;
            self.is_crowded.store(false, Ordering::Relaxed);
        }
        telling.core.writer_waits |= waits && frames.is_empty() && then == Then::Idle;
        telling.finish();
        then
    }
}

/// Puts this task behind those that are ready to run, the writer among them. Unlike tokio's `yield_now` it does not ask the
/// system for news first.
async fn give_way() {
    let mut is_again = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut is_again, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
