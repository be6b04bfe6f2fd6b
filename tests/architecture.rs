//! Guards the arrows between the folders of `src/`, as `src/lib.rs` draws them.

#![allow(clippy::unwrap_used, reason = "that is how a test fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What each folder may import of the others.
const ALLOWED: &[(&str, &[&str])] = &[
    ("config", &[]),
    ("record", &[]),
    ("telemetry", &[]),
    ("kql", &["record"]),
    ("kubernetes", &["config", "record", "telemetry"]),
    ("input", &["config", "record", "telemetry", "spool", "kubernetes"]),
    ("decode", &["config", "record", "telemetry"]),
    ("parser", &["config", "record", "telemetry"]),
    ("filter", &["config", "record", "telemetry", "kubernetes"]),
    ("output", &["config", "record", "telemetry"]),
    ("spool", &["config", "record", "telemetry"]),
    (
        "pipeline",
        &["config", "record", "telemetry", "kubernetes", "input", "decode", "parser", "filter", "output", "spool"],
    ),
    ("cli", &["config", "record", "telemetry", "pipeline", "parser", "output", "spool", "kql"]),
];

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Folders that a source names behind `crate::`, tests left out.
fn imports(text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let names = lines.flat_map(|line| line.split("crate::").skip(1).map(str::to_owned).collect::<Vec<_>>());
    names
        .map(|rest| rest.chars().take_while(|letter| letter.is_ascii_lowercase() || *letter == '_').collect())
        .collect()
}

#[test]
fn no_stage_imports_another() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for (folder, allowed) in ALLOWED {
        let mut files = Vec::new();
        sources(&root.join(folder), &mut files);
        assert!(!files.is_empty(), "src/{folder} holds no sources");
        for file in files.iter().filter(|file| !file.to_string_lossy().contains("test")) {
            for import in imports(&fs::read_to_string(file).unwrap()) {
                let is_folder = ALLOWED.iter().any(|(name, _)| *name == import);
                if is_folder && import != *folder && !allowed.contains(&import.as_str()) {
                    wrong.push(format!("{} imports {import}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_folder_is_guarded() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(!path.is_dir() || ALLOWED.iter().any(|(folder, _)| *folder == name), "src/{name} has no arrows yet");
    }
}
