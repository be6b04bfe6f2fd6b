//! Sequences as symbols: counted, and written.

use super::bits::BitWriter;
use super::codes::Codes;
use super::search::Sequence;
use super::symbols::{DISTANCES, END, LITERALS, LONGEST_LENGTH, SHORTEST_LENGTH, USED_LITERALS, Written};

const LONGEST: u32 = LONGEST_LENGTH as u32;
const SHORTEST: u32 = SHORTEST_LENGTH as u32;

/// How often each symbol stands in some data.
#[derive(Debug, Clone)]
pub(super) struct Counts {
    /// Literals, the end of the block and lengths.
    pub(super) literals: [u32; LITERALS],
    /// Distances.
    pub(super) distances: [u32; DISTANCES],
    /// Extra bits of all lengths and distances.
    pub(super) extra_bits: u64,
}

impl Counts {
    /// Counts the symbols of `sequences`, with which `bytes` begin, and one end of a block.
    pub(super) fn of(bytes: &[u8], sequences: &[Sequence]) -> Self {
        let mut counts = Self { literals: [0; LITERALS], distances: [0; DISTANCES], extra_bits: 0 };
        counts.literals[END] = 1;
        let mut rest = bytes;
        for sequence in sequences {
            let literals;
            (literals, rest) = sequence.split(rest);
            for literal in literals {
                counts.literals[usize::from(*literal)] += 1;
            }
            if sequence.length > 0 {
                counts.add_repetition(sequence);
            }
        }
        counts
    }

    fn add_repetition(&mut self, sequence: &Sequence) {
        let lengths = Lengths::of(sequence.length);
        self.literals[USED_LITERALS - 1] += lengths.longest;
        for length in [lengths.last, lengths.behind].into_iter().filter(|length| *length > 0) {
            let written = Written::length(length as usize);
            self.literals[written.symbol] += 1;
            self.extra_bits += u64::from(written.extra_bits());
        }
        let times = lengths.longest + 1 + u32::from(lengths.behind > 0);
        let written = Written::distance(sequence.distance);
        self.distances[written.symbol] += times;
        self.extra_bits += u64::from(times * written.extra_bits());
    }

    /// The same with all symbols, so that every one has a code.
    pub(super) fn with_all(&self) -> Self {
        let mut counts = self.clone();
        let all = counts.literals[..USED_LITERALS].iter_mut().chain(&mut counts.distances);
        all.for_each(|count| *count = (*count).max(1));
        counts
    }

    /// The same with at least two distances: not every reader takes fewer.
    pub(super) fn with_distances(&self) -> Self {
        let mut counts = self.clone();
        counts.distances[..2].iter_mut().for_each(|count| *count = (*count).max(1));
        counts
    }

    /// Bits that no code goes below (the entropy), without the extra bits.
    pub(super) fn least(&self) -> u64 {
        let sum = |counts: &[u32]| {
            let total = counts.iter().sum::<u32>() as f32;
            let used = counts.iter().filter(|count| **count > 0).map(|count| *count as f32);
            used.map(|count| count * (total / count).log2()).sum::<f32>()
        };
        (sum(&self.literals) + sum(&self.distances)) as u64
    }
}

/// Writes `bytes`, which are all in `sequences`.
pub(super) fn write(bytes: &[u8], sequences: &[Sequence], codes: &Codes, out: &mut BitWriter) {
    let mut rest = bytes;
    for sequence in sequences {
        let literals;
        (literals, rest) = sequence.split(rest);
        // No literal has more bits than a quarter of the writer's room.
        let mut fours = literals.chunks_exact(4);
        for four in &mut fours {
            four.iter().for_each(|literal| out.push(codes.literal(*literal)));
            out.flush();
        }
        fours.remainder().iter().for_each(|literal| out.push(codes.literal(*literal)));
        out.flush();
        if sequence.length > 0 {
            write_repetition(sequence, codes, out);
        }
    }
}

#[inline]
fn write_repetition(sequence: &Sequence, codes: &Codes, out: &mut BitWriter) {
    let lengths = Lengths::of(sequence.length);
    let distance = codes.distance(sequence.distance);
    let mut write = |length| {
        out.push(codes.length(length).then(distance));
        out.flush();
    };
    (0..lengths.longest).for_each(|_| write(LONGEST));
    write(lengths.last);
    if lengths.behind > 0 {
        write(lengths.behind);
    }
}

/// The lengths that a repetition is written with.
struct Lengths {
    /// So many times the longest.
    longest: u32,
    /// The one after them.
    last: u32,
    /// The one behind that, if it is not zero: what is left may not be shorter than the shortest.
    behind: u32,
}

impl Lengths {
    #[inline]
    fn of(length: u32) -> Self {
        let longest = (length - SHORTEST) / LONGEST;
        match length - longest * LONGEST {
            last @ ..=LONGEST => Self { longest, last, behind: 0 },
            last => Self { longest, last: last - SHORTEST, behind: SHORTEST },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_add_up_and_none_is_too_short_or_too_long() {
        for length in SHORTEST..5_000 {
            let Lengths { longest, last, behind } = Lengths::of(length);
            assert_eq!(longest * LONGEST + last + behind, length);
            assert!((SHORTEST..=LONGEST).contains(&last) && (behind == 0 || behind == SHORTEST), "{length}");
        }
    }

    #[test]
    fn counts_every_symbol() {
        let sequences =
            [Sequence { literals: 3, length: 600, distance: 3 }, Sequence { literals: 1, length: 0, distance: 0 }];
        let bytes: Vec<u8> = b"abc".iter().copied().cycle().take(603).chain(*b"z").collect();
        let counts = Counts::of(&bytes, &sequences);
        for (symbol, expected) in [(b'a', 1), (b'b', 1), (b'c', 1), (b'z', 1), (b'd', 0)] {
            assert_eq!(counts.literals[usize::from(symbol)], expected);
        }
        // Twice 258, and 84: between 83 and 98, with four extra bits.
        assert_eq!((counts.literals[END], counts.literals[285], counts.literals[278]), (1, 2, 1));
        assert_eq!((counts.distances[2], counts.extra_bits), (3, 4));
    }

    #[test]
    fn the_best_codes_are_near_what_is_least() {
        let bytes = "It was the best of times, it was the worst of times.".repeat(40);
        let sequences = [Sequence { literals: bytes.len() as u32, length: 0, distance: 0 }];
        let counts = Counts::of(bytes.as_bytes(), &sequences);
        let (cost, least) = (Codes::fitting(&counts).cost(&counts), counts.least());
        assert!(least <= cost && cost <= least + least / 32, "{least} {cost}");
    }
}
