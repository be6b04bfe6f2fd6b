//! The real servers themselves: that tests can rely on them, how Kibana's searches run on them, and which documents
//! they take with the field types of our index template.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "that is how a test fails")]

mod support;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::client::Client;
use support::kql::Translator;
use support::server::{Engine, Server};
use support::turn::turn;

/// The engines that everything is tested on.
const ENGINES: [Engine; 2] = [Engine::Elasticsearch8, Engine::OpenSearch2];

#[test]
fn a_server_keeps_its_data_over_a_stop_and_a_kill() {
    let _turn = turn();
    for engine in ENGINES {
        let mut server = Server::start(engine);
        let url = server.url();
        let client = server.client();
        client.put("/kept/_doc/1?refresh=true", &json!({"message": "first"})).ok();
        server.stop();
        client.try_send("GET", "/", "").expect_err("it has stopped");
        server.start_again();
        assert_eq!(client.count("kept", &json!({"match_all": {}})), 1, "{engine} after a stop");
        client.put("/kept/_doc/2?refresh=true", &json!({"message": "second"})).ok();
        server.kill();
        client.try_send("GET", "/", "").expect_err("it was killed");
        server.start_again();
        assert_eq!(client.count("kept", &json!({"match_all": {}})), 2, "{engine} after a kill");
        assert_eq!(server.url(), url);
        drop(server);
        client.try_send("GET", "/", "").expect_err("it was dropped");
    }
}

#[test]
fn the_root_page_tells_who_the_server_is() {
    let _turn = turn();
    for engine in ENGINES {
        let page = Server::shared(engine).client().get("/").ok();
        let distribution = page["version"]["distribution"].as_str();
        assert_eq!(distribution, engine.is_opensearch().then_some("opensearch"), "{page}");
        let major = page["version"]["number"].as_str().and_then(|number| number.split('.').next());
        assert_eq!(major, Some(&engine.name()[2..]), "{page}");
    }
}

#[test]
fn a_server_ends_with_the_test_program_however_that_ends() {
    let _turn = turn();
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new(program);
    command.args(["--ignored", "--exact", "--nocapture", "a_program_that_holds_a_server"]);
    let mut program = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.contains("holds ")).expect("the program says what it holds");
    let (url, directory) = line.split_once("holds ").unwrap().1.split_once(' ').unwrap();
    let client = Client::new(url);
    client.get("/_cluster/health").ok();
    program.kill().unwrap();
    program.wait().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while client.try_send("GET", "/", "").is_ok() || Path::new(directory).exists() {
        assert!(Instant::now() < deadline, "the server outlived the program that started it");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
#[ignore = "is run and killed by another test"]
fn a_program_that_holds_a_server() {
    let server = Server::start(Engine::OpenSearch2);
    println!("holds {} {}", server.url(), server.data_directory().display());
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn the_client_reads_every_document_once() {
    let _turn = turn();
    let documents = 12_345; // three pages of a scroll, the last one short
    for engine in ENGINES {
        let client = Server::shared(engine).client();
        client.delete("/client-pages");
        let mut body = String::new();
        for number in 0..documents {
            body += &format!("{{\"create\":{{\"_id\":\"{number}\"}}}}\n{{\"number\":{number},\"other\":\"x\"}}\n");
        }
        assert_eq!(client.send("POST", "/client-pages/_bulk", &body).ok()["errors"], false);
        client.refresh("client-pages");
        assert_eq!(client.count("client-pages", &json!({"match_all": {}})), documents);
        let mut numbers = Vec::new();
        for (id, source) in client.all_documents_with("client-pages", &["number"]) {
            assert_eq!(source, json!({"number": id.parse::<u64>().unwrap()}));
            numbers.push(id.parse::<u64>().unwrap());
        }
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..documents), "{engine}: each of them once");
        assert_eq!(client.all_documents("client-pages").len() as u64, documents);
        assert_eq!(client.ids("client-pages", &json!({"range": {"number": {"lt": 10}}})).len(), 10);
    }
}

