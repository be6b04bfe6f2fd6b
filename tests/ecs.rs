//! Documents by the names of Elastic's Common Schema, on real servers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod support;

use flytail::cli::demo::generator::{Runtime, Truth, sequence_in};
use serde_json::{Value, json};
use support::node::{Node, count};
use support::server::{Engine, Server};
use support::shipper::{Shipper, flytail, wait_for};
use support::turn::turn;

const INDEX: &str = "flyte-ecs";
const LINES: usize = 3_000;
/// How most of Python's tracebacks begin.
const HEADLINE: &str = "most recent call last";
/// Values that are longer as JSON stand in `large_fields`.
const LARGE: usize = 10_000;

/// Each field by ECS, and by the names that the generator knows it by.
const NAMES: [(&str, &str); 16] = [
    ("service.name", "app"),
    ("flyte.component", "component"),
    ("orchestrator.namespace", "namespace"),
    ("orchestrator.resource.name", "pod"),
    ("container.name", "container"),
    ("host.name", "host"),
    ("log.level", "level"),
    ("flyte.workflow", "workflow"),
    ("flyte.task", "task"),
    ("flyte.execution_id", "execution_id"),
    ("flyte.node_id", "node_id"),
    ("flyte.project", "project"),
    ("flyte.domain", "domain"),
    ("flyte.derived_from", "derived_from"),
    ("trace.id", "trace_id"),
    ("span.id", "span_id"),
];

#[test]
fn every_line_arrives_by_the_names_of_ecs_and_is_found_by_them() {
    let _turn = turn();
    for engine in [Engine::Elasticsearch8, Engine::OpenSearch2] {
        let server = Server::shared(engine);
        let setup = ["setup", "--url", &server.url(), "--index", INDEX, "--retention", "forever", "--fields", "ecs"];
        for more in [&[][..], &["--check"]] {
            assert!(flytail().args(setup).args(more).status().unwrap().success());
        }
        let mut node = Node::new(29, Runtime::Containerd);
        let changes = [("Keep_Log Off", "Keep_Log Off\n  Field_Names ecs")];
        let mut shipper = Shipper::start(&node.configure(server, INDEX, &changes));
        node.write(LINES);
        let client = server.client();
        wait_for(&(LINES as u64), || count(&client, INDEX));
        assert!(shipper.terminate().success(), "{}", shipper.log());
        assert!(shipper.log().contains("dead_lettered=0"), "{}", shipper.log());

        let mut traces = 0;
        client.each_document(&format!("{INDEX}-*"), &json!({"match_all": {}}), None, |id, document| {
            let sequence = sequence_in(document["message"].as_str().unwrap()).unwrap();
            let truth = &node.truths[&sequence];
            check_kubernetes(truth, &document);
            traces += u64::from(document["error.stack_trace"].as_str().is_some_and(|text| text.contains(HEADLINE)));
            let differences = truth.differences(&by_default_names(document));
            assert!(differences.is_empty(), "{id} ({:?}): {differences:?}", truth.format);
        });
        assert!(traces > 0, "there were tracebacks among them");
        found_by_their_names(server, &node, traces);
        client.delete(&format!("/{INDEX}-*"));
    }
}

/// What every container's documents tell of its pod.
fn check_kubernetes(truth: &Truth, document: &Value) {
    for (field, path) in [("pod", "/kubernetes/pod/name"), ("namespace", "/kubernetes/namespace")] {
        assert_eq!(document.pointer(path), truth.fields.get(field), "{document}");
    }
    assert!(document.pointer("/kubernetes/labels").is_some_and(Value::is_object), "{document}");
    assert_eq!((&document["ecs.version"], &document["orchestrator.type"]), (&json!("8.11.0"), &json!("kubernetes")));
    assert!(document["container.image.name"].is_string(), "{document}");
    for (_, default) in NAMES {
        assert!(document.get(default).is_none(), "{default} has no such name here: {document}");
    }
}

/// The same document as it is called by default.
fn by_default_names(mut document: Value) -> Value {
    let members = document.as_object_mut().unwrap();
    for (ecs, default) in NAMES {
        if let Some(value) = members.remove(ecs) {
            members.insert(default.to_owned(), value);
        }
    }
    // A traceback that was the whole line is its message, too; any other was a member of the application.
    let trace = members.remove("error.stack_trace").filter(|trace| Some(trace) != members.get("message"));
    if let Some(trace) = trace {
        let place = if trace.to_string().len() > LARGE { "large_fields" } else { "fields" };
        document[place]["exc_info"] = trace;
    }
    document
}

/// As people search in Kibana, and with `flytail query`.
fn found_by_their_names(server: &Server, node: &Node, traces: u64) {
    let client = server.client();
    let pattern = format!("{INDEX}-*");
    let errors = node.truths.values().filter(|truth| truth.matches_errors_of_admin()).count();
    assert!(errors > 0, "there were errors of admin among them");
    let search = "log.level:ERROR and service.name:flyteadmin";
    let arguments = ["query", search, "--url", &server.url(), "--index", &pattern, "--limit", "100000", "--json"];
    let output = flytail().args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), errors);
    let all = LINES as u64;
    for (query, expected) in [
        (json!({"exists": {"field": "kubernetes.pod.name"}}), all),
        (json!({"term": {"orchestrator.type": "kubernetes"}}), all),
        (json!({"exists": {"field": "kubernetes.labels"}}), all),
        (json!({"match_phrase": {"error.stack_trace": HEADLINE}}), traces),
    ] {
        assert_eq!(client.count(&pattern, &query), expected, "{query}");
    }
}
