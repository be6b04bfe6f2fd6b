//! Which log a file holds, and where to go on in it.

use std::time::Duration;

use super::checkpoints::{ForeignRow, Saved};
use super::discover::Found;
use super::follow::Follower;
use super::gzip;
use super::identity;
use crate::record::{Checkpoint, LogId, Now};

/// What is known of a file that is about to be read.
pub(super) struct Resumed {
    pub(super) log: LogId,
    pub(super) checkpoint: Checkpoint,
    /// The log's id is told by its bytes.
    pub(super) is_derived: bool,
    /// All of it was read before.
    pub(super) is_done: bool,
}

impl Follower {
    /// The log of a file and where to go on in it, `line` being its first.
    pub(super) fn resume(&mut self, place: usize, index: usize, line: &[u8], now: Now) -> Resumed {
        if let Some(resumed) = self.resume_rescued(place, index) {
            return resumed;
        }
        let file = &self.groups[place].files[index];
        if let Some(log) = file.log {
            // It had to be known before it was its turn: it was about to vanish.
            return Resumed { log, checkpoint: file.committed, is_derived: true, is_done: false };
        }
        let derived = file.container.as_ref().and_then(|container| identity::log_id(container, line));
        let saved = self.saved_of_file(place, index, derived);
        let is_derived = derived.is_some();
        if let Some(offset) = self.adopted(place, index) {
            let log = derived.or(saved.map(|saved| saved.log)).unwrap_or_else(|| LogId::random(now.time));
            return Resumed { log, checkpoint: Checkpoint::at(offset, now.time), is_derived, is_done: false };
        }
        let file = &self.groups[place].files[index];
        // What was truncated was written just then, however old the file was when it was found.
        let is_older = |age| !file.is_anew && is_older(&file.found, age, now);
        let is_too_old = self.settings.ignore_older.is_some_and(is_older);
        // A checkpoint at the beginning is of one that was too old before.
        let saved = saved.filter(|saved| !is_too_old || saved.checkpoint.offset > 0);
        if let Some(Saved { log, checkpoint, .. }) = saved {
            let is_done = self.is_read_to(&file.found, checkpoint.offset);
            return Resumed { log, checkpoint, is_derived, is_done };
        }
        // Its end when it was found: what was written since is new.
        let has_lost_rows = self.store.as_ref().is_some_and(|store| store.has_lost_rows());
        if is_too_old && file.is_compressed {
            // Nothing will be written to it. Where its end is would take to inflate it.
            let (log, checkpoint) = (LogId::random(now.time), Checkpoint::at(0, now.time));
            return Resumed { log, checkpoint, is_derived: false, is_done: true };
        }
        let is_passed = file.is_passed && !file.is_compressed && !has_lost_rows;
        let from_end = is_too_old || is_passed;
        let checkpoint = Checkpoint::at(if from_end { file.found.length.min(file.length) } else { 0 }, now.time);
        let log = derived.unwrap_or_else(|| LogId::random(now.time));
        Resumed { log, checkpoint, is_derived, is_done: false }
    }

    /// What is saved of the log that a file holds, if it can still be true.
    fn saved_of_file(&mut self, place: usize, index: usize, derived: Option<LogId>) -> Option<Saved> {
        let group = &self.groups[place];
        let file = &group.files[index];
        let done = group.done_file(file.found.key()).cloned();
        let done = done.filter(|done| self.head_of(&file.found, done.head.length) == Some(done.head));
        let saved = match derived {
            _ if done.is_some() => done,
            Some(log) => group.done_log(log).cloned().or_else(|| self.store.as_ref()?.of_log(log)),
            None if file.is_anew => None,
            None => self.saved_by_head(&file.found),
        };
        // One that became shorter while we were away has nothing old in it.
        saved.filter(|saved| file.is_compressed || saved.checkpoint.offset <= file.length)
    }

    /// What is saved of a file whose bytes tell no log: by its inode, or if it is a copy by its head.
    fn saved_by_head(&self, found: &Found) -> Option<Saved> {
        let store = self.store.as_ref()?;
        let is_it = |saved: &Saved| {
            let has_name = !self.settings.compare_names || saved.path == found.path;
            has_name && saved.head.length > 0 && self.head_of(found, saved.head.length) == Some(saved.head)
        };
        let by_file = store.of_file(found.device, found.inode).into_iter().find(is_it);
        by_file.or_else(|| {
            let head = self.head_of(found, u64::MAX)?;
            store.of_head(head).into_iter().find(|saved| head.is_whole() && saved.path == found.path)
        })
    }

    /// A file that is found beside a log was being read when we last ran, and not to its end.
    pub(super) fn is_unfinished(&mut self, place: usize, found: &Found) -> bool {
        let path = self.groups[place].files.first().map(|file| file.found.path.clone());
        let found = Found { path: path.unwrap_or_else(|| found.path.clone()), ..found.clone() };
        if let Some(offset) = self.offset_of_fluent_bit(&found) {
            return found.is_compressed() || offset < found.length;
        }
        let derived = self.derived(&found);
        let saved = match derived {
            Some(log) => self.store.as_ref().and_then(|store| store.of_log(log)),
            None => self.saved_by_head(&found),
        };
        saved.is_some_and(|saved| !self.is_read_to(&found, saved.checkpoint.offset))
    }

