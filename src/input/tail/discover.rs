//! Finding files: what the patterns match, and the rotated siblings beside a log.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use glob::{MatchOptions, Pattern};

use super::disk::{Disk, Kind, Look};
use super::gzip;
use super::identity::restart_number;

/// A file that is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The path as a pattern matched it; for a sibling, that of the log it belongs to.
    pub(super) path: PathBuf,
    /// The path without symbolic links.
    pub(super) real: PathBuf,
    pub(super) device: u64,
    pub(super) inode: u64,
    /// Bytes on the disk.
    pub(super) length: u64,
    /// When it was written last, in nanoseconds since the epoch.
    pub(super) modified: i64,
}

impl Found {
    /// Which file it is.
    pub(super) fn key(&self) -> (u64, u64) {
        (self.device, self.inode)
    }

    /// It holds a compressed log.
    pub(super) fn is_compressed(&self) -> bool {
        gzip::is_compressed(&name_of(&self.real))
    }
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
        let name = name_of(path);
        let name = name.strip_suffix(".gz").unwrap_or(&name).to_owned();
        Self { restart: restart_number(&name).unwrap_or(0), is_current: name.ends_with(".log"), name }
    }
}

/// What a scan found.
#[derive(Debug, Default)]
pub(super) struct Paths {
    /// Paths that match a pattern and none of the exclusions. What they lead to was not looked at.
    pub(super) paths: Vec<PathBuf>,
    /// A directory that is there could not be listed: there may be more.
    pub(super) is_partial: bool,
}

/// Finds what the patterns match.
pub(super) fn matching(disk: &dyn Disk, patterns: &[Pattern], exclude: &[Pattern]) -> Paths {
    let mut found = Paths::default();
    for pattern in patterns {
        let parts: Vec<Component<'_>> = Path::new(pattern.as_str()).components().collect();
        walk(disk, PathBuf::new(), &parts, &mut found);
    }
    found.paths.retain(|path| !exclude.iter().any(|pattern| pattern.matches_path(path)));
    found
}

