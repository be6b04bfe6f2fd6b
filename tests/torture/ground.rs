//! Where each line lies: the files of the containers, and those that were removed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::marker::Marker;
use crate::store::State;

/// A shipper that ran for so long while a file lay there had its chance to open it.
const OPPORTUNITY: Duration = Duration::from_secs(5);

/// How long a shipper may take to save a file that it holds open, from the moment that its last name goes.
pub(crate) const RESCUE: Duration = Duration::from_millis(500);

/// Bytes of a traceback's first line. It has no number, so it goes with the lines around it.
const UNNUMBERED: u32 = 75;

/// A numbered line and its bytes in its file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LineAt {
    pub(crate) marker: Marker,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// One file from its first byte to its removal, under all its names.
#[derive(Debug, Default)]
pub(crate) struct LogFile {
    /// Its present name, or its last one.
    pub(crate) path: PathBuf,
    /// Bytes, uncompressed.
    pub(crate) length: u64,
    /// Lines of which nobody knows yet that they arrived.
    pub(crate) lines: Vec<LineAt>,
    /// The plain file and the compressed one: who holds either has its bytes.
    pub(crate) inodes: Vec<(u64, u64)>,
    /// Its removal, if it was removed.
    pub(crate) removal: Option<Removal>,
}

/// How things stood when the last name of a file went.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Removal {
    pub(crate) at: Instant,
    pub(crate) held: bool,
    /// For how long the shipper had been running; `None` if it was not.
    pub(crate) up: Option<Duration>,
}

/// Whose fault it is that a line did not arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Blame {
    /// The shipper's, and why.
    Missing(String),
    /// Nobody's: it was destroyed before anyone could read it, and how.
    Destroyed(String),
}

impl LogFile {
    /// A file that was just made.
    pub(crate) fn new(path: PathBuf) -> Self {
        let inodes = inode(&path).into_iter().collect();
        Self { path, inodes, ..Self::default() }
    }

    /// Forgets what arrived.
    pub(crate) fn prune(&mut self, state: &State) {
        state.prune(&mut self.lines);
    }

    /// Who is to blame for the lines that are left. `kills` are the moments of all kills.
    pub(crate) fn blame(&self, kills: &[Instant]) -> Blame {
        let Some(removal) = self.removal else { return Blame::Missing("still on disk".to_owned()) };
        let killed = kills.iter().find(|kill| **kill >= removal.at).map(|kill| *kill - removal.at);
        match (removal.held, removal.up) {
            (true, _) => match killed {
                Some(after) if after < RESCUE => Blame::Destroyed(format!("killed {after:.0?} after the removal")),
                Some(after) => Blame::Missing(format!("held open at its removal, killed {after:.1?} later")),
                None => Blame::Missing("held open at its removal".to_owned()),
            },
            (false, Some(up)) if up >= OPPORTUNITY => {
                Blame::Missing(format!("not held at its removal by a shipper that ran for {up:.1?}"))
            }
            (false, Some(up)) => Blame::Destroyed(format!("removed {up:.1?} after the shipper's start")),
            (false, None) => Blame::Destroyed("removed while no shipper ran".to_owned()),
        }
    }

    /// The byte ranges of the lines that are left.
    pub(crate) fn byte_ranges(&self) -> Vec<(u32, u32)> {
        merged(self.lines.iter().map(|line| (line.start, line.end)).collect(), UNNUMBERED)
    }

    /// Per stream, the ranges of the counters that are left, each with its last one.
    pub(crate) fn sequences(&self) -> BTreeMap<u8, Vec<(u32, u32)>> {
        let mut streams: BTreeMap<u8, Vec<(u32, u32)>> = BTreeMap::new();
        for LineAt { marker, .. } in &self.lines {
            streams.entry(marker.stream).or_default().push((marker.counter, marker.counter + 1));
        }
        for ranges in streams.values_mut() {
            *ranges = merged(std::mem::take(ranges), 0).into_iter().map(|(start, end)| (start, end - 1)).collect();
        }
        streams
    }
}

/// Joins ranges that are at most `gap` apart.
fn merged(mut ranges: Vec<(u32, u32)>, gap: u32) -> Vec<(u32, u32)> {
    ranges.sort_unstable();
    let mut merged: Vec<(u32, u32)> = Vec::new();
    for (start, end) in ranges {
        match merged.last_mut() {
            Some(last) if start <= last.1 + gap => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

/// Device and inode of what a path leads to.
pub(crate) fn inode(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// What a process holds open.
pub(crate) fn open_inodes(process: u32) -> Vec<(u64, u64)> {
    let Ok(entries) = fs::read_dir(format!("/proc/{process}/fd")) else { return Vec::new() };
    entries.flatten().filter_map(|entry| inode(&entry.path())).collect()
}
