//! Checkpoints in memory, for simulations.

use std::collections::HashMap;
use std::path::Path;

use super::{ForeignRow, ReadAt, Saved, Store, StoreError};
use crate::input::tail::identity::Head;
use crate::record::LogId;
use crate::telemetry::accounts::CheckpointAccount;

/// A store that survives what is simulated, if it is kept, and nothing else.
#[derive(Debug, Clone, Default)]
pub(crate) struct MemoryStore {
    rows: HashMap<LogId, (u64, Saved)>,
    /// Rises with each row that is saved.
    sequence: u64,
}

impl MemoryStore {
    fn select(&self, is_wanted: impl Fn(&Saved) -> bool) -> Vec<Saved> {
        let mut rows: Vec<_> = self.rows.values().filter(|(_, row)| is_wanted(row)).collect();
        rows.sort_by_key(|(sequence, _)| std::cmp::Reverse(*sequence));
        rows.into_iter().map(|(_, row)| row.clone()).collect()
    }
}

impl Store for MemoryStore {
    fn of_log(&self, log: LogId) -> Option<Saved> {
        self.rows.get(&log).map(|(_, row)| row.clone())
    }

    fn of_file(&self, device: u64, inode: u64) -> Vec<Saved> {
        self.select(|row| (row.device, row.inode) == (device, inode))
    }

    fn of_head(&self, head: Head) -> Vec<Saved> {
        self.select(|row| row.head == head)
    }

    fn unfinished(&self) -> Vec<Saved> {
        self.select(|row| row.checkpoint.offset < row.length)
    }

    fn forget(&mut self, log: LogId) {
        self.rows.remove(&log);
    }

    fn save(&mut self, rows: &[Saved]) -> Result<(), StoreError> {
        for row in rows {
            self.sequence += 1;
            self.rows.insert(row.log, (self.sequence, row.clone()));
        }
        Ok(())
    }

    fn adopt(&self, _: u64, _: &[&Path], _: u64, _: &mut ReadAt<'_>) -> Option<u64> {
        None
    }

    fn foreign(&self) -> Vec<ForeignRow> {
        Vec::new()
    }

    fn has_lost_rows(&self) -> bool {
        false
    }

    fn account(&self) -> CheckpointAccount {
        CheckpointAccount::default()
    }
}
