//! Who waits for the reply that follows when the functions another one called are answered.

use super::{Engine, Output, Ticket};
use crate::error::{Error, ErrorKind};

/// Tickets of the engine's own begin here: those of the application are counted from the start.
const FIRST: Ticket = 1 << 63;

/// Whether a ticket is one of a follow-up.
pub(super) const fn is_follow_up(ticket: Ticket) -> bool {
    ticket >= FIRST
}

/// Who waits for which follow-up.
#[derive(Debug, Default)]
pub(crate) struct Follows {
    count: u64,
    /// By the response whose calls are to be answered first.
    waiting: Vec<(String, Ticket)>,
}

impl Follows {
    fn expect(&mut self, response_id: &str) -> Ticket {
        let ticket = FIRST + self.count;
        self.count += 1;
        self.waiting.push((response_id.to_owned(), ticket));
        ticket
    }

    /// Who waits for what follows this response.
    fn take(&mut self, response_id: &str) -> Vec<Ticket> {
        let of = self.waiting.extract_if(.., |(id, _)| id == response_id);
        of.map(|(_, ticket)| ticket).collect()
    }

    /// Nobody waits for this any more.
    pub(super) fn abandon(&mut self, ticket: Ticket) {
        self.waiting.retain(|(_, waiting)| *waiting != ticket);
    }
}

impl Engine {
    /// A response is over: those who had it can wait for what follows from its calls.
    pub(super) fn expect_follow_up(&mut self, response_id: &str, tickets: &[Ticket]) {
        if self.tools.has_call(response_id) {
            for ticket in tickets {
                let next = self.follows.expect(response_id);
                self.out.push(Output::Follows(*ticket, next));
            }
        }
    }

    /// The calls of a response are answered, and the model goes on: who waits for that.
    pub(super) fn followers(&mut self, response_id: Option<&str>) -> Vec<Ticket> {
        response_id.map_or_else(Vec::new, |id| self.follows.take(id))
    }

    /// The calls of a response are answered, and nothing follows.
    pub(super) fn no_follow_up(&mut self, response_id: &str) {
        let message = "the application answered the calls by items of its own: ask for what follows";
        for ticket in self.follows.take(response_id) {
            let error = Error::new(ErrorKind::Cancelled, message);
            self.out.push(Output::NoneCame(ticket, error));
        }
    }

    /// The end: nothing follows any more.
    pub(super) fn close_follow_ups(&mut self, why: &Error) {
        for (_, ticket) in std::mem::take(&mut self.follows.waiting) {
            self.out.push(Output::NoneCame(ticket, why.clone()));
        }
    }
}
