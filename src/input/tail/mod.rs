//! The tail input: follows files through rotation, truncation and restarts.
//!
//! [`discover`] finds files, [`identity`] says which log each holds, [`mod@file`] reads one, and
//! [`checkpoints`] remembers how far each is done. Files of one container are read one after the
//! other, oldest first, so that records which began in one go on in the next.

mod checkpoints;
mod discover;
mod file;
mod follow;
mod identity;
mod options;
mod tag;
mod watch;

use std::time::{Duration, Instant};

pub use options::{BLOCK_SIZE, PLUGIN, longest_line};

use checkpoints::{Database, Store};
use file::Read;
use follow::Follower;
use options::Settings;

use super::{Block, Event, Input, Shard, State};
use crate::config::{Options, Problems};
use crate::record::{Checkpoint, Timestamp};
use crate::telemetry::Throttle;
use crate::telemetry::accounts::CheckpointAccount;

/// Builds a tail input.
pub fn build(number: usize, options: &Options<'_>, shard: Shard, problems: &mut Problems) -> Option<Box<dyn Input>> {
    let settings = Settings::new(options, problems)?;
    let open = |path| Box::new(Database::open(path, options.name())) as Box<dyn Store>;
    let database = settings.database.as_deref().map(open);
    Some(Box::new(Tail {
        buffer_size: settings.block_size,
        follower: Follower::new(number, settings, shard, database),
        turn: 0,
        now: Instant::now(),
        truncated: Vec::new(),
        throttle: Throttle::default(),
        rotations_at: None,
    }))
}

struct Tail {
    follower: Follower,
    buffer_size: usize,
    /// The file whose turn is next.
    turn: usize,
    /// When this round began.
    now: Instant,
    /// Files that became shorter, to be begun anew.
    truncated: Vec<u64>,
    throttle: Throttle,
    rotations_at: Option<Instant>,
}

/// How often each path is checked for leading to another file.
const ROTATION_CHECK: Duration = Duration::from_secs(1);

impl Input for Tail {
    fn discover(&mut self, now: Instant, events: &mut Vec<Event>) {
        self.now = now;
        for id in std::mem::take(&mut self.truncated) {
            self.follower.begin_anew(id, events);
        }
        if self.rotations_at.is_none_or(|at| now >= at) {
            self.rotations_at = Some(now + ROTATION_CHECK);
            self.follower.check_rotations(now);
        }
        self.follower.scan_if_due(now);
        self.follower.finish_rotated(now, events);
        self.follower.open_waiting(events);
    }

    fn next_block<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Option<Block<'b>> {
        if buffer.len() < self.buffer_size {
            buffer.resize(self.buffer_size, 0);
        }
        while let Some(file) = self.follower.files.get_mut(self.turn) {
            self.turn += 1;
            match file.read(&mut buffer[..self.buffer_size], self.now) {
                Ok(Read::Bytes(read)) => {
                    let is_last = file.phase == file::Phase::Ending && file.offset + read as u64 >= file.length;
                    let (source, offset, time) = (file.id, file.offset, Timestamp::now());
                    return Some(Block { source, offset, bytes: &buffer[..read], is_last, time });
                }
                Ok(Read::Nothing) => {}
                Ok(Read::Truncated) => self.truncated.push(file.id),
                Err(error) if self.throttle.allows() => {
                    tracing::warn!(path = %file.found.path.display(), %error, "cannot be read, trying again");
                }
                Err(_) => {}
            }
        }
        self.turn = 0;
        None
    }

    fn consumed(&mut self, source: u64, bytes: usize) {
        if let Some(file) = self.follower.file_mut(source) {
            file.offset += bytes as u64;
        }
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

    fn behind(&self) -> u64 {
        self.follower.files.iter().map(file::Followed::behind).sum()
    }

    fn state(&self) -> State {
        State::Open
    }

    fn checkpoints(&self) -> CheckpointAccount {
        self.follower.checkpoints()
    }
}
