//! Whether a document is found: what a server with the same mapping says, without one.
//!
//! Sums with dates (`now-1h`) and zones without a colon (`+0100`), which servers know, are refused. `field:*` finds a
//! path below a `flat_object` as below a `flattened`; OpenSearch 2 finds none.

use serde_json::Value as Json;

use super::analysis;
use super::ast::{Comparison, Query, Value};
use super::calendar;
use super::mapping::{Field, Kind, Mapping};
use super::pattern::Pattern;
use crate::record::Timestamp;

/// A query for documents of a mapping.
#[derive(Debug, Clone)]
pub struct Matcher {
    query: Query,
    mapping: Mapping,
}

/// A query that a server would refuse for the types of its fields.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    /// A value of another type than the field has.
    #[error("the field {field} cannot be compared with `{value}`")]
    Value {
        /// The field.
        field: String,
        /// The value.
        value: String,
    },
    /// The mapping has no nested fields.
    #[error("the field {0} is not mapped as nested objects: name its fields in full, as in {0}.name:value")]
    Nested(String),
}

impl Matcher {
    /// Checks the query against the mapping.
    ///
    /// # Errors
    /// If a server would refuse it.
    pub fn new(query: Query, mapping: Mapping) -> Result<Self, MatchError> {
        check(&query, &mapping)?;
        Ok(Self { query, mapping })
    }

    /// Whether the query finds a document.
    #[must_use]
    pub fn matches(&self, document: &Json) -> bool {
        self.holds(&self.query, document)
    }

    fn holds(&self, query: &Query, document: &Json) -> bool {
        match query {
            Query::Everything => true,
            Query::Or(all) => all.iter().any(|query| self.holds(query, document)),
            Query::And(all) => all.iter().all(|query| self.holds(query, document)),
            Query::Not(query) => !self.holds(query, document),
            Query::Is { field: Some(field), value: Value::Words(words) } if words.is_anything() => {
                field.is_anything() || self.is_there(field, document)
            }
            Query::Is { field, value } => {
                let is_wanted = |field: &Field| has(field, document, value);
                match field {
                    Some(name) => self.named(name).iter().any(is_wanted),
                    None => self.mapping.fields().iter().any(is_wanted),
                }
            }
            Query::Range { field, comparison, value } => {
                let field = self.mapping.field(field);
                field.is_some_and(|field| texts_of(&field, document, |text| in_range(&field, text, *comparison, value)))
            }
            // Refused when this was made.
            Query::Nested { .. } => false,
        }
    }

    /// The fields of a name, which may have asterisks.
    fn named(&self, name: &Pattern) -> Vec<Field> {
        if !name.is_wildcard() {
            return self.mapping.field(&name.text()).into_iter().collect();
        }
        self.mapping.fields().iter().filter(|field| name.matches(&field.name)).cloned().collect()
    }

    /// `field:*`; of an object any field in it counts.
    fn is_there(&self, name: &Pattern, document: &Json) -> bool {
        let mut fields = self.named(name);
        let text = name.text() + ".";
        fields.extend(self.mapping.fields().iter().filter(|field| field.name.starts_with(&text)).cloned());
        fields.iter().any(|field| texts_of(field, document, |text| is_indexed(field, text)))
    }
}

fn check(query: &Query, mapping: &Mapping) -> Result<(), MatchError> {
    let (name, value) = match query {
        Query::Everything => return Ok(()),
        Query::Or(all) | Query::And(all) => return all.iter().try_for_each(|query| check(query, mapping)),
        Query::Not(query) => return check(query, mapping),
        Query::Nested { path, .. } => return Err(MatchError::Nested(path.clone())),
        // Several fields are asked leniently: those of another type are passed over.
        Query::Is { field: None, .. } => return Ok(()),
        Query::Is { field: Some(field), .. } if field.is_wildcard() => return Ok(()),
        Query::Is { value: Value::Words(words), .. } if words.is_anything() => return Ok(()),
        Query::Is { field: Some(field), value: Value::Phrase(text) } => (&field.text(), text.clone()),
        Query::Is { field: Some(field), value: Value::Words(words) } => (&field.text(), words.text()),
        Query::Range { field, value, .. } => (field, value.clone()),
    };
    let Some(field) = mapping.field(name) else { return Ok(()) };
    let is_range = matches!(query, Query::Range { .. });
    let fits = match field.kind {
        Kind::Date => calendar::span(&value).is_some(),
        Kind::Number => value.parse::<f64>().is_ok(),
        Kind::Boolean => matches!(value.as_str(), "true" | "false"),
        Kind::Flattened(_) => !(is_range && field.below.is_some()),
        Kind::Text | Kind::Keyword(_) => true,
    };
    if fits { Ok(()) } else { Err(MatchError::Value { field: name.clone(), value }) }
}

