//! The byte budget: what is sealed and not yet settled counts against one limit.

use std::sync::Arc;

use crate::telemetry::budget::BudgetAccount;

/// Bytes that may be on their way at once, shared by all workers.
#[derive(Debug)]
pub struct Budget {
    account: Arc<BudgetAccount>,
}

/// A part of the budget; dropping it gives it back.
#[derive(Debug)]
pub struct Held {
    budget: Arc<Budget>,
    bytes: usize,
}

/// Which part of the limit is left to outputs that deliver nothing.
const SHARE_WHEN_FAILING: usize = 8;

impl Budget {
    /// A budget of `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { account: Arc::new(BudgetAccount::new(limit)) })
    }

    /// Its account, for whoever shows it.
    #[must_use]
    pub fn account(&self) -> Arc<BudgetAccount> {
        Arc::clone(&self.account)
    }

    /// Takes bytes; never refused, since what was read must go on. [`Budget::is_exhausted`] is
    /// what keeps readers from reading more.
    #[must_use]
    pub fn hold(self: &Arc<Self>, bytes: usize) -> Held {
        self.account.take(bytes);
        Held { budget: Arc::clone(self), bytes }
    }

    /// Reading has to wait. While an output delivers nothing (`is_failing`) that is so earlier: what
    /// would be read could only lie here, and the files are the better place for it.
    #[must_use]
    pub fn is_exhausted(&self, is_failing: bool) -> bool {
        let limit = self.account.limit();
        self.used() >= if is_failing { limit / SHARE_WHEN_FAILING } else { limit }
    }

    /// Bytes in use.
    #[must_use]
    pub fn used(&self) -> usize {
        self.account.used()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.account.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_exhausted_until_enough_is_given_back() {
        let budget = Budget::new(16);
        let first = budget.hold(10);
        assert!(!budget.is_exhausted(false) && budget.is_exhausted(true));
        let second = budget.hold(10);
        assert!(budget.is_exhausted(false));
        drop(first);
        assert!(!budget.is_exhausted(false));
        drop(second);
        assert_eq!(budget.used(), 0);
    }
}
