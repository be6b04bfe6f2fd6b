//! Which files are followed: those that the patterns match, and what was written before them.

use std::time::Instant;

use glob::Pattern;

use super::choosing::{Admission, Choice};
use super::descriptors::OpenError;
use super::discover::{self, Found, Listings, Order};
use super::disk::LogFile;
use super::file::Followed;
use super::follow::Follower;
use super::group::Group;
use super::gzip::{self, Gzip};
use super::identity;
use crate::input::next_source_id;
use crate::record::{Container, Now};

impl Follower {
    /// Follows a file that is not followed yet, and those before it in its directory.
    pub(super) fn admit(&mut self, found: Found, listings: &mut Listings, now: Now) {
        let key = self.key_of(&found.path, &found.real);
        let Some(tag) = self.settings.naming.tag(&found.path).filter(|_| self.is_mine(key)) else { return };
        let container = identity::container(self.disk.as_ref(), &found.path);
        // What was chosen stays chosen: the container's next start, and what it is rotated to.
        let has_chosen = self.places.get(&key).is_some_and(|place| self.groups[*place].takes_others());
        let admission = match has_chosen {
            true => Admission::Follow { from_end: self.choosing.was_excluded(&found.path) },
            false => self.choosing.admit(&found.path, &tag, container.as_ref(), now.instant),
        };
        if admission == Admission::Leave {
            return;
        }
        if let (Some(watch), Some(directory)) = (&mut self.watch, found.real.parent()) {
            watch.add(directory);
        }
        let place = self.group(key, self.is_numbered(&found.real), &found.real);
        if admission == (Admission::Follow { from_end: true }) {
            return self.admit_at_end(place, found, container, listings, now);
        }
        match admission {
            Admission::Hold(since) => self.groups[place].held = Some(since),
            _ => self.groups[place].is_chosen |= self.groups[place].held.is_none(),
        }
        let is_known = self.is_known(place, &found);
        if !is_known || std::mem::take(&mut self.groups[place].has_gap) {
            self.admit_earlier(place, &found, container.as_ref(), listings, now);
        }
        let path = found.path.clone();
        if is_known {
            return self.choosing.opened(&path);
        }
        if self.follow(place, found, container, None, now).is_some() {
            self.choosing.opened(&path);
        }
        self.groups[place].end_earlier_starts(now.instant);
    }

    /// Follows a file whose pod excluded it until now: what was written meanwhile is passed over.
    fn admit_at_end(
        &mut self,
        place: usize,
        found: Found,
        container: Option<Container>,
        listings: &mut Listings,
        now: Now,
    ) {
        if self.is_known(place, &found) {
            return;
        }
        for earlier in self.earlier(place, &found, listings) {
            self.groups[place].pass(&earlier);
        }
        let id = self.follow(place, found, container, None, now);
        if let Some(file) = id.and_then(|id| self.file_mut(id)) {
            file.is_passed = true;
            let path = file.found.path.clone();
            self.choosing.opened(&path);
            self.groups[place].is_chosen = true;
        }
        self.groups[place].end_earlier_starts(now.instant);
    }

    /// Files that were held open are read or let go, as soon as it is known which.
    pub(super) fn decide_held(&mut self, now: Now) {
        let mut let_go = Vec::new();
        for place in 0..self.groups.len() {
            let group = &self.groups[place];
            let Some(since) = group.held.filter(|_| !group.files.is_empty()) else { continue };
            let known = group.files.iter().find_map(|file| Some((&file.found.path, file.container.clone()?)));
            let choice = known.map(|(path, container)| {
                let tag = self.settings.naming.tag(path).unwrap_or_default();
                self.choosing.decide(path, &tag, &container, since, now.instant)
            });
            match choice {
                Some(Choice::Undecided) => {}
                None | Some(Choice::Chosen { .. }) => {
                    self.groups[place].held = None;
                    self.groups[place].is_chosen = true;
                    // They have waited.
                    self.groups[place].files.iter_mut().for_each(|file| file.found_at = since);
                }
                Some(choice) => let_go.push((group.key, since, choice)),
            }
        }
        for (key, since, choice) in let_go {
            self.let_go_of(key, since, choice);
        }
    }

