//! The tables, their versions, and the way from each version to the next.
//!
//! `PRAGMA user_version` holds the version, which Fluent Bit does not look at. A newer version says
//! in `flytail_schema` from which version on programs can read and write it: one that only adds
//! columns with defaults, or tables, stays usable for this program, so that a roll-back loses nothing.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::opening::OpenError;
use super::rows;

/// The version that this program writes.
pub(super) const VERSION: i64 = 2;

/// What makes version 0 (of any version below it), 1, and so on. A new database goes the whole way.
const STEPS: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS flytail_checkpoints (
        input TEXT, log BLOB, device INTEGER, inode INTEGER, head_length INTEGER, head_hash INTEGER,
        path TEXT, offset INTEGER, stdout INTEGER, stderr INTEGER, time INTEGER, updated INTEGER,
        PRIMARY KEY (input, log)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS flytail_checkpoints_inode ON flytail_checkpoints (inode, device);",
    // What was mirrored in Fluent Bit's table is remembered from now on: before, it was the newest
    // checkpoint of each inode. `updated` was in seconds and is in microseconds now. Programs of
    // version 0 write whole rows by position, which fails in a wider table.
    "ALTER TABLE flytail_checkpoints ADD COLUMN length INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE flytail_checkpoints ADD COLUMN real TEXT NOT NULL DEFAULT '';
    ALTER TABLE flytail_checkpoints ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
    UPDATE flytail_checkpoints SET length = offset, real = path, updated = updated * 1000000;
    CREATE INDEX flytail_checkpoints_head ON flytail_checkpoints (head_hash);
    CREATE TABLE flytail_mirror (inode INTEGER PRIMARY KEY, offset INTEGER NOT NULL);
    INSERT OR REPLACE INTO flytail_mirror SELECT inode, offset FROM flytail_checkpoints ORDER BY updated;
    CREATE TABLE flytail_schema (minimum_reader INTEGER NOT NULL);
    INSERT INTO flytail_schema VALUES (1);",
    // A new table: programs of version 1 go on to work.
    "CREATE TABLE flytail_left_out (
        input TEXT NOT NULL, path TEXT NOT NULL, is_excluded INTEGER NOT NULL, selection TEXT NOT NULL,
        PRIMARY KEY (input, path)
    ) WITHOUT ROWID;",
];

/// Fluent Bit's table, and an index of ours that it keeps up without knowing it.
const FLUENT_BIT: &str = "
    CREATE TABLE IF NOT EXISTS in_tail_files (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, offset INTEGER, inode INTEGER, created INTEGER,
        rotated INTEGER DEFAULT 0, offset_marker INTEGER DEFAULT 0, offset_marker_size INTEGER DEFAULT 0
    );
    CREATE INDEX IF NOT EXISTS flytail_in_tail_files_inode ON in_tail_files (inode);";

/// Makes the tables what this program needs, in one transaction.
///
/// # Errors
/// If the database is of a version that this program cannot use, if its tables are not what their
/// version says, or if it cannot be written.
pub(super) fn prepare(connection: &mut Connection) -> Result<(), OpenError> {
    // Begun as a writer: two workers must not upgrade it both.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    if !is_usable(&transaction, found)? {
        return Err(OpenError::Version { found });
    }
    let first = usize::try_from(found + 1).unwrap_or(STEPS.len());
    let steps = STEPS.get(first..).filter(|steps| !steps.is_empty());
    for step in steps.unwrap_or_default() {
        transaction.execute_batch(step)?;
    }
    if steps.is_some() {
        transaction.execute_batch(&format!("PRAGMA user_version = {VERSION}"))?;
        tracing::debug!(from = found, to = VERSION, "the checkpoints' tables were made or upgraded");
    }
    transaction.execute_batch(FLUENT_BIT)?;
    for column in ["offset_marker", "offset_marker_size"] {
        // Fluent Bit has them since its version 5, and takes it well that they are there already.
        if !transaction.column_exists(None, "in_tail_files", column)? {
            transaction.execute_batch(&format!("ALTER TABLE in_tail_files ADD COLUMN {column} INTEGER DEFAULT 0"))?;
        }
    }
    // A database that is not ours is left as it was.
    rows::check(&transaction).map_err(|error| OpenError::Damaged(format!("its tables are not ours: {error}")))?;
    transaction.commit()?;
    // With WAL and NORMAL a loss of power can take the last transactions with it, but never damages
    // the file; what is read again then has the same ids.
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")?;
    Ok(())
}

/// The version of the tables: -1 if there are none of ours yet.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    let version = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version == 0 && !connection.table_exists(None, "flytail_checkpoints")? {
        return Ok(-1);
    }
    Ok(version)
}

fn is_usable(connection: &Connection, found: i64) -> rusqlite::Result<bool> {
    if found <= VERSION {
        return Ok(found >= -1);
    }
    // Without a note it is no database of ours.
    if !connection.table_exists(None, "flytail_schema")? {
        return Ok(false);
    }
    let minimum =
        connection.query_row("SELECT minimum_reader FROM flytail_schema", [], |row| row.get::<_, i64>(0)).optional()?;
    Ok(minimum.is_some_and(|minimum| minimum <= VERSION))
}
