//! An output's half in a worker: its open batches.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc::UnboundedSender;

use super::batch::{Limits, Open, Sealed};
use super::budget::Budget;
use crate::config::Match;
use crate::output::{Encoder, Encoding};
use crate::record::{Record, Turn};
use crate::telemetry::accounts::OutputAccount;

/// An output's half in this worker.
pub struct OutputSlot {
    /// The tags that it takes.
    pub routing: Match,
    /// Renders records.
    pub encoder: Box<dyn Encoder>,
    /// How bodies are encoded.
    pub encoding: Encoding,
    /// When a batch is full.
    pub limits: Limits,
    /// Where sealed batches go.
    pub delivery: UnboundedSender<Sealed>,
    pub(super) open: Vec<Open>,
    /// Records in batches that are on their way.
    pub(super) sealed: u64,
    pub(super) account: OutputAccount,
}

impl OutputSlot {
    /// A slot without batches.
    #[must_use]
    pub fn new(
        routing: Match,
        encoder: Box<dyn Encoder>,
        encoding: Encoding,
        limits: Limits,
        delivery: UnboundedSender<Sealed>,
    ) -> Self {
        Self {
            routing,
            encoder,
            encoding,
            limits,
            delivery,
            open: Vec::new(),
            sealed: 0,
            account: OutputAccount::default(),
        }
    }
}

impl OutputSlot {
    /// Records in open and sealed batches.
    pub(super) fn in_flight(&self) -> u64 {
        self.sealed + self.open.iter().map(|open| open.items() as u64).sum::<u64>()
    }

    /// The open batch of the record's partition.
    pub(super) fn batch(&mut self, record: &Record<'_>, turn: &Turn<'_>, now: Instant) -> usize {
        let partition = self.encoder.partition(record, turn);
        self.open.iter().position(|open| open.partition == partition).unwrap_or_else(|| {
            self.open.push(Open::new(partition, self.encoding, now));
            self.open.len() - 1
        })
    }

    pub(super) fn seal(&mut self, index: usize, worker: usize, budget: &Arc<Budget>) {
        let (request, tokens) = self.open.swap_remove(index).seal(self.encoding);
        self.sealed += request.items.len() as u64;
        let held = budget.hold(request.body.len() + request.items.len() * size_of::<u32>());
        // A delivery that halts takes nothing any more: what the batch holds is read again.
        drop(self.delivery.send(Sealed { request, tokens, worker, held }));
    }
}
