//! Saved objects of Kibana and OpenSearch Dashboards, and Flyte's links to them: what stands there is generated, whole,
//! and finds on a real server what it should.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use flytail::cli::demo::generator::Runtime;
use flytail::kql::{Mapping, Matcher, parse};
use flytail::output::elasticsearch::setup::{self, Plan, Server as Kind};
use flytail::record::field_names::FieldNames;
use serde_json::{Value, json};

use crate::deploy;
use crate::manifests::{documents, helm_at, well};
use crate::support::client::Client;
use crate::support::node::{Node, count, set_up};
use crate::support::server::{Engine, Server};
use crate::support::shipper::{Shipper, wait_for};
use crate::support::turn::turn;

const INDEX: &str = "flyte-links";
const LINES: usize = 3_000;
const PROGRAMS: [&str; 2] = ["kibana", "opensearch-dashboards"];

/// Dated indices that are kept.
fn plan(index: &str) -> Plan<'_> {
    Plan { index, is_data_stream: false, days: None, fields: FieldNames::Default }
}

/// The saved objects of a program.
fn objects(program: &str) -> Vec<Value> {
    let text = fs::read_to_string(deploy(&format!("kibana/{program}.ndjson"))).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// JSON that stands in a text of an object.
fn inner(object: &Value, path: &str) -> Value {
    serde_json::from_str(object.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("no {path}: {object}")))
        .unwrap()
}

/// The searches of all saved objects: the object's id and its KQL.
fn saved_searches(program: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for object in objects(program).iter().filter(|object| object["type"] != "index-pattern") {
        let source = inner(object, "/attributes/kibanaSavedObjectMeta/searchSourceJSON");
        assert_eq!(source["query"]["language"], "kuery");
        found.push((object["id"].as_str().unwrap().to_owned(), source["query"]["query"].as_str().unwrap().to_owned()));
    }
    found
}