/// Whether a value of the field is like this.
fn has(field: &Field, document: &Json, value: &Value) -> bool {
    match value {
        Value::Words(words) if words.is_wildcard() => {
            let alternatives = alternatives(words);
            texts_of(field, document, |text| alternatives.iter().any(|alternative| is_like(field, text, alternative)))
        }
        Value::Words(words) => texts_of(field, document, |text| is(field, text, &words.text(), false)),
        Value::Phrase(phrase) => texts_of(field, document, |text| is(field, text, phrase, true)),
    }
}

/// A value with asterisks is taken apart at blanks: each word with one by itself, those between together.
fn alternatives(words: &Pattern) -> Vec<Pattern> {
    let mut all: Vec<Pattern> = Vec::new();
    for word in words.words() {
        match all.last_mut() {
            Some(last) if !last.is_wildcard() && !word.is_wildcard() => {
                last.push(' ');
                last.append(&word);
            }
            _ => all.push(word),
        }
    }
    all
}

fn is_like(field: &Field, text: &str, like: &Pattern) -> bool {
    if !is_indexed(field, text) {
        return false;
    }
    match field.kind {
        _ if !like.is_wildcard() => is(field, text, &like.text(), false),
        Kind::Text => {
            let like = like.map(|part| analysis::lower(&part.chars().collect::<Vec<_>>()));
            analysis::words(text).iter().any(|word| like.matches(word))
        }
        Kind::Keyword(_) | Kind::Flattened(_) => like.matches(text),
        Kind::Date | Kind::Number | Kind::Boolean => false,
    }
}

fn is(field: &Field, text: &str, value: &str, is_phrase: bool) -> bool {
    if !is_indexed(field, text) {
        return false;
    }
    match field.kind {
        Kind::Text => {
            let (has, wanted) = (analysis::words(text), analysis::words(value));
            if is_phrase {
                !wanted.is_empty() && has.windows(wanted.len()).any(|window| window == wanted)
            } else {
                wanted.iter().any(|word| has.contains(word))
            }
        }
        Kind::Keyword(_) | Kind::Flattened(_) => text == value,
        Kind::Date => match (Timestamp::parse_rfc3339(text.as_bytes()), calendar::span(value)) {
            (Some(time), Some((first, last))) => (first..=last).contains(&time),
            _ => false,
        },
        Kind::Number => numbers(text, value).is_some_and(|(one, other)| one == other),
        Kind::Boolean => text == value,
    }
}

fn in_range(field: &Field, text: &str, comparison: Comparison, value: &str) -> bool {
    if !is_indexed(field, text) {
        return false;
    }
    match field.kind {
        Kind::Text => analysis::words(text).iter().any(|word| comparison.holds(word.as_str(), value)),
        Kind::Keyword(_) | Kind::Flattened(_) | Kind::Boolean => comparison.holds(text, value),
        Kind::Date => {
            let time = Timestamp::parse_rfc3339(text.as_bytes());
            time.and_then(|time| calendar::holds(comparison, time, value)).unwrap_or(false)
        }
        Kind::Number => numbers(text, value).is_some_and(|(one, other)| comparison.holds(&one, &other)),
    }
}

fn numbers(text: &str, value: &str) -> Option<(f64, f64)> {
    Some((text.parse().ok()?, value.parse().ok()?))
}

/// Too long values are kept, but not found.
fn is_indexed(field: &Field, text: &str) -> bool {
    match field.kind {
        Kind::Keyword(longest) | Kind::Flattened(longest) => text.encode_utf16().count() <= longest,
        Kind::Date => Timestamp::parse_rfc3339(text.as_bytes()).is_some(),
        Kind::Number => text.parse::<f64>().is_ok(),
        Kind::Text => !analysis::words(text).is_empty(),
        Kind::Boolean => true,
    }
}

/// Whether one of the field's values in a document is wanted, each as text.
fn texts_of(field: &Field, document: &Json, wanted: impl Fn(&str) -> bool) -> bool {
    let Some(value) = value_at(document, &field.name) else { return false };
    match (&field.kind, &field.below) {
        (Kind::Flattened(_), below) => leaves(value, "", below.as_deref(), &wanted),
        _ => leaves(value, "", None, &wanted),
    }
}

/// The value of a name with dots.
fn value_at<'d>(document: &'d Json, name: &str) -> Option<&'d Json> {
    if let Some(value) = document.get(name) {
        return Some(value);
    }
    let (first, rest) = name.split_once('.')?;
    value_at(document.get(first)?, rest)
}

