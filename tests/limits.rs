//! Containers that log too much, and lines that say too much, through the binary, on real files. What arrives is read
//! from a file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod support;

use std::fs;
use std::path::PathBuf;

use serde_json::json;
use support::place::{Place, append};
use support::shipper::{Shipper, wait_for};

/// A node with one container, and its shipper.
struct Node {
    place: Place,
    log: PathBuf,
    port: u16,
}

impl Node {
    fn new() -> Self {
        let place = Place::new();
        let log = place.container(1);
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { place, log, port }
    }

    /// Writes lines of one moment.
    fn write(&self, texts: impl Iterator<Item = String>) {
        let lines: String = texts.map(|text| format!("2026-11-22T10:00:00.5Z stdout F {text}\n")).collect();
        append(&self.log, &lines);
    }

    /// Tells of the pod what the API server would.
    fn annotate(&self, annotations: &serde_json::Value) {
        fs::create_dir(self.place.path("meta")).unwrap();
        let metadata = json!({"name": "pod-1", "namespace": "flyte", "uid": "uid-1", "annotations": annotations});
        fs::write(self.place.path("meta/flyte_pod-1.meta"), json!({"metadata": metadata}).to_string()).unwrap();
    }

    /// Runs the shipper with further options of the tail, and further filters.
    fn ship(&self, tail: &str, filters: &str) -> Shipper {
        let file = self.place.configure("containers/*.log", tail, "");
        let server = format!("[SERVICE]\n  HTTP_Server On\n  HTTP_Listen 127.0.0.1\n  HTTP_Port {}", self.port);
        let meta = format!("Merge_Log On\n  Kube_Meta_Preload_Cache_Dir {}", self.place.path("meta").display());
        let text = fs::read_to_string(&file).unwrap().replacen("[SERVICE]", &server, 1);
        let text = text.replacen("Merge_Log On", &meta, 1).replacen("[OUTPUT]", &format!("{filters}\n[OUTPUT]"), 1);
        fs::write(&file, text).unwrap();
        Shipper::start(&file)
    }

    fn metric(&self, name: &str) -> u64 {
        let url = format!("http://127.0.0.1:{}/metrics", self.port);
        let text =
            ureq::get(url).call().map_or_else(|_| String::new(), |mut page| page.body_mut().read_to_string().unwrap());
        let line = text.lines().find(|line| line.starts_with(name));
        line.map_or(0, |line| line.rsplit_once(' ').unwrap().1.parse().unwrap())
    }

    fn limited(&self, policy: &str) -> u64 {
        let labels = format!("container=\"flyte/pod-1/main\",policy=\"{policy}\"");
        self.metric(&format!("flytail_rate_limited_records_total{{{labels}}}"))
    }

    /// Every record that was given to the output is accounted for, and so many were left out.
    fn assert_balanced(&self, left_out: u64) {
        let of = |name: &str| self.metric(&format!("flytail_output_{name}_records_total{{name=\"file.0\""));
        let dropped = "flytail_output_dropped_records_total{name=\"file.0\",reason=\"rate_limit\"}";
        wait_for(&left_out, || self.metric(dropped));
        wait_for(&(of("routed") - left_out), || of("acked"));
        let of_input = |name: &str| self.metric(&format!("flytail_input_{name}_bytes"));
        wait_for(&of_input("read"), || of_input("finished"));
    }
}

#[test]
fn what_exceeds_the_limit_is_dropped_and_accounted_for() {
    let node = Node::new();
    node.write((0..100).map(|number| format!("line {number:02}")));
    let mut shipper = node.ship("Rate_Limit_Lines 10\n  Rate_Limit_Policy drop", "");
    let first: Vec<String> = (0..10).map(|number| format!("line {number:02}")).collect();
    wait_for(&90, || node.limited("drop"));
    wait_for(&first, || node.place.messages());
    node.assert_balanced(90);
    assert!(shipper.terminate().success());
}

#[test]
fn errors_are_never_left_out_of_a_sample() {
    let node = Node::new();
    node.annotate(&json!({"flytail.io/rate-limit-lines": "1", "flytail.io/rate-limit-policy": "sample"}));
    let level = |number| if number % 10 == 5 { "error" } else { "info" };
    node.write((0..101).map(|number| json!({"level": level(number), "msg": format!("line {number:03}")}).to_string()));
    // The pod's own wishes count, not these.
    let mut shipper = node.ship("Rate_Limit_Lines 1000\n  Rate_Limit_Sample 20", "");
    // One within the limit, one of each twenty beyond it, and ten errors, none of which is among those.
    wait_for(&16, || node.place.messages().len());
    assert_eq!(node.place.documents().iter().filter(|document| document["level"] == "ERROR").count(), 10);
    wait_for(&85, || node.limited("sample"));
    node.assert_balanced(85);
    assert!(shipper.terminate().success());
}

#[test]
fn a_slow_container_s_lines_come_later() {
    let node = Node::new();
    node.write((0..60).map(|number| format!("line {number:02}")));
    let mut shipper = node.ship("Rate_Limit_Lines 20\n  Rate_Limit_Policy slow", "");
    wait_for(&60, || node.place.messages().len());
    let waits = "flytail_rate_limited_waits_total{container=\"flyte/pod-1/main\"}";
    wait_for(&1, || node.metric(waits));
    node.write(["later".to_owned()].into_iter());
    wait_for(&true, || node.place.messages().contains(&"later".to_owned()));
    assert_eq!(node.place.messages().len(), 61, "nothing is lost");
    node.assert_balanced(0);
    assert!(shipper.terminate().success());
}

#[test]
fn secrets_do_not_leave() {
    let node = Node::new();
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl";
    let lines = [
        format!("calls with Bearer {token}"),
        json!({"level": "info", "msg": "connects", "url": "postgres://me:s3cret@db/x", "deep": {"user": "card 1234-5678"}})
            .to_string(),
        "Traceback (most recent call last):".to_owned(),
        "  File \"a.py\", line 1, in f".to_owned(),
        "ValueError: AKIAIOSFODNN7EXAMPLE".to_owned(),
    ];
    node.write(lines.into_iter());
    let redact = r"[FILTER]
  Name redact
  Match *
  Regex \d{4}-\d{4}";
    let mut shipper = node.ship("", redact);
    wait_for(&3, || node.place.documents().len());
    let out = fs::read_to_string(node.place.path("out")).unwrap();
    for secret in [token, "s3cret", "1234-5678", "AKIAIOSFODNN7EXAMPLE"] {
        assert!(!out.contains(secret), "{secret} in\n{out}");
    }
    assert!(out.contains("postgres://me:[REDACTED]@db/x"), "{out}");
    wait_for(&4, || node.metric("flytail_redacted_secrets_total"));
    assert!(shipper.terminate().success());
}
