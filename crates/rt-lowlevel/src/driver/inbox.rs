//! [`Inbox`] and [`Events`]: the events on their way to the consumer.
//!
//! A channel that moves all that waits at once: in a burst the consumer takes the lock once for many events. At rest it
//! holds next to nothing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use tokio::task::coop;

use super::room::Room;
use crate::event::ConnectionEvent;

/// How many events there is room for at rest.
const REST: usize = 4;

/// How many right after a burst, which may go on.
const BURST: usize = 64;

/// An event on its way to the consumer, with the room it takes up until it gets there.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) event: ConnectionEvent,
    /// None of an event that needs none; or that was waited for in vain, and is dropped when it has been told.
    pub(crate) room: Option<Room>,
}

/// The sending side. It never blocks: what goes in is bounded by [`Room`].
#[derive(Debug)]
pub(super) struct Inbox(Arc<Mutex<Inner>>);

/// The receiving side.
#[derive(Debug)]
pub(crate) struct Events {
    inner: Arc<Mutex<Inner>>,
    /// Taken over, and next to be given out.
    taken: VecDeque<Delivery>,
    /// There were many at once, and may be again.
    is_burst: bool,
}

#[derive(Debug, Default)]
struct Inner {
    queue: VecDeque<Delivery>,
    waker: Option<Waker>,
    /// Nothing more is taken in.
    is_closed: bool,
}

/// The inbox while events are put in, one after the other.
#[derive(Debug)]
pub(super) struct Opened<'a> {
    inbox: &'a Inbox,
    /// Locked with the first event.
    inner: Option<MutexGuard<'a, Inner>>,
}

fn locked(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps no more room than this in an empty queue. A block that is given back as a whole can be had again at once; one that is
/// made smaller goes back to the system page by page, again in every burst.
fn rest(queue: &mut VecDeque<Delivery>, room: usize) {
    if queue.capacity() > room {
        *queue = VecDeque::with_capacity(room);
    }
}

impl Inbox {
    pub(super) fn new() -> (Self, Events) {
        let inner = Arc::new(Mutex::new(Inner::default()));
        let events = Events {
            inner: Arc::clone(&inner),
            taken: VecDeque::new(),
            is_burst: false,
        };
        (Self(inner), events)
    }

    pub(super) fn open(&self) -> Opened<'_> {
        Opened {
            inbox: self,
            inner: None,
        }
    }
}

impl Opened<'_> {
    /// Puts an event in. If nobody listens any more, nothing is lost that anybody wanted.
    pub(super) fn push(&mut self, event: ConnectionEvent, room: Option<Room>) {
        let inner = self.inner.get_or_insert_with(|| locked(&self.inbox.0));
        if !inner.is_closed {
            inner.queue.push_back(Delivery { event, room });
        }
    }

    /// Puts in so many from the front of `deliveries`. Most often that is all, and nothing is waiting: then none is moved.
    pub(super) fn append(&mut self, deliveries: &mut VecDeque<Delivery>, count: usize) {
        let inner = self.inner.get_or_insert_with(|| locked(&self.inbox.0));
        if !inner.is_closed && inner.queue.is_empty() && count == deliveries.len() {
            std::mem::swap(&mut inner.queue, deliveries);
            return;
        }
        let front = deliveries.drain(..count);
        if !inner.is_closed {
            inner.queue.extend(front);
        }
    }

    /// Whoever is to be woken, if anything was put in.
    pub(super) fn close(self) -> Option<Waker> {
        self.inner?.waker.take()
    }
}

impl Events {
    /// The next event; nothing once it is closed and empty.
    pub(crate) fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<ConnectionEvent>> {
        let progress = ready!(coop::poll_proceed(cx));
        if self.taken.is_empty() {
            let mut inner = locked(&self.inner);
            if inner.queue.is_empty() {
                if inner.is_closed {
                    return Poll::Ready(None);
                }
                if !inner
                    .waker
                    .as_ref()
                    .is_some_and(|waker| waker.will_wake(cx.waker()))
                {
                    inner.waker = Some(cx.waker().clone());
                }
                let room = if self.is_burst { BURST } else { REST };
                self.is_burst = false;
                rest(&mut inner.queue, room);
                rest(&mut self.taken, room);
                return Poll::Pending;
            }
            self.is_burst = inner.queue.len() > REST;
            std::mem::swap(&mut inner.queue, &mut self.taken);
        }
        progress.made_progress();
        Poll::Ready(self.taken.pop_front().map(|delivery| delivery.event))
    }

