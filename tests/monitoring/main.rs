//! The monitoring files of `deploy/`, checked by the tools that read them: promtool, a running Prometheus, amtool, Envoy,
//! Jaeger, and the types of the Prometheus operator.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod dashboards;
mod exporter;
mod operator;
mod prometheus;
#[path = "../support/mod.rs"]
mod support;
mod tools;
mod tracing;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tools::{deploy, files, run, tool, try_run};

#[test]
fn promtool_accepts_the_rules_and_their_tests_pass() {
    let directory = deploy().join("prometheus");
    run(tool("prometheus", "promtool").args(["check", "rules"]).args(files(&directory.join("rules"), &[".yml"])));
    run(tool("prometheus", "promtool").args(["test", "rules"]).args(files(&directory.join("tests"), &[".test.yml"])));
}

#[test]
fn promtool_accepts_the_configurations() {
    let directory = deploy().join("prometheus");
    run(tool("prometheus", "promtool").args(["check", "config"]).arg(directory.join("prometheus.yml")));
    let (_copy, configuration) = with_pods_listed();
    run(tool("prometheus", "promtool").args(["check", "config"]).arg(configuration));
}

#[test]
fn each_pod_is_one_target_of_its_job() {
    let (_copy, configuration) = with_pods_listed();
    for (number, (job, _, _, port)) in PODS.iter().enumerate() {
        let mut promtool = tool("prometheus", "promtool");
        promtool.args(["check", "service-discovery", "--timeout=1s"]).arg(&configuration).arg(job);
        let found: serde_json::Value = serde_json::from_str(&run(&mut promtool)).unwrap();
        let kept: Vec<_> = found.as_array().unwrap().iter().filter_map(|target| target["labels"].as_object()).collect();
        let mut kept: Vec<_> = kept.into_iter().filter(|labels| !labels.is_empty()).collect();
        // Those with the same labels, the address among them, are one target to Prometheus.
        kept.dedup();
        assert_eq!(kept.len(), 1, "job {job}: {kept:?}");
        let expected = [("instance", format!("10.0.0.{number}:{port}")), ("namespace", "flyte".to_owned())];
        for (label, value) in expected.iter().chain(&[("pod", format!("pod-{number}"))]) {
            assert_eq!(kept[0][*label], value.as_str(), "job {job}");
        }
    }
}

/// Pods: the job that they belong to, the label that says so and its value, the port of their metrics.
const PODS: &[(&str, &str, &str, u16)] = &[
    ("flyteadmin", "name", "flyteadmin", 10254),
    ("flytepropeller", "name", "flytepropeller-manager", 10254),
    ("datacatalog", "name", "datacatalog", 10254),
    ("flytescheduler", "name", "flytescheduler", 10254),
    ("flyte-binary", "component", "flyte-binary", 10254),
    ("envoy", "name", "contour-envoy", 9901),
    ("otel-collector", "name", "otel-collector", 8889),
    // Wherever `metricsPort` of its chart puts it.
    ("flytail", "name", "flytail", 2021),
    ("kube-state-metrics", "name", "kube-state-metrics", 8080),
    ("node-exporter", "name", "prometheus-node-exporter", 9100),
];

/// The configuration for Kubernetes with [`PODS`] written into it, each with two ports, as Debian builds Prometheus
/// without the discovery. Only flytail's declares the port of its metrics. The directory goes when it is dropped.
fn with_pods_listed() -> (tempfile::TempDir, PathBuf) {
    let directory = deploy().join("prometheus");
    let pods = PODS.iter().enumerate().flat_map(|(number, (job, label, value, port))| {
        let declared = if *job == "flytail" { *port } else { 1 };
        [(declared, "http"), (2, "more")].map(|(port, name)| {
            format!(
                "{{targets: [\"10.0.0.{number}:{port}\"], labels: {{__meta_kubernetes_namespace: flyte, \
                 __meta_kubernetes_pod_phase: Running, __meta_kubernetes_pod_ip: 10.0.0.{number}, \
                 __meta_kubernetes_pod_name: pod-{number}, __meta_kubernetes_pod_container_port_name: {name}, \
                 __meta_kubernetes_pod_label_app_kubernetes_io_{label}: {value}}}}}"
            )
        })
    });
    let pods = format!("static_configs: [{}]", pods.collect::<Vec<_>>().join(", "));
    let text = fs::read_to_string(directory.join("prometheus-kubernetes.yml")).unwrap();
    let text = text.replace("kubernetes_sd_configs: [{role: pod}]", &pods);
    let text = text.replace("kubernetes_sd_configs: [{role: node}]", "static_configs: [{targets: [\"node:1\"]}]");
    let text = text.replace("/var/run/secrets/kubernetes.io/serviceaccount/token", "/dev/null");
    let copy = tempfile::tempdir().unwrap();
    let configuration = copy.path().join("prometheus.yml");
    fs::write(&configuration, text).unwrap();
    fs::create_dir(copy.path().join("rules")).unwrap();
    for rules in files(&directory.join("rules"), &[".yml"]) {
        fs::copy(&rules, copy.path().join("rules").join(rules.file_name().unwrap())).unwrap();
    }
    (copy, configuration)
}

