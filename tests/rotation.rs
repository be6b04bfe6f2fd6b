//! What nodes do to files, one scenario a test, through the binary on real files. What arrives is read from a file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod support;

use std::fs;

use support::place::{Place, append, compress, line};
use support::shipper::{Shipper, wait_for};

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

/// What the shipper says once for all when the kernel gives no events.
const NO_EVENTS: [&str; 2] = ["no file events:", "some directories are not watched:"];

#[test]
fn without_the_kernels_events_the_scan_finds_everything_and_that_is_said_once() {
    for (limit, value) in [("max_inotify_instances", 0), ("max_inotify_watches", 2)] {
        let place = Place::new();
        let configuration = place.configure("containers/*.log", "", "");
        let mut shipper = Shipper::start_with_limit(&configuration, limit, value);
        let mut wanted = Vec::new();
        for round in 0..3 {
            for number in 0..5 {
                let log = place.container(number + round * 5);
                append(&log, &line(&format!("{number} {round} before")));
                fs::rename(&log, log.with_file_name("0.log.20261122-000001")).unwrap();
                append(&log, &line(&format!("{number} {round} after")));
                wanted.extend(["before", "after"].map(|when| format!("{number} {round} {when}")));
            }
            place.wait_for(&wanted.iter().map(String::as_str).collect::<Vec<_>>());
        }
        assert!(shipper.terminate().success());
        let log = shipper.log();
        let said: usize = NO_EVENTS.iter().map(|text| log.matches(text).count()).sum();
        assert_eq!(said, 1, "{limit}: {log}");
    }
}
