//! Multi-line through the binary, on real files: rules of parsers files, filters, rotation and kills in the middle of
//! a group. What arrives is read from a file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod support;

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use flytail::record::Timestamp;
use serde_json::Value;
use support::shipper::{Shipper, flytail, wait_for};

/// A day begins a record, and what is indented goes on with it.
const PARSERS: &str = r#"
[MULTILINE_PARSER]
    name          multiline-regex-test
    type          regex
    flush_timeout 1000
    # rules |   state name  | regex pattern                  | next state
    rule      "start_state"   "/([a-zA-Z]+ \d+ \d+\:\d+\:\d+)(.*)/"  "cont"
    rule      "cont"          "/^\s+at.*/"                     "cont"
"#;

const FIRST: &str = "Dec 14 06:41:08 Exception in thread \"main\" java.lang.RuntimeException: went wrong";
const FRAMES: [&str; 2] = ["    at com.example.One.run(One.java:1)", "    at com.example.Two.run(Two.java:2)"];

fn whole() -> String {
    [FIRST, FRAMES[0], FRAMES[1]].join("\n")
}

/// A directory with logs, a configuration, and what arrived.
struct Node {
    root: tempfile::TempDir,
}

impl Node {
    fn new() -> Self {
        let node = Self { root: tempfile::tempdir().unwrap() };
        fs::create_dir_all(node.log("0.log").parent().unwrap()).unwrap();
        fs::create_dir_all(node.root.path().join("containers")).unwrap();
        fs::write(node.root.path().join("parsers.conf"), PARSERS).unwrap();
        node
    }

    /// A log in a container's directory.
    fn log(&self, name: &str) -> PathBuf {
        self.root.path().join("pods/flyte_pod_uid/main").join(name)
    }

    /// Writes a configuration: a tail with some options, then filters. The Flyte filter is not there.
    fn configure(&self, tail: &str, filters: &str) -> PathBuf {
        let root = self.root.path().display();
        let text = format!(
            "[SERVICE]\n  Flush 0.1\n  Flyte Off\n  Parsers_File parsers.conf\n\
             [INPUT]\n  Name tail\n  Path {root}/containers/*.log\n  DB {root}/state/tail.db\n  Refresh_Interval 1\n  \
             Rotate_Wait 1\n  Tag kube.*\n  {tail}\n{filters}\n\
             [OUTPUT]\n  Name file\n  Match *\n  Path {root}\n  File out\n  Format plain\n"
        );
        let file = self.root.path().join("flytail.conf");
        fs::write(&file, text).unwrap();
        file
    }

    /// What has arrived under a key, sorted.
    fn texts(&self, key: &str) -> Vec<String> {
        let out = fs::read_to_string(self.root.path().join("out")).unwrap_or_default();
        let whole = out.rfind('\n').map_or(0, |end| end + 1);
        let documents = out[..whole].lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut texts: Vec<_> = documents.map(|document| document[key].as_str().unwrap().to_owned()).collect();
        texts.sort();
        texts
    }

    fn wait_for(&self, key: &str, texts: &[&str]) {
        let mut wanted: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
        wanted.sort();
        wait_for(&wanted, || self.texts(key));
    }
}

