//! One segment: bytes of a log that follow each other, kept in a file of its own.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::SpoolError;
use super::disk::{Disk, DiskFile};
use super::format::{self, FRAME_HEAD, Header, MOST};
use super::index::{Index, Place};
use crate::record::Timestamp;

/// A part of a log in the spool. It is appended to and read by one owner; the
/// [`Spool`](super::Spool) may let go of it at any time ([`SpoolError::Gone`]).
#[derive(Debug)]
pub struct Segment {
    header: Header,
    /// The header's checksum, which the frames' checksums begin with.
    seed: u64,
    name: String,
    disk: Arc<dyn Disk>,
    /// Opened when it is needed.
    file: Option<Box<dyn DiskFile>>,
    index: Index,
    /// Behind the last frame that was written.
    written: Place,
    /// Behind the last frame that was synced.
    durable: Place,
    lost: u64,
    shared: Arc<Shared>,
}

/// What the spool and the owner of a segment both know.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Length of the file in bytes.
    pub(super) file_bytes: AtomicU64,
    /// [`Segment::end`].
    pub(super) end: AtomicU64,
    /// The spool let go of it.
    pub(super) gone: AtomicBool,
}

/// What is known of a segment's file.
pub(super) struct Parts {
    pub(super) header: Header,
    pub(super) seed: u64,
    pub(super) name: String,
    pub(super) file: Box<dyn DiskFile>,
    pub(super) index: Index,
    /// Behind the last whole frame, which is on the disk for good.
    pub(super) end: Place,
    /// Bytes that cannot be read any more.
    pub(super) lost: u64,
}

impl Segment {
    pub(super) fn new(disk: Arc<dyn Disk>, parts: Parts) -> Self {
        let Parts { header, seed, name, file, index, end, lost } = parts;
        let shared = Arc::new(Shared::default());
        let file = Some(file);
        let segment = Self { header, seed, name, disk, file, index, written: end, durable: end, lost, shared };
        segment.tell();
        segment
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Its number: later segments have higher ones, and none is used again while the spool has
    /// segments.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.header.id
    }

    /// What [`Spool::create`](super::Spool::create) was told of it.
    #[must_use]
    pub fn description(&self) -> &[u8] {
        &self.header.description
    }

    pub(super) fn shared_description(&self) -> Arc<[u8]> {
        Arc::clone(&self.header.description)
    }

    /// Uncompressed offset in the log of its first byte.
    #[must_use]
    pub fn first_offset(&self) -> u64 {
        self.header.first_offset
    }

