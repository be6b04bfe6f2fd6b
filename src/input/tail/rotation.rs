//! What becomes of files whose path leads elsewhere: they are read to their end, the next one
//! follows, and what would vanish is rescued.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::descriptors::OpenError;
use super::discover::{self, Found, Listings};
use super::file::{Followed, Phase};
use super::follow::Follower;
use super::gzip;
use super::losses::Loss;
use crate::input::Event;
use crate::record::Now;

impl Follower {
    /// Finds out which files' paths lead elsewhere now (they were rotated or removed), and which
    /// have no name left.
    pub(super) fn check_rotations(&mut self, now: Now) {
        for place in 0..self.groups.len() {
            for index in 0..self.groups[place].files.len() {
                let file = &self.groups[place].files[index];
                if file.is_spooled() {
                    continue;
                }
                if file.rotated.is_none() && file.phase != Phase::Closed {
                    self.check_path(place, index, now.instant);
                }
                self.check_name(place, index, now);
            }
        }
        self.give_up_nameless(now.instant);
    }

    /// Lets go of files without a name while too many are open: first of those that were read, which
    /// only a crash would need again, then of those of which nobody knows whether they are to be read,
    /// and of the ones that have been nameless for the longest time. What has a copy goes on there.
    fn give_up_nameless(&mut self, now: Instant) {
        let mut nameless = Vec::new();
        for (place, group) in self.groups.iter().enumerate() {
            for (index, file) in group.files.iter().enumerate().filter(|(_, file)| !file.is_spooled()) {
                if let Some(vanished) = file.vanished.filter(|_| self.descriptors.is_open(file.id)) {
                    nameless.push((file.behind() > 0, group.held.is_none(), vanished, place, index));
                }
            }
        }
        nameless.sort_unstable();
        let surplus = nameless.len().saturating_sub(self.descriptors.most_nameless());
        for (.., place, index) in nameless.into_iter().take(surplus) {
            if self.groups[place].files[index].rescued.is_some() {
                self.go_on_in_spool(place, index);
                continue;
            }
            if let Some(copy) = self.copy_of(place, index) {
                self.change_file(place, index, copy, now);
                continue;
            }
            self.lose(place, index, Loss::OpenFiles);
            let file = &mut self.groups[place].files[index];
            file.phase = match file.phase {
                // Nobody knows of it yet.
                Phase::Waiting | Phase::Closed => Phase::Closed,
                _ => Phase::Finished,
            };
            let id = file.id;
            self.descriptors.close(id);
        }
    }

    fn check_path(&mut self, place: usize, index: usize, now: Instant) {
        let file = &mut self.groups[place].files[index];
        match self.disk.look(&file.found.path) {
            // Known even while reading is paused: how far it is behind.
            Ok(look) if look.key() == file.found.key() => {
                if file.phase == Phase::Open && file.is_plain_file() {
                    file.has_length(look.length);
                }
            }
            _ => {
                file.rotated = Some(now);
                self.leave_path(place, index);
                self.scan_soon();
            }
        }
    }

    /// What has no name left is there only while it is held open: what of it is not settled is
    /// copied into the spool, at once. A compressed one that would be the next to be removed is
    /// copied while it is still there.
    fn check_name(&mut self, place: usize, index: usize, now: Now) {
        let file = &self.groups[place].files[index];
        if file.rotated.is_none() && file.phase != Phase::Closed {
            return;
        }
        let id = file.id;
        let Some(open) = self.descriptors.if_open(id) else { return self.copy_ahead(place, index, now) };
        let Ok(look) = open.look() else { return };
        if look.links > 0 {
            return self.copy_ahead(place, index, now);
        }
        let file = &mut self.groups[place].files[index];
        file.renew_head(open);
        self.descriptors.pin(id);
        let vanished = *file.vanished.get_or_insert(now.instant);
        if file.is_plain_file() {
            file.has_length(look.length);
        }
        if file.is_done() {
            return;
        }
        // Somebody may still write to it for a while.
        let is_final = file.is_compressed || now.instant.duration_since(vanished) >= self.settings.rotate_wait;
        if file.rescued.is_none()
            && let Some(copy) = self.copy_of(place, index)
        {
            if is_final && self.is_whole_copy(&copy, look.length) {
                tracing::debug!(path = %copy.real.display(), "goes on in a copy, so that the disk gets its room back");
                self.change_file(place, index, copy, now.instant);
            }
            return;
        }
        if self.rescue_file(place, index, now) && is_final {
            self.go_on_in_spool(place, index);
        }
    }

