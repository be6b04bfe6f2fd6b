//! The index template: strict types for what we write, one field for all that applications write,
//! and nothing dynamic, so that no log line can break or blow up the mapping.

use serde_json::{Value, json};

use super::{Plan, Server, ecs};
use crate::output::elasticsearch::data_stream;

/// No term of Lucene may be longer than 32,766 bytes: 7,000 UTF-16 units are at most 21,000 bytes
/// of UTF-8, which leaves room for the path of the key in front (4 KiB at most).
const LONGEST_KEYWORD: u32 = 7000;

/// The template of what is planned; its indices live as long as the policy says, if one is named.
#[must_use]
pub fn template(plan: Plan<'_>, server: Server, policy: Option<&str>) -> Value {
    let mut properties = if plan.fields.is_ecs() { ecs::properties(server) } else { properties(server) };
    let common = json!({
        // Times outside of 1970-2262 cannot be searched for, but are no reason to refuse a line.
        "@timestamp": {"type": "date_nanos", "ignore_malformed": true},
        "message": {"type": "text", "norms": false},
        "truncated": {"type": "boolean"},
        // Sorts the lines of a container that have the same time.
        "order": {"type": "long", "ignore_malformed": true},
        "fields": object(server),
        "large_fields": kept(),
    });
    for (name, mapping) in common.as_object().into_iter().flatten() {
        properties[name] = mapping.clone();
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

/// The properties that only the default names have.
fn properties(server: Server) -> Value {
    // An annotation may be 256 KiB long, of which OpenSearch's type would refuse the document.
    let annotations = if server == Server::OpenSearch { kept() } else { object(server) };
    let mut properties = json!({
        "kubernetes": {"properties": {
            "labels": object(server),
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
    properties
}

/// A name, an id, a word.
pub(super) fn keyword() -> Value {
    json!({"type": "keyword", "ignore_above": LONGEST_KEYWORD})
}

/// A whole object as one field.
pub(super) fn object(server: Server) -> Value {
    match server {
        Server::Elasticsearch => json!({"type": "flattened", "ignore_above": LONGEST_KEYWORD}),
        Server::OpenSearch => json!({"type": "flat_object"}),
    }
}

/// In the document, but not to be searched for.
pub(super) fn kept() -> Value {
    json!({"type": "object", "enabled": false})
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
    use crate::record::field_names::FieldNames;

    #[test]
    fn nothing_is_dynamic_and_every_server_gets_its_own_type() {
        for (server, kind) in [(Server::Elasticsearch, "flattened"), (Server::OpenSearch, "flat_object")] {
            let plan = Plan { index: "flyte-logs", is_data_stream: false, days: None, fields: FieldNames::Default };
            let template = template(plan, server, None);
            let mappings = &template["template"]["mappings"];
            assert_eq!(mappings["dynamic"], false);
            assert_eq!(mappings["properties"]["fields"]["type"], kind);
            assert_eq!(template["index_patterns"], json!(["flyte-logs", "flyte-logs-*"]));
            assert_eq!(template["data_stream"], Value::Null);
        }
    }

    #[test]
    fn documents_of_either_naming_have_what_is_common() {
        for fields in [FieldNames::Default, FieldNames::Ecs] {
            let plan = Plan { index: "flyte-logs", is_data_stream: false, days: None, fields };
            let properties = &template(plan, Server::Elasticsearch, None)["template"]["mappings"]["properties"];
            assert_eq!(properties["@timestamp"]["type"], "date_nanos");
            assert_eq!(properties["message"]["type"], "text");
            assert_eq!(properties["level"].is_null(), fields.is_ecs());
        }
    }

    #[test]
    fn a_data_stream_has_its_name_alone_and_ignores_no_time() {
        for server in [Server::Elasticsearch, Server::OpenSearch] {
            let plan =
                Plan { index: "logs-flyte-default", is_data_stream: true, days: None, fields: FieldNames::Default };
            let template = template(plan, server, None);
            assert_eq!(template["index_patterns"], json!(["logs-flyte-default"]));
            assert!(template["data_stream"].as_object().is_some_and(|has| !has.is_empty()));
            let properties = &template["template"]["mappings"]["properties"];
            assert_eq!(properties["@timestamp"], json!({"type": "date_nanos"}));
            assert_eq!(properties["data_stream"]["properties"]["dataset"]["type"], "keyword");
        }
    }
}
