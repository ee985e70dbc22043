//! Usage, cost, budget.

use crate::usage::{Budget, BudgetState, Prices, Usage, UsageReport};

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
