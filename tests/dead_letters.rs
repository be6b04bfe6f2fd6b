//! Dead letters through the binary, against a real server that refuses some documents: what is kept of them, and what
//! the commands make of it while the shipper goes on.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod support;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};
use support::client::Client;
use support::node::dead_letters;
use support::server::{Engine, Server};
use support::shipper::{Shipper, flytail, wait_for};
use support::turn::turn;
use tempfile::TempDir;

/// A log of JSON lines, and a configuration that ships them to one index.
struct Logs {
    directory: TempDir,
    index: &'static str,
    client: Client,
    written: u64,
}

impl Logs {
    /// An index that takes `n` if it is a number, and no other member.
    fn new(server: &Server, index: &'static str, service: &str) -> Self {
        let client = server.client();
        let properties = json!({"@timestamp": {"type": "date_nanos"}, "n": {"type": "long"}});
        client.put(&format!("/{index}"), &json!({"mappings": {"dynamic": "strict", "properties": properties}})).ok();
        let logs = Self { directory: tempfile::tempdir().unwrap(), index, client, written: 0 };
        let root = logs.root();
        fs::write(root.join("parsers.conf"), "[PARSER]\n  Name json\n  Format json\n").unwrap();
        let text = format!(
            "[SERVICE]\n  Flush 0.1\n  Flyte Off\n  Parsers_File parsers.conf\n  {service}\n[INPUT]\n  Name tail\n  \
             Path {root}/*.log\n  Parser json\n  DB {root}/state/tail.db\n[OUTPUT]\n  Name es\n  Match *\n  Port {}\n  \
             Index {index}\n  HTTP_User admin\n  HTTP_Passwd geheim-7\n",
            server.port(),
            root = root.display(),
        );
        fs::write(logs.configuration(), text).unwrap();
        logs
    }

    fn root(&self) -> &Path {
        self.directory.path()
    }

    fn configuration(&self) -> PathBuf {
        self.root().join("flytail.conf")
    }

    fn directory_of_letters(&self) -> PathBuf {
        self.root().join("state/flytail-dead-letters")
    }

    fn write(&mut self, line: &str) {
        let log = File::options().create(true).append(true).open(self.root().join("app.log"));
        writeln!(log.unwrap(), "{line}").unwrap();
        self.written += 1;
    }

    /// Documents in the index, and letters on the disk.
    fn counts(&self) -> (u64, usize) {
        self.client.refresh(self.index);
        (self.client.count(self.index, &json!({"match_all": {}})), dead_letters(&self.root().join("state")).len())
    }

