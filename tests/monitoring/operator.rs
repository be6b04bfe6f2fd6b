//! The manifests for the Prometheus operator: it understands them, its selectors find them, and they lead to the targets
//! that the configuration without the operator leads to.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::tools::{deploy, files, tool};

const LABEL: &str = "app.kubernetes.io/part-of";
const PART_OF: &str = "flyte-monitoring";

/// The documents of a file in `deploy/`.
fn documents(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Everything for the operator that stands with Prometheus.
fn manifests() -> Vec<Value> {
    let directories = ["prometheus/kubernetes", "prometheus/standalone"];
    let paths = directories.iter().flat_map(|directory| files(&deploy().join(directory), &[".yml"]));
    let all = paths.flat_map(|path| documents(&path));
    all.filter(|manifest| manifest["apiVersion"] == "monitoring.coreos.com/v1").collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

#[test]
fn the_operator_understands_each_field() {
    let mut all = manifests();
    all.extend(documents(&deploy().join("kubernetes/components/monitoring/pod-monitor.yaml")));
    assert!(all.len() > 15, "only {} manifests", all.len());
    let complaints = |manifests: &[Value]| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/monitoring/understood.py");
        let mut python = tool("operator", "python");
        let mut child = python.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines: String = manifests.iter().map(|manifest| format!("{manifest}\n")).collect();
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(complaints(&all).trim(), "");
    // That it would complain.
    let mut wrong = all.iter().find(|manifest| manifest["kind"] == "PodMonitor").unwrap().clone();
    wrong["spec"]["podMetricsEndpoints"][0]["honourLabels"] = true.into();
    assert!(complaints(&[wrong]).contains("no field .spec.podMetricsEndpoints[0].honourLabels"));
}

#[test]
fn the_selectors_find_each_object() {
    let all = manifests();
    for manifest in &all {
        let labels = &manifest["metadata"]["labels"];
        assert!(manifest["kind"] == "Prometheus" || labels[LABEL] == PART_OF, "{}: {labels}", manifest["metadata"]);
    }
    let prometheus = all.iter().find(|manifest| manifest["kind"] == "Prometheus").unwrap();
    for kind in ["podMonitor", "serviceMonitor", "rule"] {
        assert_eq!(prometheus["spec"][format!("{kind}Selector")]["matchLabels"][LABEL], PART_OF, "{kind}");
        assert!(prometheus["spec"][format!("{kind}NamespaceSelector")].is_object(), "{kind}");
    }
    // The values for the chart: neither selectors nor the length of history are left to what it comes with.
    let values = documents(&deploy().join("prometheus/kubernetes/kube-prometheus-stack.yml")).remove(0);
    let chart = &values["prometheus"]["prometheusSpec"];
    for kind in ["podMonitor", "serviceMonitor", "rule"] {
        assert_eq!(chart[format!("{kind}SelectorNilUsesHelmValues")], false, "{kind}");
    }
    for setting in ["retention", "enableFeatures", "exemplars"] {
        assert_eq!(chart[setting], prometheus["spec"][setting], "{setting}");
    }
    let arguments = fs::read_to_string(deploy().join("prometheus/prometheus.args")).unwrap();
    assert!(arguments.contains(&format!("--storage.tsdb.retention.time={}\n", text(&chart["retention"]))));
}

/// How the pods of a job are found and read.
#[derive(Debug, PartialEq, Eq)]
struct Job {
    label: String,
    values: BTreeSet<String>,
    /// Its name, or its number where not all who have it declare it.
    port: String,
    path: String,
    honors_labels: bool,
    has_node: bool,
}

fn path_of(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or("/metrics").to_owned()
}

fn port_of(replacement: &Value) -> String {
    text(replacement).strip_prefix("$1:").expect("an address and a port").to_owned()
}

/// The jobs of `prometheus-kubernetes.yml` that look for pods.
fn jobs_without_operator() -> BTreeMap<String, Job> {
    let configuration = documents(&deploy().join("prometheus/prometheus-kubernetes.yml")).remove(0);
    let jobs = configuration["scrape_configs"].as_array().unwrap().iter();
    let jobs = jobs.filter(|job| job["kubernetes_sd_configs"][0]["role"] == "pod");
    let read = |job: &Value| {
        let rules = job["relabel_configs"].as_array().unwrap();
        let keep = rules.iter().find(|rule| rule["action"] == "keep").unwrap();
        let label = text(&keep["source_labels"][0]).strip_prefix("__meta_kubernetes_pod_label_").unwrap();
        let named = rules.iter().find(|rule| rule["source_labels"][0] == "__meta_kubernetes_pod_container_port_name");
        let port = match rules.iter().find(|rule| rule["target_label"] == "__address__") {
            Some(address) => port_of(&address["replacement"]),
            None => text(&named.expect("an address or a port")["regex"]).to_owned(),
        };
        Job {
            label: label.to_owned(),
            values: text(&keep["regex"]).split('|').map(str::to_owned).collect(),
            port,
            path: path_of(job, "metrics_path"),
            honors_labels: job["honor_labels"] == true,
            has_node: rules.iter().any(|rule| rule["target_label"] == "node"),
        }
    };
    by_name(jobs.map(|job| (text(&job["job_name"]).to_owned(), read(job))))
}

/// The PodMonitors.
fn jobs_with_operator() -> BTreeMap<String, Job> {
    let monitors = manifests().into_iter().filter(|manifest| manifest["kind"] == "PodMonitor");
    let read = |monitor: Value| {
        let spec = &monitor["spec"];
        let (label, values) = match &spec["selector"]["matchLabels"] {
            Value::Object(labels) => {
                let (label, value) = labels.iter().next().unwrap();
                (label.as_str(), BTreeSet::from([text(value).to_owned()]))
            }
            _ => {
                let expression = &spec["selector"]["matchExpressions"][0];
                let values = expression["values"].as_array().unwrap().iter();
                (text(&expression["key"]), values.map(|value| text(value).to_owned()).collect())
            }
        };
        let endpoint = &spec["podMetricsEndpoints"][0];
        let rules = endpoint["relabelings"].as_array().unwrap();
        let target = |label: &str| rules.iter().find(|rule| rule["targetLabel"] == label);
        let job = Job {
            label: label.replace(['.', '/'], "_"),
            values,
            port: match target("__address__") {
                Some(address) => port_of(&address["replacement"]),
                None => text(&endpoint["port"]).to_owned(),
            },
            path: path_of(endpoint, "path"),
            honors_labels: endpoint["honorLabels"] == true,
            has_node: target("node").is_some(),
        };
        (text(&target("job").unwrap()["replacement"]).to_owned(), job)
    };
    by_name(monitors.map(read))
}

/// Each job once: who finds pods a second time scrapes them twice.
fn by_name(jobs: impl Iterator<Item = (String, Job)>) -> BTreeMap<String, Job> {
    let mut found = BTreeMap::new();
    for (name, job) in jobs {
        assert!(found.insert(name.clone(), job).is_none(), "the job {name} is there twice");
    }
    found
}

#[test]
fn pods_are_found_alike_with_the_operator_and_without() {
    let (with, without) = (jobs_with_operator(), jobs_without_operator());
    assert!(with.len() > 9, "{:?}", with.keys());
    assert_eq!(with, without);
    for monitor in manifests().iter().filter(|manifest| manifest["kind"] == "ServiceMonitor") {
        let rules = monitor["spec"]["endpoints"][0]["relabelings"].as_array().unwrap().iter();
        let jobs: Vec<_> = rules.filter(|rule| rule["targetLabel"] == "job").map(|rule| &rule["replacement"]).collect();
        assert!(jobs.len() == 1 && !with.contains_key(text(jobs[0])), "{jobs:?} is found by pods as well");
    }
}

#[test]
fn rules_and_dashboards_name_jobs_that_are_scraped() {
    let mut jobs: BTreeSet<String> = jobs_with_operator().into_keys().collect();
    let configuration = documents(&deploy().join("prometheus/prometheus.yml")).remove(0);
    let scraped = configuration["scrape_configs"].as_array().unwrap().iter();
    let scraped: BTreeSet<_> = scraped.map(|job| text(&job["job_name"]).to_owned()).collect();
    // Those of `prometheus.yml` have the same names; flyte-binary is for clusters, its executor's port for elsewhere.
    jobs.remove("flyte-binary");
    assert!(scraped.is_superset(&jobs), "{:?}", jobs.difference(&scraped));
    let mut named = BTreeSet::new();
    for (directory, ending) in [("prometheus/rules", ".yml"), ("grafana/dashboards", ".json")] {
        for path in files(&deploy().join(directory), &[ending]) {
            let text = fs::read_to_string(path).unwrap().replace('\\', "");
            let names = text.split("job=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
            named.extend(names);
        }
    }
    assert!(!named.is_empty() && named.is_subset(&scraped), "{named:?}");
}

#[test]
fn the_chart_s_grafana_has_the_data_sources_that_are_provisioned_elsewhere() {
    let values = documents(&deploy().join("prometheus/kubernetes/kube-prometheus-stack.yml")).remove(0);
    let provisioned = documents(&deploy().join("grafana/provisioning/datasources/flyte.yml")).remove(0);
    let by_id = |sources: &Value| -> BTreeMap<String, Value> {
        let without_address = |source: &Value| {
            let mut source = source.clone();
            source.as_object_mut().unwrap().remove("url").expect("an address");
            (text(&source["uid"]).to_owned(), source)
        };
        sources.as_array().unwrap().iter().map(without_address).collect()
    };
    let mut provisioned = by_id(&provisioned["datasources"]);
    // The chart has one of this id.
    let prometheus = provisioned.remove("prometheus").unwrap();
    assert_eq!(provisioned, by_id(&values["grafana"]["additionalDataSources"]));
    let exemplars = &values["grafana"]["sidecar"]["datasources"]["exemplarTraceIdDestinations"];
    let destination = &prometheus["jsonData"]["exemplarTraceIdDestinations"][0];
    assert_eq!(exemplars["datasourceUid"], destination["datasourceUid"]);
    assert_eq!(exemplars["traceIdLabelName"], destination["name"]);
}
