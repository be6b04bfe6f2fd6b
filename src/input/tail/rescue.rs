//! What is about to vanish from the disk is copied into the spool, and read from there at the next
//! start.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use super::description::{Description, Spooled, spooled_key};
use super::disk::LogFile;
use super::file::Phase;
use super::follow::Follower;
use super::gzip::Gzip;
use super::identity;
use super::losses::Loss;
use super::resume::Resumed;
use crate::record::{Checkpoint, Now, Timestamp};
use crate::spool::segments::{Dropped, Limits, Reason, Segment, Spool, SpoolError};
use crate::telemetry::limited::LimitedCounts;

/// The spool of this process: all workers and inputs share it.
#[derive(Debug)]
pub struct SharedSpool {
    directory: PathBuf,
    limits: Limits,
    /// Opened when the work begins, not when a configuration is checked. `None` inside where that
    /// failed.
    opened: OnceLock<Option<Opened>>,
}

#[derive(Debug)]
struct Opened {
    spool: Mutex<Spool>,
    /// Segments of the last run that nobody took up yet.
    left: Mutex<Vec<Segment>>,
}

impl SharedSpool {
    /// The spool in a directory; nothing is touched yet.
    #[must_use]
    pub fn new(directory: PathBuf, limits: Limits) -> Arc<Self> {
        Arc::new(Self { directory, limits, opened: OnceLock::new() })
    }

    /// A spool that was opened, and what it held.
    #[cfg(test)]
    pub(crate) fn of(spool: Spool, left: Vec<Segment>, limits: Limits) -> Arc<Self> {
        let opened = Some(Opened { spool: Mutex::new(spool), left: Mutex::new(left) });
        Arc::new(Self { directory: PathBuf::new(), limits, opened: OnceLock::from(opened) })
    }

