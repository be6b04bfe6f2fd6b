//! The files that are followed: from being found to being forgotten.

use std::collections::HashMap;
use std::fs::Metadata;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::checkpoints::{Saved, Store};
use super::discover::{self, Found, Order};
use super::file::{Followed, Phase};
use super::identity;
use super::options::Settings;
use super::tag;
use super::watch::Watch;
use crate::input::{Event, Shard, next_source_id};
use crate::record::{Checkpoint, Container, LogId, Source, Timestamp};
use crate::telemetry::Throttle;
use crate::telemetry::accounts::CheckpointAccount;

/// See the module.
pub(super) struct Follower {
    pub(super) files: Vec<Followed>,
    input: usize,
    settings: Settings,
    shard: Shard,
    database: Option<Box<dyn Store>>,
    watch: Option<Watch>,
    /// Files that are done and still lie there, by device and inode: they may grow once more.
    done: HashMap<(u64, u64), Saved>,
    /// Names in the directories of plain files, during the first scan.
    beside: HashMap<PathBuf, Vec<String>>,
    scan_at: Option<Instant>,
    /// When a hint may make a scan come sooner again.
    hints_at: Option<Instant>,
    /// Files were renamed during the last scan: it may have missed some.
    scan_again: bool,
    has_scanned: bool,
    throttle: Throttle,
}

impl Follower {
    pub(super) fn new(input: usize, settings: Settings, shard: Shard, database: Option<Box<dyn Store>>) -> Self {
        let mut watch = settings.watch.then(Watch::new);
        for directory in discover::directories(&settings.paths) {
            if let Some(watch) = &mut watch {
                watch.add(&directory);
            }
        }
        let (files, done, beside) = (Vec::new(), HashMap::new(), HashMap::new());
        let (scan_at, scan_again, has_scanned) = (None, false, false);
        let throttle = Throttle::default();
        Self {
            files,
            input,
            settings,
            shard,
            database,
            watch,
            done,
            beside,
            scan_at,
            hints_at: None,
            scan_again,
            has_scanned,
            throttle,
        }
    }

    /// The file of a source.
    pub(super) fn file_mut(&mut self, id: u64) -> Option<&mut Followed> {
        self.index_of(id).map(|index| &mut self.files[index])
    }

    /// Files stand in the order in which they were found, and so do their ids.
    fn index_of(&self, id: u64) -> Option<usize> {
        self.files.binary_search_by_key(&id, |file| file.id).ok()
    }

    /// Looks for new files when a hint came or the interval is over.
    pub(super) fn scan_if_due(&mut self, now: Instant) {
        let may_come_early = self.hints_at.is_none_or(|at| now >= at);
        let hinted = may_come_early && self.watch.as_ref().is_some_and(Watch::take_hint);
        let again = std::mem::take(&mut self.scan_again);
        if !hinted && !again && self.scan_at.is_some_and(|at| now < at) {
            return;
        }
        self.scan_at = Some(now + self.settings.refresh_interval);
        for found in discover::matching(&self.settings.paths, &self.settings.exclude) {
            self.admit(found, now);
        }
        self.has_scanned = true;
        self.beside = HashMap::new();
        // Files that come and go all the time beside ours must not make us do nothing else.
        self.hints_at = Some(Instant::now() + (now.elapsed() * 10).min(self.settings.refresh_interval));
    }

    /// Finds out which files' paths lead elsewhere now: they were rotated or removed.
    pub(super) fn check_rotations(&mut self, now: Instant) {
        for file in &mut self.files {
            if file.rotated.is_some() || file.phase == Phase::Closed {
                continue;
            }
            let there = std::fs::metadata(&file.found.path).ok();
            let is_same = |there: &Metadata| (there.dev(), there.ino()) == (file.found.device, file.found.inode);
            match there.filter(is_same) {
                // Known even while reading is paused: how far it is behind.
                Some(there) if file.phase == Phase::Open => file.length = there.len(),
                Some(_) => {}
                None => {
                    file.rotated = Some(now);
                    self.scan_at = None;
                }
            }
        }
    }

    /// Follows a file that is not followed yet, and those before it in its directory.
    fn admit(&mut self, found: Found, now: Instant) {
        if self.is_known(&found) {
            return;
        }
        let container = identity::container(&found.path);
        let in_pods = Followed::is_numbered(container.as_ref(), &found);
        let group = match found.real.parent().filter(|_| in_pods) {
            Some(directory) => group_of(directory),
            None => group_of(&found.path),
        };
        if group % self.shard.workers.max(1) as u64 != self.shard.worker as u64 {
            return;
        }
        if let (Some(watch), Some(directory)) = (&mut self.watch, found.real.parent()) {
            watch.add(directory);
        }
        if in_pods {
            self.admit_siblings(&found, container.as_ref(), group, now);
        } else if !self.has_scanned {
            self.admit_rotated(&found, container.as_ref(), group, now);
        }
        self.follow(found, container, group, None);
        self.end_earlier_starts(group, now);
    }