    /// Nothing of a group's files is read, and nothing of them is kept.
    fn let_go_of(&mut self, key: u64, since: Instant, choice: Choice) {
        let gone: Vec<Group> = self.groups.extract_if(.., |group| group.key == key).collect();
        for file in gone.iter().flat_map(|group| &group.files) {
            self.release(file);
            self.current.remove(&file.found.path);
            if let Some((tag, container)) = self.settings.naming.tag(&file.found.path).zip(file.container.clone()) {
                self.choosing.leave(file.found.path.clone(), tag, container, since, choice);
            }
        }
        self.forget_groups(&gone);
    }

    /// Follows the files that hold what was written before a file that was found, unless they were
    /// read or are none of our affair.
    fn admit_earlier(
        &mut self,
        place: usize,
        found: &Found,
        container: Option<&Container>,
        listings: &mut Listings,
        now: Now,
    ) {
        let is_first_sight = self.groups[place].files.is_empty() && self.groups[place].done.is_empty();
        let all = self.earlier(place, found, listings);
        let done = if is_first_sight { self.done_by_fluent_bit(&all, found) } else { 0 };
        for (number, earlier) in all.into_iter().enumerate() {
            if self.is_known(place, &earlier) {
                continue;
            }
            let is_ours = if self.is_copy(place, &earlier) {
                false
            } else if !self.is_rotated(place, found, &earlier)
                || (is_first_sight && (number < done || !self.is_new(place, &earlier)))
            {
                self.is_unfinished(place, &earlier)
            } else {
                true
            };
            if !is_ours {
                self.groups[place].pass(&earlier);
                continue;
            }
            let restart =
                identity::container(self.disk.as_ref(), &earlier.real).and_then(|container| container.restart);
            let container =
                container.map(|container| Container { restart: restart.or(container.restart), ..container.clone() });
            self.follow(place, Found { path: found.path.clone(), ..earlier }, container, Some(now.instant), now);
        }
    }

    /// Follows copies that were made of a file since it was written at `since`: it was truncated more
    /// than once while nobody looked.
    pub(super) fn admit_copies(
        &mut self,
        place: usize,
        found: &Found,
        container: Option<&Container>,
        since: i64,
        now: Now,
    ) {
        for copy in self.earlier(place, found, &mut Listings::default()) {
            let is_new = copy.modified > since && self.is_rotated(place, found, &copy) && !self.is_known(place, &copy);
            if is_new && !self.holds_any_of(place, &copy) {
                let copy = Found { path: found.path.clone(), ..copy };
                self.follow(place, copy, container.cloned(), Some(now.instant), now);
            }
        }
    }

    /// What lies beside a file and was written before it, oldest first.
    fn earlier(&mut self, place: usize, found: &Found, listings: &mut Listings) -> Vec<Found> {
        let disk = self.disk.as_ref();
        if !self.groups[place].is_numbered {
            let mut rotated = listings.named_alike(disk, &found.real);
            rotated.retain(|other| other.key() != found.key() && self.may_be_earlier(found, other));
            rotated.sort_by_key(|other| other.modified);
            return rotated;
        }
        let mut siblings = discover::siblings(disk, &found.real);
        // It was renamed just now: what has its name is found by the next scan.
        let has_moved = |sibling: &Found| sibling.key() == found.key() && sibling.real != found.real;
        self.scan_again |= siblings.iter().any(has_moved);
        let own = Order::of(&found.real);
        siblings.retain(|sibling| sibling.key() != found.key() && Order::of(&sibling.real) < own);
        siblings.sort_by_cached_key(|sibling| Order::of(&sibling.real));
        siblings
    }

