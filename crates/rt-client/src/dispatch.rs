//! Events on their way to whoever listens: callbacks, then streams, one event after the other.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread::ThreadId;
use std::time::Duration;

use futures::{FutureExt, Stream};
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};

use crate::callbacks::Callbacks;
use crate::driver::Counters;
use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::queue;

/// Events that wait in a stream, until whoever reads it slows the session down.
const STREAM: usize = 256;

/// How long streams that are full are waited for once the session closes.
pub(crate) const STREAM_GRACE: Duration = Duration::from_secs(1);

/// The streams that were asked for.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    senders: Mutex<Vec<mpsc::Sender<Event>>>,
    /// Nothing comes any more. Written under the lock.
    closed: AtomicBool,
    /// How many there are, to be looked at without the lock.
    count: AtomicUsize,
}

impl Streams {
    /// Whether anybody reads.
    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    fn change<T>(&self, change: impl FnOnce(&mut Vec<mpsc::Sender<Event>>) -> T) -> T {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut senders);
        self.count.store(senders.len(), Ordering::Release);
        result
    }

    /// The streams end, and so does every one that is asked for later.
    fn close(&self) {
        self.change(|senders| {
            self.closed.store(true, Ordering::Release);
            senders.clear();
        });
    }
}

/// Events of a session as a stream: what [`Session::events`](crate::Session::events) returns.
///
/// It ends when the session does. Events that are not taken wait; when 256 of them do, the session waits, and then the
/// server. Drop a stream that is not read any more. When the session is closed, one that is full is waited for no longer
/// than a second in all; what has no room in it then is left out.
#[derive(Debug)]
pub struct EventStream {
    events: mpsc::Receiver<Event>,
}

impl EventStream {
    pub(crate) fn new(streams: &Streams) -> Self {
        let (sender, events) = mpsc::channel(STREAM);
        streams.change(|senders| {
            if !streams.closed.load(Ordering::Acquire) {
                senders.push(sender);
            }
        });
        Self { events }
    }

    /// The next event; `None` when the session is over.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }
}

impl Stream for EventStream {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.events.poll_recv(cx)
    }
}

/// Takes the events of a session and gives them to its callbacks and its streams, one after the other.
pub(crate) struct Dispatcher {
    pub(crate) events: queue::Receiver,
    pub(crate) callbacks: Callbacks,
    pub(crate) streams: Fan,
    pub(crate) counters: Arc<Counters>,
    /// Dropped at the end.
    pub(crate) _running: mpsc::Sender<Infallible>,
}

impl Dispatcher {
    /// Runs until the session is over and every event was delivered: as a task, or, if there are callbacks, on a thread of
    /// its own, whose id this returns.
    ///
    /// # Errors
    /// `Callback` if the system gives no thread.
    pub(crate) fn start(self) -> Result<Option<ThreadId>, Error> {
        if self.callbacks.is_empty() {
            tokio::spawn(self.run());
            return Ok(None);
        }
        let runtime = Handle::current();
        let thread = std::thread::Builder::new().name("rt-callbacks".to_owned());
        // Nobody joins it: a callback that never returns must not hold up the end of the program or of the runtime.
        let started = thread.spawn(move || self.run_thread(&runtime));
        let thread = started.map_err(|error| {
            let message =
                format!("the thread for the callbacks could not be started: {error}: end other threads");
            Error::new(ErrorKind::Callback, message)
        })?;
        Ok(Some(thread.thread().id()))
    }

    async fn run(mut self) {
        let mut batch = Vec::new();
        while self.events.recv(&mut batch).await {
            for event in batch.drain(..) {
                self.streams.send(event).await;
                self.delivered();
            }
        }
    }

    fn run_thread(mut self, runtime: &Handle) {
        // Callbacks may spawn tasks.
        let _entered = runtime.enter();
        let (mut batch, mut delivered) = (Vec::new(), Vec::new());
        while self.events.blocking_recv(&mut batch, &mut delivered) {
            self.callbacks.resume();
            for event in batch.drain(..) {
                delivered.extend(self.deliver(runtime, event));
                self.delivered();
            }
        }
    }

