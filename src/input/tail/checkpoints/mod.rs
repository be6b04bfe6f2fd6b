//! Checkpoints: how far each log is done, kept over restarts.
//!
//! [`Database`] keeps them in SQLite: a table of our own ([`rows`]), which is the truth, and Fluent
//! Bit's table in the same file ([`fluent_bit`]) as a mirror, so that a node can move from Fluent
//! Bit to flytail and back. [`schema`] knows the versions of the tables, and [`opening`] what is
//! done with a file that cannot be used. Beside the checkpoints stands which files are [`left_out`]
//! because of their pods.
//!
//! A store that fails never stops the shipping: what cannot be written is kept in memory and tried
//! again, and what cannot be read is read from the files again. Ids made of positions keep that from
//! being seen.

mod database;
mod fluent_bit;
mod left_out;
mod memory;
mod opening;
mod other_writers;
mod rows;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use super::identity::Head;
use crate::record::{Checkpoint, LogId};
use crate::telemetry::accounts::CheckpointAccount;

pub(crate) use database::Database;
pub(crate) use left_out::LeftOut;
pub use memory::Memory;
pub(crate) use memory::MemoryStore;

/// What is kept of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Saved {
    /// The log.
    pub(crate) log: LogId,
    /// Device of the file that holds it.
    pub(crate) device: u64,
    /// Inode of that file.
    pub(crate) inode: u64,
    /// How the file begins, uncompressed.
    pub(crate) head: Head,
    /// Uncompressed bytes that were there at the last look.
    pub(crate) length: u64,
    /// The path under which the log was found.
    pub(crate) path: PathBuf,
    /// Where the file itself was last, symbolic links resolved.
    pub(crate) real: PathBuf,
    /// Whether it still is at `path`.
    pub(crate) place: Place,
    /// How far it is done.
    pub(crate) checkpoint: Checkpoint,
}

/// Where a log's file is, as Fluent Bit has to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Under the path where it was found.
    Current,
    /// Renamed: at its `real` path.
    Rotated,
    /// It has no name any more. Its inode may be another file's soon, so Fluent Bit's table must
    /// not name it.
    Gone,
}

/// Reads bytes of a log at an uncompressed offset.
pub(crate) type ReadAt<'r> = dyn FnMut(&mut [u8], u64) -> io::Result<usize> + 'r;

/// Where checkpoints are kept. Reading gives what is known, which may be nothing.
pub(crate) trait Store: Send {
    /// The checkpoint of a log.
    fn of_log(&self, log: LogId) -> Option<Saved>;

    /// What is known of a file by its inode, the newest first. Whether it is the same file still is
    /// told by its head.
    fn of_file(&self, device: u64, inode: u64) -> Vec<Saved>;

    /// What is known of files that begin like this, the newest first: a compressed or copied file
    /// has an inode of its own.
    fn of_head(&self, head: Head) -> Vec<Saved>;

    /// Logs that were not done to the end that was seen: what may have been destroyed unread while
    /// nobody looked.
    fn unfinished(&self) -> Vec<Saved>;

    /// Drops a log: its loss was reported, or nothing of it can come any more. Written by the next
    /// `save`.
    fn forget(&mut self, log: LogId);

    /// Files that were not read because of their pods when these were known, by their paths.
    fn left_out(&self) -> HashMap<PathBuf, LeftOut>;

    /// A file is not read, or (`None`) it is, or it is gone. Written by the next `save`.
    fn leave_out(&mut self, path: &Path, left_out: Option<LeftOut>);

    /// Writes rows, in one transaction, together with what was not written before. Called about
    /// once a second, with no rows too.
    ///
    /// # Errors
    /// If they are in memory only. That was logged, and they are written as soon as it is possible.
    fn save(&mut self, rows: &[Saved]) -> Result<(), StoreError>;

    /// Where Fluent Bit stopped in a file, if its row says something that we did not write: the
    /// beginning of a line, for both streams. `names` are the paths that the file has or had,
    /// `length` is its length in bytes. Not to be asked for compressed files: see `foreign`.
    fn adopt(&self, inode: u64, names: &[&Path], length: u64, read_at: &mut ReadAt<'_>) -> Option<u64>;

    /// All rows of Fluent Bit that we did not write. One whose file is gone may belong to a
    /// compressed copy of it, which [`ForeignRow::resume`] tells for sure if the row has a marker.
    fn foreign(&self) -> Vec<ForeignRow>;

    /// Rows were lost, so a file that has none may be known all the same: it is to be read from its
    /// beginning, whatever holds for new files.
    fn has_lost_rows(&self) -> bool;

    /// How it fares.
    fn account(&self) -> CheckpointAccount;
}

pub(crate) use fluent_bit::ForeignRow;

/// Checkpoints are not on disk. `reason` names the file and what to do.
#[derive(Debug, thiserror::Error)]
#[error("checkpoints are not saved: {reason}")]
pub(crate) struct StoreError {
    /// Why not.
    pub(crate) reason: String,
}
