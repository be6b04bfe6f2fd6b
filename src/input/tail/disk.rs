//! The file system as the tail sees it. What is decided about files is decided on this, so that a
//! simulated disk can stand in for the real one.

use std::ffi::OsString;
use std::fmt::Debug;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// What is asked of a file system.
pub(crate) trait Disk: Send + Sync {
    /// What a path leads to, through symbolic links.
    fn look(&self, path: &Path) -> io::Result<Look>;

    /// The path of what a path leads to, without symbolic links.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf>;

    /// What a symbolic link holds.
    fn link(&self, path: &Path) -> io::Result<PathBuf>;

    /// Names in a directory, in no order.
    fn names(&self, directory: &Path) -> io::Result<Vec<OsString>>;

    /// Opens a file for reading.
    fn open(&self, path: &Path) -> io::Result<Box<dyn LogFile>>;
}

/// A file that is open.
pub(crate) trait LogFile: Debug + Send {
    /// What it is now.
    fn look(&self) -> io::Result<Look>;

    /// Reads at an offset of the uncompressed log; 0 at its end.
    fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// The file with its bytes as they are stored, if those are compressed.
    fn stored(&mut self) -> Option<&mut dyn LogFile> {
        None
    }

    /// Gives back what it can get again when it is read: memory and handles.
    fn release(&mut self) {}
}

/// What the file system says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    /// Bytes on the disk: compressed ones, if they are.
    pub(crate) length: u64,
    /// Names that it has; with the last one it is gone once nobody has it open.
    pub(crate) links: u64,
    pub(crate) kind: Kind,
    /// When it was written last, in nanoseconds since the epoch.
    pub(crate) modified: i64,
}

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Directory,
    Other,
}

impl Look {
    /// Which file it is.
    pub(crate) fn key(&self) -> (u64, u64) {
        (self.device, self.inode)
    }
}

/// Reads until the buffer is full or the file ends.
pub(crate) fn read_up_to(file: &mut dyn LogFile, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

/// The file system of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RealDisk;

impl Disk for RealDisk {
    fn look(&self, path: &Path) -> io::Result<Look> {
        std::fs::metadata(path).map(|metadata| look(&metadata))
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        std::fs::canonicalize(path)
    }

    fn link(&self, path: &Path) -> io::Result<PathBuf> {
        std::fs::read_link(path)
    }

    fn names(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        std::fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        Ok(Box::new(File::open(path)?))
    }
}

impl LogFile for File {
    fn look(&self) -> io::Result<Look> {
        self.metadata().map(|metadata| look(&metadata))
    }

    fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }
}

fn look(metadata: &Metadata) -> Look {
    let kind = match metadata.file_type() {
        kind if kind.is_file() => Kind::File,
        kind if kind.is_dir() => Kind::Directory,
        _ => Kind::Other,
    };
    let modified = metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec());
    Look {
        device: metadata.dev(),
        inode: metadata.ino(),
        length: metadata.len(),
        links: metadata.nlink(),
        kind,
        modified,
    }
}
