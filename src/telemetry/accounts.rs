//! The two accounts of the first promise, and what else is counted.
//!
//! Bytes per input: `read = finished + held`. Records per output:
//! `routed = acked + dead_lettered + dropped + in_flight`. A worker publishes its accounts whole,
//! so that both hold in each snapshot.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::budget::BudgetAccount;
use super::dead_letters::DeadLetterAccount;
use super::dropped::Dropped;
use super::limited::Limited;
use super::watch::WatchAccount;

/// What one input did, in one worker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InputAccount {
    /// Bytes that were taken from its sources.
    pub read: u64,
    /// Bytes whose records are all settled.
    pub finished: u64,
    /// Bytes of which at least one record is not settled.
    pub held: u64,
    /// Bytes that are known to be there and were not read yet.
    pub behind: u64,
    /// Those of them that wait because their containers log more than they may.
    pub slowed: u64,
    /// Log lines.
    pub lines: u64,
    /// Lines in none of the expected formats; they are shipped as text.
    pub malformed: u64,
    /// Lines that were cut at a size limit.
    pub truncated: u64,
    /// Lines that were skipped because they were too long (`Skip_Long_Lines`).
    pub skipped: u64,
    /// Texts that the input's own parser, or multi-line rules, gave up because the search took too
    /// long. To them they did not match.
    pub cut_off: u64,
    /// Sources that are open.
    pub sources: u64,
    /// Why nothing is read for some time though there is something to be read.
    pub stalled: Option<String>,
    /// Bytes that were destroyed before they could be read.
    pub lost: LostBytes,
    /// Compressed files whose end could not be inflated.
    pub damaged_files: u64,
    /// Files that were truncated and of which no copy lay beside them: what was written to them after
    /// the last look is not known.
    pub truncated_files: u64,
    /// Bytes of files that were removed, of which the spool keeps a copy until they are delivered.
    pub spooled: u64,
    /// How its checkpoints fare.
    pub checkpoints: CheckpointAccount,
    /// Files that are not read because of their pods.
    pub choice: ChoiceAccount,
}

/// Files of an input that are there and are not opened because of the pods that write them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChoiceAccount {
    /// Of pods that are not selected.
    pub unselected: u64,
    /// Of pods that exclude them.
    pub excluded: u64,
    /// Of pods that are not known yet. Some are held open, and none is read.
    pub undecided: u64,
    /// Those of the undecided that have waited for longer than `Metadata_Grace`.
    pub overdue: u64,
    /// Files since the start that were chosen though nobody knew their pods.
    pub by_path: u64,
}

/// Bytes that were destroyed before they could be read, by the reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LostBytes {
    /// Their file was removed or truncated.
    pub removed: u64,
    /// The spool had too many bytes.
    pub spool_bytes: u64,
    /// They had been in the spool for too long.
    pub spool_age: u64,
    /// The spool's file is damaged.
    pub damaged: u64,
    /// Their container had to wait because it logs more than it may, and had more than its share of the
    /// spool.
    pub spool_share: u64,
    /// Their file was removed, and too many such files would have had to be held open.
    pub open_files: u64,
}

/// How the checkpoints of one input fare, in one worker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckpointAccount {
    /// Databases that could not be used and were set aside.
    pub set_aside: u64,
    /// Checkpoints that are in memory and could not be written yet.
    pub unsaved: u64,
    /// What is wrong now, in a sentence.
    pub trouble: Option<String>,
}

/// What one output did, as one worker sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutputAccount {
    /// Records that were given to it.
    pub routed: u64,
    /// Records that were delivered.
    pub acked: u64,
    /// Records that were refused for good.
    pub dead_lettered: u64,
    /// Records that were given up, by reason.
    pub dropped: Dropped,
    /// Records in open and sealed batches.
    pub in_flight: u64,
}

/// Something that a filter counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterCounter {
    /// Name of the metric, without what all metrics have in front.
    pub name: &'static str,
    /// What it counts.
    pub help: &'static str,
    /// How much.
    pub value: u64,
}