/// Lines as Flyte's parts write them: id, level, app, component, message.
const LINES: [[&str; 5]; 11] = [
    ["1", "ERROR", "flyteadmin", "admin", "Failed to launch execution"],
    ["2", "INFO", "flyteadmin", "admin", "request latency 12ms"],
    ["3", "WARN", "flyteadmin", "admin", "high latency: 900ms"],
    ["4", "WARN", "flyteadmin", "admin", "slow handler p99Latency=3s"],
    ["5", "INFO", "flytepropeller", "propeller", "node n0 phase FAILED"],
    ["6", "INFO", "flytepropeller", "propeller", "the task has failed."],
    ["7", "INFO", "flytepropeller", "propeller", "recorded TaskFailedEvent"],
    ["8", "INFO", "flytepropeller", "propeller", "node n0 phase SUCCEEDED"],
    ["9", "error", "flyteadmin", "admin", "a level that nobody normalised"],
    ["10", "ERROR", "flyte-task", "task", "FAILED"],
    ["11", "WARN", "datacatalog", "datacatalog", "latency"],
];

/// A search in Kibana's language, and which of [`LINES`] it finds. The first three are those of the brief.
const SEARCHES: [(&str, &[&str]); 8] = [
    ("level:ERROR and app:flyteadmin", &["1"]),
    ("component:propeller and message:*FAILED*", &["5", "6", "7"]),
    ("app:flyteadmin and message:*latency* and level:WARN", &["3", "4"]),
    ("message:\"phase failed\"", &["5"]),
    ("not app:flyte* and level:*", &["11"]),
    ("(level:ERROR or level:WARN) and not app:flyteadmin", &["10", "11"]),
    ("fields.node: n0 and fields.attempt: 7", &["7"]),
    ("kubernetes.labels.app.kubernetes.io/name: flyteadmin and message: handler", &["4"]),
];

#[test]
fn searches_of_kibana_find_what_people_mean() {
    let _turn = turn();
    let queries = Translator.translate(&SEARCHES.map(|(search, _)| search));
    for engine in ENGINES {
        let client = index_of_lines(engine);
        for ((search, expected), query) in SEARCHES.iter().zip(&queries) {
            assert_eq!(found(&client, query), *expected, "{search} on {engine}: {query}");
        }
        // What makes a `query_string` of an asterisk matter: neither a `match` nor a `wildcard` finds the same.
        assert_eq!(found(&client, &json!({"match": {"message": "*FAILED*"}})), ["1", "5", "6", "10"]);
        assert!(found(&client, &json!({"wildcard": {"message": "*FAILED*"}})).is_empty());
    }
}

/// Under `fields` and labels, whole values and parts of them can be searched for, but not compared: Elasticsearch
/// refuses a range with one end, and OpenSearch compares text.
#[test]
fn searches_of_kibana_do_not_compare_numbers_in_flattened_objects() {
    let _turn = turn();
    let queries = Translator.translate(&["fields.node: n*", "fields.attempt >= 7"]);
    for engine in ENGINES {
        let client = index_of_lines(engine);
        assert_eq!(found(&client, &queries[0]).len(), LINES.len());
        if engine.is_opensearch() {
            assert_eq!(found(&client, &queries[1]), ["7", "8", "9"], "\"10\" comes before \"7\"");
        } else {
            let answer = client.post("/kql-lines/_search", &json!({"query": queries[1]}));
            assert_eq!(answer.status, 400, "{}", answer.body);
        }
    }
}

/// Puts [`LINES`] into an index with the field types of our template.
fn index_of_lines(engine: Engine) -> Client {
    let client = Server::shared(engine).client();
    client.delete("/kql-lines");
    client.put("/kql-lines", &json!({"mappings": mappings(engine)})).ok();
    for [id, level, app, component, message] in LINES {
        let attempt = id.parse::<u32>().unwrap();
        let document = json!({
            "@timestamp": "2026-11-22T10:00:00.123456789Z", "level": level, "app": app, "component": component,
            "message": message, "fields": {"node": "n0", "attempt": attempt},
            "kubernetes": {"labels": {"app": "other", "app.kubernetes.io/name": app}},
        });
        client.put(&format!("/kql-lines/_create/{id}"), &document).ok();
    }
    client.refresh("kql-lines");
    client
}

/// The ids that a query finds, in the order of their numbers.
fn found(client: &Client, query: &Value) -> Vec<String> {
    let mut ids = client.ids("kql-lines", query);
    ids.sort_by_key(|id| id.parse::<u32>().unwrap());
    ids
}

