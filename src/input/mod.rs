//! Inputs: where bytes come from.
//!
//! An input hands out *blocks* of bytes, each from one *source* (a file), and is told how much of a
//! block was used and how far a source's records have been acknowledged. It knows nothing of
//! formats, records or outputs. A new input is one file (or folder) here plus one line in
//! [`PLUGINS`].

pub mod dummy;
pub mod given;
pub mod stdin;
pub mod tail;

use std::sync::Arc;
use std::time::Instant;

use crate::config::{Options, Plugin, Problems};
use crate::kubernetes::Metadata;
use crate::record::{Checkpoint, Now, Source, Timestamp};
use crate::telemetry::accounts::InputAccount;
use crate::telemetry::limited::LimitedCounts;

/// Bytes of one source, borrowed from the worker's buffer.
#[derive(Debug)]
pub struct Block<'b> {
    /// [`Source::id`].
    pub source: u64,
    /// Uncompressed offset of the first byte in the log.
    pub offset: u64,
    /// The bytes; begins at a line's first byte.
    pub bytes: &'b [u8],
    /// Nothing will ever follow these bytes: an unfinished last line is to be taken as it is.
    pub is_last: bool,
    /// Time of the first read of these bytes, for lines that tell none.
    pub time: Timestamp,
    /// When these bytes were not there yet, at the earliest: from then on they wait to be sent.
    pub since: Instant,
}

/// How many of a source's first bytes an input tells.
pub const LEAD: usize = 4;

/// What `discover` found.
#[derive(Debug)]
pub enum Event {
    /// A source is about to deliver blocks.
    Opened {
        /// The source.
        source: Box<Source>,
        /// Where it goes on.
        resume: Checkpoint,
        /// Its first bytes, at most [`LEAD`], as far as they are known: they may tell how it is encoded.
        lead: Vec<u8>,
        /// The source whose unfinished records (partial lines, groups) go on in this one.
        continues: Option<u64>,
    },
    /// The source with this id will deliver nothing any more and nothing continues it.
    Closed(u64),
}

/// What an input was told to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It may have more, now or later.
    Open,
    /// It is exhausted: when all inputs are, the process drains and exits.
    Exhausted,
}

/// One configured input, owned by one worker.
pub trait Input: Send {
    /// Looks for sources that came, moved or went, as often as the input's own interval asks.
    fn discover(&mut self, now: Now, events: &mut Vec<Event>);

    /// Looks only for what is about to vanish, and saves it: called in place of `discover` while
    /// nothing is read any more and verdicts are waited for.
    fn protect(&mut self, now: Now);

    /// The next block of this turn: each source gives at most one block a turn, round robin.
    /// `buffer` is the worker's and is reused for every block. `None` ends the turn.
    fn next_block<'b>(&mut self, buffer: &'b mut Vec<u8>, now: Now) -> Option<Block<'b>>;

    /// The first `bytes` of the source's last block were used; the rest is read again.
    fn consumed(&mut self, source: u64, bytes: usize);

    /// Nothing more of the source is handed out before then. Inputs that cannot wait go on.
    fn pause(&mut self, _source: u64, _until: Instant) {}

    /// What the input did to containers because they log more than they may, by their names, since the
    /// last call.
    fn take_limited(&mut self) -> Vec<(String, LimitedCounts)> {
        Vec::new()
    }

    /// All records before the checkpoint are done.
    fn committed(&mut self, source: u64, checkpoint: Checkpoint);

    /// Writes what `committed` reported to stable storage. Called about once a second and when
    /// the process ends.
    fn save(&mut self);

    /// All that was written of the source was handed out and consumed, and what it goes on in has
    /// not begun: only then does the clock tell anything about its open records.
    fn is_caught_up(&mut self, source: u64) -> bool;

    /// Puts what only the input knows into its account: bytes behind, lost and spooled, files that are
    /// not read, and how its checkpoints fare.
    fn account(&self, now: Now, account: &mut InputAccount);

    /// Whether it can have more.
    fn state(&self) -> State;

    /// What was handed out and is not committed can be read again, by this process or another.
    fn can_read_again(&self) -> bool {
        false
    }

    /// The last call: whoever runs next goes on from here, in this process or another. What only is
    /// there while this input holds it is saved.
    fn hand_over(&mut self, _: Now) {}
}

/// Which share of the sources a worker's instance of an input takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Number of this worker, from 0.
    pub worker: usize,
    /// Number of workers, at least 1.
    pub workers: usize,
}

/// What an input is given by the process around it.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Its share of the sources.
    pub shard: Shard,
    /// How many files it may have open at once.
    pub open_files: usize,
    /// Where what would vanish is kept, if there is such a place.
    pub spool: Option<Arc<tail::SharedSpool>>,
    /// How far files without a database were read, while this process lives.
    pub memory: tail::Memory,
    /// What is known of the pods that write logs.
    pub metadata: Arc<[Metadata]>,
}

/// Builds an input from its checked options; the number is its place among the inputs.
pub type Build = fn(usize, &Options<'_>, &Surroundings, &mut Problems) -> Option<Box<dyn Input>>;

/// Every input that a configuration can name.
pub const PLUGINS: &[(Plugin, Build)] =
    &[(tail::PLUGIN, tail::build), (dummy::PLUGIN, dummy::build), (stdin::PLUGIN, stdin::build)];

/// A process-wide number that no source had before.
#[must_use]
pub fn next_source_id() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
