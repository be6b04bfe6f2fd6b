//! The store in SQLite.

use std::collections::{HashMap, HashSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, Params, Transaction, TransactionBehavior, params};

use super::left_out::LeftOutFiles;
use super::opening::{self, LOCKED, LOCKED_AT_START, Opened, explain, is_damage};
use super::other_writers::OtherWriters;
use super::rows::{self, Unsigned};
use super::{ForeignRow, LeftOut, ReadAt, Saved, Store, StoreError, fluent_bit, schema};
use crate::input::tail::identity::Head;
use crate::record::{LogId, Timestamp};
use crate::telemetry::Throttle;
use crate::telemetry::accounts::CheckpointAccount;

/// The checkpoints of one tail input, in a file that several inputs and workers may share.
pub(crate) struct Database {
    path: PathBuf,
    /// Name of the input: several may keep checkpoints of the same logs.
    input: String,
    access: Access,
    /// What was saved by this process of files that are still there, with a number that rises: to be
    /// written again if the file on disk is lost.
    recent: HashMap<LogId, (u64, Saved)>,
    sequence: u64,
    /// Logs of `recent` that are not on disk.
    unsaved: HashSet<LogId>,
    /// Logs whose rows are to be removed.
    forgotten: HashSet<LogId>,
    left_out: LeftOutFiles,
    /// When a lock of another program is waited for again.
    retry_at: Option<Instant>,
    /// When rows of files that are gone are removed: after those of the files that are there were
    /// written again. And since when, in microseconds since 1970.
    forget_at: Option<Instant>,
    began: i64,
    watch: OtherWriters,
    set_aside: u64,
    has_lost_rows: bool,
    trouble: Option<String>,
    throttle: Throttle,
}

struct Access {
    connection: Option<Connection>,
    is_writable: bool,
    /// Columns of its rows.
    columns: &'static str,
    /// Device and inode of the file that is open.
    file: Option<(u64, u64)>,
}

/// Rows of the input that were not touched for this long are removed, in microseconds. Long enough
/// that no rotated file of it can still lie there.
const FORGET_OLDER: i64 = 30 * 86_400 * 1_000_000;
/// How long after the start every file that is there was opened, and its row with it renewed.
const FORGET_AFTER: Duration = Duration::from_secs(3600);
/// How long nothing is tried after the file was opened, or a lock waited for, in vain: that stops
/// the reading meanwhile.
const RETRY: Duration = Duration::from_secs(3);

impl Database {
    /// Opens the database, or begins one. What goes wrong is logged, and told by `account`.
    pub(crate) fn open(path: &Path, input: &str) -> Self {
        Self::open_within(path, input, LOCKED_AT_START)
    }

    /// The same; a lock of another program is waited for no longer than `patience`.
    pub(super) fn open_within(path: &Path, input: &str, patience: Duration) -> Self {
        let mut database = Self {
            path: path.to_owned(),
            input: input.to_owned(),
            access: Access {
                connection: None,
                is_writable: false,
                columns: rows::columns(schema::VERSION),
                file: None,
            },
            recent: HashMap::new(),
            sequence: 0,
            unsaved: HashSet::new(),
            forgotten: HashSet::new(),
            left_out: LeftOutFiles::default(),
            retry_at: None,
            forget_at: Some(Instant::now() + FORGET_AFTER),
            began: microseconds(),
            watch: OtherWriters::default(),
            set_aside: 0,
            has_lost_rows: false,
            trouble: None,
            throttle: Throttle::default(),
        };
        if let Err(reason) = database.reopen(patience) {
            database.failed(reason);
        }
        database
    }

    /// Opens the file anew; the error says why it cannot be written.
    fn reopen(&mut self, patience: Duration) -> Result<(), String> {
        // Closed before the file is opened again.
        self.access.connection = None;
        let opening = opening::open(&self.path, patience);
        self.set_aside += opening.set_aside;
        self.has_lost_rows |= opening.has_lost_rows;
        let (connection, result) = match opening.opened {
            Opened::Writable(connection) => (Some(connection), Ok(())),
            Opened::Unwritable(connection, error) => (connection, Err(error.to_string())),
        };
        let version = connection.as_ref().and_then(|connection| schema::version(connection).ok());
        self.access = Access {
            is_writable: result.is_ok(),
            columns: rows::columns(version.unwrap_or(schema::VERSION)),
            file: file_at(&self.path),
            connection,
        };
        if let Some(connection) = &self.access.connection {
            self.left_out.add(LeftOutFiles::read(connection, &self.input));
        }
        if let (true, Some(connection)) = (self.access.is_writable, &self.access.connection) {
            self.watch.begin(connection);
        }
        result
    }

