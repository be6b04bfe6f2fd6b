//! What becomes of files on a real disk, at times that the tests choose.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use super::disk::{Disk, LogFile, Look};
use super::*;
use crate::config::Match;
use crate::kubernetes::{Metadata, Pods, Preload, Selection};
use crate::spool::segments::{Limits, MemoryDisk, Spool};
use crate::telemetry::accounts::LostBytes;

/// Logs in a directory, and a tail that follows them.
struct World {
    directory: tempfile::TempDir,
    selection: Selection,
    metadata: Vec<Metadata>,
    memory: Memory,
    spool: Option<Arc<SharedSpool>>,
    disk: Arc<Moody>,
    tail: Option<Tail>,
    start: Now,
    elapsed: Duration,
    modified: SystemTime,
    /// Nothing is read, as while the way is full.
    is_blocked: bool,
}

/// The real disk, which does not open files or list directories at times, and counts how often one is listed.
#[derive(Debug, Default)]
struct Moody {
    refuses: AtomicBool,
    is_blind: AtomicBool,
    listings: AtomicUsize,
}

impl Disk for Moody {
    fn look(&self, path: &Path) -> io::Result<Look> {
        RealDisk.look(path)
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        RealDisk.resolve(path)
    }

    fn link(&self, path: &Path) -> io::Result<PathBuf> {
        RealDisk.link(path)
    }

    fn names(&self, directory: &Path) -> io::Result<Vec<std::ffi::OsString>> {
        self.listings.fetch_add(1, Ordering::Relaxed);
        if self.is_blind.load(Ordering::Relaxed) {
            // As where too many files are open.
            return Err(io::ErrorKind::Other.into());
        }
        RealDisk.names(directory)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        if self.refuses.load(Ordering::Relaxed) {
            Err(io::ErrorKind::PermissionDenied.into())
        } else {
            RealDisk.open(path)
        }
    }
}

