//! Delivery to real servers, with the brief's own configuration: every line once and right, whatever happens on the way.
//! What servers do to a shipper is in `matrix`, for more of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod support;

use std::collections::HashMap;

use flytail::cli::demo::generator::{Expectation, Runtime, Truth, malformed_lines};
use serde_json::{Value, json};
use support::client::Client;
use support::node::{Node, count, dated, dead_letters, set_up, verify};
use support::place::{Place, append, line};
use support::server::{Engine, Server};
use support::shipper::{Shipper, flytail, wait_for};
use support::turn::turn;

/// Lines of each run, over all containers, in this many steps.
const LINES: usize = 200_000;
const STEPS: usize = 20;

/// What happens to the shipper in the middle of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disruption {
    Terminated,
    Killed,
}

#[test]
fn every_line_arrives_once_and_right_on_elasticsearch_8() {
    arrives_whatever_happens(Engine::Elasticsearch8);
}

#[test]
fn every_line_arrives_once_and_right_on_opensearch_2() {
    arrives_whatever_happens(Engine::OpenSearch2);
}

fn arrives_whatever_happens(engine: Engine) {
    let _turn = turn();
    let server = Server::shared(engine);
    for disruption in [Disruption::Terminated, Disruption::Killed] {
        let index = format!("flyte-{disruption:?}").to_lowercase();
        set_up(server, &index);
        let truths = run(server, &index, disruption);
        let client = server.client();
        verify(&client, &index, &truths);
        client.delete(&format!("/{}", dated(&index)));
    }
}

/// Writes all lines while the shipper runs, with two rotations of each log, and waits until they
/// are all there.
fn run(server: &Server, index: &str, disruption: Disruption) -> HashMap<u64, Truth> {
    let mut node = Node::new(42, Runtime::Containerd);
    let database = format!("Mem_Buf_Limit 50MB\n  DB {}/state/tail.db", node.directory.path().display());
    let configuration = node.configure(server, index, &[("Mem_Buf_Limit 50MB", &database)]);
    let mut shipper = Shipper::start(&configuration);
    for step in 0..STEPS {
        node.write(LINES / STEPS);
        if step == STEPS / 3 || step == STEPS * 2 / 3 {
            node.rotate();
        }
        if step == STEPS / 2 {
            match disruption {
                Disruption::Terminated => assert!(shipper.terminate().success(), "{}", shipper.log()),
                Disruption::Killed => shipper.kill(),
            }
            // What is written while nobody looks has to be found afterwards, in rotated files too.
            node.write(LINES / STEPS / 2);
            node.rotate();
            shipper = Shipper::start(&configuration);
        }
    }
    let client = server.client();
    wait_for(&(node.truths.len() as u64), || {
        shipper.assert_running();
        let dead = dead_letters(&node.directory.path().join("state"));
        assert!(dead.is_empty(), "{} dead letters: {}", dead.len(), dead[0]);
        count(&client, index)
    });
    assert!(shipper.terminate().success(), "{}", shipper.log());
    node.truths
}

#[test]
fn the_briefs_configuration_runs_word_for_word() {
    let _turn = turn();
    let server = Server::shared(Engine::Elasticsearch8);
    set_up(server, "flyte-logs");
    let mut node = Node::new(5, Runtime::Containerd).without_metadata();
    node.write(5_000);
    let mut shipper = Shipper::start(&node.configure_as_the_brief(server));
    wait_for(&5_000, || count(&server.client(), "flyte-logs"));
    assert!(shipper.terminate().success());
    verify(&server.client(), "flyte-logs", &node.truths);
    assert_eq!(server.client().count(&dated("flyte-logs"), &json!({"match_all": {}})), 5_000);
}

