//! Joining the parts of one log line that a runtime split at 16 KiB.

use bumpalo::Bump;

use super::{Entry, Line, Stream};
use crate::record::{Position, Timestamp};

/// The open line of one stream: parts that wait for their last one.
#[derive(Debug, Default)]
pub struct Joiner {
    open: Option<Open>,
    /// Kept between lines, so that joining does not allocate each time.
    text: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    position: Position,
    time: Timestamp,
    carried: usize,
    ended: usize,
}

impl Joiner {
    /// Offset of the open line's first byte in this file and its time.
    #[must_use]
    pub fn open_since(&self) -> Option<(u64, Timestamp)> {
        self.open.map(|open| (if open.carried > 0 { 0 } else { open.position.start }, open.time))
    }

    /// What is open goes on in the next file.
    pub fn carry(&mut self) {
        if let Some(open) = &mut self.open {
            open.carried += 1;
            open.ended += 1;
        }
    }

    /// What is open began in the file before.
    #[must_use]
    pub fn is_carried(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.carried > 0)
    }

    /// Takes the stream's next entry and gives each line that it completes to `complete`. A line
    /// never grows beyond `limit` bytes: what would is cut off in front of this entry.
    pub fn push<'t>(
        &mut self,
        entry: Entry<'t>,
        time: Timestamp,
        position: Position,
        limit: usize,
        arena: &'t Bump,
        mut complete: impl FnMut(Line<'t>),
    ) {
        if self.open.is_none() && !entry.partial {
            complete(Line::whole(entry, time, position));
            return;
        }
        if self.open.is_some() && self.text.len() + entry.text.len() > limit {
            self.take(entry.stream, true, arena).map(&mut complete);
        }
        let open = self.open.get_or_insert(Open { position, time, carried: 0, ended: 0 });
        open.position.end = position.end;
        open.ended = 0;
        self.text.extend_from_slice(entry.text);
        if !entry.partial {
            self.take(entry.stream, false, arena).map(&mut complete);
        }
    }

    /// Ends the open line as it is: nothing follows any more.
    pub fn finish<'t>(&mut self, stream: Stream, arena: &'t Bump) -> Option<Line<'t>> {
        self.take(stream, true, arena)
    }

    fn take<'t>(&mut self, stream: Stream, truncated: bool, arena: &'t Bump) -> Option<Line<'t>> {
        let open = self.open.take()?;
        let text = arena.alloc_slice_copy(&self.text);
        self.text.clear();
        // One huge line must not pin its memory for good.
        self.text.shrink_to(64 * 1024);
        let Open { position, time, carried, ended } = open;
        Some(Line { time, stream: Some(stream), text, position, truncated, carried, ended, first: None })
    }
}