/// As in a shell: a wildcard matches no name that begins with a dot.
const AS_A_SHELL: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// Goes down a pattern part by part. A directory that vanishes meanwhile is no error.
fn walk(disk: &dyn Disk, base: PathBuf, parts: &[Component<'_>], found: &mut Paths) {
    let Some((part, rest)) = parts.split_first() else { return found.paths.push(base) };
    let text = part.as_os_str().to_string_lossy();
    let pattern = has_wildcard(&text).then(|| Pattern::new(&text).ok()).flatten();
    let Some(pattern) = pattern else {
        let path = base.join(part);
        if !rest.is_empty() || disk.look(&path).is_ok() {
            walk(disk, path, rest, found);
        }
        return;
    };
    let directory = if base.as_os_str().is_empty() { Path::new(".") } else { &base };
    let mut names = match disk.names(directory) {
        Ok(names) => names,
        Err(error) => {
            found.is_partial |= error.kind() != io::ErrorKind::NotFound;
            return;
        }
    };
    names.sort_unstable();
    for name in names {
        if name.to_str().is_some_and(|name| pattern.matches_with(name, AS_A_SHELL)) {
            walk(disk, base.join(&name), rest, found);
        }
    }
}

fn has_wildcard(part: &str) -> bool {
    part.contains(['*', '?', '['])
}

/// The other logs in the directory of a container whose log is at `real`: rotated ones, compressed
/// or not, and those of earlier restarts.
pub(super) fn siblings(disk: &dyn Disk, real: &Path) -> Vec<Found> {
    beside(disk, real, |name| restart_number(name).is_some())
}

fn beside(disk: &dyn Disk, real: &Path, is_wanted: impl Fn(&str) -> bool) -> Vec<Found> {
    let Some(directory) = real.parent() else { return Vec::new() };
    let Ok(mut names) = disk.names(directory) else { return Vec::new() };
    names.sort_unstable();
    let wanted = names.iter().filter_map(|name| name.to_str()).filter(|name| is_wanted(name));
    wanted.filter_map(|name| may_be_log(disk, directory, name)).collect()
}

/// What the kubelet is still compressing ends with `.tmp`.
fn may_be_log(disk: &dyn Disk, directory: &Path, name: &str) -> Option<Found> {
    if name.ends_with(".tmp") { None } else { look(disk, &directory.join(name)) }
}

/// The names in directories, each of which is listed once, however many of its files were found: to be made
/// after the files were looked at, so that whatever they were renamed from is there.
#[derive(Debug, Default)]
pub(super) struct Listings(HashMap<PathBuf, Vec<OsString>>);

impl Listings {
    /// What has a log's name in front: its rotated predecessors, where it is in no numbered directory, and whatever
    /// else is called so ([`is_rotated`] tells them apart).
    pub(super) fn named_alike(&mut self, disk: &dyn Disk, real: &Path) -> Vec<Found> {
        let (Some(directory), Some(own)) = (real.parent(), real.file_name()) else { return Vec::new() };
        for is_listed_again in [false, true] {
            let Some(names) = self.names(disk, directory) else { return Vec::new() };
            let from = names.partition_point(|name| name.as_bytes() <= own.as_bytes());
            let behind = names[from..].iter().take_while(|name| name.as_bytes().starts_with(own.as_bytes()));
            let paths: Vec<PathBuf> = behind.map(|name| directory.join(name)).collect();
            if is_listed_again || paths.iter().all(|path| disk.look(path).is_ok()) {
                let is_whole = |path: &&PathBuf| !path.as_os_str().as_bytes().ends_with(b".tmp");
                return paths.iter().filter(is_whole).filter_map(|path| look(disk, path)).collect();
            }
            // One has another name since the directory was listed, or leads nowhere.
            self.0.remove(directory);
        }
        Vec::new()
    }

    /// Sorted; `None` if the directory cannot be listed now.
    fn names(&mut self, disk: &dyn Disk, directory: &Path) -> Option<&[OsString]> {
        if !self.0.contains_key(directory) {
            let mut names = disk.names(directory).ok()?;
            names.sort_unstable();
            self.0.insert(directory.to_owned(), names);
        }
        self.0.get(directory).map(Vec::as_slice)
    }
}

/// A file's name is that of a log with what rotation puts behind it.
pub(super) fn is_rotated(log: &Path, file: &Path) -> bool {
    let suffix = file.as_os_str().as_bytes().strip_prefix(log.as_os_str().as_bytes());
    suffix.is_some_and(is_rotation)
}

/// Rotation puts a number or a time behind a name (`.1`, `-20261122`, `.2026-11-22T10.gz`), or `.old`. Other
/// files whose names only begin alike (`app.log.audit`) are other logs, and what is compressed otherwise
/// cannot be read.
fn is_rotation(suffix: &[u8]) -> bool {
    let suffix = suffix.strip_suffix(b".gz").unwrap_or(suffix);
    match suffix {
        b".old" => true,
        [b'.' | b'-' | b'_', first, ..] => {
            first.is_ascii_digit() && suffix.iter().all(|byte| byte.is_ascii_digit() || b".-_:+TZ".contains(byte))
        }
        _ => false,
    }
}

/// The file at a path, if it is a regular one.
pub(super) fn look(disk: &dyn Disk, path: &Path) -> Option<Found> {
    let Look { device, inode, length, modified, .. } = disk.look(path).ok().filter(|look| look.kind == Kind::File)?;
    let real = disk.resolve(path).ok()?;
    Some(Found { path: path.to_owned(), real, device, inode, length, modified })
}

/// Where in the directory of `real` the file of this device and inode is now.
pub(super) fn find_again(disk: &dyn Disk, real: &Path, key: (u64, u64)) -> Option<PathBuf> {
    let directory = real.parent()?;
    let is_compressed = |path: &Path| gzip::is_compressed(&name_of(path));
    let may_be = |path: &Path| is_compressed(path) == is_compressed(real) && !name_of(path).ends_with(".tmp");
    let is_it = |path: &PathBuf| may_be(path) && disk.look(path).is_ok_and(|look| look.key() == key);
    disk.names(directory).ok()?.into_iter().map(|name| directory.join(name)).find(is_it)
}

/// Directories in which a pattern's files appear: what stands before its first wildcard.
pub(super) fn directories(patterns: &[Pattern]) -> Vec<PathBuf> {
    let fixed = |pattern: &Pattern| {
        let parts = Path::new(pattern.as_str()).components();
        let fixed: PathBuf = parts.take_while(|part| !has_wildcard(&part.as_os_str().to_string_lossy())).collect();
        if fixed.as_os_str() == pattern.as_str() {
            fixed.parent().map(Path::to_owned).unwrap_or_default()
        } else {
            fixed
        }
    };
    patterns.iter().map(fixed).collect()
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::disk::RealDisk;
    use super::*;

    #[test]
    fn orders_a_containers_files_oldest_first() {
        let mut names =
            ["1.log", "0.log", "0.log.20261122-101531", "0.log.20261122-101530.gz", "1.log.20261122-110000"];
        names.sort_by_key(|name| Order::of(Path::new(name)));
        let expected = ["0.log.20261122-101530.gz", "0.log.20261122-101531", "0.log", "1.log.20261122-110000", "1.log"];
        assert_eq!(names, expected);
    }

    #[test]
    fn finds_files_and_leaves_out_what_is_excluded() {
        let root = tempfile::tempdir().unwrap();
        for name in ["a.log", "b.log", ".c.log", "c.txt", "0.log", "0.log.1", "0.log.2.gz", "0.log.3.tmp"] {
            fs::write(root.path().join(name), "").unwrap();
        }
        fs::create_dir_all(root.path().join("pods/one")).unwrap();
        fs::write(root.path().join("pods/one/x.log"), "").unwrap();
        let pattern = |text: &str| Pattern::new(&format!("{}/{text}", root.path().display())).unwrap();
        let names = |paths: Vec<PathBuf>| {
            paths.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let exclude = [Pattern::new("*/b.*").unwrap()];
        assert_eq!(names(matching(&RealDisk, &[pattern("*.log")], &exclude).paths), ["0.log", "a.log"]);
        assert_eq!(
            names(matching(&RealDisk, &[pattern("p*/*/*.log"), pattern("c.txt")], &[]).paths),
            ["x.log", "c.txt"]
        );
        let none = matching(&RealDisk, &[pattern("none.txt"), pattern("none/*.log")], &[]);
        assert!(none.paths.is_empty() && !none.is_partial);
        let siblings = siblings(&RealDisk, &root.path().join("0.log"));
        assert_eq!(names(siblings.into_iter().map(|found| found.path).collect()), ["0.log", "0.log.1", "0.log.2.gz"]);
        std::os::unix::fs::symlink("nowhere", root.path().join("0.log.4")).unwrap();
        let alike = Listings::default().named_alike(&RealDisk, &root.path().join("0.log"));
        assert_eq!(names(alike.into_iter().map(|found| found.path).collect()), ["0.log.1", "0.log.2.gz"]);
        assert_eq!(look(&RealDisk, &root.path().join("pods")), None, "a directory is no log");
        assert_eq!(
            directories(&[pattern("*.log"), pattern("x/y.log")]),
            [root.path().to_owned(), root.path().join("x")]
        );
    }

    #[test]
    fn tells_rotated_logs_from_others() {
        for suffix in [".1", ".1.gz", "-20261122", "-20261122.gz", ".2026-11-22T10:00:00Z", "_3", ".old", ".old.gz"] {
            assert!(is_rotation(suffix.as_bytes()), "{suffix}");
        }
        for suffix in ["", ".gz", ".audit", ".err", ".1.xz", ".1.zst", ".1.tmp", "1", ".", ".v2"] {
            assert!(!is_rotation(suffix.as_bytes()), "{suffix}");
        }
    }

    #[test]
    fn finds_a_file_that_was_renamed() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("0.log");
        fs::write(&path, "x").unwrap();
        let key = RealDisk.look(&path).unwrap().key();
        fs::rename(&path, root.path().join("0.log.1")).unwrap();
        fs::write(&path, "y").unwrap();
        assert_eq!(find_again(&RealDisk, &path, key), Some(root.path().join("0.log.1")));
    }
}
