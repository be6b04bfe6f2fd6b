//! Writing letters down: the newest segment, the limit, and what is done while the disk is full.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::census::{Census, Kept};
use super::letter::DeadLetter;
use super::segment::{self, Lock, Segment};
use crate::telemetry::Throttle;
use crate::telemetry::dead_letters::DeadLetterAccount;

/// How long letters wait for a disk that cannot be written to. After that, while it stays so, each
/// is tried once: what is refused must not hold up what is not.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two tries.
const PAUSE: Duration = Duration::from_secs(1);
/// Between two looks at what others did to the directory.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);
/// The largest segment, in bytes: what is rewritten at once.
const LARGEST_SEGMENT: u64 = 10_000_000;
/// Segments at the limit, so that a tenth goes at a time.
const SEGMENTS: u64 = 10;
/// Mode of the files: the lines of logs are nobody else's business.
const FILE_MODE: u32 = 0o600;

/// The file that is written to see whether files can be written.
const PROBE: &str = "probe.new";
/// Its bytes: more than what a file system may have left in a block.
const PROBE_BYTES: usize = 64 * 1024;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all segments together.
    pub total: u64,
    /// Bytes of one segment; a longer letter has a segment of its own.
    pub segment: u64,
}

impl Limits {
    /// Limits for so many bytes in all.
    #[must_use]
    pub fn new(total: u64) -> Self {
        Self { total, segment: (total / SEGMENTS).clamp(1, LARGEST_SEGMENT) }
    }
}

/// What became of letters that were to be stored.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// They are on the disk.
    pub kept: u64,
    /// They could not be stored.
    pub lost: u64,
}

/// The directory that dead letters are written to. It is made when the first one comes.
#[derive(Debug)]
pub struct DeadLetters {
    directory: PathBuf,
    limits: Limits,
    account: Arc<DeadLetterAccount>,
    census: Mutex<Census>,
    failing_since: Mutex<Option<Instant>>,
    failures: Throttle,
}

/// The segment that is appended to.
#[derive(Debug)]
struct Live {
    number: u64,
    file: File,
}

impl DeadLetters {
    /// Dead letters go to a directory; nothing is touched yet.
    #[must_use]
    pub fn new(directory: PathBuf, limits: Limits, account: Arc<DeadLetterAccount>) -> Self {
        let (census, failing_since, failures) = Default::default();
        Self { directory, limits, account, census, failing_since, failures }
    }

    /// Where they go.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Stores letters and waits until they are on the disk. While that fails (a full disk), it is
    /// tried again for half a minute, counted from the first failure of all; then what is left is
    /// given up, loudly.
    pub async fn push(self: &Arc<Self>, letters: &[DeadLetter]) -> Stored {
        let lines: Arc<[Vec<u8>]> = letters.iter().map(DeadLetter::to_line).collect();
        let mut kept = 0;
        loop {
            let (this, all) = (Arc::clone(self), Arc::clone(&lines));
            // A disk may take its time, and the runtime has other things to wait for.
            let appended = tokio::task::spawn_blocking(move || this.append(&all[kept..])).await;
            let (more, outcome) = appended.unwrap_or_else(|error| (0, Err(io::Error::other(error))));
            kept += more;
            let left = lines.len() - kept;
            match outcome {
                Err(error) if self.gives_up(&error, left) => {
                    return Stored { kept: kept as u64, lost: left as u64 };
                }
                Err(_) => sleep(PAUSE).await,
                Ok(()) => {
                    self.recovered();
                    return Stored { kept: kept as u64, lost: 0 };
                }
            }
        }
    }

    /// Keeps the account up to date: others may remove letters, and make room on the disk.
    pub async fn watch(self: Arc<Self>) {
        loop {
            let this = Arc::clone(&self);
            // What cannot be looked at cannot be counted; who writes will complain.
            drop(tokio::task::spawn_blocking(move || this.look().and_then(|()| this.probe())).await);
            sleep(LOOK_INTERVAL).await;
        }
    }

    /// Looks whether the disk can be written to again: the next letter may be long in coming, and
    /// until then the process would be called unhealthy for nothing.
    fn probe(&self) -> io::Result<()> {
        if self.account.error().is_none() {
            return Ok(());
        }
        segment::create(&self.directory)?;
        let path = self.directory.join(PROBE);
        let written = File::create(&path).and_then(|mut file| {
            file.write_all(&[b' '; PROBE_BYTES])?;
            file.sync_data()
        });
        // It takes no room, whether or not it was written whole.
        drop(std::fs::remove_file(&path));
        written.inspect(|()| self.recovered())
    }

    fn look(&self) -> io::Result<()> {
        let mut census = lock(&self.census);
        census.look(&self.directory)?;
        self.publish(&census);
        Ok(())
    }

    fn publish(&self, census: &Census) {
        let Kept { records, bytes } = census.total();
        self.account.keeps(records, bytes);
    }

    /// A write failed with so many letters left. Whether it has been failing for too long.
    fn gives_up(&self, error: &io::Error, left: usize) -> bool {
        let now = Instant::now();
        let since = *lock(&self.failing_since).get_or_insert(now);
        self.account.failed(format!("{}: {error}", self.directory.display()));
        let gives_up = now.duration_since(since) >= PATIENCE;
        if self.failures.allows() {
            let (path, count) = (self.directory.display(), left);
            if gives_up {
                tracing::error!(%path, %error, count, reason = "dead_letters_unwritable", "dead letters are dropped");
            } else {
                tracing::error!(%path, %error, count, "dead letters cannot be written, trying again");
            }
        }
        gives_up
    }

