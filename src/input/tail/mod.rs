//! The tail input: follows files through rotation, truncation and restarts.
//!
//! [`discover`] finds files, [`choosing`] says whose are read, [`identity`] says which log each holds, [`mod@group`] keeps those of
//! one container together, oldest first, [`mod@file`] is one of them, and [`checkpoints`] remembers
//! how far each log is done. [`follow`] is the life of all of them, from being found ([`admit`]) and
//! begun where they were left ([`resume`]), over being renamed, removed or truncated ([`rotation`])
//! or about to vanish ([`rescue`], which keeps a [`description`] of each), to being forgotten.

mod admit;
mod checkpoints;
mod choosing;
mod description;
mod descriptors;
mod discover;
pub(crate) mod disk;
mod file;
mod follow;
mod forget;
mod group;
mod gzip;
mod identity;
mod losses;
mod open;
mod options;
mod pace;
mod rescue;
mod resume;
mod rotation;
mod tag;
#[cfg(test)]
mod tests;
mod watch;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

pub use options::{BLOCK_SIZE, PLUGIN, longest_line};
pub use rescue::SharedSpool;

pub use checkpoints::Memory;
#[cfg(test)]
pub(crate) use checkpoints::MemoryStore;
use checkpoints::{Database, Store};
use disk::RealDisk;
use file::{Phase, Read};
use follow::{Follower, Kept, Means};
use options::Settings;
use rescue::Rescue;
use watch::Watch;

use super::{Block, Event, Input, State, Surroundings, next_source_id};
use crate::config::{Options, Problems};
use crate::record::{Checkpoint, Now, Source};
use crate::telemetry::accounts::InputAccount;
use crate::telemetry::limited::LimitedCounts;

/// Builds a tail input.
pub fn build(
    number: usize,
    options: &Options<'_>,
    surroundings: &Surroundings,
    problems: &mut Problems,
) -> Option<Box<dyn Input>> {
    let settings = Settings::new(options, surroundings.open_files, problems)?;
    options::check_selection(options, &settings.selection, &surroundings.metadata, problems);
    let (database, name) = (settings.database.clone(), options.name().to_owned());
    let spool = surroundings.spool.clone().filter(|_| database.is_some());
    let memory = surroundings.memory.of(&name);
    let open = move || Kept {
        store: Some(match &database {
            Some(path) => Box::new(Database::open(path, &name)) as Box<dyn Store>,
            None => Box::new(memory.clone()),
        }),
        memory: database.is_none().then_some(memory),
        rescue: spool.map(|spool| Rescue::new(spool, name)),
    };
    let watch = settings.watch.then(Watch::new);
    let means =
        Means { disk: Arc::new(RealDisk), watch, open: Box::new(open), metadata: surroundings.metadata.clone() };
    Some(Box::new(Tail::new(number, settings, surroundings, means, Now::read())))
}

/// The source that a tail with these options makes of a file at this path, which need not be there.
#[must_use]
pub fn source_of(options: &Options<'_>, path: &Path) -> Source {
    // What is wrong with the options was told when the input was built.
    let naming = options::naming(options, &mut Problems::new());
    Source {
        id: next_source_id(),
        input: 0,
        tag: naming.and_then(|naming| naming.tag(path)).unwrap_or_default(),
        path: Some(path.to_string_lossy().into_owned()),
        container: identity::container(&RealDisk, path),
        pod: None,
        log: None,
        began: None,
    }
}

/// A source of no file.
#[cfg(test)]
pub(crate) fn source_of_test() -> Source {
    let (tag, id) = ("t".to_owned(), next_source_id());
    Source { id, input: 0, tag, path: None, container: None, pod: None, log: None, began: None }
}

/// A tail of container logs in `/containers` whose disk and store are not real.
#[cfg(test)]
pub(crate) fn simulated(
    disk: impl disk::Disk + 'static,
    store: MemoryStore,
    surroundings: &Surroundings,
    block_size: usize,
    now: Now,
) -> Box<dyn Input> {
    let settings = Settings::simulated("/containers/*.log", block_size, surroundings.open_files);
    let rescue = surroundings.spool.clone().map(|spool| Rescue::new(spool, "tail.0".to_owned()));
    let open = || Kept { store: Some(Box::new(store)), memory: None, rescue };
    let metadata = surroundings.metadata.clone();
    let means = Means { disk: Arc::new(disk), watch: None, open: Box::new(open), metadata };
    Box::new(Tail::new(0, settings, surroundings, means, now))
}

struct Tail {
    follower: Follower,
    buffer_size: usize,
    /// The file whose turn is next: its group, and its index there.
    turn: (usize, usize),
    /// Files that became shorter, to be begun anew.
    truncated: Vec<u64>,
    /// Files that cannot be opened under their names any more.
    lost: Vec<u64>,
}