/// The field types of our index template, which the facts below are about.
///
/// OpenSearch's `flat_object` knows no `ignore_above`.
fn mappings(engine: Engine) -> Value {
    let keyword = json!({"type": "keyword", "ignore_above": 8191});
    let object = match engine.is_opensearch() {
        true => json!({"type": "flat_object"}),
        false => json!({"type": "flattened", "ignore_above": 8191}),
    };
    json!({
        "dynamic": false,
        "properties": {
            "@timestamp": {"type": "date_nanos"}, "message": {"type": "text"}, "truncated": {"type": "boolean"},
            "level": keyword, "app": keyword, "component": keyword, "fields": object,
            "kubernetes": {"properties": {"pod_name": keyword, "labels": object, "annotations": object}},
        },
    })
}

#[test]
fn index_templates_that_servers_take() {
    let _turn = turn();
    for engine in ENGINES {
        let client = Server::shared(engine).client();
        let put = |mappings: &Value| {
            let template = json!({"index_patterns": ["facts-template"], "template": {"mappings": mappings}});
            client.put("/_index_template/facts-template", &template)
        };
        put(&mappings(engine)).ok();
        let mut stricter = mappings(engine);
        stricter["properties"]["fields"]["ignore_above"] = json!(8191);
        let expected = if engine.is_opensearch() { 400 } else { 200 };
        assert_eq!(put(&stricter).status, expected, "{engine}: an ignore_above for objects");

        // A time that cannot be indexed costs a document only its place in time, if the template says so.
        let mut lenient = mappings(engine);
        lenient["properties"]["@timestamp"]["ignore_malformed"] = json!(true);
        put(&lenient).ok();
        client.delete("/facts-template");
        for time in ["1969-12-31T23:59:59Z", "2300-01-01T00:00:00Z", "x", ""] {
            client.post("/facts-template/_doc", &json!({"@timestamp": time})).ok();
        }
        client.refresh("facts-template");
        assert_eq!(client.count("facts-template", &json!({"exists": {"field": "_ignored"}})), 4);
        client.delete("/_index_template/facts-template").ok();
    }
}

/// What a server makes of a document.
#[derive(Clone, Copy, Debug)]
enum Verdict {
    /// Both take it.
    Taken,
    /// Both refuse it, alone, with status 400.
    Refused,
    /// Elasticsearch takes it, OpenSearch refuses it.
    ElasticsearchOnly,
    /// The other way round.
    OpenSearchOnly,
}
use Verdict::{ElasticsearchOnly, OpenSearchOnly, Refused, Taken};

impl Verdict {
    fn takes(self, engine: Engine) -> bool {
        match self {
            Taken => true,
            Refused => false,
            ElasticsearchOnly => !engine.is_opensearch(),
            OpenSearchOnly => engine.is_opensearch(),
        }
    }
}

/// Indexes each document between two harmless ones and compares what happens with the table.
fn check(index: &str, table: &[(&str, String, Verdict)]) {
    let _turn = turn();
    let mut surprises = Vec::new();
    for engine in ENGINES {
        let client = Server::shared(engine).client();
        client.delete(&format!("/{index}"));
        client.put(&format!("/{index}"), &json!({"mappings": mappings(engine)})).ok();
        for (name, document, verdict) in table {
            let neighbour = r#"{"message":"neighbour"}"#;
            let body = [neighbour, document, neighbour].map(|line| format!("{{\"create\":{{}}}}\n{line}\n")).concat();
            let answer = client.send("POST", &format!("/{index}/_bulk"), &body).ok();
            let statuses: Vec<_> = (0..3).map(|item| &answer["items"][item]["create"]["status"]).collect();
            let expected = if verdict.takes(engine) { 201 } else { 400 };
            if statuses != [201, expected, 201] {
                let reason = &answer["items"][1]["create"]["error"];
                surprises.push(format!("{engine}, {name}: {statuses:?}, not {expected}: {reason}"));
            }
        }
    }
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}