    /// A file whose name begins with a log's holds what was written to it before, or may: it was renamed as
    /// nobody foresaw while nobody looked, and is not found by itself.
    fn may_be_earlier(&self, log: &Found, other: &Found) -> bool {
        let matches = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches_path(&other.path));
        discover::is_rotated(&log.real, &other.real)
            || !matches(&self.settings.paths)
            || matches(&self.settings.exclude)
    }

    fn is_rotated(&self, place: usize, log: &Found, other: &Found) -> bool {
        self.groups[place].is_numbered || discover::is_rotated(&log.real, &other.real)
    }

    /// It is a matter of course that it is read: it holds what came before in a container that is
    /// read from its beginning, or was written since this process began.
    fn is_new(&self, place: usize, found: &Found) -> bool {
        if self.groups[place].is_numbered {
            return self.reads_from_head();
        }
        self.has_scanned && self.reads_from_head() && found.modified >= self.started.0
    }

    /// What is found now, and has no checkpoint and nothing before it, is read from its beginning.
    fn reads_from_head(&self) -> bool {
        if self.has_scanned { self.settings.read_new_from_head } else { self.settings.read_from_head }
    }

    /// Begins to follow a file.
    pub(super) fn follow(
        &mut self,
        place: usize,
        found: Found,
        container: Option<Container>,
        rotated: Option<Instant>,
        now: Now,
    ) -> Option<u64> {
        let mut file = Followed::new(next_source_id(), found, container, now);
        match self.descriptors.of(&file) {
            Ok(open) => {
                file.renew_head(open);
                if let Some(stored) = open.stored() {
                    file.length = gzip::told_length(stored).map_or(0, u64::from);
                }
                open.release();
            }
            Err(OpenError::Refused(error)) => {
                if self.throttle.allows() {
                    tracing::warn!(path = %file.found.path.display(), %error, "cannot be opened, trying again");
                }
                return None;
            }
            Err(OpenError::Gone | OpenError::Replaced) => {
                self.scan_again = true;
                return None;
            }
        }
        // What goes on where another file was is new, whenever it is found.
        let group = &self.groups[place];
        let follows = !group.files.is_empty() || (self.has_scanned && !group.done.is_empty());
        file.is_passed = !follows && !self.reads_from_head();
        file.rotated = rotated;
        Some(self.keep(place, file))
    }

    /// Puts a file into its group.
    pub(super) fn keep(&mut self, place: usize, mut file: Followed) -> u64 {
        let id = file.id;
        file.in_step_with(self.epoch);
        self.sources.insert(id, self.groups[place].key);
        if !file.is_spooled() {
            self.inodes.insert(file.found.key(), id);
        }
        if file.rotated.is_none() {
            self.current.insert(file.found.path.clone());
        }
        self.groups[place].add(file);
        id
    }

    /// The file is followed, done, or none of our affair.
    fn is_known(&mut self, place: usize, found: &Found) -> bool {
        if self.is_followed(found) || self.groups[place].has_passed(found) {
            return true;
        }
        let Some(done) = self.groups[place].done_file(found.key()) else { return false };
        // The inode may be another file's now, or more may have been written to this one.
        let (offset, head) = (done.checkpoint.offset, done.head);
        found.length <= offset && self.head_of(found, head.length) == Some(head)
    }

    /// The file is followed. While one is not open, its inode may become another file's.
    fn is_followed(&mut self, found: &Found) -> bool {
        let Some((place, index)) = self.inodes.get(&found.key()).and_then(|id| self.place_of(*id)) else {
            return false;
        };
        let file = &self.groups[place].files[index];
        let is_same = self.descriptors.if_open(file.id).is_some()
            || match file.head.length {
                0 => file.found.real == found.real,
                length => self.head_of(found, length) == Some(file.head),
            };
        if !is_same {
            if file.head.length == 0 {
                // Nothing was ever read of it: it is followed anew, in its place.
                self.abandoned.push(file.id);
            }
            self.forget_inode(place, index);
        }
        is_same
    }

    /// The head of a file that is not followed, as far as `length`.
    pub(super) fn head_of(&self, found: &Found, length: u64) -> Option<identity::Head> {
        let mut file = self.open_aside(found)?;
        identity::head(file.as_mut(), Some(length)).ok()
    }

    /// Opens a file that is not followed (yet).
    pub(super) fn open_aside(&self, found: &Found) -> Option<Box<dyn LogFile>> {
        let file = self.disk.open(&found.real).ok()?;
        if file.look().ok()?.key() != found.key() {
            return None;
        }
        match found.is_compressed() {
            true => Some(Box::new(Gzip::new(file).ok()?)),
            false => Some(file),
        }
    }
}