#[test]
fn docker_logs_arrive_with_the_same_configuration() {
    let _turn = turn();
    let server = Server::shared(Engine::Elasticsearch8);
    set_up(server, "flyte-docker");
    let mut node = Node::new(7, Runtime::Docker);
    node.write(5_000);
    let configuration = node.configure(server, "flyte-docker", &[]);
    let mut shipper = Shipper::start(&configuration);
    wait_for(&5_000, || count(&server.client(), "flyte-docker"));
    assert!(shipper.terminate().success());
    verify(&server.client(), "flyte-docker", &node.truths);
}

#[test]
fn malformed_input_is_delivered_and_takes_no_neighbour_with_it() {
    let _turn = turn();
    for engine in [Engine::Elasticsearch8, Engine::OpenSearch2] {
        let server = Server::shared(engine);
        set_up(server, "flyte-malformed");
        let mut node = Node::new(11, Runtime::Containerd);
        let malformed = malformed_lines();
        for line in &malformed {
            node.write(20);
            line.write(&mut node.kubelet, 0, support::node::now()).unwrap();
        }
        node.write(20);
        let configuration = node.configure(server, "flyte-malformed", &[]);
        let mut shipper = Shipper::start(&configuration);
        let client = server.client();
        let wanted: Vec<String> = malformed
            .iter()
            .filter(|line| line.expectation != Expectation::Blank)
            .map(|line| line.marker.clone())
            .collect();
        wait_for(&(node.truths.len(), wanted.len()), || {
            let (good, bad) = sorted_out(&client, &wanted);
            (good.len(), bad.len())
        });
        assert!(shipper.terminate().success());
        assert!(dead_letters(node.directory.path()).is_empty(), "dead letters");
        let (good, bad) = sorted_out(&client, &wanted);
        for (sequence, document) in &good {
            let differences = node.truths[sequence].differences(document);
            assert!(differences.is_empty(), "a neighbour, {sequence}: {differences:?}\n{document}");
        }
        for line in malformed.iter().filter(|line| line.expectation != Expectation::Blank) {
            check_malformed(line, &bad[&line.marker]);
        }
        client.delete(&format!("/{}", dated("flyte-malformed")));
    }
}

/// The good documents by their sequence number, the malformed ones by their marker.
fn sorted_out(client: &Client, markers: &[String]) -> (HashMap<u64, Value>, HashMap<String, Value>) {
    let (mut good, mut bad) = (HashMap::new(), HashMap::new());
    if count(client, "flyte-malformed") == 0 {
        return (good, bad);
    }
    for (_, document) in client.all_documents("flyte-malformed-*") {
        let message = document["message"].as_str().unwrap_or_default();
        if let Some(marker) = markers.iter().find(|marker| message.contains(marker.as_str())) {
            assert!(bad.insert(marker.clone(), document.clone()).is_none(), "{marker} is there twice");
        } else if let Some(sequence) = flytail::cli::demo::generator::sequence_in(message) {
            assert!(good.insert(sequence, document.clone()).is_none(), "{sequence} is there twice");
        }
    }
    (good, bad)
}

fn check_malformed(line: &flytail::cli::demo::generator::Malformed, document: &Value) {
    let message = document["message"].as_str().unwrap();
    match &line.expectation {
        Expectation::Text => assert_eq!(message, String::from_utf8_lossy(&line.text), "{}", line.name),
        Expectation::Message(expected) => assert_eq!(message, expected, "{}", line.name),
        Expectation::Arrives | Expectation::Blank => {}
    }
    for (field, value) in &line.fields {
        assert_eq!(document.get(field).unwrap_or(&Value::Null), value, "{field} of {}", line.name);
    }
    for field in ["@timestamp", "message", "app", "component", "namespace", "pod", "container", "stream", "host"] {
        assert!(document[field].is_string(), "{field} of {}: {document}", line.name);
    }
}

