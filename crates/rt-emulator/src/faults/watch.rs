//! [`Faults`]: which connection has which. [`Watch`]: when they are due.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{Action, Fault, Trigger};

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
                    Trigger::After(_) | Trigger::Upgraded => 1,
                };
                Some((when, left.max(1), then))
            }
            _ => None,
        });
        Self {
            pending: pending.collect(),
        }
    }

    /// The handshake is done: what goes wrong now.
    pub(crate) fn upgraded(&mut self) -> Vec<Action> {
        self.count(|when| *when == Trigger::Upgraded)
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
            Fault::no_session(),
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
        assert_eq!(watch.upgraded(), [Action::Silence]);
        assert_eq!(watch.upgraded(), []);
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
