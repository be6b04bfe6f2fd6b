//! Checkpoints in memory, for simulations.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use super::{ForeignRow, ReadAt, Saved, Store, StoreError};
use crate::input::tail::identity::Head;
use crate::record::LogId;
use crate::telemetry::accounts::CheckpointAccount;

/// A store that survives a crash of whoever uses it: clones are the same store.
#[derive(Debug, Clone, Default)]
pub(crate) struct SharedStore(Arc<Mutex<Rows>>);

#[derive(Debug, Default)]
struct Rows {
    rows: HashMap<LogId, (u64, Saved)>,
    /// Rises with each row that is saved.
    sequence: u64,
}

impl SharedStore {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap()
    }

    fn select(&self, is_wanted: impl Fn(&Saved) -> bool) -> Vec<Saved> {
        let rows = self.rows();
        let mut rows: Vec<_> = rows.rows.values().filter(|(_, row)| is_wanted(row)).collect();
        rows.sort_by_key(|(sequence, _)| std::cmp::Reverse(*sequence));
        rows.into_iter().map(|(_, row)| row.clone()).collect()
    }
}

impl Store for SharedStore {
    fn of_log(&self, log: LogId) -> Option<Saved> {
        self.rows().rows.get(&log).map(|(_, row)| row.clone())
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
        self.rows().rows.remove(&log);
    }

    fn save(&mut self, rows: &[Saved]) -> Result<(), StoreError> {
        let mut kept = self.rows();
        for row in rows {
            kept.sequence += 1;
            let sequence = kept.sequence;
            kept.rows.insert(row.log, (sequence, row.clone()));
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
