//! Sections that each are right, but together give documents whose fields have other names than those that the
//! template and the searches know.

use super::lints::tags;
use crate::config::{Bound, Config, Instance, Match, Problem, Problems};
use crate::record::field_names::FieldNames;

const KEY: &str = "Field_Names";
const FLYTE: &str = "flyte";

/// Adds what is found to the problems. `filters` are those of the configuration with those that are added by themselves.
pub(super) fn check(config: &Config, filters: &[Instance], problems: &mut Problems) {
    for (index, filter) in filters.iter().enumerate().filter(|(_, filter)| filter.plugin() == FLYTE) {
        problems.extend(filters[..index].iter().find_map(|before| differs(filter, before, config)));
    }
    for (index, output) in config.outputs.iter().enumerate() {
        problems.extend(filters.iter().find_map(|filter| loses_dots(index, output, filter, config)));
    }
}

fn fields(filter: &Instance) -> FieldNames {
    FieldNames::of_word(filter.options().text(KEY))
}

/// A Flyte filter that does not go on with the names of the kubernetes filter before it.
fn differs(filter: &Instance, before: &Instance, config: &Config) -> Option<Problem> {
    if before.plugin() != "kubernetes" || fields(filter) == fields(before) || !meet(filter, before, config) {
        return None;
    }
    let word = |filter| if fields(filter) == FieldNames::Ecs { "ecs" } else { "default" };
    let message = format!(
        "documents get names of two kinds: {KEY} is {} here, and {} in filter \"{}\"",
        word(filter),
        word(before),
        before.name()
    );
    let hint = format!("write the same {KEY} here as in {}", before.place());
    Some(filter.options().warning(KEY, message).with_hint(hint))
}

/// An output that takes the dots out of names which have some.
fn loses_dots(index: usize, output: &Instance, filter: &Instance, config: &Config) -> Option<Problem> {
    const REPLACE: &str = "Replace_Dots";
    let options = output.options();
    let is_dotted = filter.plugin() == FLYTE && fields(filter) == FieldNames::Ecs;
    if !is_dotted || !options.knows(REPLACE) || !options.boolean(REPLACE) {
        return None;
    }
    let output = Taker { bound: Some(Bound::Output(index)), routing: output.routing() };
    if !output.meets(&Taker::from(filter), config) {
        return None;
    }
    let message = format!(
        "{REPLACE} makes log_level of log.level, and so on: neither the template of {KEY} ecs nor searches know such names"
    );
    let hint =
        format!("take {REPLACE} out: to the servers a name with dots is the same as objects; or take {KEY} ecs out");
    Some(options.warning(REPLACE, message).with_hint(hint))
}

/// Whether some record may go through both filters.
fn meet(one: &Instance, other: &Instance, config: &Config) -> bool {
    Taker::from(one).meets(&Taker::from(other), config)
}

/// What takes records: a filter, or an output.
struct Taker<'c> {
    bound: Option<Bound>,
    routing: &'c Match,
}

impl<'c> From<&'c Instance> for Taker<'c> {
    fn from(filter: &'c Instance) -> Self {
        Self { bound: filter.bound(), routing: filter.routing() }
    }
}

impl Taker<'_> {
    fn meets(&self, other: &Self, config: &Config) -> bool {
        let is_apart = match (self.bound, other.bound) {
            (Some(Bound::Output(one)), Some(Bound::Output(other))) => one != other,
            _ => false,
        };
        let meet = |(input, instance): (usize, &Instance)| {
            tags(instance).iter().any(|tag| self.may_take(input, tag, config) && other.may_take(input, tag, config))
        };
        !is_apart && config.inputs.iter().enumerate().any(meet)
    }

    fn may_take(&self, input: usize, tag: &str, config: &Config) -> bool {
        match self.bound {
            Some(Bound::Input(bound)) => bound == input,
            Some(Bound::Output(bound)) => {
                config.outputs.get(bound).is_some_and(|output| output.routing().may_match(tag))
            }
            None => self.routing.may_match(tag),
        }
    }
}
