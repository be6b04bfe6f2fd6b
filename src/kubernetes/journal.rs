//! What is known of pods, on the disk: for logs that are read after a restart, when their pods are gone.
//!
//! A file of JSON lines, one for each change of a pod. It is a help and no truth: what cannot be read
//! of it is left out, and where it cannot be written the process goes on without.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::pods::{Entry, Milliseconds};
use crate::record::PodMetadata;

/// Bytes of changes after which only what still holds is written anew.
const LONGEST: u64 = 8 * 1024 * 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: Option<File>,
    length: u64,
}

#[derive(Serialize)]
struct Written<'a> {
    pod: &'a PodMetadata,
    gone: Option<Milliseconds>,
}

#[derive(Deserialize)]
struct Read {
    pod: PodMetadata,
    gone: Option<Milliseconds>,
}

impl Journal {
    /// The journal at this path; nothing is read or written yet.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, file: None, length: 0 }
    }

    /// What it holds. The last line of a pod counts.
    pub(super) fn read(&self) -> io::Result<HashMap<String, Entry>> {
        let text = match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(HashMap::new()),
            text => text?,
        };
        // A line that was not written whole is passed over.
        let lines = text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Read>(line).ok());
        Ok(lines.map(|line| (line.pod.uid.clone(), Entry { pod: Arc::new(line.pod), gone: line.gone })).collect())
    }

    /// Adds changes. `all` gives everything that is known, for the case that it is written anew.
    pub(super) fn add(&mut self, changed: &[Entry], all: impl Fn() -> HashMap<String, Entry>) -> io::Result<()> {
        let Some(file) = self.file.as_mut().filter(|_| self.length < LONGEST) else {
            return self.write_anew(&all());
        };
        let lines = lines(changed.iter())?;
        file.write_all(&lines)?;
        self.length += lines.len() as u64;
        Ok(())
    }

    /// The new file takes the place of the old one when it is whole.
    fn write_anew(&mut self, all: &HashMap<String, Entry>) -> io::Result<()> {
        self.file = None;
        if let Some(directory) = self.path.parent() {
            fs::create_dir_all(directory)?;
        }
        let next = beside(&self.path);
        let mut file = File::create(&next)?;
        let lines = lines(all.values())?;
        file.write_all(&lines)?;
        fs::rename(&next, &self.path)?;
        (self.file, self.length) = (Some(file), lines.len() as u64);
        Ok(())
    }
}

fn lines<'a>(entries: impl Iterator<Item = &'a Entry>) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for entry in entries {
        serde_json::to_writer(&mut lines, &Written { pod: &entry.pod, gone: entry.gone })?;
        lines.push(b'\n');
    }
    Ok(lines)
}

fn beside(path: &Path) -> PathBuf {
    path.with_added_extension("new")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(uid: &str, gone: Option<Milliseconds>) -> Entry {
        let labels = vec![("execution-id".to_owned(), "a1".to_owned())];
        Entry { pod: Arc::new(PodMetadata { uid: uid.to_owned(), labels, ..PodMetadata::default() }), gone }
    }

    fn all(entries: &[Entry]) -> HashMap<String, Entry> {
        entries.iter().map(|entry| (entry.pod.uid.clone(), entry.clone())).collect()
    }

    #[test]
    fn keeps_the_last_that_was_told_of_a_pod() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state/pods");
        let mut journal = Journal::new(path.clone());
        assert_eq!(journal.read().unwrap(), HashMap::new());
        let (one, two, one_gone) = (entry("one", None), entry("two", None), entry("one", Some(7)));
        journal.add(std::slice::from_ref(&one), || all(std::slice::from_ref(&one))).unwrap();
        journal.add(&[two.clone(), one_gone.clone()], || unreachable!()).unwrap();
        let known = all(&[one_gone, two]);
        assert_eq!(Journal::new(path.clone()).read().unwrap(), known);
        fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"pod\":{\"uid\":\"thr").unwrap();
        assert_eq!(Journal::new(path).read().unwrap(), known, "the torn line is left out");
    }

    #[test]
    fn is_written_anew_when_it_is_long() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pods");
        let mut journal = Journal::new(path.clone());
        let one = entry("one", None);
        journal.add(&[], || all(&[])).unwrap();
        for _ in 0..10 {
            journal.add(std::slice::from_ref(&one), || unreachable!()).unwrap();
        }
        let long = fs::metadata(&path).unwrap().len();
        journal.length = LONGEST;
        journal.add(&[], || all(std::slice::from_ref(&one))).unwrap();
        assert!(fs::metadata(&path).unwrap().len() < long);
        assert_eq!(journal.read().unwrap(), all(&[one]));
    }
}
