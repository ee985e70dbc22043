//! The way of events from a session's task to whoever delivers them: bounded by events, passed on in batches.
//!
//! Everything that waits changes hands under one lock, and a reader that is at work is not woken: in a burst that leaves one
//! wake for many events, which between two threads is dearer than all else that is done for an event.

use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use futures::task::AtomicWaker;

use crate::event::Event;

/// Room for so many events is kept when there are none.
const KEPT: usize = 64;

/// When so many come at once, more may be right behind them, and a thread that sleeps is left alone until it is known.
const BURST: usize = 8;

/// When nothing came for so long, the burst is over.
const PAUSE: Duration = Duration::from_millis(20);

/// When so many wait, it is woken whatever comes behind them.
const TOGETHER: usize = 128;

/// A queue that has room for this many events, those counted that the reader has taken and not delivered yet.
pub(crate) fn queue(bound: usize) -> (Sender, Receiver) {
    let shared = Arc::new(Shared {
        bound,
        held: AtomicUsize::new(0),
        room: AtomicWaker::new(),
        inner: Mutex::new(Inner {
            waiting: Vec::new(),
            spent: Vec::new(),
            reader: Reader::AtWork,
            closed: false,
        }),
        filled: Condvar::new(),
    });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

#[derive(Debug)]
struct Shared {
    bound: usize,
    /// Events that were sent and not delivered.
    held: AtomicUsize,
    /// The sender, if it waits for room.
    room: AtomicWaker,
    inner: Mutex<Inner>,
    filled: Condvar,
}

#[derive(Debug)]
struct Inner {
    waiting: Vec<Event>,
    /// Delivered by a thread, and on the way back to where their memory is from.
    spent: Vec<Event>,
    reader: Reader,
    /// The sender is gone.
    closed: bool,
}

/// What the reader does.
#[derive(Debug)]
enum Reader {
    /// It will look here before it sleeps.
    AtWork,
    /// Its thread sleeps.
    Asleep,
    /// Its task waits.
    Waiting(Waker),
    Gone,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics in here.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the sender goes on once it had to wait: not at every place that becomes free.
    fn low(&self) -> usize {
        self.bound / 2
    }

    fn wake(&self, mut inner: MutexGuard<'_, Inner>) {
        let reader = match inner.reader {
            Reader::AtWork | Reader::Gone => return,
            Reader::Asleep | Reader::Waiting(_) => std::mem::replace(&mut inner.reader, Reader::AtWork),
        };
        // Who is woken should not have to wait for the lock.
        drop(inner);
        match reader {
            Reader::Waiting(waker) => waker.wake(),
            _ => self.filled.notify_one(),
        }
    }
}

/// The end that events are put into.
#[derive(Debug)]
pub(crate) struct Sender(Arc<Shared>);

impl Sender {
    /// For how many events there is room.
    pub(crate) fn room(&self) -> usize {
        self.0.bound.saturating_sub(self.0.held.load(Ordering::Acquire))
    }

    /// Takes as many events from the front as there is room for. Without a reader it takes them all.
    ///
    /// Says whether the reader is still to be woken, with [`wake`](Self::wake), unless more events come at once.
    #[must_use]
    pub(crate) fn send(&self, events: &mut Vec<Event>) -> bool {
        let mut inner = self.0.lock();
        if matches!(inner.reader, Reader::Gone) {
            drop(inner);
            events.clear();
            return false;
        }
        let spent = std::mem::take(&mut inner.spent);
        let count = events.len().min(self.room());
        self.0.held.fetch_add(count, Ordering::AcqRel);
        if inner.waiting.is_empty() && count == events.len() {
            // The reader's last batch comes back as the next one's memory.
            std::mem::swap(&mut inner.waiting, events);
        } else {
            inner.waiting.extend(events.drain(..count));
        }
        let all = events.is_empty();
        let waits = all && count >= BURST && inner.waiting.len() < TOGETHER;
        let sleeps_on = waits && matches!(inner.reader, Reader::Asleep);
        if sleeps_on || inner.waiting.is_empty() {
            drop(inner);
        } else {
            self.0.wake(inner);
        }
        drop(spent);
        sleeps_on
    }

    /// Wakes the reader, if it waits.
    pub(crate) fn wake(&self) {
        self.0.wake(self.0.lock());
    }

    /// Waits until half of the room is free, or nobody reads any more.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub(crate) async fn has_room(&self) {
        poll_fn(|cx| {
            self.0.room.register(cx.waker());
            if self.0.held.load(Ordering::Acquire) <= self.0.low() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.closed = true;
        self.0.wake(inner);
    }
}

/// The end that events are taken out of.
#[derive(Debug)]
pub(crate) struct Receiver(Arc<Shared>);

impl Receiver {
    /// Takes all there is in place of the batch, which is to be empty; waits if there is nothing. `false` at the end.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(crate) async fn recv(&mut self, batch: &mut Vec<Event>) -> bool {
        poll_fn(|cx| {
            let mut inner = self.0.lock();
            if inner.take(batch) {
                Poll::Ready(true)
            } else if inner.closed {
                Poll::Ready(false)
            } else {
                inner.reader = Reader::Waiting(cx.waker().clone());
                Poll::Pending
            }
        })
        .await
    }

    /// As [`recv`](Self::recv), from a thread that may sleep.
    ///
    /// Events that were delivered are dropped: in a burst by the sender, since two threads that free and allocate the same
    /// memory wait for each other again and again.
    pub(crate) fn blocking_recv(&mut self, batch: &mut Vec<Event>, delivered: &mut Vec<Event>) -> bool {
        let mut inner = self.0.lock();
        inner.give_back(delivered);
        let mut is_burst = inner.spent.len() >= BURST;
        loop {
            if inner.take(batch) {
                return true;
            }
            if inner.closed {
                return false;
            }
            inner.reader = Reader::Asleep;
            if is_burst {
                let woken = self.0.filled.wait_timeout(inner, PAUSE);
                let (woken, timeout) = woken.unwrap_or_else(PoisonError::into_inner);
                inner = woken;
                is_burst = !timeout.timed_out();
            } else if inner.spent.is_empty() {
                inner = self.0.filled.wait(inner).unwrap_or_else(PoisonError::into_inner);
            } else {
                // Nothing is kept while nothing comes.
                let spent = std::mem::take(&mut inner.spent);
                drop(inner);
                drop((spent, std::mem::take(delivered)));
                inner = self.0.lock();
            }
        }
    }

    /// One of the events that were taken was delivered: there is room for another.
    pub(crate) fn delivered(&self) {
        if self.0.held.fetch_sub(1, Ordering::AcqRel) == self.0.low() + 1 {
            self.0.room.wake();
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.reader = Reader::Gone;
        let waiting = std::mem::take(&mut inner.waiting);
        drop(inner);
        // Events are the application's too, when they end.
        drop(waiting);
        self.0.held.store(0, Ordering::Release);
        self.0.room.wake();
    }
}

impl Inner {
    /// What was delivered goes back to the sender.
    fn give_back(&mut self, delivered: &mut Vec<Event>) {
        if self.spent.is_empty() {
            std::mem::swap(&mut self.spent, delivered);
        } else {
            self.spent.append(delivered);
        }
    }

    fn take(&mut self, batch: &mut Vec<Event>) -> bool {
        self.reader = Reader::AtWork;
        if self.waiting.is_empty() {
            // The burst is over. A block that is given back as a whole can be had again at once.
            for empty in [&mut self.waiting, batch] {
                if empty.capacity() > KEPT {
                    *empty = Vec::with_capacity(KEPT);
                }
            }
            return false;
        }
        std::mem::swap(&mut self.waiting, batch);
        true
    }
}

#[cfg(test)]
mod tests;
