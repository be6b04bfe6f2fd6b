//! The table: what a server does to a shipper.

use std::collections::HashMap;
use std::fs;

use flytail::cli::demo::generator::{Stream, Truth, marker, sequence_in};
use serde_json::{Value, json};

use crate::run::Run;
use crate::stage::{Case, Form, Stage};
use crate::support::client::Client;
use crate::support::kql::Translator;
use crate::support::node::{dated, dead_letters, found, now, set_up};
use crate::support::server::PASSWORD;
use crate::support::shipper::wait_for;

/// Lines of most cases: a line of every format is among them.
const LINES: usize = 4_000;

/// In an order that needs few starts: those that take the server down have it come back as the next one needs it.
pub(crate) const CASES: [Case; 11] = [
    Case { name: "plain", form: Form::Open, leaves: Form::Open, run: plain },
    Case { name: "shipped twice", form: Form::Open, leaves: Form::Open, run: shipped_twice },
    Case { name: "mapping conflict", form: Form::Open, leaves: Form::Open, run: mapping_conflict },
    Case { name: "blocked index", form: Form::Open, leaves: Form::Open, run: blocked_index },
    Case { name: "restart in the middle", form: Form::Open, leaves: Form::Small, run: restart },
    Case { name: "413", form: Form::Small, leaves: Form::Small, run: too_large },
    Case { name: "413 for single documents", form: Form::Small, leaves: Form::Small, run: too_large_alone },
    Case { name: "kill in the middle", form: Form::Small, leaves: Form::Small, run: kill },
    Case { name: "429", form: Form::Busy, leaves: Form::Busy, run: busy },
    Case { name: "TLS, own authority, password", form: Form::Secured, leaves: Form::Secured, run: secured },
    Case {
        name: "wrong password, then the right one",
        form: Form::Secured,
        leaves: Form::Secured,
        run: wrong_password,
    },
];

/// With rotations on the way; and the brief's searches find in the index what they must.
fn plain(stage: &mut Stage) {
    let mut run = Run::start(&stage.server, "flyte-plain", &[]);
    for _ in 0..3 {
        run.node.write(2 * LINES);
        run.node.rotate();
    }
    run.wait_for_all();
    searches_find_what_they_must(&stage.server.client(), &run.index, &run.node.truths);
    run.finish();
}

type Matches = fn(&Truth) -> bool;

/// The brief's three searches, as Kibana would run them, find exactly what the generator knows.
fn searches_find_what_they_must(client: &Client, index: &str, truths: &HashMap<u64, Truth>) {
    let searches: [(&str, Matches); 3] = [
        ("level:ERROR and app:flyteadmin", Truth::matches_errors_of_admin),
        ("component:propeller and message:*FAILED*", Truth::matches_propeller_failed),
        ("app:flyteadmin and message:*latency* and level:WARN", Truth::matches_slow_handlers),
    ];
    let queries = Translator.translate(&searches.map(|(search, _)| search));
    for ((search, matches), query) in searches.iter().zip(queries) {
        let mut expected: Vec<u64> =
            truths.values().filter(|truth| matches(truth)).map(|truth| truth.sequence).collect();
        expected.sort_unstable();
        assert!(expected.len() > 20, "{search} finds too little to prove anything: {}", expected.len());
        assert_eq!(found(client, index, &query), expected, "{search}");
    }
}

/// A shipper that has forgotten all sends every file once more.
fn shipped_twice(stage: &mut Stage) {
    let mut run = Run::start(&stage.server, "flyte-twice", &[]);
    run.node.write(LINES);
    run.wait_for_all();
    assert!(run.shipper.terminate().success(), "{}", run.shipper.log());
    run.start_from_scratch();
    // Each file has some of these behind its old lines, so all of those were read when these are there.
    run.node.write(LINES / 4);
    run.wait_for_all();
    assert!(run.shipper.terminate().success(), "{}", run.shipper.log());
    let settled = format!("acked={} dead_lettered=0", run.node.truths.len());
    assert!(run.shipper.log().contains(&settled), "not all were sent twice: {}", run.shipper.log());
    run.start_from_scratch();
    run.finish();
}

/// A field of the wrong type in some of the documents.
fn mapping_conflict(stage: &mut Stage) {
    let index = "flyte-conflict";
    set_up(&stage.server, index);
    let mapping = json!({"mappings": {"properties": {"trace_id": {"type": "long"}}}});
    stage.server.client().put(&format!("/{}", dated(index)), &mapping).ok();
    let mut run = Run::start_unprepared(&stage.server, index, &[]);
    run.node.write(LINES);
    let good = run.finish_with(|truth| truth.fields.contains_key("trace_id"));
    assert!(good.len() < LINES, "a bad line was among them");
}

/// By an administrator, and by a server whose disk has run full. The log says so.
fn blocked_index(stage: &mut Stage) {
    let client = stage.server.client();
    let mut run = Run::start(&stage.server, "flyte-blocked", &[]);
    let settings = format!("/{}/_settings", dated(&run.index));
    run.node.write(LINES / 2);
    run.wait_for_all();
    for block in ["index.blocks.write", "index.blocks.read_only_allow_delete"] {
        let arrived = run.arrived();
        client.put(&settings, &json!({block: true})).ok();
        let before = run.logged("cluster_block_exception");
        run.node.write(LINES / 4);
        run.waits_for_log("cluster_block_exception", before);
        assert_eq!(run.arrived(), arrived, "{block} lets nothing through");
        client.put(&settings, &json!({block: null})).ok();
        run.wait_for_all();
    }
    run.finish();
}

