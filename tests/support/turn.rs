//! One heavy test at a time, over all test programs of this user.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::MetadataExt as _;

/// The right to load the machine, until it is dropped.
///
/// Two nodes that index at once on two cores are slower than one after the other, and waits run out. A shared server
/// that idles meanwhile costs memory only.
#[must_use = "the turn ends when this is dropped"]
pub struct Turn {
    /// The lock belongs to this very open file, so it holds between the threads of a program as well.
    _locked: File,
}

/// Waits until no other test has the turn, and takes it.
pub fn turn() -> Turn {
    let user = std::fs::metadata("/proc/self").expect("/proc is there").uid();
    let path = std::env::temp_dir().join(format!("flytail-tests-{user}.lock"));
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let file = file.unwrap_or_else(|error| panic!("cannot open {}: {error}", path.display()));
    file.lock().unwrap_or_else(|error| panic!("cannot lock {}: {error}", path.display()));
    Turn { _locked: file }
}
