//! What a worker keeps of one source.

use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

use super::ledger::Ledger;
use super::rate::Rate;
use super::reading::Reading;
use crate::decode::Decoder;
use crate::decode::encoding::Charset;
use crate::record::position::IdSeed;
use crate::record::{Checkpoint, Source};
use crate::telemetry::limited::{Limited, LimitedCounts};

/// See the module.
pub struct SourceState {
    /// The source.
    pub source: Source,
    /// Its decoder.
    pub decoder: Decoder,
    /// How it is encoded, if it has to be decoded.
    pub charset: Option<Charset>,
    /// Its ledger.
    pub ledger: Ledger,
    /// What its document ids are made of; `None` for random ids.
    pub seed: Option<IdSeed>,
    /// Number of the filters that take its records, in order.
    pub filters: Vec<usize>,
    /// Numbers of the outputs that take its records.
    pub routes: Vec<usize>,
    /// Outputs that have filters of their own, and these.
    pub processors: Vec<(usize, usize)>,
    /// The files before, while records that began there are open here or not settled, oldest first.
    pub before: Vec<Before>,
    /// Streams of which a record was open when the file before ended.
    pub carried: [bool; 2],
    /// The entry of this ledger that has to be reached before the files before are done, once all
    /// records that began there were cut.
    pub carried_until: Option<u64>,
    /// The file before, and the entry of its ledger up to which it has to be done before the
    /// checkpoint of this one moves.
    pub follows: Option<(u64, u64)>,
    /// The input is done with it.
    pub closed: bool,
    /// Bytes up to this offset are in records or open.
    pub taken: u64,
    /// Where the line began whose rest is being skipped because it is too long.
    pub skipping: Option<u64>,
    /// How much its container has used of what it may log.
    pub rate: Option<Rate>,
}

/// A ledger entry of the file before, kept open until the records that began there are cut.
#[derive(Debug, Clone, Copy)]
pub struct Before {
    /// The source.
    pub source: u64,
    /// The entry.
    pub entry: u64,
    /// Its checkpoint when they are: the file's end.
    pub end: Checkpoint,
    /// What the ids of records that began there are made of, wherever they end.
    pub seed: Option<IdSeed>,
}

impl SourceState {
    /// A source that goes on at `resume`.
    #[must_use]
    pub fn new(source: Source, input: &str, reading: &Reading, resume: Checkpoint) -> Self {
        let mut decode = reading.decode.clone();
        decode.container |= reading.containers_by_path && source.container.is_some();
        for join in reading.joins.iter().filter(|join| join.routing.matches(&source.tag)) {
            decode.multiline = decode.multiline.followed_by(&join.chain);
        }
        Self {
            decoder: Decoder::new(decode, resume),
            charset: None,
            ledger: Ledger::new(resume),
            seed: source.log.map(|log| IdSeed::new(log, input, source.began)),
            filters: Vec::new(),
            routes: Vec::new(),
            processors: Vec::new(),
            before: Vec::new(),
            carried: [false; 2],
            carried_until: None,
            follows: None,
            closed: false,
            taken: resume.offset,
            skipping: None,
            rate: reading.rate.map(Rate::new),
            source,
        }
    }

    /// Takes over what is open in the file before.
    pub fn continue_from(&mut self, before: &mut Self) {
        self.follows = Some((before.source.id, before.ledger.next()));
        if before.rate.is_some() {
            self.rate = before.rate.take();
        }
        if before.decoder.is_open() {
            self.decoder.continue_from(&mut before.decoder);
            self.carried = self.decoder.carried();
            let end = before.decoder.checkpoint(before.taken);
            if before.carried_until.is_none() {
                self.before = std::mem::take(&mut before.before);
            }
            self.before.push(Before { source: before.source.id, entry: before.ledger.open(), end, seed: before.seed });
        }
    }

    /// What happened since the last call because its container logged more than it may, and the name of
    /// that.
    pub fn take_limited(&mut self) -> Option<(String, LimitedCounts)> {
        let counts = self.rate.as_mut().map(Rate::take_counts).filter(|counts| *counts != LimitedCounts::default())?;
        Some((self.limited_name(), counts))
    }

    /// The name under which that is counted.
    pub fn limited_name(&self) -> String {
        match &self.source.container {
            Some(container) => container.full_name(),
            None => self.source.path.clone().unwrap_or_else(|| self.source.tag.clone()),
        }
    }

    /// Bytes that were taken and are not settled.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.taken.saturating_sub(self.ledger.committed().offset)
    }
}

/// Forgets containers that logged more than they may, some time after the last of their sources.
pub(super) fn forget_gone(limited: &mut Limited, sources: &BTreeMap<u64, SourceState>, now: Instant) {
    if !limited.is_empty() {
        let there: HashSet<String> = sources.values().map(SourceState::limited_name).collect();
        limited.forget_gone(|name| there.contains(name), now);
    }
}
