//! What the README shows is what happens: its configuration, its parser, its test and its commands are run as they
//! stand there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use support::shipper::flytail;

/// The blocks of code of this language below a heading of the README, in order.
fn blocks(heading: &str, language: &str) -> Vec<String> {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let start = readme.find(&format!("\n## {heading}\n")).expect("the heading") + 4;
    let section = &readme[start..readme[start..].find("\n## ").map_or(readme.len(), |end| start + end)];
    let parts: Vec<_> = section.split("```").collect();
    let fenced = parts.iter().skip(1).step_by(2).filter_map(|block| block.split_once('\n'));
    fenced.filter(|(found, _)| *found == language).map(|(_, text)| text.to_owned()).collect()
}

fn run(directory: &Path, arguments: &[&str]) -> String {
    let mut command: Command = flytail();
    command.args(arguments).current_dir(directory).env("ES_USER", "user").env("ES_PASS", "password");
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{arguments:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

#[test]
fn the_way_from_a_line_to_a_field_is_as_it_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let write = |name: &str, text: &str| fs::write(path.join(name), text).unwrap();
    let [parsers, filter] = blocks("Tune it", "ini").try_into().unwrap();
    let [test] = blocks("Tune it", "").try_into().unwrap();
    let configuration = blocks("Use it", "ini").concat();
    write("parsers.conf", &parsers);
    write(
        "fluent-bit.conf",
        &configuration
            .replace("/var/lib/flytail", &path.display().to_string())
            .replace("[OUTPUT]", &(filter + "[OUTPUT]")),
    );
    write("billing.test", &test);
    let line = blocks("Tune it", "sh")[0].lines().nth(1).unwrap().to_owned();
    write("billing.log", &format!("{line}\n"));
    run(path, &["check", "--strict", "fluent-bit.conf"]);
    let parsed = run(path, &["parse", "--parser", "billing", "-R", "parsers.conf", "--json", "billing.log"]);
    assert!(parsed.contains("\"took_ms\":812"), "{parsed}");
    let log = format!("/var/log/containers/billing-1_shop_main-{}.log", "0".repeat(64));
    let whole = run(path, &["parse", "-c", "fluent-bit.conf", "--json", "--path", &log, "billing.log"]);
    let whole: Value = serde_json::from_str(&whole).unwrap();
    assert_eq!((&whole["document"]["level"], &whole["document"]["fields"]["took_ms"]), (&"WARN".into(), &812.into()));
    assert_eq!(run(path, &["test", "billing.test"]), "ok     a slow charge is a warning\n1 passed, 0 failed\n");
    assert!(!path.join("tail.db").exists(), "nothing was run");
}
