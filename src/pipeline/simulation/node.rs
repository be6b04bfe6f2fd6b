//! A node in memory: containers that write, and a kubelet that rotates, compresses and removes.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::disk::MemoryDisk;
use super::joins::Joins;
use crate::record::Timestamp;

/// One container and its files.
#[derive(Debug)]
pub(super) struct Container {
    number: usize,
    pod: usize,
    restart: u32,
    /// Inode of the log that is being written.
    current: u64,
    rotated: Vec<PathBuf>,
    /// What of the last line is not written yet.
    rest: Vec<u8>,
}

/// See the module.
pub(super) struct Node {
    pub(super) disk: MemoryDisk,
    pub(super) containers: Vec<Container>,
    /// Which lines each inode's file holds.
    holds: BTreeMap<u64, Vec<u64>>,
    next_line: u64,
    next_pod: usize,
    next_rotation: u32,
    joins: Joins,
}

/// Begins a traceback. It has no number of its own: where one is destroyed, 0 stands for it.
pub(super) const HEADER: &str = "Traceback (most recent call last):";

/// Begins a group of the rules that some runs join by; the lines behind it are indented by a tab.
pub(super) const DAY: &str = "2026-11-22";

/// A file that was removed.
#[derive(Debug)]
pub(super) struct Removed {
    /// The lines that it held.
    pub(super) lines: Vec<u64>,
    /// Somebody has it open.
    pub(super) is_held: bool,
}

impl Node {
    pub(super) fn new(disk: MemoryDisk, containers: usize, joins: Joins) -> Self {
        let mut node = Self {
            disk,
            containers: Vec::new(),
            holds: BTreeMap::new(),
            next_line: 1,
            next_pod: 0,
            next_rotation: 1,
            joins,
        };
        for _ in 0..containers {
            node.add();
        }
        node
    }

    /// How many lines were written.
    pub(super) fn lines(&self) -> u64 {
        self.next_line
    }

    /// A new pod with one container.
    pub(super) fn add(&mut self) {
        let number = self.containers.len();
        let pod = self.next_pod;
        self.next_pod += 1;
        let (rotated, rest) = (Vec::new(), Vec::new());
        self.containers.push(Container { number, pod, restart: 0, current: 0, rotated, rest });
        self.start(number);
    }

    fn start(&mut self, index: usize) {
        let container = &mut self.containers[index];
        let log = container.directory().join(format!("{}.log", container.restart));
        container.current = self.disk.create(&log);
        self.holds.insert(container.current, Vec::new());
        self.disk.link(&container.link(), &log);
    }

    /// Writes one line, perhaps without its end, or the end of the one before.
    pub(super) fn write(&mut self, index: usize, now: i64, dice: &mut fastrand::Rng) -> String {
        let container = &mut self.containers[index];
        if !container.rest.is_empty() {
            let rest = std::mem::take(&mut container.rest);
            self.disk.append(container.current, &rest);
            return "the rest of a line".to_owned();
        }
        let stream = dice.usize(..2);
        let line = self.next_line;
        let (tag, text) = match dice.u32(..12) {
            0 | 1 => ("P", format!("part #{line}. ")),
            2 => ("F", HEADER.to_owned()),
            3 | 4 => ("F", format!("  File \"a.py\", line #{line}.")),
            5 => ("F", format!("ValueError: #{line}.")),
            // Where it goes on with a group, it would have to have a number, too.
            6 if self.joins != Joins::FirstLines => ("F", String::new()),
            _ => ("F", format!("{} #{line}. {}", begin_of(line, self.joins.has_days()), "x".repeat(dice.usize(..60)))),
        };
        let mut bytes = Vec::new();
        Timestamp(now).write_rfc3339(&mut bytes);
        let stream = ["stdout", "stderr"][stream];
        bytes.extend_from_slice(format!(" {stream} {tag} {text}\n").as_bytes());
        if text == HEADER {
            self.holds.entry(container.current).or_default().push(0);
        }
        if text.contains('#') {
            self.next_line += 1;
            self.holds.entry(container.current).or_default().push(line);
        }
        if dice.u32(..8) == 0 {
            container.rest = bytes.split_off(dice.usize(1..bytes.len()));
        }
        self.disk.append(container.current, &bytes);
        format!("{stream} {tag} {text}")
    }

    /// Finishes the line that is being written: a runtime writes whole lines before it leaves a file.
    fn flush(&mut self, index: usize) {
        let container = &mut self.containers[index];
        let rest = std::mem::take(&mut container.rest);
        self.disk.append(container.current, &rest);
    }

