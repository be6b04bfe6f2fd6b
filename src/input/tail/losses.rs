//! Bytes that were destroyed before they could be read: each loss is logged by path and range, and
//! counted by its reason.

use std::path::Path;
use std::time::{Duration, Instant};

use super::checkpoints::Saved;
use super::follow::Follower;
use super::group::Group;
use crate::record::Now;
use crate::telemetry::Throttle;
use crate::telemetry::accounts::LostBytes;

/// Why bytes could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The file was removed, or truncated, before it was read to its end.
    Removed,
    /// The spool had too many bytes.
    SpoolBytes,
    /// They had been in the spool for too long.
    SpoolAge,
    /// What held them in the spool is damaged.
    Damaged,
    /// A container that logs more than it may had more than its share of the spool.
    SpoolShare,
    /// Too many files that were removed would have had to be held open.
    OpenFiles,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Losses {
    bytes: [u64; 6],
    /// Compressed files whose end could not be inflated.
    damaged_files: u64,
    /// Truncated files of which there was no copy.
    truncated_files: u64,
    throttle: Throttle,
    /// When it is known what was destroyed while nobody ran.
    check_at: Option<Instant>,
}

/// How long after the start every file that is there was opened.
const CHECK_AFTER: Duration = Duration::from_secs(30);

impl Losses {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            bytes: [0; 6],
            damaged_files: 0,
            truncated_files: 0,
            throttle: Throttle::default(),
            check_at: Some(now + CHECK_AFTER),
        }
    }

    /// Bytes from `from` to `to` of a log are gone.
    pub(super) fn report(&mut self, path: &Path, from: u64, to: u64, reason: Loss) {
        let bytes = to.saturating_sub(from);
        self.bytes[reason as usize] += bytes;
        // A container that logs more than it may does so all the time.
        if reason == Loss::SpoolShare && !self.throttle.allows() {
            return;
        }
        let reason = reason.name();
        tracing::error!(path = %path.display(), from, to, bytes, reason, "lost: these bytes were gone before they could be read");
    }

    /// It is time to look for what was destroyed while nobody ran; once.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        self.check_at.take_if(|at| now >= *at).is_some()
    }

    /// The counters.
    pub(super) fn bytes(&self) -> LostBytes {
        let [removed, spool_bytes, spool_age, damaged, spool_share, open_files] = self.bytes;
        LostBytes { removed, spool_bytes, spool_age, damaged, spool_share, open_files }
    }

    /// How many compressed files were damaged.
    pub(super) fn damaged_files(&self) -> u64 {
        self.damaged_files
    }

    /// A file was truncated, and nothing tells what was written to it after the last look.
    pub(super) fn truncated_unseen(&mut self) {
        self.truncated_files += 1;
    }

    /// How many files were.
    pub(super) fn truncated_files(&self) -> u64 {
        self.truncated_files
    }
}

impl Follower {
    /// A compressed log cannot be inflated from here on: nobody knows how much that was.
    pub(super) fn report_damaged(&mut self, place: usize, index: usize, reason: &str) {
        let file = &self.groups[place].files[index];
        tracing::error!(path = %file.found.real.display(), offset = file.offset, reason, "is damaged: what stands before that is shipped");
        self.losses.damaged_files += 1;
    }

    /// Reports once what was destroyed while nobody ran: logs that were not done when we last looked,
    /// and that no file holds now.
    pub(super) fn report_losses(&mut self, now: Now) {
        if !self.losses.is_due(now.instant) {
            return;
        }
        let unfinished = self.store.as_ref().map(|store| store.unfinished()).unwrap_or_default();
        for saved in unfinished.into_iter().filter(|saved| self.is_gone(saved)).collect::<Vec<_>>() {
            self.losses.report(&saved.path, saved.checkpoint.offset, saved.length, Loss::Removed);
            if let Some(store) = &mut self.store {
                store.forget(saved.log);
            }
        }
    }

    fn is_gone(&self, saved: &Saved) -> bool {
        let is_known = |group: &Group| {
            group.done_log(saved.log).is_some() || group.files.iter().any(|file| file.log == Some(saved.log))
        };
        let is_there = self.disk.look(&saved.real).is_ok_and(|look| look.key() == (saved.device, saved.inode));
        self.is_mine(self.key_of(&saved.path, &saved.real)) && !is_there && !self.groups.iter().any(is_known)
    }
}

impl Loss {
    fn name(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::SpoolBytes => "spool_bytes",
            Self::SpoolAge => "spool_age",
            Self::Damaged => "damaged",
            Self::SpoolShare => "spool_share",
            Self::OpenFiles => "open_files",
        }
    }
}
