//! Fluent Bit's table `in_tail_files`, kept up as a mirror of ours.
//!
//! Fluent Bit looks a file up by its inode, takes the newest row, and goes on at its offset. What we
//! last wrote there is in `flytail_mirror`: a row that says something else was written by Fluent Bit
//! since. It holds one offset for both streams and knows no devices, so neither does the mirror.
//!
//! Its version 5 also keeps a marker, the xxHash3 of the (up to 32) bytes before the offset, and
//! starts at 0 where that differs; a size of 0 means no check. We write 0: an older Fluent Bit moves
//! the offset and leaves the marker as it is, which would make a newer one read everything again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use memchr::memrchr;
use rusqlite::{Connection, OptionalExtension, Params, Row, Transaction, params};
use xxhash_rust::xxh3::xxh3_64;

use super::rows::{self, PathText, Unsigned};
use super::{Place, ReadAt, Saved};

/// A row that Fluent Bit wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForeignRow {
    /// Path under which Fluent Bit found the file, or that it was renamed to.
    pub(crate) name: PathBuf,
    /// Inode of the file.
    pub(crate) inode: u64,
    /// Where it stopped, in bytes of the file as it is on disk.
    pub(crate) offset: u64,
    /// Hash of the bytes before the offset, and of how many.
    pub(crate) marker: Option<(u64, usize)>,
}

/// More bytes than any marker covers: Fluent Bit takes 32.
const LONGEST_MARKER: usize = 4096;
/// How far back the beginning of a line is looked for, in bytes.
const LONGEST_LINE: u64 = 256 * 1024;
const STEP: usize = 8 * 1024;

impl ForeignRow {
    /// Where to go on in a log of `length` uncompressed bytes that has or had one of these names:
    /// the beginning of the line at Fluent Bit's offset. `None` if the row is not of this log, which
    /// its marker tells, or else its name; or if it counts compressed bytes.
    pub(crate) fn resume(&self, names: &[&Path], length: u64, read_at: &mut ReadAt<'_>) -> Option<u64> {
        let is_compressed = self.name.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
        if is_compressed || self.offset > length {
            return None;
        }
        let is_of_it = match self.marker {
            Some((hash, size)) => {
                self.offset >= size as u64 && {
                    let mut bytes = vec![0; size.min(LONGEST_MARKER)];
                    let start = self.offset - bytes.len() as u64;
                    read_exact(&mut bytes, start, read_at).is_some() && xxh3_64(&bytes) == hash
                }
            }
            None => names.iter().any(|name| is_named_after(&self.name, name)),
        };
        is_of_it.then(|| line_start(self.offset, read_at)).flatten()
    }
}

/// One is the other, or was rotated from it: `app.log.1` and `app.log`.
fn is_named_after(one: &Path, other: &Path) -> bool {
    let (Some(one_name), Some(other_name)) = (one.file_name(), other.file_name()) else { return false };
    let (one_name, other_name) = (one_name.as_encoded_bytes(), other_name.as_encoded_bytes());
    let (long, short) = if one_name.len() > other_name.len() { (one_name, other_name) } else { (other_name, one_name) };
    let is_rotated = |rest: &[u8]| rest.first().is_none_or(|first| b".-_".contains(first));
    one.parent() == other.parent() && long.strip_prefix(short).is_some_and(is_rotated)
}

/// Fluent Bit's offset may lie within a line, of which it kept the beginning in memory only.
fn line_start(offset: u64, read_at: &mut ReadAt<'_>) -> Option<u64> {
    let mut end = offset;
    while end > 0 && offset - end < LONGEST_LINE {
        let mut bytes = vec![0; usize::try_from(end).unwrap_or(STEP).min(STEP)];
        let start = end - bytes.len() as u64;
        read_exact(&mut bytes, start, read_at)?;
        if let Some(line_end) = memrchr(b'\n', &bytes) {
            return Some(start + line_end as u64 + 1);
        }
        end = start;
    }
    // A line that long was skipped or cut by it.
    Some(if end == 0 { 0 } else { offset })
}

fn read_exact(bytes: &mut [u8], offset: u64, read_at: &mut ReadAt<'_>) -> Option<()> {
    let mut filled = 0;
    while filled < bytes.len() {
        match read_at(&mut bytes[filled..], offset + filled as u64) {
            Ok(0) | Err(_) => return None,
            Ok(read) => filled += read,
        }
    }
    Some(())
}

/// What Fluent Bit wrote about an inode since we last did.
pub(super) fn of_inode(connection: &Connection, inode: u64) -> rusqlite::Result<Option<ForeignRow>> {
    // Only the newest row counts, as for Fluent Bit.
    let condition = "files.id = (SELECT max(id) FROM in_tail_files WHERE inode = ?1)";
    Ok(select(connection, condition, [Unsigned(inode)])?.pop())
}

/// All that Fluent Bit wrote since we last did.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<ForeignRow>> {
    let condition = "files.id = (SELECT max(id) FROM in_tail_files WHERE inode = files.inode)";
    select(connection, condition, [])
}

