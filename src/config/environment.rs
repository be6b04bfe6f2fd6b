//! Variables: `${NAME}` and `${NAME:-default}` in values.

use std::collections::HashMap;
use std::fmt;
use std::fs;

/// A variable's text that is this long (in bytes) ends the expansion, as in Fluent Bit.
const LONGEST_VARIABLE: usize = 4096;

/// The variables that values may name.
#[derive(Clone, Default)]
pub struct Environment {
    variables: HashMap<String, String>,
}

impl Environment {
    /// The variables of this process, and `HOSTNAME` (the kernel's, if the process has none).
    #[must_use]
    pub fn process() -> Self {
        let mut environment = Self::default();
        for (name, value) in std::env::vars_os() {
            environment.set(name.to_string_lossy(), value.to_string_lossy());
        }
        if environment.variable("HOSTNAME").is_none()
            && let Some(name) = host_name()
        {
            environment.set("HOSTNAME", name);
        }
        environment
    }

    /// Exactly these variables.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        Self { variables: pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }

    /// Sets a variable.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.variables.insert(name.into(), value.into());
    }

    /// A variable's value. An empty one counts as not set.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Replaces the variables in a value. There is no escape: `${` always begins a variable,
    /// unless no `}` follows. What a variable holds is not expanded again.
    pub(super) fn expand(&self, value: &str) -> Expanded {
        let mut expanded = Expanded { text: String::with_capacity(value.len()), unset: Vec::new() };
        let mut rest = value;
        while let Some(start) = rest.find("${") {
            let inner = &rest[start + 2..];
            let Some(end) = inner.find('}').filter(|end| *end < LONGEST_VARIABLE) else { break };
            expanded.text.push_str(&rest[..start]);
            let (name, default) = match inner[..end].split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (&inner[..end], None),
            };
            match self.variable(name).or(default) {
                Some(text) => expanded.text.push_str(text),
                None => expanded.unset.push(name.to_owned()),
            }
            rest = &inner[end + 1..];
        }
        expanded.text.push_str(rest);
        expanded
    }
}

/// Names only: values may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.variables.keys().collect();
        names.sort();
        formatter.debug_tuple("Environment").field(&names).finish()
    }
}

/// A value after expansion.
pub(super) struct Expanded {
    /// The text; empty means that the key counts as not set.
    pub(super) text: String,
    /// The variables that were named, are not set and have no default.
    pub(super) unset: Vec<String>,
}

/// This machine's name, from where Linux keeps it.
fn host_name() -> Option<String> {
    ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok())
        .map(|name| name.trim().to_owned())
        .find(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(value: &str) -> (String, Vec<String>) {
        let environment = Environment::from_pairs([("USER", "elastic"), ("EMPTY", ""), ("NESTED", "${USER}")]);
        let expanded = environment.expand(value);
        (expanded.text, expanded.unset)
    }

    #[test]
    fn variables_are_replaced() {
        for (value, expected) in [
            ("plain", "plain"),
            ("${USER}", "elastic"),
            ("a-${USER}-b${USER}", "a-elastic-belastic"),
            ("$USER", "$USER"),
            ("${USER", "${USER"),
            ("x${USER} ${OPEN", "xelastic ${OPEN"),
            ("${NESTED}", "${USER}"),
            ("${NONE:-other}", "other"),
            ("${EMPTY:-other}", "other"),
            ("${USER:-other}", "elastic"),
            ("${NONE:-}", ""),
            ("${NONE:-${USER}}", "${USER}"),
            ("ends in $", "ends in $"),
            ("Größe ${USER}", "Größe elastic"),
        ] {
            assert_eq!(expand(value), (expected.to_owned(), vec![]), "{value}");
        }
    }

    #[test]
    fn unset_variables_expand_to_nothing_and_are_named() {
        assert_eq!(expand("${NONE}"), (String::new(), vec!["NONE".to_owned()]));
        assert_eq!(expand("a${EMPTY}b${}"), ("ab".to_owned(), vec!["EMPTY".to_owned(), String::new()]));
    }

    #[test]
    fn an_overlong_variable_ends_the_expansion() {
        let long = format!("${{{}}} ${{USER}}", "x".repeat(LONGEST_VARIABLE));
        assert_eq!(expand(&long), (long, vec![]));
    }

    #[test]
    fn the_process_has_a_host_name_and_debug_shows_no_values() {
        assert!(Environment::process().variable("HOSTNAME").is_some());
        let shown = format!("{:?}", Environment::from_pairs([("ES_PASS", "hunter2")]));
        assert!(shown.contains("ES_PASS") && !shown.contains("hunter2"), "{shown}");
    }
}
