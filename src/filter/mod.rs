//! Filters: what changes or drops records between parser and router.
//!
//! A new filter is one file (or folder) here plus one line in [`PLUGINS`].

pub mod flyte;
pub mod kubernetes;
pub mod multiline;
pub mod parser;
pub mod redact;

use std::sync::Arc;

use bumpalo::Bump;

use crate::config::{Options, Plugin, Problems};
use crate::kubernetes::Pods;
use crate::record::{Member, Record, Source, Timestamp, Turn};
use crate::telemetry::accounts::FilterCounter;

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It goes on to the next filter.
    Keep,
    /// It ends here; counted as dropped by this filter.
    Drop,
}

/// One configured filter. Each worker has filters of its own: no locks, no sharing.
pub trait Filter: Send {
    /// Called once per block, before its records: the place to look up and render what all
    /// records of a source share, and to attach metadata to it for the filters behind.
    fn prepare(&mut self, source: &mut Source);

    /// Changes one record. Must not allocate on the common way; what is borrowed comes from the
    /// block, from the turn's arena, or from what `prepare` keeps in the filter.
    fn apply<'t>(&'t self, record: &mut Record<'t>, turn: &Turn<'t>) -> Action;

    /// What it counted since the start, for the metrics.
    fn counters(&self) -> Vec<FilterCounter> {
        Vec::new()
    }
}

/// A parser as filters see it.
pub trait TextParser: Send {
    /// Cuts `text` into members and appends them. The time that it tells, if it tells one; `None`
    /// if it does not match, which leaves the members alone. `now` completes times without a year.
    fn parse<'t>(
        &'t self,
        text: &'t [u8],
        arena: &'t Bump,
        now: Timestamp,
        members: &mut Vec<Member<'t>>,
    ) -> Option<Option<Timestamp>>;

    /// Texts since the start that it gave up because the search took too long.
    fn cut_off(&self) -> u64;
}

/// The parsers that a repeatable option names. A name that stands for none is a problem.
pub type FindParsers<'s> = dyn Fn(&Options<'_>, &str, &mut Problems) -> Vec<Box<dyn TextParser>> + 's;

/// What filters are given by the configuration around them.
pub struct Surroundings<'s> {
    /// Finds parsers.
    pub parsers: &'s FindParsers<'s>,
    /// Gives every parser with its name, for records that name theirs.
    pub every_parser: &'s dyn Fn() -> Vec<(String, Box<dyn TextParser>)>,
    /// The pods of this node, if the filter asked for them.
    pub pods: Option<Arc<Pods>>,
}

/// Builds a filter from its checked options.
pub type Build = fn(&Options<'_>, &Surroundings<'_>, &mut Problems) -> Option<Box<dyn Filter>>;

/// Every filter that a configuration can name.
pub const PLUGINS: &[(Plugin, Build)] = &[
    (kubernetes::PLUGIN, kubernetes::build),
    (flyte::PLUGIN, |options, _, problems| flyte::build(options, problems)),
    (parser::PLUGIN, parser::build),
    (redact::PLUGIN, |options, _, problems| redact::build(options, problems)),
    (multiline::PLUGIN, |options, _, problems| multiline::build(options, problems)),
];
