//! The byte budget, counted.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How much of the byte budget is used, by all workers together.
#[derive(Debug, Default)]
pub struct BudgetAccount {
    limit: usize,
    used: AtomicUsize,
}

impl BudgetAccount {
    /// Nothing of `limit` bytes is used.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, used: AtomicUsize::new(0) }
    }

    /// Takes bytes.
    pub fn take(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Gives bytes back.
    pub fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Bytes in use; there can be more than the limit, as what was read must go on.
    #[must_use]
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// From how many bytes on reading waits.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }
}
