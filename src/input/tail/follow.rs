//! The files that are followed: from being found to being forgotten.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::checkpoints::{Checkpoints, Saved};
use super::discover::{self, Found, Order};
use super::file::{Followed, Phase};
use super::identity::{self, Head};
use super::options::Settings;
use super::tag;
use super::watch::Watch;
use crate::input::{Event, Shard, next_source_id};
use crate::record::{Checkpoint, Container, LogId, Source, Timestamp};
use crate::telemetry::Throttle;

/// See the module.
pub(super) struct Follower {
    pub(super) files: Vec<Followed>,
    input: usize,
    settings: Settings,
    shard: Shard,
    database: Option<Checkpoints>,
    watch: Option<Watch>,
    /// Files that are done and still lie there, by device and inode.
    done: HashMap<(u64, u64), Head>,
    scan_at: Option<Instant>,
    /// Files were renamed during the last scan: it may have missed some.
    scan_again: bool,
    has_scanned: bool,
    throttle: Throttle,
}

impl Follower {
    pub(super) fn new(input: usize, settings: Settings, shard: Shard, database: Option<Checkpoints>) -> Self {
        let mut watch = settings.watch.then(Watch::new);
        for directory in discover::directories(&settings.paths) {
            if let Some(watch) = &mut watch {
                watch.add(&directory);
            }
        }
        if let Some(database) = &database
            && let Err(error) = database.forget_old()
        {
            tracing::warn!(path = %database.path().display(), %error, "old checkpoints stay");
        }
        let (files, done) = (Vec::new(), HashMap::new());
        let (scan_at, scan_again, has_scanned) = (None, false, false);
        let throttle = Throttle::default();
        Self { files, input, settings, shard, database, watch, done, scan_at, scan_again, has_scanned, throttle }
    }

    /// The file of a source.
    pub(super) fn file_mut(&mut self, id: u64) -> Option<&mut Followed> {
        self.files.iter_mut().find(|file| file.id == id)
    }

    /// All of a file was consumed, and the files behind it are empty.
    pub(super) fn is_at_end(&mut self, id: u64) -> bool {
        let Some(index) = self.files.iter().position(|file| file.id == id) else { return true };
        let goes_on = self.is_succeeded(index);
        let file = &mut self.files[index];
        !goes_on && file.is_at_end() && !file.has_rest()
    }

    /// Looks for new files when a hint came or the interval is over.
    pub(super) fn scan_if_due(&mut self, now: Instant) {
        let hinted = self.watch.as_ref().is_some_and(Watch::take_hint);
        let again = std::mem::take(&mut self.scan_again);
        if !hinted && !again && self.scan_at.is_some_and(|at| now < at) {
            return;
        }
        self.scan_at = Some(now + self.settings.refresh_interval);
        for found in discover::matching(&self.settings.paths, &self.settings.exclude) {
            self.admit(found, now);
        }
        self.has_scanned = true;
    }

    /// Finds out which files' paths lead elsewhere now: they were rotated or removed.
    pub(super) fn check_rotations(&mut self, now: Instant) {
        for file in &mut self.files {
            if file.rotated.is_some() || file.phase == Phase::Closed {
                continue;
            }
            let there = discover::look(&file.found.path);
            let is_same = |there: &Found| (there.device, there.inode) == (file.found.device, file.found.inode);
            if !there.as_ref().is_some_and(is_same) {
                file.rotated = Some(now);
                self.scan_at = None;
            }
        }
    }

    /// Follows a file that is not followed yet, and those before it in its directory.
    fn admit(&mut self, found: Found, now: Instant) {
        if self.is_known(&found) {
            return;
        }
        let container = identity::container(&found.path);
        let in_pods = container.as_ref().is_some_and(|container| container.restart.is_some());
        let group = match found.real.parent().filter(|_| in_pods) {
            Some(directory) => directory.to_owned(),
            None => found.path.clone(),
        };
        if !self.is_ours(&group) {
            return;
        }
        if let (Some(watch), Some(directory)) = (&mut self.watch, found.real.parent()) {
            watch.add(directory);
        }
        if in_pods && (self.settings.read_from_head || self.has_scanned) {
            self.admit_siblings(&found, container.as_ref(), &group, now);
        } else if !in_pods && !self.has_scanned {
            self.admit_rotated(&found, now);
        }
        self.follow(found, container, group, None);
    }

