//! The real tools, from `install`, and where the files under test are.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The directory `deploy/` of this repository.
pub(crate) fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

/// A tool of a set that `install` knows.
pub(crate) fn tool(set: &str, name: &str) -> Command {
    let install = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/monitoring/install");
    let output = Command::new(install).arg(set).output().expect("tests/monitoring/install can be run");
    assert!(output.status.success(), "install {set}: {}", String::from_utf8_lossy(&output.stderr));
    Command::new(Path::new(String::from_utf8_lossy(&output.stdout).trim_end()).join(name))
}

/// Runs a command that has to succeed, and returns what it says.
pub(crate) fn run(command: &mut Command) -> String {
    let (is_success, said) = try_run(command);
    assert!(is_success, "{command:?} failed:\n{said}");
    said
}

/// Runs a command. Returns whether it succeeded and all that it said.
pub(crate) fn try_run(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// The files of a directory with one of these endings, sorted.
pub(crate) fn files(directory: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut found: Vec<_> =
        paths.filter(|path| endings.iter().any(|ending| path.to_string_lossy().ends_with(ending))).collect();
    found.sort();
    assert!(!found.is_empty(), "{} has no {endings:?}", directory.display());
    found
}
