//! Groups that are told by rules: from a state, a line that matches leads to another one.
//!
//! As in Fluent Bit: a line begins a group if a rule of `start_state` matches it. What follows is
//! held against the rules of the state that was reached, in their order, those of `start_state`
//! left out. A group is complete at once where only a new one can follow: the state has a rule that
//! is of `start_state` too, or none at all.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{State, Step};

/// The state of a line that stands alone so far.
pub const START_STATE: &str = "start_state";

/// Tells whether a line matches.
pub trait Matches: fmt::Debug + Send + Sync {
    /// Whether it matches anywhere.
    fn matches(&self, text: &[u8]) -> bool;

    /// What decides that, and why it does, for people; `None` if there is nothing to be said.
    fn engine(&self) -> Option<String> {
        None
    }

    /// Lines that were given up because it took too long, since the last call. They did not match.
    fn take_cut_off(&self) -> u64 {
        0
    }
}

impl Matches for regex::bytes::Regex {
    /// Not by `is_match`: where an expression has a literal in its middle that most lines have too
    /// (`\d+:\d+`), that falls back to an engine ten times as slow, and this does not.
    fn matches(&self, text: &[u8]) -> bool {
        self.shortest_match(text).is_some()
    }
}

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The states in which it applies.
    pub from: Vec<String>,
    /// The lines to which it applies.
    pub line: Arc<dyn Matches>,
    /// The state that it leads to.
    pub to: String,
}

/// Rules that were put in relation to each other.
#[derive(Debug)]
pub struct Rules {
    rules: Vec<Linked>,
    starts: Vec<usize>,
}

#[derive(Debug)]
struct Linked {
    line: Arc<dyn Matches>,
    to: String,
    /// The rules that the next line is held against.
    next: Vec<usize>,
    /// The group is complete with this line.
    is_last: bool,
}

impl Rules {
    /// Links rules. `None` if no line can begin a group.
    #[must_use]
    pub fn new(rules: &[Rule]) -> Option<Self> {
        let mut of_state: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (number, rule) in rules.iter().enumerate() {
            for state in &rule.from {
                of_state.entry(state).or_default().push(number);
            }
        }
        let starts = of_state.get(START_STATE)?.clone();
        let link = |rule: &Rule| {
            let reached = of_state.get(rule.to.as_str()).map(Vec::as_slice).unwrap_or_default();
            let next: Vec<usize> = reached.iter().copied().filter(|number| !starts.contains(number)).collect();
            let is_last = next.len() < reached.len() || next.is_empty();
            Linked { line: Arc::clone(&rule.line), to: rule.to.clone(), next, is_last }
        };
        Some(Self { rules: rules.iter().map(link).collect(), starts })
    }

    /// All that tell whether a line matches.
    pub(super) fn lines(&self) -> impl Iterator<Item = &dyn Matches> {
        self.rules.iter().map(|rule| rule.line.as_ref())
    }

    pub(super) fn start(&self, text: &[u8]) -> Step {
        self.first(&self.starts, text)
    }

    pub(super) fn next(&self, rule: usize, text: &[u8]) -> Step {
        self.rules.get(rule).map_or(Step::Refused, |rule| self.first(&rule.next, text))
    }

    /// Name of the state that a rule leads to.
    pub(super) fn state_behind(&self, rule: usize) -> &str {
        self.rules.get(rule).map_or(START_STATE, |rule| &rule.to)
    }

    /// Where the first of these rules that matches leads to.
    fn first(&self, rules: &[usize], text: &[u8]) -> Step {
        for &number in rules {
            if let Some(rule) = self.rules.get(number).filter(|rule| rule.line.matches(text)) {
                return if rule.is_last { Step::Last } else { Step::Taken(State::Rule(number)) };
            }
        }
        Step::Refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(from: &[&str], pattern: &str, to: &str) -> Rule {
        let line = Arc::new(regex::bytes::Regex::new(pattern).unwrap());
        Rule { from: from.iter().map(|state| (*state).to_owned()).collect(), line, to: to.to_owned() }
    }

    #[test]
    fn rules_that_begin_a_group_do_not_go_on_with_one() {
        let rules =
            Rules::new(&[rule(&["start_state", "b"], "^A", "b"), rule(&["b"], "^.", "c"), rule(&["c"], "^B", "c")]);
        let rules = rules.unwrap();
        assert_eq!(rules.start(b"A"), Step::Last, "the state b has a rule that begins a group");
        assert_eq!(rules.next(0, b"A"), Step::Taken(State::Rule(1)), "by the second rule alone");
        assert_eq!(rules.next(1, b"A"), Step::Refused);
        assert_eq!(rules.state_behind(1), "c");
    }

    #[test]
    fn nothing_follows_where_no_rule_is() {
        let rules = Rules::new(&[rule(&["start_state"], "^A", "b"), rule(&["b"], "^B", "nowhere")]).unwrap();
        assert_eq!(rules.start(b"xA"), Step::Refused);
        assert_eq!(rules.start(b"A"), Step::Taken(State::Rule(0)));
        assert_eq!(rules.next(0, b"B"), Step::Last);
    }

    #[test]
    fn without_a_beginning_there_are_no_groups() {
        assert!(Rules::new(&[rule(&["cont"], "x", "cont")]).is_none());
        assert!(Rules::new(&[]).is_none());
    }
}
