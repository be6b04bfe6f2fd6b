//! A query as Elasticsearch and OpenSearch take it, as Kibana translates it where it knows no fields of the index.

use serde_json::{Value as Json, json};

use super::ast::{Query, Value};
use super::lexer::keyword;
use super::pattern::Pattern;

impl Query {
    /// The query DSL.
    #[must_use]
    pub fn to_query(&self) -> Json {
        within("", self)
    }
}

/// The query of a part whose fields are below `prefix`.
fn within(prefix: &str, query: &Query) -> Json {
    let each = |all: &[Query]| all.iter().map(|query| within(prefix, query)).collect::<Vec<_>>();
    match query {
        Query::Everything => json!({"match_all": {}}),
        Query::Or(all) => json!({"bool": {"should": each(all)}}),
        Query::And(all) => json!({"bool": {"filter": each(all)}}),
        Query::Not(query) => json!({"bool": {"must_not": within(prefix, query)}}),
        Query::Is { field: Some(field), value } if !field.is_anything() => is(prefix, field, value),
        // Also in nested objects: `*` is every field.
        Query::Is { field, value: Value::Words(words) } if field.is_some() && words.is_anything() => {
            json!({"match_all": {}})
        }
        Query::Is { value, .. } => anywhere(value),
        Query::Range { field, comparison, value } => {
            let mut bounds = json!({});
            bounds[comparison.parameter()] = value.as_str().into();
            object("range", format!("{prefix}{field}"), bounds)
        }
        Query::Nested { path, query } => {
            let path = format!("{prefix}{path}");
            json!({"nested": {"path": path, "query": within(&format!("{path}."), query), "score_mode": "none"}})
        }
    }
}

fn is(prefix: &str, field: &Pattern, value: &Value) -> Json {
    let name = format!("{prefix}{}", field.text());
    match value {
        Value::Words(words) if words.is_anything() => json!({"exists": {"field": name}}),
        Value::Words(words) if words.is_wildcard() => {
            let mut query = json!({"fields": [name], "query": lucene(words)});
            if field.is_wildcard() {
                query["lenient"] = true.into();
            }
            json!({ "query_string": query })
        }
        // A `match` takes one field only.
        Value::Words(words) if field.is_wildcard() => {
            json!({"multi_match": {"type": "best_fields", "query": words.text(), "lenient": true, "fields": [name]}})
        }
        Value::Phrase(text) if field.is_wildcard() => {
            json!({"multi_match": {"type": "phrase", "query": text, "lenient": true, "fields": [name]}})
        }
        Value::Words(words) => object("match", name, words.text().into()),
        Value::Phrase(text) => object("match_phrase", name, text.as_str().into()),
    }
}

fn anywhere(value: &Value) -> Json {
    match value {
        Value::Words(words) if words.is_wildcard() => json!({"query_string": {"query": lucene(words)}}),
        Value::Words(words) => {
            json!({"multi_match": {"type": "best_fields", "query": words.text(), "lenient": true}})
        }
        Value::Phrase(text) => json!({"multi_match": {"type": "phrase", "query": text, "lenient": true}}),
    }
}

/// `{kind: {name: inner}}`
fn object(kind: &str, name: String, inner: Json) -> Json {
    let inner = Json::Object([(name, inner)].into_iter().collect());
    Json::Object([(kind.to_owned(), inner)].into_iter().collect())
}

/// Words as a Lucene query in which nothing but our asterisks means something.
fn lucene(words: &Pattern) -> String {
    words.map(lucene_text).text()
}

fn lucene_text(text: &str) -> String {
    let mut query = String::with_capacity(text.len());
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 {
            query.push(' ');
        }
        // Lucene has its operators in capitals; ours in whatever letters never come here without a backslash.
        if keyword(word).is_some() {
            query.push('\\');
        }
        for character in word.chars() {
            if "-+=&|><!(){}[]^\"~*?:\\/".contains(character) {
                query.push('\\');
            }
            query.push(character);
        }
    }
    query
}
