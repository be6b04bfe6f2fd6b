//! One file that is followed.

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::{Duration, Instant};

use super::checkpoints::{Place, Saved};
use super::discover::{Found, Order};
use super::identity::{self, Head};
use crate::record::{Checkpoint, Container, LogId, Timestamp};

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

/// See the module.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) id: u64,
    pub(super) found: Found,
    pub(super) file: File,
    pub(super) container: Option<Container>,
    /// What files have in common of which one is read after the other: a hash of their container's
    /// directory, or of the path under which they appear.
    pub(super) group: u64,
    pub(super) order: Order,
    pub(super) log: Option<LogId>,
    pub(super) head: Head,
    pub(super) phase: Phase,
    /// Next byte to be read.
    pub(super) offset: u64,
    /// Length at the last look.
    pub(super) length: u64,
    pub(super) committed: Checkpoint,
    pub(super) is_dirty: bool,
    /// It was truncated: its old checkpoint says nothing, however much its lines are alike.
    pub(super) is_anew: bool,
    /// It was there when this process began.
    pub(super) is_old: bool,
    /// Since when its path leads elsewhere or nowhere.
    pub(super) rotated: Option<Instant>,
    /// End of what the last read returned.
    seen: u64,
    look_at: Option<Instant>,
}

/// How long a file that had nothing new is left alone.
const PAUSE: Duration = Duration::from_millis(200);

/// What a look at a file found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// Bytes, in the buffer.
    Bytes(usize),
    /// Nothing new.
    Nothing,
    /// It is shorter than what was read of it.
    Truncated,
}

impl Followed {
    /// Opens a file that was found. `None` if another one has taken its name since: a rotation
    /// came in between, and the next scan finds both.
    pub(super) fn new(
        id: u64,
        found: Found,
        container: Option<Container>,
        group: u64,
    ) -> std::io::Result<Option<Self>> {
        let file = File::open(&found.real)?;
        let metadata = file.metadata()?;
        if (metadata.dev(), metadata.ino()) != (found.device, found.inode) {
            return Ok(None);
        }
        let length = metadata.len();
        Ok(Some(Self {
            id,
            order: Order::of(&found.real),
            found,
            head: identity::head(&file, None)?,
            file,
            container,
            group,
            log: None,
            phase: Phase::Waiting,
            offset: 0,
            length,
            committed: Checkpoint::at(0, Timestamp::now()),
            is_dirty: false,
            is_anew: false,
            is_old: false,
            rotated: None,
            seen: 0,
            look_at: None,
        }))
    }

    /// Begins reading at a checkpoint.
    pub(super) fn open(&mut self, log: LogId, resume: Checkpoint) {
        self.log = Some(log);
        self.phase = Phase::Open;
        (self.offset, self.seen, self.committed) = (resume.offset, resume.offset, resume);
        self.is_dirty = true;
    }

    /// Reads what is new into the buffer, whose length is the size of a block.
    pub(super) fn read(&mut self, buffer: &mut [u8], now: Instant) -> std::io::Result<Read> {
        let is_ending = self.phase == Phase::Ending;
        if !is_ending && (self.phase != Phase::Open || self.look_at.is_some_and(|at| now < at)) {
            return Ok(Read::Nothing);
        }
        self.length = self.file.metadata()?.len();
        if self.length < self.offset {
            return Ok(Read::Truncated);
        }
        if self.length == self.seen && !is_ending {
            self.look_at = Some(now + PAUSE);
            return Ok(Read::Nothing);
        }
        let read = self.file.read_at(buffer, self.offset)?;
        self.seen = self.offset + read as u64;
        self.look_at = None;
        Ok(if read == 0 { Read::Nothing } else { Read::Bytes(read) })
    }

    /// Whether everything that is there was offered to the pipeline, by the file's length now.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.length = self.file.metadata().map_or(self.length, |metadata| metadata.len());
        self.length <= self.seen
    }

    /// Something was added since it was found to be at its end.
    pub(super) fn has_grown(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| metadata.len() > self.length)
    }

    /// Some bytes at the end are no whole line.
    pub(super) fn has_rest(&self) -> bool {
        self.offset < self.length
    }

    /// Bytes that are there and were not taken.
    pub(super) fn behind(&self) -> u64 {
        if self.phase == Phase::Closed { 0 } else { self.length.saturating_sub(self.offset) }
    }

    /// This file has to be finished before the other one begins.
    pub(super) fn comes_before(&self, other: &Self) -> bool {
        if self.group != other.group || self.id == other.id {
            return false;
        }
        match (self.is_in_pods(), other.is_in_pods()) {
            (true, true) => self.order < other.order,
            _ => self.rotated.is_some() && other.rotated.is_none(),
        }
    }

    /// What is open at the end of this file goes on in the other.
    pub(super) fn goes_on_in(&self, other: &Self) -> bool {
        self.comes_before(other) && self.order.restart == other.order.restart
    }

    /// It is one of the numbered logs in a container's directory.
    pub(super) fn is_in_pods(&self) -> bool {
        Self::is_numbered(self.container.as_ref(), &self.found)
    }

    /// See [`Followed::is_in_pods`].
    pub(super) fn is_numbered(container: Option<&Container>, found: &Found) -> bool {
        container.is_some_and(|container| container.pod_uid.is_some())
            && identity::restart_number(&found.real.file_name().unwrap_or_default().to_string_lossy()).is_some()
    }

    fn place(&self) -> Place {
        match self.file.metadata() {
            Ok(metadata) if metadata.nlink() == 0 => Place::Gone,
            _ if self.rotated.is_some() => Place::Rotated,
            _ => Place::Current,
        }
    }

    /// What is saved of it. Its head grows until it is whole.
    pub(super) fn saved(&mut self) -> Option<Saved> {
        if let Ok(head) = identity::head(&self.file, None)
            && head.length > self.head.length
        {
            self.head = head;
        }
        Some(Saved {
            log: self.log?,
            device: self.found.device,
            inode: self.found.inode,
            head: self.head,
            length: self.length,
            path: self.found.path.clone(),
            real: self.found.real.clone(),
            place: self.place(),
            checkpoint: self.committed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::discover;
    use super::*;

    #[test]
    fn does_not_take_one_file_for_another_that_was_rotated_in_between() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("0.log");
        std::fs::write(&path, "old").unwrap();
        let found = discover::look(&path).unwrap();
        assert!(Followed::new(1, found.clone(), None, 0).unwrap().is_some());
        std::fs::rename(&path, directory.path().join("0.log.1")).unwrap();
        std::fs::write(&path, "new").unwrap();
        assert!(Followed::new(1, found, None, 0).unwrap().is_none());
    }
}
