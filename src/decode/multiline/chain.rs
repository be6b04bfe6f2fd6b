//! Definitions in the order in which a line is offered to them.

use std::sync::Arc;

use bumpalo::Bump;
use regex::bytes::Regex;
use regex::escape;

use super::{Definition, Grammar, Parts, Step, built_in};

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
    pub(super) fn may_begin(&self, text: &[u8]) -> bool {
        text.first().is_none_or(|byte| self.0.may_begin[usize::from(*byte)])
    }

    /// Its lines have keys: there are groups of several at a time.
    pub(super) fn has_keys(&self) -> bool {
        self.0.has_keys
    }

    /// The key of a line that one of the definitions with keys cuts.
    pub(super) fn key_of(&self, line: &[u8], arena: &Bump) -> Option<u64> {
        let cuttings = self.0.definitions.iter().filter_map(|definition| definition.cutting.as_ref());
        let mut with_keys = cuttings.filter(|cutting| cutting.has_keys);
        with_keys.find_map(|cutting| cutting.cut.cut(line, arena)).map(|parts| parts.key)
    }

    /// The first definition of which a line begins a group, and what of the line counts to it.
    pub(super) fn start<'t>(&self, text: &'t [u8], arena: &'t Bump) -> Option<(&Arc<Definition>, Step, Parts<'t>)> {
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