/// A document with a time and these members.
fn with(members: &str) -> String {
    format!(r#"{{"@timestamp":"2026-11-22T10:00:00.123456789Z",{members}}}"#)
}

/// A document with one member under `fields`.
fn field(key: &str, value: &str) -> String {
    with(&format!(r#""fields":{{"{key}":{value}}}"#))
}

/// A value within this many objects.
fn nested(depth: usize, value: &str) -> String {
    format!("{}{value}{}", r#"{"a":"#.repeat(depth), "}".repeat(depth))
}

/// A JSON string of this text so many times.
fn string(text: &str, times: usize) -> String {
    format!("\"{}\"", text.repeat(times))
}

#[test]
fn keys_that_servers_take() {
    let long = |length| field(&"k".repeat(length), "1");
    check(
        "facts-keys",
        &[
            // Within a flattened object nearly everything goes.
            ("empty", field("", "1"), Taken),
            ("a dot", field(".", "1"), Taken),
            ("dots", field("..", "1"), Taken),
            ("a space", field(" ", "1"), Taken),
            ("leading dot", field(".a", "1"), Taken),
            ("trailing dot", field("a.", "1"), Taken),
            ("dots in a row", field("a..b", "1"), Taken),
            ("object and dotted", with(r#""fields":{"a":{"b":1},"a.b":2}"#), Taken),
            ("control character", field(r"a\u0001\n", "1"), Taken),
            ("NUL", field(r"a\u0000b", "1"), OpenSearchOnly),
            ("1,000 bytes", long(1_000), Taken),
            ("33,000 bytes", long(33_000), Refused),
            (
                "16 levels of 256 bytes",
                with(&format!(r#""fields":{}"#, nested(16, "1").replace('a', &"k".repeat(256)))),
                Taken,
            ),
            // At the root, and in an object that is not flattened, they are names of fields.
            ("root: empty", with(r#""":1"#), Refused),
            ("root: a dot", with(r#"".":1"#), Refused),
            ("root: a space", with(r#"" ":1"#), OpenSearchOnly),
            ("root: leading dot", with(r#"".a":1"#), Refused),
            ("root: trailing dot", with(r#""a.":1"#), Taken),
            ("root: dots in a row", with(r#""a..b":1"#), Refused),
            ("root: metadata", with(r#""_id":1"#), Refused),
            ("root: no metadata", with(r#""_unknown":1"#), Taken),
            ("root: dotted below text", with(r#""message.a":1"#), Refused),
            ("root: dotted below flattened", with(r#""fields.a":1"#), ElasticsearchOnly),
            ("kubernetes: empty", with(r#""kubernetes":{"":1}"#), Refused),
            ("unknown: empty and dots", with(r#""unknown":{"":1,".":{"a..b":1}}"#), Taken),
            // No key twice, wherever it is, even where nothing is indexed.
            ("twice at the root", with(r#""message":"a","message":"b""#), Refused),
            ("twice, unknown, at the root", with(r#""unknown":1,"unknown":2"#), Refused),
            ("twice within unknown", with(r#""unknown":{"a":1,"a":2}"#), Refused),
            ("twice within flattened", with(r#""fields":{"a":{"b":1,"b":2}}"#), Refused),
            ("twice in an array", with(r#""fields":{"a":[{"b":1,"b":2}]}"#), Refused),
            ("twice, once escaped", with(r#""fields":{"a":1,"\u0061":2}"#), Refused),
        ],
    );
}

#[test]
fn values_that_servers_take() {
    check(
        "facts-values",
        &[
            ("kinds", with(r#""fields":{"a":1,"b":1.5,"c":true,"d":null,"e":{},"f":[]}"#), Taken),
            ("mixed array", field("a", r#"[1,"x",null,true,{"b":2},[3,[4]],{}]"#), Taken),
            ("no fields", with(r#""fields":{}"#), Taken),
            ("null for an object", with(r#""fields":null,"kubernetes":null"#), Taken),
            ("array of objects for an object", with(r#""fields":[{"a":1},{"b":2}]"#), Taken),
            ("string for an object", with(r#""fields":"x""#), Refused),
            ("number for labels", with(r#""kubernetes":{"labels":1}"#), Refused),
            ("string for kubernetes", with(r#""kubernetes":"x""#), Refused),
            ("number of 400 digits", field("a", &"1".repeat(400)), Taken),
            ("number of 1,200 digits", field("a", &"1".repeat(1_200)), Refused),
            ("number out of range", field("a", "1e999"), Taken),
            ("not a number", field("a", "NaN"), Refused),
            // Flattened: `ignore_above` counts characters, of at most 3 bytes each (or 4 for two of them); Lucene's
            // limit for a term is 32766 bytes, the path in it included. OpenSearch keeps `fields.fields.a=value`.
            ("8,191 characters of 3 bytes", field("a", &string("語", 8_191)), Taken),
            ("just short enough", field("a", &string("x", 32_766 - "fields.fields.a=".len())), Taken),
            ("one too long", field("a", &string("x", 32_767 - "fields.fields.a=".len())), ElasticsearchOnly),
            ("long in an array", field("a", &format!("[{}]", string("x", 33_000))), ElasticsearchOnly),
            (
                "long annotation",
                with(&format!(r#""kubernetes":{{"annotations":{{"a":{}}}}}"#, string("x", 33_000))),
                ElasticsearchOnly,
            ),
            ("long where nothing is indexed", with(&format!(r#""unknown":{}"#, string("x", 1 << 20))), Taken),
            ("depth 16", with(&format!(r#""fields":{}"#, nested(16, "1"))), Taken),
            ("depth 20", with(&format!(r#""fields":{}"#, nested(20, "1"))), Taken),
            ("depth 21", with(&format!(r#""fields":{}"#, nested(21, "1"))), OpenSearchOnly),
            ("depth 50", with(&format!(r#""fields":{}"#, nested(50, "1"))), OpenSearchOnly),
            // From some hundreds of levels on, OpenSearch 2 does not refuse: its process ends with a stack overflow.
            ("arrays of depth 50", field("a", &format!("{}1{}", "[".repeat(50), "]".repeat(50))), Taken),
            (
                "5,000 members",
                with(&format!(
                    r#""fields":{{{}}}"#,
                    (0..5_000).map(|n| format!(r#""k{n}":{n}"#)).collect::<Vec<_>>().join(",")
                )),
                Taken,
            ),
        ],
    );
}

#[test]
fn known_members_that_servers_take() {
    check(
        "facts-known",
        &[
            ("message: number", with(r#""message":5"#), Taken),
            ("message: null", with(r#""message":null"#), Taken),
            ("message: array", with(r#""message":["a",3,null]"#), Taken),
            ("message: object", with(r#""message":{"a":1}"#), Refused),
            ("message: empty object", with(r#""message":{}"#), Refused),
            ("message: object in an array", with(r#""message":[{"a":1}]"#), Refused),
            ("message: NUL", with(r#""message":"a\u0000b""#), Taken),
            ("message: 1 MiB of words", with(&format!(r#""message":{}"#, string("word ", (1 << 20) / 5))), Taken),
            ("message: 1 MiB in a word", with(&format!(r#""message":{}"#, string("x", 1 << 20))), Taken),
            ("message: half a surrogate pair", with(r#""message":"a\ud800b""#), Taken),
            ("message: other half", with(r#""message":"\udc00""#), Taken),
            ("fields: half a surrogate pair", with(r#""fields":{"a":"\ud800"}"#), Taken),
            ("level: number", with(r#""level":5"#), Taken),
            ("level: null", with(r#""level":null"#), Taken),
            ("level: array", with(r#""level":["a",null]"#), Taken),
            ("level: object", with(r#""level":{"a":1}"#), Refused),
            ("level: empty object", with(r#""level":{}"#), Refused),
            ("level: 40,000 bytes", with(&format!(r#""level":{}"#, string("x", 40_000))), Taken),
            ("pod name: object", with(r#""kubernetes":{"pod_name":{"a":1}}"#), Refused),
            ("truncated: text", with(r#""truncated":"true""#), Taken),
            ("truncated: other text", with(r#""truncated":"x""#), Refused),
        ],
    );
}

#[test]
fn times_that_servers_take() {
    let time = |value: &str| format!(r#"{{"@timestamp":{value}}}"#);
    check(
        "facts-times",
        &[
            ("none", with(r#""message":"m""#).replace("@timestamp", "time"), Taken),
            ("null", time("null"), Taken),
            ("nanoseconds", time(r#""2026-11-22T10:00:00.123456789Z""#), Taken),
            ("10 digits", time(r#""2026-11-22T10:00:00.1234567891Z""#), Refused),
            ("offset", time(r#""2026-11-22T10:00:00.123456789+02:00""#), Taken),
            ("milliseconds since 1970", time("1795348800000"), Taken),
            ("leap second", time(r#""2026-12-31T23:59:60Z""#), Refused),
            ("before 1970", time(r#""1969-12-31T23:59:59.999999999Z""#), Refused),
            ("1970", time(r#""1970-01-01T00:00:00Z""#), Taken),
            ("the last one", time(r#""2262-04-11T23:47:16.854775807Z""#), Taken),
            ("after the last one", time(r#""2262-04-11T23:47:16.854775808Z""#), Refused),
            ("2300", time(r#""2300-01-01T00:00:00Z""#), Refused),
            ("empty", time(r#""""#), Refused),
            ("text", time(r#""x""#), Refused),
            ("object", time("{}"), Refused),
        ],
    );
}
