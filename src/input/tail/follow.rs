//! The files that are followed: from being found to being forgotten.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::checkpoints::{ForeignRow, MemoryStore, Store};
use super::choosing::Choosing;
use super::descriptors::{Descriptors, OpenError};
use super::discover::{self, Found, Listings, Paths};
use super::disk::Disk;
use super::file::{Followed, Phase, Read};
use super::group::Group;
use super::identity;
use super::losses::{Loss, Losses};
use super::options::Settings;
use super::rescue::Rescue;
use super::watch::Watch;
use crate::input::{Event, Shard};
use crate::kubernetes::Metadata;
use crate::record::{Now, Timestamp};
use crate::telemetry::Throttle;
use crate::telemetry::limited::LimitedCounts;

/// See the module. What becomes of files that lead elsewhere stands in
/// [`rotation`](super::rotation), where a file's log goes on in [`resume`](super::resume).
pub(super) struct Follower {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) settings: Settings,
    pub(super) groups: Vec<Group>,
    pub(super) descriptors: Descriptors,
    pub(super) store: Option<Box<dyn Store>>,
    /// What the next run is told, without a database.
    memory: Option<MemoryStore>,
    pub(super) rescue: Option<Rescue>,
    /// What Fluent Bit wrote into the store before this process began.
    pub(super) foreign: Vec<ForeignRow>,
    pub(super) losses: Losses,
    /// What happened to containers because they log more than they may, since it was taken last.
    pub(super) limited: Vec<(String, LimitedCounts)>,
    pub(super) metadata: Arc<[Metadata]>,
    pub(super) choosing: Choosing,
    pub(super) throttle: Throttle,
    /// The first scan is over: what comes now was not there when this process began.
    pub(super) has_scanned: bool,
    /// Files were renamed while they were looked at: the next scan must not wait.
    pub(super) scan_again: bool,
    /// Opens what is kept over restarts; taken when the work begins.
    opening: Option<Box<dyn FnOnce() -> Kept + Send>>,
    /// When this process began.
    pub(super) started: Timestamp,
    pub(super) epoch: Instant,
    pub(super) input: usize,
    shard: Shard,
    pub(super) watch: Option<Watch>,
    /// Where a group of this key stands.
    pub(super) places: HashMap<u64, usize>,
    /// The group of a source.
    pub(super) sources: HashMap<u64, u64>,
    /// The source of a file, by device and inode.
    pub(super) inodes: HashMap<(u64, u64), u64>,
    /// Paths that lead to a file which is followed and was not rotated.
    pub(super) current: HashSet<PathBuf>,
    /// Files whose inode is another file's now, and of which nothing was read.
    pub(super) abandoned: Vec<u64>,
    scan_at: Option<Instant>,
    /// When a hint may make a scan come sooner again.
    hints_at: Option<Instant>,
    rotations_at: Option<Instant>,
    limits_at: Option<Instant>,
}

/// How often each path is checked for leading to another file, without and with hints that make it
/// come at once.
const ROTATION_CHECK: Duration = Duration::from_secs(2);
const ROTATION_CHECK_WITH_HINTS: Duration = Duration::from_secs(5);

/// How often the spool's limits are enforced though nothing is put into it.
const LIMITS_CHECK: Duration = Duration::from_secs(60);

/// What a follower works with.
pub(super) struct Means {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) watch: Option<Watch>,
    /// Opens what is kept over restarts, when the work begins.
    pub(super) open: Box<dyn FnOnce() -> Kept + Send>,
    /// What is known of the pods that write logs.
    pub(super) metadata: Arc<[Metadata]>,
}

/// What is kept over restarts.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) store: Option<Box<dyn Store>>,
    pub(super) memory: Option<MemoryStore>,
    pub(super) rescue: Option<Rescue>,
}

impl Follower {
    pub(super) fn new(input: usize, settings: Settings, shard: Shard, means: Means, now: Now) -> Self {
        let Means { disk, watch, open, metadata } = means;
        let choosing = Choosing::new(settings.selection.clone(), Arc::clone(&metadata), input);
        Self {
            descriptors: Descriptors::new(Arc::clone(&disk), settings.open_files),
            disk,
            settings,
            groups: Vec::new(),
            store: None,
            memory: None,
            rescue: None,
            foreign: Vec::new(),
            opening: Some(open),
            losses: Losses::new(now.instant),
            limited: Vec::new(),
            choosing,
            metadata,
            throttle: Throttle::default(),
            has_scanned: false,
            scan_again: false,
            started: now.time,
            epoch: now.instant,
            input,
            shard,
            watch,
            places: HashMap::new(),
            sources: HashMap::new(),
            inodes: HashMap::new(),
            current: HashSet::new(),
            abandoned: Vec::new(),
            scan_at: None,
            hints_at: None,
            rotations_at: None,
            limits_at: None,
        }
    }

