//! Decoding: from the physical lines of a block to log lines.
//!
//! Container runtimes wrap what a container prints: containerd and CRI-O as
//! `<time> <stream> <P|F> <text>`, Docker as one JSON object a line. Which of the two a file holds
//! is told by looking at its first line, whatever the configuration calls it. Partial lines are
//! joined per stream ([`partial`]), then lines that were printed one by one are ([`multiline`]).

pub mod cri;
pub mod docker;
pub mod encoding;
pub mod multiline;
pub mod partial;

mod decoder;
#[cfg(test)]
mod properties;

pub use decoder::{Decoder, Settings};

use crate::record::{Position, Timestamp};
use multiline::First;

/// The stream that a container wrote to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout = 0,
    /// Standard error.
    Stderr = 1,
}

impl Stream {
    /// The name as runtimes write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }

    /// The stream of this name.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        match name {
            b"stdout" => Some(Self::Stdout),
            b"stderr" => Some(Self::Stderr),
            _ => None,
        }
    }
}

/// What one physical line of a container log says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'t> {
    /// The runtime's time; `None` if it is broken.
    pub time: Option<Timestamp>,
    /// The stream.
    pub stream: Stream,
    /// More of the same line follows in the stream's next entry.
    pub partial: bool,
    /// What the container printed, without its line end.
    pub text: &'t [u8],
}

/// A log line, whole: what becomes a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'t> {
    /// The runtime's time of the line's first part; the time of the line before it where its own
    /// is broken.
    pub time: Timestamp,
    /// The stream, where there are streams.
    pub stream: Option<Stream>,
    /// The text, possibly of several physical lines joined by line feeds (a stack trace).
    pub text: &'t [u8],
    /// From the first byte of the first physical line to the end of the last one.
    pub position: Position,
    /// It was cut at a size limit: the rest follows as a line of its own.
    pub truncated: bool,
    /// How many files before this one its first bytes stand (`position.start` is an offset there); 0
    /// if they stand in this one.
    pub carried: usize,
    /// The same of its last bytes, and of `position.end`.
    pub ended: usize,
    /// Its text was joined of parts of lines: the first of these, whole.
    pub first: Option<First<'t>>,
}

impl<'t> Line<'t> {
    /// A line that one entry holds whole.
    #[must_use]
    pub fn whole(entry: Entry<'t>, time: Timestamp, position: Position) -> Self {
        let (stream, text) = (Some(entry.stream), entry.text);
        Self { time, stream, text, position, truncated: false, carried: 0, ended: 0, first: None }
    }
}
