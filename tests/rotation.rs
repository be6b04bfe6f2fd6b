//! What nodes do to files, one scenario a test, through the binary on real files. What arrives is read from a file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod support;

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use flytail::record::Timestamp;
use serde_json::Value;
use support::shipper::{Shipper, wait_for};

/// A directory of logs and a shipper's files.
struct Place {
    root: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { root: tempfile::tempdir().unwrap() };
        fs::create_dir(place.path("containers")).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The log of a container, with a link to it.
    fn container(&self, number: usize) -> PathBuf {
        let directory = self.path(&format!("pods/flyte_pod-{number}_uid-{number}/main"));
        fs::create_dir_all(&directory).unwrap();
        let log = directory.join("0.log");
        symlink(&log, self.path(&format!("containers/pod-{number}_flyte_main-{number:064x}.log"))).unwrap();
        log
    }

    /// A configuration that tails a pattern and writes what arrives to `out`, or to an output of its own.
    fn configure(&self, pattern: &str, options: &str, output: &str) -> PathBuf {
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

    /// The messages that arrived, as often as they did, sorted.
    fn messages(&self) -> Vec<String> {
        let out = fs::read_to_string(self.path("out")).unwrap_or_default();
        let whole = out.rfind('\n').map_or(0, |end| end + 1);
        let documents = out[..whole].lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut messages: Vec<_> = documents.map(|document| document["message"].as_str().unwrap().to_owned()).collect();
        messages.sort();
        messages
    }

    fn wait_for(&self, messages: &[&str]) {
        let mut wanted: Vec<_> = messages.iter().map(|message| (*message).to_owned()).collect();
        wanted.sort();
        wait_for(&wanted, || self.messages());
    }
}

fn append(path: &Path, text: &str) {
    fs::OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

/// A line as containerd writes it, now.
fn line(text: &str) -> String {
    let mut time = Vec::new();
    Timestamp::now().write_rfc3339(&mut time);
    format!("{} stdout F {text}\n", String::from_utf8(time).unwrap())
}

/// Compresses a file as the kubelet does: under another name first.
fn compress(path: &Path) {
    let temporary = PathBuf::from(format!("{}.tmp", path.display()));
    let mut encoder = GzEncoder::new(fs::File::create(&temporary).unwrap(), Compression::fast());
    encoder.write_all(&fs::read(path).unwrap()).unwrap();
    encoder.finish().unwrap();
    fs::rename(&temporary, format!("{}.gz", path.display())).unwrap();
    fs::remove_file(path).unwrap();
}

#[test]
fn a_compressed_log_is_read_on_where_the_plain_one_was_left() {
    let place = Place::new();
    let log = place.container(1);
    append(&log, &line("one"));
    let configuration = place.configure("containers/*.log", "", "");
    let mut shipper = Shipper::start(&configuration);
    place.wait_for(&["one"]);
    assert!(shipper.terminate().success());
    for (number, text) in ["two", "three", "four"].iter().enumerate() {
        append(&log, &line(text));
        let rotated = log.with_file_name(format!("0.log.20261122-00000{number}"));
        fs::rename(&log, &rotated).unwrap();
        if number < 2 {
            compress(&rotated);
        }
    }
    append(&log, &line("five"));
    let mut shipper = Shipper::start(&configuration);
    place.wait_for(&["one", "two", "three", "four", "five"]);
    assert!(shipper.terminate().success());
}

#[test]
fn a_log_that_is_compressed_while_it_is_read_is_read_once() {
    let place = Place::new();
    let log = place.container(1);
    append(&log, &line("one"));
    let mut shipper = Shipper::start(&place.configure("containers/*.log", "Rotate_Wait 1", ""));
    place.wait_for(&["one"]);
    let mut expected = vec!["one"];
    for (number, text) in ["two", "three", "four"].iter().enumerate() {
        let rotated = log.with_file_name(format!("0.log.20261122-00000{number}"));
        fs::rename(&log, &rotated).unwrap();
        append(&log, &line(text));
        compress(&rotated);
        expected.push(text);
        place.wait_for(&expected);
    }
    assert!(shipper.terminate().success());
    place.wait_for(&expected);
}

#[test]
fn plain_files_that_are_rotated_twice_between_two_looks_are_all_read() {
    let place = Place::new();
    let log = place.path("app.log");
    append(&log, "one\n");
    let mut shipper = Shipper::start(&place.configure("app.log", "Inotify_Watcher Off", ""));
    place.wait_for(&["one"]);
    append(&log, "two\n");
    fs::rename(&log, place.path("app.log.2")).unwrap();
    append(&log, "three\n");
    fs::rename(&log, place.path("app.log.1")).unwrap();
    append(&log, "four\n");
    place.wait_for(&["one", "two", "three", "four"]);
    assert!(shipper.terminate().success());
}

#[test]
fn a_file_that_is_copied_and_truncated_is_read_to_its_end_in_the_copy() {
    let place = Place::new();
    let log = place.path("app.log");
    append(&log, "one\n");
    let mut shipper = Shipper::start(&place.configure("app.log", "", ""));
    place.wait_for(&["one"]);
    for round in 0..5 {
        // Longer than a head, so that the copy is known for certain; and then what nobody read yet.
        append(&log, &format!("{}\nlast {round}\n", "x".repeat(2_000)));
        fs::copy(&log, place.path(&format!("app.log.{round}"))).unwrap();
        fs::File::options().write(true).open(&log).unwrap().set_len(0).unwrap();
        append(&log, &format!("first {round}\n"));
        let all =
            |messages: Vec<String>| messages.iter().filter(|message| message.contains(&round.to_string())).count();
        wait_for(&2, || all(place.messages()));
    }
    assert!(shipper.terminate().success());
    assert_eq!(place.messages().len(), 1 + 5 * 3, "each line once");
}

#[test]
fn many_files_are_read_in_rounds_where_few_may_be_open() {
    const FILES: usize = 300;
    let place = Place::new();
    let logs: Vec<_> = (0..FILES).map(|number| place.container(number)).collect();
    logs.iter().for_each(|log| append(log, &line("first")));
    let mut shipper = Shipper::start_with_files(&place.configure("containers/*.log", "", ""), 110);
    wait_for(&FILES, || place.messages().len());
    for log in &logs {
        append(log, &line("second"));
        fs::rename(log, log.with_file_name("0.log.20261122-000001")).unwrap();
        append(log, &line("third"));
    }
    wait_for(&(FILES * 3), || place.messages().len());
    assert!(shipper.terminate().success());
    let open = fs::read_to_string(place.path("log")).unwrap();
    assert!(!open.contains("Too many open files"), "{open}");
}

#[test]
fn what_is_removed_before_it_is_delivered_survives_a_kill() {
    let place = Place::new();
    let log = place.container(1);
    append(&log, &(line("one") + &line("two")));
    // Nobody listens there.
    let away = "Name es\n  Host 127.0.0.1\n  Port 1";
    let mut shipper = Shipper::start(&place.configure("containers/*.log", "", away));
    wait_for(&true, || shipper.log().contains("not delivered yet"));
    fs::remove_dir_all(log.parent().unwrap()).unwrap();
    wait_for(&true, || shipper.log().contains("its rest is copied into the spool"));
    shipper.kill();
    let mut shipper = Shipper::start(&place.configure("containers/*.log", "", ""));
    place.wait_for(&["one", "two"]);
    let is_segment = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().ends_with(".segment");
    // What was delivered is not kept.
    wait_for(&0, || fs::read_dir(place.path("state/flytail-spool")).unwrap().flatten().filter(is_segment).count());
    assert!(shipper.terminate().success());
}
