//! Files that are not read because of their pods: kept over restarts, since a pod may be gone by then,
//! and with it what tells that its log is not wanted.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Row, Transaction, params};

use super::rows::{PathText, path};

/// Why a file is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// Its pod excludes it; else its pod is not selected.
    pub(crate) is_excluded: bool,
    /// What was asked for then. Under another selection this says nothing.
    pub(crate) selection: String,
}

/// The files of one input, by their paths, and which of them are not on disk as they are here.
#[derive(Debug, Default)]
pub(super) struct LeftOutFiles {
    known: HashMap<PathBuf, LeftOut>,
    changed: HashSet<PathBuf>,
}

impl LeftOutFiles {
    /// What a database knows; nothing if it has no such table.
    pub(super) fn read(connection: &Connection, input: &str) -> HashMap<PathBuf, LeftOut> {
        let read = || {
            let query = "SELECT path, is_excluded, selection FROM flytail_left_out WHERE input = ?1";
            let mut statement = connection.prepare(query)?;
            let rows = statement.query_map([input], left_out)?;
            Ok::<_, rusqlite::Error>(rows.filter_map(Result::ok).collect())
        };
        read().unwrap_or_default()
    }

    /// Takes what a database knows of files of which nothing newer is known.
    pub(super) fn add(&mut self, read: HashMap<PathBuf, LeftOut>) {
        for (path, left_out) in read {
            if !self.changed.contains(&path) {
                self.known.entry(path).or_insert(left_out);
            }
        }
    }

    /// All that are known.
    pub(super) fn all(&self) -> HashMap<PathBuf, LeftOut> {
        self.known.clone()
    }

    /// A file is left out, or is not any more.
    pub(super) fn set(&mut self, path: &Path, left_out: Option<LeftOut>) {
        match left_out {
            Some(left_out) => drop(self.known.insert(path.to_owned(), left_out)),
            None => drop(self.known.remove(path)),
        }
        self.changed.insert(path.to_owned());
    }

    /// Everything is on disk.
    pub(super) fn is_saved(&self) -> bool {
        self.changed.is_empty()
    }

    /// What is on disk is another file now.
    pub(super) fn write_all_again(&mut self) {
        self.changed.extend(self.known.keys().cloned());
    }

    /// Writes what changed.
    pub(super) fn write(&self, transaction: &Transaction<'_>, input: &str) -> rusqlite::Result<()> {
        for path in &self.changed {
            let written = match self.known.get(path) {
                Some(LeftOut { is_excluded, selection }) => transaction
                    .prepare_cached("INSERT OR REPLACE INTO flytail_left_out VALUES (?1, ?2, ?3, ?4)")?
                    .execute(params![input, PathText(path), is_excluded, selection]),
                None => transaction
                    .prepare_cached("DELETE FROM flytail_left_out WHERE input = ?1 AND path = ?2")?
                    .execute(params![input, PathText(path)]),
            };
            written?;
        }
        Ok(())
    }

    /// What changed was written.
    pub(super) fn was_written(&mut self) {
        self.changed.clear();
    }
}

fn left_out(row: &Row<'_>) -> rusqlite::Result<(PathBuf, LeftOut)> {
    Ok((path(row, 0)?, LeftOut { is_excluded: row.get(1)?, selection: row.get(2)? }))
}
