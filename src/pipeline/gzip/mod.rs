//! A gzip writer that is made for bulk bodies.
//!
//! Gzip (RFC 1952) is a header, data in the deflate format (RFC 1951), and checksum and length of what
//! was compressed. Deflate writes bytes as literals, and what stood up to 32 KiB before as a pair of a
//! length and a distance (section 3.2.5). Literals and lengths share one alphabet, distances have
//! another, and each block says which Huffman codes it uses (section 3.2.7).
//!
//! What a body repeats is not hard to find: most of a document is what is known of its container, byte
//! for byte that of the document before. So:
//! - One place is remembered for each hash of eight bytes, and whatever is found there is taken, forwards
//!   and backwards as far as it goes ([`search`]): a container's members are one look-up and one
//!   comparison, however long they are. The distance of the last repetition is tried first, as it often
//!   goes on behind a time or a number that differs. Where containers alternate, a few places inside
//!   long repetitions bring the search back to the right one.
//! - A repetition has any length until it is written ([`block`]); deflate's are 258 bytes at most.
//! - A block stays open as long as its codes fit. Of each 128 KiB a sample is counted, and if that
//!   looks worse than it could be, all of it: a new block begins when its codes save more than its
//!   header costs. All symbols have a code, as nobody knows what will come. Data that does not shrink
//!   is stored (section 3.2.4).
//! - Documents are written into the window itself, so that nothing is copied in front of the search.
//!
//! There is no lazy matching, no chain of places and no limit to set: who wants smaller bodies for more
//! time takes one of zlib's levels.

mod bits;
mod block;
mod codes;
mod huffman;
mod search;
mod symbols;
#[cfg(test)]
mod tests;

use self::bits::{BitWriter, Bits};
use self::block::Counts;
use self::codes::Codes;
use self::search::{Search, Sequence};
use self::symbols::LONGEST_DISTANCE;

/// Bytes that are compressed at once: enough to keep the fixed costs small, few enough to stay in the
/// second-level cache.
const STEP: usize = 128 * 1024;

/// Bits that a new block costs at most: its header, and that all its symbols have codes.
const NEW_BLOCK: u64 = 1000;
/// Whether the codes still fit is asked of the first sequences, one of so many.
const SAMPLED: usize = 8;
/// Fewer sequences than these tell nothing.
const LEAST_SAMPLE: usize = 16;

/// Most bytes of a block that is not compressed (RFC 1951, section 3.2.4), and bytes in front of them.
const STORED: usize = 65_535;
const STORED_HEADER: usize = 5;

/// What stands in front (RFC 1952, section 2.3): no name, no time, fastest compression, any system.
const HEADER: [u8; 10] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 4, 255];

/// Compresses input while it grows.
pub struct GzipWriter {
    /// What may be repeated, then what is not compressed yet.
    window: Vec<u8>,
    /// Where the latter begins.
    done: usize,
    /// Place of the window in the input.
    start: usize,
    search: Search,
    /// Those of the last step, kept for their memory.
    sequences: Vec<Sequence>,
    /// The codes of the block that is open.
    open: Option<Box<Codes>>,
    out: BitWriter,
    checksum: crc32fast::Hasher,
}

impl Default for GzipWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl GzipWriter {
    /// A writer of empty input.
    #[must_use]
    pub fn new() -> Self {
        Self {
            window: Vec::with_capacity(LONGEST_DISTANCE + STEP + STEP / 4),
            done: 0,
            start: 0,
            search: Search::new(),
            sequences: Vec::new(),
            open: None,
            out: BitWriter::behind(HEADER.to_vec()),
            checksum: crc32fast::Hasher::new(),
        }
    }

    /// Bytes of input so far.
    #[must_use]
    pub fn length(&self) -> usize {
        self.start + self.window.len()
    }

    /// Lets `append` append input. What stands in the vector is not to be touched.
    pub fn append(&mut self, append: impl FnOnce(&mut Vec<u8>)) {
        append(&mut self.window);
        if self.window.len() - self.done >= STEP {
            self.compress(false);
            let repeatable = self.window.len().min(LONGEST_DISTANCE);
            let gone = self.window.len() - repeatable;
            self.window.copy_within(gone.., 0);
            self.window.truncate(repeatable);
            self.start += gone;
            self.done = repeatable;
        }
    }

    /// Ends the input; all that was written.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        if self.done < self.window.len() {
            self.compress(true);
        }
        self.end_block();
        // The last block has to say so in front of it: an empty one of fixed codes.
        self.out.push(Bits::new(0b01 << 1 | 1, 3 + 7));
        self.out.flush();
        let length = self.length();
        let mut bytes = self.out.into_bytes();
        bytes.extend_from_slice(&self.checksum.finalize().to_le_bytes());
        bytes.extend_from_slice(&(length as u32).to_le_bytes());
        bytes
    }

    fn compress(&mut self, is_last: bool) {
        let input = &self.window[self.done..];
        self.checksum.update(input);
        self.sequences.clear();
        self.search.split(&self.window, self.done, self.start, &mut self.sequences);
        if !self.seems_to_fit(input) {
            let counts = Counts::of(input, &self.sequences);
            self.choose(&counts, input.len(), is_last);
        }
        let input = &self.window[self.done..];
        match &self.open {
            Some(codes) => block::write(input, &self.sequences, codes, &mut self.out),
            None => store(input, &mut self.out),
        }
    }

    /// The codes of the open block do for a sample of the sequences. It is judged more mildly than all of
    /// them are: few symbols look more uneven than many.
    fn seems_to_fit(&self, input: &[u8]) -> bool {
        let (sample, _) = self.sequences.split_at(self.sequences.len() / SAMPLED);
        let Some(open) = self.open.as_ref().filter(|_| sample.len() >= LEAST_SAMPLE) else { return false };
        let counts = Counts::of(input, sample);
        let least = counts.least();
        open.cost(&counts) < least + least / 16 + NEW_BLOCK / 4
    }

    /// Leaves the block open if it fits such data, else begins the one that is smallest, if that is
    /// smaller than the data as it is.
    fn choose(&mut self, counts: &Counts, length: usize, is_last: bool) {
        let stored = 8 * (length + STORED_HEADER * length.div_ceil(STORED)) as u64;
        let limit = stored.saturating_sub(counts.extra_bits);
        if let Some(open) = &self.open {
            let (cost, least) = (open.cost(counts), counts.least());
            if cost < limit && cost < least + least / 32 + NEW_BLOCK {
                return;
            }
        }
        self.end_block();
        let fitting = Codes::fitting(&if is_last { counts.with_distances() } else { counts.with_all() });
        let fixed = Codes::fixed();
        let cost = |codes: &Codes| codes.header_cost() + codes.cost(counts);
        let codes = if cost(&fixed) < cost(&fitting) { fixed } else { fitting };
        if cost(&codes) < limit {
            codes.begin(&mut self.out);
            self.open = Some(Box::new(codes));
        }
    }

    fn end_block(&mut self) {
        if let Some(codes) = self.open.take() {
            codes.end(&mut self.out);
        }
    }
}

/// Writes bytes as they are.
fn store(bytes: &[u8], out: &mut BitWriter) {
    for part in bytes.chunks(STORED) {
        let length = part.len() as u16;
        out.push(Bits::new(0, 3));
        out.flush();
        out.extend_aligned(&[length.to_le_bytes(), (!length).to_le_bytes()].concat());
        out.extend_aligned(part);
    }
}
