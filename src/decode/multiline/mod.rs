//! Multi-line: joining lines that were printed one by one into one log line.
//!
//! A [`Definition`] says which lines begin a group and which go on with it: by rules of regular
//! expressions ([`rules`]), by how its first ([`first_line`]) or its last line looks ([`ending`]), or, for Python's tracebacks,
//! by a grammar of its own ([`python`]), which is faster than rules and looks ahead. A [`Chain`] is
//! several of them, asked in order: the first that a line begins a group of, owns it. A [`Joiner`]
//! holds one open group, and [`Groups`] those of one stream. Where a definition says so, lines are
//! [`cut`] by a parser first, and only one member's text is joined. [`Definitions`] knows all of them by name.
//!
//! Where a group ends depends on its lines, on the caps and on the times that a runtime gave the
//! lines, never on when they were read, so that a replay cuts the same records again. The wall
//! clock only decides when a group that must be complete by then is let go. Lines of files without
//! times are the exception: there only the clock tells that a group does not go on.

mod built_in;
mod chain;
mod cut;
mod definitions;
mod ending;
mod explain;
mod first_line;
mod groups;
mod joiner;
mod python;
mod rules;
mod section;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;

use bumpalo::Bump;

pub use chain::Chain;
pub use cut::{Cut, Cutting, First, Parts};
pub use definitions::{Chosen, Compile, CuttingOf, Definitions};
pub use ending::Ending;
pub use explain::{Explained, Role, explain};
pub use groups::Groups;
pub use joiner::Joiner;
pub use rules::{Matches, Rule, Rules, START_STATE};
pub use section::PLUGIN;

use crate::record::Timestamp;
use first_line::FirstLine;

/// The most lines of one group where nothing else is said: recursion errors print up to about 2,000.
pub const MOST_LINES: usize = 4_000;

/// How large a line may become by joining. What would grow beyond is cut, and marked so.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of its text.
    pub bytes: usize,
    /// Lines that it is joined of.
    pub lines: usize,
}

/// Which lines belong together.
#[derive(Debug)]
pub struct Definition {
    name: String,
    /// Lines further apart than this are never one group, in nanoseconds.
    gap: i64,
    /// Every line that begins a group holds one of these; empty if nothing is known of that.
    signs: &'static [&'static str],
    grammar: Grammar,
    /// What cuts its lines before they are looked at, if something does.
    cutting: Option<Cutting>,
}

#[derive(Debug)]
enum Grammar {
    Python,
    Rules(Rules),
    Ending(Ending),
    FirstLine(FirstLine),
}

/// What an open group waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Python(python::Expect),
    /// The rule of this number matched last.
    Rule(usize),
    /// A line that ends it.
    Ending,
    /// A line that begins the next one.
    Open,
}

/// What a line is to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// No part of it.
    Refused,
    /// A part; more may follow.
    Taken(State),
    /// A part if a later line is one.
    Held(State),
    /// Its last part.
    Last,
}

impl Definition {
    /// Groups by rules; lines further apart than `gap` nanoseconds are none.
    #[must_use]
    pub fn by_rules(name: &str, gap: i64, rules: Rules) -> Self {
        Self { name: name.to_owned(), gap, signs: &[], grammar: Grammar::Rules(rules), cutting: None }
    }

    /// Groups by how their last line looks.
    #[must_use]
    pub fn by_ending(name: &str, gap: i64, ending: Ending) -> Self {
        Self { name: name.to_owned(), gap, signs: &[], grammar: Grammar::Ending(ending), cutting: None }
    }

    /// Groups by how their first line looks.
    #[must_use]
    pub fn by_first_line(name: &str, gap: i64, line: Arc<dyn Matches>) -> Self {
        Self { name: name.to_owned(), gap, signs: &[], grammar: Grammar::FirstLine(FirstLine(line)), cutting: None }
    }

    /// The same with lines that are cut first.
    #[must_use]
    pub fn cut_by(self, cutting: Option<Cutting>) -> Self {
        Self { cutting, ..self }
    }

    /// What of a line counts for joining; `None` if its lines are others.
    fn parts<'t>(&self, line: &'t [u8], arena: &'t Bump) -> Option<Parts<'t>> {
        match &self.cutting {
            Some(cutting) => cutting.cut.cut(line, arena),
            None => Some(Parts { content: line, pattern: line, key: 0 }),
        }
    }

    /// What stands between two lines that are joined, of which the first ends with this. What was
    /// split where it is cut into members, is put together again as it was.
    fn separator(&self, before: &[u8]) -> &'static [u8] {
        match (&self.grammar, &self.cutting) {
            (Grammar::Ending(_), Some(_)) => b"",
            (_, Some(_)) if before.ends_with(b"\n") => b"",
            _ => b"\n",
        }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All that tell whether a line matches.
    fn lines(&self) -> Vec<&dyn Matches> {
        match &self.grammar {
            Grammar::Rules(rules) => rules.lines().collect(),
            Grammar::FirstLine(first) => vec![first.0.as_ref()],
            Grammar::Python | Grammar::Ending(_) => Vec::new(),
        }
    }

    /// With which bytes the lines begin that begin a group, if that is known.
    fn first_bytes(&self) -> Option<&'static [u8]> {
        match self.grammar {
            Grammar::Python => Some(python::FIRST_BYTES),
            Grammar::Rules(_) | Grammar::Ending(_) | Grammar::FirstLine(_) => None,
        }
    }

    /// What a line is that stands alone so far.
    fn start(&self, text: &[u8]) -> Step {
        match &self.grammar {
            Grammar::Python => python::start(text),
            Grammar::Rules(rules) => rules.start(text),
            Grammar::Ending(ending) => ending.step(text),
            Grammar::FirstLine(first) => first.start(text),
        }
    }

    /// What a line is to a group in this state.
    fn next(&self, state: State, text: &[u8]) -> Step {
        match (&self.grammar, state) {
            (Grammar::Python, State::Python(expect)) => python::next(expect, text),
            (Grammar::Rules(rules), State::Rule(rule)) => rules.next(rule, text),
            (Grammar::Ending(ending), State::Ending) => ending.step(text),
            (Grammar::FirstLine(first), State::Open) => first.next(text),
            _ => Step::Refused,
        }
    }

    /// A state as its users call it.
    fn state_name(&self, state: State) -> Cow<'_, str> {
        match (&self.grammar, state) {
            (Grammar::Rules(rules), State::Rule(rule)) => Cow::Borrowed(rules.state_behind(rule)),
            (_, State::Python(expect)) => Cow::Borrowed(expect.name()),
            _ => Cow::Borrowed("open"),
        }
    }
}

/// Whether `now` is so late that no line can come any more to a group whose last one is of `last`.
/// A clock that was set back makes a gap, too.
fn is_past(now: Timestamp, last: Timestamp, gap: i64) -> bool {
    now.0.saturating_sub(last.0).saturating_abs() > gap
}