    /// Follows the container's rotated files, and renews the order of those that were renamed.
    fn admit_siblings(&mut self, found: &Found, container: Option<&Container>, group: &Path, now: Instant) {
        let mut siblings = discover::siblings(&found.real);
        siblings.sort_by_cached_key(|sibling| Order::of(&sibling.real));
        for sibling in &siblings {
            let is_same =
                |file: &&mut Followed| (file.found.device, file.found.inode) == (sibling.device, sibling.inode);
            if let Some(file) = self.files.iter_mut().find(is_same) {
                (file.order, file.found.real) = (Order::of(&sibling.real), sibling.real.clone());
            }
        }
        for sibling in siblings {
            let order = Order::of(&sibling.real);
            let is_itself = (sibling.device, sibling.inode) == (found.device, found.inode);
            if is_itself && sibling.real != found.real {
                // It was renamed just now: what has its name is found by the next scan.
                self.scan_again = true;
            }
            if is_itself || order >= Order::of(&found.real) || self.is_known(&sibling) {
                continue;
            }
            let restart = identity::container(&sibling.real).and_then(|container| container.restart);
            let container = container.map(|container| Container { restart, ..container.clone() });
            self.follow(Found { path: found.path.clone(), ..sibling }, container, group.to_owned(), Some(now));
        }
    }

