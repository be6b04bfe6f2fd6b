//! Bits on their way into bytes.

/// Appends bits to bytes, the lowest bit first (RFC 1951, section 3.1.1).
#[derive(Debug)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits that fill no byte yet, from the lowest.
    pending: u64,
    /// How many they are.
    count: u32,
}

impl BitWriter {
    /// How many bits may be pushed between two calls of [`flush`](Self::flush).
    pub(super) const ROOM: u32 = 56;

    /// A writer that goes on behind whole bytes.
    pub(super) fn behind(bytes: Vec<u8>) -> Self {
        Self { bytes, pending: 0, count: 0 }
    }

    /// Adds bits.
    #[inline]
    pub(super) fn push(&mut self, bits: Bits) {
        self.pending |= bits.value() << self.count;
        self.count += bits.count();
        debug_assert!(self.count < u64::BITS);
    }

    /// Makes room for more bits. All eight bytes are stored and those that are not full yet are
    /// taken back: that needs no branch.
    #[inline]
    pub(super) fn flush(&mut self) {
        let full = self.count / u8::BITS;
        let length = self.bytes.len() + full as usize;
        self.bytes.extend_from_slice(&self.pending.to_le_bytes());
        self.bytes.truncate(length);
        self.pending >>= full * u8::BITS;
        self.count %= u8::BITS;
    }

    /// Fills the last byte with zeros, then appends bytes.
    pub(super) fn extend_aligned(&mut self, bytes: &[u8]) {
        self.count = self.count.next_multiple_of(u8::BITS);
        self.flush();
        self.bytes.extend_from_slice(bytes);
    }

    /// All bytes, the last one filled with zeros.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.extend_aligned(&[]);
        self.bytes
    }
}

/// Some bits: a code, or what follows it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bits {
    value: u64,
    count: u32,
}

impl Bits {
    /// The lowest `count` bits of `value`, which has no others.
    #[inline]
    pub(super) fn new(value: u64, count: u32) -> Self {
        Self { value, count }
    }

    /// These bits and then others.
    #[inline]
    pub(super) fn then(self, other: Self) -> Self {
        Self { value: self.value | other.value << self.count, count: self.count + other.count }
    }

    /// The bits, from the lowest.
    #[inline]
    pub(super) fn value(self) -> u64 {
        self.value
    }

    /// How many they are.
    #[inline]
    pub(super) fn count(self) -> u32 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_bytes_from_the_lowest_bit() {
        let mut writer = BitWriter::behind(vec![7]);
        writer.push(Bits::new(0b1, 1).then(Bits::new(0b01, 2)));
        writer.push(Bits::new(0b1_1111, 5));
        writer.push(Bits::new(0b101, 3));
        writer.flush();
        writer.push(Bits::new(0b1, 1));
        writer.extend_aligned(&[9, 9]);
        writer.push(Bits::new(0b10, 2));
        assert_eq!(writer.into_bytes(), [7, 0b1111_1011, 0b1101, 9, 9, 0b10]);
    }

    #[test]
    fn has_room_for_what_it_says() {
        for before in 0..8 {
            let mut writer = BitWriter::behind(Vec::new());
            writer.push(Bits::new(0, before));
            writer.flush();
            writer.push(Bits::new((1 << BitWriter::ROOM) - 1, BitWriter::ROOM));
            writer.flush();
            let bits: u32 = writer.into_bytes().iter().map(|byte| byte.count_ones()).sum();
            assert_eq!(bits, BitWriter::ROOM);
        }
    }
}
