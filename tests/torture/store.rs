//! What an index holds: ids with `create` semantics, and which numbered lines arrived.
//!
//! Frugal, as a long run is 75 million documents: eight bytes and some for an id, one bit for a line.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use xxhash_rust::xxh3::Xxh3;

use crate::ground::LineAt;
use crate::marker::{Marker, Reader};

/// Sets of ids, so that one that grows copies little at a time.
const SHARDS: usize = 256;

/// Of each kind of finding so many are kept; all are counted.
const EXAMPLES: usize = 20;

/// Torn records beyond so many are not looked at one by one.
const MOST_TORN: usize = 100_000;

/// What became of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is new.
    Created,
    /// Its id is there.
    Exists,
    /// It asks to be refused.
    Refused,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Store(Mutex<State>);

/// Exclusive use of a store.
#[derive(Default)]
pub(crate) struct State {
    ids: Vec<HashSet<u64, BuildHasherDefault<Identity>>>,
    arrived: Lines,
    refused: Lines,
    /// Documents in the index.
    pub(crate) documents: u64,
    /// Documents whose id was there already: sent again after a crash or a lost answer.
    pub(crate) replayed: u64,
    /// Lines that are in a second document.
    pub(crate) duplicates: Findings,
    /// Documents that were not taken as their id is another document's.
    pub(crate) collisions: Findings,
    /// Documents that hold a part of a record only, or more than one, with their first line.
    torn: Vec<(Marker, String)>,
    /// Documents without any number.
    pub(crate) strange: Findings,
}

/// How many, and what the first ones were.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) count: u64,
    pub(crate) examples: Vec<String>,
    /// Logs that they are of, once for each.
    pub(crate) logs: Vec<u16>,
}

impl Findings {
    fn add(&mut self, log: Option<u16>, example: impl FnOnce() -> String) {
        self.count += 1;
        self.logs.extend(log);
        if self.examples.len() < EXAMPLES {
            self.examples.push(example());
        }
    }
}

impl Store {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes a document as `create` does. The markers are those that its text holds.
    pub(crate) fn create(&mut self, index: &str, id: &[u8], document: &[u8], markers: &[Marker]) -> Verdict {
        if markers.iter().any(|marker| marker.is_poison) {
            for marker in markers {
                self.refused.set(marker);
            }
            return Verdict::Refused;
        }
        if !self.is_new(index, id) {
            self.replayed += 1;
            if let Some(marker) = markers.iter().find(|marker| !self.arrived.has(marker)) {
                self.collisions.add(Some(marker.log), || format!("{marker:?} under {}", shown(id)));
            }
            return Verdict::Exists;
        }
        self.documents += 1;
        for marker in markers {
            if self.arrived.set(marker) {
                self.duplicates.add(Some(marker.log), || format!("{marker:?} again under {}", shown(id)));
            }
        }
        match markers.first() {
            None => self.strange.add(None, || shown(document)),
            Some(first) if !first.record().eq(markers.iter().copied()) && self.torn.len() < MOST_TORN => {
                self.torn.push((*first, format!("{} lines: {}", markers.len(), shown(document))));
            }
            Some(_) => {}
        }
        Verdict::Created
    }

    /// Documents that do not hold exactly one record, though all lines of it are there. (That a record whose other
    /// lines are lost is not whole is no other fault.)
    pub(crate) fn torn(&self) -> impl Iterator<Item = &str> {
        let is_there = |marker: &Marker| marker.record().all(|line| self.arrived.has(&line));
        self.torn.iter().filter(move |(marker, _)| is_there(marker)).map(|(_, text)| text.as_str())
    }

    /// Keeps the lines that did not arrive.
    pub(crate) fn prune(&self, lines: &mut Vec<LineAt>) {
        lines.retain(|line| !self.arrived.has(&line.marker));
    }

    /// Lines that were found in dead letters count as arrived if the server had refused them.
    pub(crate) fn bury(&mut self, reader: &Reader, text: &[u8]) -> u64 {
        let mut markers = Vec::new();
        reader.read(text, &mut markers);
        markers.iter().filter(|marker| self.refused.has(marker) && !self.arrived.set(marker)).count() as u64
    }

    fn is_new(&mut self, index: &str, id: &[u8]) -> bool {
        let mut hasher = Xxh3::new();
        hasher.update(index.as_bytes());
        // No index name has a slash.
        hasher.update(b"/");
        hasher.update(id);
        let hash = hasher.digest();
        self.ids.resize_with(SHARDS, HashSet::default);
        self.ids[hash as usize % SHARDS].insert(hash)
    }
}

/// A text that is fit for a report.
pub(crate) fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(&text[..text.len().min(300)]).trim_end().to_owned()
}

/// A bit for each line.
#[derive(Default)]
struct Lines(Vec<[Vec<u64>; 2]>);

impl Lines {
    /// Whether it was set before.
    fn set(&mut self, marker: &Marker) -> bool {
        let (log, word) = (usize::from(marker.log), marker.counter as usize / 64);
        self.0.resize_with(self.0.len().max(log + 1), Default::default);
        let words = &mut self.0[log][usize::from(marker.stream)];
        words.resize(words.len().max(word + 1), 0);
        let bit = 1 << (marker.counter % 64);
        let was = words[word] & bit != 0;
        words[word] |= bit;
        was
    }

    fn has(&self, marker: &Marker) -> bool {
        let words = self.0.get(usize::from(marker.log)).map(|streams| &streams[usize::from(marker.stream)]);
        words
            .and_then(|words| words.get(marker.counter as usize / 64))
            .is_some_and(|word| word >> (marker.counter % 64) & 1 == 1)
    }
}

/// Hashes that are their own.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only numbers are hashed");
    }

    fn write_u64(&mut self, number: u64) {
        // The low bits chose the shard.
        self.0 = number.rotate_right(8);
    }
}