    fn delivered(&self) {
        self.events.delivered();
        self.counters.delivered.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives an event to everybody. Callbacks are given copies: what is left is to be dropped where it is from.
    fn deliver(&mut self, runtime: &Handle, event: Event) -> Option<Event> {
        let panicked = self.callbacks.call(runtime, &event);
        let rest = self.send(runtime, event);
        if let Some(error) = panicked.map(Event::Error) {
            // A panic in here has nobody left to be told to.
            self.callbacks.call(runtime, &error);
            self.send(runtime, error);
        }
        rest
    }

    /// Gives an event to the streams; back, if there are none.
    fn send(&mut self, runtime: &Handle, event: Event) -> Option<Event> {
        if self.streams.is_empty() {
            return Some(event);
        }
        finish(runtime, pin!(self.streams.send(event)));
        self.callbacks.resume();
        None
    }
}

/// Runs a future to its end. Most are ready at once, and spare the runtime the entrance.
pub(crate) fn finish<T>(runtime: &Handle, mut future: Pin<&mut impl Future<Output = T>>) -> T {
    match future.as_mut().now_or_never() {
        Some(result) => result,
        None => runtime.block_on(future),
    }
}

/// The streams of a session, from the side of the session. They end with it.
pub(crate) struct Fan {
    pub(crate) streams: Arc<Streams>,
    /// Set when the session closes: until when streams are waited for.
    pub(crate) closing: watch::Receiver<Option<tokio::time::Instant>>,
}

impl Fan {
    fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// Gives an event to all streams, and waits for those that are full.
    async fn send(&mut self, event: Event) {
        for (stream, event) in self.streams.change(|senders| offer(senders, event)) {
            let sent = tokio::select! {
                biased;
                sent = stream.send(event) => sent.is_ok(),
                // Nobody reads it: the end of the session does not depend on that.
                () = patience(&mut self.closing) => !stream.is_closed(),
            };
            if !sent {
                self.streams
                    .change(|senders| senders.retain(|stream| !stream.is_closed()));
            }
        }
    }
}

/// Gives an event to the streams that have room. Those that have none, and what they are to be given.
fn offer(senders: &mut Vec<mpsc::Sender<Event>>, event: Event) -> Vec<(mpsc::Sender<Event>, Event)> {
    let mut full = Vec::new();
    let mut left = senders.len();
    let mut event = Some(event);
    senders.retain(|sender| {
        left -= 1;
        // The last one, most often the only one, needs no copy.
        let copy = if left == 0 { event.take() } else { event.clone() };
        let Some(copy) = copy else { return true };
        match sender.try_send(copy) {
            Ok(()) => true,
            Err(TrySendError::Full(copy)) => {
                full.push((sender.clone(), copy));
                true
            }
            Err(TrySendError::Closed(_)) => false,
        }
    });
    full
}

impl Drop for Fan {
    fn drop(&mut self) {
        self.streams.close();
    }
}

/// Returns when streams are not waited for any more.
async fn patience(closing: &mut watch::Receiver<Option<tokio::time::Instant>>) {
    // Without a sender nobody holds the session any more.
    let until = closing
        .wait_for(Option::is_some)
        .await
        .ok()
        .and_then(|until| *until);
    if let Some(until) = until {
        tokio::time::sleep_until(until).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Weak;

    use super::*;
    use crate::handlers::Closures;

    /// A dispatcher with one stream that is full and not read, and what it still has to deliver.
    fn stuck(closing: watch::Receiver<Option<tokio::time::Instant>>) -> (Dispatcher, EventStream) {
        let streams = Arc::new(Streams::default());
        let stream = EventStream::new(&streams);
        let (sender, events) = queue::queue(STREAM + 10);
        let _wakes = sender.send(&mut vec![
            Event::State(rt_lowlevel::State::Connected);
            STREAM + 10
        ]);
        let dispatcher = Dispatcher {
            events,
            callbacks: Callbacks::new(Closures::default(), None, Weak::new()),
            streams: Fan { streams, closing },
            counters: Arc::default(),
            _running: mpsc::channel(1).0,
        };
        (dispatcher, stream)
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_nobody_reads_does_not_hold_up_the_end() {
        let (closing, closes) = watch::channel(None);
        let (dispatcher, mut stream) = stuck(closes);
        let task = tokio::spawn(dispatcher.run());
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert!(!task.is_finished());
        closing.send_replace(Some(tokio::time::Instant::now() + STREAM_GRACE));
        let over = tokio::time::timeout(2 * STREAM_GRACE, task).await;
        over.expect("it ends").expect("it does not panic");
        let mut left = 0;
        while stream.next().await.is_some() {
            left += 1;
        }
        assert_eq!(left, STREAM);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_gets_everything_when_the_session_closes() {
        let (closing, closes) = watch::channel(None);
        let (dispatcher, mut stream) = stuck(closes);
        tokio::spawn(dispatcher.run());
        tokio::time::sleep(Duration::from_secs(1)).await;
        closing.send_replace(Some(tokio::time::Instant::now() + STREAM_GRACE));
        let mut left = 0;
        while stream.next().await.is_some() {
            left += 1;
        }
        assert_eq!(left, STREAM + 10);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_session_nobody_is_waited_for() {
        let (closing, closes) = watch::channel(None);
        let (dispatcher, _stream) = stuck(closes);
        drop(closing);
        let over = tokio::time::timeout(STREAM_GRACE, dispatcher.run()).await;
        over.expect("it ends");
    }
}