    /// Without a spool the process runs, and says that a crash may lose what it holds of files that
    /// were removed.
    fn opened(&self) -> Option<&Opened> {
        let open = || match Spool::open(self.directory.clone(), self.limits) {
            Ok((spool, left)) => Some(Opened { spool: Mutex::new(spool), left: Mutex::new(left) }),
            Err(error) => {
                tracing::error!(%error, "there is no spool: a crash loses what was removed before it was delivered");
                None
            }
        };
        self.opened.get_or_init(open).as_ref()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One input's use of the spool.
pub(super) struct Rescue {
    shared: Arc<SharedSpool>,
    input: String,
    /// Segments that this run made, while their bytes are still had elsewhere.
    segments: HashMap<u64, Segment>,
}

/// Bytes that are copied at once.
const CHUNK: usize = 256 * 1024;

impl Rescue {
    pub(super) fn new(shared: Arc<SharedSpool>, input: String) -> Self {
        Self { shared, input, segments: HashMap::new() }
    }

    /// A segment is not needed any more.
    pub(super) fn remove(&mut self, id: u64) {
        self.segments.remove(&id);
        let Some(opened) = self.shared.opened() else { return };
        if let Err(error) = lock(&opened.spool).remove(id) {
            tracing::warn!(%error, "a segment that is delivered cannot be removed");
        }
    }

    /// Segments of the last run that are this input's and this worker's.
    fn take_left(&self, is_mine: impl Fn(u64) -> bool) -> Vec<(Description, Segment)> {
        let mut taken = Vec::new();
        let Some(opened) = self.shared.opened() else { return taken };
        let mut left = lock(&opened.left);
        for segment in std::mem::take(&mut *left) {
            match serde_json::from_slice::<Description>(segment.description()) {
                Ok(description) if description.input == self.input && is_mine(description.group) => {
                    if description.has_to_wait {
                        lock(&opened.spool).share(segment.id(), description.group);
                    }
                    taken.push((description, segment));
                }
                _ => left.push(segment),
            }
        }
        taken
    }

    /// With so many bytes more, the spool is not more than half full, nor is what containers that have to wait
    /// may take of it.
    pub(super) fn has_room(&self, bytes: u64, has_to_wait: bool) -> bool {
        let Some(opened) = self.shared.opened() else { return false };
        let (spool, limits) = (lock(&opened.spool), self.shared.limits);
        let fits = |taken: u64, most: u64| taken + bytes <= most / 2;
        fits(spool.bytes(), limits.bytes) && (!has_to_wait || fits(spool.shared_bytes(), limits.share()))
    }

    /// A segment is of a container that logs more than it may.
    fn share(&self, id: u64, group: u64) {
        if let Some(opened) = self.shared.opened() {
            lock(&opened.spool).share(id, group);
        }
    }

    /// Copies a file from where it is settled, or what was added since the last copy; a compressed one
    /// as it is. `None` if there is no spool.
    fn copy(
        &mut self,
        description: &Description,
        id: Option<u64>,
        file: &mut dyn LogFile,
        now: Timestamp,
    ) -> Result<Option<u64>, SpoolError> {
        let Some(opened) = self.shared.opened() else { return Ok(None) };
        if let Some(segment) = id.and_then(|id| self.segments.get_mut(&id)) {
            append_rest(segment, file, &description.path)?;
            return Ok(id);
        }
        let text = serde_json::to_vec(description).unwrap_or_default();
        let first_offset = if description.is_compressed { 0 } else { description.offset };
        let mut segment = lock(&opened.spool).create(&text, first_offset, now)?;
        let id = segment.id();
        if let Err(error) = append_rest(&mut segment, file, &description.path) {
            self.remove(id);
            return Err(error);
        }
        self.segments.insert(id, segment);
        if description.has_to_wait {
            self.share(id, description.group);
        }
        Ok(Some(id))
    }

    fn enforce(&mut self, now: Timestamp) -> Vec<Dropped> {
        let Some(opened) = self.shared.opened() else { return Vec::new() };
        let dropped = lock(&opened.spool).enforce(now);
        for gone in &dropped {
            self.segments.remove(&gone.id);
        }
        dropped
    }
}

/// Appends what of the file is behind the segment's end.
fn append_rest(segment: &mut Segment, file: &mut dyn LogFile, path: &Path) -> Result<(), SpoolError> {
    let mut buffer = vec![0; CHUNK];
    let mut offset = segment.end();
    loop {
        let read = file.read_at(&mut buffer, offset);
        let read = read.map_err(|source| SpoolError::Io { action: "copy from", path: path.to_owned(), source })?;
        if read == 0 {
            return segment.sync();
        }
        segment.append(&buffer[..read])?;
        offset += read as u64;
    }
}

impl Follower {
    /// Takes up what the last run rescued, before anything else.
    pub(super) fn admit_rescued(&mut self, now: Now) {
        let Some(rescue) = &self.rescue else { return };
        for (description, segment) in rescue.take_left(|key| self.is_mine(key)) {
            let is_new = !self.places.contains_key(&description.group);
            let place = self.group(description.group, description.is_numbered, &description.real);
            let has_to_wait = description.has_to_wait;
            let mut file = description.file(&segment, now);
            // It may have been held open only until its pod is known.
            let is_begun = file.committed.offset > 0;
            self.groups[place].held =
                self.groups[place].held.filter(|_| !is_begun).or((is_new && !is_begun).then_some(now.instant));
            self.groups[place].is_chosen |= self.groups[place].held.is_none();
            self.groups[place].has_to_wait |= has_to_wait;
            file.rotated = Some(now.instant);
            tracing::info!(path = %file.found.path.display(), from = file.committed.offset, to = file.length, "goes on in the spool");
            self.hold_segment(file.id, file.is_compressed, segment);
            self.keep(place, file);
        }
    }

    /// A log that the last run rescued tells where it goes on.
    pub(super) fn resume_rescued(&self, place: usize, index: usize) -> Option<Resumed> {
        let file = &self.groups[place].files[index];
        if !file.is_spooled() {
            return None;
        }
        let log = file.log?;
        let saved = self.store.as_ref().and_then(|store| store.of_log(log)).map(|saved| saved.checkpoint);
        let is_later = |saved: &Checkpoint| saved.offset >= file.committed.offset;
        let checkpoint = saved.filter(is_later).unwrap_or(file.committed);
        let is_done = checkpoint.offset > 0 && checkpoint.offset >= file.length;
        Some(Resumed { log, checkpoint, is_derived: true, is_done })
    }

    /// Copies what is not settled of a file into the spool. Whether all of it is there.
    pub(super) fn rescue_file(&mut self, place: usize, index: usize, now: Now) -> bool {
        if self.groups[place].files[index].log.is_none() {
            self.name_log(place, index, now);
        }
        if self.groups[place].files[index].rescued.is_none() {
            // What the copy says of this file's checkpoint must not be newer than what is saved of the
            // files before it: their open records would be joined to something else.
            self.save();
        }
        let group = &self.groups[place];
        let file = &group.files[index];
        let (Some(rescue), Some(log)) = (&mut self.rescue, file.log) else { return false };
        if file.rescued.is_some() && file.is_compressed {
            // Nothing is added to a compressed log any more.
            return true;
        }
        let description = Description::of(&rescue.input, group, file, log);
        let (id, rescued) = (file.id, file.rescued);
        let Some(open) = self.descriptors.if_open(id) else { return false };
        let copied = match file.is_compressed {
            true => open.stored().map_or(Ok(None), |stored| rescue.copy(&description, rescued, stored, now.time)),
            false => rescue.copy(&description, rescued, open, now.time),
        };
        let is_copied = matches!(copied, Ok(Some(_)));
        match copied {
            Ok(None) | Err(SpoolError::Gone { .. }) => {}
            Ok(Some(segment)) => {
                let file = &mut self.groups[place].files[index];
                if file.rescued.replace(segment).is_none() {
                    tracing::debug!(path = %file.found.path.display(), from = file.committed.offset, "what of it is not delivered is copied into the spool");
                }
            }
            Err(error) if self.throttle.allows() => {
                tracing::error!(path = %description.path.display(), %error, "was removed before it was delivered, and cannot be copied: a crash would lose it");
            }
            Err(_) => {}
        }
        self.enforce_limits(now);
        is_copied
    }

    /// From here on a file that was removed is read from its copy: the disk gets its room back, and
    /// one file less is held open.
    pub(super) fn go_on_in_spool(&mut self, place: usize, index: usize) {
        let file = &self.groups[place].files[index];
        let Some(id) = file.rescued else { return };
        let Some(segment) = self.rescue.as_mut().and_then(|rescue| rescue.segments.remove(&id)) else { return };
        self.forget_inode(place, index);
        let file = &mut self.groups[place].files[index];
        tracing::debug!(path = %file.found.path.display(), offset = file.offset, "goes on in the spool");
        file.go_on_in_spool(id, spooled_key(id));
        let (id, is_compressed) = (file.id, file.is_compressed);
        self.descriptors.close(id);
        self.hold_segment(id, is_compressed, segment);
    }

    fn hold_segment(&mut self, id: u64, is_compressed: bool, mut segment: Segment) {
        segment.close_handle();
        let spooled = Box::new(Spooled(segment));
        match is_compressed {
            false => self.descriptors.insert_pinned(id, spooled),
            // Its look cannot fail.
            true => drop(Gzip::new(spooled).map(|file| self.descriptors.insert_pinned(id, Box::new(file)))),
        }
    }

    /// A source logs more than it may, and is not read before then: from now on its container shares a
    /// part of the spool with others of its kind.
    pub(super) fn pause(&mut self, id: u64, until: Instant) {
        let Some((place, index)) = self.place_of(id) else { return };
        let group = &mut self.groups[place];
        group.files[index].paused_until = Some(until);
        if !std::mem::replace(&mut group.has_to_wait, true)
            && let Some(rescue) = &self.rescue
        {
            group.files.iter().filter_map(|file| file.rescued).for_each(|segment| rescue.share(segment, group.key));
        }
    }

    /// Finds out which log a file holds whose turn to be read has not come.
    fn name_log(&mut self, place: usize, index: usize, now: Now) {
        let id = self.groups[place].files[index].id;
        let line = self.descriptors.if_open(id).and_then(|open| identity::first_line(open).ok().flatten());
        let line = line.unwrap_or_default();
        if let Some(open) = self.descriptors.if_open(id) {
            open.release();
        }
        let Resumed { log, checkpoint, .. } = self.resume(place, index, &line, now);
        let file = &mut self.groups[place].files[index];
        (file.log, file.committed) = (Some(log), checkpoint);
        file.began = identity::time_of(&line).filter(|_| file.container.is_some());
    }

    /// Lets go of the oldest files in the spool while it holds too much.
    pub(super) fn enforce_limits(&mut self, now: Now) {
        let Some(rescue) = &mut self.rescue else { return };
        for dropped in rescue.enforce(now.time) {
            let reason = match dropped.reason {
                Reason::Age => Loss::SpoolAge,
                Reason::Bytes => Loss::SpoolBytes,
                Reason::Share => Loss::SpoolShare,
            };
            self.let_go(&dropped, reason);
        }
    }

    fn let_go(&mut self, dropped: &Dropped, reason: Loss) {
        let end = dropped.first_offset + dropped.bytes;
        for group in &mut self.groups {
            if let Some(file) = group.files.iter_mut().find(|file| file.rescued == Some(dropped.id)) {
                file.rescued = None;
                if !file.is_spooled() && file.vanished.is_none() {
                    // It was copied ahead and is still there.
                    return;
                }
                if file.length > file.offset {
                    self.losses.report(&file.found.path, file.offset, file.length, reason);
                    if reason == Loss::SpoolShare {
                        self.limited.push(file.limited(LimitedCounts {
                            given_up: file.length - file.offset,
                            ..LimitedCounts::default()
                        }));
                    }
                }
                // What was read of it is still delivered; the rest is not read any more.
                file.end_here();
                if file.phase == Phase::Open {
                    file.phase = Phase::Finished;
                }
                self.descriptors.close(file.id);
                return;
            }
        }
        let (path, from, to) = match serde_json::from_slice::<Description>(&dropped.description) {
            Ok(of) if of.is_compressed => (of.path, of.offset, of.length),
            Ok(of) => (of.path, dropped.first_offset, end),
            Err(_) => (PathBuf::new(), dropped.first_offset, end),
        };
        self.losses.report(&path, from, to, reason);
    }
}
