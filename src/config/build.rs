//! One section to one instance: checked options, its name, its tag or what it takes.

use super::check::{Rules, check};
use super::environment::Environment;
use super::instance::{Bound, Instance};
use super::matching::Match;
use super::option::{Class, Plugin};
use super::problem::{Place, Problems, expression_fault};
use super::written::{Entry, Section, SectionKind};

/// What an instance is made of.
pub(super) struct Blueprint<'b> {
    pub(super) class: Class,
    pub(super) plugin: &'b Plugin,
    pub(super) section: &'b Section,
    /// How many instances of the same plugin stand before it.
    pub(super) number: usize,
    /// There is one input and one output: without `Match`, the output takes all.
    pub(super) is_alone: bool,
    /// The input or output that a processor works for.
    pub(super) bound: Option<Bound>,
}

impl Blueprint<'_> {
    pub(super) fn build(&self, environment: &Environment, problems: &mut Problems) -> Instance {
        let subject = self.subject();
        let (class, plugin) = (self.class, self.plugin.name);
        let rules = Rules { class, plugin, subject: &subject, own: self.plugin.options, common: class.common() };
        let numbered = format!("{}.{}", self.plugin.name, self.number);
        let mut instance = Instance {
            plugin: self.plugin.name.to_owned(),
            name: numbered.clone(),
            place: self.section.place.clone(),
            own: rules.own,
            common: rules.common,
            settings: check(self.section, &rules, environment, problems),
            tag: None,
            routing: Match::never(),
            bound: self.bound,
        };
        let name_key = if self.class.is_definition() { "Name" } else { "Alias" };
        if let Some(name) = instance.options().text(name_key) {
            instance.name = name.to_owned();
        }
        match self.class {
            // The alias names the instance, not its records, as in Fluent Bit.
            Class::Input => instance.tag = Some(instance.options().text("Tag").unwrap_or(&numbered).to_owned()),
            Class::Filter if self.bound.is_some() => instance.routing = Match::everything(),
            Class::Filter | Class::Output => instance.routing = self.routing(&instance, &subject, problems),
            Class::Service | Class::Parser | Class::MultilineParser => {}
        }
        instance
    }

    /// The section as messages call it.
    fn subject(&self) -> String {
        match self.section.value("Name").filter(|_| self.class.is_definition()) {
            Some(name) => format!("{} \"{name}\"", self.class.noun()),
            None => format!("{} \"{}\"", self.class.noun(), self.plugin.name),
        }
    }

    fn routing(&self, instance: &Instance, subject: &str, problems: &mut Problems) -> Match {
        let options = instance.options();
        let matching = options.text("Match").map_or_else(Match::never, Match::pattern);
        let Some(expression) = options.text("Match_Regex") else {
            if !matching.is_never() {
                return matching;
            }
            if self.class == Class::Output && self.is_alone {
                return Match::everything();
            }
            let message = format!("{subject} has no Match: no record gets to it");
            problems.push(options.warning("Match", message).with_hint("Match * takes all"));
            return matching;
        };
        matching.clone().or_expression(expression).unwrap_or_else(|error| {
            let problem = options.problem("Match_Regex", "Match_Regex is not a regular expression that works here");
            problems.push(problem.with_hint(expression_fault(&error)));
            matching
        })
    }
}

/// Makes one instance from keys and values in memory, for instance of a command line.
#[must_use]
pub fn instance(
    class: Class,
    plugin: &Plugin,
    pairs: &[(&str, &str)],
    environment: &Environment,
) -> (Instance, Problems) {
    let place = Place::new(class.noun(), 0);
    let mut section = Section::new(SectionKind::Known(class), class.noun(), place.clone());
    for (key, value) in pairs {
        section.entries.push(Entry::new(*key, *value, place.clone()));
    }
    let mut problems = Problems::new();
    let blueprint = Blueprint { class, plugin, section: &section, number: 0, is_alone: true, bound: None };
    let instance = blueprint.build(environment, &mut problems);
    (instance, problems)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Kind, OptionSpec};

    #[test]
    fn an_instance_can_be_made_in_memory() {
        let plugin = Plugin {
            name: "null",
            doc: "",
            options: const { &[OptionSpec::new("Format", Kind::Choice(&["json"]), "", "")] },
        };
        let pairs = [("format", "JSON"), ("Host", "${NODE}"), ("Port", "x")];
        let environment = Environment::from_pairs([("NODE", "n1")]);
        let (instance, problems) = instance(Class::Output, &plugin, &pairs, &environment);
        assert_eq!((instance.name(), instance.options().text("Format")), ("null.0", Some("json")));
        assert_eq!(instance.options().text("Host"), Some("n1"));
        assert!(instance.routing().matches("any"));
        assert_eq!(problems.to_string(), "output: error: Port: \"x\" is not a port (1 to 65535)\n");
    }
}
