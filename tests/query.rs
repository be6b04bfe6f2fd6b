//! `flytail query` on real servers: what it prints is what the matcher finds among the same documents, in reading order.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;

use flytail::cli::demo::generator::Runtime;
use flytail::kql::{Mapping, Matcher, parse};
use flytail::output::elasticsearch::setup;
use flytail::record::Timestamp;
use flytail::record::field_names::FieldNames;
use serde_json::{Value, json};
use support::client::Client;
use support::node::{Node, count, set_up};
use support::server::{Engine, Server, free_port};
use support::shipper::{PATIENCE, Shipper, flytail, wait_for};
use support::turn::turn;

/// Lines of the node: more than a page.
const LINES: usize = 3_000;
const INDEX: &str = "flyte-query";

/// Searches that find some of the documents and not all of them; what is not so is told apart below.
const SEARCHES: &[&str] = &[
    "level:ERROR",
    "level:error or level:FATAL",
    "level:(ERROR or WARN) and not app:flyteadmin",
    "not level:*",
    "level:W*N",
    "app:flyte* and not component:(task or admin)",
    "component:propeller and message:*FAILED*",
    "app:flyteadmin and message:*latency* and level:WARN",
    "message:failed",
    "message:\"execution failed\" or message:(timeout and not retry)",
    "message:*exec*",
    "message:request failed",
    "execution_id:* and fields.json.node:n0",
    "fields.json.ns:flytesnacks*",
    "fields:*",
    "kube*.container_name:flyteadmin",
    "kubernetes.labels.*:x or level:ERROR",
    "pod:*-n0-*",
    "stream:stderr and order >= 0",
    "level > ERROR",
    "level <= INFO and not message > m",
    "@timestamp >= 2020 and level:INFO",
    "flyteadmin",
    "stderr and error",
    "\"flyte-task\"",
    "flyte-ta*",
    "l*l:ERROR",
    "workflow:*.* or node_id:n0",
    "project:flytesnacks and domain:development",
    "truncated:true or container:flyte*",
    "large_fields.x:*  or level:FATAL",
];

/// OpenSearch 2 finds nothing by the presence of a path in a `flat_object`.
const SEARCHES_OF_ELASTICSEARCH: &[&str] =
    &["fields.json.exec_id:*", "not fields.json.exec_id:* and component:propeller", "fields.json:*"];

#[test]
fn finds_what_the_matcher_finds_on_elasticsearch_8() {
    finds_what_the_matcher_finds(Engine::Elasticsearch8);
}

#[test]
fn finds_what_the_matcher_finds_on_opensearch_2() {
    finds_what_the_matcher_finds(Engine::OpenSearch2);
}

fn finds_what_the_matcher_finds(engine: Engine) {
    let _turn = turn();
    let server = Server::shared(engine);
    set_up(server, INDEX);
    let mut node = Node::new(23, Runtime::Containerd);
    node.write(LINES);
    let mut shipper = Shipper::start(&node.configure(server, INDEX, &[]));
    wait_for(&(LINES as u64), || count(&server.client(), INDEX));
    assert!(shipper.terminate().success(), "{}", shipper.log());
    let documents = in_reading_order(&server.client());
    let mut wrong = Vec::new();
    let mut telling = 0;
    let more = if engine.is_opensearch() { &[][..] } else { SEARCHES_OF_ELASTICSEARCH };
    for search in SEARCHES.iter().chain(more) {
        let expected = matching(search, engine, &documents);
        telling += usize::from(!expected.is_empty() && expected.len() < documents.len());
        let found = found(server, &[search, "--limit", "100000"]);
        if found != expected {
            let differs =
                |one: &[Value], other: &[Value]| one.iter().find(|document| !other.contains(document)).cloned();
            let (more, less) = (differs(&found, &expected), differs(&expected, &found));
            wrong.push(format!(
                "{search}: {} found, {} expected\n  too much: {more:?}\n  missing: {less:?}",
                found.len(),
                expected.len()
            ));
        }
    }
    assert!(wrong.is_empty(), "{engine}: {}", wrong.join("\n"));
    assert!(telling >= 20, "{telling} searches find some of the documents only");
    the_last_ones_are_printed_and_the_others_counted(server, &documents);
    an_execution_tells_its_story(server, &documents);
    people_read_a_line_for_each(server, &documents);
    what_the_server_refuses_is_explained(server);
    the_readme_shows_what_works(server);
    server.client().delete(&format!("/{INDEX}-*"));
}

