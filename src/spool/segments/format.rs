//! How a segment's bytes stand on the disk. Numbers are little-endian.
//!
//! ```text
//! header   7  "FTSPOOL"
//!          1  version of this format: 1
//!          8  id of the segment
//!          8  time when it was made, nanoseconds since 1970 (signed)
//!          8  offset in the log of the first frame's first byte
//!          4  length of the description, at most 65,536
//!          …  description
//!          8  XXH3-64 of everything before
//! frames   8  XXH3-64 of the rest of the frame; its seed is the header's checksum plus the offset
//!             in the log, so that no frame passes in another place or another segment
//!          4  length of the payload, 1 to 65,536
//!          …  payload: bytes of the log
//! ```
//! The frames follow each other without gaps, and so do the bytes of the log that they hold. A
//! header is there whole or not at all (it is written under another name first); of the frames,
//! the last ones may be torn after a crash.

use std::sync::Arc;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::record::Timestamp;

/// Most bytes of payload in one frame, and most bytes of a description.
pub(super) const MOST: usize = 64 * 1024;
/// Bytes of a frame in front of its payload.
pub(super) const FRAME_HEAD: usize = 12;
/// Bytes of a header in front of the description.
pub(super) const HEADER_HEAD: usize = 36;
/// Bytes of a header behind the description.
pub(super) const HEADER_TAIL: usize = 8;

const MAGIC: &[u8; 7] = b"FTSPOOL";
const VERSION: u8 = 1;

/// What a segment says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) id: u64,
    pub(super) created: Timestamp,
    pub(super) first_offset: u64,
    pub(super) description: Arc<[u8]>,
}

/// Why a file is not a segment that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotASegment {
    #[error("it is of version {0} and this program reads version {VERSION}")]
    Version(u8),
    #[error("its header is damaged")]
    Damaged,
}

impl Header {
    /// The header's bytes, and the checksum at their end.
    pub(super) fn encode(&self) -> (Vec<u8>, u64) {
        let mut bytes = Vec::with_capacity(HEADER_HEAD + self.description.len() + HEADER_TAIL);
        bytes.extend_from_slice(MAGIC);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.id.to_le_bytes());
        bytes.extend_from_slice(&self.created.0.to_le_bytes());
        bytes.extend_from_slice(&self.first_offset.to_le_bytes());
        bytes.extend_from_slice(&length_of(&self.description).to_le_bytes());
        bytes.extend_from_slice(&self.description);
        let checksum = xxh3_64(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        (bytes, checksum)
    }

    /// How long the whole header is that begins with `head` ([`HEADER_HEAD`] bytes of it).
    pub(super) fn length(head: &[u8]) -> Result<usize, NotASegment> {
        let rest = head.strip_prefix(MAGIC).ok_or(NotASegment::Damaged)?;
        match rest.first() {
            Some(&VERSION) => {}
            Some(&other) => return Err(NotASegment::Version(other)),
            None => return Err(NotASegment::Damaged),
        }
        let length = number::<4>(head, 32).map(u32::from_le_bytes).ok_or(NotASegment::Damaged)? as usize;
        if length > MOST { Err(NotASegment::Damaged) } else { Ok(HEADER_HEAD + length + HEADER_TAIL) }
    }

    /// Reads a whole header; the checksum at its end comes with it.
    pub(super) fn decode(bytes: &[u8]) -> Result<(Self, u64), NotASegment> {
        let length = Self::length(bytes)?;
        let bytes = bytes.get(..length).ok_or(NotASegment::Damaged)?;
        let (covered, _) = bytes.split_at(length - HEADER_TAIL);
        let number = |at| number::<8>(bytes, at).map(u64::from_le_bytes).ok_or(NotASegment::Damaged);
        let checksum = number(covered.len())?;
        if xxh3_64(covered) != checksum {
            return Err(NotASegment::Damaged);
        }
        let header = Self {
            id: number(8)?,
            created: Timestamp(number(16)?.cast_signed()),
            first_offset: number(24)?,
            description: covered[HEADER_HEAD..].into(),
        };
        Ok((header, checksum))
    }
}

/// Appends the frame of `payload`, which stands at `offset` in the log of the segment whose
/// header's checksum is `seed`.
pub(super) fn write_frame(out: &mut Vec<u8>, seed: u64, offset: u64, payload: &[u8]) {
    let start = out.len();
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&length_of(payload).to_le_bytes());
    out.extend_from_slice(payload);
    let checksum = xxh3_64_with_seed(&out[start + 8..], seed.wrapping_add(offset));
    out[start..start + 8].copy_from_slice(&checksum.to_le_bytes());
}

/// The payload's length as a frame's head gives it; `None` if no frame has such a head.
pub(super) fn payload_length(head: &[u8]) -> Option<usize> {
    let length = number::<4>(head, 8).map(u32::from_le_bytes)? as usize;
    (1..=MOST).contains(&length).then_some(length)
}

/// The payload of a whole frame; `None` if the frame is damaged.
pub(super) fn payload(frame: &[u8], seed: u64, offset: u64) -> Option<&[u8]> {
    let checksum = number::<8>(frame, 0).map(u64::from_le_bytes)?;
    let payload = frame.get(FRAME_HEAD..)?;
    let sound = payload_length(frame) == Some(payload.len())
        && xxh3_64_with_seed(&frame[8..], seed.wrapping_add(offset)) == checksum;
    sound.then_some(payload)
}

fn length_of(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk::<N>().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header { id: 7, created: Timestamp(-5), first_offset: 1 << 40, description: b"{\"a\":1}"[..].into() }
    }

    #[test]
    fn a_header_says_what_was_written() {
        let (mut bytes, checksum) = header().encode();
        bytes.extend_from_slice(b"frames");
        assert_eq!(Header::decode(&bytes), Ok((header(), checksum)));
    }

    #[test]
    fn no_bit_of_a_header_can_flip_unnoticed() {
        let (bytes, _) = header().encode();
        for (at, bit) in (0..bytes.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            assert!(Header::decode(&flipped).is_err(), "bit {bit} of byte {at}");
        }
        for end in 0..bytes.len() {
            assert_eq!(Header::decode(&bytes[..end]), Err(NotASegment::Damaged), "cut at {end}");
        }
    }

    #[test]
    fn another_version_is_named() {
        let (mut bytes, _) = header().encode();
        bytes[7] = 2;
        assert_eq!(Header::decode(&bytes), Err(NotASegment::Version(2)));
    }

    #[test]
    fn a_frame_passes_in_its_place_alone() {
        let mut frame = Vec::new();
        write_frame(&mut frame, 1, 100, b"payload");
        assert_eq!(payload(&frame, 1, 100), Some(&b"payload"[..]));
        assert_eq!(payload(&frame, 2, 100), None);
        assert_eq!(payload(&frame, 1, 101), None);
        for (at, bit) in (0..frame.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut flipped = frame.clone();
            flipped[at] ^= 1 << bit;
            assert_eq!(payload(&flipped, 1, 100), None, "bit {bit} of byte {at}");
        }
    }
}
