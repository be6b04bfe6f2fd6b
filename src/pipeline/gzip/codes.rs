//! The codes of one block, and its header.

use super::bits::{BitWriter, Bits};
use super::block::Counts;
use super::huffman;
use super::symbols::{DISTANCES, END, LITERALS, SHORTEST_LENGTH, USED_LITERALS, Written};

/// Longest code of the first alphabet, in bits: four literals fit between two flushes.
const LITERAL_LIMIT: usize = BitWriter::ROOM as usize / 4;
/// Longest code of a distance, in bits.
const DISTANCE_LIMIT: usize = 15;
/// Longest code of a code length, in bits.
const LENGTH_LIMIT: usize = 7;

/// Code lengths of both alphabets, in bits; 0 where a symbol has no code.
struct Lengths {
    literals: [u8; LITERALS],
    distances: [u8; DISTANCES],
}

/// The codes of a block, ready to be written.
pub(super) struct Codes {
    code_lengths: Lengths,
    /// What stands in front of the block's data, its type included.
    header: Vec<Packed>,
    literals: [Packed; LITERALS],
    /// Codes and extra bits of all lengths, from the shortest.
    lengths: [Packed; 256],
    distances: [Packed; DISTANCES],
}

impl Codes {
    /// The codes that need no description (RFC 1951, section 3.2.6).
    pub(super) fn fixed() -> Self {
        let mut literals = [8; LITERALS];
        literals[144..256].fill(9);
        literals[256..280].fill(7);
        let kind = Packed::new(0b01 << 1, 3);
        Self::new(Lengths { literals, distances: [5; DISTANCES] }, vec![kind])
    }

    /// The best codes for such data (RFC 1951, section 3.2.7).
    pub(super) fn fitting(counts: &Counts) -> Self {
        let lengths = Lengths {
            literals: huffman::code_lengths(&counts.literals, LITERAL_LIMIT),
            distances: huffman::code_lengths(&counts.distances, DISTANCE_LIMIT),
        };
        let header = lengths.header();
        Self::new(lengths, header)
    }

    fn new(code_lengths: Lengths, header: Vec<Packed>) -> Self {
        let literals = packed(&code_lengths.literals);
        let distances = packed(&code_lengths.distances);
        let lengths = std::array::from_fn(|index| {
            let written = Written::length(index + SHORTEST_LENGTH);
            let bits = literals[written.symbol].bits().then(written.extra());
            Packed::new(bits.value() as u32, bits.count())
        });
        Self { code_lengths, header, literals, lengths, distances }
    }

    /// Bits of a block of these symbols, without its header and the extra bits.
    pub(super) fn cost(&self, counts: &Counts) -> u64 {
        let sum = |counts: &[u32], lengths: &[u8]| -> u64 {
            counts.iter().zip(lengths).map(|(count, length)| u64::from(*count) * u64::from(*length)).sum()
        };
        let Lengths { literals, distances } = &self.code_lengths;
        sum(&counts.literals, literals) + sum(&counts.distances, distances)
    }

    /// Bits of the header.
    pub(super) fn header_cost(&self) -> u64 {
        self.header.iter().map(|packed| u64::from(packed.bits().count())).sum()
    }

    /// Begins a block, which is not the last one.
    pub(super) fn begin(&self, out: &mut BitWriter) {
        for packed in &self.header {
            out.push(packed.bits());
            out.flush();
        }
    }

    /// Ends the block.
    pub(super) fn end(&self, out: &mut BitWriter) {
        out.push(self.literals[END].bits());
        out.flush();
    }

    /// A byte as it is.
    #[inline]
    pub(super) fn literal(&self, byte: u8) -> Bits {
        self.literals[usize::from(byte)].bits()
    }

    /// A length of 3 to 258 bytes.
    #[inline]
    pub(super) fn length(&self, length: u32) -> Bits {
        let index = (length as usize).wrapping_sub(SHORTEST_LENGTH) & 0xFF;
        self.lengths[index].bits()
    }

    /// A distance of 1 to 32,768 bytes.
    #[inline]
    pub(super) fn distance(&self, distance: u32) -> Bits {
        let written = Written::distance(distance);
        self.distances[written.symbol].bits().then(written.extra())
    }
}

/// Bits in a few bytes, so that the tables leave room in the first-level cache.
#[derive(Debug, Clone, Copy, Default)]
struct Packed(u32);

impl Packed {
    const COUNT_BITS: u32 = 8;

    /// At most 24 bits.
    fn new(value: u32, count: u32) -> Self {
        Self(value << Self::COUNT_BITS | count)
    }

    #[inline]
    fn bits(self) -> Bits {
        Bits::new((self.0 >> Self::COUNT_BITS).into(), self.0 & ((1 << Self::COUNT_BITS) - 1))
    }
}

fn packed<const N: usize>(lengths: &[u8; N]) -> [Packed; N] {
    let codes = huffman::codes(lengths);
    std::array::from_fn(|symbol| Packed::new(codes[symbol].into(), lengths[symbol].into()))
}

impl Lengths {
    /// Type and description of the block: how many symbols have codes, the codes of code lengths, and
    /// by these the lengths of both alphabets as if they were one.
    fn header(&self) -> Vec<Packed> {
        /// The order in which the lengths of the codes of code lengths are told.
        const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        let used = |lengths: &[u8], least: usize| {
            lengths.iter().rposition(|length| *length > 0).map_or(least, |last| least.max(last + 1))
        };
        let literals = used(&self.literals[..USED_LITERALS], END + 1);
        let distances = used(&self.distances, 1);
        let runs = runs(&[&self.literals[..literals], &self.distances[..distances]].concat());
        let mut counts = [0; ORDER.len()];
        runs.iter().for_each(|run| counts[run.symbol] += 1);
        let lengths = huffman::code_lengths(&counts, LENGTH_LIMIT);
        let codes = packed(&lengths);
        let told = used(&ORDER.map(|symbol| lengths[symbol]), 4);
        let sizes = [(0b10 << 1, 3), (literals - END - 1, 5), (distances - 1, 5), (told - 4, 4)];
        let mut header: Vec<_> = sizes.into_iter().map(|(value, count)| Packed::new(value as u32, count)).collect();
        header.extend(ORDER[..told].iter().map(|symbol| Packed::new(lengths[*symbol].into(), 3)));
        header.extend(runs.iter().flat_map(|run| [codes[run.symbol], run.extra]));
        header
    }
}

/// One code of the code lengths: a length, or how often one is repeated.
struct Run {
    symbol: usize,
    extra: Packed,
}

/// Symbols 16 (the length before, 3 to 6 times), 17 and 18 (a length of zero, 3 to 10 and 11 to 138
/// times) stand for repeated lengths.
fn runs(lengths: &[u8]) -> Vec<Run> {
    let mut runs = Vec::new();
    for same in lengths.chunk_by(|one, other| one == other) {
        let Some(&length) = same.first() else { continue };
        let alone = || Run { symbol: length.into(), extra: Packed::default() };
        let mut left = same.len();
        if length > 0 {
            runs.push(alone());
            left -= 1;
        }
        while left >= 3 {
            let (symbol, least, most, extra_bits) = match (length, left) {
                (0, 11..) => (18, 11, 138, 7),
                (0, _) => (17, 3, 10, 3),
                _ => (16, 3, 6, 2),
            };
            let repeated = left.min(most);
            runs.push(Run { symbol, extra: Packed::new((repeated - least) as u32, extra_bits) });
            left -= repeated;
        }
        runs.extend(std::iter::repeat_with(alone).take(left));
    }
    runs
}
