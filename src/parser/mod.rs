//! Parsers: what cuts a line of text into members, as `[PARSER]` sections describe it.
//!
//! The formats are `json`, `regex`, `ltsv` and `logfmt`. `docker`, `cri` and `json` are there
//! without a parsers file; a definition of the same name takes their place. A definition that needs
//! what is not there (a construct that no expression engine here has) is a warning where it stands
//! and an error where it is used, so that a parsers file with many definitions can be loaded for
//! the sake of one.
//!
//! No text can hold a worker up: expressions that may take long are limited in their steps. A text
//! that goes beyond is unmatched, which ships it as text, and [counted](Parser::cut_off).

mod decoder;
mod definition;
mod engine;
mod explain;
mod expression;
pub mod golden;
mod json;
mod logfmt;
mod ltsv;
mod matcher;
mod onigmo;
mod ours;
mod pairs;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
mod time_field;
mod time_format;
mod time_parts;
mod time_zone_names;
mod types;
mod unescape;

use bumpalo::Bump;

pub use definition::PLUGIN;
pub use engine::EngineKind;
pub use explain::{Explainer, Explanation, Miss, Shown, Taken};
pub use matcher::Matcher;
pub use ours::FILES;

use crate::config::{Instance, Options, Problem, Problems, Severity};
use crate::record::{Member, Timestamp};
use decoder::Decoders;
use expression::Expression;
use pairs::Pairs;
use time_field::TimeField;
use types::Types;

/// What became of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parsed {
    /// Its members were added.
    Matched {
        /// The time it tells; `None` if it tells none, or none that can be read.
        time: Option<Timestamp>,
    },
    /// It is not of this format; no member was added.
    Unmatched,
}

/// One parser. Workers share it, or have clones of their own.
#[derive(Debug, Clone)]
pub struct Parser {
    name: String,
    format: Format,
    time: Option<TimeField>,
    decoders: Decoders,
}

#[derive(Debug, Clone)]
enum Format {
    Json,
    Regex(Box<Expression>),
    Ltsv(Types),
    Logfmt { types: Types, no_bare_keys: bool },
}

impl Parser {
    fn new(name: &str, format: Format, time: Option<TimeField>) -> Self {
        Self { name: name.to_owned(), format, time, decoders: Decoders::default() }
    }

    fn with_decoders(self, decoders: Decoders) -> Self {
        Self { decoders, ..self }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Texts that matched and whose time could not be read, since the start.
    #[must_use]
    pub fn unreadable_times(&self) -> u64 {
        self.time.as_ref().map_or(0, TimeField::unreadable)
    }

    /// Texts that were given up because their search took too long, since this parser was made or
    /// cloned. They were unmatched.
    #[must_use]
    pub fn cut_off(&self) -> u64 {
        match &self.format {
            Format::Regex(expression) => expression.cut_off(),
            _ => 0,
        }
    }

    /// [`Parser::cut_off`] since the last call of this.
    pub fn take_cut_off(&self) -> u64 {
        match &self.format {
            Format::Regex(expression) => expression.take_cut_off(),
            _ => 0,
        }
    }

    /// The engine of a regular expression and, in a few words, why it is this one; `None` for
    /// other formats.
    #[must_use]
    pub fn engine(&self) -> Option<(EngineKind, &str)> {
        match &self.format {
            Format::Regex(expression) => Some(expression.engine()),
            _ => None,
        }
    }

    /// Whether a text matches.
    #[must_use]
    pub fn is_match(&self, text: &[u8]) -> bool {
        match &self.format {
            Format::Regex(expression) => expression.is_match(text),
            _ => self.parse(text, &Bump::new(), Timestamp(0), &mut Vec::new()) != Parsed::Unmatched,
        }
    }

    /// Cuts `text` into members of the application and appends them. `now` completes times that
    /// tell no year or no date. If the text does not match, `members` is as it was.
    pub fn parse<'t>(
        &'t self,
        text: &'t [u8],
        arena: &'t Bump,
        now: Timestamp,
        members: &mut Vec<Member<'t>>,
    ) -> Parsed {
        let begin = members.len();
        let time = self.time.as_ref();
        let parsed = match &self.format {
            // Here a decoder may bring the time to light.
            Format::Json => return json::parse(text, (time, now), &self.decoders, arena, members),
            Format::Regex(expression) => expression.parse(text, (time, now), arena, members),
            Format::Ltsv(types) => ltsv::parse(text, &Pairs { types, time, now }, arena, members),
            Format::Logfmt { types, no_bare_keys } => {
                logfmt::parse(text, *no_bare_keys, &Pairs { types, time, now }, arena, members)
            }
        };
        if parsed != Parsed::Unmatched {
            self.decoders.apply(arena, members, begin);
        }
        parsed
    }
}

/// All parsers of a configuration, by name.
#[derive(Debug, Clone, Default)]
pub struct Parsers {
    parsers: Vec<Parser>,
    /// Definitions that cannot be used yet, and why.
    unusable: Vec<(String, Problem)>,
}

impl Parsers {
    /// Builds what the `[PARSER]` sections define, and the built-in parsers that they do not.
    #[must_use]
    pub fn new(definitions: &[Instance], problems: &mut Problems) -> Self {
        let mut registry = Self::default();
        for definition in definitions {
            let options = definition.options();
            let Some(name) = options.text("Name") else { continue };
            match definition::build(name, &options, problems) {
                Ok(Some(parser)) => registry.parsers.push(parser),
                Ok(None) => {}
                Err(unusable) => {
                    problems.push(Problem { severity: Severity::Warning, ..unusable.clone() });
                    registry.unusable.push((name.to_owned(), unusable));
                }
            }
        }
        for parser in definition::built_in() {
            if !registry.knows(&parser.name) {
                registry.parsers.push(parser);
            }
        }
        registry
    }

    fn knows(&self, name: &str) -> bool {
        self.find(name).is_some() || self.unusable.iter().any(|(unusable, _)| unusable == name)
    }

    /// The names of all parsers, in the order of their definition.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parsers.iter().map(|parser| parser.name.as_str())
    }

    /// The parser of this name; case counts.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Parser> {
        self.parsers.iter().find(|parser| parser.name == name)
    }

    /// The parser that the option `key` names, `None` if it names none. A name that stands for no
    /// usable parser is a problem.
    pub fn named_by(&self, options: &Options<'_>, key: &str, problems: &mut Problems) -> Option<Parser> {
        self.named(options.text(key)?, options, key, problems)
    }

    /// The parsers that a repeatable option names, in order.
    pub fn all_named_by(&self, options: &Options<'_>, key: &str, problems: &mut Problems) -> Vec<Parser> {
        options.all(key).into_iter().filter_map(|name| self.named(name, options, key, problems)).collect()
    }

    fn named(&self, name: &str, options: &Options<'_>, key: &str, problems: &mut Problems) -> Option<Parser> {
        let found = self.find(name).cloned();
        if found.is_none() {
            let unusable = self.unusable.iter().find(|(unusable, _)| unusable == name);
            problems.push(match unusable {
                Some((_, reason)) => {
                    let message = format!("parser \"{name}\" cannot be used: {}", reason.message);
                    options.problem(key, message).with_hint(format!("see {}:{}", reason.file.display(), reason.line))
                }
                None => {
                    let names: Vec<_> = self.names().collect();
                    let hint = format!("parsers are: {}", names.join(", "));
                    options.problem(key, format!("there is no parser \"{name}\"")).with_hint(hint)
                }
            });
        }
        found
    }
}
