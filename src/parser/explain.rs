//! What a parser makes of one text, told in full: for people who write parsers, not for the way of
//! the records.

use std::cell::OnceCell;
use std::ops::Range;

use bumpalo::Bump;

use super::engine::{Engine, Found, Scratch};
use super::{Format, Parsed, Parser, onigmo};
use crate::record::escape::write_string;
use crate::record::{Member, Origin, Timestamp, Value, json};

/// What became of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Explanation {
    /// It matched.
    Matched {
        /// The time that it tells.
        time: Option<Timestamp>,
        /// A time is there and cannot be read.
        is_time_unreadable: bool,
        /// The members, in order.
        members: Vec<Shown>,
        /// What each group of a regular expression took, in their order.
        groups: Vec<Taken>,
    },
    /// It is not of this format.
    Unmatched(Option<Miss>),
    /// The search took too long.
    CutOff,
}

/// A member: its key, and its value as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The key, as JSON text between its quotes.
    pub key: String,
    /// The value, as JSON.
    pub json: String,
}

/// What a group took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The group's name.
    pub name: String,
    /// Offsets in the text; `None` if the group took no part.
    pub span: Option<Range<usize>>,
}

/// How far a text that does not match fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miss {
    /// How much of the text fits, in bytes.
    pub end: usize,
    /// The longest beginning of the expression that matches; empty for other formats.
    pub pattern: String,
    /// The rest of the expression, which begins with what does not match.
    pub rest: String,
}

/// Tells what a parser makes of texts.
pub struct Explainer<'p> {
    parser: &'p Parser,
    /// The beginnings of the expression that are expressions themselves, the longest first: made
    /// when the first text does not match.
    beginnings: OnceCell<Vec<Beginning>>,
}

struct Beginning {
    engine: Engine,
    pattern: String,
    rest: String,
}

impl<'p> Explainer<'p> {
    /// Makes one for a parser.
    #[must_use]
    pub fn new(parser: &'p Parser) -> Self {
        Self { parser, beginnings: OnceCell::new() }
    }

    /// Parses `text` and tells what happened. `now` is as in [`Parser::parse`].
    #[must_use]
    pub fn explain(&self, text: &[u8], now: Timestamp) -> Explanation {
        let (arena, mut members) = (Bump::new(), Vec::new());
        let (cut_off, unreadable) = (self.parser.cut_off(), self.parser.unreadable_times());
        match self.parser.parse(text, &arena, now, &mut members) {
            Parsed::Matched { time } => Explanation::Matched {
                time,
                is_time_unreadable: self.parser.unreadable_times() > unreadable,
                members: members.iter().map(shown).collect(),
                groups: self.groups(text),
            },
            Parsed::Unmatched if self.parser.cut_off() > cut_off => Explanation::CutOff,
            Parsed::Unmatched => Explanation::Unmatched(self.miss(text, &arena)),
        }
    }

    fn groups(&self, text: &[u8]) -> Vec<Taken> {
        match &self.parser.format {
            Format::Regex(expression) => expression.groups(text),
            _ => Vec::new(),
        }
    }

    /// How far the text fits. `None` for formats made of pairs, and for an expression whose
    /// outermost parts are alternatives, of which none is the beginning of another.
    fn miss(&self, text: &[u8], arena: &Bump) -> Option<Miss> {
        match &self.parser.format {
            Format::Regex(expression) => {
                let beginnings = self.beginnings.get_or_init(|| beginnings(expression.source()).unwrap_or_default());
                let mut scratch = Scratch::default();
                beginnings.iter().find_map(|beginning| match beginning.engine.search(text, &mut scratch) {
                    Found::Matched(end) => {
                        Some(Miss { end, pattern: beginning.pattern.clone(), rest: beginning.rest.clone() })
                    }
                    Found::Unmatched | Found::CutOff => None,
                })
            }
            Format::Json => {
                let malformed = json::split(text, arena, &mut Vec::new(), Origin::Application).err()?;
                Some(Miss { end: malformed.at, pattern: String::new(), rest: String::new() })
            }
            Format::Ltsv(_) | Format::Logfmt { .. } => None,
        }
    }
}

fn beginnings(source: &str) -> Option<Vec<Beginning>> {
    let (pattern, flags) = onigmo::undelimited(source);
    let whole = onigmo::translate_with(pattern, flags).ok()?;
    let compiled = whole.ends.iter().rev().filter_map(|end| {
        let (beginning, rest) = pattern.split_at_checked(*end)?;
        let engine = Engine::new(&onigmo::translate_with(beginning, flags).ok()?).ok()?;
        Some(Beginning { engine, pattern: beginning.to_owned(), rest: rest.to_owned() })
    });
    Some(compiled.collect())
}

fn shown(member: &Member<'_>) -> Shown {
    let mut json = Vec::new();
    match member.value {
        Value::Json(value) => json.extend_from_slice(value),
        Value::Text(text) => write_string(&mut json, text),
        Value::Members(rendered) => {
            json.push(b'{');
            json.extend_from_slice(rendered);
            json.push(b'}');
        }
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Shown { key: text(member.key), json: text(&json) }
}
