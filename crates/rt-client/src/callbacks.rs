//! The user's code: closures and the handler, on a thread of their own.
//!
//! A callback may block for as long as it likes. On a worker of the runtime it would hold up more than itself: a worker that
//! waits for sockets runs what they wake, and while that blocks nobody may be left to wait for sockets. A runtime of a single
//! thread would stand still altogether.

use std::panic::AssertUnwindSafe;
use std::sync::Weak;
use std::time::{Duration, Instant};

use futures::FutureExt;
use tokio::runtime::Handle;

use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::handlers::{Closures, EventHandler, call};
use crate::session::{Session, Shared};

/// A callback that takes longer is told of in the log.
const SLOW: Duration = Duration::from_millis(250);

/// The closures and the handler of a session.
pub(crate) struct Callbacks {
    pub(crate) closures: Closures,
    pub(crate) handler: Option<Box<dyn EventHandler>>,
    pub(crate) session: Weak<Shared>,
}

impl Callbacks {
    pub(crate) fn is_empty(&self) -> bool {
        self.closures.is_empty() && self.handler.is_none()
    }

    /// Gives an event to the closure it is for, then to the handler. What panicked, if something did.
    ///
    /// Not from a task: it blocks for as long as they do.
    pub(crate) fn call(&mut self, runtime: &Handle, event: &Event) -> Option<Error> {
        let began = Instant::now();
        let mut panicked = None;
        if let Some(name) = self.closures.takes(event) {
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
            if runtime.block_on(called.catch_unwind()).is_err() {
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
        let error =
            panicked.map(|name| Error::new(ErrorKind::Callback, format!("the callback {name} panicked")));
        if let Some(error) = &error {
            tracing::warn!(%error, "a callback panicked");
        }
        error
    }
}
