//! Checkpoints in memory: those of files without a database, from one run of the pipeline in this
//! process to the next, and all of them in simulations.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{ForeignRow, LeftOut, ReadAt, Saved, Store, StoreError};
use crate::input::tail::identity::Head;
use crate::record::LogId;
use crate::telemetry::accounts::CheckpointAccount;

/// How far the files of inputs without a database were read, by input.
#[derive(Debug, Clone, Default)]
pub struct Memory(Arc<Mutex<HashMap<String, Arc<Mutex<Rows>>>>>);

impl Memory {
    /// What the last run of an input handed over.
    pub(crate) fn of(&self, input: &str) -> MemoryStore {
        let mut inputs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        MemoryStore { rows: Arc::clone(inputs.entry(input.to_owned()).or_default()), saves: false }
    }
}

/// A store that survives whoever uses it: clones are the same store.
#[derive(Debug, Clone)]
pub(crate) struct MemoryStore {
    rows: Arc<Mutex<Rows>>,
    /// What is saved is kept at once. Else only what is handed over is, so that no row of a file that
    /// was removed long ago stays.
    saves: bool,
}

#[derive(Debug, Default)]
struct Rows {
    rows: HashMap<LogId, (u64, Saved)>,
    /// Files that are there and are not read because of their pods.
    left_out: HashMap<PathBuf, LeftOut>,
    /// Rises with each row that is saved.
    sequence: u64,
}

impl MemoryStore {
    /// An empty one that keeps what is saved.
    #[cfg(test)]
    pub(crate) fn saving() -> Self {
        Self { rows: Arc::default(), saves: true }
    }

    /// Keeps how far files were read, and forgets those that are gone.
    pub(crate) fn hand_over(&self, files: impl Iterator<Item = Saved>, is_there: impl Fn(&Saved) -> bool) {
        let mut kept = self.rows();
        files.for_each(|row| kept.insert(row));
        kept.rows.retain(|_, (_, row)| is_there(row));
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn select(&self, is_wanted: impl Fn(&Saved) -> bool) -> Vec<Saved> {
        let rows = self.rows();
        let mut rows: Vec<_> = rows.rows.values().filter(|(_, row)| is_wanted(row)).collect();
        rows.sort_by_key(|(sequence, _)| std::cmp::Reverse(*sequence));
        rows.into_iter().map(|(_, row)| row.clone()).collect()
    }
}

impl Rows {
    fn insert(&mut self, row: Saved) {
        self.sequence += 1;
        self.rows.insert(row.log, (self.sequence, row));
    }
}

impl Store for MemoryStore {
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

    fn left_out(&self) -> HashMap<PathBuf, LeftOut> {
        self.rows().left_out.clone()
    }

    fn leave_out(&mut self, path: &Path, left_out: Option<LeftOut>) {
        match left_out {
            Some(left_out) => drop(self.rows().left_out.insert(path.to_owned(), left_out)),
            None => drop(self.rows().left_out.remove(path)),
        }
    }

    fn save(&mut self, rows: &[Saved]) -> Result<(), StoreError> {
        if self.saves {
            let mut kept = self.rows();
            rows.iter().for_each(|row| kept.insert(row.clone()));
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