    /// Takes nothing more in. What is there can still be taken.
    pub(crate) fn close(&mut self) {
        locked(&self.inner).is_closed = true;
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let left = {
            let mut inner = locked(&self.inner);
            inner.is_closed = true;
            std::mem::take(&mut inner.queue)
        };
        // Without the lock: it gives room back.
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::AudioGap;

    fn event(events: u64) -> ConnectionEvent {
        ConnectionEvent::AudioGap(AudioGap {
            events,
            ..AudioGap::default()
        })
    }

    fn put(inbox: &Inbox, numbers: std::ops::Range<u64>) -> Option<Waker> {
        let mut opened = inbox.open();
        numbers.for_each(|number| opened.push(event(number), None));
        opened.close()
    }

    fn take(events: &mut Events) -> Option<Option<u64>> {
        match events.poll_recv(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(ConnectionEvent::AudioGap(gap))) => Some(Some(gap.events)),
            Poll::Ready(None) => Some(None),
            Poll::Ready(Some(other)) => panic!("{other:?}"),
            Poll::Pending => None,
        }
    }

    #[test]
    fn order_is_kept_however_it_is_taken() {
        let (inbox, mut events) = Inbox::new();
        assert!(put(&inbox, 0..3).is_none(), "nobody waits yet");
        assert_eq!(take(&mut events), Some(Some(0)));
        put(&inbox, 3..5);
        let rest: Vec<u64> = std::iter::from_fn(|| take(&mut events).flatten()).collect();
        assert_eq!(rest, [1, 2, 3, 4]);
        assert_eq!(take(&mut events), None);
        assert!(put(&inbox, 5..6).is_some(), "somebody waits now");
        assert!(put(&inbox, 0..0).is_none(), "nothing was put in");
    }

    #[test]
    fn what_is_put_in_together_comes_behind_what_was_there() {
        let (inbox, mut events) = Inbox::new();
        let append = |numbers: std::ops::Range<u64>, count| {
            let delivery = |number| Delivery {
                event: event(number),
                room: None,
            };
            let mut deliveries: VecDeque<Delivery> = numbers.map(delivery).collect();
            let mut opened = inbox.open();
            opened.append(&mut deliveries, count);
            opened.close();
            deliveries.len()
        };
        assert_eq!(append(0..3, 3), 0, "all of it, into an empty one");
        assert_eq!(append(3..5, 2), 0, "all of it, behind others");
        assert_eq!(append(5..9, 2), 2, "a part of it");
        let all: Vec<u64> = std::iter::from_fn(|| take(&mut events).flatten()).collect();
        assert_eq!(all, [0, 1, 2, 3, 4, 5, 6]);
        events.close();
        assert_eq!(append(0..3, 3), 0, "nobody listens");
        assert_eq!(take(&mut events), Some(None));
    }

    #[test]
    fn what_was_put_in_before_the_end_is_still_taken() {
        let (inbox, mut events) = Inbox::new();
        put(&inbox, 0..2);
        assert_eq!(take(&mut events), Some(Some(0)));
        events.close();
        put(&inbox, 2..3);
        assert_eq!(take(&mut events), Some(Some(1)));
        assert_eq!(take(&mut events), Some(None));
    }

    #[test]
    fn a_burst_leaves_no_room_behind() {
        let (inbox, mut events) = Inbox::new();
        for _ in 0..2 {
            put(&inbox, 0..500);
            while take(&mut events).is_some() {}
        }
        assert!(events.taken.capacity() <= 2 * BURST);
        assert!(locked(&inbox.0).queue.capacity() <= 2 * BURST);
        put(&inbox, 0..1);
        while take(&mut events).is_some() {}
        assert!(events.taken.capacity() <= 2 * REST);
        assert!(locked(&inbox.0).queue.capacity() <= 2 * REST);
    }
}