/// All accounts of one worker at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// In configuration order.
    pub inputs: Vec<InputAccount>,
    /// In configuration order.
    pub outputs: Vec<OutputAccount>,
    /// Records that filters dropped.
    pub filtered: u64,
    /// What filters count, by name.
    pub filters: Vec<FilterCounter>,
    /// Containers that logged more than they may.
    pub limited: Limited,
}

impl InputAccount {
    /// The account holds.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.read == self.finished + self.held
    }
}

impl CheckpointAccount {
    fn add(&mut self, other: &Self) {
        self.set_aside += other.set_aside;
        self.unsaved += other.unsaved;
        if self.trouble.is_none() {
            self.trouble.clone_from(&other.trouble);
        }
    }
}

impl ChoiceAccount {
    fn add(&mut self, other: Self) {
        self.unselected += other.unselected;
        self.excluded += other.excluded;
        self.undecided += other.undecided;
        self.overdue += other.overdue;
        self.by_path += other.by_path;
    }
}

impl OutputAccount {
    /// The account holds.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.routed == self.acked + self.dead_lettered + self.dropped.total() + self.in_flight
    }
}

impl Snapshot {
    /// Both accounts hold everywhere.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.inputs.iter().all(InputAccount::is_balanced) && self.outputs.iter().all(OutputAccount::is_balanced)
    }

    fn add(&mut self, other: &Self) {
        self.inputs.resize_with(self.inputs.len().max(other.inputs.len()), Default::default);
        for (sum, part) in self.inputs.iter_mut().zip(&other.inputs) {
            sum.read += part.read;
            sum.finished += part.finished;
            sum.held += part.held;
            sum.behind += part.behind;
            sum.slowed += part.slowed;
            sum.lines += part.lines;
            sum.malformed += part.malformed;
            sum.truncated += part.truncated;
            sum.skipped += part.skipped;
            sum.cut_off += part.cut_off;
            sum.sources += part.sources;
            if sum.stalled.is_none() {
                sum.stalled.clone_from(&part.stalled);
            }
            sum.lost.removed += part.lost.removed;
            sum.lost.spool_bytes += part.lost.spool_bytes;
            sum.lost.spool_age += part.lost.spool_age;
            sum.lost.damaged += part.lost.damaged;
            sum.lost.spool_share += part.lost.spool_share;
            sum.lost.open_files += part.lost.open_files;
            sum.damaged_files += part.damaged_files;
            sum.truncated_files += part.truncated_files;
            sum.spooled += part.spooled;
            sum.checkpoints.add(&part.checkpoints);
            sum.choice.add(part.choice);
        }
        self.outputs.resize_with(self.outputs.len().max(other.outputs.len()), Default::default);
        for (sum, part) in self.outputs.iter_mut().zip(&other.outputs) {
            sum.routed += part.routed;
            sum.acked += part.acked;
            sum.dead_lettered += part.dead_lettered;
            sum.dropped += part.dropped;
            sum.in_flight += part.in_flight;
        }
        self.filtered += other.filtered;
        for (container, counts) in other.limited.iter() {
            self.limited.add(container, counts);
        }
        self.count(other.filters.iter().cloned());
    }

    /// Adds what filters counted.
    pub fn count(&mut self, counters: impl Iterator<Item = FilterCounter>) {
        for counter in counters {
            match self.filters.iter_mut().find(|known| known.name == counter.name) {
                Some(known) => known.value += counter.value,
                None => self.filters.push(counter),
            }
        }
    }
}

/// What is counted on the way to one output, by whoever sends.
#[derive(Debug, Default)]
pub struct Deliveries {
    retries: AtomicU64,
    allowed_requests: AtomicU64,
    shortened: AtomicU64,
    is_failing: AtomicBool,
    last_error: Mutex<Option<String>>,
}

impl Deliveries {
    /// A request has to be tried again.
    pub fn retried(&self, reason: &str) {
        self.retries.fetch_add(1, Ordering::Relaxed);
        *lock(&self.last_error) = Some(reason.to_owned());
        self.is_failing.store(true, Ordering::Relaxed);
    }

