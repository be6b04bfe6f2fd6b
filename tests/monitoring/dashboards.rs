//! Each panel of each dashboard has data in a running Prometheus, and so has each query of the monitoring guide.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::prometheus::Prometheus;
use crate::tools::{deploy, files};

/// Names that dashboards on Flyte use, and the labels that they expect on them.
const NAMES: &[(&str, &[&str])] = &[
    ("flyteadmin_request_total", &["code", "method", "handler"]),
    ("flyteadmin_request_duration_seconds_bucket", &["le", "handler"]),
    ("flyteadmin_request_duration_seconds_sum", &["handler"]),
    ("flyteadmin_request_duration_seconds_count", &["handler"]),
    ("flytepropeller_workflow_total", &["phase"]),
    ("flytepropeller_task_execution_total", &["phase", "task_type"]),
    ("flytepropeller_enqueue_total", &[]),
    ("flytepropeller_dequeue_total", &[]),
    ("flytepropeller_retries_total", &["reason"]),
    ("datacatalog_request_total", &["code", "method"]),
    ("go_goroutines", &[]),
    ("process_resident_memory_bytes", &[]),
    ("process_cpu_seconds_total", &[]),
    ("grpc_server_handled_total", &["grpc_code", "grpc_method", "grpc_service"]),
];

/// Queries of the guide and its indicators, letter by letter.
const QUERIES: &[&str] = &[
    "sum by(handler) (rate(flyteadmin_request_total[5m]))",
    "100 * sum(rate(flyteadmin_request_total{code=~\"5..\"}[5m])) / sum(rate(flyteadmin_request_total[5m]))",
    "histogram_quantile(0.95, sum by(le, handler) (rate(flyteadmin_request_duration_seconds_bucket[5m])))",
    "sum by(phase) (rate(flytepropeller_workflow_total[5m]))",
    "sum by(task_type) (rate(flytepropeller_task_execution_total{phase=\"FAILED\"}[15m]))",
    "sum by(reason) (increase(flytepropeller_retries_total[1h]))",
    "sum(rate(envoy_cluster_upstream_rq{response_code_class=\"5\"}[5m]))",
    "1 - sum(rate(flyteadmin_request_total{code=~\"5..\"}[5m])) / sum(rate(flyteadmin_request_total[5m]))",
    "histogram_quantile(0.95, sum by(le) (rate(flyteadmin_request_duration_seconds_bucket[5m])))",
    "1 - (sum(rate(flytepropeller_task_execution_total{phase=\"FAILED\"}[5m])) / sum(rate(flytepropeller_task_execution_total[5m])))",
];

/// A query of a panel, and where it stands.
struct Query {
    place: String,
    expression: String,
    wants_exemplars: bool,
}

#[test]
fn every_panel_and_every_query_of_the_guide_has_data() {
    let prometheus = Prometheus::start();
    let mut waiting = panel_queries();
    assert!(waiting.len() > 70, "only {} queries in the dashboards", waiting.len());
    waiting.extend(QUERIES.iter().map(|query| Query {
        place: "the guide".to_owned(),
        expression: (*query).to_owned(),
        wants_exemplars: false,
    }));
    waiting.extend(NAMES.iter().map(|(name, labels)| Query {
        place: format!("the guide's {name} with the labels {labels:?}"),
        expression: format!(
            "{name}{{{}}}",
            labels.iter().map(|label| format!("{label}!=\"\"")).collect::<Vec<_>>().join(", ")
        ),
        wants_exemplars: false,
    }));
    no_query_has_an_answer_without_data(&prometheus, &waiting);
    prometheus.wait_for(|| {
        waiting.retain(|query| !has_data(&prometheus, query));
        waiting.is_empty().then_some(())
    });
    let left = waiting.iter().map(|query| format!("{}\n    {}\n", query.place, query.expression));
    assert!(waiting.is_empty(), "these have no data, though each should:\n{}", left.collect::<String>());
    every_rule_is_evaluated(&prometheus);
    every_target_answers(&prometheus);
}

/// At a time of which Prometheus knows nothing nobody has an answer, but for a line at a fixed height. One that has (as
/// with `or vector(0)`) would pass whatever its metric is called.
fn no_query_has_an_answer_without_data(prometheus: &Prometheus, queries: &[Query]) {
    let draws_a_line = |query: &&Query| {
        query
            .expression
            .strip_prefix("vector(")
            .and_then(|rest| rest.strip_suffix(')'))
            .is_some_and(|height| height.parse::<f64>().is_ok())
    };
    for query in queries.iter().filter(|query| !draws_a_line(query)) {
        let data = prometheus.ask("query", &[("query", &query.expression), ("time", "1")]).unwrap();
        assert!(data["result"].as_array().unwrap().is_empty(), "{}: {data} without any data", query.place);
    }
    let has_more = |place: &str| queries.iter().any(|query| query.place == place && !draws_a_line(&query));
    for line in queries.iter().filter(draws_a_line) {
        assert!(has_more(&line.place), "{} shows nothing but a line", line.place);
    }
}

fn has_data(prometheus: &Prometheus, query: &Query) -> bool {
    let series = prometheus.series(&query.expression).unwrap_or_else(|error| {
        panic!("{}: Prometheus refuses\n    {}\n{error}", query.place, query.expression);
    });
    let exemplars = || {
        let range = [("query", query.expression.as_str()), ("start", "0"), ("end", "9999999999")];
        prometheus
            .ask("query_exemplars", &range)
            .is_ok_and(|found| found.as_array().is_some_and(|found| !found.is_empty()))
    };
    !series.is_empty() && (!query.wants_exemplars || exemplars())
}

