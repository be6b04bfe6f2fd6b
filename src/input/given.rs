//! Lines that are given, as if they stood in a file of some path. No configuration names this input:
//! it is there for trying configurations.

use super::{Block, Event, Input, LEAD, State};
use crate::record::{Checkpoint, Now, Source};
use crate::telemetry::accounts::InputAccount;

/// See the module.
pub struct Given {
    id: u64,
    source: Option<Source>,
    bytes: Vec<u8>,
    offset: usize,
    block_size: usize,
    /// It gave its block of this turn.
    had_turn: bool,
    is_closed: bool,
}

impl Given {
    /// All lines of a source, in blocks of at most `block_size` bytes.
    #[must_use]
    pub fn new(source: Source, bytes: Vec<u8>, block_size: usize) -> Self {
        Self { id: source.id, source: Some(source), bytes, offset: 0, block_size, had_turn: false, is_closed: false }
    }

    fn is_at_end(&self) -> bool {
        self.offset >= self.bytes.len()
    }
}

impl Input for Given {
    fn discover(&mut self, now: Now, events: &mut Vec<Event>) {
        if let Some(source) = self.source.take() {
            events.push(Event::Opened {
                source: Box::new(source),
                resume: Checkpoint::at(0, now.time),
                lead: self.bytes.iter().take(LEAD).copied().collect(),
                continues: None,
            });
        } else if self.is_at_end() && !self.is_closed {
            self.is_closed = true;
            events.push(Event::Closed(self.id));
        }
    }

    fn protect(&mut self, _: Now) {}

    fn next_block<'b>(&mut self, buffer: &'b mut Vec<u8>, now: Now) -> Option<Block<'b>> {
        if self.is_at_end() || std::mem::take(&mut self.had_turn) {
            return None;
        }
        self.had_turn = true;
        let end = self.bytes.len().min(self.offset + self.block_size);
        buffer.clear();
        buffer.extend_from_slice(&self.bytes[self.offset..end]);
        let is_last = end == self.bytes.len();
        let (offset, time) = (self.offset as u64, now.time);
        Some(Block { source: self.id, offset, bytes: buffer, is_last, time, since: now.instant })
    }

    fn consumed(&mut self, _: u64, bytes: usize) {
        self.offset += bytes;
    }

    fn committed(&mut self, _: u64, _: Checkpoint) {}

    fn save(&mut self) {}

    fn is_caught_up(&mut self, _: u64) -> bool {
        false
    }

    fn account(&self, _: Now, account: &mut InputAccount) {
        account.behind = (self.bytes.len() - self.offset) as u64;
    }

    fn state(&self) -> State {
        if self.is_closed { State::Exhausted } else { State::Open }
    }
}
