//! [`Calls`]: the calls over WebRTC and SIP that go on, as far as the server's side of them is concerned.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rt_protocol::RealtimeSession;
use tokio::sync::broadcast;

/// The most calls at a time; the oldest ends for a new one.
const MAX_CALLS: usize = 1024;

/// The calls that go on.
#[derive(Debug)]
pub(crate) struct Calls {
    /// In the order they began.
    open: Mutex<VecDeque<Call>>,
    /// The ids of those that ended.
    ended: broadcast::Sender<String>,
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            open: Mutex::default(),
            ended: broadcast::Sender::new(256),
        }
    }
}

/// A call.
#[derive(Debug)]
struct Call {
    /// `rtc_…`
    id: String,
    /// Its session; `None` while it rings.
    session: Option<RealtimeSession>,
}

impl Calls {
    /// The calls; a panic elsewhere does not make them unreadable.
    fn open(&self) -> MutexGuard<'_, VecDeque<Call>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new call; without a session it rings. Its id is returned.
    pub(crate) fn begin(&self, session: Option<RealtimeSession>) -> String {
        let letters: String = (0..22).map(|_| fastrand::alphanumeric()).collect();
        let id = format!("rtc_{letters}");
        let mut open = self.open();
        if open.len() >= MAX_CALLS
            && let Some(oldest) = open.pop_front()
        {
            let _ = self.ended.send(oldest.id);
        }
        open.push_back(Call {
            id: id.clone(),
            session,
        });
        id
    }

    /// The session of a call that was taken.
    pub(crate) fn session(&self, id: &str) -> Option<RealtimeSession> {
        let open = self.open();
        open.iter().find(|call| call.id == id)?.session.clone()
    }

    /// Whether there is such a call.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.open().iter().any(|call| call.id == id)
    }

    /// Takes a call; whether there is one is returned.
    pub(crate) fn accept(&self, id: &str, session: RealtimeSession) -> bool {
        let mut open = self.open();
        let found = open.iter_mut().find(|call| call.id == id);
        found.map(|call| call.session = Some(session)).is_some()
    }

    /// Ends a call; whether there was one is returned.
    pub(crate) fn end(&self, id: &str) -> bool {
        let mut open = self.open();
        let before = open.len();
        open.retain(|call| call.id != id);
        let ended = open.len() < before;
        if ended {
            // Nobody listens if no connection is open.
            let _ = self.ended.send(id.to_owned());
        }
        ended
    }

    /// Tells the ids of the calls that end from now on.
    pub(crate) fn ends(&self) -> broadcast::Receiver<String> {
        self.ended.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_rings_goes_on_and_ends() {
        let calls = Calls::default();
        let id = calls.begin(None);
        assert!(id.starts_with("rtc_") && calls.has(&id) && calls.session(&id).is_none());
        assert!(calls.accept(&id, RealtimeSession::default()));
        assert!(calls.session(&id).is_some());
        let mut ends = calls.ends();
        assert!(calls.end(&id) && !calls.end(&id));
        assert_eq!(
            (ends.try_recv().ok(), ends.try_recv().ok()),
            (Some(id.clone()), None)
        );
        assert!(!calls.accept(&id, RealtimeSession::default()));
        for _ in 0..MAX_CALLS + 5 {
            calls.begin(None);
        }
        assert_eq!(calls.open().len(), MAX_CALLS);
    }
}
