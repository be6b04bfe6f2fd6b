//! Rows of our own table.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rusqlite::types::{FromSql, FromSqlResult, ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Params, Row, ToSql, Transaction, params};

use super::{Place, Saved};
use crate::input::tail::identity::Head;
use crate::record::{Checkpoint, LogId, Timestamp};

const COLUMNS: &str =
    "log, device, inode, head_length, head_hash, path, offset, stdout, stderr, time, length, real, place";

/// The same of a database that was never upgraded, because it cannot be written.
const COLUMNS_0: &str = "log, device, inode, head_length, head_hash, path, offset, stdout, stderr, time, \
     offset AS length, path AS real, 0 AS place";

/// The columns of a version's rows.
pub(super) fn columns(version: i64) -> &'static str {
    if version == 0 { COLUMNS_0 } else { COLUMNS }
}

/// The table has all columns.
pub(super) fn check(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare(&format!("SELECT {COLUMNS}, input, updated FROM flytail_checkpoints")).map(drop)
}

/// The rows that a condition chooses, the newest first. Rows that make no sense are left out.
pub(super) fn select(
    connection: &Connection,
    columns: &str,
    condition: &str,
    parameters: impl Params,
) -> rusqlite::Result<Vec<Saved>> {
    let query = format!("SELECT {columns} FROM flytail_checkpoints WHERE {condition} ORDER BY updated DESC");
    let mut statement = connection.prepare_cached(&query)?;
    let rows = statement.query_map(parameters, saved)?;
    Ok(rows.filter_map(Result::ok).collect())
}

/// Writes a row. `updated` is in microseconds since 1970. Columns that a newer version has added
/// keep their values.
pub(super) fn upsert(transaction: &Transaction<'_>, input: &str, row: &Saved, updated: i64) -> rusqlite::Result<()> {
    let Checkpoint { offset, streams, time } = row.checkpoint;
    let mut statement = transaction.prepare_cached(&format!(
        "INSERT INTO flytail_checkpoints (input, updated, {COLUMNS})
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
        ON CONFLICT (input, log) DO UPDATE SET updated = ?2, device = ?4, inode = ?5, head_length = ?6,
        head_hash = ?7, path = ?8, offset = ?9, stdout = ?10, stderr = ?11, time = ?12, length = ?13, real = ?14,
        place = ?15"
    ))?;
    let place = match row.place {
        Place::Current => 0,
        Place::Rotated => 1,
        Place::Gone => 2,
    };
    statement.execute(params![
        input,
        updated,
        row.log.0.to_be_bytes(),
        Unsigned(row.device),
        Unsigned(row.inode),
        Unsigned(row.head.length),
        Unsigned(row.head.hash),
        PathText(&row.path),
        Unsigned(offset),
        Unsigned(streams[0]),
        Unsigned(streams[1]),
        time.0,
        Unsigned(row.length),
        PathText(&row.real),
        place,
    ])?;
    Ok(())
}

fn saved(row: &Row<'_>) -> rusqlite::Result<Saved> {
    let unsigned = |column| row.get::<_, Unsigned>(column).map(|Unsigned(number)| number);
    Ok(Saved {
        log: LogId(u128::from_be_bytes(row.get(0)?)),
        device: unsigned(1)?,
        inode: unsigned(2)?,
        head: Head { length: unsigned(3)?, hash: unsigned(4)? },
        path: path(row, 5)?,
        checkpoint: Checkpoint {
            offset: unsigned(6)?,
            streams: [unsigned(7)?, unsigned(8)?],
            time: Timestamp(row.get(9)?),
        },
        length: unsigned(10)?,
        real: path(row, 11)?,
        place: match row.get::<_, i64>(12)? {
            0 => Place::Current,
            1 => Place::Rotated,
            _ => Place::Gone,
        },
    })
}

/// SQLite's integers are signed; the bits are the same.
pub(super) struct Unsigned(pub(super) u64);

impl ToSql for Unsigned {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(i64::from_ne_bytes(self.0.to_ne_bytes()).into())
    }
}

impl FromSql for Unsigned {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(u64::from_ne_bytes(value.as_i64()?.to_ne_bytes())))
    }
}

/// A path as SQLite's text, or as bytes where it is no UTF-8.
pub(super) struct PathText<'p>(pub(super) &'p Path);

impl ToSql for PathText<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let text = self.0.to_str().map(|text| ToSqlOutput::Borrowed(text.into()));
        Ok(text.unwrap_or_else(|| ToSqlOutput::Owned(Value::Blob(self.0.as_os_str().as_bytes().to_vec()))))
    }
}

/// A path in a column.
pub(super) fn path(row: &Row<'_>, column: usize) -> rusqlite::Result<PathBuf> {
    let bytes = row.get_ref(column)?.as_bytes()?;
    Ok(PathBuf::from(OsString::from_vec(bytes.to_vec())))
}
