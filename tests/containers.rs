//! Container logs as the kubelet and its runtimes keep them, through the binary, on real files: restarted containers,
//! records that span files, streams that never end a line. What arrives is read from a file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use support::place::{Place, append, entry};
use support::shipper::{Shipper, wait_for};

/// A node with one container.
struct Container(Place);

impl Container {
    fn new() -> Self {
        let container = Self(Place::new());
        fs::create_dir_all(container.log("")).unwrap();
        container
    }

    /// A log in the container's directory.
    fn log(&self, name: &str) -> PathBuf {
        self.0.path("pods/flyte_pod-1_uid/main").join(name)
    }

    /// Links a log as the container of this id.
    fn link(&self, target: &Path, id: usize) -> PathBuf {
        self.0.link(target, 1, id)
    }

    fn start(&self, options: &str) -> Shipper {
        Shipper::start(&self.0.configure("containers/*.log", &format!("Rotate_Wait 1\n  {options}"), ""))
    }
}

/// A line that was written long ago.
fn old_line(stream: &str, text: &str) -> String {
    format!("2026-08-21T12:00:01.5Z {stream} F {text}\n")
}

#[test]
fn a_restarted_container_is_read_though_the_link_of_the_dead_one_stays() {
    let container = Container::new();
    append(&container.log("0.log"), &entry("stdout", "F", "first start"));
    container.link(&container.log("0.log"), 10);
    let mut shipper = container.start("");
    container.0.wait_for(&["first start"]);
    append(&container.log("1.log"), &entry("stdout", "F", "second start"));
    container.link(&container.log("1.log"), 11);
    container.0.wait_for(&["first start", "second start"]);
    assert!(shipper.terminate().success());
}

#[test]
fn a_traceback_in_old_lines_is_whole_over_blocks_and_files() {
    let container = Container::new();
    let traceback = ["Traceback (most recent call last):", "  File \"a.py\", line 1, in f", "ValueError: 1"];
    let lines: String = traceback.iter().map(|text| old_line("stderr", text)).collect();
    let between = old_line("stderr", "between");
    // Longer than some blocks, so that their ends fall anywhere.
    let count = 1_200_000 / (lines.len() + between.len());
    let many = format!("{lines}{between}").repeat(count);
    let (rotated, current) = (container.log("0.log.20260821-120000"), container.log("0.log"));
    append(&rotated, &(many + &old_line("stderr", traceback[0])));
    append(&current, &(old_line("stderr", traceback[1]) + &old_line("stderr", traceback[2]) + &between));
    container.link(&current, 10);
    let mut shipper = container.start("");
    let (whole, expected) = (traceback.join("\n"), 2 * (count + 1));
    wait_for(&expected, || container.0.messages().len());
    assert!(container.0.messages().iter().all(|message| *message == whole || message == "between"));
    assert!(shipper.terminate().success());
}

#[test]
fn a_line_over_three_files_survives_a_kill_in_its_middle() {
    let container = Container::new();
    let current = container.log("0.log");
    append(&current, &entry("stdout", "F", "before"));
    container.link(&current, 10);
    let mut shipper = container.start("");
    container.0.wait_for(&["before"]);
    for part in 1..=3 {
        append(&current, &entry("stdout", "P", &format!("part {part}, ")));
        // The next rotation comes when this file was looked at, checkpoints and all.
        append(&current, &entry("stderr", "F", &format!("read {part}")));
        wait_for(&true, || container.0.messages().contains(&format!("read {part}")));
        std::thread::sleep(std::time::Duration::from_millis(2_500));
        if part < 3 {
            fs::rename(&current, container.log(&format!("0.log.20261122-00000{part}"))).unwrap();
        }
    }
    shipper.kill();
    append(&current, &entry("stdout", "F", "end"));
    let mut shipper = container.start("");
    container.0.wait_for(&["before", "read 1", "read 2", "read 3", "part 1, part 2, part 3, end"]);
    assert!(shipper.terminate().success());
}

