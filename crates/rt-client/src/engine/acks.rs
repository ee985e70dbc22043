//! Requests of the application that the server acknowledges: edits of the history, and commits.

use std::collections::VecDeque;
use std::time::Duration;

use rt_protocol::Item;
use rt_protocol::server_event::ErrorDetails;

use super::Ticket;
use crate::error::Error;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What acknowledges a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    Committed,
    Added(String),
    Deleted(String),
    Retrieved(String),
}

/// What a request brought.
#[derive(Debug)]
pub(crate) enum Acked {
    /// It was done, to this item.
    Item(String),
    /// The item that was asked for.
    Whole(Box<Item>),
}

#[derive(Debug)]
struct Pending {
    event_id: String,
    ticket: Ticket,
    wanted: Wanted,
    due: Duration,
}

/// The requests that are not answered yet.
#[derive(Debug, Default)]
pub(crate) struct Acks {
    pending: VecDeque<Pending>,
}

pub(crate) type Answer = (Ticket, Result<Acked, Error>);

impl Acks {
    pub(crate) fn expect(&mut self, event_id: String, ticket: Ticket, wanted: Wanted, now: Duration) {
        self.pending.push_back(Pending {
            event_id,
            ticket,
            wanted,
            due: now + TIMEOUT,
        });
    }

    /// Something was acknowledged: the oldest request for it has its answer.
    pub(crate) fn acknowledged(&mut self, what: &Wanted, acked: impl FnOnce() -> Acked) -> Option<Answer> {
        let at = self.pending.iter().position(|pending| pending.wanted == *what)?;
        let pending = self.pending.remove(at)?;
        Some((pending.ticket, Ok(acked())))
    }

    /// What was sent under this event id is done, as far as the connection knows.
    pub(crate) fn sent(&mut self, event_id: &str) -> Option<Answer> {
        let at = self
            .pending
            .iter()
            .position(|pending| pending.event_id == event_id)?;
        let (Wanted::Added(item_id) | Wanted::Deleted(item_id)) = &self.pending.get(at)?.wanted else {
            return None;
        };
        let acked = Acked::Item(item_id.clone());
        let pending = self.pending.remove(at)?;
        Some((pending.ticket, Ok(acked)))
    }

    /// There is a connection again: time for an answer begins anew.
    pub(crate) fn opened(&mut self, now: Duration) {
        for pending in &mut self.pending {
            pending.due = now + TIMEOUT;
        }
    }

    /// The server refused something.
    pub(crate) fn error(&mut self, details: &ErrorDetails) -> Option<Answer> {
        let about = details.event_id.as_deref()?;
        let at = self
            .pending
            .iter()
            .position(|pending| pending.event_id == about)?;
        let pending = self.pending.remove(at)?;
        Some((
            pending.ticket,
            Err(Error::refused(pending.wanted.name(), details)),
        ))
    }

    /// Nobody answers any more.
    pub(crate) fn fail(&mut self, why: impl Fn(&str) -> Error) -> Vec<Answer> {
        let pending = std::mem::take(&mut self.pending).into_iter();
        pending
            .map(|pending| (pending.ticket, Err(why(pending.wanted.name()))))
            .collect()
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.pending.iter().map(|pending| pending.due).min()
    }

    pub(crate) fn handle_timeout(&mut self, now: Duration) -> Vec<Answer> {
        let (over, rest) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|pending| pending.due <= now);
        self.pending = rest;
        let over: VecDeque<Pending> = over;
        over.into_iter()
            .map(|pending| (pending.ticket, Err(Error::timeout(pending.wanted.name()))))
            .collect()
    }
}

impl Wanted {
    fn name(&self) -> &'static str {
        match self {
            Self::Committed => "the commit of audio",
            Self::Added(_) => "the new item",
            Self::Deleted(_) => "the deletion of an item",
            Self::Retrieved(_) => "the request for an item",
        }
    }
}
