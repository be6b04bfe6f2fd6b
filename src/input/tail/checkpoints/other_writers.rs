//! Other programs that write to the database while we do.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction};

use super::fluent_bit;
use crate::telemetry::Throttle;

/// Notices other programs that write while we do: a Fluent Bit that was not stopped.
#[derive(Default)]
pub(super) struct OtherWriters {
    /// SQLite's number for what others than this connection have written.
    version: i64,
    /// Rows that Fluent Bit had written before we began, or that were reported: inode and offset.
    known: HashMap<u64, u64>,
    seen_at: Option<Instant>,
    throttle: Throttle,
}

/// How long health tells of another writer after it wrote.
const TOLD_FOR: Duration = Duration::from_secs(60);

impl OtherWriters {
    /// Begins with a database that was just opened.
    pub(super) fn begin(&mut self, connection: &Connection) {
        // Errors show when something is written.
        self.version = data_version(connection).unwrap_or_default();
        self.known = fluent_bit::offsets(connection).unwrap_or_default();
    }

    /// Looks at what is about to be overwritten, if anybody has written since. Other workers of ours
    /// write, too, but leave no row that differs from what they remember.
    pub(super) fn look(&mut self, transaction: &Transaction<'_>, path: &Path) -> rusqlite::Result<()> {
        let version = data_version(transaction)?;
        if version == self.version {
            return Ok(());
        }
        self.version = version;
        let now = fluent_bit::offsets(transaction)?;
        let changed = now.iter().filter(|(inode, offset)| self.known.get(inode) != Some(offset)).count();
        self.known = now;
        if changed > 0 {
            self.seen_at = Some(Instant::now());
            if self.throttle.allows() {
                tracing::error!(
                    path = %path.display(), rows = changed,
                    "another program writes this database, and reads the same files: stop Fluent Bit, or give it another DB"
                );
            }
        }
        Ok(())
    }

    /// For health.
    pub(super) fn trouble(&self, path: &Path) -> Option<String> {
        let is_recent = self.seen_at.is_some_and(|at| at.elapsed() < TOLD_FOR);
        is_recent.then(|| format!("another program writes {}", path.display()))
    }
}

fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA data_version", [], |row| row.get(0))
}
