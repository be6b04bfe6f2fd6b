//! How long indices are kept: a policy for index life cycles (ILM) on Elasticsearch, for index state
//! management (ISM) on OpenSearch.

use serde_json::{Value, json};

use super::Server;
use super::template::{PRIORITY, patterns};

/// The policy that deletes the indices of `index` when they are so many days old.
pub(super) fn policy(index: &str, server: Server, days: u32) -> Value {
    let age = format!("{days}d");
    let description = format!("Installed by flytail setup: deletes indices of {index} after {days} days");
    match server {
        Server::Elasticsearch => json!({"policy": {
            "_meta": {"description": description},
            "phases": {
                "hot": {"min_age": "0ms", "actions": {}},
                "delete": {"min_age": age, "actions": {"delete": {}}},
            },
        }}),
        Server::OpenSearch => json!({"policy": {
            "description": description,
            "default_state": "kept",
            "states": [
                {"name": "kept", "actions": [], "transitions": [
                    {"state_name": "deleted", "conditions": {"min_index_age": age}},
                ]},
                {"name": "deleted", "actions": [{"delete": {}}], "transitions": []},
            ],
            // New indices find their policy here, not by their template.
            "ism_template": [{"index_patterns": patterns(index), "priority": PRIORITY}],
        }}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_deleted_when_they_are_old_enough_and_not_before() {
        let policy_of = |server| policy("flyte-logs", server, 14)["policy"].clone();
        let ilm = policy_of(Server::Elasticsearch);
        assert_eq!(ilm["phases"]["delete"], json!({"min_age": "14d", "actions": {"delete": {}}}));
        let ism = policy_of(Server::OpenSearch);
        assert_eq!(ism["default_state"], ism["states"][0]["name"]);
        let to_deletion = &ism["states"][0]["transitions"][0];
        assert_eq!(to_deletion["conditions"], json!({"min_index_age": "14d"}));
        assert_eq!(to_deletion["state_name"], ism["states"][1]["name"]);
        assert_eq!(ism["states"][1]["actions"], json!([{"delete": {}}]));
        assert_eq!(ism["ism_template"][0]["index_patterns"], json!(["flyte-logs", "flyte-logs-*"]));
    }
}
