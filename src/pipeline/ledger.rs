//! The ledger of one source: which blocks are done, so that the checkpoint moves only over the
//! acknowledged prefix.
//!
//! One entry per block, in the order of reading. An entry is complete when nothing is pending:
//! each record of the block holds it until its fate is known, and the block's own turn holds it
//! until its checkpoint is known. That checkpoint never lies behind a record that is still open
//! (a partial line, a group): the entry of the block in which such a record ends covers it.

use std::collections::VecDeque;

use crate::record::Checkpoint;

/// See the module.
#[derive(Debug)]
pub struct Ledger {
    entries: VecDeque<Entry>,
    /// Number of the front entry.
    first: u64,
    committed: Checkpoint,
    /// Bytes of the entries of which a record is pending.
    unsettled: u64,
}

#[derive(Debug)]
struct Entry {
    checkpoint: Checkpoint,
    pending: u64,
    bytes: u64,
}

impl Ledger {
    /// A ledger whose source goes on at `resume`.
    #[must_use]
    pub fn new(resume: Checkpoint) -> Self {
        Self { entries: VecDeque::new(), first: 0, committed: resume, unsettled: 0 }
    }

    /// Opens the entry of a turn; the turn itself holds it until [`Ledger::close`].
    pub fn open(&mut self) -> u64 {
        self.entries.push_back(Entry { checkpoint: self.committed, pending: 1, bytes: 0 });
        self.next() - 1
    }

    /// One more record holds the entry.
    pub fn hold(&mut self, entry: u64) {
        if let Some(entry) = self.entry(entry) {
            entry.pending += 1;
        }
    }

    /// The turn is over: it took `bytes`, and everything before `checkpoint` is in records.
    pub fn close(&mut self, entry: u64, checkpoint: Checkpoint, bytes: u64) {
        let Some(entry) = self.entry(entry) else { return };
        (entry.checkpoint, entry.bytes) = (checkpoint, bytes);
        entry.pending -= 1;
        if entry.pending > 0 {
            self.unsettled += bytes;
        }
    }

    /// The fate of `records` records of the entry is known.
    pub fn release(&mut self, entry: u64, records: u64) {
        let Some(entry) = self.entry(entry) else { return };
        entry.pending = entry.pending.saturating_sub(records);
        if entry.pending == 0 {
            let bytes = std::mem::take(&mut entry.bytes);
            self.unsettled = self.unsettled.saturating_sub(bytes);
        }
    }

    /// Bytes of which a record waits for its fate. What is only open in the decoder does not count:
    /// the bytes that end it may have to be read first.
    #[must_use]
    pub fn unsettled(&self) -> u64 {
        self.unsettled
    }

    /// Moves over complete entries. The new checkpoint, if there is one.
    pub fn advance(&mut self) -> Option<Checkpoint> {
        let mut moved = None;
        while self.entries.front().is_some_and(|entry| entry.pending == 0) {
            moved = self.entries.pop_front().map(|entry| entry.checkpoint);
            self.first += 1;
        }
        if let Some(checkpoint) = moved {
            self.committed = checkpoint;
        }
        moved
    }

    /// Number of the entry that will be opened next.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// All entries before this one are complete and moved over.
    #[must_use]
    pub fn has_reached(&self, entry: u64) -> bool {
        self.first >= entry
    }

    /// How far the source is done.
    #[must_use]
    pub fn committed(&self) -> Checkpoint {
        self.committed
    }

    /// No entry is open.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.entries.is_empty()
    }

    fn entry(&mut self, number: u64) -> Option<&mut Entry> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.entries.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Timestamp;

    fn at(offset: u64) -> Checkpoint {
        Checkpoint::at(offset, Timestamp(0))
    }

    #[test]
    fn moves_only_over_the_acknowledged_prefix() {
        let mut ledger = Ledger::new(at(0));
        let first = ledger.open();
        ledger.hold(first);
        ledger.hold(first);
        ledger.close(first, at(100), 50);
        let second = ledger.open();
        ledger.hold(second);
        ledger.close(second, at(200), 50);
        ledger.release(second, 1);
        assert_eq!(ledger.advance(), None, "the first block is not done");
        ledger.release(first, 1);
        assert_eq!(ledger.advance(), None, "one of its records is in flight");
        ledger.release(first, 1);
        assert_eq!(ledger.advance(), Some(at(200)), "both are done at once");
        assert!(ledger.is_settled());
    }

    #[test]
    fn counts_the_bytes_of_what_is_pending_only() {
        let mut ledger = Ledger::new(at(0));
        let first = ledger.open();
        ledger.close(first, Checkpoint { offset: 40, streams: [40, 100], time: Timestamp(0) }, 100);
        assert_eq!(ledger.unsettled(), 0, "a record is open, none is pending");
        let second = ledger.open();
        ledger.hold(second);
        ledger.close(second, at(160), 60);
        assert_eq!(ledger.unsettled(), 60);
        ledger.release(second, 1);
        assert_eq!(ledger.unsettled(), 0);
    }

    #[test]
    fn has_reached_an_entry_when_all_before_it_are_done() {
        let mut ledger = Ledger::new(at(0));
        let first = ledger.open();
        let carried = ledger.next();
        ledger.open();
        assert!(!ledger.has_reached(carried));
        ledger.close(first, at(100), 100);
        ledger.advance();
        assert!(ledger.has_reached(carried), "what the next file goes on with does not count");
    }

    #[test]
    fn completes_a_block_of_which_nothing_was_kept() {
        let mut ledger = Ledger::new(at(0));
        let entry = ledger.open();
        assert_eq!(ledger.advance(), None, "its turn is not over");
        ledger.close(entry, at(50), 50);
        assert_eq!(ledger.advance(), Some(at(50)));
        assert_eq!(ledger.committed(), at(50));
    }

    #[test]
    fn stays_in_front_of_an_open_record() {
        let mut ledger = Ledger::new(at(0));
        let open = Checkpoint { offset: 40, streams: [100, 40], time: Timestamp(0) };
        let entry = ledger.open();
        ledger.hold(entry);
        ledger.close(entry, open, 50);
        ledger.release(entry, 1);
        assert_eq!(ledger.advance(), Some(open));
    }
}
