//! The mapping for documents with the names of Elastic's Common Schema.
//!
//! The types are those of ECS 8.11, but for those that not every server knows: where ECS says `match_only_text`,
//! `wildcard` or `constant_keyword`, here is `text` or `keyword`, which the same searches find.

use serde_json::{Value, json};

use super::Server;
use super::template::{kept, keyword, object};
use crate::record::field_names::{FieldNames, Names, STACK_TRACE};

/// The properties that are not the same by either name.
pub(super) fn properties(server: Server) -> Value {
    let mut properties = json!({});
    for name in keywords(FieldNames::Ecs.names()).into_iter().chain(MORE_KEYWORDS) {
        put(&mut properties, name, keyword());
    }
    put(&mut properties, STACK_TRACE, json!({"type": "text", "norms": false}));
    // ECS: kept, but not to be searched for.
    put(&mut properties, FieldNames::Ecs.names().log, json!({"type": "keyword", "index": false, "doc_values": false}));
    put(&mut properties, "kubernetes.pod.ip", json!({"type": "ip", "ignore_malformed": true}));
    put(&mut properties, "kubernetes.labels", object(server));
    // An annotation may be 256 KiB long, of which OpenSearch's type would refuse the document.
    put(&mut properties, "kubernetes.annotations", if server == Server::OpenSearch { kept() } else { object(server) });
    properties
}

const MORE_KEYWORDS: [&str; 18] = [
    "ecs.version",
    "orchestrator.type",
    "orchestrator.resource.type",
    "orchestrator.resource.id",
    "container.id",
    "container.image.name",
    "kubernetes.namespace",
    "kubernetes.pod.name",
    "kubernetes.pod.uid",
    "kubernetes.container.name",
    "kubernetes.node.name",
    "kubernetes.deployment.name",
    "kubernetes.replicaset.name",
    "kubernetes.statefulset.name",
    "kubernetes.daemonset.name",
    "kubernetes.job.name",
    "kubernetes.cronjob.name",
    "stream",
];

fn keywords(names: &'static Names) -> [&'static str; 16] {
    [
        names.app,
        names.component,
        names.namespace,
        names.pod,
        names.container,
        names.host,
        names.level,
        names.workflow,
        names.task,
        names.execution_id,
        names.node_id,
        names.project,
        names.domain,
        names.derived_from,
        names.trace_id,
        names.span_id,
    ]
}

/// Puts the mapping of a field where its dots say.
fn put(properties: &mut Value, name: &str, mapping: Value) {
    match name.split_once('.') {
        None => properties[name] = mapping,
        Some((object, rest)) => put(&mut properties[object]["properties"], rest, mapping),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_dots_are_objects() {
        let properties = properties(Server::Elasticsearch);
        assert_eq!(properties["log"]["properties"]["level"]["type"], "keyword");
        assert_eq!(properties["orchestrator"]["properties"]["resource"]["properties"]["name"]["type"], "keyword");
        assert_eq!(properties["kubernetes"]["properties"]["labels"]["type"], "flattened");
        assert_eq!(properties["event"]["properties"]["original"]["index"], false);
    }
}
