//! Finding files: what the patterns match, and the rotated siblings beside a container's log.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use glob::Pattern;

use super::identity::restart_number;

/// A file that is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The path as a pattern matched it; for a sibling, its own.
    pub(super) path: PathBuf,
    /// The path without symbolic links.
    pub(super) real: PathBuf,
    pub(super) device: u64,
    pub(super) inode: u64,
}

/// Where a file stands among those of its directory that hold one container's log: by restart
/// number, rotated ones by the time in their names, and the one that is written last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Order {
    pub(super) restart: u32,
    is_current: bool,
    name: String,
}

impl Order {
    /// The order of a file by its name.
    pub(super) fn of(path: &Path) -> Self {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let restart = restart_number(&name).unwrap_or(0);
        Self { restart, is_current: name.ends_with(".log"), name }
    }
}

/// Regular files that match a pattern and none of the exclusions.
pub(super) fn matching(patterns: &[Pattern], exclude: &[Pattern]) -> Vec<Found> {
    let mut found = Vec::new();
    for pattern in patterns {
        let Ok(paths) = glob::glob(pattern.as_str()) else { continue };
        // A directory that vanishes while it is read is no error.
        for path in paths.filter_map(Result::ok) {
            if !exclude.iter().any(|pattern| pattern.matches_path(&path)) {
                found.extend(look(&path));
            }
        }
    }
    found
}

/// The rotated, uncompressed files of the container whose log is at `real`, and its logs of
/// earlier restarts.
pub(super) fn siblings(real: &Path) -> Vec<Found> {
    let Some(directory) = real.parent() else { return Vec::new() };
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let is_log = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        restart_number(&name).is_some() && !name.ends_with(".gz") && !name.ends_with(".tmp")
    };
    entries.filter_map(Result::ok).map(|entry| entry.path()).filter(is_log).filter_map(|path| look(&path)).collect()
}

/// Names of what is in a directory; none if it cannot be read.
pub(super) fn names(directory: &Path) -> Vec<String> {
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    fs::read_dir(directory).map(|entries| entries.filter_map(Result::ok).map(name).collect()).unwrap_or_default()
}

/// The file at a path, if it is a regular one.
pub(super) fn look(path: &Path) -> Option<Found> {
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let real = fs::canonicalize(path).ok()?;
    Some(Found { path: path.to_owned(), real, device: metadata.dev(), inode: metadata.ino() })
}

/// Directories in which a pattern's files appear: what stands before its first wildcard.
pub(super) fn directories(patterns: &[Pattern]) -> Vec<PathBuf> {
    let fixed = |pattern: &Pattern| {
        let parts = Path::new(pattern.as_str()).components();
        let fixed: PathBuf =
            parts.take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '['])).collect();
        if fixed.as_os_str() == pattern.as_str() {
            fixed.parent().map(Path::to_owned).unwrap_or_default()
        } else {
            fixed
        }
    };
    patterns.iter().map(fixed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_a_containers_files_oldest_first() {
        let mut names = ["1.log", "0.log", "0.log.20261122-101531", "0.log.20261122-101530", "1.log.20261122-110000"];
        names.sort_by_key(|name| Order::of(Path::new(name)));
        let expected = ["0.log.20261122-101530", "0.log.20261122-101531", "0.log", "1.log.20261122-110000", "1.log"];
        assert_eq!(names, expected);
    }

    #[test]
    fn finds_files_and_leaves_out_what_is_excluded() {
        let root = tempfile::tempdir().unwrap();
        for name in ["a.log", "b.log", "c.txt", "0.log", "0.log.1", "0.log.2.gz", "0.log.3.tmp"] {
            fs::write(root.path().join(name), "").unwrap();
        }
        fs::create_dir(root.path().join("directory.log")).unwrap();
        let pattern = |text: &str| Pattern::new(&format!("{}/{text}", root.path().display())).unwrap();
        let names = |found: Vec<Found>| {
            let mut names: Vec<_> =
                found.iter().map(|found| found.path.file_name().unwrap().to_string_lossy().into_owned()).collect();
            names.sort();
            names
        };
        assert_eq!(names(matching(&[pattern("*.log")], &[Pattern::new("*/b.*").unwrap()])), ["0.log", "a.log"]);
        assert_eq!(names(siblings(&root.path().join("0.log"))), ["0.log", "0.log.1"]);
        assert_eq!(
            directories(&[pattern("*.log"), pattern("x/y.log")]),
            [root.path().to_owned(), root.path().join("x")]
        );
    }
}