fn every_rule_is_evaluated(prometheus: &Prometheus) {
    let evaluated = prometheus.wait_for(|| {
        let groups = prometheus.get("rules");
        let rules =
            groups["groups"].as_array()?.iter().flat_map(|group| group["rules"].as_array().into_iter().flatten());
        let mut all = true;
        for rule in rules {
            assert_ne!(rule["health"], "err", "rule {}: {}\n    {}", rule["name"], rule["lastError"], rule["query"]);
            all &= rule["health"] == "ok";
        }
        all.then_some(())
    });
    assert!(evaluated.is_some(), "not all rules were evaluated; Prometheus says:\n{}", prometheus.log());
}

fn every_target_answers(prometheus: &Prometheus) {
    let targets = prometheus.get("targets");
    let targets = targets["activeTargets"].as_array().unwrap();
    assert!(targets.len() > 8, "{targets:?}");
    for target in targets {
        assert_eq!(target["health"], "up", "{}: {}", target["labels"]["job"], target["lastError"]);
    }
}

fn dashboards() -> Vec<(String, Value)> {
    let named = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let files = files(&deploy().join("grafana/dashboards"), &[".json"]);
    let parsed = files.iter().map(|path| {
        let text = fs::read_to_string(path).unwrap();
        (named(path), serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    });
    parsed.collect()
}

/// All queries, with Grafana's variables filled in.
fn panel_queries() -> Vec<Query> {
    let mut queries = Vec::new();
    for (file, dashboard) in dashboards() {
        for panel in dashboard["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let mut expression = target["expr"].as_str().unwrap().to_owned();
                for variable in ["$project", "$domain", "$instance"] {
                    expression = expression.replace(variable, ".*");
                }
                assert!(!expression.contains("\"$"), "{file}: a variable that this test does not know: {expression}");
                let place = format!("{file}, panel {}", panel["title"]);
                queries.push(Query { place, expression, wants_exemplars: target["exemplar"] == true });
            }
        }
    }
    queries
}

#[test]
fn dashboards_can_be_imported_as_they_are() {
    let mut uids = BTreeSet::new();
    for (file, dashboard) in dashboards() {
        let uid = dashboard["uid"].as_str().unwrap_or_else(|| panic!("{file} has no uid"));
        assert!(uids.insert(uid.to_owned()), "{file}: the uid {uid} is taken");
        assert!(dashboard["id"].is_null(), "{file}: an id belongs to one Grafana");
        let variables = dashboard["templating"]["list"].as_array().unwrap();
        assert!(
            variables.iter().any(|variable| variable["type"] == "datasource"),
            "{file} does not ask for its source"
        );
        let mut ids = BTreeSet::new();
        for panel in dashboard["panels"].as_array().unwrap() {
            let title = &panel["title"];
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{file}, panel {title}: its id is taken");
            let position = &panel["gridPos"];
            assert!(position["x"].as_u64().unwrap() + position["w"].as_u64().unwrap() <= 24, "{file}, panel {title}");
            if panel["type"] != "row" {
                assert_eq!(panel["datasource"]["uid"], "${datasource}", "{file}, panel {title}");
                assert!(
                    panel["targets"].as_array().is_some_and(|all| !all.is_empty()),
                    "{file}, panel {title}: no query"
                );
            }
        }
    }
}

/// Saved searches are run on a real server in `tests/install`.
#[test]
fn links_to_kibana_carry_searches_that_are_saved_there() {
    let objects = fs::read_to_string(deploy().join("kibana/kibana.ndjson")).unwrap();
    let saved = |object: &str| -> Option<String> {
        let object: Value = serde_json::from_str(object).unwrap();
        let source = object["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"].as_str()?;
        let source: Value = serde_json::from_str(source).unwrap();
        (object["type"] == "search").then(|| source["query"]["query"].as_str().unwrap().to_owned())
    };
    let saved: BTreeSet<_> = objects.lines().filter_map(saved).collect();
    let mut links = 0;
    for (file, dashboard) in dashboards() {
        for panel in dashboard["panels"].as_array().unwrap() {
            for link in panel["links"].as_array().into_iter().flatten() {
                let url = link["url"].as_str().unwrap();
                let place = format!("{file}, panel {}: {url}", panel["title"]);
                assert!(url.starts_with("${kibana}/app/discover#/?_g=(time:(from:'${__from:date:iso}'"), "{place}");
                // Of the two ways to name a data view Kibana 9 reads the one, older ones the other.
                assert!(url.contains("index:'${data_view}',dataSource:(dataViewId:'${data_view}',"), "{place}");
                let (_, search) = url.split_once("query:(language:kuery,query:'").expect("a search");
                let search =
                    search.strip_suffix("'))").expect("the search's end").replace("%20", " ").replace("%22", "\"");
                flytail::kql::parse(&search).unwrap_or_else(|error| panic!("{place}: {error}"));
                assert!(saved.contains(&search), "{place}: no such search in kibana.ndjson");
                links += 1;
            }
        }
    }
    assert!(links > 10, "only {links} links");
}

#[test]
fn every_dashboard_is_provisioned() {
    let kustomization = fs::read_to_string(deploy().join("grafana/kustomization.yaml")).unwrap();
    for (file, _) in dashboards() {
        assert!(kustomization.contains(&format!("- dashboards/{file}\n")), "kustomization.yaml lacks {file}");
    }
}
