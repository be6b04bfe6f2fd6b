//! The three searches of Flyte's monitoring guide, as Kibana would send them.

use serde_json::{Value, json};

use super::generator::Truth;
use crate::kql::parse;

/// One search.
pub(super) struct Search {
    /// As it is typed into Kibana.
    pub(super) kql: &'static str,
    /// Whether it finds the document of a line.
    pub(super) finds: fn(&Truth) -> bool,
}

/// The searches.
pub(super) const SEARCHES: [Search; 3] = [
    Search { kql: "level:ERROR and app:flyteadmin", finds: Truth::matches_errors_of_admin },
    Search { kql: "component:propeller and message:*FAILED*", finds: Truth::matches_propeller_failed },
    Search { kql: "app:flyteadmin and message:*latency* and level:WARN", finds: Truth::matches_slow_handlers },
];

impl Search {
    /// The query, within a range of time (both ends RFC 3339) as Kibana's time picker sets it. Nothing is found by a
    /// search that cannot be read.
    pub(super) fn query(&self, from: &str, to: &str) -> Value {
        let typed = parse(self.kql).map_or_else(|_| json!({"match_none": {}}), |query| query.to_query());
        json!({"bool": {"filter": [typed, {"range": {"@timestamp": {"gte": from, "lte": to}}}]}})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_asks_for_all_that_was_typed_and_the_time() {
        for search in SEARCHES {
            let typed = parse(search.kql).unwrap().to_query();
            let range = json!({"range": {"@timestamp": {"gte": "a", "lte": "b"}}});
            assert_eq!(search.query("a", "b"), json!({"bool": {"filter": [typed, range]}}));
        }
    }
}