    /// Who removes rotated logs removes the oldest. When that is compressed and has waited to be
    /// read, a copy costs little, and then it matters no more when it is removed.
    fn copy_ahead(&mut self, place: usize, index: usize, now: Now) {
        let file = &self.groups[place].files[index];
        let waits = |rotated| now.instant.duration_since(rotated) >= self.settings.rotate_wait;
        let is_next = file.rescued.is_none() && file.rotated.is_some_and(waits) && !file.is_done();
        let is_older = |other: &Followed| !other.is_spooled() && !other.is_done();
        if is_next && file.is_compressed && !self.groups[place].files[..index].iter().any(is_older) {
            let (stored, has_to_wait) = (file.found.length, self.groups[place].has_to_wait);
            let has_room = self.rescue.as_ref().is_some_and(|rescue| rescue.has_room(stored, has_to_wait));
            if has_room && self.descriptors.of(&self.groups[place].files[index]).is_ok() {
                self.rescue_file(place, index, now);
            }
        }
    }

    /// A file that was found is the one that is followed: its inode may be another file's by now.
    fn is_file_of(&self, known: &Followed, found: &Found) -> bool {
        known.found.key() == found.key()
            && match known.head.length {
                0 => known.found.real == found.real,
                length => self.head_of(found, length) == Some(known.head),
            }
    }

    /// A compressed copy holds all that a file of this length holds.
    fn is_whole_copy(&self, copy: &Found, length: u64) -> bool {
        copy.is_compressed()
            && self
                .disk
                .open(&copy.real)
                .and_then(|mut file| gzip::told_length(file.as_mut()))
                .is_ok_and(|told| u64::from(told) == length & u64::from(u32::MAX))
    }

    /// A compressed copy of a file lies beside it.
    fn copy_of(&self, place: usize, index: usize) -> Option<Found> {
        let group = &self.groups[place];
        let file = &group.files[index];
        let disk = self.disk.as_ref();
        let beside = match group.is_numbered {
            true => discover::siblings(disk, &file.found.real),
            false => Listings::default().named_alike(disk, &file.found.real),
        };
        let is_other = |found: &Found| !group.files.iter().any(|known| self.is_file_of(known, found));
        let mut copies = beside.into_iter().filter(|found| {
            let is_long_enough = found.is_compressed() || found.length >= file.offset;
            is_long_enough && file.head.length > 0 && is_other(found)
        });
        copies.find(|found| self.head_of(found, file.head.length) == Some(file.head))
    }

    /// Finishes rotated files that were read to their end, when nothing can be added any more:
    /// the next file is being written, or `Rotate_Wait` is over.
    pub(super) fn finish_rotated(&mut self, place: usize, now: Now, events: &mut Vec<Event>) {
        for index in 0..self.groups[place].files.len() {
            let Some(rotated) = self.groups[place].files[index].rotated else { continue };
            let waited = now.instant.duration_since(rotated) >= self.settings.rotate_wait;
            self.finish(place, index, waited, now, events);
        }
    }

    fn finish(&mut self, place: usize, index: usize, waited: bool, now: Now, events: &mut Vec<Event>) {
        let group = &mut self.groups[place];
        let may_end = waited || group.is_succeeded(index);
        let waits = group.has_waiting_successor(index);
        let file = &mut group.files[index];
        match file.phase {
            Phase::Open if may_end => match self.descriptors.of(file) {
                Ok(open) => {
                    if file.is_at_end(open) {
                        file.phase = if file.has_rest() { Phase::Ending } else { Phase::Finished };
                        tracing::trace!(path = %file.found.real.display(), offset = file.offset, length = file.length, "was read to its end");
                    }
                }
                Err(OpenError::Refused(_)) => {}
                Err(OpenError::Gone | OpenError::Replaced) => self.find_again(place, index, now, events),
            },
            Phase::Ending if !file.has_rest() => file.phase = Phase::Finished,
            // Someone was slower to leave the old file than others.
            Phase::Finished if self.descriptors.if_open(file.id).is_some_and(|open| has_grown(file, open.look())) => {
                file.phase = Phase::Open;
            }
            Phase::Finished if waited && !waits => self.close(place, index, events),
            _ => {}
        }
    }

    fn close(&mut self, place: usize, index: usize, events: &mut Vec<Event>) {
        let file = &mut self.groups[place].files[index];
        file.phase = Phase::Closed;
        tracing::trace!(path = %file.found.real.display(), offset = file.offset, "is closed");
        events.push(Event::Closed(file.id));
    }

