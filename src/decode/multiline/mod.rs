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
use regex::bytes::Regex;
use regex::escape;

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

/// Definitions in the order in which a line is offered to them. Clones share them.
#[derive(Debug, Clone)]
pub struct Chain(Arc<Links>);

#[derive(Debug)]
struct Links {
    definitions: Vec<Arc<Definition>>,
    /// By a line's first byte: whether it may begin a group.
    may_begin: [bool; 256],
    /// A definition's lines have keys.
    has_keys: bool,
    /// Finds the signs of all definitions that have some.
    signs: Option<Regex>,
}

impl Chain {
    /// A chain of these.
    #[must_use]
    pub fn new(definitions: impl IntoIterator<Item = Arc<Definition>>) -> Self {
        let definitions: Vec<Arc<Definition>> = definitions.into_iter().collect();
        let signs: Vec<_> =
            definitions.iter().flat_map(|definition| definition.signs).map(|sign| escape(sign)).collect();
        let signs = (!signs.is_empty()).then(|| Regex::new(&signs.join("|")).ok()).flatten();
        let first_bytes: Option<Vec<_>> = definitions.iter().map(|definition| definition.first_bytes()).collect();
        let first_bytes = first_bytes.map(|bytes| bytes.concat());
        let may_begin = std::array::from_fn(|byte| {
            first_bytes.as_ref().is_none_or(|bytes| bytes.iter().any(|first| usize::from(*first) == byte))
        });
        let mut cuttings = definitions.iter().filter_map(|definition| definition.cutting.as_ref());
        let has_keys = cuttings.any(|cutting| cutting.has_keys);
        Self(Arc::new(Links { definitions, may_begin, has_keys, signs }))
    }

    /// Python's tracebacks alone.
    #[must_use]
    pub fn python() -> Self {
        Self::new([Arc::new(built_in::python())])
    }

    /// This one, then what of the other is not in it already.
    #[must_use]
    pub fn followed_by(&self, other: &Self) -> Self {
        let is_new = |one: &&Arc<Definition>| !self.0.definitions.iter().any(|known| known.name == one.name);
        let more = other.0.definitions.iter().filter(is_new);
        Self::new(self.0.definitions.iter().chain(more).cloned())
    }

    /// The same with Python's tracebacks in front, unless it names them itself. They are told by
    /// whole lines, so that they take nothing from the others.
    #[must_use]
    pub fn with_python_first(&self) -> Self {
        let python = Self::python();
        if self.names().any(|name| python.names().any(|other| name.eq_ignore_ascii_case(other))) {
            return self.clone();
        }
        python.followed_by(self)
    }

    /// Nothing is joined.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.definitions.is_empty()
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.definitions.iter().map(|definition| definition.name())
    }

    /// The names with what decides whether a line matches, where there is something to be said of
    /// that; no pair stands twice.
    #[must_use]
    pub fn engines(&self) -> Vec<(&str, String)> {
        let mut engines: Vec<(&str, String)> = Vec::new();
        for definition in &self.0.definitions {
            for engine in definition.lines().into_iter().filter_map(|line| line.engine()) {
                let pair = (definition.name(), engine);
                if !engines.contains(&pair) {
                    engines.push(pair);
                }
            }
        }
        engines
    }

    /// Lines that were given up because it took too long to tell whether they match, since the last
    /// call. Clones share the count.
    #[must_use]
    pub fn take_cut_off(&self) -> u64 {
        self.0.definitions.iter().flat_map(|definition| definition.lines()).map(|line| line.take_cut_off()).sum()
    }

    /// Its last definition takes every line: none is asked behind it.
    #[must_use]
    pub fn takes_all(&self) -> bool {
        self.0.definitions.last().is_some_and(|definition| matches!(definition.grammar, Grammar::Ending(_)))
    }

    /// Whether a line may begin a group, by its first byte: enough for most where only Python's
    /// tracebacks are joined.
    #[inline]
    fn may_begin(&self, text: &[u8]) -> bool {
        text.first().is_none_or(|byte| self.0.may_begin[usize::from(*byte)])
    }

    /// Its lines have keys: there are groups of several at a time.
    fn has_keys(&self) -> bool {
        self.0.has_keys
    }

    /// The key of a line that one of the definitions with keys cuts.
    fn key_of(&self, line: &[u8], arena: &Bump) -> Option<u64> {
        let cuttings = self.0.definitions.iter().filter_map(|definition| definition.cutting.as_ref());
        let mut with_keys = cuttings.filter(|cutting| cutting.has_keys);
        with_keys.find_map(|cutting| cutting.cut.cut(line, arena)).map(|parts| parts.key)
    }

    /// The first definition of which a line begins a group, and what of the line counts to it.
    fn start<'t>(&self, text: &'t [u8], arena: &'t Bump) -> Option<(&Arc<Definition>, Step, Parts<'t>)> {
        let mut has_sign = None;
        self.0.definitions.iter().find_map(|definition| {
            let is_possible = definition.signs.is_empty()
                || *has_sign.get_or_insert_with(|| self.0.signs.as_ref().is_none_or(|signs| signs.is_match(text)));
            let parts = definition.parts(text, arena).filter(|_| is_possible)?;
            match definition.start(parts.pattern) {
                Step::Refused => None,
                step => Some((definition, step, parts)),
            }
        })
    }
}

impl Default for Chain {
    fn default() -> Self {
        Self::new([])
    }
}

/// Whether `now` is so late that no line can come any more to a group whose last one is of `last`.
/// A clock that was set back makes a gap, too.
fn is_past(now: Timestamp, last: Timestamp, gap: i64) -> bool {
    now.0.saturating_sub(last.0).saturating_abs() > gap
}
