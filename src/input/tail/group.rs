//! A group: the files that hold one container's log, or one path's, oldest first.
//!
//! They are read one after the other, so that records which began in one go on in the next.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::checkpoints::Saved;
use super::discover::Found;
use super::file::{Followed, Phase};
use crate::record::LogId;

/// See the module.
#[derive(Debug)]
pub(super) struct Group {
    /// A hash of the container's directory, or of the path under which the files appear.
    pub(super) key: u64,
    /// They are the numbered logs in a container's directory.
    pub(super) is_numbered: bool,
    /// The directory that the files are in.
    pub(super) directory: PathBuf,
    /// Oldest first.
    pub(super) files: Vec<Followed>,
    /// Files that are done and still lie there: they may grow once more.
    pub(super) done: Vec<Saved>,
    /// Files that lie there and are none of ours (copies of what was read, or older than that), with
    /// their length and time of writing: the inode alone may be another file's one day.
    passed: HashMap<(u64, u64), (u64, i64)>,
    /// A file went before its turn came: what lies there must be looked at once more.
    pub(super) has_gap: bool,
    /// Since when its files are held open though it is not known whether they are to be read.
    pub(super) held: Option<Instant>,
    /// It was decided that its files are read: so are all that come.
    pub(super) is_chosen: bool,
    /// Its container logged more than it may, and had to wait.
    pub(super) has_to_wait: bool,
}

/// Files that are remembered as done, the newest: a container's directory holds some five.
const MOST_DONE: usize = 64;

impl Group {
    /// A group without files.
    pub(super) fn new(key: u64, is_numbered: bool, directory: PathBuf) -> Self {
        Self {
            key,
            is_numbered,
            directory,
            files: Vec::new(),
            done: Vec::new(),
            passed: HashMap::new(),
            has_gap: false,
            held: None,
            is_chosen: false,
            has_to_wait: false,
        }
    }

    /// The key of a group by its container's directory or its path.
    pub(super) fn key_of(path: &Path) -> u64 {
        let mut hasher = DefaultHasher::new();
        path.hash(&mut hasher);
        hasher.finish()
    }

    /// Adds a file behind those that it follows: one that is written now is the last.
    pub(super) fn add(&mut self, file: Followed) -> usize {
        let is_before = |other: &Followed| match other.restart.cmp(&file.restart) {
            Ordering::Less => true,
            Ordering::Equal => file.rotated.is_none() || other.rotated.is_some(),
            Ordering::Greater => false,
        };
        let place = self.files.iter().rposition(is_before).map_or(0, |last| last + 1);
        self.files.insert(place, file);
        place
    }

    /// What becomes of its files becomes of each that comes: they are read, or held open together.
    pub(super) fn takes_others(&self) -> bool {
        self.is_chosen || !self.files.is_empty()
    }

    /// Every file before this one was read to its end.
    pub(super) fn is_next(&self, index: usize) -> bool {
        self.files[..index].iter().all(Followed::is_finished)
    }

    /// The next file has content: the writer has left this one.
    pub(super) fn is_succeeded(&self, index: usize) -> bool {
        self.files[index + 1..].iter().any(|later| later.length > 0 || later.phase != Phase::Waiting)
    }

    /// A file behind this one waits for it.
    pub(super) fn has_waiting_successor(&self, index: usize) -> bool {
        self.files[index + 1..].iter().any(|later| later.phase == Phase::Waiting)
    }

    /// The file whose open records go on in this one.
    pub(super) fn before(&self, index: usize) -> Option<u64> {
        let restart = self.files[index].restart;
        let ends_here = |file: &&Followed| file.phase == Phase::Finished && file.restart == restart;
        self.files[..index].iter().rfind(ends_here).map(|file| file.id)
    }

    /// Nothing more comes from a container's earlier starts, though the links to their logs stay.
    pub(super) fn end_earlier_starts(&mut self, now: Instant) {
        let Some(last) = self.files.iter().filter(|_| self.is_numbered).map(|file| file.restart).max() else { return };
        for file in self.files.iter_mut().filter(|file| file.restart < last) {
            file.rotated.get_or_insert(now);
        }
    }

    /// The file is none of ours.
    pub(super) fn pass(&mut self, found: &Found) {
        self.passed.insert(found.key(), (found.length, found.modified));
    }

    /// The file was found before to be none of ours.
    pub(super) fn has_passed(&self, found: &Found) -> bool {
        self.passed.get(&found.key()) == Some(&(found.length, found.modified))
    }

    /// A file that is done, by device and inode.
    pub(super) fn done_file(&self, key: (u64, u64)) -> Option<&Saved> {
        self.done.iter().find(|done| (done.device, done.inode) == key)
    }

    /// A file that is done, by its log.
    pub(super) fn done_log(&self, log: LogId) -> Option<&Saved> {
        self.done.iter().rfind(|done| done.log == log)
    }

    /// Remembers a file that is done.
    pub(super) fn remember(&mut self, saved: Saved) {
        self.done.retain(|done| (done.device, done.inode) != (saved.device, saved.inode));
        if self.done.len() >= MOST_DONE {
            self.done.remove(0);
        }
        self.done.push(saved);
    }
}
