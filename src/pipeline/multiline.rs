//! Multi-line: what a configuration defines, and which inputs join what its filters ask for.

use std::sync::Arc;
use std::time::Duration;

use super::cutting::Cutter;
use super::reading::Reading;
use crate::config::{Bound, Config, Instance, Match, Options, Place, Problem, Problems};
use crate::decode::multiline::{Chosen, Cutting, Definition, Limits, MOST_LINES, Matches};
use crate::filter;
use crate::input::tail;
use crate::parser::{Matcher, Parser, Parsers};

pub use crate::decode::multiline::{Chain, Definitions, Explained, PLUGIN, Role, explain};

impl Matches for Matcher {
    fn matches(&self, text: &[u8]) -> bool {
        self.is_match(text)
    }

    fn engine(&self) -> Option<String> {
        let (kind, reason) = Self::engine(self);
        Some(format!("{} engine: {reason}", kind.name()))
    }

    fn take_cut_off(&self) -> u64 {
        Self::take_cut_off(self)
    }
}

/// The multi-line parsers that sections define, and those that are built in, with what cuts lines
/// for them, by number.
#[must_use]
pub fn definitions(
    sections: &[Instance],
    parsers: &Parsers,
    problems: &mut Problems,
) -> (Definitions, Vec<Arc<Cutter>>) {
    let compile = |text: &str| Matcher::new(text).map(|matcher| Arc::new(matcher) as Arc<dyn Matches>);
    let mut cutters = Vec::new();
    let mut cutting_of = |options: &Options<'_>| {
        let cutter = Arc::new(Cutter::new(options, parsers)?);
        let has_keys = cutter.has_keys();
        cutters.push(Arc::clone(&cutter));
        Ok(Cutting { number: cutters.len() - 1, cut: cutter, has_keys })
    };
    let definitions = Definitions::new(sections, compile, &mut cutting_of, problems);
    (definitions, cutters)
}

/// Whether a line begins a group: a parser matches it.
#[derive(Debug)]
struct Begins(Parser);

impl Matches for Begins {
    fn matches(&self, text: &[u8]) -> bool {
        self.0.is_match(text)
    }

    fn take_cut_off(&self) -> u64 {
        self.0.take_cut_off()
    }
}

/// Groups of which each begins with a line that this parser matches, and goes on with all that it
/// does not match, up to a pause of this length.
pub(super) fn by_first_line(name: &str, parser: Parser, pause: Duration) -> Chain {
    // As in Fluent Bit, there is no group without a pause.
    let pause = pause.max(Duration::from_secs(1));
    let gap = i64::try_from(pause.as_nanos()).unwrap_or(i64::MAX);
    Chain::new([Arc::new(Definition::by_first_line(name, gap, Arc::new(Begins(parser))))])
}

/// The limits of a configuration that says nothing of them.
pub const LIMITS: Limits = Limits { bytes: 2 << 20, lines: MOST_LINES };

/// What is joined where.
#[derive(Debug)]
pub struct Joining {
    /// All multi-line parsers.
    pub definitions: Definitions,
    /// What cuts lines for them, by number.
    pub(super) cutters: Vec<Arc<Cutter>>,
    filters: Vec<Asking>,
}

/// A filter that asks inputs to join lines.
#[derive(Debug)]
struct Asking {
    filter: Instance,
    chosen: Chosen,
    /// Where the one input stands that it is a processor of; `None` for all that its tags allow.
    owner: Option<Place>,
}

/// What a filter asks the inputs to join.
#[derive(Debug, Clone)]
pub struct FilterJoin {
    /// The tags that it takes.
    pub routing: Match,
    /// How their lines are joined.
    pub chain: Chain,
}