#[test]
fn the_saved_objects_are_what_the_generator_writes() {
    let directory = tempfile::tempdir().unwrap();
    let generator = deploy("kibana/generate.py");
    well(&Command::new("python3").arg(generator).arg("--out").arg(directory.path()).output().unwrap());
    for program in PROGRAMS {
        let read = |path: &Path| fs::read_to_string(path.join(format!("{program}.ndjson"))).unwrap();
        assert_eq!(read(&deploy("kibana")), read(directory.path()), "run deploy/kibana/generate.py");
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_field_is_in_the_mapping() {
    for (program, kind) in PROGRAMS.into_iter().zip([Kind::Elasticsearch, Kind::OpenSearch]) {
        let objects = objects(program);
        let name = |object: &Value| (object["type"].clone().to_string(), object["id"].clone().to_string());
        let there: HashSet<_> = objects.iter().map(name).collect();
        assert_eq!(there.len(), objects.len(), "{program}: an id stands twice");
        let mapping = &setup::template(plan("flyte-logs"), kind, None)["template"]["mappings"]["properties"];
        let mut fields = vec![json!("@timestamp")];
        for object in &objects {
            for reference in object["references"].as_array().unwrap() {
                assert!(there.contains(&name(reference)), "{program}: {} refers to {reference}", object["id"]);
            }
            match object["type"].as_str().unwrap() {
                "search" => fields.extend(object["attributes"]["columns"].as_array().unwrap().clone()),
                "visualization" => {
                    let state = inner(object, "/attributes/visState");
                    fields.extend(state["aggs"].as_array().unwrap().iter().map(|agg| agg["params"]["field"].clone()));
                }
                "dashboard" => {
                    let panels = inner(object, "/attributes/panelsJSON");
                    assert_eq!(panels.as_array().unwrap().len(), object["references"].as_array().unwrap().len());
                }
                _ => {}
            }
        }
        for field in fields.iter().filter_map(Value::as_str) {
            assert!(mapping.get(field).is_some(), "{program}: {field} is in no mapping");
        }
    }
    let briefs = [
        "level:ERROR and app:flyteadmin",
        "component:propeller and message:*FAILED*",
        "app:flyteadmin and message:*latency* and level:WARN",
    ];
    let searches = saved_searches("kibana");
    assert!(briefs.iter().all(|brief| searches.iter().any(|(_, search)| search == brief)));
}

#[test]
fn searches_charts_and_links_find_what_they_should() {
    let _turn = turn();
    let server = Server::shared(Engine::Elasticsearch8);
    let client = server.client();
    set_up(server, INDEX);
    let mut node = Node::new(29, Runtime::Containerd);
    node.write(LINES);
    let mut shipper = Shipper::start(&node.configure(server, INDEX, &[]));
    wait_for(&(LINES as u64), || count(&client, INDEX));
    assert!(shipper.terminate().success(), "{}", shipper.log());
    write_what_is_rare(&client);
    let all: Vec<Value> =
        client.all_documents(&format!("{INDEX}-*")).into_iter().map(|(_, document)| document).collect();
    saved_searches_find_what_matches(&client, &all);
    charts_have_data(&client);
    links_find_the_logs_of_their_task(&client, &all);
    client.delete(&format!("/{INDEX}-*"));
}

/// What the generated node has no line for, and one that none of these searches is to find.
fn write_what_is_rare(client: &Client) {
    let told = [
        json!({"message": "Pod failed: OOMKilled, exit code 137"}),
        json!({"message": "Back-off pulling image: ErrImagePull"}),
        json!({"message": "started", "derived_from": "pod_name"}),
        json!({"message": "[0.1, 0.2, 0.3", "truncated": true}),
        json!({"message": "all is well", "truncated": false}),
    ];
    for mut document in told {
        document["@timestamp"] = "2026-08-21T12:00:01Z".into();
        client.post(&format!("/{INDEX}-2026.08.21/_doc?refresh=true"), &document).ok();
    }
}

fn saved_searches_find_what_matches(client: &Client, all: &[Value]) {
    let mappings = setup::template(plan(INDEX), Kind::Elasticsearch, None)["template"]["mappings"].clone();
    for (id, search) in saved_searches("kibana") {
        let query = parse(&search).unwrap_or_else(|error| panic!("{id}: {search}: {error}"));
        let found = client.count(&format!("{INDEX}-*"), &query.to_query());
        let matcher = Matcher::new(query, Mapping::new(&mappings)).unwrap();
        let wanted = all.iter().filter(|document| matcher.matches(document)).count();
        assert_eq!(found, wanted as u64, "{id}: {search}");
        assert!(found > 0, "{id} finds nothing: {search}");
        assert!(found < all.len() as u64 || search.is_empty(), "{id} finds everything: {search}");
    }
}

/// A chart is a query and a count by a field, which has to be one that can be counted by.
fn charts_have_data(client: &Client) {
    let searches = saved_searches("kibana");
    for object in objects("kibana").iter().filter(|object| object["type"] == "visualization") {
        let id = object["id"].as_str().unwrap();
        let state = inner(object, "/attributes/visState");
        let terms = state["aggs"].as_array().unwrap().iter().find(|agg| agg["type"] == "terms").unwrap();
        let (_, search) = searches.iter().find(|(of, _)| of == id).unwrap();
        let by = json!({"terms": {"field": terms["params"]["field"], "size": terms["params"]["size"]}});
        let body = json!({"size": 0, "query": parse(search).unwrap().to_query(), "aggs": {"by": by}});
        let answer = client.post(&format!("/{INDEX}-*/_search"), &body).ok();
        assert!(!answer["aggregations"]["by"]["buckets"].as_array().unwrap().is_empty(), "{id} has no data");
    }
}

/// The links in one of Flyte's configurations, as its chart leaves them for Flyte.
fn links(file: &str) -> Vec<String> {
    let chart = tempfile::tempdir().unwrap();
    fs::create_dir(chart.path().join("templates")).unwrap();
    fs::write(chart.path().join("Chart.yaml"), "apiVersion: v2\nname: flyte\nversion: 0.1.0\n").unwrap();
    fs::write(chart.path().join("templates/configuration.yaml"), AS_FLYTE_RENDERS).unwrap();
    let values = fs::read_to_string(deploy("flyte").join(file)).unwrap();
    let rendered = well(&helm_at(chart.path(), &["template", "flyte"], Some(&values)));
    let mut links = Vec::new();
    documents(&rendered).iter().for_each(|document| collect(document, &mut links));
    links
}

/// Which part of their values Flyte's charts copy, and which one they run through Helm's templates first.
const AS_FLYTE_RENDERS: &str = r#"{{- with .Values.configuration }}
templates: {{- toYaml .logging.plugins.custom | nindent 0 }}
---
{{ tpl (toYaml .inline) $ }}
{{- end }}
---
{{- with .Values.configmap }}
{{ tpl (toYaml .task_logs) $ }}
{{- end }}
"#;

fn collect(value: &Value, links: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| match key.as_str() {
            "templateUris" => {
                links.extend(value.as_array().unwrap().iter().map(|link| link.as_str().unwrap().to_owned()))
            }
            _ => collect(value, links),
        }),
        Value::Array(items) => items.iter().for_each(|item| collect(item, links)),
        _ => {}
    }
}

