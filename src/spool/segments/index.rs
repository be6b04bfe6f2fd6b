//! Which frame holds a byte of the log, and where it stands in the file.

use super::format::{FRAME_HEAD, MOST};

/// A place between two frames, in both ways of counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Uncompressed offset in the log.
    pub(super) log: u64,
    /// Position in the segment's file.
    pub(super) file: u64,
}

impl Place {
    /// The place behind a frame of `length` bytes of payload that begins here.
    pub(super) fn behind(self, length: usize) -> Self {
        Self { log: self.log + length as u64, file: self.file + (FRAME_HEAD + length) as u64 }
    }
}

/// Where runs of frames begin. All frames of a run but the last are full ([`MOST`] bytes), so that
/// the places within it can be counted out: an entry for each append, not for each frame.
#[derive(Debug, Default)]
pub(super) struct Index {
    runs: Vec<Place>,
}

impl Index {
    /// A frame begins at `start`, behind all that are known.
    pub(super) fn push(&mut self, start: Place) {
        let in_run = self.runs.last().is_some_and(|run| (start.log - run.log).is_multiple_of(MOST as u64));
        if !in_run {
            self.runs.push(start);
        }
    }

    /// Forgets the frames that begin at or behind the offset `end`.
    pub(super) fn cut(&mut self, end: u64) {
        self.runs.truncate(self.runs.partition_point(|run| run.log < end));
    }

    /// The frame that holds the byte at `offset`: its beginning and the length of its payload.
    /// `end` is where the last frame ends, `offset` before it.
    pub(super) fn frame_at(&self, offset: u64, end: u64) -> Option<(Place, usize)> {
        let next = self.runs.partition_point(|run| run.log <= offset);
        let run = self.runs.get(next.checked_sub(1)?)?;
        let run_end = self.runs.get(next).map_or(end, |run| run.log);
        let full = (offset - run.log) / MOST as u64;
        let start = Place { log: run.log + full * MOST as u64, file: run.file + full * (FRAME_HEAD + MOST) as u64 };
        let length = usize::try_from(run_end.checked_sub(start.log)?).unwrap_or(MOST).min(MOST);
        (length > 0).then_some((start, length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_out_the_frames_of_a_run() {
        let lengths = [MOST, MOST, 10, 5, MOST, MOST, MOST, 1, MOST];
        let (mut index, mut place, mut frames) = (Index::default(), Place { log: 1000, file: 50 }, Vec::new());
        for length in lengths {
            index.push(place);
            frames.push((place, length));
            place = place.behind(length);
        }
        assert_eq!(index.runs.len(), 4);
        for (start, length) in frames {
            for offset in [start.log, start.log + length as u64 / 2, start.log + length as u64 - 1] {
                assert_eq!(index.frame_at(offset, place.log), Some((start, length)), "{offset}");
            }
        }
        assert_eq!(index.frame_at(999, place.log), None);
        index.cut(1000 + 2 * MOST as u64 + 10);
        assert_eq!(index.runs.len(), 1);
    }
}
