//! Rewriting segments, also under the hands of a running shipper.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

use super::segment::{Lock, Segment};

/// What ends the name of a file that is about to take a segment's place.
const NEW: &str = "new";

/// What becomes of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It stays.
    Keep,
    /// It goes.
    Remove,
    /// This line, with its end, stands in its place.
    Replace(Vec<u8>),
}

/// What was changed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Edited {
    /// Lines that are gone.
    pub removed: u64,
    /// Lines that are other ones now.
    pub replaced: u64,
}

/// Changes a segment line by line. It is read afresh under the lock of its directory, so that
/// `change` sees also what was appended in the meantime. A segment without lines is removed.
/// Whatever happens, the segment is the old one or the new one as a whole.
///
/// # Errors
/// If the directory cannot be changed; then the segment is the old one.
pub fn rewrite(segment: &Segment, mut change: impl FnMut(&[u8]) -> Change) -> io::Result<Edited> {
    let Some(directory) = segment.path.parent() else { return Ok(Edited::default()) };
    let lock = Lock::take(directory)?;
    let new = segment.path.with_added_extension(NEW);
    let outcome = write_new(segment, &new, &mut change);
    let replaced = outcome.and_then(|(edited, left)| {
        match left {
            _ if edited == Edited::default() => fs::remove_file(&new)?,
            0 => {
                fs::remove_file(&new)?;
                fs::remove_file(&segment.path)?;
            }
            _ => fs::rename(&new, &segment.path)?,
        }
        lock.sync_names()?;
        Ok(edited)
    });
    match replaced {
        // Evicted since it was listed: there is nothing to change.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Edited::default()),
        Err(error) => {
            // The first error says more than one about the file that was left.
            drop(fs::remove_file(&new));
            Err(error)
        }
        edited => edited,
    }
}

/// Writes the changed lines to another file, synced. What was changed, and how many lines are left.
fn write_new(segment: &Segment, new: &Path, change: &mut impl FnMut(&[u8]) -> Change) -> io::Result<(Edited, u64)> {
    let old = File::open(&segment.path)?;
    let mut writer = BufWriter::new(like(&old, new)?);
    let mut lines = segment.lines()?;
    let (mut edited, mut left) = (Edited::default(), 0);
    while let Some(line) = lines.next_line()? {
        match change(line) {
            Change::Keep => writer.write_all(line)?,
            Change::Replace(other) => {
                edited.replaced += 1;
                writer.write_all(&other)?;
            }
            Change::Remove => {
                edited.removed += 1;
                continue;
            }
        }
        left += 1;
    }
    writer.into_inner()?.sync_all()?;
    Ok((edited, left))
}

/// A new file of the same owner and mode, so that the shipper can go on with it although an
/// administrator made it.
fn like(old: &File, new: &Path) -> io::Result<File> {
    let metadata = old.metadata()?;
    let mode = metadata.mode() & 0o777;
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(new)?;
    if file.metadata()?.uid() != metadata.uid() || file.metadata()?.gid() != metadata.gid() {
        fchown(&file, Some(metadata.uid()), Some(metadata.gid()))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::super::segment::segments;
    use super::*;

    #[test]
    fn removes_and_replaces_lines_and_then_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let segment = Segment::new(directory.path(), 7);
        fs::write(&segment.path, "a\nb\nc\ntorn").unwrap();
        // A leftover of a crash is no obstacle.
        fs::write(segment.path.with_added_extension(NEW), "rubbish").unwrap();
        let edited = rewrite(&segment, |line| match line {
            b"a\n" => Change::Remove,
            b"b\n" => Change::Replace(b"B\n".to_vec()),
            _ => Change::Keep,
        });
        assert_eq!(edited.unwrap(), Edited { removed: 1, replaced: 1 });
        assert_eq!(fs::read_to_string(&segment.path).unwrap(), "B\nc\n");
        let inode = fs::metadata(&segment.path).unwrap().ino();
        assert_eq!(rewrite(&segment, |_| Change::Keep).unwrap(), Edited::default());
        assert_eq!(fs::metadata(&segment.path).unwrap().ino(), inode, "nothing to change, nothing touched");
        assert_eq!(rewrite(&segment, |_| Change::Remove).unwrap().removed, 2);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        assert_eq!(rewrite(&segment, |_| Change::Remove).unwrap(), Edited::default(), "it is gone");
        assert_eq!(segments(directory.path()).unwrap(), []);
    }

    #[test]
    fn what_cannot_be_written_leaves_the_segment_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let segment = Segment::new(directory.path(), 7);
        fs::write(&segment.path, "a\nb\n").unwrap();
        std::os::unix::fs::symlink("/dev/full", segment.path.with_added_extension(NEW)).unwrap();
        let error = rewrite(&segment, |line| if line == b"a\n" { Change::Remove } else { Change::Keep });
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read_to_string(&segment.path).unwrap(), "a\nb\n");
    }
}
