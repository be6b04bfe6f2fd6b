//! One file that is followed: what is known of it, and how far it is.

use std::io;
use std::time::Instant;

use super::checkpoints::{Place, Saved};
use super::discover::{Found, Order};
use super::disk::{LogFile, Look};
use super::identity::{self, Head};
use super::pace::Pace;
use crate::input::LEAD;
use crate::record::{Checkpoint, Container, LogId, Now, Timestamp};
use crate::telemetry::limited::LimitedCounts;

/// Where a file is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its first line is not there yet, or the file before it is not finished.
    Waiting,
    /// It is read.
    Open,
    /// Nothing will be added any more: what is left is read, a last line without an end included.
    Ending,
    /// All of it was read; the next file may go on.
    Finished,
    /// The pipeline was told that nothing comes any more.
    Closed,
}

/// What holds the bytes of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    /// A file.
    File,
    /// This segment of the spool.
    Spool(u64),
}

/// See the module. Whether it is open right now is the affair of
/// [`Descriptors`](super::descriptors::Descriptors).
#[derive(Debug)]
pub(super) struct Followed {
    /// The number of its source.
    pub(super) id: u64,
    pub(super) found: Found,
    pub(super) holder: Holder,
    /// What holds it is compressed. How long the log is, is certain when its end was inflated.
    pub(super) is_compressed: bool,
    pub(super) container: Option<Container>,
    /// Restart number of the container, 0 where there is none.
    pub(super) restart: u32,
    pub(super) log: Option<LogId>,
    /// Time of its first line, if that tells one.
    pub(super) began: Option<Timestamp>,
    pub(super) head: Head,
    /// Its first bytes, at most [`LEAD`].
    pub(super) lead: Vec<u8>,
    pub(super) found_at: Instant,
    pub(super) phase: Phase,
    /// Next byte to be read.
    pub(super) offset: u64,
    /// Length of the log as far as it is known.
    pub(super) length: u64,
    pub(super) committed: Checkpoint,
    pub(super) is_dirty: bool,
    /// It was truncated: its old checkpoint says nothing, however much its lines are alike.
    pub(super) is_anew: bool,
    /// What it held when it was found is passed over, unless there is a checkpoint.
    pub(super) is_passed: bool,
    /// Since when its path leads elsewhere or nowhere.
    pub(super) rotated: Option<Instant>,
    /// Since when its last name is gone: it is there only while it is held open.
    pub(super) vanished: Option<Instant>,
    /// The spool segment that holds a copy of what was not settled of it.
    pub(super) rescued: Option<u64>,
    /// It is not read before then: its container logs more than it may.
    pub(super) paused_until: Option<Instant>,
    /// End of what the last read returned.
    seen: u64,
    /// The length is known. That of a compressed log is when its end was inflated.
    is_measured: bool,
    /// The length when it was saved last.
    saved_length: u64,
    pace: Pace,
    /// When it had been written last, at the last look, in nanoseconds since the epoch.
    modified: i64,
}

/// A length that grew by this much is worth saving though nothing was settled, in bytes: from it
/// the next start knows what was destroyed unread.
const SAVED_GROWTH: u64 = 64 * 1024;

/// What a look at a file found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// Bytes, in the buffer.
    Bytes(usize),
    /// Nothing new.
    Nothing,
    /// It is shorter than what was read of it, or holds something else.
    Truncated,
    /// It cannot be opened under its name any more.
    Gone,
    /// Behind what was read of it nothing can be inflated, for this reason.
    Damaged(String),
}

impl Followed {
    /// A file that was found and waits for its turn.
    pub(super) fn new(id: u64, found: Found, container: Option<Container>, now: Now) -> Self {
        let is_compressed = found.is_compressed();
        let (length, modified) = (if is_compressed { 0 } else { found.length }, found.modified);
        let restart = container.as_ref().and_then(|container| container.restart);
        Self {
            id,
            holder: Holder::File,
            is_compressed,
            restart: restart.unwrap_or_else(|| Order::of(&found.real).restart),
            found,
            container,
            log: None,
            began: None,
            head: Head::EMPTY,
            lead: Vec::new(),
            found_at: now.instant,
            phase: Phase::Waiting,
            offset: 0,
            length,
            committed: Checkpoint::at(0, now.time),
            is_dirty: false,
            is_anew: false,
            is_passed: false,
            rotated: None,
            vanished: None,
            rescued: None,
            paused_until: None,
            seen: 0,
            is_measured: !is_compressed,
            saved_length: 0,
            pace: Pace::new(now.instant),
            modified,
        }
    }

