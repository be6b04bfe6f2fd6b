//! A real API server takes what is for Prometheus, Grafana and the traces, and Prometheus' account may read its targets.

use serde_json::{Value, json};

use crate::deploy;
use crate::manifests::kustomize;
use crate::support::kubernetes::ApiServer;
use crate::support::shipper::wait_for;
use crate::support::turn::turn;

/// The kinds of the operator that are used, and what the API server calls them.
const OPERATOR: [(&str, &str); 4] = [
    ("PodMonitor", "podmonitors"),
    ("ServiceMonitor", "servicemonitors"),
    ("PrometheusRule", "prometheusrules"),
    ("Prometheus", "prometheuses"),
];

/// What is applied, as one command each.
const DIRECTORIES: [&str; 4] = ["prometheus/kubernetes", "prometheus/standalone", "grafana", "tracing"];

#[test]
fn a_cluster_takes_what_watches_it() {
    let _turn = turn();
    let cluster = ApiServer::start(&[]);
    install_operator(&cluster);
    cluster.post("/api/v1/namespaces", &json!({"metadata": {"name": "monitoring"}})).ok();
    for directory in DIRECTORIES {
        let manifests = kustomize(&deploy(directory));
        assert!(!manifests.is_empty(), "{directory}");
        for manifest in manifests {
            let place = place(&manifest);
            let answer = cluster.apply(&place, &manifest, true);
            assert!(matches!(answer.status, 200 | 201), "{directory}: {place}: {}", answer.body["message"]);
        }
    }
    prometheus_may_read_its_targets_only(&cluster);
}

/// The kinds as far as it matters that they are there: their fields are looked at in `tests/monitoring`.
fn install_operator(cluster: &ApiServer) {
    for (kind, plural) in OPERATOR {
        let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let singular = kind.to_lowercase();
        let definition = json!({
            "metadata": {"name": format!("{plural}.monitoring.coreos.com")},
            "spec": {
                "group": "monitoring.coreos.com", "scope": "Namespaced",
                "names": {"kind": kind, "plural": plural, "singular": singular, "listKind": format!("{kind}List")},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
            },
        });
        cluster.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &definition).ok();
        let list = format!("/apis/monitoring.coreos.com/v1/namespaces/monitoring/{plural}");
        wait_for(&200, || cluster.get(&list).status);
    }
}

/// Where a manifest goes.
fn place(manifest: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("not whole: {manifest}")).to_owned();
    let (version, kind) = (text(&manifest["apiVersion"]), text(&manifest["kind"]));
    let group = if version.contains('/') { format!("apis/{version}") } else { format!("api/{version}") };
    let plural = OPERATOR.iter().find(|(name, _)| *name == kind).map(|(_, plural)| (*plural).to_owned());
    let plural = plural.unwrap_or_else(|| format!("{}s", kind.to_lowercase()));
    let name = text(&manifest["metadata"]["name"]);
    match manifest["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("/{group}/namespaces/{namespace}/{plural}/{name}"),
        None => format!("/{group}/{plural}/{name}"),
    }
}

fn prometheus_may_read_its_targets_only(cluster: &ApiServer) {
    let manifests = kustomize(&deploy("prometheus/standalone"));
    for kind in ["ServiceAccount", "ClusterRole", "ClusterRoleBinding"] {
        let manifest = manifests.iter().find(|manifest| manifest["kind"] == kind).unwrap();
        cluster.apply(&place(manifest), manifest, false).ok();
    }
    for (verb, resource, subresource, may) in [
        ("list", "pods", "", true),
        ("watch", "services", "", true),
        ("watch", "endpoints", "", true),
        ("list", "nodes", "", true),
        ("get", "nodes", "metrics", true),
        ("get", "nodes", "proxy", false),
        ("get", "secrets", "", false),
        ("create", "pods", "", false),
    ] {
        let attributes = json!({"verb": verb, "resource": resource, "subresource": subresource, "version": "v1"});
        let groups = ["system:serviceaccounts", "system:authenticated"];
        let user = "system:serviceaccount:monitoring:flyte-prometheus";
        let review = json!({"spec": {"user": user, "groups": groups, "resourceAttributes": attributes}});
        let answer = cluster.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", &review).ok();
        assert_eq!(answer["status"]["allowed"], may, "{verb} {resource}/{subresource}");
    }
}
