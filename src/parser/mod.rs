//! Parsers: what cuts a line of text into members, as `[PARSER]` sections describe it.
//!
//! The formats are `json` and `regex`. `docker`, `cri` and `json` are there without a parsers
//! file; a definition of the same name takes their place. A definition that needs what is not
//! built yet (another format, decoders, a construct that the expression engine lacks) is a warning
//! where it stands and an error where it is used, so that a parsers file with many definitions can
//! be loaded for the sake of one.

mod definition;
mod expression;
mod json;
mod onigmo;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
mod time_field;
mod time_format;
mod time_parts;
mod time_zone_names;
mod types;

use bumpalo::Bump;

pub use definition::PLUGIN;

use crate::config::{Instance, Options, Problem, Problems, Severity};
use crate::record::{Member, Timestamp};
use expression::Expression;
use time_field::TimeField;

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
}

#[derive(Debug, Clone)]
enum Format {
    Json,
    Regex(Box<Expression>),
}

impl Parser {
    fn new(name: &str, format: Format, time: Option<TimeField>) -> Self {
        Self { name: name.to_owned(), format, time }
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

    /// Cuts `text` into members of the application and appends them. `now` completes times that
    /// tell no year or no date. If the text does not match, `members` is as it was.
    pub fn parse<'t>(
        &'t self,
        text: &'t [u8],
        arena: &'t Bump,
        now: Timestamp,
        members: &mut Vec<Member<'t>>,
    ) -> Parsed {
        let time = (self.time.as_ref(), now);
        match &self.format {
            Format::Json => json::parse(text, time, arena, members),
            Format::Regex(expression) => expression.parse(text, time, arena, members),
        }
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

    /// The parser of this name; case counts.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Parser> {
        self.parsers.iter().find(|parser| parser.name == name)
    }

    /// The parser that the option `key` names, `None` if it names none. A name that stands for no
    /// usable parser is a problem.
    pub fn named_by(&self, options: &Options<'_>, key: &str, problems: &mut Problems) -> Option<Parser> {
        let name = options.text(key)?;
        let found = self.find(name).cloned();
        if found.is_none() {
            let unusable = self.unusable.iter().find(|(unusable, _)| unusable == name);
            problems.push(match unusable {
                Some((_, reason)) => {
                    let message = format!("parser \"{name}\" cannot be used: {}", reason.message);
                    options.problem(key, message).with_hint(format!("see {}:{}", reason.file.display(), reason.line))
                }
                None => {
                    let names: Vec<_> = self.parsers.iter().map(|parser| parser.name.as_str()).collect();
                    let hint = format!("parsers are: {}", names.join(", "));
                    options.problem(key, format!("there is no parser \"{name}\"")).with_hint(hint)
                }
            });
        }
        found
    }
}
