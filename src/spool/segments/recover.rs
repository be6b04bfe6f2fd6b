//! Reading a segment's file again after a start: what is whole, and what is not.

use std::io;

use super::disk::DiskFile;
use super::format::{self, FRAME_HEAD, HEADER_HEAD, Header, MOST, NotASegment};
use super::index::{Index, Place};

/// A file that is a segment.
pub(super) struct Recovered {
    pub(super) header: Header,
    /// The header's checksum.
    pub(super) seed: u64,
    pub(super) index: Index,
    /// Behind the last frame that is whole.
    pub(super) end: Place,
    /// Bytes of the log in damaged frames that have a whole one somewhere behind them.
    pub(super) damaged: u64,
    /// Bytes of the file behind `end`. After a crash they are what was being written.
    pub(super) torn: u64,
}

/// Reads a whole file. The inner error says why it is no segment, the outer one that the system
/// refuses to read it.
pub(super) fn recover(file: &dyn DiskFile) -> io::Result<Result<Recovered, NotASegment>> {
    let mut window = Window::new(file)?;
    let header = match Header::length(window.bytes(0, HEADER_HEAD)?) {
        Ok(length) => Header::decode(window.bytes(0, length)?).map(|found| (found, length)),
        Err(error) => Err(error),
    };
    Ok(match header {
        Ok(((header, seed), length)) => Ok(frames(&mut window, header, seed, length as u64)?),
        Err(error) => Err(error),
    })
}

/// Follows the frames by their lengths. A damaged one is stepped over if a whole one comes behind
/// it; else the segment ends in front of it.
fn frames(window: &mut Window<'_>, header: Header, seed: u64, start: u64) -> io::Result<Recovered> {
    let mut at = Place { log: header.first_offset, file: start };
    let (mut index, mut end) = (Index::default(), at);
    let (mut damaged, mut damaged_since_end) = (0, 0);
    while let Some(length) = format::payload_length(window.bytes(at.file, FRAME_HEAD)?) {
        let frame = window.bytes(at.file, FRAME_HEAD + length)?;
        if frame.len() < FRAME_HEAD + length {
            break;
        }
        index.push(at);
        let whole = format::payload(frame, seed, at.log).is_some();
        at = at.behind(length);
        if whole {
            damaged += std::mem::take(&mut damaged_since_end);
            end = at;
        } else {
            damaged_since_end += length as u64;
        }
    }
    index.cut(end.log);
    let torn = window.file_length.saturating_sub(end.file);
    Ok(Recovered { header, seed, index, end, damaged, torn })
}

/// A file's bytes, read in large pieces.
struct Window<'f> {
    file: &'f dyn DiskFile,
    file_length: u64,
    start: u64,
    bytes: Vec<u8>,
}

/// At least the longest header and the longest frame.
const WINDOW: usize = 4 * MOST;

impl<'f> Window<'f> {
    fn new(file: &'f dyn DiskFile) -> io::Result<Self> {
        Ok(Self { file, file_length: file.length()?, start: 0, bytes: Vec::new() })
    }

    /// `length` bytes from `position` on, at most [`WINDOW`]; fewer where the file ends.
    fn bytes(&mut self, position: u64, length: usize) -> io::Result<&[u8]> {
        let left = usize::try_from(self.file_length.saturating_sub(position)).unwrap_or(usize::MAX);
        let length = length.min(left);
        let inside = self.start <= position && position + length as u64 <= self.start + self.bytes.len() as u64;
        if !inside {
            self.bytes.resize(left.min(WINDOW), 0);
            self.start = position;
            self.file.read_exact_at(&mut self.bytes, position)?;
        }
        let begin = usize::try_from(position - self.start).unwrap_or(usize::MAX);
        Ok(self.bytes.get(begin..).and_then(|rest| rest.get(..length)).unwrap_or_default())
    }
}
