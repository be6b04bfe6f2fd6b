//! What comes first after an outage: the oldest lines of each log, and new lines of other logs beside them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod support;

use std::fs;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use support::place::{Place, append, line};
use support::receiver::receive;
use support::server::free_port;
use support::shipper::{Shipper, wait_for};

/// Lines of the log that is behind, half of them in a rotated file: far more than may be on its way at once.
const BEHIND: usize = 40_000;

#[test]
fn a_log_that_is_behind_is_sent_from_its_oldest_line_on_and_holds_up_no_other() {
    let place = Place::new();
    let (behind, live) = (place.container(1), place.container(2));
    append(&behind, &backlog(0..BEHIND / 2));
    fs::rename(&behind, behind.with_file_name("0.log.20261122-000000")).unwrap();
    append(&behind, &backlog(BEHIND / 2..BEHIND));
    append(&live, &line("early"));
    // One request at a time, so that they come in the order in which they are sent.
    let port = free_port();
    let output = format!("Name es\n  Host 127.0.0.1\n  Port {port}\n  Index logs\n  Workers 1");
    let mut shipper = Shipper::start(&place.configure("containers/*.log", "", &output));
    wait_for(&true, || {
        shipper.assert_running();
        shipper.log().contains("not delivered yet")
    });

    let messages: Arc<Mutex<Vec<String>>> = Arc::default();
    let (taken, server_log) = (Arc::clone(&messages), live.clone());
    receive(TcpListener::bind(("127.0.0.1", port)).unwrap(), move |body| {
        let documents =
            body.lines().skip(1).step_by(2).map(|document| serde_json::from_str::<Value>(document).unwrap());
        let mut taken = taken.lock().unwrap();
        let is_first = taken.is_empty();
        taken.extend(documents.filter_map(|document| Some(document["message"].as_str()?.to_owned())));
        drop(taken);
        if is_first {
            append(&server_log, &line("live"));
        }
        // A server that has something to do: the log that is behind stays so for some seconds.
        thread::sleep(Duration::from_millis(200));
    });
    wait_for(&(BEHIND + 2), || messages.lock().unwrap().len());
    assert!(shipper.terminate().success(), "{}", shipper.log());

    let messages = messages.lock().unwrap();
    let numbers: Vec<usize> = messages.iter().filter_map(|message| message.get(..6)?.parse().ok()).collect();
    assert!(numbers.iter().copied().eq(0..BEHIND), "the oldest come first, over the rotation");
    let place_of = |text: &str| messages.iter().position(|message| message == text).unwrap();
    let (early, live) = (place_of("early"), place_of("live"));
    assert!(early < live && live < BEHIND / 2, "the new line came as number {live}, behind what was on its way only");
}

/// Lines that compress badly, each with its number.
fn backlog(numbers: std::ops::Range<usize>) -> String {
    let noise = || std::iter::repeat_with(fastrand::alphanumeric).take(1_500).collect::<String>();
    numbers.map(|number| line(&format!("{number:06} {}", noise()))).collect()
}
