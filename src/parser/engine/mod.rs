//! The engines behind regular expressions.
//!
//! | engine | for | time |
//! |---|---|---|
//! | direct | patterns without look-around, back-references and the like | linear: a limit on its steps, then `regex` |
//! | `regex` | the same, where they repeat what may be empty or are very large | linear |
//! | backtracking | everything else | at most [`MOST_STEPS`] steps, then the text is cut off |
//!
//! Direct and backtracking are one [machine], built for log lines: it takes captures on the way,
//! goes through `[^ ]* ` or `[^"]*"` without a choice to come back to, and matches bytes, so that
//! text that is not UTF-8 is no exception. Where a pattern makes it come back too often, the
//! `regex` crate, which never does, decides instead. That takes its time as well: a text of more
//! than 64 KiB that needs it, and matches, is cut off.

mod compile;
mod machine;
mod program;
#[cfg(test)]
mod tests;

use regex::bytes::{CaptureLocations, Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;

use super::onigmo::{Error, Translated};
use crate::config::expression_fault;
use machine::{Machine, Outcome, UNSET};
use program::Program;

/// Steps of the backtracking engine for one text. They take 5 to 20 ms.
const MOST_STEPS: usize = 1_000_000;
/// Steps of the direct engine before `regex` takes over, and how many for each byte. Never more
/// than half of the above.
const DIRECT_STEPS: usize = 1_000;
const DIRECT_STEPS_PER_BYTE: usize = 4;
/// From this length on, `regex` looks whether a text matches before it looks for the groups, as the
/// former is quicker; and up to which length it looks for groups at all: it takes about 0.1 µs for
/// each byte of the text, more for large patterns.
const LONG: usize = 16 * 1024;
const LONGEST: usize = 64 * 1024;

/// Which engine runs a regular expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// Straight through the text; the `regex` crate where that would take too long. Linear time.
    Direct,
    /// The `regex` crate. Linear time.
    Regex,
    /// Tries one way after the other. Its steps are limited.
    Backtracking,
}

impl EngineKind {
    /// Its name, for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Regex => "regex",
            Self::Backtracking => "backtracking",
        }
    }
}

/// What came of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The scratch holds the groups. The end of the match.
    Matched(usize),
    Unmatched,
    /// The engine gave up before it was certain.
    CutOff,
}

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(super) struct Engine {
    kind: EngineKind,
    reason: String,
    program: Option<Program>,
    regex: Option<Regex>,
}

/// Memory of a search, to be used again.
#[derive(Debug, Clone, Default)]
pub(super) struct Scratch {
    machine: Machine,
    locations: Option<CaptureLocations>,
}

impl Scratch {
    /// Where the capture group, counted from 0, matched in the last search.
    #[inline]
    pub(super) fn group(&self, number: usize) -> Option<(usize, usize)> {
        let (start, end) = (*self.machine.slots.get(number * 2)?, *self.machine.slots.get(number * 2 + 1)?);
        (start != UNSET && end != UNSET && start <= end).then_some((start, end))
    }
}

impl Engine {
    /// Compiles a translated pattern for the first engine that can run it.
    ///
    /// # Errors
    /// If none can.
    pub(super) fn new(translated: &Translated) -> Result<Self, Error> {
        let parsed = parse(&translated.rewritten)?;
        let program = compile::compile(&parsed, &translated.groups);
        if let Some(construct) = &translated.beyond_regex {
            let reason =
                format!("{construct} needs an engine that tries one way after the other; its steps are limited");
            return Ok(Self { kind: EngineKind::Backtracking, reason, program: Some(program?), regex: None });
        }
        let regex = RegexBuilder::new(translated.for_regex()?).multi_line(true).unicode(false).build();
        let regex = Some(regex.map_err(|error| invalid(&error))?);
        let (kind, reason) = match &program {
            Ok(program) if program.repeats_nothing => {
                (EngineKind::Regex, "something that may be empty is repeated".to_owned())
            }
            Ok(_) => (EngineKind::Direct, "plain groups, classes and repetitions".to_owned()),
            Err(error) => (EngineKind::Regex, error.to_string()),
        };
        Ok(Self { kind, reason, program: program.ok().filter(|program| !program.repeats_nothing), regex })
    }

    pub(super) fn kind(&self) -> EngineKind {
        self.kind
    }

    /// Why it is this engine, in a few words.
    pub(super) fn reason(&self) -> &str {
        &self.reason
    }

    /// Searches the first match in `text`.
    pub(super) fn search(&self, text: &[u8], scratch: &mut Scratch) -> Found {
        if let Some(program) = &self.program {
            let steps = match self.kind {
                EngineKind::Backtracking => MOST_STEPS,
                _ => (DIRECT_STEPS + text.len() * DIRECT_STEPS_PER_BYTE).min(MOST_STEPS / 2),
            };
            match scratch.machine.search(program, text, steps) {
                Outcome::Matched(end) => return Found::Matched(end),
                Outcome::Unmatched => return Found::Unmatched,
                Outcome::CutOff => {}
            }
        }
        self.regex.as_ref().map_or(Found::CutOff, |regex| search(regex, text, scratch))
    }
}

fn search(regex: &Regex, text: &[u8], scratch: &mut Scratch) -> Found {
    if text.len() > LONG {
        let is_match = regex.is_match(text);
        if !is_match || text.len() > LONGEST {
            return if is_match { Found::CutOff } else { Found::Unmatched };
        }
    }
    let locations = scratch.locations.get_or_insert_with(|| regex.capture_locations());
    let Some(found) = regex.captures_read(locations, text) else { return Found::Unmatched };
    let slots = &mut scratch.machine.slots;
    slots.clear();
    for group in 1..locations.len() {
        let (start, end) = locations.get(group).unwrap_or((UNSET, UNSET));
        slots.extend([start, end]);
    }
    Found::Matched(found.end())
}

fn parse(pattern: &str) -> Result<Hir, Error> {
    let mut parser = ParserBuilder::new().multi_line(true).unicode(false).utf8(false).build();
    parser.parse(pattern).map_err(|error| invalid(&error))
}

fn invalid(error: &impl std::fmt::Display) -> Error {
    Error::Invalid(expression_fault(error))
}