fn restart(stage: &mut Stage) {
    let mut run = Run::start(&stage.server, "flyte-restart", &[]);
    run.node.write(LINES);
    run.wait_for_some(1);
    stage.server.stop();
    run.node.write(LINES);
    run.node.rotate();
    run.waits_for_log("not delivered yet", 0);
    stage.come_back();
    run.node.write(LINES);
    run.finish();
}

/// What was acknowledged just before stays, and what was on the wire comes once.
fn kill(stage: &mut Stage) {
    let mut run = Run::start(&stage.server, "flyte-kill", &[]);
    run.node.write(LINES);
    run.wait_for_some(1);
    run.node.write(2 * LINES);
    stage.server.kill();
    run.node.write(LINES);
    run.node.rotate();
    run.waits_for_log("not delivered yet", 0);
    stage.come_back();
    run.finish();
}

fn too_large(stage: &mut Stage) {
    let mut run = Run::start(&stage.server, "flyte-large", &[]);
    run.node.write(2 * LINES);
    run.wait_for_all();
    assert!(run.logged("sent in halves") > 0, "no request was too large: {}", run.shipper.log());
    run.finish();
}

/// Documents that no request can hold arrive with the beginning of their message; their neighbours arrive whole.
fn too_large_alone(stage: &mut Stage) {
    const LARGE: u64 = 3;
    let mut run = Run::start(&stage.server, "flyte-alone", &[]);
    run.node.write(LINES);
    let mut texts = HashMap::new();
    for number in 0..LARGE {
        let sequence = 9_000_000_000 + number;
        // As good as incompressible, so that it is too large for servers that look at what comes over the wire, too.
        let noise: String = std::iter::repeat_with(fastrand::alphanumeric).take(700_000).collect();
        let text = format!("INFO a large one, {} ä\t\"{noise}", marker(sequence));
        run.node.kubelet.write_text(0, Stream::Stdout, now(), text.as_bytes()).unwrap();
        texts.insert(sequence, text);
    }
    run.node.write(LINES / 4);
    let everything = run.node.truths.len() as u64 + LARGE;
    wait_for(&everything, || run.arrived());
    assert!(run.shipper.terminate().success(), "{}", run.shipper.log());
    assert!(dead_letters(&run.node.directory.path().join("state")).is_empty());
    let mut seen = HashMap::new();
    stage.server.client().each_document(&dated(&run.index), &json!({"match_all": {}}), None, |_, document| {
        let sequence = sequence_in(document["message"].as_str().unwrap()).unwrap();
        let differences = match texts.get(&sequence) {
            Some(text) => cut_wrongly(text, &document),
            None => run.node.truths[&sequence].differences(&document),
        };
        assert!(differences.is_empty(), "{sequence}: {differences:?}");
        *seen.entry(sequence).or_insert(0) += 1;
    });
    assert!(seen.len() as u64 == everything && seen.values().all(|times| *times == 1), "one is missing or there twice");
    stage.server.client().delete(&format!("/{}", dated(&run.index)));
}

/// What is wrong with the document of a text of which the beginning has to be there.
fn cut_wrongly(text: &str, document: &Value) -> Vec<String> {
    let message = document["message"].as_str().unwrap();
    let is_right = message.len() > 1_000
        && message.len() < text.len()
        && text.contains(message)
        && document["truncated"] == true
        && document["pod"].is_string();
    if is_right { Vec::new() } else { vec![format!("{} bytes of {}", message.len(), text.len())] }
}

/// A server that has no memory for a whole request takes it in parts.
fn busy(stage: &mut Stage) {
    let client = stage.server.client();
    let mut run = Run::start(&stage.server, "flyte-busy", &[]);
    run.node.write(4 * LINES);
    run.wait_for_all();
    let stats = client.get("/_nodes/stats/indexing_pressure").ok();
    let nodes = stats["nodes"].as_object().expect("nodes").values();
    let refused = |node: &Value| {
        let total = &node["indexing_pressure"]["memory"]["total"];
        total["coordinating_rejections"].as_u64().unwrap_or(0) + total["primary_rejections"].as_u64().unwrap_or(0)
    };
    assert!(nodes.map(refused).sum::<u64>() > 0, "nothing was refused: {stats}");
    run.finish();
}

fn secured(stage: &mut Stage) {
    let changes = credentials(stage, &format!("HTTP_Passwd {PASSWORD}"));
    let mut run =
        Run::start(&stage.server, "flyte-secured", &changes.each_ref().map(|(line, new)| (*line, new.as_str())));
    run.node.write(LINES);
    run.finish();
}

/// The file with the password is mended while lines are waiting.
fn wrong_password(stage: &mut Stage) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("password");
    fs::write(&file, "not-it\n").unwrap();
    let changes = credentials(stage, &format!("HTTP_Passwd_File {}", file.display()));
    let mut run =
        Run::start(&stage.server, "flyte-password", &changes.each_ref().map(|(line, new)| (*line, new.as_str())));
    run.node.write(LINES);
    run.waits_for_log("status 401", 0);
    assert_eq!(run.arrived(), 0);
    let new = file.with_extension("new");
    fs::write(&new, PASSWORD).unwrap();
    fs::rename(&new, &file).unwrap();
    run.node.write(LINES / 4);
    run.finish();
}

/// The lines of the brief's configuration that say who we are, and the same for a secured server.
fn credentials(stage: &Stage, password: &str) -> [(&'static str, String); 2] {
    let authority = stage.server.certificates().join("ca.crt");
    let tls = format!("{password}\n  tls On\n  tls.ca_file {}", authority.display());
    [("HTTP_User ${ES_USER}", "HTTP_User admin".to_owned()), ("HTTP_Passwd ${ES_PASS}", tls)]
}
