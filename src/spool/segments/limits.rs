//! What a spool may hold, and what it lets go of when it holds more.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Entry, Spool};
use crate::record::Timestamp;

/// What a spool may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all segments' files together.
    pub bytes: u64,
    /// How old a segment may become.
    pub age: Duration,
}

impl Limits {
    /// Bytes that the segments of all owners may have together which only get a share: half of all.
    #[must_use]
    pub fn share(&self) -> u64 {
        self.bytes / 2
    }
}

/// A segment that [`Spool::enforce`] let go of. What of it was delivered before is not known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Its id.
    pub id: u64,
    /// Its description.
    pub description: Arc<[u8]>,
    /// Uncompressed offset in the log of its first byte.
    pub first_offset: u64,
    /// How many bytes of the log it had.
    pub bytes: u64,
    /// Why it was dropped.
    pub reason: Reason,
}

/// Which limit a segment fell to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// [`Limits::age`].
    Age,
    /// [`Limits::bytes`].
    Bytes,
    /// [`Limits::share`].
    Share,
}

impl Reason {
    /// The word for it in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Bytes => "bytes",
            Self::Share => "share",
        }
    }
}

impl Spool {
    /// Drops segments, the oldest first, until the limits hold. A segment that alone exceeds the
    /// limit on bytes is dropped too.
    ///
    /// Of the owners that only get a share the one that has most loses its oldest, until all of them
    /// together have no more than [`Limits::share`]: what they have too much costs nobody else.
    pub fn enforce(&mut self, now: Timestamp) -> Vec<Dropped> {
        let age = i64::try_from(self.limits.age.as_nanos()).unwrap_or(i64::MAX);
        let mut dropped = self.enforce_share();
        let mut bytes = self.bytes();
        for entry in std::mem::take(&mut self.entries) {
            let reason = if now.0.saturating_sub(entry.created.0) > age {
                Reason::Age
            } else if bytes > self.limits.bytes {
                Reason::Bytes
            } else {
                self.entries.push(entry);
                continue;
            };
            match self.let_go(&entry) {
                Ok(()) => {
                    bytes -= entry.bytes();
                    dropped.push(entry.into_dropped(reason));
                }
                Err(error) => {
                    tracing::error!(%error, "the spool is over its limits and a segment cannot be removed");
                    self.entries.push(entry);
                }
            }
        }
        dropped
    }

    fn enforce_share(&mut self) -> Vec<Dropped> {
        let mut dropped = Vec::new();
        while self.shared_bytes() > self.limits.share() {
            let Some(at) = self.oldest_of_largest_sharer() else { break };
            if let Err(error) = self.let_go(&self.entries[at]) {
                tracing::error!(%error, "the spool is over its limits and a segment cannot be removed");
                break;
            }
            dropped.push(self.entries.remove(at).into_dropped(Reason::Share));
        }
        dropped
    }

    fn oldest_of_largest_sharer(&self) -> Option<usize> {
        let mut bytes: HashMap<u64, u64> = HashMap::new();
        for (sharer, entry) in self.entries.iter().filter_map(|entry| Some((entry.sharer?, entry))) {
            *bytes.entry(sharer).or_default() += entry.bytes();
        }
        let (largest, _) = bytes.into_iter().max_by_key(|(_, bytes)| *bytes)?;
        self.entries.iter().position(|entry| entry.sharer == Some(largest))
    }

    /// A segment's owner, which has this number, only gets a share.
    pub fn share(&mut self, id: u64, owner: u64) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == id) {
            entry.sharer = Some(owner);
        }
    }

    /// Bytes of the segments whose owners only get a share.
    #[must_use]
    pub fn shared_bytes(&self) -> u64 {
        self.entries.iter().filter(|entry| entry.sharer.is_some()).map(Entry::bytes).sum()
    }
}

impl Entry {
    fn into_dropped(self, reason: Reason) -> Dropped {
        let bytes = self.shared.end.load(Ordering::Acquire).saturating_sub(self.first_offset);
        let Self { id, description, first_offset, .. } = self;
        Dropped { id, description, first_offset, bytes, reason }
    }
}