impl World {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            selection: Selection::default(),
            metadata: Vec::new(),
            memory: Memory::default(),
            spool: None,
            disk: Arc::default(),
            tail: None,
            start: Now::read(),
            elapsed: Duration::ZERO,
            modified: SystemTime::now(),
            is_blocked: false,
        }
    }

    /// Pods are known by files; those of these labels are selected, if they do not exclude themselves.
    fn selecting(labels: &str) -> Self {
        let mut world = Self::new();
        if !labels.is_empty() {
            world.selection.add_pods(labels).unwrap();
        }
        world.metadata = vec![Metadata {
            routing: Match::everything(),
            bound: None,
            watch: None,
            preload: Some(Preload::new(world.directory.path())),
            grace: Duration::from_secs(5),
            namespaces: None,
            excludes: true,
        }];
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file, in the same inode if it is there. Each time is another one, however coarse the
    /// disk's clock is.
    fn write(&mut self, name: &str, text: &str) {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        self.modified += Duration::from_secs(1);
        File::options().append(true).open(&path).unwrap().set_modified(self.modified).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    /// Tells of a pod what the API server would.
    fn describe(&mut self, pod: &str, label: &str, annotation: &str) {
        let metadata = serde_json::json!({
            "name": pod, "namespace": "flyte", "uid": pod,
            "labels": {"app": label}, "annotations": {"fluentbit.io/exclude": annotation},
        });
        self.write(&format!("flyte_{pod}.meta"), &serde_json::json!({"metadata": metadata}).to_string());
    }

    fn now(&self) -> Now {
        Now { instant: self.start.instant + self.elapsed, ..self.start }
    }

    fn tail(&mut self) -> &mut Tail {
        let now = self.now();
        self.tail.get_or_insert_with(|| {
            let pattern = format!("{}/*.log", self.directory.path().display());
            let mut settings = Settings::simulated(&pattern, 1000, 10);
            settings.selection = self.selection.clone();
            let surroundings = Surroundings {
                shard: crate::input::Shard { worker: 0, workers: 1 },
                open_files: 10,
                spool: None,
                memory: Memory::default(),
                metadata: [].into(),
            };
            let memory = self.memory.of("tail.0");
            let rescue = self.spool.clone().map(|spool| Rescue::new(spool, "tail.0".to_owned()));
            let open = || Kept { store: Some(Box::new(memory.clone())), memory: Some(memory), rescue };
            let disk = Arc::clone(&self.disk) as Arc<dyn Disk>;
            let metadata = self.metadata.clone().into();
            let means = Means { disk, watch: None, open: Box::new(open), metadata };
            Tail::new(0, settings, &surroundings, means, now)
        })
    }

    /// The process ends, and the next one begins.
    fn restart(&mut self) {
        let now = self.now();
        self.tail().hand_over(now);
        self.tail = None;
    }

    /// Lets time pass, and tells all that is read by then. The last source comes with it.
    fn read_for(&mut self, seconds: u64) -> (String, Option<u64>) {
        let (mut text, mut last) = (String::new(), None);
        for _ in 0..seconds {
            let (read, source) = self.read_after(Duration::from_secs(1));
            text.push_str(&read);
            last = source.or(last);
        }
        (text, last)
    }

    /// What is read at one moment, some time later.
    fn read_after(&mut self, time: Duration) -> (String, Option<u64>) {
        self.elapsed += time;
        let (mut text, mut last) = (String::new(), None);
        let (now, is_blocked) = (self.now(), self.is_blocked);
        let tail = self.tail();
        tail.discover(now, &mut Vec::new());
        let mut buffer = Vec::new();
        while !is_blocked && let Some(block) = tail.next_block(&mut buffer, now) {
            let (source, bytes) = (block.source, block.bytes.len());
            text.push_str(&String::from_utf8_lossy(block.bytes));
            tail.consumed(source, bytes);
            last = Some(source);
        }
        (text, last)
    }

    /// Reads a block, and nothing more of that file for so long.
    fn pause(&mut self, seconds: u64) {
        let source = self.read_for(1).1.unwrap();
        let until = self.now().instant + Duration::from_secs(seconds);
        self.tail().pause(source, until);
    }

    fn account(&mut self) -> InputAccount {
        let (now, mut account) = (self.now(), InputAccount::default());
        self.tail().account(now, &mut account);
        account
    }
}

/// The file name of a container's log.
fn log_of(pod: &str) -> String {
    format!("{pod}_flyte_main-{}.log", "a".repeat(64))
}

#[test]
fn a_truncation_while_a_file_is_paused_is_noticed() {
    let mut world = World::new();
    world.write("app.log", "one\n");
    world.pause(60);
    world.write("app.log.1", "one\ntwo\n");
    world.write("app.log", "three is longer than what was read\n");
    assert_eq!(world.read_for(30).0, "");
    assert_eq!(world.read_for(60).0, "two\nthree is longer than what was read\n");
    assert_eq!(world.account().lost, LostBytes::default());
}

#[test]
fn every_copy_that_was_made_while_a_file_was_paused_is_read() {
    let mut world = World::new();
    world.write("app.log", "one\n");
    world.pause(60);
    world.write("app.log.2", "one\ntwo\n");
    world.write("app.log.1", "three\n");
    world.write("app.log", "four is longer than what was read\n");
    assert_eq!(world.read_for(90).0, "two\nthree\nfour is longer than what was read\n");
}

#[test]
fn what_a_truncation_without_a_copy_destroyed_is_counted() {
    let mut world = World::new();
    world.write("app.log", "one\n");
    world.pause(60);
    world.write("app.log", "one\ntwo\n");
    assert_eq!(world.read_for(10).0, "");
    world.write("app.log", "five\n");
    assert_eq!(world.read_for(90).0, "five\n");
    let account = world.account();
    assert_eq!((account.lost.removed, account.truncated_files), (4, 1));
}

#[test]
fn a_container_that_has_to_wait_costs_others_nothing_in_the_spool() {
    let mut world = World::new();
    let limits = Limits { bytes: 100_000, age: Duration::MAX };
    let (spool, left) = Spool::open_on(Arc::new(MemoryDisk::default()), limits).unwrap();
    world.spool = Some(SharedSpool::of(spool, left, limits));
    // Each line's length divides both a block's and the files'.
    let long = |line: &str| format!("{line:>49}\n").repeat(600);
    world.write("noisy.log", &long("noisy 1"));
    world.pause(1000);
    world.is_blocked = true;
    world.write("quiet.log", &long("quiet"));
    world.read_for(15);
    world.remove("quiet.log");
    world.read_for(15);
    for number in 2..4 {
        world.rename("noisy.log", &format!("noisy.log.{number}"));
        world.write("noisy.log", &long(&format!("noisy {number}")));
        world.read_for(15);
    }
    ["noisy.log.2", "noisy.log.3", "noisy.log"].iter().for_each(|name| world.remove(name));
    world.read_for(15);
    let lost = world.account().lost;
    assert_eq!((lost.spool_bytes, lost.spool_share), (0, 2 * 30_000 - 1000));
    world.is_blocked = false;
    let text = world.read_for(100).0;
    let lines = ["quiet", "noisy 1", "noisy 2", "noisy 3"].map(|line| text.matches(line).count());
    assert_eq!(lines, [600, 0, 0, 600]);
}

#[test]
fn a_log_that_cannot_be_opened_at_once_is_still_one_that_was_excluded() {
    let mut world = World::selecting("");
    let log = log_of("one");
    world.describe("one", "web", "true");
    world.write(&log, "old\n");
    assert_eq!(world.read_for(3).0, "");
    assert_eq!(world.account().choice.excluded, 1);
    world.describe("one", "web", "false");
    world.disk.refuses.store(true, Ordering::Relaxed);
    assert_eq!(world.read_for(60).0, "");
    world.disk.refuses.store(false, Ordering::Relaxed);
    assert_eq!(world.read_for(15).0, "");
    world.write(&log, "old\nnew\n");
    assert_eq!(world.read_for(15).0, "new\n");
}

#[test]
fn a_log_that_is_not_wanted_is_not_when_its_pod_is_forgotten() {
    for (label, annotation) in [("db", "false"), ("web", "true")] {
        let mut world = World::selecting("app=web");
        world.describe("one", label, annotation);
        world.write(&log_of("one"), "old\n");
        assert_eq!(world.read_for(3).0, "");
        world.remove("flyte_one.meta");
        assert_eq!(world.read_for(90).0, "", "{label} {annotation}");
    }
}

#[test]
fn a_log_that_is_not_wanted_is_not_after_a_restart_without_its_pod() {
    for (label, annotation) in [("db", "false"), ("web", "true")] {
        let mut world = World::selecting("app=web");
        world.describe("one", label, annotation);
        world.write(&log_of("one"), "old\n");
        assert_eq!(world.read_for(3).0, "");
        world.remove("flyte_one.meta");
        world.restart();
        assert_eq!(world.read_for(90).0, "", "{label} {annotation}");
        // What is asked for otherwise is decided anew.
        world.restart();
        world.selection.add_pods("app=db").unwrap();
        assert_eq!(world.read_for(90).0, "old\n", "{label} {annotation}");
    }
}

#[test]
fn removed_logs_whose_pods_nobody_tells_are_held_open_up_to_a_number() {
    let mut world = World::selecting("app=web");
    world.metadata[0].watch = Some(Arc::new(Pods::default()));
    let names: Vec<_> = (0..6).map(|number| log_of(&format!("pod-{number}"))).collect();
    names.iter().for_each(|name| world.write(name, "1234\n"));
    world.read_for(15);
    assert_eq!(world.account().choice.undecided, 6);
    names.iter().for_each(|name| world.remove(name));
    world.read_for(15);
    let account = world.account();
    assert_eq!((account.lost.open_files, account.choice.undecided), (4 * 5, 2));
}

#[test]
fn a_directory_is_listed_as_often_however_many_logs_are_found_in_it() {
    let listings = [3, 30].map(|count| {
        let mut world = World::new();
        (0..count).for_each(|number| world.write(&format!("{number}.log"), "one\n"));
        assert_eq!(world.read_for(2).0, "one\n".repeat(count));
        world.disk.listings.load(Ordering::Relaxed)
    });
    assert_eq!(listings[0], listings[1]);
}

#[test]
fn a_log_that_is_written_slowly_is_left_alone_until_there_is_more() {
    let (soon, late) = (Duration::from_millis(200), Duration::from_millis(600));
    for (lines, read_soon, read_late) in [(1, "", "later\n"), (1000, "later\n", "")] {
        let (mut world, line) = (World::new(), "a line\n".repeat(lines));
        world.write("app.log", &line);
        let mut read = String::new();
        while read.len() < line.len() {
            read += &world.read_after(Duration::from_millis(1)).0;
        }
        world.write("app.log", &(line + "later\n"));
        assert_eq!(world.read_after(soon).0, read_soon, "{lines}");
        assert_eq!(world.read_after(late).0, read_late, "{lines}");
    }
}

#[test]
fn a_truncation_takes_what_was_rotated_and_no_other_log() {
    let mut world = World::new();
    world.write("app.log", "one\n");
    world.pause(60);
    for (name, text) in [("app.log.1", "one\ntwo\n"), ("app.log.audit", "secret\n"), ("app.log.1.xz", "packed\n")] {
        world.write(name, text);
    }
    world.write("app.log", "three is longer than what was read\n");
    assert_eq!(world.read_for(90).0, "two\nthree is longer than what was read\n");
}

#[test]
fn a_directory_that_cannot_be_listed_for_once_makes_nobody_forget_what_is_not_wanted() {
    let mut world = World::selecting("app=web");
    world.describe("one", "db", "false");
    world.write(&log_of("one"), "old\n");
    assert_eq!(world.read_for(3).0, "");
    world.remove("flyte_one.meta");
    world.disk.is_blind.store(true, Ordering::Relaxed);
    world.read_for(30);
    world.disk.is_blind.store(false, Ordering::Relaxed);
    assert_eq!(world.read_for(90).0, "");
}

#[test]
fn a_copy_of_a_rotated_log_is_found_under_its_own_name() {
    let mut world = World::new();
    world.write("app.log", "one\n");
    world.pause(60);
    world.write("app.log.1", "one\ntwo\n");
    world.write("app.log", "three is longer than what was read\n");
    world.read_for(15);
    // What goes on in the copy is compressed before its turn comes.
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, b"one\ntwo\n").unwrap();
    fs::write(world.path("app.log.1.gz"), gzip.finish().unwrap()).unwrap();
    world.remove("app.log.1");
    assert_eq!(world.read_for(90).0, "two\nthree is longer than what was read\n");
    assert_eq!(world.account().lost, LostBytes::default());
}

#[test]
fn a_log_that_was_renamed_in_any_way_while_nobody_ran_is_read_on() {
    for (name, expected) in [("app.log.22-Nov-2026", "two\nthree\n"), ("app.log.bak", "two\nthree\n")] {
        let mut world = World::new();
        world.write("app.log", "one\n");
        let (_, source) = world.read_for(1);
        let checkpoint = Checkpoint::at(4, world.start.time);
        world.tail().committed(source.unwrap(), checkpoint);
        world.restart();
        world.write("app.log", "one\ntwo\n");
        world.rename("app.log", name);
        world.write("app.log", "three\n");
        world.write("app.log.audit", "secret\n");
        assert_eq!(world.read_for(60).0, expected, "{name}");
    }
}