impl Tail {
    fn new(number: usize, settings: Settings, surroundings: &Surroundings, means: Means, now: Now) -> Self {
        let buffer_size = settings.block_size;
        let follower = Follower::new(number, settings, surroundings.shard, means, now);
        Self { follower, buffer_size, turn: (0, 0), truncated: Vec::new(), lost: Vec::new() }
    }

    /// The next file that may have something, in this turn.
    fn next_due(&mut self, now: Now) -> Option<(usize, usize)> {
        while let Some(group) = self.follower.groups.get(self.turn.0) {
            let (place, index) = self.turn;
            let Some(file) = group.files.get(index) else {
                self.turn = (place + 1, 0);
                continue;
            };
            self.turn.1 += 1;
            if file.phase != Phase::Waiting && file.is_due(now.instant) {
                return Some((place, index));
            }
        }
        self.turn = (0, 0);
        None
    }
}

impl Input for Tail {
    fn discover(&mut self, now: Now, events: &mut Vec<Event>) {
        for id in std::mem::take(&mut self.truncated) {
            self.follower.truncated(id, now, events);
        }
        for id in std::mem::take(&mut self.lost) {
            if let Some((place, index)) = self.follower.place_of(id) {
                self.follower.find_again(place, index, now, events);
            }
        }
        self.follower.look_around(now, events);
    }

    fn protect(&mut self, now: Now) {
        self.follower.check_rotations_if_due(now);
    }

    fn next_block<'b>(&mut self, buffer: &'b mut Vec<u8>, now: Now) -> Option<Block<'b>> {
        if buffer.len() < self.buffer_size {
            buffer.resize(self.buffer_size, 0);
        }
        while let Some((place, index)) = self.next_due(now) {
            match self.follower.read(place, index, &mut buffer[..self.buffer_size], now) {
                Read::Bytes(read) => {
                    let file = &mut self.follower.groups[place].files[index];
                    let is_last = file.phase == Phase::Ending && file.offset + read as u64 >= file.length;
                    let (source, offset, since) = (file.id, file.offset, file.written_since());
                    return Some(Block { source, offset, bytes: &buffer[..read], is_last, time: now.time, since });
                }
                Read::Nothing => {}
                Read::Damaged(reason) => self.follower.report_damaged(place, index, &reason),
                Read::Truncated => self.truncated.push(self.follower.groups[place].files[index].id),
                Read::Gone => self.lost.push(self.follower.groups[place].files[index].id),
            }
        }
        None
    }

    fn consumed(&mut self, source: u64, bytes: usize) {
        if let Some(file) = self.follower.file_mut(source) {
            file.offset += bytes as u64;
        }
    }

    fn pause(&mut self, source: u64, until: Instant) {
        self.follower.pause(source, until);
    }

    fn take_limited(&mut self) -> Vec<(String, LimitedCounts)> {
        std::mem::take(&mut self.follower.limited)
    }

    fn committed(&mut self, source: u64, checkpoint: Checkpoint) {
        if let Some(file) = self.follower.file_mut(source) {
            file.committed = checkpoint;
            file.is_dirty = true;
        }
    }

    fn save(&mut self) {
        self.follower.save();
    }

    fn is_caught_up(&mut self, source: u64) -> bool {
        self.follower.is_caught_up(source)
    }

    fn account(&self, now: Now, account: &mut InputAccount) {
        let files = || self.follower.groups.iter().flat_map(|group| &group.files);
        account.checkpoints = self.follower.store.as_ref().map(|store| store.account()).unwrap_or_default();
        account.behind = files().map(file::Followed::behind).sum();
        let slowed = files().filter(|file| file.paused_until.is_some_and(|until| until > now.instant));
        account.slowed = slowed.map(file::Followed::behind).sum();
        account.lost = self.follower.losses.bytes();
        account.damaged_files = self.follower.losses.damaged_files();
        account.truncated_files = self.follower.losses.truncated_files();
        let held = self.follower.groups.iter().filter_map(|group| Some((group.held?, group.files.len() as u64)));
        account.choice = self.follower.choosing.account(held, now.instant);
        account.spooled = files()
            .filter(|file| file.rescued.is_some())
            .map(|file| file.length.saturating_sub(file.committed.offset))
            .sum();
    }

    fn state(&self) -> State {
        let follower = &self.follower;
        let is_over = follower.settings.exit_on_eof
            && follower.has_scanned
            && !follower.choosing.is_undecided()
            && follower.groups.iter().flat_map(|group| &group.files).all(|file| file.behind() == 0);
        if is_over { State::Exhausted } else { State::Open }
    }

    fn can_read_again(&self) -> bool {
        true
    }

    fn hand_over(&mut self, now: Now) {
        self.follower.hand_over(now);
    }
}
