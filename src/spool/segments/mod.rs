//! Segments: bytes of logs that would vanish from the disk, kept until they are delivered.
//!
//! ```text
//! create ──▶ append … append ──▶ sync ──▶ read_at … read_at ──▶ remove
//!                                  │ end() moves: only now do the bytes count
//! ```
//! What must hold:
//! - What [`Segment::end`] has covered once is there after a crash, or its loss is told.
//! - Nothing is read whose checksum was not verified.
//! - A full disk costs the bytes that it has no room for, never those before.
//! - What the limits drop is named, with the reason.
//! - Owners that only get a share of the room cost the others none of theirs.
//!
//! The spool knows nothing of files that are tailed: what a segment is a part of stands in its
//! description, which only its owner understands. `format` tells how the bytes stand on the disk.

mod disk;
mod error;
mod format;
mod index;
mod limits;
#[cfg(test)]
mod memory;
mod recover;
mod segment;
#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub use disk::{Directory, Disk, DiskFile};
pub use error::SpoolError;
pub use limits::{Dropped, Limits, Reason};
#[cfg(test)]
pub(crate) use memory::MemoryDisk;
pub use segment::Segment;

use crate::record::Timestamp;
use format::Header;
use index::{Index, Place};
use recover::Recovered;
use segment::{Parts, Shared};

/// The segments of one directory.
#[derive(Debug)]
pub struct Spool {
    disk: Arc<dyn Disk>,
    limits: Limits,
    /// The oldest first.
    entries: Vec<Entry>,
    next_id: u64,
    /// Files that gave nothing when the spool was opened.
    unreadable: u64,
}

/// What the spool keeps of each segment.
#[derive(Debug)]
struct Entry {
    id: u64,
    name: String,
    description: Arc<[u8]>,
    first_offset: u64,
    created: Timestamp,
    /// Whose it is, if that only gets a share.
    sharer: Option<u64>,
    shared: Arc<Shared>,
}

/// How the names of segments end.
const SUFFIX: &str = ".segment";
/// How the names of segments end that are not complete yet.
const UNFINISHED: &str = ".segment.new";
/// What is put behind the names of files that cannot be read.
const ASIDE: &str = ".aside";

impl Spool {
    /// Opens a directory, made if need be, and gives what it holds, oldest first.
    ///
    /// Segments are read and checked as a whole. A damaged one keeps what is whole of it
    /// ([`Segment::lost`] tells the rest); a file that is no segment, or of an unknown version, is
    /// set aside under another name. Both are logged.
    ///
    /// # Errors
    /// If another process has the directory, or the system refuses to read it.
    pub fn open(directory: PathBuf, limits: Limits) -> Result<(Self, Vec<Segment>), SpoolError> {
        Self::open_on(Arc::new(Directory::open(directory)?), limits)
    }

    /// The same on any disk.
    ///
    /// # Errors
    /// If the disk refuses to be read.
    pub fn open_on(disk: Arc<dyn Disk>, limits: Limits) -> Result<(Self, Vec<Segment>), SpoolError> {
        let names = disk.list().map_err(|source| failed(&*disk, "list", "", source))?;
        let next_id = names.iter().filter_map(|name| id_of(name)).max().map_or(1, |id| id + 1);
        let mut spool = Self { disk, limits, entries: Vec::new(), next_id, unreadable: 0 };
        let mut segments: Vec<Segment> = Vec::new();
        for name in names {
            if name.ends_with(UNFINISHED) {
                spool.discard(&name);
            } else if name.ends_with(SUFFIX)
                && let Some(segment) = spool.take_up(&name)
            {
                spool.next_id = spool.next_id.max(segment.id() + 1);
                spool.note(&segment, &name);
                segments.push(segment);
            }
        }
        // Not by name: somebody may have renamed files.
        spool.entries.sort_by_key(|entry| entry.id);
        segments.sort_by_key(Segment::id);
        Ok((spool, segments))
    }

    /// Begins a segment whose first byte stands at `first_offset` in its log. It is there, empty
    /// and with its description, when this comes back.
    ///
    /// # Errors
    /// If the disk has no room or refuses, or the description is longer than 64 KiB.
    pub fn create(&mut self, description: &[u8], first_offset: u64, now: Timestamp) -> Result<Segment, SpoolError> {
        if description.len() > format::MOST {
            return Err(SpoolError::LongDescription { length: description.len(), most: format::MOST });
        }
        let id = self.next_id;
        let header = Header { id, created: now, first_offset, description: description.into() };
        // The names sort as the numbers do.
        let (name, unfinished) = (format!("{id:020}{SUFFIX}"), format!("{id:020}{UNFINISHED}"));
        let (bytes, seed) = header.encode();
        let file = self.write_new(&unfinished, &name, &bytes).inspect_err(|_| {
            self.discard(&unfinished);
            self.discard(&name);
        })?;
        self.next_id += 1;
        let end = Place { log: first_offset, file: bytes.len() as u64 };
        let parts = Parts { header, seed, name: name.clone(), file, index: Index::default(), end, lost: 0 };
        let segment = Segment::new(Arc::clone(&self.disk), parts);
        self.note(&segment, &name);
        Ok(segment)
    }