fn links_find_the_logs_of_their_task(client: &Client, all: &[Value]) {
    let task = |document: &&Value| {
        ["execution_id", "node_id", "pod"].iter().all(|key| document[key].is_string())
            && document["component"] == "task"
    };
    let task = all.iter().find(task).expect("a task's document");
    for (file, copies) in [("flyte-binary-v1.yaml", 10), ("flyte-binary-v2.yaml", 10), ("flyte-core.yaml", 10)] {
        let links = links(file);
        assert_eq!(links.len(), copies, "{file}");
        for link in links {
            let link = filled(&link, task);
            assert!(link.contains("index:flyte-logs,") && link.contains("dataViewId:flyte-logs,"), "{link}");
            let search = search_of(&link);
            let query = parse(&search).unwrap_or_else(|error| panic!("{file}: {search}: {error}"));
            let body = json!({"size": LINES, "query": query.to_query(), "_source": ["execution_id", "pod"]});
            let answer = client.post(&format!("/{INDEX}-*/_search"), &body).ok();
            let hits = answer["hits"]["hits"].as_array().unwrap();
            assert!(hits.iter().any(|hit| hit["_source"]["pod"] == task["pod"]), "{search} does not find {task}");
            assert!(hits.len() < LINES, "{search} finds everything");
            let other = hits.iter().find(|hit| hit["_source"]["execution_id"] != task["execution_id"]);
            assert!(other.is_none(), "{search} finds {other:?}");
        }
    }
}

/// The link with what Flyte knows of a task in place of its variables.
fn filled(link: &str, task: &Value) -> String {
    let mut link = link.to_owned();
    for (variable, field) in [
        ("namespace", "namespace"),
        ("podName", "pod"),
        ("executionName", "execution_id"),
        ("runName", "execution_id"),
        ("nodeID", "node_id"),
        ("actionName", "node_id"),
    ] {
        link = link.replace(&format!("{{{{ .{variable} }}}}"), task[field].as_str().unwrap());
    }
    assert!(!link.contains("{{"), "a variable that nobody fills: {link}");
    link
}

/// The KQL in a link, as a browser decodes it.
fn search_of(link: &str) -> String {
    let (_, rest) = link.split_once("query:(language:kuery,query:'").unwrap();
    let (encoded, _) = rest.split_once("')").unwrap();
    let mut search = String::new();
    let mut parts = encoded.split('%');
    search.push_str(parts.next().unwrap());
    for part in parts {
        search.push(char::from(u8::from_str_radix(&part[..2], 16).unwrap()));
        search.push_str(&part[2..]);
    }
    search
}
