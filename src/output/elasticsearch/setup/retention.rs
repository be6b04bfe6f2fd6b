//! How long indices are kept: a policy for index life cycles (ILM) on Elasticsearch, for index state
//! management (ISM) on OpenSearch.

use serde_json::{Value, json};

use super::template::{PRIORITY, patterns};
use super::{Plan, Server};

/// A data stream begins a new index when the last one is so old, or so large: then the oldest day
/// goes at a time, and no shard becomes larger than servers like.
const ROLLOVER_AGE: &str = "1d";
const ROLLOVER_SIZE: &str = "50gb";

/// The policy that deletes the indices of what is planned when they are so many days old. Those of a
/// data stream are as old as their rollover.
pub(super) fn policy(plan: Plan<'_>, server: Server, days: u32) -> Value {
    let age = format!("{days}d");
    let description = format!("Installed by flytail setup: deletes indices of {} after {days} days", plan.index);
    match server {
        Server::Elasticsearch if plan.is_data_stream => json!({"policy": {
            "_meta": {"description": description},
            "phases": {
                "hot": {"min_age": "0ms", "actions": {
                    "rollover": {"max_age": ROLLOVER_AGE, "max_primary_shard_size": ROLLOVER_SIZE},
                }},
                "delete": {"min_age": age, "actions": {"delete": {}}},
            },
        }}),
        Server::OpenSearch if plan.is_data_stream => json!({"policy": {
            "description": description,
            "default_state": "kept",
            "states": [
                {
                    "name": "kept",
                    "actions": [{"rollover": {"min_index_age": ROLLOVER_AGE, "min_size": ROLLOVER_SIZE}}],
                    "transitions": [{"state_name": "deleted", "conditions": {"min_rollover_age": age}}],
                },
                {"name": "deleted", "actions": [{"delete": {}}], "transitions": []},
            ],
            "ism_template": [{"index_patterns": patterns(plan), "priority": PRIORITY}],
        }}),
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
            "ism_template": [{"index_patterns": patterns(plan), "priority": PRIORITY}],
        }}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::field_names::FieldNames;

    #[test]
    fn indices_are_deleted_when_they_are_old_enough_and_not_before() {
        let plan = Plan { index: "flyte-logs", is_data_stream: false, days: Some(14), fields: FieldNames::Default };
        let policy_of = |server| policy(plan, server, 14)["policy"].clone();
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

    #[test]
    fn a_data_stream_rolls_over_as_its_newest_index_cannot_be_deleted() {
        let plan =
            Plan { index: "logs-flyte-default", is_data_stream: true, days: Some(7), fields: FieldNames::Default };
        let policy_of = |server| policy(plan, server, 7)["policy"].clone();
        let ilm = policy_of(Server::Elasticsearch);
        assert_eq!(ilm["phases"]["hot"]["actions"]["rollover"]["max_age"], "1d");
        assert_eq!(ilm["phases"]["delete"]["min_age"], "7d");
        let ism = policy_of(Server::OpenSearch);
        assert_eq!(ism["states"][0]["actions"][0]["rollover"]["min_index_age"], "1d");
        assert_eq!(ism["states"][0]["transitions"][0]["conditions"], json!({"min_rollover_age": "7d"}));
    }
}