    /// Uncompressed offset in the log behind the last byte that is on the disk for good. Only
    /// [`Segment::sync`] moves it.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.durable.log
    }

    /// When it was made.
    #[must_use]
    pub fn created(&self) -> Timestamp {
        self.header.created
    }

    /// Bytes that were found damaged when the spool was opened: of the log where a frame inside is
    /// damaged, of the file where its end is torn. After a crash the end may be torn without a loss.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.disk.path(&self.name)
    }

    /// Appends the log's next bytes. They count when [`Segment::sync`] has come back.
    ///
    /// # Errors
    /// If the bytes cannot be written; a full disk is told by [`SpoolError::is_full`]. The segment
    /// is then as it was when it was last synced.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        let mut frame = Vec::with_capacity(FRAME_HEAD + bytes.len().min(MOST));
        for payload in bytes.chunks(MOST) {
            frame.clear();
            format::write_frame(&mut frame, self.seed, self.written.log, payload);
            let at = self.written;
            if let Err(error) = self.on_file("write to", |file| file.write_all_at(&frame, at.file)) {
                self.cut_back();
                return Err(error);
            }
            self.index.push(at);
            self.written = at.behind(payload.len());
        }
        self.tell();
        Ok(())
    }

    /// Waits until all that was appended would survive a loss of power.
    ///
    /// # Errors
    /// If the system does not say so. The segment is then as it was when it was last synced: what a
    /// failed sync has left in memory may count as written with the next one, and be gone.
    pub fn sync(&mut self) -> Result<(), SpoolError> {
        if self.durable != self.written {
            if let Err(error) = self.on_file("sync", |file| file.sync()) {
                self.cut_back();
                return Err(error);
            }
            self.durable = self.written;
            self.tell();
        }
        Ok(())
    }

    /// Reads from `offset` of the log on, up to [`Segment::end`]; `Ok(0)` at the end. Whatever is
    /// read has been checked.
    ///
    /// # Errors
    /// If the byte at `offset` is damaged ([`SpoolError::Damaged`] tells where to go on), was never
    /// here, or cannot be read now.
    pub fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> Result<usize, SpoolError> {
        let Header { id, first_offset, .. } = self.header;
        if offset < first_offset {
            return Err(SpoolError::BeforeFirst { id, first_offset, offset });
        }
        let mut frame = Vec::new();
        let mut filled = 0;
        while filled < buffer.len() && offset + (filled as u64) < self.durable.log {
            match self.read_from_frame(&mut buffer[filled..], offset + filled as u64, &mut frame) {
                Ok(count) => filled += count,
                // What was read before is good; the next call meets the error again.
                Err(_) if filled > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    /// Gives the file's handle back; the next use opens it again. Nothing happens while there is
    /// something to sync: its errors would go to this handle.
    pub fn close_handle(&mut self) {
        if self.durable == self.written {
            self.file = None;
        }
    }

    fn read_from_frame(&mut self, buffer: &mut [u8], offset: u64, frame: &mut Vec<u8>) -> Result<usize, SpoolError> {
        let end = self.durable.log;
        let Some((start, length)) = self.index.frame_at(offset, end) else {
            return Err(SpoolError::Damaged { path: self.path(), from: offset, to: end });
        };
        frame.resize(FRAME_HEAD + length, 0);
        let damaged = SpoolError::Damaged { path: self.path(), from: offset, to: start.log + length as u64 };
        match self.on_file("read", |file| file.read_exact_at(frame, start.file)) {
            // Somebody cut the file behind our back.
            Err(SpoolError::Io { source, .. }) if source.kind() == io::ErrorKind::UnexpectedEof => return Err(damaged),
            outcome => outcome?,
        }
        let payload = format::payload(frame, self.seed, start.log).ok_or(damaged)?;
        let skipped = usize::try_from(offset - start.log).unwrap_or(usize::MAX);
        let rest = payload.get(skipped..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    /// Forgets what was not synced, and takes it off the file. If even that fails, the next append
    /// writes over it.
    fn cut_back(&mut self) {
        let end = self.durable;
        self.index.cut(end.log);
        self.written = end;
        if let Err(error) = self.on_file("cut", |file| file.cut(end.file)) {
            tracing::debug!(%error, "a segment keeps bytes that do not count");
        }
        self.tell();
    }

    fn on_file<T>(
        &mut self,
        action: &'static str,
        act: impl FnOnce(&dyn DiskFile) -> io::Result<T>,
    ) -> Result<T, SpoolError> {
        if self.shared.gone.load(Ordering::Acquire) {
            // An open handle would keep the disk from getting its room back.
            self.file = None;
            return Err(SpoolError::Gone { id: self.header.id });
        }
        let failed = |action, source| SpoolError::Io { action, path: self.disk.path(&self.name), source };
        let file = match self.file.take() {
            Some(file) => file,
            None => self.disk.open(&self.name).map_err(|error| failed("open", error))?,
        };
        let outcome = act(&*file).map_err(|error| failed(action, error));
        self.file = Some(file);
        outcome
    }

    fn tell(&self) {
        self.shared.file_bytes.store(self.written.file, Ordering::Release);
        self.shared.end.store(self.durable.log, Ordering::Release);
    }
}