    /// Looks for files that came, moved or went, and opens those whose turn it is.
    pub(super) fn look_around(&mut self, now: Now, events: &mut Vec<Event>) {
        if let Some(open) = self.opening.take() {
            let Kept { store, memory, rescue } = open();
            self.foreign = store.as_ref().map(|store| store.foreign()).unwrap_or_default();
            self.choosing.remember(store.as_ref().map(|store| store.left_out()).unwrap_or_default());
            (self.store, self.memory, self.rescue) = (store, memory, rescue);
            self.admit_rescued(now);
        }
        let is_hinted = self.check_rotations_if_due(now);
        let may_choose = self.choosing.look_again(now.instant) && self.hints_at.is_none_or(|at| now.instant >= at);
        let again = std::mem::take(&mut self.scan_again) || may_choose;
        if is_hinted || again || self.scan_at.is_none_or(|at| now.instant >= at) {
            self.scan_at = Some(now.instant + self.settings.refresh_interval);
            self.scan(now);
        }
        for id in std::mem::take(&mut self.abandoned) {
            if let Some((place, index)) = self.place_of(id) {
                self.give_up(place, index, events);
            }
        }
        self.decide_held(now);
        for place in 0..self.groups.len() {
            self.finish_rotated(place, now, events);
            self.open_waiting(place, now, events);
        }
        self.forget_settled();
        self.report_losses(now);
        if self.limits_at.is_none_or(|at| now.instant >= at) {
            self.limits_at = Some(now.instant + LIMITS_CHECK);
            self.enforce_limits(now);
        }
    }

    /// Checks all paths at a hint or when it is time. Whether there was a hint.
    pub(super) fn check_rotations_if_due(&mut self, now: Now) -> bool {
        let is_hinted = self.is_hinted(now.instant);
        if is_hinted || self.rotations_at.is_none_or(|at| now.instant >= at) {
            let interval = if self.watch.is_some() { ROTATION_CHECK_WITH_HINTS } else { ROTATION_CHECK };
            self.rotations_at = Some(now.instant + interval);
            self.check_rotations(now);
        }
        is_hinted
    }

    /// Something happened in a watched directory. Files that come and go all the time beside ours
    /// must not make us do nothing else.
    fn is_hinted(&mut self, now: Instant) -> bool {
        self.hints_at.is_none_or(|at| now >= at) && self.watch.as_ref().is_some_and(Watch::take_hint)
    }

    fn scan(&mut self, now: Now) {
        let began = Instant::now();
        if let Some(watch) = &mut self.watch {
            // Before looking, so that nothing comes unseen in between; again each time, as one may appear later.
            discover::directories(&self.settings.paths).iter().for_each(|directory| watch.add(directory));
        }
        let Paths { paths, is_partial } =
            discover::matching(self.disk.as_ref(), &self.settings.paths, &self.settings.exclude);
        let new = paths.iter().filter(|path| !self.current.contains(*path) && !self.choosing.is_left(path));
        let new: Vec<Found> = new.filter_map(|path| discover::look(self.disk.as_ref(), path)).collect();
        let mut listings = Listings::default();
        for found in new {
            if !self.current.contains(&found.path) {
                self.admit(found, &mut listings, now);
            }
        }
        // What cannot be seen now need not be gone.
        if !is_partial {
            self.choosing.keep_only(&paths);
        }
        self.forget_gone();
        // What was renamed in between is found by the next scan, and was there before.
        self.has_scanned |= !self.scan_again;
        self.hints_at = Some(now.instant + (began.elapsed() * 10).min(self.settings.refresh_interval));
    }

    /// The next scan comes at once.
    pub(super) fn scan_soon(&mut self) {
        self.scan_at = None;
    }

    /// The group of this key, made now if there was none.
    pub(super) fn group(&mut self, key: u64, is_numbered: bool, real: &Path) -> usize {
        if let Some(&place) = self.places.get(&key) {
            return place;
        }
        let directory = real.parent().unwrap_or(real).to_owned();
        self.groups.push(Group::new(key, is_numbered, directory));
        self.places.insert(key, self.groups.len() - 1);
        self.groups.len() - 1
    }

    /// The key of the group that a file belongs to.
    pub(super) fn key_of(&self, path: &Path, real: &Path) -> u64 {
        match real.parent().filter(|_| self.is_numbered(real)) {
            Some(directory) => Group::key_of(directory),
            None => Group::key_of(path),
        }
    }

    /// It is one of the numbered logs in a container's directory.
    pub(super) fn is_numbered(&self, real: &Path) -> bool {
        identity::container(self.disk.as_ref(), real).is_some_and(|container| container.pod_uid.is_some())
    }

    /// The group of this key is this worker's.
    pub(super) fn is_mine(&self, key: u64) -> bool {
        key % self.shard.workers.max(1) as u64 == self.shard.worker as u64
    }