fn matching(search: &str, engine: Engine, documents: &[Value]) -> Vec<Value> {
    let kind = if engine.is_opensearch() { setup::Server::OpenSearch } else { setup::Server::Elasticsearch };
    let plan = setup::Plan { index: INDEX, is_data_stream: false, days: None, fields: FieldNames::Default };
    let mapping = Mapping::new(&setup::template(plan, kind, None)["template"]["mappings"]);
    let query = parse(search).unwrap_or_else(|error| panic!("{search}: {error}"));
    let matcher = Matcher::new(query, mapping).unwrap_or_else(|error| panic!("{search}: {error}"));
    documents.iter().filter(|document| matcher.matches(document)).cloned().collect()
}

fn the_last_ones_are_printed_and_the_others_counted(server: &Server, documents: &[Value]) {
    let output = query(server, &["", "--json", "--limit", "1500"]);
    assert_eq!(parsed(&output), documents[LINES - 1500..]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("3,000 documents match; these are the last 1,500"), "{said}");
    assert!(query(server, &["", "--limit", "3000"]).stderr.is_empty(), "all are there");
}

fn an_execution_tells_its_story(server: &Server, documents: &[Value]) {
    let text = |document: &Value, field: &str| document[field].as_str().unwrap_or_default().to_owned();
    let both = |id: &str| {
        let of = |component: &str| {
            documents.iter().any(|line| text(line, "execution_id") == id && text(line, "component") == component)
        };
        of("task") && of("propeller")
    };
    let id =
        documents.iter().map(|document| text(document, "execution_id")).find(|id| both(id)).expect("one with both");
    let told = found(server, &["--execution", &id]);
    let expected: Vec<_> = documents
        .iter()
        .filter(|line| text(line, "execution_id") == id || text(line, "message").contains(&id))
        .cloned()
        .collect();
    assert_eq!(told, expected, "{id}");
    let errors = found(server, &["level:ERROR", "--execution", &id]);
    assert!(errors.iter().all(|line| line["level"] == "ERROR") && errors.len() < told.len());
}

