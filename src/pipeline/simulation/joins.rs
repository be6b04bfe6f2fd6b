//! How the lines of a simulation are joined.

use std::sync::Arc;

use regex::bytes::Regex;

use super::{SECOND, node};
use crate::decode::multiline::{Chain, Definition, Rule, Rules};

/// What is joined, which no restart changes. Not both at once: where the beginning of a traceback was
/// destroyed, what followed it would begin other groups.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Joins {
    /// Python's tracebacks.
    Tracebacks,
    /// Days, by rules.
    Days,
}

impl Joins {
    /// The definitions.
    pub(super) fn chain(self) -> Chain {
        if self == Self::Tracebacks {
            return Chain::python();
        }
        let rule = |from: &str, pattern: &str| Rule {
            from: vec![from.to_owned()],
            line: Arc::new(Regex::new(pattern).unwrap()),
            to: "more".to_owned(),
        };
        let rules = [rule("start_state", &format!("^{}", node::DAY)), rule("more", r"^\t")];
        let days = Definition::by_rules("days", 4 * SECOND, Rules::new(&rules).unwrap());
        Chain::new([days.into()])
    }
}