/// Looks at every leaf, or at those of one path with dots.
fn leaves(value: &Json, path: &str, wanted_path: Option<&str>, wanted: &impl Fn(&str) -> bool) -> bool {
    match value {
        Json::Null => false,
        Json::Array(all) => all.iter().any(|value| leaves(value, path, wanted_path, wanted)),
        Json::Object(members) => members.iter().any(|(key, value)| {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            leaves(value, &path, wanted_path, wanted)
        }),
        _ if wanted_path.is_some_and(|wanted| wanted != path) => false,
        Json::String(text) => wanted(text),
        other => wanted(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kql::parse;

    fn mapping() -> Mapping {
        Mapping::new(&json!({"properties": {
            "@timestamp": {"type": "date_nanos"},
            "message": {"type": "text"},
            "level": {"type": "keyword", "ignore_above": 20},
            "app": {"type": "keyword"},
            "order": {"type": "long"},
            "truncated": {"type": "boolean"},
            "fields": {"type": "flattened", "ignore_above": 20},
            "large_fields": {"type": "object", "enabled": false},
            "kubernetes": {"properties": {"labels": {"type": "flattened"}, "host": {"type": "keyword"}}},
        }}))
    }

    fn document() -> Json {
        json!({"@timestamp": "2026-11-22T10:15:30.5Z", "message": "Task n0 FAILED: exit code 137", "level": "ERROR",
            "app": "flyte admin", "order": 7, "truncated": true, "large_fields": {"x": "y"},
            "fields": {"took_ms": 812, "user": {"name": "amy"}, "tags": ["a", "b"], "none": null, "long": "x".repeat(21)},
            "kubernetes": {"host": "node-1", "labels": {"app_kubernetes_io/name": "z"}}})
    }

    #[test]
    fn finds_what_a_server_finds() {
        for found in [
            "",
            "*",
            "*:*",
            "level:ERROR",
            "level:E*R",
            "level:(INFO or ERROR)",
            "level:*",
            "not level:INFO",
            "message:failed",
            "message:*AIL*",
            "message:\"exit CODE 137\"",
            "message:(exit and 137)",
            "message:nothing exit",
            "app:\"flyte admin\"",
            "app:flyte admin",
            "app:flyte*",
            "order >= 7",
            "order:7",
            "order < 7.5",
            "truncated:true",
            "@timestamp:2026-11-22",
            "@timestamp >= 2026-11-22",
            "@timestamp <= 2026-11-22",
            "@timestamp > \"2026-11-22T10:15:30Z\" or level:ERROR",
            "fields.took_ms:812",
            "fields.user.name:amy",
            "fields.user.name:a*",
            "fields.tags:b",
            "fields:amy",
            "fields.took_ms:*",
            "fields:*",
            "kubernetes:*",
            "kubernetes.labels.app_kubernetes_io/name:z",
            "kube*.host:node-1",
            "l*l:ERROR",
            "ERROR",
            "137",
            "amy",
            "node-*",
            "\"exit code\"",
            "fie*:*",
        ] {
            let matcher = Matcher::new(parse(found).unwrap(), mapping()).unwrap();
            assert!(matcher.matches(&document()), "{found}");
        }
        for other in [
            "level:error",
            "level:E*O",
            "level:ERR",
            "not level:*",
            "message:fail",
            "message:\"code exit\"",
            "message:*failed\\:*",
            "app:flyte",
            "app:admin*",
            "order > 7",
            "truncated:false",
            "@timestamp > 2026-11-22",
            "@timestamp < 2026-11-22",
            "@timestamp:2027",
            "fields.took_ms:81",
            "fields.user:amy",
            "fields.user:*",
            "fields.none:*",
            "fields.long:*",
            "large_fields.x:y",
            "large_fields:*",
            "unknown:*",
            "nobody",
            "message:\"\"",
            "message:...",
            "y",
            "level:*x and level:E*",
            "level.x:ERROR",
        ] {
            let matcher = Matcher::new(parse(other).unwrap(), mapping()).unwrap();
            assert!(!matcher.matches(&document()), "{other}");
        }
    }

    #[test]
    fn what_a_server_refuses_is_refused() {
        for query in [
            "order:x",
            "@timestamp > yesterday",
            "a or truncated:maybe",
            "not fields:{a:b}",
            "order:1*",
            "fields.a > 5",
        ] {
            assert!(Matcher::new(parse(query).unwrap(), mapping()).is_err(), "{query}");
        }
        // Among several fields it is passed over.
        assert!(Matcher::new(parse("ord*:x").unwrap(), mapping()).is_ok());
    }
}
