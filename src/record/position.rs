//! Positions in a log, and the document ids that are made of them.

use xxhash_rust::xxh3::xxh3_128;

use super::{LogId, Timestamp};

/// Where a record stood in its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Uncompressed offset of the record's first byte.
    pub start: u64,
    /// Uncompressed offset behind the record's last byte (its line end included).
    pub end: u64,
}

/// How far a source is done: everything before was delivered or dead-lettered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Where reading begins again, in uncompressed bytes: the smallest of `streams`.
    pub offset: u64,
    /// Where each stream's lines begin to be new again: stdout, stderr. One stream's open record
    /// does not make the other's finished lines new.
    pub streams: [u64; 2],
    /// Time of the last line before `offset`, for a line behind it that tells none.
    pub time: Timestamp,
}

impl Checkpoint {
    /// All streams at one offset.
    #[must_use]
    pub fn at(offset: u64, time: Timestamp) -> Self {
        Self { offset, streams: [offset; 2], time }
    }
}

/// A document's `_id`: [`DocumentId::LENGTH`] characters that need no escaping in JSON or a URL.
/// The first seven are the record's time in milliseconds, so that ids sort by time (which
/// Elasticsearch stores and looks up cheaply); the rest is a hash of the source position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DocumentId([u8; Self::LENGTH]);

/// 64 characters in ASCII order, so that text sorts as the number does.
const ALPHABET: &[u8; 64] = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

impl DocumentId {
    /// Length in bytes.
    pub const LENGTH: usize = TIME_CHARACTERS + HASH_CHARACTERS;

    /// The id of the record at `position`: the same each time that it is read. `time` is what its
    /// bytes tell.
    #[must_use]
    pub fn new(seed: IdSeed, position: Position, time: Option<Timestamp>) -> Self {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&seed.hash.to_le_bytes());
        bytes[16..24].copy_from_slice(&position.start.to_le_bytes());
        bytes[24..].copy_from_slice(&position.end.to_le_bytes());
        Self::compose(time.unwrap_or(seed.time), xxh3_128(&bytes))
    }

    /// An id for a record that stands nowhere.
    #[must_use]
    pub fn random(time: Timestamp) -> Self {
        Self::compose(time, fastrand::u128(..))
    }

    /// The characters.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn compose(time: Timestamp, hash: u128) -> Self {
        let mut id = [0; Self::LENGTH];
        let mut milliseconds = u128::try_from(time.milliseconds()).unwrap_or(0);
        for character in id[..TIME_CHARACTERS].iter_mut().rev() {
            *character = ALPHABET[(milliseconds & 63) as usize];
            milliseconds >>= 6;
        }
        let mut rest = hash;
        for character in &mut id[TIME_CHARACTERS..] {
            *character = ALPHABET[(rest & 63) as usize];
            rest >>= 6;
        }
        Self(id)
    }
}

/// 42 bits of milliseconds: until the year 2109.
const TIME_CHARACTERS: usize = 7;
/// 96 bits.
const HASH_CHARACTERS: usize = 16;

/// What the ids of one source have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdSeed {
    hash: u128,
    time: Timestamp,
    began: Option<Timestamp>,
}

impl IdSeed {
    /// A log as one input reads it: two inputs that tail the same file make documents of their own.
    #[must_use]
    pub fn new(log: LogId, input: &str, began: Option<Timestamp>) -> Self {
        let mut bytes = log.0.to_le_bytes().to_vec();
        bytes.extend_from_slice(input.as_bytes());
        Self { hash: xxh3_128(&bytes), time: log.time(), began }
    }

    /// The same for a record that goes on from this log into that of `end`. Which logs lie between them
    /// no offset tells, and one that is destroyed leaves another text between the same ends.
    #[must_use]
    pub fn until(self, end: Self, text: &[u8]) -> Self {
        let mut bytes = [0; 48];
        bytes[..16].copy_from_slice(&self.hash.to_le_bytes());
        bytes[16..32].copy_from_slice(&end.hash.to_le_bytes());
        bytes[32..].copy_from_slice(&xxh3_128(text).to_le_bytes());
        Self { hash: xxh3_128(&bytes), ..self }
    }

    /// A number that grows from line to line of a container's stream, over rotations too: the time of
    /// the log's first line in nanoseconds since the epoch, plus the line's offset. No container
    /// writes more than a byte a nanosecond, so the next log begins with a higher one.
    #[must_use]
    pub fn order(&self, position: Position) -> Option<u64> {
        u64::try_from(self.began?.0).ok()?.checked_add(position.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(log: u128, start: u64, end: u64, milliseconds: i64) -> String {
        let seed = IdSeed::new(LogId(log), "tail.0", None);
        let time = Timestamp(milliseconds * 1_000_000);
        let id = DocumentId::new(seed, Position { start, end }, Some(time));
        String::from_utf8(id.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn is_made_of_the_position_alone() {
        assert_eq!(id(1, 10, 20, 5), id(1, 10, 20, 5));
        let others = [id(2, 10, 20, 5), id(1, 11, 20, 5), id(1, 10, 21, 5), id(1, 20, 10, 5), id(1, 10, 20, 6)];
        assert!(others.iter().all(|other| *other != id(1, 10, 20, 5)));
        assert_ne!(IdSeed::new(LogId(1), "tail.0", None), IdSeed::new(LogId(1), "tail.1", None));
    }

    #[test]
    fn tells_what_stands_in_the_logs_that_a_record_goes_on_into() {
        let [first, second, third] = [1, 2, 3].map(|log| IdSeed::new(LogId(log), "tail.0", None));
        let id = |seed| DocumentId::new(seed, Position { start: 10, end: 20 }, Some(Timestamp(0))).0;
        let seeds = [first, first.until(second, b"a"), first.until(third, b"a"), first.until(second, b"b")];
        let ids: std::collections::BTreeSet<_> = seeds.map(id).into();
        assert_eq!(ids.len(), seeds.len());
        assert_eq!(id(first.until(second, b"a")), id(seeds[1]));
    }

    #[test]
    fn needs_no_time_and_is_sorted_by_when_its_log_began_then() {
        let id = |now: i64| {
            let seed = IdSeed::new(LogId::random(Timestamp(now * 1_000_000)), "tail.0", None);
            let position = Position { start: 1, end: 2 };
            assert_eq!(DocumentId::new(seed, position, None), DocumentId::new(seed, position, None));
            DocumentId::new(seed, position, None).0
        };
        assert!(id(1_787_313_601_123) < id(1_787_313_601_124));
    }

    #[test]
    fn the_order_goes_on_over_a_rotation() {
        let order = |began, start| {
            let seed = IdSeed::new(LogId(1), "tail.0", Some(Timestamp(began)));
            seed.order(Position { start, end: start + 1 }).unwrap()
        };
        let second = 1_000_000_000;
        let first = 1_787_313_601 * second;
        // Ten MiB in a tenth of a second.
        let orders = [order(first, 0), order(first, 80), order(first, 10 << 20), order(first + second / 10, 0)];
        assert!(orders.is_sorted(), "{orders:?}");
        assert_eq!(IdSeed::new(LogId(1), "tail.0", None).order(Position { start: 0, end: 1 }), None);
    }

    #[test]
    fn sorts_by_time() {
        let times = [0, 1, 63, 64, 1_787_313_601_123, 1_787_313_601_124, 4_398_046_511_103];
        let ids: Vec<_> = times.iter().map(|time| id(7, 1, 2, *time)).collect();
        assert!(ids.is_sorted(), "{ids:?}");
        assert!(ids.iter().all(|id| id.len() == DocumentId::LENGTH));
    }
}
