//! A file system in memory: names, symbolic links, inodes that are used again.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::input::tail::disk::{Disk, Kind, LogFile, Look};

/// See the module. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub(super) struct MemoryDisk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    names: BTreeMap<PathBuf, Name>,
    files: BTreeMap<u64, Content>,
    /// Inodes that are free again: the next file gets the last of them, as on ext4.
    free: Vec<u64>,
    next: u64,
    now: i64,
}

#[derive(Debug, Clone)]
enum Name {
    File(u64),
    Link(PathBuf),
}

#[derive(Debug, Default)]
struct Content {
    bytes: Arc<Vec<u8>>,
    names: u64,
    open: u64,
    modified: i64,
}

impl MemoryDisk {
    pub(super) fn set_now(&self, now: i64) {
        self.state().now = now;
    }

    /// Makes an empty file in the place of what has the name.
    pub(super) fn create(&self, path: &Path) -> u64 {
        self.remove(path);
        let mut state = self.state();
        let inode = state.free.pop().unwrap_or_else(|| {
            state.next += 1;
            state.next
        });
        let modified = state.now;
        state.files.insert(inode, Content { names: 1, modified, ..Content::default() });
        state.names.insert(path.to_owned(), Name::File(inode));
        inode
    }

    pub(super) fn append(&self, inode: u64, bytes: &[u8]) {
        let mut state = self.state();
        let now = state.now;
        if let Some(content) = state.files.get_mut(&inode) {
            Arc::make_mut(&mut content.bytes).extend_from_slice(bytes);
            content.modified = now;
        }
    }

    pub(super) fn link(&self, path: &Path, target: &Path) {
        self.remove(path);
        self.state().names.insert(path.to_owned(), Name::Link(target.to_owned()));
    }

    pub(super) fn rename(&self, from: &Path, to: &Path) {
        self.remove(to);
        let mut state = self.state();
        if let Some(name) = state.names.remove(from) {
            state.names.insert(to.to_owned(), name);
        }
    }

    pub(super) fn remove(&self, path: &Path) {
        let mut state = self.state();
        if let Some(Name::File(inode)) = state.names.remove(path) {
            if let Some(content) = state.files.get_mut(&inode) {
                content.names -= 1;
            }
            state.free_if_unused(inode);
        }
    }

    pub(super) fn inode(&self, path: &Path) -> Option<u64> {
        self.state().resolve(path).ok().map(|(_, inode)| inode)
    }

    pub(super) fn bytes(&self, inode: u64) -> Arc<Vec<u8>> {
        self.state().files.get(&inode).map(|content| Arc::clone(&content.bytes)).unwrap_or_default()
    }

    pub(super) fn is_open(&self, inode: u64) -> bool {
        self.state().files.get(&inode).is_some_and(|content| content.open > 0)
    }

    /// How many files are open.
    pub(super) fn open_files(&self) -> u64 {
        self.state().files.values().map(|content| content.open).sum()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    fn resolve(&self, path: &Path) -> io::Result<(PathBuf, u64)> {
        let mut path = path.to_owned();
        for _ in 0..8 {
            match self.names.get(&path) {
                Some(Name::File(inode)) => return Ok((path, *inode)),
                Some(Name::Link(target)) => path.clone_from(target),
                None => break,
            }
        }
        Err(io::ErrorKind::NotFound.into())
    }

    fn look(&self, inode: u64) -> io::Result<Look> {
        let content = self.files.get(&inode).ok_or(io::ErrorKind::NotFound)?;
        let (length, modified) = (content.bytes.len() as u64, content.modified);
        Ok(Look { device: 1, inode, length, links: content.names, kind: Kind::File, modified })
    }

    fn free_if_unused(&mut self, inode: u64) {
        if self.files.get(&inode).is_some_and(|content| content.names == 0 && content.open == 0) {
            self.files.remove(&inode);
            self.free.push(inode);
        }
    }
}

impl Disk for MemoryDisk {
    fn look(&self, path: &Path) -> io::Result<Look> {
        let state = self.state();
        let (_, inode) = state.resolve(path)?;
        state.look(inode)
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        self.state().resolve(path).map(|(path, _)| path)
    }

    fn link(&self, path: &Path) -> io::Result<PathBuf> {
        match self.state().names.get(path) {
            Some(Name::Link(target)) => Ok(target.clone()),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn names(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        let state = self.state();
        let below = state.names.keys().filter_map(|path| path.strip_prefix(directory).ok());
        let names: BTreeSet<_> = below.filter_map(|rest| rest.iter().next()).map(OsString::from).collect();
        Ok(names.into_iter().collect())
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        let mut state = self.state();
        let (_, inode) = state.resolve(path)?;
        if let Some(content) = state.files.get_mut(&inode) {
            content.open += 1;
        }
        Ok(Box::new(MemoryFile { disk: self.clone(), inode }))
    }
}

#[derive(Debug)]
struct MemoryFile {
    disk: MemoryDisk,
    inode: u64,
}

impl LogFile for MemoryFile {
    fn look(&self) -> io::Result<Look> {
        self.disk.state().look(self.inode)
    }

    fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let bytes = self.disk.bytes(self.inode);
        let rest = bytes.get(usize::try_from(offset).unwrap_or(usize::MAX)..).unwrap_or_default();
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if let Some(content) = state.files.get_mut(&self.inode) {
            content.open -= 1;
        }
        state.free_if_unused(self.inode);
    }
}
