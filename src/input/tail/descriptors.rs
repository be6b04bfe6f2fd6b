//! Which files are open: as many as the process may have, in rounds.
//!
//! A file that is not open any more is opened again when its turn comes. One whose last name is
//! gone cannot be: it stays open until it is done. For those there is room beside the others, a quarter
//! of theirs: whoever has more of them gives some up.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::sync::Arc;

use super::disk::{Disk, LogFile};
use super::file::Followed;
use super::gzip::Gzip;
use super::identity;

/// Why a file cannot be read right now.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    /// Its name is gone, or leads to another file.
    #[error("it is not there any more")]
    Gone,
    /// It is there, but what was read of it is not.
    #[error("it holds something else now")]
    Replaced,
    /// The file system refuses.
    #[error("{0}")]
    Refused(#[from] io::Error),
}

/// See the module.
pub(super) struct Descriptors {
    disk: Arc<dyn Disk>,
    /// Files that may be open and closed again.
    most: usize,
    /// Files that may be open and must not be closed, since they have no name any more.
    most_nameless: usize,
    open: HashMap<u64, Box<dyn LogFile>>,
    /// Numbers of the open files' sources in the order of opening; some may be closed again.
    queue: VecDeque<u64>,
    pinned: HashSet<u64>,
}

impl Descriptors {
    /// At most `most` files are open at once, and a quarter as many that have no name any more.
    pub(super) fn new(disk: Arc<dyn Disk>, most: usize) -> Self {
        let (open, queue, pinned) = (HashMap::new(), VecDeque::new(), HashSet::new());
        Self { disk, most: most.max(1), most_nameless: (most / 4).max(1), open, queue, pinned }
    }

    /// How many files without a name may be open.
    pub(super) fn most_nameless(&self) -> usize {
        self.most_nameless
    }

    /// The open file, opened now if it was not.
    ///
    /// # Errors
    /// If it cannot be opened again.
    pub(super) fn of(&mut self, file: &Followed) -> Result<&mut dyn LogFile, OpenError> {
        if !self.open.contains_key(&file.id) {
            let opened = self.open_again(file)?;
            self.open.insert(file.id, opened);
            self.queue.push_back(file.id);
        }
        self.if_open(file.id).ok_or(OpenError::Gone)
    }

    /// The file is open.
    pub(super) fn is_open(&self, id: u64) -> bool {
        self.open.contains_key(&id)
    }

    /// The file if it is open.
    pub(super) fn if_open(&mut self, id: u64) -> Option<&mut dyn LogFile> {
        match self.open.get_mut(&id) {
            Some(file) => Some(file.as_mut()),
            None => None,
        }
    }

    /// Keeps a file that was opened elsewhere, and never closes it by itself.
    pub(super) fn insert_pinned(&mut self, id: u64, file: Box<dyn LogFile>) {
        self.open.insert(id, file);
        self.pinned.insert(id);
    }

    /// Never closes the file by itself.
    pub(super) fn pin(&mut self, id: u64) {
        self.pinned.insert(id);
    }

    /// Closes the file, if it is open.
    pub(super) fn close(&mut self, id: u64) {
        self.open.remove(&id);
        self.pinned.remove(&id);
    }

    fn open_again(&mut self, file: &Followed) -> Result<Box<dyn LogFile>, OpenError> {
        self.make_room();
        let mut opened = match self.disk.open(&file.found.real) {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(OpenError::Gone),
            Err(error) => return Err(error.into()),
        };
        if opened.look()?.key() != file.found.key() {
            return Err(OpenError::Gone);
        }
        if file.is_compressed {
            opened = Box::new(Gzip::new(opened)?);
        }
        // While it was closed its inode may have become another file's.
        let is_same = file.head.length == 0 || identity::head(opened.as_mut(), Some(file.head.length))? == file.head;
        if is_same { Ok(opened) } else { Err(OpenError::Replaced) }
    }

    /// Closes those that have been open for the longest time.
    fn make_room(&mut self) {
        let mut left = self.queue.len();
        while self.open.len() - self.pinned.len().min(self.open.len()) >= self.most && left > 0 {
            left -= 1;
            let Some(id) = self.queue.pop_front() else { break };
            if !self.pinned.contains(&id) {
                self.open.remove(&id);
            }
        }
    }
}