#[test]
fn a_stream_that_never_ends_its_line_does_not_stop_the_other() {
    let container = Container::new();
    let log = container.log("0.log");
    append(&log, &entry("stdout", "P", "never ends"));
    container.link(&log, 10);
    let mut shipper = container.start("Mem_Buf_Limit 100k");
    for step in 1..=10 {
        append(&log, &entry("stderr", "F", &"x".repeat(200)).repeat(100));
        wait_for(&(step * 100), || container.0.messages().len());
    }
    assert!(shipper.terminate().success());
}

#[test]
fn a_path_that_was_gone_for_a_while_leads_to_the_same_file_again() {
    let container = Container::new();
    let log = container.log("0.log");
    append(&log, &entry("stdout", "F", "before"));
    let link = container.link(&log, 10);
    let mut shipper = container.start("");
    container.0.wait_for(&["before"]);
    fs::remove_file(&link).unwrap();
    std::thread::sleep(std::time::Duration::from_secs(4));
    container.link(&log, 10);
    append(&log, &entry("stdout", "F", "after"));
    container.0.wait_for(&["before", "after"]);
    assert!(shipper.terminate().success());
}

#[test]
fn what_follows_a_checkpoint_is_new_though_read_from_head_is_off() {
    let container = Container::new();
    let log = container.log("0.log");
    append(&log, &entry("stdout", "F", "old"));
    container.link(&log, 10);
    let mut shipper = container.start("Read_from_Head Off");
    wait_for(&true, || shipper.log().contains("follows"));
    append(&log, &entry("stdout", "F", "one"));
    container.0.wait_for(&["one"]);
    assert!(shipper.terminate().success());
    append(&log, &entry("stdout", "F", "two"));
    fs::rename(&log, container.log("0.log.20261122-000001")).unwrap();
    append(&log, &entry("stdout", "F", "three"));
    let mut shipper = container.start("Read_from_Head Off");
    container.0.wait_for(&["one", "two", "three"]);
    assert!(shipper.terminate().success());
}

#[test]
fn lines_of_the_same_time_can_be_sorted_as_they_were_written() {
    let container = Container::new();
    let (rotated, current) = (container.log("0.log.20260821-120000"), container.log("0.log"));
    let lines = |from: u32| {
        (from..from + 20).map(|number| old_line("stdout", &format!("line {number:02}"))).collect::<String>()
    };
    append(&rotated, &lines(10));
    // A runtime's clock goes on between two files.
    append(&current, &lines(30).replace("12:00:01.5Z", "12:00:01.6Z"));
    container.link(&current, 10);
    let mut shipper = container.start("");
    wait_for(&40, || container.0.messages().len());
    assert!(shipper.terminate().success());
    let mut documents = container.0.documents();
    documents.sort_by_key(|document| document["order"].as_i64().unwrap());
    let messages: Vec<_> = documents.iter().map(|document| document["message"].as_str().unwrap()).collect();
    assert!(messages.is_sorted() && messages.len() == 40, "{messages:?}");
}

#[test]
fn dockers_log_that_was_rotated_while_nobody_read_is_finished() {
    let container = Container::new();
    let directory = container.0.path("docker");
    fs::create_dir(&directory).unwrap();
    let log = directory.join(format!("{}-json.log", "a".repeat(64)));
    let line = |text: &str| {
        let written = entry("stdout", "F", "");
        let time = written.split(' ').next().unwrap();
        format!("{{\"log\":\"{text}\\n\",\"stream\":\"stdout\",\"time\":\"{time}\"}}\n")
    };
    append(&log, &line("one"));
    symlink(&log, container.log("0.log")).unwrap();
    container.link(&container.log("0.log"), 10);
    let mut shipper = container.start("");
    container.0.wait_for(&["one"]);
    assert!(shipper.terminate().success());
    append(&log, &line("two"));
    fs::rename(&log, format!("{}.1", log.display())).unwrap();
    append(&log, &line("three"));
    let mut shipper = container.start("");
    container.0.wait_for(&["one", "two", "three"]);
    assert!(shipper.terminate().success());
}
