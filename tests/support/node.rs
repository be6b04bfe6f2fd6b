//! A node's container logs on disk, the shipper's configuration for them, and the check of what arrived.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

use flytail::cli::demo::generator::{Format, Generator, Kubelet, KubeletOptions, Runtime, Truth, sequence_in};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::Client;
use super::server::{PASSWORD, Server};
use super::shipper::flytail;

/// The brief's configuration, section 3.2, word for word.
pub const BRIEF: &str = "\
[SERVICE]
  Parsers_File parsers.conf
[INPUT]
  Name tail
  Path /var/log/containers/*flyte*.log
  Tag kube.*
  Parser docker
  Mem_Buf_Limit 50MB
[FILTER]
  Name kubernetes
  Match kube.*
  Kube_URL https://kubernetes.default.svc:443
  Merge_Log On
  Keep_Log Off
[OUTPUT]
  Name es
  Match *
  Host elasticsearch
  Port 9200
  Index flyte-logs
  HTTP_User ${ES_USER}
  HTTP_Passwd ${ES_PASS}
";

/// A node with a generator of lines, and what must become of them.
pub struct Node {
    pub directory: TempDir,
    pub generator: Generator,
    pub kubelet: Kubelet,
    /// By sequence number.
    pub truths: HashMap<u64, Truth>,
}

impl Node {
    /// A node whose container runtime is this one.
    pub fn new(seed: u64, runtime: Runtime) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let generator = Generator::new(seed);
        let options = KubeletOptions { runtime, ..KubeletOptions::default() };
        let kubelet = Kubelet::new(directory.path(), generator.cluster(), options).unwrap();
        let metadata = directory.path().join("metadata");
        fs::create_dir_all(&metadata).unwrap();
        generator.cluster().write_metadata(&metadata).unwrap();
        Self { directory, generator, kubelet, truths: HashMap::new() }
    }

    /// The same node for a shipper that is told nothing of its pods.
    pub fn without_metadata(self) -> Self {
        Self { generator: self.generator.without_metadata(), ..self }
    }

    /// Writes `count` lines of now.
    pub fn write(&mut self, count: usize) {
        for _ in 0..count {
            let line = self.generator.next(now());
            self.kubelet.write(&line).unwrap();
            self.truths.insert(line.truth.sequence, line.truth);
        }
        self.kubelet.flush().unwrap();
    }

    /// Rotates every container's log.
    pub fn rotate(&mut self) {
        for container in 0..self.generator.cluster().containers.len() {
            self.kubelet.rotate(container).unwrap();
        }
    }

    /// Writes the brief's configuration with nothing but the path, host and port of this test.
    pub fn configure_as_the_brief(&self, server: &Server) -> PathBuf {
        self.write_configuration(&server.address(), &[])
    }

    /// Writes the brief's configuration with the path, host and port of this test, the pods'
    /// metadata, the index in place of `flyte-logs`, and `changes`: pairs of a line and what stands
    /// there instead.
    pub fn configure(&self, server: &Server, index: &str, changes: &[(&str, &str)]) -> PathBuf {
        self.configure_for(&server.address(), index, changes)
    }

    /// The same for a server that is known by its host and port.
    pub fn configure_for(&self, address: &str, index: &str, changes: &[(&str, &str)]) -> PathBuf {
        let metadata = self.directory.path().join("metadata");
        let metadata = format!("Merge_Log On\n  Kube_Meta_Preload_Cache_Dir {}", metadata.display());
        let index = format!("Index {index}");
        let fixed = [("Index flyte-logs", index.as_str()), ("Merge_Log On", &metadata)];
        self.write_configuration(address, &[&fixed, changes].concat())
    }

    fn write_configuration(&self, address: &str, changes: &[(&str, &str)]) -> PathBuf {
        let root = self.directory.path();
        let (host, port) = address.rsplit_once(':').unwrap();
        let (host, port) = (format!("Host {host}"), format!("Port {port}"));
        let path = format!("Path {}/*flyte*.log", Kubelet::log_directory(root).display());
        let fixed = [
            ("Path /var/log/containers/*flyte*.log", path.as_str()),
            ("Host elasticsearch", &host),
            ("Port 9200", &port),
        ];
        let mut text = BRIEF.to_owned();
        for (line, instead) in fixed.iter().chain(changes) {
            assert!(text.contains(line), "no {line} in {text}");
            text = text.replacen(line, instead, 1);
        }
        fs::write(root.join("parsers.conf"), PARSERS).unwrap();
        let file = root.join("fluent-bit.conf");
        fs::write(&file, text).unwrap();
        file
    }
}

/// What people have beside such a configuration.
const PARSERS: &str = "\
[PARSER]
    Name        docker
    Format      json
    Time_Key    time
    Time_Format %Y-%m-%dT%H:%M:%S.%L
    Time_Keep   On
";

/// Nanoseconds since the epoch, each later than the one before.
pub fn now() -> i64 {
    static LAST: AtomicI64 = AtomicI64::new(0);
    let now = flytail::record::Timestamp::now().0;
    let last = LAST.fetch_max(now, Ordering::Relaxed);
    if now > last { now } else { LAST.fetch_add(1, Ordering::Relaxed) + 1 }
}

/// Installs the index template as a user does.
pub fn set_up(server: &Server, index: &str) {
    let mut command = flytail();
    command.args(["setup", "--url", &server.url(), "--index", index]);
    if server.is_secured() {
        command
            .args(["--user", "admin", "--ca-file"])
            .arg(server.certificates().join("ca.crt"))
            .env("ES_PASS", PASSWORD);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Today's index.
pub fn dated(index: &str) -> String {
    let (year, month, day) = flytail::record::Timestamp::now().date();
    format!("{index}-{year}.{month:02}.{day:02}")
}

/// All documents of the index and its dated ones.
pub fn count(client: &Client, index: &str) -> u64 {
    let pattern = format!("{index}-*");
    client.send("POST", &format!("/{pattern}/_refresh"), "");
    let answer = client.post(&format!("/{pattern}/_count"), &json!({"query": {"match_all": {}}}));
    // No index yet, or one whose shard has not started yet.
    if matches!(answer.status, 404 | 503) { 0 } else { answer.ok()["count"].as_u64().unwrap() }
}

/// Checks that every line is there exactly once, and right in all its fields.
pub fn verify(client: &Client, index: &str, truths: &HashMap<u64, Truth>) {
    let mut seen: HashMap<u64, u64> = HashMap::new();
    let mut wrong = Vec::new();
    let everything = json!({"match_all": {}});
    client.each_document(&format!("{index}-*"), &everything, None, |id, document| {
        let message = document["message"].as_str().unwrap_or_else(|| panic!("{id} has no message: {document}"));
        let sequence = sequence_in(message).unwrap_or_else(|| panic!("{id} has no sequence number: {document}"));
        *seen.entry(sequence).or_default() += 1;
        let Some(truth) = truths.get(&sequence) else { panic!("line {sequence} was never written: {document}") };
        let differences = truth.differences(&document);
        if !differences.is_empty() && wrong.len() < 5 {
            wrong.push(format!("{sequence} ({:?}): {differences:?}\n{document}", truth.format));
        }
    });
    let missing: Vec<_> = truths.keys().filter(|sequence| !seen.contains_key(sequence)).take(20).collect();
    let twice: Vec<_> = seen.iter().filter(|(_, count)| **count > 1).take(20).collect();
    assert!(missing.is_empty() && twice.is_empty(), "of {} lines: missing {missing:?}, twice {twice:?}", truths.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let formats: HashSet<_> = truths.values().map(|truth| truth.format).collect();
    assert_eq!(formats.len(), Format::ALL.len(), "a line of every format was checked");
}

/// The sequence numbers of the documents that a query finds.
pub fn found(client: &Client, index: &str, query: &Value) -> Vec<u64> {
    let mut sequences = Vec::new();
    client.each_document(&format!("{index}-*"), query, Some(&["message"]), |_, document| {
        sequences.extend(document["message"].as_str().and_then(sequence_in));
    });
    sequences.sort_unstable();
    sequences
}

/// The dead letters below a directory, the oldest first.
pub fn dead_letters(directory: &Path) -> Vec<Value> {
    let Ok(entries) = fs::read_dir(directory.join("flytail-dead-letters")) else { return Vec::new() };
    let mut segments: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    segments.sort();
    let text: String = segments.iter().map(|segment| fs::read_to_string(segment).unwrap()).collect();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