    /// Removes a segment whose bytes are delivered. Nothing happens if it is gone already.
    ///
    /// # Errors
    /// If the disk refuses; the segment stays.
    pub fn remove(&mut self, id: u64) -> Result<(), SpoolError> {
        let Some(at) = self.entries.iter().position(|entry| entry.id == id) else { return Ok(()) };
        self.let_go(&self.entries[at])?;
        self.entries.remove(at);
        Ok(())
    }

    /// Bytes of all segments' files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.entries.iter().map(Entry::bytes).sum()
    }

    /// How many segments there are.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.entries.len()
    }

    /// How many files gave nothing when the spool was opened.
    #[must_use]
    pub fn unreadable(&self) -> u64 {
        self.unreadable
    }

    /// A segment that stands in the directory; `None` if it gives nothing.
    fn take_up(&mut self, name: &str) -> Option<Segment> {
        let disk = Arc::clone(&self.disk);
        let path = disk.path(name);
        let read = disk.open(name).and_then(|file| Ok((recover::recover(&*file)?, file)));
        let (recovered, file) = match read {
            Ok((recovered, file)) => (recovered, file),
            Err(error) => {
                tracing::error!(path = %path.display(), %error, "a segment cannot be read; the next start tries again");
                self.unreadable += 1;
                return None;
            }
        };
        let Recovered { header, seed, index, end, damaged, torn } = match recovered {
            Ok(recovered) if self.entries.iter().any(|entry| entry.id == recovered.header.id) => {
                self.put_aside(name, "it is a copy of another one");
                return None;
            }
            Ok(recovered) => recovered,
            Err(reason) => {
                self.put_aside(name, &reason.to_string());
                return None;
            }
        };
        if damaged > 0 {
            tracing::error!(path = %path.display(), bytes = damaged, "a segment is damaged; these bytes are lost");
        }
        if torn > 0 {
            let message = "a segment does not end with a whole frame and was cut; after a crash nothing is lost by it";
            tracing::warn!(path = %path.display(), bytes = torn, "{message}");
        }
        // What a killed process had written and not synced is there to be read, so it counts from
        // here on.
        let settled = if torn > 0 { file.cut(end.file) } else { Ok(()) };
        if let Err(error) = settled.and_then(|()| file.sync()) {
            tracing::warn!(path = %path.display(), %error, "a segment cannot be written to");
        }
        let lost = damaged + torn;
        let mut segment = Segment::new(disk, Parts { header, seed, name: name.to_owned(), file, index, end, lost });
        segment.close_handle();
        Some(segment)
    }

    /// Renames what will never be readable by this program, so that it is not tried each time.
    fn put_aside(&mut self, name: &str, reason: &str) {
        let aside = format!("{name}{ASIDE}");
        let (path, aside_path) = (self.disk.path(name), self.disk.path(&aside));
        tracing::error!(
            path = %path.display(), reason, aside = %aside_path.display(),
            "a file of the spool is no segment and is set aside; under its old name the next start tries it again"
        );
        self.unreadable += 1;
        if let Err(error) = self.disk.rename(name, &aside) {
            tracing::warn!(path = %path.display(), %error, "a file of the spool cannot be renamed");
        }
    }

    fn write_new(&self, unfinished: &str, name: &str, header: &[u8]) -> Result<Box<dyn DiskFile>, SpoolError> {
        let disk = &*self.disk;
        let file = disk.create(unfinished).map_err(|source| failed(disk, "make", unfinished, source))?;
        file.write_all_at(header, 0).map_err(|source| failed(disk, "write to", unfinished, source))?;
        file.sync().map_err(|source| failed(disk, "sync", unfinished, source))?;
        disk.rename(unfinished, name).map_err(|source| failed(disk, "rename", unfinished, source))?;
        disk.sync().map_err(|source| failed(disk, "sync", "", source))?;
        Ok(file)
    }

    /// Removes a file that has no meaning yet.
    fn discard(&self, name: &str) {
        if let Err(error) = self.disk.remove(name)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::debug!(path = %self.disk.path(name).display(), %error, "a file without use stays");
        }
    }

    fn note(&mut self, segment: &Segment, name: &str) {
        self.entries.push(Entry {
            id: segment.id(),
            name: name.to_owned(),
            description: segment.shared_description(),
            first_offset: segment.first_offset(),
            created: segment.created(),
            sharer: None,
            shared: segment.shared(),
        });
    }

    fn let_go(&self, entry: &Entry) -> Result<(), SpoolError> {
        match self.disk.remove(&entry.name) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(failed(&*self.disk, "remove", &entry.name, source));
            }
            _ => {}
        }
        entry.shared.gone.store(true, Ordering::Release);
        Ok(())
    }
}

impl Entry {
    /// Of its file.
    fn bytes(&self) -> u64 {
        self.shared.file_bytes.load(Ordering::Acquire)
    }
}

fn failed(disk: &dyn Disk, action: &'static str, name: &str, source: io::Error) -> SpoolError {
    SpoolError::Io { action, path: disk.path(name), source }
}

/// The number that a file name begins with, whatever became of the file.
fn id_of(name: &str) -> Option<u64> {
    let (digits, rest) = name.split_once('.')?;
    if rest.starts_with("segment") { digits.parse().ok() } else { None }
}
