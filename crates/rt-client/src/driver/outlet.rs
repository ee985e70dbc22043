//! The events on their way out of the session's task.

use std::sync::Arc;

use crate::callbacks::Interest;
use crate::dispatch::Streams;
use crate::event::Event;
use crate::queue::Sender;

/// Where events leave the session's task: those that nobody listens to end here.
pub(crate) struct Outlet {
    /// Those that were not passed on yet.
    events: Vec<Event>,
    queue: Sender,
    interest: Interest,
    streams: Arc<Streams>,
    /// Who takes them sleeps on until it is known whether more come right behind.
    is_sleeping: bool,
}

impl Outlet {
    pub(crate) fn new(queue: Sender, interest: Interest, streams: Arc<Streams>) -> Self {
        Self {
            events: Vec::new(),
            queue,
            interest,
            streams,
            is_sleeping: false,
        }
    }

    pub(super) fn push(&mut self, event: Event) {
        self.events.push(event);
    }

    /// How many wait here.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// How many may wait here and be passed on at once.
    pub(super) fn capacity(&self) -> usize {
        self.queue.room()
    }

    /// Passes on as many events as there is room for. Whether that was all.
    pub(super) fn pass(&mut self) -> bool {
        if self.events.is_empty() {
            return true;
        }
        if self.streams.is_empty() {
            let interest = self.interest;
            self.events.retain(|event| interest.includes(event));
        }
        if !self.events.is_empty() {
            self.is_sleeping = self.queue.send(&mut self.events);
        }
        self.events.is_empty()
    }

    /// Whether [`wake`](Self::wake) is to be called if nothing more comes.
    pub(super) fn is_sleeping(&self) -> bool {
        self.is_sleeping
    }

    /// Wakes who takes the events.
    pub(super) fn wake(&mut self) {
        self.is_sleeping = false;
        self.queue.wake();
    }

    /// Waits until there is room again, after there was none.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub(super) async fn room(&self) {
        self.queue.has_room().await;
    }
}
