//! The segments of a directory, their lines, and the lock.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What ends the name of a segment.
const EXTENSION: &str = "ndjson";
/// Mode of the directory: the lines of logs are nobody else's business.
const DIRECTORY_MODE: u32 = 0o700;
/// The longest that the lock is waited for. Whoever has it has a segment to rewrite at most.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks at the lock.
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// One file of letters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment {
    /// The number in its name: the higher, the later.
    pub number: u64,
    /// The file.
    pub path: PathBuf,
}

impl Segment {
    pub(super) fn new(directory: &Path, number: u64) -> Self {
        Self { number, path: directory.join(format!("{number:08}.{EXTENSION}")) }
    }

    /// Its lines. One that was removed since it was listed has none.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn lines(&self) -> io::Result<Lines> {
        match File::open(&self.path) {
            Ok(file) => Ok(Lines { reader: Some(BufReader::new(file)), line: Vec::new() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Lines { reader: None, line: Vec::new() }),
            Err(error) => Err(error),
        }
    }
}

/// The whole lines of a segment; what stands behind the last line end is not given out.
#[derive(Debug)]
pub struct Lines {
    reader: Option<BufReader<File>>,
    line: Vec<u8>,
}

impl Lines {
    /// The next line with its end. It is lent out, so that one buffer is enough for all of them.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn next_line(&mut self) -> io::Result<Option<&[u8]>> {
        let Some(reader) = &mut self.reader else { return Ok(None) };
        self.line.clear();
        reader.read_until(b'\n', &mut self.line)?;
        Ok(Some(self.line.as_slice()).filter(|line| line.ends_with(b"\n")))
    }
}

/// The segments of a directory, the oldest first. A directory that is not there has none.
///
/// # Errors
/// If the directory cannot be read.
pub fn segments(directory: &Path) -> io::Result<Vec<Segment>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut segments = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let stem = path.file_stem().filter(|_| path.extension().is_some_and(|extension| extension == EXTENSION));
        let number = stem.and_then(|stem| stem.to_str()?.parse().ok());
        segments.extend(number.map(|number| Segment { number, path }));
    }
    segments.sort();
    Ok(segments)
}

/// Makes the directory, if it is not there.
pub(super) fn create(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(directory)?;
    match directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// The right to change the directory, until it is dropped.
#[derive(Debug)]
#[must_use = "the lock ends when this is dropped"]
pub(super) struct Lock(File);

impl Lock {
    /// Waits for the lock of a directory, for a bounded time: a process that was stopped while it
    /// had the lock must not stop others.
    pub(super) fn take(directory: &Path) -> io::Result<Self> {
        let file = File::open(directory)?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if start.elapsed() >= LOCK_PATIENCE => {
                    let message = "another process has had the lock of the directory for too long";
                    return Err(io::Error::new(io::ErrorKind::WouldBlock, message));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            }
        }
    }

    /// Waits until the names in the directory are on the disk.
    pub(super) fn sync_names(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_only_segments_and_by_number() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["00000010.ndjson", "00000009.ndjson", "123456789.ndjson", "note.ndjson", "00000001.ndjson.new"] {
            fs::write(directory.path().join(name), "").unwrap();
        }
        let numbers: Vec<_> = segments(directory.path()).unwrap().iter().map(|segment| segment.number).collect();
        assert_eq!(numbers, [9, 10, 123_456_789]);
        assert_eq!(segments(&directory.path().join("none")).unwrap(), []);
    }

    #[test]
    fn a_line_without_an_end_is_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        let segment = Segment::new(directory.path(), 1);
        assert!(segment.lines().unwrap().next_line().unwrap().is_none(), "there is no file");
        fs::write(&segment.path, "one\n\ntorn").unwrap();
        let mut lines = segment.lines().unwrap();
        assert_eq!(lines.next_line().unwrap(), Some(&b"one\n"[..]));
        assert_eq!(lines.next_line().unwrap(), Some(&b"\n"[..]));
        assert_eq!(lines.next_line().unwrap(), None);
    }
}