    /// Rotates as the kubelet does: the newest rotated log stays as it is, older ones are compressed,
    /// and of these `keep` stay. The lines of a log that was removed.
    pub(super) fn rotate(&mut self, index: usize, keep: usize) -> Vec<Removed> {
        self.flush(index);
        let directory = self.containers[index].directory();
        if let Some(last) = self.containers[index].rotated.last().cloned()
            && last.extension().is_none_or(|extension| extension != "gz")
        {
            self.compress(index, last);
        }
        let container = &mut self.containers[index];
        let log = directory.join(format!("{}.log", container.restart));
        let name = format!("{}.log.20261122-{:06}", container.restart, self.next_rotation);
        self.next_rotation += 1;
        let rotated = directory.join(name);
        self.disk.rename(&log, &rotated);
        container.rotated.push(rotated);
        container.current = self.disk.create(&log);
        let current = container.current;
        self.holds.insert(current, Vec::new());
        let mut removed = Vec::new();
        while self.containers[index].rotated.len() > keep {
            let oldest = self.containers[index].rotated.remove(0);
            removed.push(self.remove(&oldest));
        }
        removed
    }

    fn compress(&mut self, index: usize, path: PathBuf) {
        let Some(inode) = self.disk.inode(&path) else { return };
        let lines = self.holds.get(&inode).cloned().unwrap_or_default();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&self.disk.bytes(inode)).unwrap();
        let bytes = encoder.finish().unwrap();
        let compressed = PathBuf::from(format!("{}.gz", path.display()));
        let temporary = PathBuf::from(format!("{}.tmp", path.display()));
        let copy = self.disk.create(&temporary);
        self.disk.append(copy, &bytes);
        self.holds.insert(copy, lines);
        self.disk.rename(&temporary, &compressed);
        self.disk.remove(&path);
        if let Some(last) = self.containers[index].rotated.last_mut() {
            *last = compressed;
        }
    }

    /// The container is started again, with a log of its own.
    pub(super) fn restart(&mut self, index: usize) {
        self.flush(index);
        self.containers[index].restart += 1;
        self.start(index);
    }

    /// The pod is removed with all its files, and another one comes. Their lines.
    pub(super) fn replace(&mut self, index: usize) -> Vec<Removed> {
        self.flush(index);
        let directory = self.containers[index].directory();
        let mut removed = Vec::new();
        let names = crate::input::tail::disk::Disk::names(&self.disk, &directory).unwrap();
        for name in names {
            removed.push(self.remove(&directory.join(name)));
        }
        let link = self.containers[index].link();
        self.disk.remove(&link);
        let pod = self.next_pod;
        self.next_pod += 1;
        let number = self.containers[index].number;
        let (rotated, rest) = (Vec::new(), Vec::new());
        self.containers[index] = Container { number, pod, restart: 0, current: 0, rotated, rest };
        self.start(index);
        removed
    }

    fn remove(&mut self, path: &std::path::Path) -> Removed {
        let inode = self.disk.inode(path);
        let is_held = inode.is_some_and(|inode| self.disk.is_open(inode));
        self.disk.remove(path);
        let lines = inode.and_then(|inode| self.holds.get(&inode).cloned()).unwrap_or_default();
        Removed { lines, is_held }
    }

    /// Ends all lines that are being written, those in parts too.
    pub(super) fn finish(&mut self, now: i64) {
        let mut time = Vec::new();
        Timestamp(now).write_rfc3339(&mut time);
        let time = String::from_utf8(time).unwrap();
        for index in 0..self.containers.len() {
            self.flush(index);
            let ends = format!("{time} stdout F end\n{time} stderr F end\n");
            self.disk.append(self.containers[index].current, ends.as_bytes());
        }
    }
}

impl Container {
    fn directory(&self) -> PathBuf {
        PathBuf::from(format!("/pods/flyte_pod-{0}_uid-{0}/main", self.pod))
    }

    fn link(&self) -> PathBuf {
        let id = format!("{:064x}", self.pod * 1000 + self.restart as usize);
        PathBuf::from(format!("/containers/pod-{}_flyte_main-{id}.log", self.pod))
    }
}

/// How an ordinary line begins.
fn begin_of(line: u64, writes_days: bool) -> &'static str {
    match line % 4 {
        1 if writes_days => DAY,
        2 | 3 if writes_days => "\tmore",
        _ => "line",
    }
}
