//! What holds for any text and any query.

use proptest::prelude::*;
use serde_json::json;

use super::ast::{Comparison, Query, Value};
use super::{Mapping, Matcher, Pattern, parse};

/// Text of the pieces that mean something, and of others.
fn typed() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "and", "or", "not", "AND", " ", " ", " ", ":", "(", ")", "{", "}", "\"", "\\", "*", ">", "<=", "a", "b.c",
            "\\u00e9", "\\n", "\\or", "é", "\u{a0}", "1.5", "2026-11-22", "-", "now",
        ])
        .prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let parts = prop::collection::vec("[a-z\\\\ :*\"()or\t]{0,5}", 1..4);
    parts.prop_filter_map("an empty pattern is never read", |parts| {
        let mut pattern = Pattern::literal("");
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                pattern.push_asterisk();
            }
            pattern.push_text(part);
        }
        (pattern != Pattern::literal("")).then_some(pattern)
    })
}

fn query() -> impl Strategy<Value = Query> {
    let value = || prop_oneof![any::<String>().prop_map(Value::Phrase), pattern().prop_map(Value::Words)];
    let comparison = prop::sample::select(vec![
        Comparison::Greater,
        Comparison::GreaterOrEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
    ]);
    let leaf = prop_oneof![
        (prop::option::of(pattern()), value()).prop_map(|(field, value)| Query::Is { field, value }),
        ("[a-z :*]{0,5}", comparison, any::<String>()).prop_map(|(field, comparison, value)| Query::Range {
            field,
            comparison,
            value
        }),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let several = || prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            several().prop_map(Query::Or),
            several().prop_map(Query::And),
            inner.clone().prop_map(|query| Query::Not(Box::new(query))),
            ("[a-z.]{1,8}", inner.clone()).prop_map(|(path, query)| {
                // A path that is a word of the language is written with a backslash, as any field's name.
                Query::Nested { path, query: Box::new(query) }
            }),
        ]
    })
}

fn matcher(query: Query) -> Option<Matcher> {
    let mapping = Mapping::new(&json!({"properties": {
        "a": {"type": "text"}, "b": {"properties": {"c": {"type": "date_nanos"}}}, "f": {"type": "flattened"},
    }}));
    Matcher::new(query, mapping).ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_is_too_much(text in typed()) {
        match parse(&text) {
            Ok(query) => {
                let _ = query.to_query();
                let document = json!({"a": text, "b": {"c": "2026-11-22T10:00:00Z"}, "f": {"x": [text, 1]}});
                if let Some(matcher) = matcher(query.clone()) {
                    let _ = matcher.matches(&document);
                }
                let written = query.to_string();
                prop_assert_eq!(parse(&written), Ok(query), "{}", written);
            }
            Err(error) => {
                prop_assert!(error.column >= 1 && error.column <= text.chars().count() + 1);
                prop_assert!(!error.excerpt(&text).is_empty());
            }
        }
    }

    #[test]
    fn what_is_written_reads_the_same(query in query()) {
        let written = query.to_string();
        prop_assert_eq!(parse(&written), Ok(query), "{}", written);
    }

    #[test]
    fn not_finds_what_was_not_found(query in query(), text in ".{0,30}") {
        let document = json!({"a": text, "f": {"x": text}});
        if let (Some(one), Some(other)) = (matcher(query.clone()), matcher(Query::Not(Box::new(query)))) {
            prop_assert_ne!(one.matches(&document), other.matches(&document));
        }
    }
}
