//! `flytail check` on a corpus: each file of `tests/configurations` says in comments
//! `# expect: [FILE:]LINE[:COLUMN] SEVERITY MESSAGE` what is found in it, and nothing else is.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configurations")
}

/// `flytail check`, in the corpus, with the variables that a cluster would set.
fn check(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flytail"));
    command.arg("check").args(arguments).current_dir(corpus()).env_clear();
    command.envs([("ES_USER", "elastic"), ("ES_PASS", "hunter2"), ("HOSTNAME", "node-1")]);
    command.output().unwrap()
}

fn files(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(corpus().join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<String> = names.map(|name| format!("{folder}/{name}")).collect();
    files.sort();
    files
}

fn expected(file: &str) -> Vec<String> {
    let text = fs::read(corpus().join(file)).unwrap();
    let text = String::from_utf8_lossy(&text).into_owned();
    text.lines().filter_map(|line| line.strip_prefix("# expect: ")).map(str::to_owned).collect()
}

/// What is found, as it stands in the comments.
fn found(file: &str, report: &Value) -> Vec<String> {
    let shown = |problem: &Value| {
        let text = |key: &str| problem[key].as_str().unwrap_or_default().to_owned();
        let numbers = ["line", "column"].iter().filter_map(|key| problem[*key].as_u64());
        let place = numbers.map(|number| number.to_string()).collect::<Vec<_>>().join(":");
        let elsewhere = if text("file") == file { String::new() } else { format!("{}:", text("file")) };
        format!("{elsewhere}{place} {} {}", text("severity"), text("message")).trim_start().to_owned()
    };
    report["problems"].as_array().unwrap().iter().map(shown).collect()
}

/// Checks each file of a folder and returns how many there are.
fn check_all(folder: &str, is_valid: impl Fn(&[String]) -> bool) -> usize {
    let mut wrong = Vec::new();
    let files = files(folder);
    for file in &files {
        let output = check(&[file, "--json"]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let (expected, found) = (expected(file), found(file, &report));
        if expected != found || output.status.success() != is_valid(&found) {
            let code = output.status.code();
            wrong.push(format!("{file} ({code:?})\n  expected {expected:#?}\n  found {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    files.len()
}

#[test]
fn every_mistake_is_found_where_it_is_and_nothing_else() {
    let count = check_all("broken", |found| !found.iter().any(|one| one.contains(" error ")));
    assert!(count >= 40, "{count}");
    for file in files("broken") {
        assert!(!expected(&file).is_empty(), "{file} expects nothing");
    }
}

#[test]
fn nothing_is_wrong_with_what_is_right() {
    let count = check_all("good", |_| true);
    assert!(count >= 15, "{count}");
    for file in files("good") {
        assert!(expected(&file).iter().all(|one| one.contains(" notice ")), "{file} is not good");
    }
}

#[test]
fn a_strict_check_lets_no_warning_pass() {
    for (file, is_warning) in [
        ("broken/first-key-not-indented.conf", true),
        ("broken/service-key-unknown.conf", true),
        ("broken/secret-in-plain-text.conf", true),
        ("good/elasticsearch.conf", false),
    ] {
        assert!(check(&[file]).status.success(), "{file}");
        assert_eq!(check(&[file, "--strict"]).status.code(), Some(i32::from(is_warning)), "{file}");
    }
}

#[test]
fn people_see_the_line_with_a_mark_and_no_secret() {
    let shown = |file: &str| String::from_utf8(check(&[file]).stderr).unwrap();
    assert_eq!(
        shown("broken/size-with-unknown-unit.conf"),
        "broken/size-with-unknown-unit.conf:6:19: error: Mem_Buf_Limit: \"50XB\" is not a size (a number, then \
         nothing, K, M or G: 50M)\n  6 |     Mem_Buf_Limit 50XB\n    |                   ^^^^\n\
         broken/size-with-unknown-unit.conf is not valid: 1 error\n"
    );
    for file in ["broken/secret-in-plain-text.conf", "broken/secret-in-a-variable.conf"] {
        let shown = shown(file);
        assert!(shown.contains("in plain text") && shown.contains('^') && !shown.contains("hunter2"), "{shown}");
    }
    assert!(shown("good/tail.yaml").ends_with("good/tail.yaml is valid: nothing to complain about\n"));
}

#[test]
fn the_pipeline_is_drawn_without_colours_into_a_pipe() {
    let output = check(&["good/kubernetes.yaml", "--explain"]);
    let drawing = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        drawing,
        "\
tail.0                        /var/log/containers/*.log
│   tag                       kube.var.log.containers.*.log
│   parser                    docker, cri
│
├─▶ filter kubernetes.0       Match kube.*
├─▶ filter flyte.0            added by Flyte On, Match kube.*
╰─▶ output stdout.0           Match *

"
    );
}

#[test]
fn a_file_that_is_not_there_is_an_error() {
    let output = check(&["nowhere.conf"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("cannot read nowhere.conf: there is no such file"));
}
