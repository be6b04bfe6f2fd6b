//! Kibana's query language: our translation against Kibana's rules, search by search.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod support;

use std::collections::HashSet;

use flytail::kql::parse;
use serde_json::Value;
use support::kql::Translator;

/// What `tests/kql/expressions.tsv` says of a search.
enum Expected {
    Same,
    Refused,
    Ours(Value),
}

fn table() -> Vec<(&'static str, Expected)> {
    let lines = include_str!("kql/expressions.tsv").lines();
    let rows = lines.filter(|line| !line.is_empty() && !line.starts_with("# "));
    let expected = |line: &'static str| match line.split_once('\t') {
        None => (line, Expected::Same),
        Some((search, "refused")) => (search, Expected::Refused),
        Some((search, json)) => {
            let ours = serde_json::from_str(json).unwrap_or_else(|error| panic!("{line}: {error}"));
            (search, Expected::Ours(ours))
        }
    };
    rows.map(expected).collect()
}

#[test]
fn searches_become_the_queries_that_kibana_makes() {
    let table = table();
    assert!(table.len() >= 150, "the table has {} searches only", table.len());
    assert_eq!(table.iter().map(|(search, _)| search).collect::<HashSet<_>>().len(), table.len(), "one is there twice");
    let translated = |row: &&(&'static str, Expected)| matches!(row.1, Expected::Same);
    let same: Vec<_> = table.iter().filter(translated).map(|(search, _)| *search).collect();
    let mut wrong = Vec::new();
    for (search, theirs) in same.iter().zip(Translator.translate(&same)) {
        match parse(search) {
            Ok(query) if query.to_query() == theirs => {}
            Ok(query) => wrong.push(format!("{search}\n  ours   {}\n  theirs {theirs}", query.to_query())),
            Err(error) => wrong.push(format!("{search}\n  ours   {error}\n  theirs {theirs}")),
        }
    }
    for (search, expected) in &table {
        let ours = parse(search);
        let differs = match expected {
            Expected::Same => false,
            Expected::Refused => ours.is_ok() || Translator.try_translate(search).is_some(),
            // What they make of it may not be the same, or its row is out of date.
            Expected::Ours(json) => {
                ours.as_ref().map(|query| query.to_query()).as_ref() != Ok(json)
                    || Translator.try_translate(search).as_ref() == Some(json)
            }
        };
        if differs {
            let theirs = Translator.try_translate(search);
            wrong.push(format!(
                "{search}\n  ours   {:?}\n  theirs {theirs:?}",
                ours.map(|query| query.to_query().to_string())
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), table.len(), wrong.join("\n"));
}