#[test]
fn the_date_is_left_out_where_the_name_is_taken_or_it_is_switched_off() {
    let _turn = turn();
    for engine in [Engine::Elasticsearch8, Engine::OpenSearch2] {
        let server = Server::shared(engine);
        let client = server.client();
        let stream = json!({"index_patterns": ["flyte-stream"], "priority": 500, "data_stream": {}, "template": {}});
        client.put("/_index_template/flyte-stream", &stream).ok();
        let first = "{\"create\":{}}\n{\"@timestamp\":\"2026-08-21T12:00:01Z\"}\n";
        assert_eq!(client.send("POST", "/flyte-stream/_bulk", first).ok()["errors"], false);
        let indices = indices_of(server, "flyte-stream", &[]);
        assert!(indices.len() == 1 && indices[0].starts_with(".ds-flyte-stream-"), "{indices:?}");
        client.delete("/_data_stream/flyte-stream");
        client.put("/behind-the-alias", &json!({"aliases": {"flyte-alias": {"is_write_index": true}}})).ok();
        assert_eq!(indices_of(server, "flyte-alias", &[]), ["behind-the-alias"]);
        assert_eq!(
            indices_of(server, "flyte-undated", &[("Index flyte-undated", "Index flyte-undated\n  Index_Date Off")]),
            ["flyte-undated"]
        );
        let logstash = ("Index flyte-logstash", "Logstash_Format On\n  Logstash_Prefix flyte-logstash");
        assert_eq!(indices_of(server, "flyte-logstash", &[logstash]), [dated("flyte-logstash")]);
        assert_eq!(indices_of(server, "flyte-fresh", &[]), [dated("flyte-fresh")]);
        client.delete("/behind-the-alias");
    }
}

/// Ships a few lines and returns the indices in which they are.
fn indices_of(server: &Server, index: &str, changes: &[(&str, &str)]) -> Vec<String> {
    let mut node = Node::new(3, Runtime::Containerd);
    node.write(50);
    let mut shipper = Shipper::start(&node.configure(server, index, changes));
    let client = server.client();
    let pattern = format!("/{index}*");
    let search =
        json!({"size": 0, "query": {"exists": {"field": "pod"}}, "aggs": {"indices": {"terms": {"field": "_index"}}}});
    let mut indices = Vec::new();
    wait_for(&50, || {
        client.send("POST", &format!("{pattern}/_refresh"), "");
        let answer = client.post(&format!("{pattern}/_search"), &search);
        let buckets = answer.body["aggregations"]["indices"]["buckets"].as_array().cloned().unwrap_or_default();
        indices = buckets.iter().map(|bucket| bucket["key"].as_str().unwrap().to_owned()).collect();
        buckets.iter().map(|bucket| bucket["doc_count"].as_u64().unwrap()).sum::<u64>()
    });
    assert!(shipper.terminate().success());
    indices
}

#[test]
fn a_data_stream_is_filled_once_over_a_second_reading_and_a_rollover() {
    let _turn = turn();
    for engine in [Engine::Elasticsearch8, Engine::OpenSearch2] {
        let server = Server::shared(engine);
        let client = server.client();
        let (prefix, stream) = ("logs-flyte.shipped", "logs-flyte.shipped-prod");
        let mut node = Node::new(13, Runtime::Containerd);
        node.write(5_000);
        let options = "Data_Stream On\n  Data_Stream_Dataset flyte.shipped\n  Data_Stream_Namespace prod";
        let configuration = node.configure(server, stream, &[(&format!("Index {stream}"), options)]);
        let mut shipper = Shipper::start(&configuration);
        wait_for(&true, || shipper.log().contains(&format!("flytail setup --data-stream --index {stream}")));
        assert_eq!(client.get(&format!("/{stream}")).status, 404, "no plain index is made in its place");
        let setup = ["setup", "--data-stream", "--retention", "forever", "--index", stream, "--url", &server.url()];
        assert!(flytail().args(setup).status().unwrap().success());
        assert!(flytail().args(setup).arg("--check").status().unwrap().success());
        wait_for(&5_000, || count(&client, prefix));
        assert!(shipper.terminate().success(), "{}", shipper.log());
        // Without a database the next one reads all of it again.
        node.write(100);
        let mut shipper = Shipper::start(&configuration);
        wait_for(&5_100, || count(&client, prefix));
        client.send("POST", &format!("/{stream}/_rollover"), "").ok();
        node.write(100);
        wait_for(&5_200, || count(&client, prefix));
        assert!(shipper.terminate().success(), "{}", shipper.log());
        assert!(shipper.log().contains("acked=5200"), "{}", shipper.log());
        verify(&client, prefix, &node.truths);
        let said = json!({"dataset": "flyte.shipped", "namespace": "prod", "type": "logs"});
        client.each_document(stream, &json!({"match_all": {}}), Some(&["data_stream"]), |id, document| {
            assert_eq!(document["data_stream"], said, "{id}");
        });
        let indices = client.get(&format!("/{stream}/_settings")).ok();
        assert_eq!(indices.as_object().unwrap().len(), 2, "{indices}");
    }
}

