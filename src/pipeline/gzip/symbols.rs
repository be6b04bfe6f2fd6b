//! The alphabets (RFC 1951, section 3.2.5): literals, the end of a block and lengths share one,
//! distances have another.

use super::bits::Bits;

/// Size of the first alphabet. Its last two symbols only take part in the fixed codes.
pub(super) const LITERALS: usize = 288;
/// Symbols of the first alphabet that can stand in data.
pub(super) const USED_LITERALS: usize = 286;
/// Size of the alphabet of distances.
pub(super) const DISTANCES: usize = 30;
/// The symbol that ends a block.
pub(super) const END: usize = 256;
/// Shortest repetition that one length says, in bytes.
pub(super) const SHORTEST_LENGTH: usize = 3;
/// Longest repetition that one length says, in bytes.
pub(super) const LONGEST_LENGTH: usize = 258;
/// How far back a repetition reaches, in bytes.
pub(super) const LONGEST_DISTANCE: usize = 32 * 1024;

/// How a length or a distance is written: a symbol's code, then extra bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    /// The symbol.
    pub(super) symbol: usize,
    /// How many extra bits there are.
    extra_bits: u32,
    /// What they say: the value less the symbol's first.
    extra: u32,
}

impl Written {
    /// A length of 3 to 258 bytes.
    pub(super) fn length(length: usize) -> Self {
        const FIRST: usize = 257;
        let value = (length - SHORTEST_LENGTH) as u32;
        if length == LONGEST_LENGTH {
            return Self { symbol: USED_LITERALS - 1, extra_bits: 0, extra: 0 };
        }
        // Eight lengths without extra bits; then four symbols for each number of extra bits.
        let extra_bits = value.checked_ilog2().unwrap_or(0).saturating_sub(2);
        Self::new(FIRST, 4, value, extra_bits)
    }

    /// A distance of 1 to 32,768 bytes.
    #[inline]
    pub(super) fn distance(distance: u32) -> Self {
        let value = distance.wrapping_sub(1);
        // Four distances without extra bits; then two symbols for each number of extra bits.
        let extra_bits = (value | 1).ilog2().saturating_sub(1);
        Self::new(0, 2, value, extra_bits)
    }

    #[inline]
    fn new(first: usize, for_each: u32, value: u32, extra_bits: u32) -> Self {
        let symbol = first + (for_each * extra_bits + (value >> extra_bits)) as usize;
        Self { symbol, extra_bits, extra: value & ((1 << extra_bits) - 1) }
    }

    /// How many extra bits there are.
    #[inline]
    pub(super) fn extra_bits(self) -> u32 {
        self.extra_bits
    }

    /// The extra bits.
    #[inline]
    pub(super) fn extra(self) -> Bits {
        Bits::new(self.extra.into(), self.extra_bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of the tables in RFC 1951: symbol, extra bits, first and last value.
    #[test]
    fn symbols_are_those_of_the_tables() {
        for (symbol, extra_bits, first, last) in [
            (257, 0, 3, 3),
            (264, 0, 10, 10),
            (265, 1, 11, 12),
            (268, 1, 17, 18),
            (269, 2, 19, 22),
            (277, 4, 67, 82),
            (281, 5, 131, 162),
            (284, 5, 227, 257),
            (285, 0, 258, 258),
        ] {
            for (extra, length) in (first..=last).enumerate() {
                let written = Written::length(length);
                assert_eq!((written.symbol, written.extra_bits, written.extra), (symbol, extra_bits, extra as u32));
            }
        }
        for (symbol, extra_bits, first, last) in [
            (0, 0, 1, 1),
            (3, 0, 4, 4),
            (4, 1, 5, 6),
            (5, 1, 7, 8),
            (10, 4, 33, 48),
            (17, 7, 385, 512),
            (28, 13, 16_385, 24_576),
            (29, 13, 24_577, 32_768),
        ] {
            for (extra, distance) in (first..=last).enumerate() {
                let written = Written::distance(distance);
                assert_eq!((written.symbol, written.extra_bits, written.extra), (symbol, extra_bits, extra as u32));
            }
        }
    }
}