    /// A file that cannot be opened under its name any more: it was renamed, or compressed, or it
    /// is gone with what was not read of it.
    pub(super) fn find_again(&mut self, place: usize, index: usize, now: Now, events: &mut Vec<Event>) {
        let file = &mut self.groups[place].files[index];
        match self.descriptors.of(file) {
            Ok(_) | Err(OpenError::Refused(_)) => return,
            Err(OpenError::Gone) => {
                let real = discover::find_again(self.disk.as_ref(), &file.found.real, file.found.key());
                // Of a file that held nothing only the name tells that an inode is still its own.
                let is_its = |real: &PathBuf| file.head.length > 0 || is_renamed(&file.found.real, real);
                if let Some(real) = real.filter(|real| *real != file.found.real && is_its(real)) {
                    file.found.real = real;
                    return;
                }
            }
            // Another file has its inode now, which the next scan finds.
            Err(OpenError::Replaced) => {
                self.forget_inode(place, index);
                self.leave_path(place, index);
                self.scan_soon();
            }
        }
        if let Some(copy) = self.copy_of(place, index) {
            tracing::debug!(path = %copy.real.display(), "goes on in a copy");
            return self.change_file(place, index, copy, now.instant);
        }
        self.lose(place, index, Loss::Removed);
        let file = &mut self.groups[place].files[index];
        match file.phase {
            // Nobody knows of it yet.
            Phase::Waiting => {
                file.phase = Phase::Closed;
                self.groups[place].has_gap = true;
                self.leave_path(place, index);
                self.scan_soon();
            }
            Phase::Closed => {}
            _ => self.close(place, index, events),
        }
    }

    /// A file became shorter than what was read of it: what it held goes on in a copy, if one was
    /// made, and the file itself is begun anew.
    pub(super) fn truncated(&mut self, id: u64, now: Now, events: &mut Vec<Event>) {
        let Some((place, index)) = self.place_of(id) else { return };
        let file = &self.groups[place].files[index];
        tracing::info!(path = %file.found.path.display(), "was truncated, reading from its beginning");
        let (found, container, looked) = (file.found.clone(), file.container.clone(), file.modified());
        if let Some(copy) = self.copy_of(place, index) {
            self.change_file(place, index, copy, now.instant);
        } else {
            self.losses.truncated_unseen();
            self.lose(place, index, Loss::Removed);
            self.groups[place].files[index].rotated.get_or_insert(now.instant);
            // Its bytes are another log's now: its inode and name are not its own any more.
            self.give_up(place, index, events);
        }
        self.leave_path(place, index);
        self.admit_copies(place, &found, container.as_ref(), looked, now);
        let Some(anew) = self.follow(place, found, container, None, now) else { return };
        if let Some(file) = self.file_mut(anew) {
            file.is_anew = true;
        }
    }

    /// Nothing more is read of a file whose place another log took.
    pub(super) fn give_up(&mut self, place: usize, index: usize, events: &mut Vec<Event>) {
        let id = self.groups[place].files[index].id;
        self.forget_inode(place, index);
        self.descriptors.close(id);
        match self.groups[place].files[index].phase {
            Phase::Closed => {}
            // Nobody knows of it yet.
            Phase::Waiting => self.groups[place].files[index].phase = Phase::Closed,
            _ => self.close(place, index, events),
        }
    }

    /// Nothing that is there of the file's log was left unread.
    pub(super) fn is_caught_up(&mut self, id: u64) -> bool {
        let Some((place, index)) = self.place_of(id) else { return true };
        let group = &mut self.groups[place];
        if group.is_succeeded(index) {
            return false;
        }
        let file = &mut group.files[index];
        // Its path may lead to the next file already, though nobody looked yet.
        let is_left = self.disk.look(&file.found.path).is_ok_and(|look| {
            look.key() != file.found.key() && (look.length > 0 || !self.inodes.contains_key(&look.key()))
        });
        !is_left && self.descriptors.of(file).is_ok_and(|open| file.is_at_end(open)) && !file.has_rest()
    }
}

/// The second is a name that a rotation gives to a file of the first.
fn is_renamed(from: &Path, to: &Path) -> bool {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name(to).starts_with(&name(from))
}

fn has_grown(file: &Followed, look: std::io::Result<super::disk::Look>) -> bool {
    file.is_plain_file() && look.is_ok_and(|look| look.length > file.length)
}
