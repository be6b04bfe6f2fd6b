//! A disk in memory that can be full and can lose what was not synced: for tests and simulations.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::disk::{Disk, DiskFile};

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Default)]
pub(crate) struct MemoryDisk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    names: Names,
    /// The names as they were at the last [`Disk::sync`].
    durable_names: Names,
    files: BTreeMap<u64, Content>,
    next_file: u64,
    /// Bytes that all files together may have.
    capacity: Option<u64>,
}

type Names = BTreeMap<String, u64>;

#[derive(Default)]
struct Content {
    bytes: Vec<u8>,
    /// The bytes as they were at the last [`DiskFile::sync`].
    durable: Vec<u8>,
}

#[derive(Debug)]
struct MemoryFile {
    disk: MemoryDisk,
    file: u64,
}

impl MemoryDisk {
    /// Limits what all files together may have, in bytes.
    pub(crate) fn set_capacity(&self, capacity: Option<u64>) {
        self.state().capacity = capacity;
    }

    /// The power fails: names and bytes are as they were when they were last synced. Of `count`
    /// bytes that a file has grown by since then, `survivors(count)` may be there all the same.
    pub(crate) fn crash(&self, mut survivors: impl FnMut(usize) -> usize) {
        let mut state = self.state();
        state.names = state.durable_names.clone();
        state.forget_nameless();
        for content in state.files.values_mut() {
            let fresh = content.bytes.split_off(content.bytes.len().min(content.durable.len()));
            let kept = survivors(fresh.len()).min(fresh.len());
            content.bytes.clone_from(&content.durable);
            content.bytes.extend_from_slice(&fresh[..kept]);
            content.durable.clone_from(&content.bytes);
        }
    }

    /// Changes the bytes of a file behind everyone's back. Nothing happens if there is none.
    pub(crate) fn tamper(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let file = state.names.get(name).copied();
        if let Some(content) = file.and_then(|file| state.files.get_mut(&file)) {
            change(&mut content.bytes);
            content.durable.clone_from(&content.bytes);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryDisk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        formatter.debug_struct("MemoryDisk").field("names", &state.names).field("capacity", &state.capacity).finish()
    }
}

impl State {
    fn forget_nameless(&mut self) {
        let Self { names, durable_names, files, .. } = self;
        files.retain(|file, _| names.values().chain(durable_names.values()).any(|named| named == file));
    }
}

impl Disk for MemoryDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.state().names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        let file = state.next_file;
        state.next_file += 1;
        state.files.insert(file, Content::default());
        state.names.insert(name.to_owned(), file);
        Ok(Box::new(MemoryFile { disk: self.clone(), file }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = self.state().names.get(name).copied().ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(MemoryFile { disk: self.clone(), file }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        let file = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.state().names.remove(name).map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state();
        state.durable_names = state.names.clone();
        state.forget_nameless();
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(name)
    }
}

impl MemoryFile {
    fn with<T>(&self, change: impl FnOnce(&mut Content) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.disk.state();
        change(state.files.get_mut(&self.file).ok_or(io::ErrorKind::NotFound)?)
    }

    /// How long this file may become.
    fn most(&self) -> usize {
        let state = self.disk.state();
        let Some(capacity) = state.capacity else { return usize::MAX };
        let others = state.names.values().filter(|file| **file != self.file);
        let used: usize = others.filter_map(|file| state.files.get(file)).map(|content| content.bytes.len()).sum();
        usize::try_from(capacity).unwrap_or(usize::MAX).saturating_sub(used)
    }
}

impl DiskFile for MemoryFile {
    fn length(&self) -> io::Result<u64> {
        self.with(|content| Ok(content.bytes.len() as u64))
    }

    fn read_exact_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()> {
        let start = usize::try_from(position).unwrap_or(usize::MAX);
        self.with(|content| {
            let bytes = content.bytes.get(start..).and_then(|rest| rest.get(..buffer.len()));
            buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        let start = usize::try_from(position).unwrap_or(usize::MAX);
        let fitting = bytes.len().min(self.most().saturating_sub(start));
        self.with(|content| {
            let end = start + fitting;
            if content.bytes.len() < end {
                content.bytes.resize(end, 0);
            }
            content.bytes[start..end].copy_from_slice(&bytes[..fitting]);
            if fitting < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        })
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.with(|content| {
            content.bytes.truncate(length);
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.with(|content| {
            content.durable.clone_from(&content.bytes);
            Ok(())
        })
    }
}
