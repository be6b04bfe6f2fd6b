//! What workers are told.

use std::time::Instant;

use super::batch::Token;
use crate::telemetry::Dropped;

/// What a worker is told from outside.
#[derive(Debug)]
pub enum Message {
    /// A batch is settled.
    Settled(Settled),
    /// Stop reading, send what is there, wait for its verdicts until the deadline.
    Drain(Instant),
}

/// What became of a batch's items.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Delivered, or there before.
    pub acked: u64,
    /// Kept as dead letters.
    pub dead_lettered: u64,
    /// Given up, by reason.
    pub dropped: Dropped,
}

/// A batch whose items' fates are all known.
#[derive(Debug)]
pub struct Settled {
    /// Number of the output.
    pub output: usize,
    /// What waited for the batch.
    pub tokens: Vec<Token>,
    /// How many records it held.
    pub records: u64,
    /// What became of them.
    pub tally: Tally,
}