impl Joining {
    /// Reads the definitions and the filters of a configuration.
    #[must_use]
    pub fn new(config: &Config, parsers: &Parsers, problems: &mut Problems) -> Self {
        let (definitions, cutters) = definitions(&config.multiline_parsers, parsers, problems);
        let mut filters = Vec::new();
        for (index, filter) in config.filters.iter().enumerate() {
            if filter.plugin() != filter::multiline::PLUGIN.name {
                continue;
            }
            if let Some(Bound::Output(_)) = filter.bound() {
                problems.push(is_too_late(filter));
                continue;
            }
            problems.extend(before(filter, &config.filters[..index]).map(|other| stands_behind(filter, other)));
            let chosen = definitions.named_by(&filter.options(), "multiline.parser", problems);
            let owner = match filter.bound() {
                Some(Bound::Input(number)) => config.inputs.get(number).map(|input| input.place().clone()),
                _ => None,
            };
            filters.push(Asking { filter: filter.clone(), chosen, owner });
        }
        Self { definitions, cutters, filters }
    }

    /// What filters ask an input to join.
    pub(super) fn of_input(&self, input: &Instance, reading: &Reading, problems: &mut Problems) -> Vec<FilterJoin> {
        let mut joins = Vec::new();
        let is_for_it = |asking: &&Asking| asking.owner.as_ref().is_none_or(|owner| owner == input.place());
        for Asking { filter, chosen, .. } in self.filters.iter().filter(is_for_it) {
            // Of a tag that paths complete, not all is known before there are files.
            let takes_it = input.tag().is_some_and(|tag| filter.routing().matches(tag));
            match refusal(filter, input, reading) {
                Some(problem) if takes_it => problems.push(problem),
                Some(_) => {}
                None => joins.push(FilterJoin { routing: filter.routing().clone(), chain: chosen.chain.clone() }),
            }
        }
        joins
    }
}

/// The first of the filters in front of this one that may change what it takes.
fn before<'f>(filter: &Instance, others: &'f [Instance]) -> Option<&'f Instance> {
    // These only add what is the same for all lines of a container.
    let neutral = [filter::multiline::PLUGIN.name, filter::kubernetes::PLUGIN.name, filter::flyte::PLUGIN.name];
    let is_on_its_way = |other: &&Instance| filter.bound().is_none() || other.bound() == filter.bound();
    others.iter().filter(is_on_its_way).find(|other| !neutral.contains(&other.plugin()))
}

/// Why an input cannot join what the filter asks for.
fn refusal(filter: &Instance, input: &Instance, reading: &Reading) -> Option<Problem> {
    let options = filter.options();
    let name = input.name();
    if input.plugin() != tail::PLUGIN.name {
        let message = format!("the filter multiline joins lines of tail inputs only, and takes records of {name}");
        return Some(options.problem("Match", message).with_hint("narrow its Match to the tags of tail inputs"));
    }
    if let Some(parser) = &reading.parser {
        let message =
            format!("the lines of {name} are cut by the parser {} before they could be joined", parser.name());
        let hint = "take the Parser from the input, and put a filter parser behind this one";
        return Some(options.problem("Match", message).with_hint(hint));
    }
    let key = options.text("multiline.key_content")?;
    if key.as_bytes() == reading.text_key {
        return None;
    }
    let text_key = String::from_utf8_lossy(&reading.text_key);
    let message = format!("the lines of {name} stand under the key {text_key}, not {key}");
    Some(
        options
            .problem("multiline.key_content", message)
            .with_hint(format!("write `multiline.key_content {text_key}`")),
    )
}

fn stands_behind(filter: &Instance, other: &Instance) -> Problem {
    let message = format!("lines are joined before {} sees them, though this filter stands behind it", other.name());
    filter.options().warning("Name", message).with_hint("make it the first filter")
}

fn is_too_late(filter: &Instance) -> Problem {
    let message = "the filter multiline cannot be a processor of an output: lines are joined where they are read";
    filter.options().problem("Name", message).with_hint("make it a processor of the input, or a filter of the pipeline")
}
