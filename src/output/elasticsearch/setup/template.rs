//! The index template: strict types for what we write, one field for all that applications write,
//! and nothing dynamic, so that no log line can break or blow up the mapping.

use serde_json::{Value, json};

use super::{Plan, Server};
use crate::output::elasticsearch::data_stream;

/// No term of Lucene may be longer than 32,766 bytes: 7,000 UTF-16 units are at most 21,000 bytes
/// of UTF-8, which leaves room for the path of the key in front (4 KiB at most).
const LONGEST_KEYWORD: u32 = 7000;

/// The template of what is planned; its indices live as long as the policy says, if one is named.
#[must_use]
pub fn template(plan: Plan<'_>, server: Server, policy: Option<&str>) -> Value {
    let keyword = || json!({"type": "keyword", "ignore_above": LONGEST_KEYWORD});
    let object = || match server {
        Server::Elasticsearch => json!({"type": "flattened", "ignore_above": LONGEST_KEYWORD}),
        Server::OpenSearch => json!({"type": "flat_object"}),
    };
    // In the document, but not to be searched for.
    let kept = || json!({"type": "object", "enabled": false});
    // An annotation may be 256 KiB long, of which OpenSearch's type would refuse the document.
    let annotations = if server == Server::OpenSearch { kept() } else { object() };
    let mut properties = json!({
        // Times outside of 1970-2262 cannot be searched for, but are no reason to refuse a line.
        "@timestamp": {"type": "date_nanos", "ignore_malformed": true},
        "message": {"type": "text", "norms": false},
        "truncated": {"type": "boolean"},
        // Sorts the lines of a container that have the same time.
        "order": {"type": "long", "ignore_malformed": true},
        "fields": object(),
        "large_fields": kept(),
        "kubernetes": {"properties": {
            "labels": object(),
            "annotations": annotations,
            "ownerReferences": kept(),
        }},
    });
    for name in KEYWORDS {
        properties[name] = keyword();
    }
    for name in KUBERNETES_KEYWORDS {
        properties["kubernetes"]["properties"][name] = keyword();
    }
    if plan.is_data_stream {
        // The one field for which a data stream demands that no value of it is ignored.
        properties["@timestamp"] = json!({"type": "date_nanos"});
        properties["data_stream"] = data_stream::properties(&keyword());
    }
    let mut settings = json!({"index": {"refresh_interval": "5s"}});
    if let Some(policy) = policy {
        settings["index"]["lifecycle"] = json!({"name": policy});
    }
    let mut template = json!({
        "index_patterns": patterns(plan),
        "priority": PRIORITY,
        "template": {
            "settings": settings,
            "mappings": {"dynamic": false, "date_detection": false, "properties": properties},
        },
        "_meta": {"description": "Installed by flytail setup", "version": env!("CARGO_PKG_VERSION")},
    });
    if plan.is_data_stream {
        // Each says its server's default in full: an empty object could not be told from a missing one.
        template["data_stream"] = match server {
            Server::Elasticsearch => json!({"hidden": false}),
            Server::OpenSearch => json!({"timestamp_field": {"name": "@timestamp"}}),
        };
    }
    template
}

/// Above that of the servers' own templates, which end at 100 to 200.
pub(super) const PRIORITY: u32 = 200;

/// The names of a data stream, or of an index and its dated indices.
pub(super) fn patterns(plan: Plan<'_>) -> Value {
    let Plan { index, is_data_stream, .. } = plan;
    if is_data_stream { json!([index]) } else { json!([index, format!("{index}-*")]) }
}

const KEYWORDS: [&str; 18] = [
    "level",
    "app",
    "component",
    "workflow",
    "task",
    "execution_id",
    "node_id",
    "project",
    "domain",
    "namespace",
    "pod",
    "container",
    "stream",
    "host",
    "trace_id",
    "span_id",
    "derived_from",
    "log",
];

const KUBERNETES_KEYWORDS: [&str; 9] = [
    "pod_name",
    "namespace_name",
    "pod_id",
    "host",
    "pod_ip",
    "container_name",
    "docker_id",
    "container_hash",
    "container_image",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_dynamic_and_every_server_gets_its_own_type() {
        for (server, kind) in [(Server::Elasticsearch, "flattened"), (Server::OpenSearch, "flat_object")] {
            let plan = Plan { index: "flyte-logs", is_data_stream: false, days: None };
            let template = template(plan, server, None);
            let mappings = &template["template"]["mappings"];
            assert_eq!(mappings["dynamic"], false);
            assert_eq!(mappings["properties"]["fields"]["type"], kind);
            assert_eq!(template["index_patterns"], json!(["flyte-logs", "flyte-logs-*"]));
            assert_eq!(template["data_stream"], Value::Null);
        }
    }

    #[test]
    fn a_data_stream_has_its_name_alone_and_ignores_no_time() {
        for server in [Server::Elasticsearch, Server::OpenSearch] {
            let plan = Plan { index: "logs-flyte-default", is_data_stream: true, days: None };
            let template = template(plan, server, None);
            assert_eq!(template["index_patterns"], json!(["logs-flyte-default"]));
            assert!(template["data_stream"].as_object().is_some_and(|has| !has.is_empty()));
            let properties = &template["template"]["mappings"]["properties"];
            assert_eq!(properties["@timestamp"], json!({"type": "date_nanos"}));
            assert_eq!(properties["data_stream"]["properties"]["dataset"]["type"], "keyword");
        }
    }
}
