//! [`Fault`]: what goes wrong on a connection, on command.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Something that goes wrong on a connection.
///
/// ```
/// use rt_emulator::{Action, Fault, Trigger};
///
/// let throttled = Fault::status(429).header("Retry-After", "2");
/// let cut = Fault::at(Trigger::Sent { event_type: "response.output_audio.delta".into(), count: 3 }, Action::Reset);
/// assert_ne!(throttled, cut);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The connection is reset before a byte is read.
    Refuse,
    /// The handshake is answered with an HTTP status instead of the 101.
    Http {
        /// The status.
        status: u16,
        /// Headers besides `Content-Type`, `Content-Length` and `Connection`.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
    },
    /// After the 101 comes an `error` event and a close, as for a bad key.
    Error {
        /// `error.type`.
        error_type: String,
        /// `error.code`.
        code: Option<String>,
        /// `error.message`.
        message: String,
        /// The close code.
        close: u16,
        /// The close reason.
        reason: String,
    },
    /// The connection works until something happens.
    At {
        /// What happens.
        when: Trigger,
        /// What it leads to.
        then: Action,
    },
}

/// The moment of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trigger {
    /// So many messages were sent, whatever they are.
    SentMessages(u64),
    /// So many messages were received, whatever they are.
    ReceivedMessages(u64),
    /// So many events of a type were sent.
    Sent {
        /// The type.
        event_type: String,
        /// How many; 0 means 1.
        count: u64,
    },
    /// So many events of a type were received; the fault comes before the answer.
    Received {
        /// The type.
        event_type: String,
        /// How many; 0 means 1.
        count: u64,
    },
    /// So much time passed since the 101.
    After(Duration),
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// TCP reset.
    Reset,
    /// End of the TCP stream, without a Close frame.
    HangUp,
    /// A Close frame.
    Close {
        /// The code.
        code: u16,
        /// The reason.
        reason: String,
    },
    /// A text message, such as one that is not JSON. The connection goes on.
    Text(String),
    /// A binary message. The connection goes on.
    Binary(Vec<u8>),
    /// Bytes on the wire that need not be a WebSocket frame. The connection goes on.
    Raw(Vec<u8>),
    /// The session reaches its end: the `session_expired` error and close 1001.
    Expire,
    /// Nothing is read or sent any more, but the connection stays open.
    Stall,
}

impl Fault {
    /// An HTTP status with a JSON error body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        let body = crate::server::error_body(None, "The emulator was told to refuse this connection.");
        Self::Http {
            status,
            headers: Vec::new(),
            body,
        }
    }

    /// An HTTP status with a body as Azure writes it: `Fault::azure(429).header("Retry-After", "2")`.
    #[must_use]
    pub fn azure(status: u16) -> Self {
        Self::Http {
            status,
            headers: Vec::new(),
            body: crate::server::azure_body(status),
        }
    }

    /// Adds a header; only an HTTP answer has them.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Self::Http { headers, .. } = &mut self {
            headers.push((name.into(), value.into()));
        }
        self
    }

    /// Sets the body of an HTTP answer.
    #[must_use]
    pub fn body(mut self, text: impl Into<String>) -> Self {
        if let Self::Http { body, .. } = &mut self {
            *body = text.into();
        }
        self
    }

    /// An `error` event with this code after the 101, and a close with this code.
    #[must_use]
    pub fn error(code: impl Into<String>, close: u16) -> Self {
        let code = code.into();
        let error_type = "invalid_request_error".to_owned();
        Self::Error {
            reason: format!("{error_type}.{code}"),
            error_type,
            message: "The emulator was told to refuse this session.".to_owned(),
            code: Some(code),
            close,
        }
    }

    /// Something at some moment.
    #[must_use]
    pub fn at(when: Trigger, then: Action) -> Self {
        Self::At { when, then }
    }
}

/// Which connection has which faults. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    /// What is shared.
    shared: Arc<Mutex<Inner>>,
}

/// The faults.
#[derive(Debug, Default)]
struct Inner {
    /// By the number of the connection, from 1.
    numbered: BTreeMap<u64, Vec<Fault>>,
    /// On every connection.
    always: Vec<Fault>,
}

impl Faults {
    /// Gives a fault to connection `number`, or to all.
    pub(crate) fn add(&self, number: Option<u64>, fault: Fault) {
        let mut inner = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        match number {
            Some(number) => inner.numbered.entry(number).or_default().push(fault),
            None => inner.always.push(fault),
        }
    }

