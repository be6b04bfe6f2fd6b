//! What is known of the dead letters that are kept.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The account of the dead letters on the disk, over all outputs.
#[derive(Debug, Default)]
pub struct DeadLetterAccount {
    records: AtomicU64,
    bytes: AtomicU64,
    evicted: AtomicU64,
    error: Mutex<Option<String>>,
}

impl DeadLetterAccount {
    /// So much is kept now.
    pub fn keeps(&self, records: u64, bytes: u64) {
        self.records.store(records, Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// Letters had to go because of the limit.
    pub fn evicted(&self, records: u64) {
        self.evicted.fetch_add(records, Ordering::Relaxed);
    }

    /// Letters cannot be written.
    pub fn failed(&self, error: String) {
        *self.lock() = Some(error);
    }

    /// Letters can be written.
    pub fn recovered(&self) {
        self.lock().take();
    }

    /// Letters that are kept.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    /// Bytes of the letters that are kept.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Letters that went because of the limit, since the start.
    #[must_use]
    pub fn evicted_records(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    /// Why letters could not be written the last time, if they could not.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
