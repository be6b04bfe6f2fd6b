//! What becomes of files on a real disk, at times that the tests choose.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::*;
use crate::telemetry::accounts::LostBytes;

/// Logs in a directory, and a tail that follows them.
struct World {
    directory: tempfile::TempDir,
    tail: Option<Tail>,
    start: Now,
    elapsed: Duration,
    modified: SystemTime,
}

impl World {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            tail: None,
            start: Now::read(),
            elapsed: Duration::ZERO,
            modified: SystemTime::now(),
        }
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

    fn now(&self) -> Now {
        Now { instant: self.start.instant + self.elapsed, ..self.start }
    }

    fn tail(&mut self) -> &mut Tail {
        let now = self.now();
        self.tail.get_or_insert_with(|| {
            let pattern = format!("{}/*.log", self.directory.path().display());
            let settings = Settings::simulated(&pattern, 1000, 10);
            let surroundings = Surroundings {
                shard: crate::input::Shard { worker: 0, workers: 1 },
                open_files: 10,
                spool: None,
                memory: Memory::default(),
                metadata: [].into(),
            };
            let (disk, open) = (Arc::new(RealDisk), Box::new(Kept::default));
            let means = Means { disk, watch: None, open, metadata: [].into() };
            Tail::new(0, settings, &surroundings, means, now)
        })
    }

    /// Lets time pass, and tells all that is read by then. The last source comes with it.
    fn read_for(&mut self, seconds: u64) -> (String, Option<u64>) {
        let (mut text, mut last) = (String::new(), None);
        for _ in 0..seconds {
            self.elapsed += Duration::from_secs(1);
            let now = self.now();
            let tail = self.tail();
            tail.discover(now, &mut Vec::new());
            let mut buffer = Vec::new();
            while let Some(block) = tail.next_block(&mut buffer, now) {
                let (source, bytes) = (block.source, block.bytes.len());
                text.push_str(&String::from_utf8_lossy(block.bytes));
                tail.consumed(source, bytes);
                last = Some(source);
            }
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
