//! When a file is looked at again.

use std::time::{Duration, Instant};

/// How long a file that had nothing new is left alone, and at most one that has been quiet for [`QUIET`] or
/// writes little: multiples of a worker's rest. What a line waits here counts as its waiting for company, so
/// that it leaves as early as others.
const PAUSE: Duration = Duration::from_millis(200);
const LONG_PAUSE: Duration = Duration::from_millis(800);
/// A pause ends a little sooner, so that the file is looked at just when the worker's rest ends.
const EARLY: Duration = Duration::from_millis(10);
const QUIET: Duration = Duration::from_secs(5);

/// Bytes: whoever writes less between two looks is looked at after the longer pause.
const LITTLE: usize = 4096;

/// See the module.
#[derive(Debug)]
pub(super) struct Pace {
    look_at: Option<Instant>,
    /// When a look found nothing behind what was read.
    looked: Option<Instant>,
    quiet_since: Option<Instant>,
    /// Bytes that were read since the last pause began.
    read: usize,
    written_since: Instant,
    /// Long pauses end a multiple of [`LONG_PAUSE`] after it.
    epoch: Instant,
}

impl Pace {
    /// Of a file that has something to read.
    pub(super) fn new(now: Instant) -> Self {
        Self { look_at: None, looked: None, quiet_since: None, read: 0, written_since: now, epoch: now }
    }

    /// Its long pauses end together with those of others that have this epoch: what is read of them then leaves
    /// in one request, not in one for each.
    pub(super) fn in_step_with(&mut self, epoch: Instant) {
        self.epoch = epoch;
    }

    /// A look now could find something.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.look_at.is_none_or(|at| now >= at)
    }

    /// It has something to read.
    pub(super) fn look_now(&mut self) {
        self.look_at = None;
    }

    /// Nothing new was there.
    pub(super) fn found_nothing(&mut self, now: Instant) {
        let since = *self.quiet_since.get_or_insert(now);
        self.pause(now.duration_since(since) >= QUIET, now);
    }

    /// So many bytes were read. A file that was read to its end is left alone: the longer the less was written,
    /// so that a look costs little for each line also where many files are written slowly.
    pub(super) fn has_read(&mut self, bytes: usize, is_at_end: bool, now: Instant) {
        let longest = now.checked_sub(LONG_PAUSE * 2).unwrap_or(now);
        self.written_since = self.looked.take().map_or(now, |looked| looked.max(longest));
        (self.look_at, self.quiet_since) = (None, None);
        self.read += bytes;
        if is_at_end {
            self.pause(self.read < LITTLE, now);
        }
    }

    /// When the bytes that were read last were not there yet, at the earliest.
    pub(super) fn written_since(&self) -> Instant {
        self.written_since
    }

    fn pause(&mut self, is_long: bool, now: Instant) {
        let look_at = if is_long {
            let steps = (now.duration_since(self.epoch) + EARLY).as_millis() / LONG_PAUSE.as_millis() + 1;
            self.epoch + LONG_PAUSE * steps as u32 - EARLY
        } else {
            now + PAUSE - EARLY
        };
        (self.look_at, self.looked, self.read) = (Some(look_at), Some(now), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses_of(pace: &mut Pace, now: Instant) -> Duration {
        pace.look_at.map_or(Duration::ZERO, |at| at - now)
    }

    #[test]
    fn files_that_are_written_slowly_are_looked_at_together() {
        let epoch = Instant::now();
        for found in [0, 130, 790, 795, 2_345] {
            let mut now = epoch + Duration::from_millis(found);
            let mut pace = Pace::new(now);
            pace.in_step_with(epoch);
            for _ in 0..3 {
                pace.has_read(100, true, now);
                let pause = pauses_of(&mut pace, now);
                assert!(pause <= LONG_PAUSE, "{found}: {pause:?}");
                now += pause;
                let phase = (now + EARLY - epoch).as_millis() % LONG_PAUSE.as_millis();
                assert_eq!(phase, 0, "{found}");
            }
            assert_eq!(pace.written_since(), now - LONG_PAUSE * 2, "{found}: since the look before the last one");
        }
    }

    #[test]
    fn what_was_read_before_a_pause_counts_as_a_whole() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        pace.has_read(LITTLE, false, now);
        assert!(pace.is_due(now));
        pace.has_read(1, true, now);
        assert!(!pace.is_due(now) && pace.is_due(now + PAUSE));
        pace.has_read(1, true, now + PAUSE);
        assert!(!pace.is_due(now + 2 * PAUSE) && pace.is_due(now + LONG_PAUSE));
    }
}
