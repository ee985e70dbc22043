//! The user's code: closures and the handler, on a thread of their own.
//!
//! A callback may block for as long as it likes. On a worker of the runtime it would hold up more than itself: a worker that
//! waits for sockets runs what they wake, and while that blocks nobody may be left to wait for sockets. A runtime of a single
//! thread would stand still altogether.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Weak;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use crate::dispatch::finish;
use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::handlers::{Closures, EventHandler, Kinds, call, kind};
use crate::session::{Session, Shared};

/// A callback that takes longer is told of in the log.
const SLOW: Duration = Duration::from_millis(250);

/// The closures and the handler of a session.
pub(crate) struct Callbacks {
    closures: Closures,
    /// What the closures are for.
    kinds: Kinds,
    handler: Option<Box<dyn EventHandler>>,
    session: Weak<Shared>,
    /// Since when a callback runs.
    began: Instant,
}

impl Callbacks {
    pub(crate) fn new(
        closures: Closures,
        handler: Option<Box<dyn EventHandler>>,
        session: Weak<Shared>,
    ) -> Self {
        Self {
            kinds: closures.kinds(),
            closures,
            handler,
            session,
            began: Instant::now(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.handler.is_none()
    }

    /// Which events are for one of them.
    pub(crate) fn interest(&self) -> Interest {
        match &self.handler {
            // Which of its methods do anything is not known.
            Some(_) => Interest::All,
            None => Interest::Some(self.kinds),
        }
    }

    /// Waiting is over: what takes time from now on are callbacks.
    pub(crate) fn resume(&mut self) {
        self.began = Instant::now();
    }

    /// Gives an event to the closure it is for, then to the handler. What panicked, if something did.
    ///
    /// Not from a task: it blocks for as long as they do.
    pub(crate) fn call(&mut self, runtime: &Handle, event: &Event) -> Option<Error> {
        let mut panicked = None;
        if self.kinds.contains(event) {
            let called = || self.closures.call(event);
            if std::panic::catch_unwind(AssertUnwindSafe(called)).is_err() {
                panicked = Some(kind(event).1);
            }
        }
        if let Some(handler) = &mut self.handler
            && let Some(shared) = self.session.upgrade()
        {
            let session = Session::of(shared);
            let called = || finish(runtime, pin!(call(handler.as_mut(), &session, event)));
            if std::panic::catch_unwind(AssertUnwindSafe(called)).is_err() {
                panicked = Some("of the event handler");
            }
        }
        let now = Instant::now();
        let took = now.saturating_duration_since(std::mem::replace(&mut self.began, now));
        if took > SLOW {
            tracing::warn!(
                took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                "a callback is slow"
            );
        }
        let error =
            panicked.map(|name| Error::new(ErrorKind::Callback, format!("the callback {name} panicked")));
        if let Some(error) = &error {
            tracing::warn!(%error, "a callback panicked");
        }
        error
    }
}

/// Which events callbacks are for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Interest {
    All,
    Some(Kinds),
}

impl Interest {
    pub(crate) fn includes(self, event: &Event) -> bool {
        match self {
            Self::All => true,
            Self::Some(kinds) => kinds.contains(event),
        }
    }
}
