//! [`Rooms`]: how much the events that wait for the consumer may hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::sync::Notify;

use crate::observe;

/// What is left of the room. Taken by events on their way to the consumer, given back when they get there.
///
/// A semaphore, but for two things: nobody stands in line, since there are no more readers than two, and giving back
/// takes no lock while nobody waits, which is what happens for every event.
#[derive(Debug)]
pub(super) struct Rooms {
    free: AtomicU32,
    is_closed: AtomicBool,
    waiting: AtomicU32,
    freed: Notify,
}

/// The room that an event takes up until it is taken.
#[derive(Debug)]
pub(crate) struct Room {
    rooms: Arc<Rooms>,
    size: u32,
    _queued: observe::Queued,
}

impl Rooms {
    pub(super) fn new(size: u32) -> Arc<Self> {
        Arc::new(Self {
            free: AtomicU32::new(size),
            is_closed: AtomicBool::new(false),
            waiting: AtomicU32::new(0),
            freed: Notify::new(),
        })
    }

    /// So much room, if it is there now.
    pub(super) fn try_take(self: &Arc<Self>, size: u32) -> Option<Room> {
        if self.is_closed.load(Ordering::Relaxed) {
            return None;
        }
        let less = |free: u32| free.checked_sub(size);
        let taken = self.free.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        taken.is_ok().then(|| Room {
            rooms: Arc::clone(self),
            size,
            _queued: observe::Queued::now(),
        })
    }

    /// So much room, once it is there; `None` if there will be none. Cancel safe.
    pub(super) async fn take(self: &Arc<Self>, size: u32) -> Option<Room> {
        let _waiting = Waiting::begin(&self.waiting);
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if self.is_closed.load(Ordering::SeqCst) {
                return None;
            }
            if let Some(room) = self.try_take(size) {
                return Some(room);
            }
            freed.await;
        }
    }

    /// There is nobody to take events any more.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        self.freed.notify_waiters();
    }
}

impl Room {
    /// Bytes of the event, or what it counts as at least.
    pub(super) fn size(&self) -> usize {
        usize::try_from(self.size).unwrap_or(usize::MAX)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.rooms.free.fetch_add(self.size, Ordering::SeqCst);
        // Whoever waits said so before looking at what is free.
        if self.rooms.waiting.load(Ordering::SeqCst) > 0 {
            self.rooms.freed.notify_waiters();
        }
    }
}

/// Somebody waits for room.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn begin(waiting: &'a AtomicU32) -> Self {
        waiting.fetch_add(1, Ordering::SeqCst);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let rooms = Rooms::new(10);
        let first = rooms.try_take(6).unwrap();
        assert!(rooms.try_take(5).is_none());
        let second = rooms.try_take(4).unwrap();
        drop(first);
        assert!(rooms.try_take(7).is_none());
        drop(second);
        assert!(rooms.try_take(10).is_some());
    }

    #[test]
    fn whoever_waits_is_told() {
        let rooms = Rooms::new(10);
        let all = rooms.try_take(10).unwrap();
        let mut waiting = std::pin::pin!(rooms.take(3));
        assert!(poll(waiting.as_mut()).is_pending());
        assert_eq!(rooms.waiting.load(Ordering::SeqCst), 1);
        drop(all);
        let Poll::Ready(Some(room)) = poll(waiting.as_mut()) else {
            panic!("there is room")
        };
        assert_eq!(rooms.waiting.load(Ordering::SeqCst), 0);
        drop(room);
        assert_eq!(rooms.free.load(Ordering::SeqCst), 10);
    }

    #[test]
    fn nobody_waits_for_what_is_closed() {
        let rooms = Rooms::new(1);
        let all = rooms.try_take(1).unwrap();
        let mut waiting = std::pin::pin!(rooms.take(1));
        assert!(poll(waiting.as_mut()).is_pending());
        rooms.close();
        assert!(matches!(poll(waiting.as_mut()), Poll::Ready(None)));
        drop(all);
        assert!(rooms.try_take(1).is_none());
    }
}
