//! How the lines of a simulation are joined.

use std::sync::{Arc, LazyLock};

use regex::bytes::Regex;

use super::{SECOND, node};
use crate::config::{Class, Environment, Problems, instance};
use crate::decode::multiline::{Chain, Definition, PLUGIN, Rule, Rules};
use crate::parser::{self, Parsers};
use crate::pipeline::cutting::Cutter;
use crate::pipeline::multiline::definitions;

/// What is joined, which no restart changes. Not all at once: where the beginning of a traceback was
/// destroyed, what followed it would begin other groups.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Joins {
    /// Python's tracebacks.
    Tracebacks,
    /// Days, by rules.
    Days,
    /// What begins with a day, and all up to the next one.
    FirstLines,
    /// Days, by rules, of lines that a parser has cut: lines whose numbers end with different digits
    /// are of different groups.
    Keys,
}

impl Joins {
    /// The definitions, and what cuts lines for them.
    pub(super) fn chain(self) -> (Chain, Vec<Arc<Cutter>>) {
        match self {
            Self::Tracebacks => (Chain::python(), Vec::new()),
            Self::Days => (days(), Vec::new()),
            Self::FirstLines => (first_lines(), Vec::new()),
            Self::Keys => KEYS.clone(),
        }
    }

    /// Some lines are of days.
    pub(super) fn has_days(self) -> bool {
        self != Self::Tracebacks
    }
}

static KEYS: LazyLock<(Chain, Vec<Arc<Cutter>>)> = LazyLock::new(keys);

fn days() -> Chain {
    let rule = |from: &str, pattern: &str| Rule {
        from: vec![from.to_owned()],
        line: Arc::new(Regex::new(pattern).unwrap()),
        to: "more".to_owned(),
    };
    let rules = [rule("start_state", &format!("^{}", node::DAY)), rule("more", r"^\t")];
    Chain::new([Arc::new(Definition::by_rules("days", 4 * SECOND, Rules::new(&rules).unwrap()))])
}

fn first_lines() -> Chain {
    let day = Arc::new(Regex::new(&format!("^{}", node::DAY)).unwrap());
    Chain::new([Arc::new(Definition::by_first_line("first lines", 4 * SECOND, day))])
}

/// The key of a line whose number ends with a digit below 5 is empty, else it is the digit.
fn keys() -> (Chain, Vec<Arc<Cutter>>) {
    let (environment, mut problems) = (Environment::default(), Problems::new());
    let expression = r"^(?<log>[^#]*#\d*(?:[0-4]|(?<digit>[5-9]))\..*)$";
    let numbered = [("Name", "numbered"), ("Format", "regex"), ("Regex", expression)];
    let (numbered, _) = instance(Class::Parser, &parser::PLUGIN, &numbered, &environment);
    let parsers = Parsers::new(&[numbered], &mut problems);
    let (start, more) = (format!(r#""start_state" "/^{}/" "more""#, node::DAY), r#""more" "/^\t/" "more""#);
    let section = [
        ("Name", "keys"),
        ("Type", "regex"),
        ("Parser", "numbered"),
        ("Key_Content", "log"),
        ("Key_Group", "digit"),
        ("Flush_Timeout", "4000"),
        ("Rule", &start),
        ("Rule", more),
    ];
    let (section, _) = instance(Class::MultilineParser, &PLUGIN, &section, &environment);
    let (definitions, cutters) = definitions(&[section], &parsers, &mut problems);
    assert!(problems.is_empty(), "{problems}");
    (definitions.find("keys").unwrap().chain.clone(), cutters)
}
