//! One container's logs on disk, kept as the kubelet keeps them.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use flytail::record::Timestamp;
use jiff::tz::TimeZone;

use super::compress::{Compressor, Pending};
use super::lines::Lines;
use crate::ground::{LogFile, inode};
use crate::keeper::Keeper;
use crate::store::Store;

/// Rotated files that are kept: one plain, three compressed. With the current file, that is the kubelet's
/// `containerLogMaxFiles` of 5.
const ROTATED: usize = 4;

/// The end of a write is cut off up to so many bytes early, within a line mostly.
const MOST_HELD_BACK: usize = 700;

/// What a container needs of the run.
pub(super) struct Surroundings {
    pub(super) root: PathBuf,
    pub(super) rotate_at: u64,
    pub(super) keeper: std::sync::Arc<Keeper>,
    pub(super) store: std::sync::Arc<Store>,
    pub(super) compressor: Compressor,
}

/// See the module.
pub(crate) struct Container {
    pub(crate) log: u16,
    pub(crate) pod: String,
    directory: PathBuf,
    link: PathBuf,
    lines: Lines,
    rng: Rng,
    restart: u32,
    out: File,
    /// Rendered, not yet written.
    buffer: Vec<u8>,
    pub(crate) current: LogFile,
    /// Of this start, oldest first.
    rotated: VecDeque<LogFile>,
    /// Of the start before, oldest first.
    dead: Vec<LogFile>,
    /// Files that were removed before all of their lines arrived.
    pub(crate) removed: Vec<LogFile>,
    compressing: Option<Pending>,
    last_rotation: i64,
    pub(crate) bytes: u64,
    /// Bytes that were to be written so far.
    quota: u64,
    pub(crate) rotations: u64,
    pub(crate) restarts: u64,
}

impl Container {
    pub(super) fn new(log: u16, seed: u64, has_poison: bool, around: &Surroundings) -> Self {
        let mut rng = Rng::with_seed(seed);
        let pod = format!("torture-{log:04}");
        let uid = format!("{:08x}-0000-4000-8000-{:012x}", rng.u32(..), rng.u64(..1 << 48));
        let directory = around.root.join(format!("pods/flyte_{pod}_{uid}/main"));
        fs::create_dir_all(&directory).expect("a directory for the logs");
        let (out, current) = create(&directory, 0);
        let link = link(&around.root, &pod, &mut rng);
        symlink(&current.path, &link).expect("a link to the log");
        Self {
            log,
            pod,
            directory,
            link,
            lines: Lines::new(log, seed, has_poison),
            rng,
            restart: 0,
            out,
            buffer: Vec::new(),
            current,
            rotated: VecDeque::new(),
            dead: Vec::new(),
            removed: Vec::new(),
            compressing: None,
            last_rotation: 0,
            bytes: 0,
            quota: 0,
            rotations: 0,
            restarts: 0,
        }
    }

    /// Documents that its lines must become.
    pub(crate) fn records(&self) -> u64 {
        self.lines.records
    }

    /// Numbered lines so far.
    pub(crate) fn line_count(&self) -> u64 {
        self.lines.count()
    }

    /// All files of which a line may not have arrived.
    pub(crate) fn files_mut(&mut self) -> impl Iterator<Item = &mut LogFile> {
        let there = self.dead.iter_mut().chain(&mut self.rotated).chain([&mut self.current]);
        self.removed.iter_mut().chain(there)
    }

    /// All files of which a line may not have arrived.
    pub(crate) fn files(&self) -> impl Iterator<Item = &LogFile> {
        self.removed.iter().chain(&self.dead).chain(&self.rotated).chain([&self.current])
    }

    /// Renders lines of about so many bytes, and writes most of them.
    pub(super) fn write(&mut self, bytes: u64, around: &Surroundings) {
        self.quota += bytes;
        while self.bytes < self.quota {
            self.line();
            if self.current.length >= around.rotate_at {
                self.rotate(around);
            }
        }
        let held_back = self.rng.usize(..MOST_HELD_BACK).min(self.buffer.len());
        self.flush(held_back);
    }

    /// Ends an open record, and writes everything.
    pub(super) fn finish(&mut self) {
        while self.lines.is_open() {
            self.line();
        }
        self.flush(0);
        self.finish_compressing();
    }

    fn line(&mut self) {
        let before = self.buffer.len();
        let line = self.lines.write(&mut self.buffer, self.current.length);
        self.current.lines.extend(line);
        let length = (self.buffer.len() - before) as u64;
        self.current.length += length;
        self.bytes += length;
    }

