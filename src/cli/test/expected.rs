//! What a document must be like.

use regex::Regex;
use serde_json::{Map, Value};

/// Members that a document must have, or must not have.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    members: Map<String, Value>,
    /// Where the document must go.
    pub(super) index: Option<String>,
}

/// A text that this matches is what is expected.
const MATCHES: &str = "$regex";

impl Expected {
    /// Reads an object.
    ///
    /// # Errors
    /// If it is none, or a regular expression in it is not valid.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let members: Map<String, Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        check(&members)?;
        Ok(Self { members, index: None })
    }

    /// What of a document is not as it must be.
    pub(super) fn differences(&self, document: &Value) -> Vec<String> {
        let mut differences = Vec::new();
        compare("", &self.members, document, &mut differences);
        differences
    }
}

fn check(members: &Map<String, Value>) -> Result<(), String> {
    for value in members.values().filter_map(Value::as_object) {
        match pattern(value) {
            Some(pattern) => drop(Regex::new(pattern).map_err(|error| error.to_string())?),
            None => check(value)?,
        }
    }
    Ok(())
}

fn pattern(value: &Map<String, Value>) -> Option<&str> {
    if value.len() == 1 { value.get(MATCHES)?.as_str() } else { None }
}

fn compare(path: &str, expected: &Map<String, Value>, found: &Value, differences: &mut Vec<String>) {
    for (key, expected) in expected {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let found = found.get(key).unwrap_or(&Value::Null);
        match expected.as_object() {
            Some(object) => match pattern(object) {
                Some(pattern) => {
                    // It was checked when it was read.
                    let matches =
                        Regex::new(pattern).is_ok_and(|regex| found.as_str().is_some_and(|text| regex.is_match(text)));
                    if !matches {
                        differences.push(format!("{path} is {found}, which {pattern:?} does not match"));
                    }
                }
                None => compare(&path, object, found, differences),
            },
            None if expected != found && expected.is_null() => {
                differences.push(format!("{path} is {found}, and must not be there"));
            }
            None if expected != found && found.is_null() => {
                differences.push(format!("{path} is not there, and must be {expected}"));
            }
            None if expected != found => differences.push(format!("{path} is {found}, not {expected}")),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tells_each_member_that_differs() {
        let expected = r#"{"a":1,"b":null,"c":{"d":"x"},"e":{"$regex":"^y+$"},"f":2,"g":"h"}"#;
        let expected = Expected::read(expected).unwrap();
        let good = json!({"a": 1, "c": {"d": "x", "more": 1}, "e": "yyy", "f": 2, "g": "h", "more": true});
        assert_eq!(expected.differences(&good), [""; 0]);
        let bad = json!({"a": 2, "b": 1, "c": {"d": "z"}, "e": "yyn", "g": "h"});
        let differences = expected.differences(&bad);
        assert_eq!(
            differences,
            [
                "a is 2, not 1",
                "b is 1, and must not be there",
                "c.d is \"z\", not \"x\"",
                "e is \"yyn\", which \"^y+$\" does not match",
                "f is not there, and must be 2"
            ]
        );
    }

    #[test]
    fn refuses_what_is_no_object_or_no_expression() {
        assert!(Expected::read("[1]").is_err() && Expected::read(r#"{"a":{"$regex":"("}}"#).is_err());
    }
}