fn people_read_a_line_for_each(server: &Server, documents: &[Value]) {
    let output = query(server, &["level:ERROR"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let errors: Vec<_> = documents.iter().filter(|document| document["level"] == "ERROR").collect();
    assert_eq!(text.lines().count(), errors.len());
    assert!(!text.contains('\u{1b}'), "colours are for terminals");
    for (line, document) in text.lines().zip(errors) {
        let time = &document["@timestamp"].as_str().unwrap()[..23];
        assert!(line.starts_with(&format!("{time}Z ERROR ")), "{line}");
    }
    let nothing = query(server, &["level:NONE"]);
    assert!(nothing.status.success() && nothing.stdout.is_empty());
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("look further back with --since"));
    let nobody = query(server, &["--execution", "nobody"]);
    assert_eq!(String::from_utf8_lossy(&nobody.stderr), "nothing matches\n");
}

fn what_the_server_refuses_is_explained(server: &Server) {
    for (arguments, code, words) in [
        (&["order:many"][..], 2, "the server refuses the search (status 400)"),
        (&["", "--index", "no-such-index-*"], 2, "there is no index `no-such-index-*`"),
        (&["level:"], 1, "column 7: the value is missing"),
        (&["", "--limit", "0"], 1, "--limit"),
        (&["", "--since", "yesterday"], 1, "--since"),
    ] {
        let output = query(server, arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(words) && output.stdout.is_empty(), "{arguments:?}: {said}");
    }
}

/// Runs the README's commands as they stand there, but for the server and the index.
fn the_readme_shows_what_works(server: &Server) {
    let readme = include_str!("../README.md");
    let commands: Vec<_> = readme
        .lines()
        .filter(|line| line.starts_with("flytail query '") || line.starts_with("flytail query --e"))
        .collect();
    assert_eq!(commands.len(), 3, "{commands:?}");
    for command in commands {
        let here = command.replace("http://elasticsearch:9200", &format!("{} --index '{INDEX}-*'", server.url()));
        let program = flytail().get_program().to_str().unwrap().to_owned();
        let script = here.replacen("flytail", &program, 1);
        let output = Command::new("sh").args(["-c", &script]).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{here}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn what_arrives_is_followed_each_once_late_or_not() {
    let _turn = turn();
    let server = Server::shared(Engine::Elasticsearch8);
    set_up(server, "flyte-followed");
    let client = server.client();
    let index = "flyte-followed-2026";
    let write = |id: &str, age: i64| {
        let mut time = Vec::new();
        Timestamp(Timestamp::now().0 - age * 1_000_000_000).write_rfc3339(&mut time);
        let document = json!({"@timestamp": String::from_utf8(time).unwrap(), "message": id, "level": "INFO"});
        client.put(&format!("/{index}/_doc/{id}?refresh=true"), &document).ok();
    };
    write("before", 5);
    let mut command = flytail();
    command.args(["query", "level:INFO", "--follow", "--json", "--index", "flyte-followed-*", "--url", &server.url()]);
    let mut following = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let printed = BufReader::new(following.stdout.take().unwrap()).lines();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || printed.map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let next = || {
        let line = receiver.recv_timeout(PATIENCE).expect("another line");
        serde_json::from_str::<Value>(&line).unwrap()["message"].clone()
    };
    assert_eq!(next(), "before");
    write("now", 0);
    assert_eq!(next(), "now");
    // Of a node that was behind: older than what was printed.
    write("late", 30);
    assert_eq!(next(), "late");
    write("last", 0);
    assert_eq!(next(), "last", "nothing twice");
    following.kill().unwrap();
    following.wait().unwrap();
    client.delete(&format!("/{index}"));
}

#[test]
fn a_server_that_is_away_is_an_error_that_tells_no_password() {
    let url = format!("http://someone:secret-word@127.0.0.1:{}", free_port());
    let output = flytail().args(["query", "level:ERROR", "--url", &url]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("cannot be reached") && !said.contains("secret-word"), "{said}");
    let help = flytail().args(["query", "--help"]).env("ES_PASS", "secret-word").output().unwrap();
    let said = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(help.status.success() && said.contains("flytail query 'level:ERROR and app:flyteadmin'"));
    assert!(!said.contains("secret-word"), "{said}");
}

#[test]
fn credentials_are_sent_and_a_refusal_says_how_to_give_them() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("password");
    std::fs::write(&file, "from-file\n").unwrap();
    let file = file.to_str().unwrap();
    for (status, arguments, variables, authorization, words) in [
        (401, &[][..], &[("ES_USER", "amy"), ("ES_PASS", "secret")][..], "YW15OnNlY3JldA==", "give the right user"),
        (403, &["--user", "amy", "--password-file", file], &[], "YW15OmZyb20tZmlsZQ==", "may not read `flyte-logs-*`"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || refuse_one(&listener, status));
        let mut command = flytail();
        command.args(["query", "x", "--url", &url]).args(arguments).env_remove("ES_USER").env_remove("ES_PASS");
        let output = command.envs(variables.iter().copied()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(words) && !said.contains("secret") && !said.contains("from-file"), "{said}");
        let request = server.join().unwrap().to_lowercase();
        let expected = format!("authorization: basic {authorization}").to_lowercase();
        assert!(request.contains(&expected), "{request}");
    }
}

/// Answers one request with a status, as a proxy with a login before the server does; its head.
fn refuse_one(listener: &TcpListener, status: u16) -> String {
    let (mut connection, _) = listener.accept().unwrap();
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut part = [0; 4096];
        let length = connection.read(&mut part).unwrap();
        assert!(length > 0, "the request was cut");
        head.extend_from_slice(&part[..length]);
    }
    write!(connection, "HTTP/1.1 {status} no\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno").unwrap();
    String::from_utf8(head).unwrap()
}

fn query(server: &Server, arguments: &[&str]) -> Output {
    let mut command = flytail();
    command.arg("query").args(arguments).args(["--url", &server.url()]);
    if !arguments.contains(&"--index") {
        command.args(["--index", &format!("{INDEX}-*")]);
    }
    command.stdin(Stdio::null()).output().unwrap()
}

/// The documents that are printed.
fn found(server: &Server, arguments: &[&str]) -> Vec<Value> {
    let output = query(server, &[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    parsed(&output)
}

fn parsed(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// All documents, as people read them.
fn in_reading_order(client: &Client) -> Vec<Value> {
    let mut documents: Vec<_> = client.all_documents(&format!("{INDEX}-*")).into_iter().map(|found| found.1).collect();
    let key = |document: &Value| (document["@timestamp"].as_str().unwrap().to_owned(), document["order"].as_i64());
    documents.sort_by_key(key);
    // No two of them tie, so that there is one order only.
    assert!(documents.windows(2).all(|pair| key(&pair[0]) < key(&pair[1])), "two documents of one time and order");
    assert!(documents.iter().all(|document| document != &json!({})));
    documents
}
