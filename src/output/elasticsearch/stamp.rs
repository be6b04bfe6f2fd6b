//! Whether a file is still what it was when it was read.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// The state of a file: another one means that it is to be read again. The inode is in it because
/// Kubernetes replaces a mounted secret by pointing a link to another directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    length: u64,
    changed: (i64, i64),
}

impl Stamp {
    /// The file's state now.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let metadata = std::fs::metadata(path)?;
        let changed = (metadata.ctime(), metadata.ctime_nsec());
        Ok(Self { inode: metadata.ino(), length: metadata.len(), changed })
    }
}