    fn recovered(&self) {
        if lock(&self.failing_since).take().is_some() {
            tracing::info!(path = %self.directory.display(), "dead letters can be written again");
        }
        self.account.recovered();
    }

    /// Appends lines, each with its end. How many of them are on the disk, and why not all.
    fn append(&self, lines: &[Vec<u8>]) -> (usize, io::Result<()>) {
        let mut census = lock(&self.census);
        let mut done = 0;
        let outcome = self.append_to(&mut census, lines, &mut done);
        self.publish(&census);
        (done, outcome)
    }

    fn append_to(&self, census: &mut Census, lines: &[Vec<u8>], done: &mut usize) -> io::Result<()> {
        segment::create(&self.directory)?;
        let directory = Lock::take(&self.directory)?;
        census.look(&self.directory)?;
        let mut live = self.open(census, &directory)?;
        while *done < lines.len() {
            let (rest, length) = (&lines[*done..], census.of(live.number).bytes);
            let count = fitting(rest, self.limits.segment.saturating_sub(length));
            if count == 0 && length > 0 {
                live = self.create(census, live.number + 1, &directory)?;
                continue;
            }
            let count = count.max(1);
            let chunk = rest[..count].concat();
            self.make_room(census, chunk.len() as u64, live.number)?;
            live.append(census, &chunk, count as u64)?;
            *done += count;
        }
        Ok(())
    }

    /// The newest segment, unless it is full or not ours to write to; else a new one.
    fn open(&self, census: &mut Census, lock: &Lock) -> io::Result<Live> {
        let Some(newest) = census.newest() else { return self.create(census, 1, lock) };
        if census.of(newest).bytes < self.limits.segment {
            match self.go_on(census, newest) {
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                live => return live,
            }
        }
        self.create(census, newest + 1, lock)
    }

    /// Opens a segment that is there, without what a crash left at its end.
    fn go_on(&self, census: &mut Census, number: u64) -> io::Result<Live> {
        let path = Segment::new(&self.directory, number).path;
        let file = OpenOptions::new().read(true).append(true).open(&path)?;
        let Kept { records, bytes } = census.of(number);
        let whole = whole_lines(&file, bytes)?;
        if whole < bytes {
            file.set_len(whole)?;
            census.set(number, file.metadata()?.ino(), Kept { records, bytes: whole });
            let bytes = bytes - whole;
            tracing::warn!(segment = %path.display(), bytes, "cut off what a crash left of a dead letter");
        }
        Ok(Live { number, file })
    }

    fn create(&self, census: &mut Census, number: u64, lock: &Lock) -> io::Result<Live> {
        let path = Segment::new(&self.directory, number).path;
        let file = OpenOptions::new().append(true).create_new(true).mode(FILE_MODE).open(path)?;
        lock.sync_names()?;
        census.set(number, file.metadata()?.ino(), Kept::default());
        Ok(Live { number, file })
    }

    /// Lets the oldest segments go until so many bytes more are within the limit.
    fn make_room(&self, census: &mut Census, more: u64, live: u64) -> io::Result<()> {
        while census.total().bytes + more > self.limits.total {
            let Some(oldest) = census.oldest().filter(|oldest| *oldest != live) else { return Ok(()) };
            let segment = Segment::new(&self.directory, oldest);
            std::fs::remove_file(&segment.path)?;
            let Kept { records, bytes } = census.of(oldest);
            census.forget(oldest);
            self.account.evicted(records);
            tracing::warn!(
                segment = %segment.path.display(),
                records,
                bytes,
                reason = "Dead_Letter_Limit",
                "the oldest dead letters are gone"
            );
        }
        Ok(())
    }
}

impl Live {
    /// Appends lines and waits until they are on the disk.
    fn append(&mut self, census: &mut Census, chunk: &[u8], count: u64) -> io::Result<()> {
        let Kept { records, bytes } = census.of(self.number);
        let written = self.file.write_all(chunk).and_then(|()| self.file.sync_data());
        // What a full disk cut off must not stand in front of the next try.
        written.inspect_err(|_| drop(self.file.set_len(bytes)))?;
        let kept = Kept { records: records + count, bytes: bytes + chunk.len() as u64 };
        census.set(self.number, self.file.metadata()?.ino(), kept);
        Ok(())
    }
}

/// How many of the first lines fit into so many bytes.
fn fitting(lines: &[Vec<u8>], room: u64) -> usize {
    let mut length = 0;
    lines
        .iter()
        .take_while(|line| {
            length += line.len() as u64;
            length <= room
        })
        .count()
}

/// Length of the whole lines of a file of so many bytes.
fn whole_lines(file: &File, length: u64) -> io::Result<u64> {
    const BLOCK: u64 = 64 * 1024;
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        let mut block = vec![0; usize::try_from(end - start).unwrap_or_default()];
        file.read_exact_at(&mut block, start)?;
        if let Some(at) = memchr::memrchr(b'\n', &block) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
