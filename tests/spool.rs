//! What is about to vanish from the disk, through the binary on real files: it is kept, is there after a kill, holds no
//! room that was given back, and where it is damaged that is said.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::place::{Place, append, compress, line};
use support::shipper::{Shipper, wait_for};

/// Nobody listens there.
const AWAY: &str = "Name es\n  Host 127.0.0.1\n  Port 1";

/// A shipper that delivers nothing.
fn start_away(place: &Place) -> Shipper {
    let shipper = Shipper::start(&place.configure("containers/*.log", "Rotate_Wait 1", AWAY));
    wait_for(&true, || shipper.log().contains("not delivered yet"));
    shipper
}

fn start(place: &Place) -> Shipper {
    Shipper::start(&place.configure("containers/*.log", "Rotate_Wait 1", ""))
}

fn segments(place: &Place) -> Vec<PathBuf> {
    let entries = fs::read_dir(place.path("state/flytail-spool")).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "segment"));
    paths.sort();
    paths
}

/// Files without a name that a process holds open.
fn held_open(shipper: &Shipper) -> usize {
    let handles = fs::read_dir(format!("/proc/{}/fd", shipper.id())).unwrap().flatten();
    let targets = handles.filter_map(|handle| fs::read_link(handle.path()).ok());
    targets.filter(|target| target.to_string_lossy().contains("0.log") && is_deleted(target)).count()
}

fn is_deleted(target: &Path) -> bool {
    target.to_string_lossy().ends_with(" (deleted)")
}

#[test]
fn what_is_removed_before_it_is_delivered_survives_a_kill() {
    let place = Place::new();
    let log = place.container(1);
    append(&log, &(line("one") + &line("two")));
    let mut shipper = start_away(&place);
    fs::remove_dir_all(log.parent().unwrap()).unwrap();
    wait_for(&true, || shipper.log().contains("is copied into the spool"));
    shipper.kill();
    let mut shipper = start(&place);
    place.wait_for(&["one", "two"]);
    // What was delivered is not kept.
    wait_for(&0, || segments(&place).len());
    assert!(shipper.terminate().success());
}

#[test]
fn rotated_logs_that_wait_hold_no_room_that_was_given_back() {
    let place = Place::new();
    let log = place.container(1);
    append(&log, &line("one"));
    let mut shipper = start_away(&place);
    let rotated = |number| log.with_file_name(format!("0.log.20261122-00000{number}"));
    for (number, text) in ["two", "three", "four"].iter().enumerate() {
        fs::rename(&log, rotated(number)).unwrap();
        append(&log, &line(text));
        // The file is held open by now, though it cannot be read on.
        wait_for(&true, || {
            let handles = fs::read_dir(format!("/proc/{}/fd", shipper.id())).unwrap().flatten();
            handles.filter_map(|handle| fs::read_link(handle.path()).ok()).any(|target| target == rotated(number))
        });
        compress(&rotated(number));
    }
    // They go on in their compressed copies.
    wait_for(&0, || held_open(&shipper));
    for number in 0..3 {
        fs::remove_file(format!("{}.gz", rotated(number).display())).unwrap();
    }
    // And once those are gone, in the spool.
    wait_for(&3, || segments(&place).len());
    wait_for(&0, || held_open(&shipper));
    shipper.kill();
    let mut shipper = start(&place);
    place.wait_for(&["one", "two", "three", "four"]);
    wait_for(&0, || segments(&place).len());
    assert!(shipper.terminate().success());
}

/// What was removed just before is not lost either, though nobody looked since.
#[test]
fn what_is_removed_just_before_an_orderly_end_or_a_reload_is_kept() {
    for is_reload in [false, true] {
        let place = Place::new();
        let log = place.container(1);
        append(&log, &(line("one") + &line("two")));
        let options = "Inotify_Watcher Off";
        let configure = |output: &str| {
            let configuration = place.configure("containers/*.log", options, output);
            let text = fs::read_to_string(&configuration)
                .unwrap()
                .replace("[SERVICE]", "[SERVICE]\n  Hot_Reload On\n  Grace 0");
            fs::write(&configuration, text).unwrap();
            configuration
        };
        let mut shipper = Shipper::start(&configure(AWAY));
        wait_for(&true, || shipper.log().contains("not delivered yet"));
        let configuration = configure("");
        fs::remove_dir_all(log.parent().unwrap()).unwrap();
        if is_reload {
            assert!(Command::new("kill").args(["-HUP", &shipper.id().to_string()]).status().unwrap().success());
        } else {
            assert!(shipper.terminate().success());
            shipper = Shipper::start(&configuration);
        }
        place.wait_for(&["one", "two"]);
        assert!(shipper.terminate().success());
    }
}

