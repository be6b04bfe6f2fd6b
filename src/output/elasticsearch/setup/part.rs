//! One thing that is installed: what it should be, and what the server has.

use std::fmt;

use serde_json::Value;

/// What the server has of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    Missing,
    /// Another one than ours is now.
    Different,
    /// Just this.
    Current,
    /// The server has no such thing.
    Unsupported,
}

/// A template or a policy.
#[derive(Debug)]
pub struct Part {
    /// What it is, for people.
    pub kind: &'static str,
    /// Its name on the server.
    pub name: String,
    /// Where it is, as the server's path.
    pub path: String,
    /// What has to stand there, to be shown or sent.
    pub body: Value,
    /// What stands there.
    pub state: State,
    /// What a change has to say of what it replaces, for the query.
    pub(super) replaces: Vec<(&'static str, String)>,
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.kind, self.name)
    }
}

/// Whether the server has at least what is wanted. It answers numbers and switches of settings as
/// texts, and adds defaults of its own.
pub(super) fn holds(has: &Value, wanted: &Value) -> bool {
    match (has, wanted) {
        (Value::Object(has), Value::Object(wanted)) => {
            wanted.iter().all(|(key, value)| is_empty(value) || has.get(key).is_some_and(|has| holds(has, value)))
        }
        (Value::Array(has), Value::Array(wanted)) => {
            has.len() == wanted.len() && has.iter().zip(wanted).all(|(has, wanted)| holds(has, wanted))
        }
        (has, wanted) => as_text(has) == as_text(wanted),
    }
}

/// The server may leave it out.
fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_for_numbers_and_additions_are_no_difference() {
        let wanted = json!({"a": 1, "b": {"c": false, "empty": {}}, "d": ["x", {"e": 2}]});
        for (has, is_held) in [
            (json!({"a": "1", "b": {"c": "false", "more": 1}, "d": ["x", {"e": 2, "f": 3}], "g": 1}), true),
            (json!({"a": 2, "b": {"c": false}, "d": ["x", {"e": 2}]}), false),
            (json!({"a": 1, "d": ["x", {"e": 2}]}), false),
            (json!({"a": 1, "b": {"c": false}, "d": ["x", {"e": 2}, "y"]}), false),
            (json!({"a": 1, "b": 1, "d": ["x", {"e": 2}]}), false),
        ] {
            assert_eq!(holds(&has, &wanted), is_held, "{has}");
        }
    }
}