    fn flush(&mut self, held_back: usize) {
        let end = self.buffer.len() - held_back;
        self.out.write_all(&self.buffer[..end]).expect("the log takes lines");
        self.buffer.drain(..end);
    }

    /// Renames the log and begins another. An open record goes on there.
    fn rotate(&mut self, around: &Surroundings) {
        self.finish_compressing();
        let name = self.rotated_name();
        fs::rename(&self.current.path, &name).expect("the log can be renamed");
        // The runtime reopens its log after the kubelet has renamed it: the last lines go into the old file.
        self.flush(0);
        self.current.path = name;
        let (out, next) = create(&self.directory, self.restart);
        self.out = out;
        self.rotated.push_back(std::mem::replace(&mut self.current, next));
        self.rotations += 1;
        if let Some(before) = self.rotated.len().checked_sub(2) {
            self.compressing = Some(around.compressor.compress(&self.rotated[before].path));
        }
        while self.rotated.len() > ROTATED {
            let oldest = self.rotated.pop_front().expect("there are some");
            self.remove(oldest, around);
        }
    }

    fn finish_compressing(&mut self) {
        let Some(pending) = self.compressing.take() else { return };
        let before = self.rotated.len().checked_sub(2).expect("what is compressed is the last but one");
        let file = &mut self.rotated[before];
        file.path = pending.wait();
        file.inodes.extend(inode(&file.path));
    }

    /// Names have whole seconds: a rotation in the same second takes the next.
    fn rotated_name(&mut self) -> PathBuf {
        let second = Timestamp::now().0.div_euclid(1_000_000_000).max(self.last_rotation + 1);
        self.last_rotation = second;
        let time = jiff::Timestamp::from_second(second).expect("a time of today").to_zoned(TimeZone::UTC);
        self.directory.join(format!("{}.log.{}", self.restart, time.strftime("%Y%m%d-%H%M%S")))
    }

    /// The container starts again: its next log is another one, and the start before the last is cleaned away.
    pub(super) fn restart(&mut self, around: &Surroundings) {
        self.finish();
        for file in std::mem::take(&mut self.dead) {
            self.remove(file, around);
        }
        self.restart += 1;
        self.restarts += 1;
        let (out, next) = create(&self.directory, self.restart);
        self.out = out;
        self.dead = self.rotated.drain(..).collect();
        self.dead.push(std::mem::replace(&mut self.current, next));
        if self.rng.bool() {
            // A link that is led elsewhere.
            let temporary = self.link.with_extension("new");
            symlink(&self.current.path, &temporary).expect("a link to the log");
            fs::rename(&temporary, &self.link).expect("the link can be replaced");
        } else {
            // The link of another container.
            let new = link(&around.root, &self.pod, &mut self.rng);
            symlink(&self.current.path, &new).expect("a link to the log");
            fs::remove_file(&self.link).expect("the link can be removed");
            self.link = new;
        }
    }

    /// The shipper follows the present log.
    pub(super) fn is_followed(&self, keeper: &Keeper) -> bool {
        keeper.holds(&self.current)
    }

    /// The pod is deleted, with whatever was not read yet.
    pub(super) fn delete(&mut self, around: &Surroundings) {
        self.finish();
        fs::remove_file(&self.link).expect("the link can be removed");
        let current = std::mem::take(&mut self.current);
        let files: Vec<_> = self.dead.drain(..).chain(self.rotated.drain(..)).chain([current]).collect();
        for file in files {
            self.remove(file, around);
        }
        let pod = self.directory.parent().expect("a pod's directory");
        fs::remove_dir_all(pod).expect("the pod's directory can be removed");
    }

    fn remove(&mut self, mut file: LogFile, around: &Surroundings) {
        around.keeper.remove(&mut file, &around.store);
        if !file.lines.is_empty() {
            self.removed.push(file);
        }
    }
}

fn create(directory: &Path, restart: u32) -> (File, LogFile) {
    let path = directory.join(format!("{restart}.log"));
    let file = OpenOptions::new().create_new(true).append(true).open(&path).expect("a new log");
    (file, LogFile::new(path))
}

/// A link's name, with the id of a new container.
fn link(root: &Path, pod: &str, rng: &mut Rng) -> PathBuf {
    let id: String = (0..4).map(|_| format!("{:016x}", rng.u64(..))).collect();
    root.join(format!("containers/{pod}_flyte_main-{id}.log"))
}