type Damage = (&'static str, fn(&[PathBuf]));

#[test]
fn a_damaged_spool_is_told_and_holds_up_nothing() {
    let damages: [Damage; 5] = [
        ("does not end with a whole frame", |segments| {
            let bytes = fs::read(&segments[0]).unwrap();
            fs::write(&segments[0], &bytes[..bytes.len() - 10]).unwrap();
        }),
        ("is no segment and is set aside", |segments| {
            fs::write(&segments[0], vec![0; fs::metadata(&segments[0]).unwrap().len() as usize]).unwrap();
        }),
        ("is damaged", |segments| {
            let mut bytes = fs::read(&segments[0]).unwrap();
            let at = bytes.len() / 2;
            bytes[at] ^= 0x55;
            fs::write(&segments[0], bytes).unwrap();
        }),
        ("it is a copy of another one", |segments| {
            fs::copy(&segments[1], &segments[0]).unwrap();
        }),
        ("cannot be read; the next start tries again", |segments| {
            fs::remove_file(&segments[0]).unwrap();
            fs::create_dir(&segments[0]).unwrap();
        }),
    ];
    for (said, damage) in damages {
        let place = Place::new();
        let logs: Vec<_> = (0..3).map(|number| place.container(number)).collect();
        // More than a frame, so that one in the middle can be damaged.
        append(&logs[0], &line(&format!("filler {}", "x".repeat(100))).repeat(2_000));
        logs[1..].iter().for_each(|log| append(log, &line("before")));
        let mut shipper = start_away(&place);
        for log in &logs[..2] {
            fs::remove_file(log).unwrap();
            wait_for(&true, || !segments(&place).is_empty());
        }
        wait_for(&2, || segments(&place).len());
        // The copies are written at once, and whole when they are told.
        wait_for(&2, || shipper.log().matches("is copied into the spool").count());
        shipper.kill();
        damage(&segments(&place));
        // The container of the damaged one goes on, too.
        logs[..2].iter().for_each(|log| append(log, &line("after")));
        let mut shipper = start(&place);
        // A line that the damage cut is shipped as it is, with the runtime's time in front.
        let is_filler = |message: &String| message.starts_with("filler") || message.contains("Z stdou");
        let others = || place.messages().into_iter().filter(|message| !is_filler(message));
        wait_for(&["after", "after", "before", "before"].map(str::to_owned).to_vec(), || others().collect::<Vec<_>>());
        assert!(shipper.log().contains(said), "{said}: {}", shipper.log());
        assert!(shipper.terminate().success());
    }
}

#[test]
fn the_end_of_a_damaged_compressed_log_holds_up_nothing() {
    let place = Place::new();
    let log = place.container(1);
    let rotated = log.with_file_name("0.log.20261122-000001");
    append(&rotated, &(1..2_000).map(|number| line(&format!("rotated {number}"))).collect::<String>());
    append(&log, &line("current"));
    compress(&rotated);
    let compressed = PathBuf::from(format!("{}.gz", rotated.display()));
    let bytes = fs::read(&compressed).unwrap();
    fs::write(&compressed, &bytes[..bytes.len() / 2]).unwrap();
    let mut shipper = start(&place);
    wait_for(&true, || place.messages().contains(&"current".to_owned()));
    assert!(shipper.terminate().success());
    assert!(place.messages().len() > 100, "what stands before the damage is shipped");
    assert_eq!(shipper.log().matches("is damaged: what stands before that is shipped").count(), 1);
}

#[test]
fn without_a_spool_shipping_goes_on_and_says_so() {
    let place = Place::new();
    let log = place.container(1);
    append(&log, &line("one"));
    fs::create_dir(place.path("state")).unwrap();
    fs::write(place.path("state/flytail-spool"), "no directory").unwrap();
    let mut shipper = start(&place);
    place.wait_for(&["one"]);
    assert!(shipper.log().contains("there is no spool"), "{}", shipper.log());
    assert!(shipper.terminate().success());
}
