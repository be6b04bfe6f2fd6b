//! A worker's filters and outputs, and what became of its batches.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use super::budget::Budget;
use super::message::Settled;
use super::output_slot::OutputSlot;
use super::router;
use super::source::{Before, SourceState};
use crate::config::{Bound, Match};
use crate::filter::Filter;
use crate::telemetry::accounts::{OutputAccount, Snapshot};

/// A filter and the tags that it takes.
pub struct FilterSlot {
    /// The tags.
    pub routing: Match,
    /// The one input or output that it works for, if there is one.
    pub bound: Option<Bound>,
    /// The filter.
    pub filter: Box<dyn Filter>,
}

/// A worker's filters and outputs.
pub struct Emitter {
    pub(super) worker: usize,
    pub(super) budget: Arc<Budget>,
    pub(super) filters: Vec<FilterSlot>,
    pub(super) outputs: Vec<OutputSlot>,
    pub(super) filtered: u64,
    /// Entries of the file before that wait for records which ended in the last run.
    pub(super) carried: Vec<Before>,
}

impl Emitter {
    /// The filters and outputs of a worker.
    #[must_use]
    pub fn new(worker: usize, budget: Arc<Budget>, filters: Vec<FilterSlot>, outputs: Vec<OutputSlot>) -> Self {
        Self { worker, budget, filters, outputs, filtered: 0, carried: Vec::new() }
    }

    /// Looks up once what a source's tag goes through.
    pub(super) fn admit(&self, state: &mut SourceState) {
        state.filters = router::matching(&state.source.tag, self.filters.iter().map(|slot| &slot.routing));
        state.routes = router::matching(&state.source.tag, self.outputs.iter().map(|slot| &slot.routing));
        let bound = |index: &usize| self.filters.get(*index).and_then(|slot| slot.bound);
        let of_output = |index| match bound(&index) {
            Some(Bound::Output(output)) if state.routes.contains(&output) => Some((output, index)),
            _ => None,
        };
        state.processors = (0..self.filters.len()).filter_map(of_output).collect();
        state.filters.retain(|index| bound(index).is_none_or(|bound| bound == Bound::Input(state.source.input)));
    }

    /// Lets the files before wait for the records that began there and ended in the last run.
    pub(super) fn carry_over(&mut self, id: u64, sources: &mut BTreeMap<u64, SourceState>) {
        for before in self.carried.drain(..) {
            if let Some(state) = sources.get_mut(&before.source) {
                state.ledger.hold(before.entry);
            }
        }
        let Some(state) = sources.get_mut(&id) else { return };
        if !state.before.is_empty() && state.carried_until.is_none() && !state.decoder.is_carrying() {
            state.carried_until = Some(state.ledger.next());
        }
    }

    /// Counts a settled batch and moves the ledgers that waited for it.
    pub(super) fn settled(&mut self, settled: &Settled, sources: &mut BTreeMap<u64, SourceState>) {
        let Some(output) = self.outputs.get_mut(settled.output) else { return };
        output.sealed -= settled.records;
        output.account.acked += settled.tally.acked;
        output.account.dead_lettered += settled.tally.dead_lettered;
        output.account.dropped += settled.tally.dropped;
        for token in &settled.tokens {
            if let Some(state) = sources.get_mut(&token.source) {
                state.ledger.release(token.entry, token.records);
            }
        }
    }

    /// Seals batches that are old enough, or all of them.
    pub(super) fn seal_due(&mut self, now: Instant, all: bool) {
        for output in &mut self.outputs {
            let mut index = 0;
            while index < output.open.len() {
                if all || now.duration_since(output.open[index].since) >= output.limits.age {
                    output.seal(index, self.worker, &self.budget);
                } else {
                    index += 1;
                }
            }
        }
    }

    /// When the next batch is old enough.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let due = |output: &OutputSlot| output.open.iter().map(|open| open.since + output.limits.age).min();
        self.outputs.iter().filter_map(due).min()
    }

    /// Records in open and sealed batches.
    pub(super) fn in_flight(&self) -> u64 {
        self.outputs.iter().map(OutputSlot::in_flight).sum()
    }

    /// Puts the outputs' accounts into a snapshot.
    pub(super) fn account(&self, snapshot: &mut Snapshot) {
        snapshot.filtered = self.filtered;
        snapshot.filters.clear();
        snapshot.count(self.filters.iter().flat_map(|slot| slot.filter.counters()));
        for (slot, account) in self.outputs.iter().zip(&mut snapshot.outputs) {
            *account = OutputAccount { in_flight: slot.in_flight(), ..slot.account.clone() };
        }
    }
}
