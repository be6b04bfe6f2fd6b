//! Searches in Kibana's language: none makes the parser panic, and each reads the same as it is written again.

#![no_main]

use flytail::kql::{Mapping, Matcher, parse};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|text: &str| {
    let query = match parse(text) {
        Ok(query) => query,
        Err(error) => {
            assert!((1..=text.chars().count() + 1).contains(&error.column), "{error}");
            return;
        }
    };
    let written = query.to_string();
    assert_eq!(parse(&written).as_ref(), Ok(&query), "{written}");
    assert!(query.to_query().is_object());
    let mapping = Mapping::new(&json!({"properties": {
        "a": {"type": "text"}, "b": {"type": "date_nanos"}, "c": {"type": "long"}, "d": {"type": "flattened"},
    }}));
    if let Ok(matcher) = Matcher::new(query, mapping) {
        let _ = matcher.matches(&json!({"a": text, "b": "2026-11-22T10:00:00Z", "c": 7, "d": {"e": [text]}}));
    }
});
