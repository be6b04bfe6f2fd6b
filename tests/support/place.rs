//! A directory with containers' logs as a kubelet keeps them, a configuration, and what arrived. For tests whose
//! lines are few and whose output is a file.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use flytail::record::Timestamp;
use serde_json::Value;

use super::shipper::wait_for;

/// A directory of logs and a shipper's files.
pub struct Place {
    /// All of it.
    pub root: tempfile::TempDir,
}

impl Place {
    /// An empty one.
    pub fn new() -> Self {
        let place = Self { root: tempfile::tempdir().unwrap() };
        fs::create_dir(place.path("containers")).unwrap();
        place
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The log of a container, with a link to it.
    pub fn container(&self, number: usize) -> PathBuf {
        let directory = self.path(&format!("pods/flyte_pod-{number}_uid-{number}/main"));
        fs::create_dir_all(&directory).unwrap();
        let log = directory.join("0.log");
        self.link(&log, number, number);
        log
    }

    /// Links a log as a container of this id, of the pod of this number.
    pub fn link(&self, log: &Path, pod: usize, id: usize) -> PathBuf {
        let link = self.path(&format!("containers/pod-{pod}_flyte_main-{id:064x}.log"));
        symlink(log, &link).unwrap();
        link
    }

    /// A configuration that tails a pattern and writes what arrives to `out`, or to an output of its own.
    pub fn configure(&self, pattern: &str, options: &str, output: &str) -> PathBuf {
        let root = self.root.path().display();
        let file = format!("Name file\n  Path {root}\n  File out\n  Format plain");
        let output = if output.is_empty() { &file } else { output };
        let text = format!(
            "[SERVICE]\n  Flush 0.1\n  Log_Level debug\n[INPUT]\n  Name tail\n  Path {root}/{pattern}\n  DB {root}/state/tail.db\n  \
             Refresh_Interval 1\n  Tag kube.*\n  {options}\n\
             [FILTER]\n  Name kubernetes\n  Match *\n  Merge_Log On\n  Keep_Log Off\n\
             [OUTPUT]\n  Match *\n  {output}\n"
        );
        let configuration = self.path("flytail.conf");
        fs::write(&configuration, text).unwrap();
        configuration
    }

    /// The same without the Flyte filter, and so without what comes with it: what arrives is what Fluent Bit would send.
    pub fn configure_without_flyte(&self, pattern: &str, output: &str) -> PathBuf {
        let configuration = self.configure(pattern, "multiline.parser cri", output);
        let text = fs::read_to_string(&configuration).unwrap();
        fs::write(&configuration, text.replacen("[SERVICE]\n", "[SERVICE]\n  Flyte Off\n", 1)).unwrap();
        configuration
    }

    /// What arrived.
    pub fn documents(&self) -> Vec<Value> {
        let out = fs::read_to_string(self.path("out")).unwrap_or_default();
        let whole = out.rfind('\n').map_or(0, |end| end + 1);
        out[..whole].lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect()
    }

    /// The messages that arrived, as often as they did, sorted.
    pub fn messages(&self) -> Vec<String> {
        let documents = self.documents().into_iter();
        let mut messages: Vec<_> = documents.map(|document| document["message"].as_str().unwrap().to_owned()).collect();
        messages.sort();
        messages
    }

    /// Waits until just these messages have arrived.
    pub fn wait_for(&self, messages: &[&str]) {
        let mut wanted: Vec<_> = messages.iter().map(|message| (*message).to_owned()).collect();
        wanted.sort();
        wait_for(&wanted, || self.messages());
    }
}

/// Appends to a file, made if need be.
pub fn append(path: &Path, text: &str) {
    fs::OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

/// A whole line on the standard output as containerd writes it, now.
pub fn line(text: &str) -> String {
    entry("stdout", "F", text)
}

/// The same on any stream, whole (`F`) or not (`P`).
pub fn entry(stream: &str, tag: &str, text: &str) -> String {
    let mut time = Vec::new();
    Timestamp::now().write_rfc3339(&mut time);
    format!("{} {stream} {tag} {text}\n", String::from_utf8(time).unwrap())
}

/// Compresses a file as the kubelet does: under another name first.
pub fn compress(path: &Path) {
    let temporary = PathBuf::from(format!("{}.tmp", path.display()));
    let mut encoder = GzEncoder::new(fs::File::create(&temporary).unwrap(), Compression::fast());
    encoder.write_all(&fs::read(path).unwrap()).unwrap();
    encoder.finish().unwrap();
    fs::rename(&temporary, format!("{}.gz", path.display())).unwrap();
    fs::remove_file(path).unwrap();
}