    /// The faults of connection `number`.
    pub(crate) fn of(&self, number: u64) -> Vec<Fault> {
        let inner = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        inner
            .numbered
            .get(&number)
            .into_iter()
            .flatten()
            .chain(&inner.always)
            .cloned()
            .collect()
    }
}

/// Watches one connection for the moments of its faults.
#[derive(Debug)]
pub(crate) struct Watch {
    /// What is still to go wrong, with how many are left of what it counts.
    pending: Vec<(Trigger, u64, Action)>,
}

impl Watch {
    /// The faults that wait for a moment.
    pub(crate) fn new(faults: Vec<Fault>) -> Self {
        let pending = faults.into_iter().filter_map(|fault| match fault {
            Fault::At { when, then } => {
                let left = match &when {
                    Trigger::SentMessages(count) | Trigger::ReceivedMessages(count) => *count,
                    Trigger::Sent { count, .. } | Trigger::Received { count, .. } => *count,
                    Trigger::After(_) => 0,
                };
                Some((when, left.max(1), then))
            }
            _ => None,
        });
        Self {
            pending: pending.collect(),
        }
    }

    /// A message was sent: what goes wrong now.
    pub(crate) fn sent(&mut self, event_type: &str) -> Vec<Action> {
        self.count(|when| match when {
            Trigger::SentMessages(_) => true,
            Trigger::Sent {
                event_type: wanted, ..
            } => wanted == event_type,
            _ => false,
        })
    }

    /// A message was received: what goes wrong now.
    pub(crate) fn received(&mut self, event_type: &str) -> Vec<Action> {
        self.count(|when| match when {
            Trigger::ReceivedMessages(_) => true,
            Trigger::Received {
                event_type: wanted, ..
            } => wanted == event_type,
            _ => false,
        })
    }

    /// So much time passed: what goes wrong now.
    pub(crate) fn passed(&mut self, time: Duration) -> Vec<Action> {
        self.count(|when| matches!(when, Trigger::After(after) if *after <= time))
    }

    /// When time alone makes something go wrong.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let times = self.pending.iter().filter_map(|(when, ..)| match when {
            Trigger::After(after) => Some(*after),
            _ => None,
        });
        times.min()
    }

    /// Counts down what matches and takes out what came to its end.
    fn count(&mut self, matches: impl Fn(&Trigger) -> bool) -> Vec<Action> {
        let mut due = Vec::new();
        self.pending.retain_mut(|(when, left, then)| {
            if matches(when) {
                *left -= 1;
                if *left == 0 {
                    due.push(then.clone());
                }
            }
            *left > 0
        });
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_go_to_their_connection() {
        let faults = Faults::default();
        faults.add(Some(1), Fault::Refuse);
        faults.add(Some(3), Fault::status(503));
        assert_eq!(faults.of(1), [Fault::Refuse]);
        assert!(faults.of(2).is_empty());
        faults.add(None, Fault::status(500));
        assert_eq!(faults.of(3).len(), 2);
    }

    #[test]
    fn triggers_count() {
        let sent = |count| Trigger::Sent {
            event_type: "a".into(),
            count,
        };
        let mut watch = Watch::new(vec![
            Fault::at(sent(2), Action::Reset),
            Fault::at(Trigger::SentMessages(3), Action::Stall),
            Fault::at(
                Trigger::Received {
                    event_type: "b".into(),
                    count: 0,
                },
                Action::Expire,
            ),
            Fault::at(Trigger::After(Duration::from_secs(1)), Action::HangUp),
        ]);
        assert_eq!(watch.deadline(), Some(Duration::from_secs(1)));
        assert_eq!(watch.sent("a"), []);
        assert_eq!(watch.sent("x"), []);
        assert_eq!(watch.sent("a"), [Action::Reset, Action::Stall]);
        assert_eq!(watch.sent("a"), []);
        assert_eq!(
            (watch.received("a"), watch.received("b")),
            (vec![], vec![Action::Expire])
        );
        assert_eq!(watch.passed(Duration::from_millis(999)), []);
        assert_eq!(watch.passed(Duration::from_secs(1)), [Action::HangUp]);
        assert_eq!(watch.deadline(), None);
    }
}