    /// Its long pauses end together with those of other files.
    pub(super) fn in_step_with(&mut self, epoch: Instant) {
        self.pace.in_step_with(epoch);
    }

    /// Begins reading at a checkpoint.
    pub(super) fn open(&mut self, log: LogId, resume: Checkpoint) {
        self.log = Some(log);
        self.phase = Phase::Open;
        (self.offset, self.seen, self.committed) = (resume.offset, resume.offset, resume);
        self.length = self.length.max(resume.offset);
        self.is_dirty = true;
        // Where a compressed log ends shows when a read finds nothing behind the last one.
        self.is_measured = !self.is_compressed;
    }

    /// The log goes on in a copy of it, at the same offsets.
    pub(super) fn go_on_in(&mut self, found: Found, now: Instant) {
        (self.holder, self.is_compressed) = (Holder::File, found.is_compressed());
        self.length = if self.is_compressed { self.length.max(self.offset) } else { found.length };
        self.found = Found { path: self.found.path.clone(), ..found };
        self.seen = self.offset;
        self.is_measured = !self.is_compressed;
        (self.vanished, self.rescued) = (None, None);
        self.rotated.get_or_insert(now);
        self.is_dirty = true;
        self.pace.look_now();
    }

    /// The log goes on in a segment of the spool, at the same offsets.
    pub(super) fn go_on_in_spool(&mut self, segment: u64, key: (u64, u64)) {
        (self.holder, self.rescued) = (Holder::Spool(segment), Some(segment));
        (self.found.device, self.found.inode) = key;
        self.is_dirty = true;
    }