fn append(path: &Path, text: &str) {
    fs::OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

/// A line as containerd writes it. All lines of one time, as those of one stack trace nearly are.
fn line(stream: &str, text: &str) -> String {
    format!("2026-08-21T12:00:01.5Z {stream} F {text}\n")
}

/// Two streams, each with a group, line by line in turns; the log is rotated in the middle of both.
fn write_interleaved(node: &Node) {
    let (rotated, current) = (node.log("0.log.20260821-120000"), node.log("0.log"));
    append(&rotated, &(line("stdout", "before") + &line("stdout", FIRST) + &line("stderr", FIRST)));
    append(&rotated, &(line("stdout", FRAMES[0]) + &line("stderr", FRAMES[0])));
    append(&current, &(line("stderr", FRAMES[1]) + &line("stderr", "err")));
    append(&current, &(line("stdout", FRAMES[1]) + &line("stdout", "out")));
    symlink(&current, node.root.path().join(format!("containers/pod_flyte_main-{}.log", "a".repeat(64)))).unwrap();
}

#[test]
fn streams_are_joined_each_for_itself_over_a_rotation() {
    let node = Node::new();
    write_interleaved(&node);
    let mut shipper = Shipper::start(&node.configure("multiline.parser docker, cri, multiline-regex-test", ""));
    node.wait_for("log", &["before", &whole(), &whole(), "err", "out"]);
    assert!(shipper.terminate().success());
}

#[test]
fn a_filter_joins_what_the_input_would_join() {
    let node = Node::new();
    write_interleaved(&node);
    let filter = "[FILTER]\n  Name multiline\n  Match kube.*\n  multiline.key_content log\n  \
                  multiline.parser go, multiline-regex-test\n  Buffer On\n  Emitter_Name joined\n";
    let mut shipper = Shipper::start(&node.configure("multiline.parser docker, cri", filter));
    node.wait_for("log", &["before", &whole(), &whole(), "err", "out"]);
    assert!(shipper.terminate().success());
}

#[test]
fn a_filter_for_other_tags_joins_nothing() {
    let node = Node::new();
    append(&node.log("0.log"), &(line("stdout", FIRST) + &line("stdout", FRAMES[0])));
    symlink(node.log("0.log"), node.root.path().join(format!("containers/p_n_c-{}.log", "a".repeat(64)))).unwrap();
    let filter = "[FILTER]\n  Name multiline\n  Match other.*\n  multiline.parser multiline-regex-test\n";
    let mut shipper = Shipper::start(&node.configure("multiline.parser cri", filter));
    node.wait_for("log", &[FIRST, FRAMES[0]]);
    assert!(shipper.terminate().success());
}

#[test]
fn a_group_survives_a_kill_and_a_rotation_in_its_middle() {
    let node = Node::new();
    let current = node.log("0.log");
    let now = |stream: &str, text: &str| {
        let mut time = Vec::new();
        Timestamp::now().write_rfc3339(&mut time);
        format!("{} {stream} F {text}\n", String::from_utf8(time).unwrap())
    };
    append(&current, &now("stderr", "before"));
    symlink(&current, node.root.path().join(format!("containers/p_n_c-{}.log", "a".repeat(64)))).unwrap();
    // Long enough that none of the waits below is a gap.
    let parsers = PARSERS.replace("flush_timeout 1000", "flush_timeout 120000");
    fs::write(node.root.path().join("parsers.conf"), parsers).unwrap();
    let configuration = node.configure("multiline.parser cri, multiline-regex-test", "");
    let mut shipper = Shipper::start(&configuration);
    append(&current, &(now("stderr", FIRST) + &now("stdout", "read 1")));
    node.wait_for("log", &["before", "read 1"]);
    shipper.kill();
    append(&current, &now("stderr", FRAMES[0]));
    fs::rename(&current, node.log("0.log.20260821-120000")).unwrap();
    append(&current, &(now("stdout", "read 2") + &now("stderr", FRAMES[1]) + &now("stderr", "after")));
    let mut shipper = Shipper::start(&configuration);
    // What was written and not yet acknowledged when it was killed comes again: a file knows no ids.
    let distinct = || {
        let mut texts = node.texts("log");
        texts.dedup();
        texts
    };
    let mut wanted = ["before", "read 1", "read 2", &whole(), "after"].map(str::to_owned).to_vec();
    wanted.sort();
    wait_for(&wanted, distinct);
    assert!(shipper.terminate().success());
}

#[test]
fn in_a_file_without_times_the_clock_completes_a_group() {
    let node = Node::new();
    let log = node.root.path().join("containers/plain.log");
    append(&log, &format!("single line\n{FIRST}\n{}\n", FRAMES.join("\n")));
    let mut shipper =
        Shipper::start(&node.configure("Read_from_Head true\n  multiline.parser multiline-regex-test", ""));
    node.wait_for("log", &["single line", &whole()]);
    append(&log, "another line\n");
    node.wait_for("log", &["single line", &whole(), "another line"]);
    assert!(shipper.terminate().success());
}

#[test]
fn yaml_defines_rules_in_place_and_a_processor_joins_for_its_input_alone() {
    let node = Node::new();
    let root = node.root.path();
    let yaml = format!(
        r#"
service: {{flush: 0.1, flyte: off}}
multiline_parsers:
  - name: quoted
    type: regex
    flush_timeout: 1000
    rules:
      - {{state: start_state, regex: '/^"[\w.]+": /', next_state: more}}
      - {{state: more, regex: '/^\s+at /', next_state: more}}
pipeline:
  inputs:
    - name: tail
      path: {root}/joined.log
      read_from_head: on
      processors: {{logs: [{{name: multiline, multiline.parser: quoted}}]}}
    - {{name: tail, path: {root}/apart.log, read_from_head: on}}
  outputs:
    - {{name: file, match: '*', path: {root}, file: out, format: plain}}
"#,
        root = root.display()
    );
    let file = root.join("flytail.yaml");
    fs::write(&file, yaml).unwrap();
    for name in ["joined.log", "apart.log"] {
        append(&root.join(name), &format!("\"{name}\": x\n  at a\n"));
    }
    let mut shipper = Shipper::start(&file);
    node.wait_for("log", &["\"joined.log\": x\n  at a", "\"apart.log\": x", "  at a"]);
    assert!(shipper.terminate().success());
}

/// What a configuration's check says.
fn check(node: &Node, configuration: &Path) -> (bool, String) {
    let mut command = flytail();
    command.arg("-c").arg(configuration).arg("--dry-run").current_dir(node.root.path());
    let output = command.env("TMPDIR", node.root.path()).output().unwrap();
    (output.status.success(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn what_cannot_be_joined_is_an_error_that_says_so() {
    let node = Node::new();
    let filter = |more: &str| format!("[FILTER]\n  Name multiline\n  Match *\n  {more}\n");
    for (tail, filters, expected) in [
        ("multiline.parser cri, perl", String::new(), "there is no multiline parser \"perl\""),
        ("Parser docker", filter("multiline.parser perl"), "there is no multiline parser \"perl\""),
        ("Parser docker", filter("Mode parser"), "the filter multiline needs a multiline.parser"),
        ("Parser docker", filter("Mode partial_message"), "the mode partial_message is not supported yet"),
        (
            "Parser cri",
            filter("multiline.key_content log\n  multiline.parser go"),
            "hint: write `multiline.key_content message`",
        ),
        ("Parser json", filter("multiline.parser go"), "the lines of tail.0 are cut by the parser json"),
        (
            "Parser cri\n[INPUT]\n  Name dummy",
            filter("multiline.parser go"),
            "the filter multiline joins lines of tail inputs only, and takes records of dummy.0",
        ),
    ] {
        let (is_good, said) = check(&node, &node.configure(tail, &filters));
        assert!(!is_good && said.contains(expected), "{tail} {filters}: {said}");
    }
    let (is_good, said) = check(&node, &node.configure("Parser docker", &filter("multiline.parser go, java")));
    assert!(is_good, "{said}");
}