    /// A file holds what a file of the group holds or held, which was read or is being read.
    pub(super) fn is_copy(&mut self, place: usize, found: &Found) -> bool {
        if !found.is_compressed() && !self.groups[place].is_numbered {
            return false;
        }
        for file in &mut self.groups[place].files {
            if let Some(open) = self.descriptors.if_open(file.id) {
                file.renew_head(open);
            }
        }
        let group = &self.groups[place];
        let is_followed = group.files.iter().any(|file| self.is_head_of(file.head, found));
        let done = group
            .done
            .iter()
            .find(|done| self.is_head_of(done.head, found) && self.is_read_to(found, done.checkpoint.offset));
        let done = done.cloned();
        if let Some(done) = done.clone() {
            // One file that is done stands for one copy of it.
            self.groups[place].done.retain(|other| other != &done);
            self.groups[place].remember(Saved { device: found.device, inode: found.inode, ..done });
        }
        is_followed || done.is_some()
    }

    /// A file begins as one of the group does, or one that is done.
    pub(super) fn holds_any_of(&self, place: usize, found: &Found) -> bool {
        let group = &self.groups[place];
        let mut heads = group.files.iter().map(|file| file.head).chain(group.done.iter().map(|done| done.head));
        heads.any(|head| self.is_head_of(head, found))
    }

    fn is_head_of(&self, head: identity::Head, found: &Found) -> bool {
        // Of a short one all bytes have to be the same.
        let length = if head.is_whole() { head.length } else { u64::MAX };
        head.length > 0 && self.head_of(found, length) == Some(head)
    }

    /// The log id that a file's first line tells.
    fn derived(&self, found: &Found) -> Option<LogId> {
        let container = identity::container(self.disk.as_ref(), &found.real)?;
        let mut file = self.open_aside(found)?;
        let line = identity::first_line(file.as_mut()).ok().flatten()?;
        identity::log_id(&container, &line)
    }

    /// All that a file holds lies before this offset.
    fn is_read_to(&self, found: &Found, offset: u64) -> bool {
        if !found.is_compressed() {
            // More may be written to it: whoever reads it sees.
            return false;
        }
        let told = self.disk.open(&found.real).and_then(|mut file| gzip::told_length(file.as_mut()));
        // The length is told modulo 2^32.
        offset > 0 && told.is_ok_and(|told| u64::from(told) == offset & u64::from(u32::MAX))
    }

    /// Where Fluent Bit stopped in a file, if it read it after us.
    fn adopted(&mut self, place: usize, index: usize) -> Option<u64> {
        let file = &self.groups[place].files[index];
        if file.is_anew || self.groups[place].done_file(file.found.key()).is_some() {
            return None;
        }
        let offset = self.offset_of_fluent_bit(&file.found)?;
        tracing::info!(path = %file.found.real.display(), offset, "goes on where Fluent Bit stopped");
        Some(offset)
    }

    /// Where Fluent Bit stopped in a file that lies there. Of a compressed one only a row with a marker
    /// tells for sure, since its inode is not the one that Fluent Bit knew.
    fn offset_of_fluent_bit(&self, found: &Found) -> Option<u64> {
        let store = self.store.as_ref().filter(|_| !self.foreign.is_empty())?;
        let names = [found.path.as_path(), found.real.as_path()];
        let has_name = |row: &ForeignRow| row.inode == found.inode && names.contains(&row.name.as_path());
        if self.settings.compare_names && !self.foreign.iter().any(has_name) {
            return None;
        }
        let mut file = self.open_aside(found)?;
        let mut read_at = |buffer: &mut [u8], offset| file.read_at(buffer, offset);
        if !found.is_compressed() {
            return store.adopt(found.inode, &names, found.length, &mut read_at);
        }
        let length = self.disk.open(&found.real).and_then(|mut file| gzip::told_length(file.as_mut())).ok()?;
        let mut rows = self.foreign.iter().filter(|row| row.marker.is_some());
        rows.find_map(|row| row.resume(&names, u64::from(length), &mut read_at))
    }

    /// How many of these files, oldest first, Fluent Bit had done with before it came to the one that
    /// it was reading: it forgets those, so that only their place tells.
    pub(super) fn done_by_fluent_bit(&self, earlier: &[Found], current: &Found) -> usize {
        let was_read = |found: &Found| self.offset_of_fluent_bit(found).is_some();
        let first = earlier.iter().position(was_read);
        first.unwrap_or_else(|| if was_read(current) { earlier.len() } else { 0 })
    }
}

/// A file was not written for so long.
fn is_older(found: &Found, age: Duration, now: Now) -> bool {
    let age = i64::try_from(age.as_nanos()).unwrap_or(i64::MAX);
    now.time.0.saturating_sub(found.modified) > age
}