    /// A look now could find something.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        if self.paused_until.is_some_and(|until| now < until) {
            return false;
        }
        match self.phase {
            Phase::Waiting | Phase::Open => self.pace.is_due(now),
            Phase::Ending => true,
            _ => false,
        }
    }

    /// Nothing new was there.
    pub(super) fn rest(&mut self, now: Instant) {
        self.pace.found_nothing(now);
    }

    /// When the bytes that were read last were not there yet, at the earliest.
    pub(super) fn written_since(&self) -> Instant {
        self.pace.written_since()
    }

    /// Reads what is new into the buffer, whose length is the size of a block.
    pub(super) fn read(&mut self, file: &mut dyn LogFile, buffer: &mut [u8], now: Instant) -> io::Result<Read> {
        let is_ending = self.phase == Phase::Ending;
        if !self.is_compressed {
            let look = file.look()?;
            let was_written = self.modified != look.modified;
            // While nobody looked (it was quiet, it had to wait, the way was full) it may have been
            // truncated and grown again, to any length. What is only appended to never gets shorter.
            let is_shorter = look.length < self.length && self.is_plain_file();
            let is_suspect = was_written && self.is_plain_file();
            if is_shorter || look.length < self.offset || (is_suspect && !self.begins_as_before(file)?) {
                return Ok(Read::Truncated);
            }
            (self.length, self.modified) = (look.length, look.modified);
            if self.length == self.seen && !is_ending {
                self.rest(now);
                return Ok(Read::Nothing);
            }
        }
        let read = match file.read_at(buffer, self.offset) {
            Err(error) if self.is_compressed && error.kind() == io::ErrorKind::InvalidData => 0,
            other => other?,
        };
        let end = self.offset + read as u64;
        if self.is_compressed && (end == self.seen || read == 0) {
            (self.length, self.seen) = (end, end);
            if !std::mem::replace(&mut self.is_measured, true)
                && let Err(error) = file.read_at(&mut [0], end)
            {
                return Ok(Read::Damaged(error.to_string()));
            }
            if !is_ending {
                self.rest(now);
                return Ok(Read::Nothing);
            }
        }
        if self.is_spooled() && end == self.seen && end < self.length {
            // An unfinished line, again: what goes on behind it is damaged.
            file.read_at(&mut [0], end)?;
        }
        self.seen = end;
        self.length = self.length.max(end);
        let is_at_end = read < buffer.len() && self.phase == Phase::Open && self.is_plain_file();
        self.pace.has_read(read, is_at_end, now);
        Ok(if read == 0 { Read::Nothing } else { Read::Bytes(read) })
    }

    fn begins_as_before(&self, file: &mut dyn LogFile) -> io::Result<bool> {
        Ok(self.head.length == 0 || identity::head(file, Some(self.head.length))? == self.head)
    }

    /// Whether everything that is there was offered to the pipeline.
    pub(super) fn is_at_end(&mut self, file: &mut dyn LogFile) -> bool {
        if self.is_plain_file() {
            self.has_length(file.look().map_or(self.length, |look| look.length));
        }
        self.is_measured && self.length <= self.seen
    }

    /// It was that long at a look. What it had before a truncation that nobody noticed yet stays known.
    pub(super) fn has_length(&mut self, length: u64) {
        self.length = self.length.max(length);
    }

    /// What was not read of it cannot be had any more.
    pub(super) fn end_here(&mut self) {
        (self.length, self.seen, self.is_measured) = (self.offset, self.offset, true);
    }

    /// It is a file as it was written, which may grow.
    pub(super) fn is_plain_file(&self) -> bool {
        self.holder == Holder::File && !self.is_compressed
    }

    /// It is in the spool.
    pub(super) fn is_spooled(&self) -> bool {
        self.holder != Holder::File
    }

    /// Some bytes at the end are no whole line.
    pub(super) fn has_rest(&self) -> bool {
        self.offset < self.length
    }

    /// Everything that is there was seen, if this is what a look at it tells.
    pub(super) fn is_seen_as(&self, look: Look) -> bool {
        look.key() == self.found.key() && (self.seen, self.modified) == (look.length, look.modified)
    }

    /// When it had been written last, at the last look, in nanoseconds since the epoch.
    pub(super) fn modified(&self) -> i64 {
        self.modified
    }

    /// Bytes that are there and were not read. An unfinished line at the end was.
    pub(super) fn behind(&self) -> u64 {
        if self.phase == Phase::Closed { 0 } else { self.length.saturating_sub(self.seen.max(self.offset)) }
    }

    /// Everything that it ever held is settled.
    pub(super) fn is_done(&self) -> bool {
        self.is_measured && self.committed.offset >= self.length.max(self.offset)
    }

    /// All of it is settled, as far as it is known.
    pub(super) fn is_settled(&self) -> bool {
        self.phase == Phase::Closed && self.committed.offset >= self.offset
    }

    /// Nothing of it will be read any more.
    pub(super) fn is_finished(&self) -> bool {
        matches!(self.phase, Phase::Finished | Phase::Closed)
    }

    /// It should be saved. Before its turn came, what was saved of it earlier is the truth.
    pub(super) fn needs_saving(&self) -> bool {
        let has_grown = self.log.is_some() && self.length >= self.saved_length + SAVED_GROWTH;
        self.phase != Phase::Waiting && (self.is_dirty || has_grown)
    }

    /// It was saved.
    pub(super) fn was_saved(&mut self) {
        self.is_dirty = false;
        self.saved_length = self.length;
    }

    /// Something happened because its container logs more than it may.
    pub(super) fn limited(&self, counts: LimitedCounts) -> (String, LimitedCounts) {
        let path = || self.found.path.to_string_lossy().into_owned();
        (self.container.as_ref().map_or_else(path, Container::full_name), counts)
    }

    /// Takes the head of what is there: it grows until it is whole.
    pub(super) fn renew_head(&mut self, file: &mut dyn LogFile) {
        if self.head.is_whole() {
            return;
        }
        if self.lead.len() < LEAD
            && let Ok(lead) = identity::lead(file)
        {
            self.lead = lead;
        }
        if let Ok(head) = identity::head(file, None)
            && head.length > self.head.length
        {
            self.head = head;
        }
    }

    fn place(&self) -> Place {
        if self.is_spooled() || self.vanished.is_some() {
            Place::Gone
        } else if self.rotated.is_some() {
            Place::Rotated
        } else {
            Place::Current
        }
    }

    /// What is saved of it.
    pub(super) fn saved(&self) -> Option<Saved> {
        Some(Saved {
            log: self.log?,
            device: self.found.device,
            inode: self.found.inode,
            head: self.head,
            length: self.length.max(self.committed.offset),
            path: self.found.path.clone(),
            real: self.found.real.clone(),
            place: self.place(),
            checkpoint: self.committed,
        })
    }
}
