//! What may go wrong with a spool.

use std::io;
use std::path::PathBuf;

/// A spool could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Another process has the directory.
    #[error(
        "the spool {} is in use by another process: stop that one, or give each one a directory of its own",
        directory.display()
    )]
    InUse {
        /// The directory.
        directory: PathBuf,
    },
    /// The system refused. A full disk is one of these ([`SpoolError::is_full`]).
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A frame does not have the checksum that it should have. Reading may go on at `to`.
    #[error("{} is damaged: bytes {from} to {to} of the log that it holds cannot be read", path.display())]
    Damaged {
        /// The segment's file.
        path: PathBuf,
        /// Offset in the log of the first byte that is lost.
        from: u64,
        /// Offset in the log behind the last byte that is lost.
        to: u64,
    },
    /// The spool let go of the segment ([`Spool::enforce`](super::Spool::enforce) or
    /// [`Spool::remove`](super::Spool::remove)).
    #[error("the segment {id} is no longer in the spool")]
    Gone {
        /// The segment's id.
        id: u64,
    },
    /// An offset before the segment's first.
    #[error("the segment {id} begins at byte {first_offset} of its log, and byte {offset} was asked for")]
    BeforeFirst {
        /// The segment's id.
        id: u64,
        /// Where it begins.
        first_offset: u64,
        /// What was asked for.
        offset: u64,
    },
    /// A description that a header has no room for.
    #[error("a segment's description has at most {most} bytes, not {length}")]
    LongDescription {
        /// Its length in bytes.
        length: usize,
        /// The most that is allowed, in bytes.
        most: usize,
    },
}

impl SpoolError {
    /// The disk is full, or a quota is used up: it may work again later.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        matches!(self, Self::Io { source, .. } if full.contains(&source.kind()))
    }
}