/// The offsets of [`all`], by inode: much cheaper where nothing is foreign.
pub(super) fn offsets(connection: &Connection) -> rusqlite::Result<HashMap<u64, u64>> {
    Ok(all(connection)?.into_iter().map(|row| (row.inode, row.offset)).collect())
}

fn select(connection: &Connection, condition: &str, parameters: impl Params) -> rusqlite::Result<Vec<ForeignRow>> {
    // A database that could only be opened for reading may lack the newer columns and tables.
    let has_marker = connection.column_exists(None, "in_tail_files", "offset_marker_size")?;
    let marker = if has_marker { "offset_marker, offset_marker_size" } else { "0, 0" };
    let has_mirror = connection.table_exists(None, "flytail_mirror")?;
    let mirrored = if has_mirror { "(SELECT offset FROM flytail_mirror WHERE inode = files.inode)" } else { "NULL" };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT name, inode, offset, {marker} FROM in_tail_files files
        WHERE offset >= 0 AND inode IS NOT NULL AND offset IS NOT {mirrored} AND {condition}"
    ))?;
    let rows = statement.query_map(parameters, foreign)?;
    Ok(rows.filter_map(Result::ok).collect())
}

fn foreign(row: &Row<'_>) -> rusqlite::Result<ForeignRow> {
    let size = usize::try_from(row.get::<_, Option<i64>>(4)?.unwrap_or(0)).unwrap_or(0);
    let hash = row.get::<_, Option<Unsigned>>(3)?.map_or(0, |Unsigned(hash)| hash);
    let (Unsigned(inode), Unsigned(offset)) = (row.get(1)?, row.get(2)?);
    Ok(ForeignRow { name: rows::path(row, 0)?, inode, offset, marker: (size > 0).then_some((hash, size)) })
}

/// Writes what Fluent Bit is to know of a row. `created` is in seconds since 1970.
pub(super) fn mirror(transaction: &Transaction<'_>, row: &Saved, created: i64) -> rusqlite::Result<()> {
    let is_compressed = row.real.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
    if row.place == Place::Gone {
        return remove(transaction, row.inode);
    }
    if is_compressed {
        // Its offsets there are those of the compressed bytes.
        return Ok(());
    }
    let (inode, offset) = (Unsigned(row.inode), Unsigned(row.checkpoint.offset));
    let (name, rotated) = match row.place {
        Place::Rotated => (PathText(&row.real), 1),
        _ => (PathText(&row.path), 0),
    };
    let mut update = transaction.prepare_cached(
        "UPDATE in_tail_files SET name = CAST(?2 AS TEXT), offset = ?3, rotated = ?4, offset_marker = 0,
        offset_marker_size = 0 WHERE id = (SELECT max(id) FROM in_tail_files WHERE inode = ?1)",
    )?;
    if update.execute(params![inode, name, offset, rotated])? == 0 {
        let mut insert = transaction.prepare_cached(
            "INSERT INTO in_tail_files (inode, name, offset, rotated, created)
            VALUES (?1, CAST(?2 AS TEXT), ?3, ?4, ?5)",
        )?;
        insert.execute(params![inode, name, offset, rotated, created])?;
    }
    let mut remember = transaction.prepare_cached("INSERT OR REPLACE INTO flytail_mirror VALUES (?1, ?2)")?;
    remember.execute(params![inode, offset])?;
    Ok(())
}

/// Removes what we wrote about an inode. What Fluent Bit wrote since stays.
pub(super) fn remove(transaction: &Transaction<'_>, inode: u64) -> rusqlite::Result<()> {
    let mirrored = transaction
        .prepare_cached("SELECT offset FROM flytail_mirror WHERE inode = ?1")?
        .query_row([Unsigned(inode)], |row| row.get::<_, i64>(0))
        .optional()?;
    let Some(offset) = mirrored else { return Ok(()) };
    // Older rows of the inode go with the newest, which hid them from Fluent Bit.
    let newest = "(SELECT offset FROM in_tail_files WHERE inode = ?1 ORDER BY id DESC LIMIT 1)";
    transaction
        .prepare_cached(&format!("DELETE FROM in_tail_files WHERE inode = ?1 AND ?2 = {newest}"))?
        .execute(params![Unsigned(inode), offset])?;
    transaction.prepare_cached("DELETE FROM flytail_mirror WHERE inode = ?1")?.execute([Unsigned(inode)])?;
    Ok(())
}

/// Removes what we wrote about files of an input that were not seen since `before`, in microseconds
/// since 1970. An inode of theirs may be another file's when Fluent Bit looks.
pub(super) fn remove_unseen(transaction: &Transaction<'_>, input: &str, before: i64) -> rusqlite::Result<()> {
    let unseen = "SELECT inode FROM flytail_checkpoints WHERE input = ?1 AND updated < ?2
        EXCEPT SELECT inode FROM flytail_checkpoints WHERE updated >= ?2";
    let mut statement = transaction.prepare(unseen)?;
    let inodes = statement.query_map(params![input, before], |row| row.get::<_, Unsigned>(0))?;
    for Unsigned(inode) in inodes.collect::<rusqlite::Result<Vec<_>>>()? {
        remove(transaction, inode)?;
    }
    Ok(())
}