    /// Reads what is new in a file into the buffer.
    pub(super) fn read(&mut self, place: usize, index: usize, buffer: &mut [u8], now: Now) -> Read {
        let file = &mut self.groups[place].files[index];
        if self.descriptors.if_open(file.id).is_none() && file.phase == Phase::Open {
            // It is not opened only to find that nothing was added.
            let look = self.disk.look(&file.found.real);
            if look.is_ok_and(|look| file.is_seen_as(look)) {
                file.rest(now.instant);
                return Read::Nothing;
            }
        }
        let read = match self.descriptors.of(file) {
            Ok(open) => {
                let read = file.read(open, buffer, now.instant);
                if matches!(read, Ok(Read::Bytes(_))) {
                    file.renew_head(open);
                }
                read
            }
            Err(OpenError::Gone | OpenError::Replaced) => return Read::Gone,
            Err(OpenError::Refused(error)) => Err(error),
        };
        if read.is_err() && file.is_spooled() {
            // The segment is damaged, or was dropped: nothing behind this can be had any more.
            self.lose(place, index, Loss::Damaged);
            self.groups[place].files[index].phase = Phase::Finished;
            return Read::Nothing;
        }
        read.unwrap_or_else(|error| {
            let path = file.found.path.display();
            if self.throttle.allows() {
                tracing::warn!(%path, offset = file.offset, %error, "cannot be read, trying again");
            }
            file.rest(now.instant);
            Read::Nothing
        })
    }

    /// Writes the checkpoints that moved.
    pub(super) fn save(&mut self) {
        let Some(store) = &mut self.store else { return };
        let mut rows = Vec::new();
        for file in self.groups.iter_mut().flat_map(|group| &mut group.files).filter(|file| file.needs_saving()) {
            if let Some(open) = self.descriptors.if_open(file.id) {
                file.renew_head(open);
            }
            rows.extend(file.saved());
        }
        for (path, left_out) in self.choosing.take_untold() {
            store.leave_out(&path, left_out);
        }
        // A failure was logged, and the store keeps what it was given until it can be written.
        let _ = store.save(&rows);
        let files = self.groups.iter_mut().flat_map(|group| &mut group.files);
        files.filter(|file| file.needs_saving()).for_each(Followed::was_saved);
    }

    /// Rescues what was removed since the last look, which goes with its handle, and tells the next run
    /// in this process how far files were read.
    pub(super) fn hand_over(&mut self, now: Now) {
        self.check_rotations(now);
        self.save();
        let Some(memory) = &self.memory else { return };
        let files = self
            .groups
            .iter()
            .flat_map(|group| group.files.iter().filter_map(Followed::saved).chain(group.done.clone()));
        memory.hand_over(files, |row| self.disk.look(&row.real).or_else(|_| self.disk.look(&row.path)).is_ok());
    }

    /// The place of a source's file: its group and its index there.
    pub(super) fn place_of(&self, id: u64) -> Option<(usize, usize)> {
        let place = *self.places.get(self.sources.get(&id)?)?;
        let index = self.groups[place].files.iter().position(|file| file.id == id)?;
        Some((place, index))
    }

    /// The file of a source.
    pub(super) fn file_mut(&mut self, id: u64) -> Option<&mut Followed> {
        let (place, index) = self.place_of(id)?;
        Some(&mut self.groups[place].files[index])
    }

    /// A path leads elsewhere now.
    pub(super) fn leave_path(&mut self, place: usize, index: usize) {
        self.current.remove(&self.groups[place].files[index].found.path);
    }

    /// A source's file is another one now.
    pub(super) fn change_file(&mut self, place: usize, index: usize, found: Found, now: Instant) {
        self.leave_path(place, index);
        self.scan_soon();
        let file = &mut self.groups[place].files[index];
        self.inodes.remove(&file.found.key());
        let copied = file.rescued;
        file.go_on_in(found, now);
        self.inodes.insert(file.found.key(), file.id);
        self.descriptors.close(file.id);
        // Held open, as the one before was: only so can it be rescued when it is removed, too.
        drop(self.descriptors.of(file));
        if let (Some(rescue), Some(segment)) = (&mut self.rescue, copied) {
            rescue.remove(segment);
        }
    }

    /// The file of this inode is another source's now.
    pub(super) fn forget_inode(&mut self, place: usize, index: usize) {
        self.inodes.remove(&self.groups[place].files[index].found.key());
    }

    /// What of a source's log was not read is gone.
    pub(super) fn lose(&mut self, place: usize, index: usize, reason: Loss) {
        let file = &mut self.groups[place].files[index];
        if file.length > file.offset {
            self.losses.report(&file.found.path, file.offset, file.length, reason);
        }
        file.end_here();
    }
}
