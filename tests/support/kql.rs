//! Kibana's query language, translated as Kibana does it, by `tests/kql/translate`.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Turns searches as people type them into Kibana into queries for the server.
///
/// The first one on a machine makes a Python environment for it.
#[derive(Debug, Clone, Copy)]
pub struct Translator;

impl Translator {
    /// One query for each search. Fails the test on a search that is no KQL, or where Python is missing.
    pub fn translate(self, searches: &[&str]) -> Vec<Value> {
        let output = run(searches);
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cannot translate KQL:\n{complaints}");
        let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
        let queries: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(queries.len(), searches.len(), "one query for each search");
        queries
    }

    /// The query of one search, or nothing if it is no KQL.
    pub fn try_translate(self, search: &str) -> Option<Value> {
        let output = run(&[search]);
        if output.status.success() {
            return serde_json::from_slice(&output.stdout).ok();
        }
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(complaints.contains("cannot translate"), "{complaints}");
        None
    }

    /// The query of one search.
    pub fn translate_one(self, search: &str) -> Value {
        self.translate(&[search]).remove(0)
    }
}

fn run(searches: &[&str]) -> Output {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kql/translate");
    let mut command = Command::new(program);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{program}: {error}"));
    let mut input = child.stdin.take().expect("the pipe was asked for");
    // A translator that could not even begin says why; that its pipe is closed says nothing.
    let _ = input.write_all((searches.join("\n") + "\n").as_bytes());
    drop(input);
    child.wait_with_output().expect("our own child")
}
