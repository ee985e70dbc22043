//! The task that calls the callbacks, in order, and feeds the streams.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::{FutureExt, Stream};
use tokio::sync::{mpsc, watch};

use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::handlers::{Closures, EventHandler, call};
use crate::session::{Session, Shared};

/// A callback that takes longer is told of in the log.
const SLOW: Duration = Duration::from_millis(250);
/// Events that wait in a stream, until whoever reads it slows the session down.
const STREAM: usize = 256;

/// How long streams that are full are waited for once the session closes.
pub(crate) const STREAM_GRACE: Duration = Duration::from_secs(1);

/// The streams that were asked for.
pub(crate) type Streams = Arc<Mutex<Vec<mpsc::Sender<Event>>>>;

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
        streams
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(sender);
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

/// What the task needs.
pub(crate) struct Dispatcher {
    pub(crate) events: mpsc::Receiver<Event>,
    pub(crate) closures: Closures,
    pub(crate) handler: Option<Box<dyn EventHandler>>,
    pub(crate) streams: Streams,
    pub(crate) session: Weak<Shared>,
    /// Set when the session closes: until when streams are waited for.
    pub(crate) closing: watch::Receiver<Option<tokio::time::Instant>>,
}

impl Dispatcher {
    /// Runs until the session is over and every event was delivered.
    pub(crate) async fn run(mut self) {
        while let Some(event) = self.events.recv().await {
            let panicked = self.deliver(event).await;
            if let Some(error) = panicked {
                tracing::warn!(%error, "a callback panicked");
                // A panic in here has nobody left to be told to.
                self.deliver(Event::Error(error)).await;
            }
        }
        // Its end is the end of the streams.
        self.streams
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Gives an event to everybody. What panicked, if something did.
    async fn deliver(&mut self, event: Event) -> Option<Error> {
        let began = Instant::now();
        let mut panicked = None;
        if let Some(name) = self.closures.takes(&event) {
            let closures = &mut self.closures;
            let copy = event.clone();
            if std::panic::catch_unwind(AssertUnwindSafe(|| closures.call(copy))).is_err() {
                panicked = Some(name);
            }
        }
        if let Some(handler) = &mut self.handler
            && let Some(shared) = self.session.upgrade()
        {
            let session = Session::of(shared);
            let called = AssertUnwindSafe(call(handler.as_mut(), &session, event.clone()));
            if called.catch_unwind().await.is_err() {
                panicked = Some("of the event handler");
            }
        }
        let took = began.elapsed();
        if took > SLOW {
            tracing::warn!(
                took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                "a callback is slow"
            );
        }
        let streams = self
            .streams
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for stream in &streams {
            let sent = tokio::select! {
                biased;
                sent = stream.send(event.clone()) => sent.is_ok(),
                // Nobody reads it: the end of the session does not depend on that.
                () = patience(&mut self.closing) => !stream.is_closed(),
            };
            if !sent {
                let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
                streams.retain(|stream| !stream.is_closed());
            }
        }
        panicked.map(|name| Error::new(ErrorKind::Callback, format!("the callback {name} panicked")))
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
    use super::*;

    /// A dispatcher with one stream that is full and not read, and what it still has to deliver.
    fn stuck(closing: watch::Receiver<Option<tokio::time::Instant>>) -> (Dispatcher, EventStream) {
        let streams = Streams::default();
        let stream = EventStream::new(&streams);
        let (sender, events) = mpsc::channel(STREAM + 10);
        for _ in 0..STREAM + 10 {
            sender
                .try_send(Event::State(rt_lowlevel::State::Connected))
                .expect("there is room");
        }
        let dispatcher = Dispatcher {
            events,
            closures: Closures::default(),
            handler: None,
            streams,
            session: Weak::new(),
            closing,
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
