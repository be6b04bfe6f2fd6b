//! How many letters there are: counted once for each file, not at each look.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::segment::{Segment, segments};

/// What is kept.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Letters.
    pub records: u64,
    /// Bytes of their lines.
    pub bytes: u64,
}

/// What is kept in each segment, by number.
#[derive(Debug, Default)]
pub(super) struct Census(BTreeMap<u64, Counted>);

#[derive(Debug, Clone, Copy)]
struct Counted {
    inode: u64,
    kept: Kept,
}

impl Census {
    /// Looks again. Only files that are not as they were at the last look are read.
    pub(super) fn look(&mut self, directory: &Path) -> io::Result<()> {
        let mut seen = BTreeMap::new();
        for segment in segments(directory)? {
            match count(&segment, self.0.get(&segment.number)) {
                Ok(counted) => drop(seen.insert(segment.number, counted)),
                // Somebody removed it in between.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        self.0 = seen;
        Ok(())
    }

    /// A segment is as it is now known to be.
    pub(super) fn set(&mut self, number: u64, inode: u64, kept: Kept) {
        self.0.insert(number, Counted { inode, kept });
    }

    /// A segment is gone.
    pub(super) fn forget(&mut self, number: u64) {
        self.0.remove(&number);
    }

    /// What is kept in one segment.
    pub(super) fn of(&self, number: u64) -> Kept {
        self.0.get(&number).map(|counted| counted.kept).unwrap_or_default()
    }

    /// The number of the oldest segment.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.0.keys().next().copied()
    }

    /// The number of the newest segment.
    pub(super) fn newest(&self) -> Option<u64> {
        self.0.keys().next_back().copied()
    }

    /// What is kept in all.
    pub(super) fn total(&self) -> Kept {
        self.0.values().fold(Kept::default(), |sum, Counted { kept, .. }| Kept {
            records: sum.records + kept.records,
            bytes: sum.bytes + kept.bytes,
        })
    }
}

/// Without reading, if the file is the one that was counted before. Files only grow; one that was
/// rewritten is another file.
fn count(segment: &Segment, before: Option<&Counted>) -> io::Result<Counted> {
    let metadata = std::fs::metadata(&segment.path)?;
    match before {
        Some(counted) if counted.inode == metadata.ino() && counted.kept.bytes == metadata.len() => Ok(*counted),
        _ if !metadata.is_file() => Ok(Counted { inode: metadata.ino(), kept: Kept::default() }),
        _ => {
            // One that cannot be read takes its room all the same, and must not keep others from being written.
            let read = File::open(&segment.path).and_then(line_ends);
            let (bytes, records) = read.unwrap_or((metadata.len(), 0));
            Ok(Counted { inode: metadata.ino(), kept: Kept { records, bytes } })
        }
    }
}

fn line_ends(mut file: File) -> io::Result<(u64, u64)> {
    let mut buffer = vec![0; 64 * 1024];
    let (mut bytes, mut records) = (0, 0);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((bytes, records)),
            length => {
                bytes += length as u64;
                records += memchr::memchr_iter(b'\n', &buffer[..length]).count() as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn notices_growth_replacement_and_removal() {
        let directory = tempfile::tempdir().unwrap();
        let path = |number| Segment::new(directory.path(), number).path;
        let mut census = Census::default();
        let mut look = || {
            census.look(directory.path()).unwrap();
            (census.total().records, census.total().bytes)
        };
        assert_eq!(look(), (0, 0));
        fs::write(path(1), "a\nb\n").unwrap();
        fs::write(path(2), "c\n").unwrap();
        assert_eq!(look(), (3, 6));
        fs::write(path(2), "c\nd\n").unwrap();
        assert_eq!(look(), (4, 8));
        fs::write(directory.path().join("new"), "abc\n").unwrap();
        fs::rename(directory.path().join("new"), path(1)).unwrap();
        assert_eq!(look(), (3, 8), "as long as before, but another file");
        fs::remove_file(path(2)).unwrap();
        assert_eq!(look(), (1, 4));
    }
}