    /// Runs `flytail dead-letters`.
    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = flytail();
        command.arg("dead-letters").args(arguments).current_dir(self.root());
        command.env_remove("ES_USER").env_remove("ES_PASS");
        let output = command.output().unwrap();
        let said = [&output.stdout[..], &output.stderr].concat();
        assert!(!String::from_utf8_lossy(&said).contains("geheim"), "{}", String::from_utf8_lossy(&said));
        output
    }

    /// Count by type of error, as listed.
    fn listed(&self) -> BTreeMap<String, u64> {
        let output = self.run(&["list", "-c", "flytail.conf", "--json"]);
        let listing: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(listing["path"], self.directory_of_letters().display().to_string());
        let groups = listing["groups"].as_array().unwrap();
        let mut counts = BTreeMap::new();
        for group in groups {
            assert_eq!((&group["output"], &group["index"]), (&json!("es.0"), &json!(self.index)));
            assert_eq!(group["status"], 400);
            *counts.entry(group["type"].as_str().unwrap().to_owned()).or_default() += group["count"].as_u64().unwrap();
        }
        counts
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn counts(pairs: &[(&str, u64)]) -> BTreeMap<String, u64> {
    pairs.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect()
}

const STRICT: &str = "strict_dynamic_mapping_exception";
const PARSING: &str = "document_parsing_exception";

#[test]
fn refused_documents_arrive_once_when_the_mapping_is_mended() {
    let _turn = turn();
    let server = Server::shared(Engine::Elasticsearch8);
    let mut logs = Logs::new(server, "letters-mended", "");
    let mut shipper = Shipper::start(&logs.configuration());
    for number in 0..60 {
        logs.write(&match number % 6 {
            1 | 4 => format!("{{\"n\":{number},\"b\":1.0,\"a\":\"\\u00e9\"}}"),
            2 => format!("{{\"n\":\"word {number}\"}}"),
            _ => format!("{{\"n\":{number}}}"),
        });
    }
    wait_for(&(30, 30), || logs.counts());
    assert_eq!(logs.listed(), counts(&[(STRICT, 20), (PARSING, 10)]));
    let table = text(&logs.run(&["list", "--path", "state/flytail-dead-letters"]));
    let rows: Vec<_> = table.lines().collect();
    assert!(rows[0].starts_with("30 dead letters (") && rows[2].trim_start().starts_with("20 "), "{table}");
    assert!(rows[2].contains("mapping set to strict, dynamic introduction of [b]"), "{table}");
    assert!(rows[3].contains("failed to parse field [n] of type [long]"), "{table}");

    shows_what_is_asked_for(&logs);
    let unchanged = dead_letters(&logs.root().join("state"));
    let planned = logs.run(&["replay", "-c", "flytail.conf", "--type", PARSING, "--dry-run"]);
    assert_eq!(text(&planned), "10 letters of es.0 would be sent again to letters-mended\n");
    assert_eq!(dead_letters(&logs.root().join("state")), unchanged);

    // One of the two faults is mended: its documents go, the others stay with what the server says of them now.
    logs.client.put("/letters-mended/_mapping", &json!({"dynamic": false})).ok();
    let replayed = logs.run(&["replay", "--path", "state/flytail-dead-letters", "--url", &server.url()]);
    assert_eq!(replayed.status.code(), Some(2), "{}", text(&replayed));
    assert!(text(&replayed).starts_with("20 letters were accepted and are removed\n10 were refused again"));
    assert_eq!((logs.counts(), logs.listed()), ((50, 10), counts(&[(PARSING, 10)])));

    // The shipper goes on in the directory that was changed under its hands.
    logs.write("{\"n\":\"one more\"}");
    wait_for(&(50, 11), || logs.counts());

    let mapping = json!({"properties": {"n": {"type": "long", "ignore_malformed": true}}});
    logs.client.put("/letters-mended/_mapping", &mapping).ok();
    let replayed = logs.run(&["replay", "-c", "flytail.conf"]);
    assert!(replayed.status.success(), "{}", text(&replayed));
    assert_eq!((logs.counts(), logs.listed()), ((logs.written, 0), counts(&[])));
    let documents = logs.client.all_documents("letters-mended");
    let mut values: Vec<_> = documents.iter().map(|(_, document)| document["n"].to_string()).collect();
    values.sort();
    values.dedup();
    assert_eq!(values.len() as u64, logs.written, "each of them once");
    assert!(shipper.terminate().success(), "{}", shipper.log());
    assert!(shipper.log().contains("routed=61 acked=30 dead_lettered=31 dropped=0 in_flight=0"), "{}", shipper.log());
}

fn shows_what_is_asked_for(logs: &Logs) {
    let shown = |filters: &[&str]| {
        let arguments = [&["show", "-c", "flytail.conf"], filters].concat();
        let output = logs.run(&arguments);
        assert!(output.status.success(), "{}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let all = fs::read_to_string(logs.directory_of_letters().join("00000001.ndjson")).unwrap();
    assert_eq!(shown(&[]), all, "the lines as they are");
    assert!(all.contains(r#""n":1,"b":1.0,"a":"\u00e9"}"#), "documents as they were sent: {all}");
    assert_eq!(shown(&["--index", "letters-*", "--since", "1h", "--limit", "7"]).lines().count(), 7);
    assert_eq!(shown(&["--type", PARSING]).lines().count(), 10);
    assert_eq!(shown(&["--index", "letters"]), "");
    let wrong = logs.run(&["show", "-c", "flytail.conf", "--since", "yesterday"]);
    assert_eq!(wrong.status.code(), Some(1), "{}", text(&wrong));
}

#[test]
fn letters_are_dropped_only_by_intent_and_stay_where_no_server_is() {
    let _turn = turn();
    let server = Server::shared(Engine::Elasticsearch8);
    let mut logs = Logs::new(server, "letters-dropped", "");
    let mut shipper = Shipper::start(&logs.configuration());
    logs.write("{\"n\":\"word\"}");
    logs.write("{\"b\":1}");
    wait_for(&2, || logs.counts().1);
    for arguments in [&["list"][..], &["drop"], &["replay", "--path", "state/flytail-dead-letters"]] {
        let output = logs.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", text(&output));
    }
    let unsure = logs.run(&["drop", "-c", "flytail.conf"]);
    assert_eq!((unsure.status.code(), logs.counts().1), (Some(1), 2), "{}", text(&unsure));
    assert!(text(&unsure).contains("add --yes"), "{}", text(&unsure));
    let one = logs.run(&["drop", "-c", "flytail.conf", "--type", PARSING, "--yes"]);
    assert_eq!((text(&one).as_str(), logs.counts().1), ("1 dead letters were dropped\n", 1));
    let nobody = logs.run(&["replay", "-c", "flytail.conf", "--url", "http://user:geheim-8@127.0.0.1:1"]);
    assert_eq!((nobody.status.code(), logs.counts().1), (Some(2), 1), "{}", text(&nobody));
    assert!(text(&nobody).contains("stopped: 1 letters"), "{}", text(&nobody));
    assert_eq!(text(&logs.run(&["drop", "-c", "flytail.conf", "--yes"])), "1 dead letters were dropped\n");
    assert_eq!(logs.listed(), counts(&[]));
    assert!(shipper.terminate().success(), "{}", shipper.log());
}

/// "0 dead letters" would be taken for good news.
#[test]
fn a_path_that_is_not_there_is_an_error_and_a_configuration_without_letters_is_none() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("flytail.conf"), "[INPUT]\n  Name dummy\n[OUTPUT]\n  Name es\n  Match *\n")
        .unwrap();
    let run = |arguments: &[&str]| {
        let mut command = flytail();
        command.arg("dead-letters").args(arguments).current_dir(directory.path()).env("TMPDIR", directory.path());
        command.output().unwrap()
    };
    let commands: [&[&str]; 4] = [&["list"], &["show"], &["drop", "--yes"], &["replay", "--url", "http://127.0.0.1:1"]];
    for command in commands {
        let output = run(&[command, &["--path", "elsewhere"]].concat());
        assert_eq!(output.status.code(), Some(1), "{command:?}: {}", text(&output));
        assert!(
            text(&output).contains("--path elsewhere: there is no such directory"),
            "{command:?}: {}",
            text(&output)
        );
    }
    let output = run(&["list", "--config", "flytail.conf"]);
    assert!(output.status.success() && text(&output).starts_with("0 dead letters"), "{}", text(&output));
}

#[test]
fn a_directory_that_cannot_be_written_stops_nothing_and_is_told() {
    let _turn = turn();
    let server = Server::shared(Engine::Elasticsearch8);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let service = format!(
        "HTTP_Server On\n  HTTP_Listen 127.0.0.1\n  HTTP_Port {port}\n  Dead_Letter_Path parsers.conf/dead-letters"
    );
    let mut logs = Logs::new(server, "letters-unwritable", &service);
    let mut shipper = Shipper::start(&logs.configuration());
    logs.write("{\"n\":\"word\"}");
    let status = Client::new(&format!("http://127.0.0.1:{port}"));
    let health = || status.try_send("GET", "/api/v1/health", "").map_or(0, |answer| answer.status);
    wait_for(&500, health);
    let said = status.get("/api/v1/health").body;
    assert!(said.as_str().unwrap().contains("dead letters cannot be written: parsers.conf/dead-letters: "), "{said}");
    // While that letter waits, others arrive.
    logs.write("{\"n\":1}");
    wait_for(&1, || logs.counts().0);
    let dropped = "flytail_output_dropped_records_total{name=\"es.0\",reason=\"dead_letters_unwritable\"} 1";
    let metrics = || status.get("/metrics").body.as_str().unwrap().to_owned();
    wait_for(&true, || metrics().lines().any(|line| line == dropped));
    assert!(metrics().contains("\nflytail_dead_letters_unwritable 1\n"), "{}", metrics());
    assert!(shipper.terminate().success(), "{}", shipper.log());
    let log = shipper.log();
    assert!(log.contains("dead letters are dropped") && log.contains("parsers.conf/dead-letters"), "{log}");
    assert!(log.contains("acked=1 dead_lettered=0 dropped=1 dead_letters_unwritable:1 in_flight=0"), "{log}");
}
