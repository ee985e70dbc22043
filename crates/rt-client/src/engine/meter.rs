//! Usage, cost, budget, and how long things take.

use std::collections::HashMap;
use std::time::Duration;

use crate::event::Latency;
use crate::usage::{Budget, BudgetState, Prices, Usage, UsageReport};

/// Responses that are timed at once.
const MAX_TIMED: usize = 64;

/// What was used and spent.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    total: Usage,
    prices: Option<Prices>,
    budget: Option<Budget>,
    warned: bool,
    exhausted: bool,
}

impl Ledger {
    pub(crate) fn new(prices: Option<Prices>, budget: Option<Budget>) -> Self {
        Self {
            prices,
            budget,
            ..Self::default()
        }
    }

    /// Something was used.
    pub(crate) fn add(&mut self, id: &str, usage: Usage) -> (UsageReport, Option<BudgetState>) {
        self.total.add(&usage);
        let cost = self.prices.map(|prices| prices.cost(&self.total));
        let report = UsageReport {
            id: id.to_owned(),
            usage,
            total: self.total,
            cost,
        };
        (report, self.check(cost.unwrap_or(0.0)))
    }

    /// Whether spending so much is worth telling.
    fn check(&mut self, spent: f64) -> Option<BudgetState> {
        let Budget { limit, warn_at } = self.budget?;
        if !self.exhausted && spent >= limit {
            self.exhausted = true;
            return Some(BudgetState::Exhausted { spent, limit });
        }
        if !self.warned && !self.exhausted && spent >= limit * warn_at {
            self.warned = true;
            return Some(BudgetState::Warning { spent, limit });
        }
        None
    }

    pub(crate) fn is_exhausted(&self) -> bool {
        self.exhausted
    }
}

/// The moments of a response.
#[derive(Debug)]
struct Timed {
    asked: Option<Duration>,
    created: Duration,
    speech_ended: Option<Duration>,
}

/// Measures how long an answer takes.
#[derive(Debug, Default)]
pub(crate) struct Stopwatch {
    /// The user stopped speaking, and nobody answered yet.
    speech_ended: Option<Duration>,
    /// The latest `response.create`.
    asked: Option<Duration>,
    timed: HashMap<String, Timed>,
}

impl Stopwatch {
    /// The user stopped speaking.
    pub(crate) fn speech_ended(&mut self, now: Duration) {
        self.speech_ended = Some(now);
    }

    /// The user speaks: what was measured is not the answer to that.
    pub(crate) fn speech_began(&mut self) {
        self.speech_ended = None;
    }

    /// A response was asked for.
    pub(crate) fn asked(&mut self, now: Duration) {
        self.asked = Some(now);
    }

    /// A response began.
    pub(crate) fn created(&mut self, response_id: &str, now: Duration) {
        if self.timed.len() < MAX_TIMED {
            let timed = Timed {
                asked: self.asked.take(),
                created: now,
                speech_ended: self.speech_ended.take(),
            };
            self.timed.insert(response_id.to_owned(), timed);
        }
    }

    /// A response has its first output.
    pub(crate) fn output(&mut self, response_id: &str, now: Duration) -> Option<Latency> {
        if self.timed.is_empty() {
            return None;
        }
        let timed = self.timed.remove(response_id)?;
        Some(Latency::FirstOutput {
            response_id: response_id.to_owned(),
            after_speech: timed.speech_ended.map(|since| now.saturating_sub(since)),
            after_request: timed.asked.map(|since| now.saturating_sub(since)),
            after_created: now.saturating_sub(timed.created),
        })
    }

    /// A response is over.
    pub(crate) fn done(&mut self, response_id: &str) {
        self.timed.remove(response_id);
    }
}