    /// A request was settled.
    pub fn recovered(&self) {
        lock(&self.last_error).take();
        self.is_failing.store(false, Ordering::Relaxed);
    }

    /// A record was shortened, as the receiver takes none of its size.
    pub fn shortened(&self) {
        self.shortened.fetch_add(1, Ordering::Relaxed);
    }

    /// Records that had to be shortened.
    #[must_use]
    pub fn shortened_records(&self) -> u64 {
        self.shortened.load(Ordering::Relaxed)
    }

    /// The last request was not delivered, and none was since.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Relaxed)
    }

    /// So many requests may be on the wire at once.
    pub fn allow_requests(&self, count: usize) {
        self.allowed_requests.store(count as u64, Ordering::Relaxed);
    }

    /// How many requests may be on the wire at once, of now.
    #[must_use]
    pub fn allowed_requests(&self) -> u64 {
        self.allowed_requests.load(Ordering::Relaxed)
    }

    /// Requests that had to be tried again.
    #[must_use]
    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// Why the last request was not delivered, if none was since.
    #[must_use]
    pub fn last_error(&self) -> Option<String> {
        lock(&self.last_error).clone()
    }
}

/// Everything that is known of the running pipeline, for whoever shows it.
#[derive(Debug, Default)]
pub struct Accounts {
    /// Instance names of the inputs.
    pub inputs: Vec<String>,
    /// Instance names of the outputs.
    pub outputs: Vec<String>,
    /// Per output.
    pub deliveries: Vec<Arc<Deliveries>>,
    /// Per watch of pods.
    pub watches: Vec<Arc<WatchAccount>>,
    /// The dead letters of all outputs.
    pub dead_letters: Arc<DeadLetterAccount>,
    /// The byte budget of all workers.
    pub budget: Arc<BudgetAccount>,
    workers: Mutex<Vec<Snapshot>>,
}

impl Accounts {
    /// Empty accounts of `workers` workers.
    #[must_use]
    pub fn new(inputs: Vec<String>, outputs: Vec<String>, workers: usize) -> Self {
        let deliveries = outputs.iter().map(|_| Arc::default()).collect();
        let empty = Snapshot {
            inputs: vec![InputAccount::default(); inputs.len()],
            outputs: vec![OutputAccount::default(); outputs.len()],
            ..Snapshot::default()
        };
        Self {
            inputs,
            outputs,
            deliveries,
            watches: Vec::new(),
            dead_letters: Arc::default(),
            budget: Arc::default(),
            workers: Mutex::new(vec![empty; workers]),
        }
    }

    /// Puts a worker's accounts in place of its last ones.
    pub fn publish(&self, worker: usize, snapshot: &Snapshot) {
        if let Some(slot) = lock(&self.workers).get_mut(worker) {
            slot.clone_from(snapshot);
        }
    }

    /// The sum over all workers.
    #[must_use]
    pub fn total(&self) -> Snapshot {
        let mut total = Snapshot::default();
        for worker in lock(&self.workers).iter() {
            total.add(worker);
        }
        total
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_the_workers_and_keeps_the_balance() {
        let accounts = Accounts::new(vec!["tail.0".into()], vec!["es.0".into()], 2);
        let input = InputAccount { read: 10, finished: 7, held: 3, ..InputAccount::default() };
        let output = OutputAccount { routed: 5, acked: 2, dead_lettered: 1, in_flight: 2, ..OutputAccount::default() };
        let missing = FilterCounter { name: "missing", help: "", value: 4 };
        let snapshot = Snapshot {
            inputs: vec![input],
            outputs: vec![output],
            filtered: 1,
            filters: vec![missing],
            ..Snapshot::default()
        };
        accounts.publish(0, &snapshot);
        accounts.publish(1, &snapshot);
        let total = accounts.total();
        assert_eq!((total.inputs[0].read, total.outputs[0].routed, total.filtered), (20, 10, 2));
        assert_eq!((total.filters.len(), total.filters[0].value), (1, 8));
        assert!(total.is_balanced());
        let lost = OutputAccount { routed: 5, acked: 4, ..OutputAccount::default() };
        assert!(!lost.is_balanced());
    }
}