    /// Follows a plain file's rotated predecessor if it was being read when we last ran.
    fn admit_rotated(&mut self, found: &Found, now: Instant) {
        let (Some(directory), Some(name)) = (found.real.parent(), found.real.file_name()) else { return };
        let Ok(entries) = std::fs::read_dir(directory) else { return };
        let name = name.to_string_lossy();
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            let other = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if other == name || !other.starts_with(&*name) || other.ends_with(".gz") {
                continue;
            }
            let Some(rotated) = discover::look(&path).filter(|rotated| !self.is_known(rotated)) else { continue };
            let Ok(file) = std::fs::File::open(&rotated.real) else { continue };
            if self.saved_of_file(&rotated, &file).is_some() {
                let group = found.path.clone();
                self.follow(Found { path: found.path.clone(), ..rotated }, None, group, Some(now));
            }
        }
    }

    fn follow(&mut self, found: Found, container: Option<Container>, group: PathBuf, rotated: Option<Instant>) {
        match Followed::new(next_source_id(), found, container, group) {
            Ok(Some(mut file)) => {
                (file.rotated, file.is_old) = (rotated, !self.has_scanned);
                self.files.push(file);
            }
            Ok(None) => self.scan_again = true,
            Err(error) if self.throttle.allows() => tracing::warn!(%error, "a file cannot be opened, trying again"),
            Err(_) => {}
        }
    }

    /// Opens files whose first line is there and whose predecessors are finished.
    pub(super) fn open_waiting(&mut self, events: &mut Vec<Event>) {
        for index in 0..self.files.len() {
            if self.files[index].phase != Phase::Waiting || self.is_behind_another(index) {
                continue;
            }
            let line = identity::first_line(&self.files[index].file).unwrap_or(None);
            let is_final = self.files[index].rotated.is_some();
            if line.is_none() && !is_final {
                continue;
            }
            self.open(index, line.as_deref().unwrap_or_default(), events);
        }
    }

    fn open(&mut self, index: usize, line: &[u8], events: &mut Vec<Event>) {
        let (log, resume) = self.resume(index, line);
        let before =
            self.files.iter().position(|file| file.phase == Phase::Finished && file.goes_on_in(&self.files[index]));
        let continues = before.map(|before| self.files[before].id);
        let file = &mut self.files[index];
        file.open(log, resume);
        let source = Source {
            id: file.id,
            input: self.input,
            tag: tag::expand(&self.settings.tag, &file.found.path),
            path: Some(file.found.path.to_string_lossy().into_owned()),
            container: file.container.clone(),
            pod: None,
            log: Some(log),
        };
        tracing::debug!(path = %file.found.real.display(), offset = resume.offset, "follows");
        events.push(Event::Opened { source: Box::new(source), resume, continues });
        if let Some(before) = before {
            self.close(before, events);
        }
        let is_derived = self.files[index].container.as_ref().and_then(|container| identity::log_id(container, line));
        if is_derived.is_none() {
            // A log id that bytes do not tell must be on disk before it is in a document.
            self.save();
        }
    }

    /// The log of a file and where to go on in it.
    fn resume(&mut self, index: usize, line: &[u8]) -> (LogId, Checkpoint) {
        let file = &self.files[index];
        let derived = file.container.as_ref().and_then(|container| identity::log_id(container, line));
        let saved = match derived {
            Some(log) => self.database.as_ref().and_then(|database| database.of_log(log).ok().flatten()),
            None => self.saved_of_file(&file.found, &file.file),
        };
        let length = file.file.metadata().map_or(0, |metadata| metadata.len());
        if let Some(saved) = saved.filter(|saved| saved.checkpoint.offset <= length) {
            return (saved.log, saved.checkpoint);
        }
        let log = derived.unwrap_or_else(|| LogId(fastrand::u128(..)));
        let from_end = file.is_old && !self.settings.read_from_head;
        (log, Checkpoint::at(if from_end { length } else { 0 }, Timestamp::now()))
    }

    fn saved_of_file(&self, found: &Found, file: &std::fs::File) -> Option<Saved> {
        let candidates = self.database.as_ref()?.of_file(found.device, found.inode).ok()?;
        let is_same =
            |saved: &Saved| identity::head(file, Some(saved.head.length)).is_ok_and(|head| head == saved.head);
        candidates.into_iter().find(is_same)
    }

    /// Finishes rotated files that were read to their end, when nothing can be added any more:
    /// the next file is being written, or `Rotate_Wait` is over.
    pub(super) fn finish_rotated(&mut self, now: Instant, events: &mut Vec<Event>) {
        for index in 0..self.files.len() {
            let Some(rotated) = self.files[index].rotated else { continue };
            let waited = now.duration_since(rotated) >= self.settings.rotate_wait;
            match self.files[index].phase {
                Phase::Open if waited || self.is_succeeded(index) => {
                    let file = &mut self.files[index];
                    if file.is_at_end() {
                        file.phase = if file.has_rest() { Phase::Ending } else { Phase::Finished };
                    }
                }
                Phase::Ending if !self.files[index].has_rest() => self.files[index].phase = Phase::Finished,
                Phase::Finished if waited && !self.has_successor(index) => self.close(index, events),
                _ => {}
            }
        }
        self.forget_closed();
    }

    /// Begins a file anew that became shorter.
    pub(super) fn begin_anew(&mut self, id: u64, events: &mut Vec<Event>) {
        let Some(index) = self.files.iter().position(|file| file.id == id) else { return };
        tracing::info!(path = %self.files[index].found.path.display(), "was truncated, reading from its beginning");
        let Followed { found, container, group, .. } = &self.files[index];
        let (found, container, group) = (found.clone(), container.clone(), group.clone());
        self.close(index, events);
        // Nothing of the old content is there any more: its last checkpoint is of no use.
        self.files.remove(index);
        self.follow(found, container, group, None);
    }

    /// Writes the checkpoints that moved.
    pub(super) fn save(&mut self) {
        let Some(database) = &mut self.database else { return };
        let mut rows = Vec::new();
        for file in self.files.iter_mut().filter(|file| file.is_dirty) {
            rows.extend(file.saved());
        }
        if rows.is_empty() {
            return;
        }
        match database.save(rows.iter()) {
            Ok(()) => self.files.iter_mut().for_each(|file| file.is_dirty = false),
            Err(error) if self.throttle.allows() => {
                tracing::error!(path = %database.path().display(), %error, "checkpoints are not saved, trying again");
            }
            Err(_) => {}
        }
    }

    fn close(&mut self, index: usize, events: &mut Vec<Event>) {
        self.files[index].phase = Phase::Closed;
        events.push(Event::Closed(self.files[index].id));
    }

    /// Lets go of files that are closed and settled. Those that still lie there are remembered.
    fn forget_closed(&mut self) {
        let is_over =
            |file: &Followed| file.phase == Phase::Closed && file.committed.offset >= file.offset && !file.is_dirty;
        let has_database = self.database.is_some();
        let settled = |file: &Followed| {
            is_over(file) || (!has_database && file.phase == Phase::Closed && file.committed.offset >= file.offset)
        };
        for file in self.files.iter().filter(|file| settled(file)) {
            self.done.insert((file.found.device, file.found.inode), file.head);
        }
        self.files.retain(|file| !settled(file));
    }

    fn is_known(&mut self, found: &Found) -> bool {
        let key = (found.device, found.inode);
        if self.files.iter().any(|file| (file.found.device, file.found.inode) == key) {
            return true;
        }
        let Some(head) = self.done.get(&key) else { return false };
        let same = std::fs::File::open(&found.real).and_then(|file| identity::head(&file, Some(head.length)));
        if same.is_ok_and(|same| same == *head) {
            return true;
        }
        // The inode was given to another file.
        self.done.remove(&key);
        false
    }

    fn is_ours(&self, group: &Path) -> bool {
        let mut hasher = DefaultHasher::new();
        group.hash(&mut hasher);
        hasher.finish() % self.shard.workers.max(1) as u64 == self.shard.worker as u64
    }

    fn is_behind_another(&self, index: usize) -> bool {
        let file = &self.files[index];
        let is_unfinished = |other: &Followed| !matches!(other.phase, Phase::Finished | Phase::Closed);
        self.files.iter().any(|other| is_unfinished(other) && other.comes_before(file))
    }

    fn has_successor(&self, index: usize) -> bool {
        let waits = |other: &Followed| other.phase == Phase::Waiting && self.files[index].comes_before(other);
        self.files.iter().any(waits)
    }

    /// The next file has content: the writer has left this one.
    fn is_succeeded(&self, index: usize) -> bool {
        let has_content = |other: &Followed| other.file.metadata().is_ok_and(|metadata| metadata.len() > 0);
        self.files.iter().any(|other| self.files[index].comes_before(other) && has_content(other))
    }
}