#[test]
fn the_operators_rules_are_those_of_the_files() {
    run(Command::new(deploy().join("prometheus/make-crds")).arg("--check"));
}

#[test]
fn each_alert_is_tested_both_ways_and_has_a_section_in_the_runbook() {
    let directory = deploy().join("prometheus");
    let read = |name: &str, ending: &str| -> String {
        files(&directory.join(name), &[ending]).iter().map(|path| fs::read_to_string(path).unwrap()).collect()
    };
    let (rules, tests) = (read("rules", ".yml"), read("tests", ".test.yml"));
    let runbook = fs::read_to_string(directory.join("RUNBOOK.md")).unwrap();
    let alerts: Vec<_> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 20, "{alerts:?}");
    for alert in &alerts {
        assert!(tests.contains(&format!("alertname: {alert}\n        exp_alerts:")), "no test has {alert} fire");
        assert!(tests.contains(&format!("alertname: {alert}}}")), "no test has {alert} silent");
        assert!(runbook.contains(&format!("\n## {alert}\n")), "RUNBOOK.md has no section {alert}");
        let url = format!("runbook_url: deploy/prometheus/RUNBOOK.md#{}\n", alert.to_lowercase());
        assert!(rules.contains(&url), "{alert} has no {url}");
    }
    // What keeps others back, and is kept back.
    let routes = fs::read_to_string(deploy().join("alertmanager/alertmanager.yml")).unwrap();
    let named = routes.split("alertname=").skip(1).map(|rest| rest.trim_start_matches('~').split('"').nth(1).unwrap());
    let named: Vec<_> = named.flat_map(|names| names.split('|')).collect();
    assert!(named.len() > 5, "{named:?}");
    for alert in named {
        assert!(alerts.contains(&alert), "alertmanager.yml names {alert}, which there is not");
    }
}

#[test]
fn alertmanager_sends_each_severity_where_it_belongs() {
    let directory = deploy().join("alertmanager");
    let configuration = directory.join("alertmanager.yml");
    let templates = directory.join("templates").display().to_string();
    let text = fs::read_to_string(&configuration).unwrap().replace("/etc/alertmanager/templates", &templates);
    let copy = tempfile::NamedTempFile::new().unwrap();
    fs::write(copy.path(), text).unwrap();
    let checked = run(tool("prometheus", "amtool").arg("check-config").arg(copy.path()));
    assert!(checked.contains("1 templates"), "the templates were not found: {checked}");
    for (labels, receiver) in [("severity=critical", "pager"), ("severity=warning", "chat"), ("alertname=Any", "chat")]
    {
        let mut amtool = tool("prometheus", "amtool");
        amtool.args(["config", "routes", "test", &format!("--verify.receivers={receiver}"), labels]);
        run(amtool.arg("--config.file").arg(&configuration));
    }
}

#[test]
fn all_manifests_and_configurations_are_yaml() {
    for directory in [
        "prometheus/kubernetes",
        "prometheus/standalone",
        "grafana/provisioning/datasources",
        "tracing",
        "tracing/kubernetes",
    ] {
        for path in files(&deploy().join(directory), &[".yml", ".yaml"]) {
            let text = fs::read_to_string(&path).unwrap();
            for event in saphyr_parser::Parser::new_from_str(&text) {
                assert!(event.is_ok(), "{}: {event:?}", path.display());
            }
        }
    }
}

#[test]
fn envoy_accepts_its_configuration_and_no_longer_the_old_tracer() {
    let configuration = deploy().join("tracing/envoy.yml");
    let validate =
        |path: &std::path::Path| try_run(tool("envoy", "envoy").args(["--mode", "validate", "-c"]).arg(path));
    let (is_valid, said) = validate(&configuration);
    assert!(is_valid, "{}: {said}", configuration.display());
    let text = fs::read_to_string(&configuration).unwrap();
    let old = text.replace("envoy.tracers.opentelemetry", "envoy.tracers.opencensus");
    let old = old.replace("envoy.config.trace.v3.OpenTelemetryConfig", "envoy.config.trace.v3.OpenCensusConfig");
    let copy = tempfile::Builder::new().suffix(".yml").tempfile().unwrap();
    fs::write(copy.path(), old).unwrap();
    let (is_valid, said) = validate(copy.path());
    assert!(!is_valid && said.contains("OpenCensus"), "{said}");
}
