//! The three searches of Flyte's monitoring guide, as Kibana would send them.

use serde_json::{Value, json};

use super::generator::Truth;

/// One search.
pub(super) struct Search {
    /// As it is typed into Kibana.
    pub(super) kql: &'static str,
    /// Whether it finds the document of a line.
    pub(super) finds: fn(&Truth) -> bool,
    /// Its conditions, all of which must hold.
    conditions: fn() -> Vec<Value>,
}

/// The searches.
pub(super) const SEARCHES: [Search; 3] = [
    Search {
        kql: "level:ERROR and app:flyteadmin",
        finds: Truth::matches_errors_of_admin,
        conditions: || vec![is("level", "ERROR"), is("app", "flyteadmin")],
    },
    Search {
        kql: "component:propeller and message:*FAILED*",
        finds: Truth::matches_propeller_failed,
        conditions: || vec![is("component", "propeller"), is_like("message", "*FAILED*")],
    },
    Search {
        kql: "app:flyteadmin and message:*latency* and level:WARN",
        finds: Truth::matches_slow_handlers,
        conditions: || vec![is("app", "flyteadmin"), is_like("message", "*latency*"), is("level", "WARN")],
    },
];

impl Search {
    /// The query, within a range of time (both ends RFC 3339) as Kibana's time picker sets it.
    pub(super) fn query(&self, from: &str, to: &str) -> Value {
        let mut conditions = (self.conditions)();
        conditions.push(json!({"range": {"@timestamp": {"gte": from, "lte": to}}}));
        json!({"bool": {"filter": conditions}})
    }
}

/// KQL's `field:value`.
fn is(field: &str, value: &str) -> Value {
    json!({"match": {field: value}})
}

/// KQL's `field:*value*`.
fn is_like(field: &str, pattern: &str) -> Value {
    json!({"query_string": {"fields": [field], "query": pattern}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_asks_for_all_that_was_typed_and_the_time() {
        for search in SEARCHES {
            let query = search.query("a", "b");
            let conditions = query["bool"]["filter"].as_array().unwrap();
            let (range, typed) = conditions.split_last().unwrap();
            assert_eq!(range["range"]["@timestamp"], json!({"gte": "a", "lte": "b"}));
            let terms: Vec<_> = search.kql.split(" and ").collect();
            assert_eq!(typed.len(), terms.len());
            for (condition, term) in typed.iter().zip(terms) {
                let (field, value) = term.split_once(':').unwrap();
                if value.contains('*') {
                    assert_eq!(condition["query_string"], json!({"fields": [field], "query": value}));
                } else {
                    assert_eq!(condition["match"], json!({field: value}));
                }
            }
        }
    }
}
