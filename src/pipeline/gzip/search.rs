//! The search for repetitions.

use super::symbols::LONGEST_DISTANCE;

/// Bytes as they are, and then a repetition, unless its length is zero: as many bytes as stood
/// `distance` before, however many.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sequence {
    /// How many bytes as they are.
    pub(super) literals: u32,
    /// Length of the repetition, in bytes.
    pub(super) length: u32,
    /// How far back it begins, in bytes.
    pub(super) distance: u32,
}

impl Sequence {
    /// Its literals, and what follows the sequence in `bytes`, which begin with it.
    #[inline]
    pub(super) fn split<'b>(&self, bytes: &'b [u8]) -> (&'b [u8], &'b [u8]) {
        let (literals, rest) = bytes.split_at(self.literals as usize);
        (literals, &rest[self.length as usize..])
    }
}

/// Bytes that are loaded at once.
const WORD: usize = size_of::<u64>();
/// Bits of a hash. The table then is 16 KiB, half of a first-level cache.
const HASH_BITS: u32 = 13;
/// Shortest repetition that is found, in bytes. Looking for shorter ones takes more time and, in the bodies
/// that were measured, saves nothing.
const SHORTEST: usize = WORD;
/// After so many bytes without a repetition (a power of two) only every other byte is looked at, and
/// so on. Smaller, it loses much in text; larger, data that cannot be compressed takes longer.
const PATIENCE: u32 = 6;
/// In a long repetition one position of so many bytes is remembered. Whoever repeats another part of
/// it finds one of them, and from there the beginning.
const STRIDE: usize = 64;
/// Bytes of a repetition that are compared at once.
const STEP: usize = 2 * size_of::<u128>();

/// Remembers where bytes stood.
#[derive(Debug)]
pub(super) struct Search {
    /// Where some bytes stood last, by their hash: the lowest 16 bits of the place in the stream. It may
    /// have been other bytes, or more than 64 KiB ago, so nothing of it is believed.
    places: Box<[u16; 1 << HASH_BITS]>,
    /// Distance of the last repetition. After a difference, the same one often goes on.
    last_distance: usize,
}

impl Search {
    pub(super) fn new() -> Self {
        Self { places: Box::new([0; 1 << HASH_BITS]), last_distance: 0 }
    }

    /// Splits `window[from..]` into sequences. What stands before it may be repeated. `start` is the
    /// place of the window in the stream.
    pub(super) fn split(&mut self, window: &[u8], from: usize, start: usize, sequences: &mut Vec<Sequence>) {
        let end = window.len().saturating_sub(WORD);
        let (mut at, mut literals) = (from, from);
        while at < end {
            let Some(distance) = self.look_up(window, at, start) else {
                at += 1 + ((at - literals) >> PATIENCE);
                continue;
            };
            let before = common_before(&window[literals..at], &window[..at - distance]);
            let length = SHORTEST + common(&window[at - distance + SHORTEST..], &window[at + SHORTEST..]);
            let sequence = Sequence {
                literals: (at - before - literals) as u32,
                length: (before + length) as u32,
                distance: distance as u32,
            };
            sequences.push(sequence);
            self.last_distance = distance;
            literals = at + length;
            for inner in (at + STRIDE..literals).step_by(STRIDE) {
                self.remember(load(window, inner), start + inner);
            }
            at = literals;
            self.remember(load(window, at - 2), start + at - 2);
        }
        sequences.push(Sequence { literals: (window.len() - literals) as u32, length: 0, distance: 0 });
    }

    /// Distance of a repetition that begins at `at`; remembers the place. There is one branch for the
    /// outcome: which of the conditions fails cannot be predicted.
    #[inline]
    fn look_up(&mut self, window: &[u8], at: usize, start: usize) -> Option<usize> {
        let word = load(window, at);
        let is_same = |distance: usize| {
            let is_in_reach = distance.wrapping_sub(1) < LONGEST_DISTANCE.min(at);
            let place = if is_in_reach { at - distance } else { at };
            is_in_reach & (load(window, place) == word)
        };
        let place = self.remember(word, start + at);
        let distance = usize::from(((start + at) as u16).wrapping_sub(place));
        let (is_found, goes_on) = (is_same(distance), is_same(self.last_distance));
        if is_found | goes_on { Some(if goes_on { self.last_distance } else { distance }) } else { None }
    }

    /// Remembers where a word stands; where one of its hash stood before.
    #[inline]
    fn remember(&mut self, word: u64, place: usize) -> u16 {
        /// Odd, with its bits well mixed: 2^64 divided by the golden ratio.
        const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
        let hash = word.wrapping_mul(FACTOR) >> (u64::BITS - HASH_BITS);
        std::mem::replace(&mut self.places[hash as usize], place as u16)
    }
}

/// The eight bytes at a place. There always are, where this is called; if not, zeros.
#[inline]
fn load(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |word| u64::from_le_bytes(*word))
}

/// How many bytes two slices begin with in common. The first one is not the shorter one.
#[inline]
fn common(one: &[u8], other: &[u8]) -> usize {
    let steps = one.as_chunks::<STEP>().0.iter().zip(other.as_chunks::<STEP>().0);
    let mut length = 0;
    for (one, other) in steps {
        if one != other {
            return length + common_of_steps(one, other);
        }
        length += STEP;
    }
    let bytes = one[length..].iter().zip(&other[length..]);
    length + bytes.take_while(|(one, other)| one == other).count()
}

/// The same of two that differ, without a branch that nobody could predict.
#[inline]
fn common_of_steps(one: &[u8; STEP], other: &[u8; STEP]) -> usize {
    let half = |bytes: &[u8; STEP], at: usize| {
        bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |half| u128::from_le_bytes(*half))
    };
    let differing = |at: usize| half(one, at) ^ half(other, at);
    let (first, second) = (differing(0), differing(STEP / 2));
    let bits = if first == 0 { u128::BITS + second.trailing_zeros() } else { first.trailing_zeros() };
    bits as usize / 8
}

/// How many bytes two slices end with in common.
#[inline]
fn common_before(one: &[u8], other: &[u8]) -> usize {
    if let (Some(one), Some(other)) = (one.last_chunk(), other.last_chunk()) {
        let differing = u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other);
        if differing != 0 {
            return differing.leading_zeros() as usize / 8;
        }
    }
    one.iter().rev().zip(other.iter().rev()).take_while(|(one, other)| one == other).count()
}