    /// Nothing more comes from a container's earlier starts, though the links to their logs stay.
    fn end_earlier_starts(&mut self, group: u64, now: Instant) {
        let is_one = |file: &&mut Followed| file.group == group && file.is_in_pods();
        let Some(last) = self.files.iter_mut().filter(is_one).map(|file| file.order.restart).max() else { return };
        for file in self.files.iter_mut().filter(is_one).filter(|file| file.order.restart < last) {
            file.rotated.get_or_insert(now);
        }
    }

    /// Follows the container's rotated files, and renews the order of those that were renamed.
    fn admit_siblings(&mut self, found: &Found, container: Option<&Container>, group: u64, now: Instant) {
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
            if !self.settings.read_from_head && !self.has_scanned && !self.is_saved(&sibling) {
                continue;
            }
            let restart = identity::container(&sibling.real).and_then(|container| container.restart);
            let container = container.map(|container| Container { restart, ..container.clone() });
            self.follow(Found { path: found.path.clone(), ..sibling }, container, group, Some(now));
        }
    }

    /// Follows the rotated predecessor of a file that is in no numbered directory, if it was being
    /// read when we last ran.
    fn admit_rotated(&mut self, found: &Found, container: Option<&Container>, group: u64, now: Instant) {
        if self.database.is_none() {
            return;
        }
        let (Some(directory), Some(name)) = (found.real.parent(), found.real.file_name()) else { return };
        let name = name.to_string_lossy();
        let beside = self.beside.entry(directory.to_owned()).or_insert_with(|| discover::names(directory));
        let is_rotated = |other: &&String| other.starts_with(&*name) && **other != name && !other.ends_with(".gz");
        let paths: Vec<_> = beside.iter().filter(is_rotated).map(|other| directory.join(other)).collect();
        for path in paths {
            let Some(rotated) = discover::look(&path).filter(|rotated| !self.is_known(rotated)) else { continue };
            if self.is_saved(&rotated) {
                self.follow(Found { path: found.path.clone(), ..rotated }, container.cloned(), group, Some(now));
            }
        }
    }

    fn is_saved(&self, found: &Found) -> bool {
        std::fs::File::open(&found.real).is_ok_and(|file| {
            self.saved_of_file(found, &file).is_some() || self.offset_of_fluent_bit(found, &file).is_some()
        })
    }

    /// Where Fluent Bit stopped in a file, if it read it since we last did.
    fn offset_of_fluent_bit(&self, found: &Found, file: &std::fs::File) -> Option<u64> {
        let length = file.metadata().ok()?.len();
        let names = [found.path.as_path(), found.real.as_path()];
        let mut read_at = |bytes: &mut [u8], offset| file.read_at(bytes, offset);
        self.database.as_ref()?.adopt(found.inode, &names, length, &mut read_at)
    }

    fn follow(&mut self, found: Found, container: Option<Container>, group: u64, rotated: Option<Instant>) {
        match Followed::new(next_source_id(), found, container, group) {
            Ok(Some(mut file)) => {
                // One that goes on where a checkpoint was is not old, though it was there before us.
                let goes_on = self.files.iter().any(|other| other.group == file.group);
                (file.rotated, file.is_old) = (rotated, !self.has_scanned && !goes_on);
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
        let ends_here = |file: &&Followed| file.phase == Phase::Finished && file.goes_on_in(&self.files[index]);
        let continues = self.files.iter().rfind(ends_here).map(|file| file.id);
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
        let is_derived = self.files[index].container.as_ref().and_then(|container| identity::log_id(container, line));
        if is_derived.is_none() {
            // A log id that bytes do not tell must be on disk before it is in a document.
            self.save();
        }
    }

    /// The log of a file and where to go on in it.
    fn resume(&mut self, index: usize, line: &[u8]) -> (LogId, Checkpoint) {
        let file = &self.files[index];
        let done = self.done.remove(&(file.found.device, file.found.inode)).filter(|done| done.head.is_of(&file.file));
        let is_done = done.is_some();
        let derived = file.container.as_ref().and_then(|container| identity::log_id(container, line));
        let saved = match derived {
            _ if done.is_some() => done,
            Some(log) => self.database.as_ref().and_then(|database| database.of_log(log)),
            None if file.is_anew => None,
            None => self.saved_of_file(&file.found, &file.file),
        };
        let length = file.file.metadata().map_or(0, |metadata| metadata.len());
        let adopted = self.offset_of_fluent_bit(&file.found, &file.file).filter(|_| !is_done && !file.is_anew);
        if let Some(offset) = adopted {
            tracing::info!(path = %file.found.real.display(), offset, "goes on where Fluent Bit stopped");
            let known =
                saved.map(|saved| (saved.log, saved.checkpoint.time)).or(derived.map(|log| (log, Timestamp::now())));
            let (log, time) = known.unwrap_or_else(|| (LogId::random(Timestamp::now()), Timestamp::now()));
            return (log, Checkpoint::at(offset, time));
        }
        let has_lost_rows = self.database.as_ref().is_some_and(|database| database.has_lost_rows());
        // One that became shorter while we were away has nothing old in it.
        let from_end = saved.is_none() && file.is_old && !self.settings.read_from_head && !has_lost_rows;
        if let Some(saved) = saved.filter(|saved| saved.checkpoint.offset <= length) {
            return (saved.log, saved.checkpoint);
        }
        // The end when it was found: what was written since is new.
        let end = file.length.min(length);
        let log = derived.unwrap_or_else(|| LogId::random(Timestamp::now()));
        (log, Checkpoint::at(if from_end { end } else { 0 }, Timestamp::now()))
    }

    fn saved_of_file(&self, found: &Found, file: &std::fs::File) -> Option<Saved> {
        let candidates = self.database.as_ref()?.of_file(found.device, found.inode);
        candidates.into_iter().find(|saved| saved.head.is_of(file))
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
                // Someone was slower to leave the old file than others.
                Phase::Finished if self.files[index].has_grown() => self.files[index].phase = Phase::Open,
                Phase::Finished if waited && !self.has_successor(index) => self.close(index, events),
                _ => {}
            }
        }
        self.forget_closed();
    }

    /// Begins a file anew that became shorter.
    pub(super) fn begin_anew(&mut self, id: u64, events: &mut Vec<Event>) {
        let Some(index) = self.index_of(id) else { return };
        tracing::info!(path = %self.files[index].found.path.display(), "was truncated, reading from its beginning");
        let Followed { found, container, group, .. } = &self.files[index];
        let (found, container, group) = (found.clone(), container.clone(), *group);
        self.close(index, events);
        // Nothing of the old content is there any more: its last checkpoint is of no use.
        self.files.remove(index);
        let followed = self.files.len();
        self.follow(found, container, group, None);
        for file in &mut self.files[followed..] {
            file.is_anew = true;
        }
    }

    /// Writes the checkpoints that moved.
    pub(super) fn save(&mut self) {
        let Some(database) = &mut self.database else { return };
        let mut rows = Vec::new();
        for file in self.files.iter_mut().filter(|file| file.is_dirty) {
            rows.extend(file.saved());
        }
        // A failure was logged, and the store keeps what it was given.
        if database.save(&rows).is_ok() {
            self.files.iter_mut().for_each(|file| file.is_dirty = false);
        }
    }

    /// How the checkpoints fare.
    pub(super) fn checkpoints(&self) -> CheckpointAccount {
        self.database.as_ref().map(|database| database.account()).unwrap_or_default()
    }

    fn close(&mut self, index: usize, events: &mut Vec<Event>) {
        self.files[index].phase = Phase::Closed;
        events.push(Event::Closed(self.files[index].id));
    }

    /// Lets go of files that are closed and settled. Those that still lie there are remembered.
    fn forget_closed(&mut self) {
        let has_database = self.database.is_some();
        let settled = |file: &Followed| {
            let is_saved = !has_database || !file.is_dirty;
            file.phase == Phase::Closed && file.committed.offset >= file.offset && is_saved
        };
        for file in self.files.iter_mut().filter(|file| settled(file)) {
            // The inode of one that was removed will be another file's.
            if file.file.metadata().is_ok_and(|metadata| metadata.nlink() > 0) {
                self.done.extend(file.saved().map(|saved| ((saved.device, saved.inode), saved)));
            }
        }
        self.files.retain(|file| !settled(file));
    }

    fn is_known(&self, found: &Found) -> bool {
        let key = (found.device, found.inode);
        if self.files.iter().any(|file| (file.found.device, file.found.inode) == key) {
            return true;
        }
        // The inode may be another file's now, or more may have been written to this one.
        let is_done = |done: &Saved| {
            std::fs::File::open(&found.real).is_ok_and(|file| {
                let length = file.metadata().map_or(0, |metadata| metadata.len());
                length <= done.checkpoint.offset && done.head.is_of(&file)
            })
        };
        self.done.get(&key).is_some_and(is_done)
    }

    fn is_behind_another(&self, index: usize) -> bool {
        let file = &self.files[index];
        let is_unfinished = |other: &Followed| !matches!(other.phase, Phase::Finished | Phase::Closed);
        self.files.iter().any(|other| is_unfinished(other) && other.comes_before(file))
    }

    /// Nothing that is there of the file's log was left unread.
    pub(super) fn is_caught_up(&mut self, id: u64) -> bool {
        let Some(index) = self.index_of(id) else { return true };
        let file = &self.files[index];
        file.file.metadata().is_ok_and(|metadata| metadata.len() <= file.offset) && !self.is_succeeded(index)
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

fn group_of(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}