    /// Rows on disk and those of this process, the newest first.
    fn select(&self, condition: &str, parameters: impl Params, is_wanted: impl Fn(&Saved) -> bool) -> Vec<Saved> {
        let mut known: Vec<_> = self.recent.values().filter(|(_, row)| is_wanted(row)).collect();
        known.sort_by_key(|(sequence, _)| std::cmp::Reverse(*sequence));
        let mut found: Vec<_> = known.into_iter().map(|(_, row)| row.clone()).collect();
        if let Some(connection) = &self.access.connection {
            match rows::select(connection, self.access.columns, condition, parameters) {
                Ok(rows) => found.extend(rows.into_iter().filter(|row| !self.is_overlaid(row.log))),
                Err(error) if self.throttle.allows() => {
                    tracing::warn!(path = %self.path.display(), %error, "checkpoints cannot be read");
                }
                Err(_) => {}
            }
        }
        found
    }

    fn is_overlaid(&self, log: LogId) -> bool {
        self.recent.contains_key(&log) || self.forgotten.contains(&log)
    }

    /// Brings everything to disk that is not there.
    fn flush(&mut self) -> Result<(), String> {
        if self.access.file != file_at(&self.path) {
            if self.access.is_writable {
                tracing::error!(path = %self.path.display(), "the checkpoints' file was removed or replaced: written anew");
                self.has_lost_rows = true;
            }
            self.access.is_writable = false;
        }
        if !self.access.is_writable {
            self.reopen(LOCKED)?;
            self.write_all_again();
        }
        match self.write() {
            Err(error) if is_damage(&error) => {
                self.reopen(LOCKED)?;
                self.write_all_again();
                self.write().map_err(|error| explain(&error))
            }
            Err(error) => {
                use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked, DiskFull};
                let passes = matches!(error.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked | DiskFull));
                // After other errors the connection may stay as it is for ever.
                self.access.is_writable = passes;
                Err(explain(&error))
            }
            Ok(()) => Ok(()),
        }
    }

    /// Whatever is on disk now, what this process knows is newer.
    fn write_all_again(&mut self) {
        self.unsaved = self.recent.keys().copied().collect();
        self.left_out.write_all_again();
    }

    /// Writes what is not on disk, in one transaction.
    fn write(&mut self) -> rusqlite::Result<()> {
        let is_due = self.is_forgetting_due();
        let Some(connection) = &mut self.access.connection else { return Ok(()) };
        let now = microseconds();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.watch.look(&transaction, &self.path)?;
        for log in &self.forgotten {
            forget(&transaction, &self.input, *log)?;
        }
        let mut rows: Vec<_> = self.unsaved.iter().filter_map(|log| self.recent.get(log)).collect();
        rows.sort_by_key(|(sequence, _)| *sequence);
        for (later, (_, row)) in (0..).zip(rows) {
            // Each a little later than the one before: of two files of one inode the newer is told.
            rows::upsert(&transaction, &self.input, row, now + later)?;
            if row.place != super::Place::Gone || !has_successor(&transaction, row)? {
                fluent_bit::mirror(&transaction, row, now / 1_000_000)?;
            }
        }
        self.left_out.write(&transaction, &self.input)?;
        if is_due {
            fluent_bit::remove_unseen(&transaction, &self.input, self.began)?;
            transaction
                .execute("DELETE FROM flytail_checkpoints WHERE updated < ?1", [now.saturating_sub(FORGET_OLDER)])?;
        }
        transaction.commit()?;
        self.forget_at = self.forget_at.filter(|_| !is_due);
        self.unsaved.clear();
        self.forgotten.clear();
        self.left_out.was_written();
        self.recent.retain(|_, (_, row)| row.place != super::Place::Gone);
        Ok(())
    }

    /// Everything is on disk.
    fn is_saved(&self) -> bool {
        self.unsaved.is_empty() && self.forgotten.is_empty() && self.left_out.is_saved()
    }

    fn is_forgetting_due(&self) -> bool {
        self.forget_at.is_some_and(|at| Instant::now() >= at)
    }

    fn failed(&mut self, reason: String) -> StoreError {
        if self.throttle.allows() {
            tracing::error!(
                path = %self.path.display(), %reason, unsaved = self.unsaved.len(),
                "checkpoints are not saved: shipping goes on, and after a restart more is read again"
            );
        }
        let reason = format!("{}: {reason}", self.path.display());
        self.trouble = Some(reason.clone());
        StoreError { reason }
    }
}

impl Store for Database {
    fn of_log(&self, log: LogId) -> Option<Saved> {
        if self.is_overlaid(log) {
            return self.recent.get(&log).map(|(_, row)| row.clone());
        }
        self.select("log = ?1 AND input = ?2", params![log.0.to_be_bytes(), self.input], |row| row.log == log).pop()
    }