#[test]
fn documents_are_written_as_the_options_say() {
    let _turn = turn();
    for engine in [Engine::Elasticsearch8, Engine::OpenSearch2] {
        let server = Server::shared(engine);
        let client = server.client();
        let place = Place::new();
        let log = place.container(1);
        for text in [
            r#"{"team":"Blue","order":"one","count":1,"a.b":{"c.d":"e.f"}}"#,
            r#"{"team":"Blue","order":"two","count":1}"#,
            r#"{"team":"not a name","order":"two","count":2}"#,
            r#"{"team":"Blue","order":"one","later":true}"#,
        ] {
            append(&log, &line(text));
        }
        let output = format!(
            "Name es\n  Host 127.0.0.1\n  Port {}\n  Logstash_Format On\n  Logstash_Prefix orders\n  \
             Logstash_Prefix_Key $team\n  Logstash_DateFormat %Y\n  Write_Operation upsert\n  Id_Key $order\n  \
             Replace_Dots On\n  Time_Key when\n  Time_Key_Format %d.%m.%Y",
            server.port()
        );
        let mut shipper = Shipper::start(&place.configure_without_flyte("containers/*.log", &output));
        let year = dated("").trim_start_matches('-')[..4].to_owned();
        let found = |index: &str, id: &str| client.get(&format!("/{index}-{year}/_doc/{id}")).body["_source"].clone();
        wait_for(&true, || found("blue", "one")["later"] == true);
        assert!(shipper.terminate().success());
        let one = found("blue", "one");
        assert_eq!((&one["count"], &one["a_b"]["c_d"]), (&json!(1), &json!("e.f")), "{one}");
        let when = one["when"].as_str().unwrap();
        assert_eq!((when.len(), &when[6..10], &when[23 - 9..]), (15, year.as_str(), "Z"), "{when}");
        assert_eq!(found("blue", "two")["count"], 1);
        assert_eq!(found("orders", "two")["count"], 2, "a prefix that cannot stand in a name is not used");
        client.delete(&format!("/blue-{year},orders-{year}"));
    }
}

#[test]
fn an_update_of_what_is_not_there_is_a_dead_letter_and_holds_up_nothing() {
    let _turn = turn();
    let server = Server::shared(Engine::Elasticsearch8);
    let client = server.client();
    client.put("/updated/_doc/there", &json!({"count": 1})).ok();
    let place = Place::new();
    let log = place.container(1);
    append(&log, &line(r#"{"order":"missing","count":2}"#));
    append(&log, &line(r#"{"order":"there","count":2}"#));
    let output = format!(
        "Name es\n  Host 127.0.0.1\n  Port {}\n  Index updated\n  Write_Operation update\n  Id_Key $order",
        server.port()
    );
    let mut shipper = Shipper::start(&place.configure_without_flyte("containers/*.log", &output));
    wait_for(&true, || client.get("/updated/_doc/there").body["_source"]["count"] == 2);
    wait_for(&true, || shipper.log().contains("document_missing_exception"));
    assert!(shipper.terminate().success());
    assert!(shipper.log().contains("dead_lettered=1"), "{}", shipper.log());
    client.delete("/updated");
}
