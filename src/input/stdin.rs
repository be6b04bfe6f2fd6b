//! Standard input, line by line. The process ends when it does and all is delivered.

use std::io::Read;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use super::{Block, Event, Input, State, Surroundings, next_source_id};
use crate::config::{Kind, OptionSpec, Options, Plugin, Problems};
use crate::record::{Checkpoint, Now, Source};
use crate::telemetry::accounts::InputAccount;

/// The stdin input.
pub const PLUGIN: Plugin = Plugin {
    name: "stdin",
    doc: "Reads lines from standard input; the process ends with it. A line that is a JSON object becomes its members.",
    options: &[
        OptionSpec::new("Parser", Kind::Text, "", "Parser of each line (Fluent Bit: JSON only, if there is none)."),
        OptionSpec::new("Key", Kind::Text, "log", "Key of a line that no parser split."),
        OptionSpec::new("Buffer_Size", Kind::Ignored, "", "Blocks always have the size that is best here."),
    ],
};

/// Blocks that may wait to be taken: reading stops when the pipeline does.
const WAITING: usize = 4;
const BLOCK: usize = 64 * 1024;
/// How long a turn waits for the next block: a pipe that is being filled is not left for a nap.
const PATIENCE: Duration = Duration::from_millis(5);

/// Builds the input.
pub fn build(
    number: usize,
    options: &Options<'_>,
    surroundings: &Surroundings,
    _: &mut Problems,
) -> Option<Box<dyn Input>> {
    let source = Source {
        id: next_source_id(),
        input: number,
        tag: options.tag().to_owned(),
        path: None,
        container: None,
        pod: None,
        log: None,
        began: None,
    };
    let is_idle = surroundings.shard.worker != 0;
    Some(Box::new(Stdin {
        id: source.id,
        source: (!is_idle).then_some(source),
        blocks: None,
        waiting: Vec::new(),
        offset: 0,
        has_ended: is_idle,
        has_grown: false,
        had_turn: false,
    }))
}

struct Stdin {
    id: u64,
    source: Option<Source>,
    blocks: Option<Receiver<Vec<u8>>>,
    /// Bytes that were received and not consumed.
    waiting: Vec<u8>,
    offset: u64,
    has_ended: bool,
    /// There is something new since the last block was handed out.
    has_grown: bool,
    /// It gave its block of this turn.
    had_turn: bool,
}

/// Reads in a thread of its own: reading from a terminal or pipe blocks.
fn reader() -> Receiver<Vec<u8>> {
    let (sender, receiver) = sync_channel(WAITING);
    std::thread::spawn(move || {
        let mut stdin = std::io::stdin().lock();
        loop {
            let mut block = vec![0; BLOCK];
            match stdin.read(&mut block) {
                Ok(0) => break,
                Ok(read) => block.truncate(read),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(_) => break,
            }
            if sender.send(block).is_err() {
                break;
            }
        }
    });
    receiver
}

impl Input for Stdin {
    fn discover(&mut self, now: Now, events: &mut Vec<Event>) {
        if let Some(source) = self.source.take() {
            self.blocks = Some(reader());
            events.push(Event::Opened {
                source: Box::new(source),
                resume: Checkpoint::at(0, now.time),
                lead: Vec::new(),
                continues: None,
            });
        }
    }

    fn protect(&mut self, _: Now) {}

    fn next_block<'b>(&mut self, buffer: &'b mut Vec<u8>, now: Now) -> Option<Block<'b>> {
        if std::mem::take(&mut self.had_turn) {
            return None;
        }
        match self.blocks.as_ref().map(|blocks| blocks.recv_timeout(PATIENCE)) {
            Some(Ok(block)) => {
                self.waiting.extend_from_slice(&block);
                self.has_grown = true;
            }
            Some(Err(RecvTimeoutError::Disconnected)) => {
                (self.has_ended, self.has_grown, self.blocks) = (true, true, None);
            }
            Some(Err(RecvTimeoutError::Timeout)) | None => {}
        }
        if self.waiting.is_empty() || !std::mem::take(&mut self.has_grown) {
            return None;
        }
        buffer.clear();
        buffer.extend_from_slice(&self.waiting);
        self.had_turn = true;
        let (is_last, time) = (self.has_ended, now.time);
        Some(Block { source: self.id, offset: self.offset, bytes: buffer, is_last, time, since: now.instant })
    }

    fn consumed(&mut self, _: u64, bytes: usize) {
        self.offset += bytes as u64;
        self.waiting.drain(..bytes);
    }

    fn committed(&mut self, _: u64, _: Checkpoint) {}

    fn save(&mut self) {}

    fn is_caught_up(&mut self, _: u64) -> bool {
        self.waiting.is_empty()
    }

    fn account(&self, _: Now, account: &mut InputAccount) {
        account.behind = self.waiting.len() as u64;
    }

    fn state(&self) -> State {
        if self.has_ended && self.waiting.is_empty() { State::Exhausted } else { State::Open }
    }
}