    fn of_file(&self, device: u64, inode: u64) -> Vec<Saved> {
        let parameters = params![Unsigned(inode), Unsigned(device), self.input];
        self.select("inode = ?1 AND device = ?2 AND input = ?3", parameters, |row| {
            (row.device, row.inode) == (device, inode)
        })
    }

    fn of_head(&self, head: Head) -> Vec<Saved> {
        let parameters = params![Unsigned(head.hash), Unsigned(head.length), self.input];
        self.select("head_hash = ?1 AND head_length = ?2 AND input = ?3", parameters, |row| row.head == head)
    }

    fn unfinished(&self) -> Vec<Saved> {
        self.select("offset < length AND input = ?1", [&self.input], |row| row.checkpoint.offset < row.length)
    }

    fn forget(&mut self, log: LogId) {
        self.recent.remove(&log);
        self.unsaved.remove(&log);
        self.forgotten.insert(log);
    }

    fn left_out(&self) -> HashMap<PathBuf, LeftOut> {
        self.left_out.all()
    }

    fn leave_out(&mut self, path: &Path, left_out: Option<LeftOut>) {
        self.left_out.set(path, left_out);
    }

    fn save(&mut self, rows: &[Saved]) -> Result<(), StoreError> {
        for row in rows {
            self.sequence += 1;
            self.recent.insert(row.log, (self.sequence, row.clone()));
            self.unsaved.insert(row.log);
            self.forgotten.remove(&row.log);
        }
        let is_idle = self.is_saved() && self.trouble.is_none();
        if is_idle && !self.is_forgetting_due() {
            return Ok(());
        }
        if self.retry_at.is_some_and(|at| Instant::now() < at) {
            return Err(StoreError { reason: self.trouble.clone().unwrap_or_default() });
        }
        self.retry_at = None;
        let began = Instant::now();
        if let Err(reason) = self.flush() {
            // What may take its time is not tried each time.
            let is_slow = !self.access.is_writable || began.elapsed() >= LOCKED / 2;
            self.retry_at = is_slow.then(|| Instant::now() + RETRY);
            return Err(self.failed(reason));
        }
        if self.trouble.take().is_some() {
            tracing::info!(path = %self.path.display(), "checkpoints are saved again");
        }
        Ok(())
    }

    fn adopt(&self, inode: u64, names: &[&Path], length: u64, read_at: &mut ReadAt<'_>) -> Option<u64> {
        let connection = self.access.connection.as_ref()?;
        let row = fluent_bit::of_inode(connection, inode).ok().flatten()?;
        row.resume(names, length, read_at)
    }

    fn foreign(&self) -> Vec<ForeignRow> {
        self.access.connection.as_ref().and_then(|connection| fluent_bit::all(connection).ok()).unwrap_or_default()
    }

    fn has_lost_rows(&self) -> bool {
        self.has_lost_rows || (self.access.connection.is_none() && self.trouble.is_some())
    }

    fn account(&self) -> CheckpointAccount {
        let not_saved = self.trouble.as_ref().map(|reason| format!("checkpoints are not saved: {reason}"));
        let trouble = not_saved.or_else(|| self.watch.trouble(&self.path));
        CheckpointAccount { set_aside: self.set_aside, unsaved: self.unsaved.len() as u64, trouble }
    }
}

impl Drop for Database {
    /// The last chance, whatever was to be waited for.
    fn drop(&mut self) {
        if !self.is_saved()
            && let Err(reason) = self.flush()
        {
            tracing::error!(path = %self.path.display(), %reason, "the last checkpoints are not saved: more is read again");
        }
    }
}

/// Removes a log, and what Fluent Bit is told of its file.
fn forget(transaction: &Transaction<'_>, input: &str, log: LogId) -> rusqlite::Result<()> {
    let key = params![input, log.0.to_be_bytes()];
    let row = rows::select(transaction, rows::columns(schema::VERSION), "input = ?1 AND log = ?2", key)?.pop();
    transaction.prepare_cached("DELETE FROM flytail_checkpoints WHERE input = ?1 AND log = ?2")?.execute(key)?;
    match row {
        Some(row) if !has_successor(transaction, &row)? => fluent_bit::remove(transaction, row.inode),
        _ => Ok(()),
    }
}

/// The inode of a row belongs to another log that is there: a file that was truncated, or another one.
fn has_successor(transaction: &Transaction<'_>, row: &Saved) -> rusqlite::Result<bool> {
    transaction
        .prepare_cached("SELECT 1 FROM flytail_checkpoints WHERE inode = ?1 AND log <> ?2 AND place < 2")?
        .exists(params![Unsigned(row.inode), row.log.0.to_be_bytes()])
}

fn file_at(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

fn microseconds() -> i64 {
    Timestamp::now().0 / 1000
}
