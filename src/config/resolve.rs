//! From sections as they are written to a configuration that can run, with all problems at once.

use std::fs;
use std::path::{Path, PathBuf};

use super::build::Blueprint;
use super::check::{Rules, check};
use super::environment::Environment;
use super::foreign;
use super::instance::{Bound, Instance};
use super::matching::Match;
use super::option::{Class, Plugin, Registry};
use super::problem::{Place, Problem, Problems, Severity};
use super::reader::{Reader, locate, real, reason, section_names};
use super::service::{SERVICE, Service};
use super::suggest::closest;
use super::units;
use super::upstream;
use super::written::{Section, SectionKind, Written};

/// A resolved configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The process as a whole.
    pub service: Service,
    /// The inputs, in order.
    pub inputs: Vec<Instance>,
    /// The filters, in the order in which they apply: processors of inputs, then those of the
    /// pipeline, then processors of outputs.
    pub filters: Vec<Instance>,
    /// The outputs, in order.
    pub outputs: Vec<Instance>,
    /// The parsers of all parsers files, in order.
    pub parsers: Vec<Instance>,
    /// The multi-line parsers of all parsers files, in order.
    pub multiline_parsers: Vec<Instance>,
}

/// Resolves a configuration. With errors among the problems it must not run, but it holds all that
/// could be understood, so that later checks can add what they find.
#[must_use]
pub fn resolve(written: &Written, registry: &Registry<'_>, environment: &Environment) -> (Config, Problems) {
    let mut problems = Problems::new();
    let environment = with_variables(written, environment, &mut problems);
    let mut resolver = Resolver { written, registry, environment, processors: Vec::new(), problems };
    resolver.refuse_sections(&written.sections, Class::is_definition);
    let service = resolver.service();
    let (parsers, multiline_parsers) = resolver.parsers(&service);
    let inputs = resolver.instances(Class::Input, registry.inputs);
    let mut filters = std::mem::take(&mut resolver.processors);
    filters.extend(resolver.instances(Class::Filter, registry.filters));
    let outputs = resolver.instances(Class::Output, registry.outputs);
    filters.append(&mut resolver.processors);
    (Config { service, inputs, filters, outputs, parsers, multiline_parsers }, resolver.problems)
}

/// The environment with what the files set themselves, whose variables come first.
fn with_variables(written: &Written, environment: &Environment, problems: &mut Problems) -> Environment {
    let mut environment = environment.clone();
    for variable in &written.variables {
        match variable.value.strip_prefix("file://") {
            None => environment.set(&variable.key, &variable.value),
            Some(file) => match fs::read_to_string(locate(Path::new(file), &written.base)) {
                Ok(text) if !without_line_end(&text).is_empty() => {
                    environment.set(&variable.key, without_line_end(&text));
                }
                Ok(_) => problems.push(error(&variable.value_place, format!("{file} is empty"))),
                Err(failed) => {
                    problems.push(error(&variable.value_place, format!("cannot read {file}: {}", reason(&failed))));
                }
            },
        }
    }
    environment
}

fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

fn error(place: &Place, message: impl Into<String>) -> Problem {
    Problem::new(Severity::Error, place, message)
}

struct Resolver<'w, 'r> {
    written: &'w Written,
    registry: &'r Registry<'r>,
    environment: Environment,
    /// Those of the inputs or outputs that were built last.
    processors: Vec<Instance>,
    problems: Problems,
}

impl<'w> Resolver<'w, '_> {
    /// Reports sections that nobody knows, that are not supported, or that belong elsewhere.
    fn refuse_sections(&mut self, sections: &[Section], is_misplaced: fn(Class) -> bool) {
        for section in sections {
            let problem = match section.kind {
                SectionKind::Known(class) if is_misplaced(class) => {
                    error(&section.place, format!("[{}] is allowed only in a parsers file", section.name))
                        .with_hint("move it to a file and name that with Parsers_File in [SERVICE]")
                }
                SectionKind::Known(_) | SectionKind::Upstream | SectionKind::Node => continue,
                SectionKind::Unsupported(full) => {
                    error(&section.place, format!("[{full}] sections are not supported yet"))
                }
                SectionKind::Unknown => unknown_section(section),
            };
            self.problems.push(problem);
        }
    }

    fn sections(&self, class: Class) -> impl Iterator<Item = &'w Section> + use<'w> {
        self.written.sections.iter().filter(move |section| section.kind == SectionKind::Known(class))
    }

    /// All service sections, as one.
    fn service(&mut self) -> Service {
        let place = Place::new("[SERVICE]", 0);
        let mut merged = Section::new(SectionKind::Known(Class::Service), "SERVICE", place);
        for (index, section) in self.sections(Class::Service).enumerate() {
            if index == 0 {
                merged.place = section.place.clone();
            }
            merged.entries.extend(section.entries.iter().cloned());
        }
        let (class, plugin) = (Class::Service, SERVICE.name);
        let rules = Rules { class, plugin, subject: "[SERVICE]", own: SERVICE.options, common: &[] };
        let settings = check(&merged, &rules, &self.environment, &mut self.problems);
        let instance = Instance {
            plugin: SERVICE.name.to_owned(),
            name: SERVICE.name.to_owned(),
            place: merged.place,
            own: SERVICE.options,
            common: &[],
            settings,
            tag: None,
            routing: Match::never(),
            bound: None,
        };
        Service::new(&instance.options(), &self.environment, &mut self.problems)
    }

    /// The parsers and the multi-line parsers.
    fn parsers(&mut self, service: &Service) -> (Vec<Instance>, Vec<Instance>) {
        let (mut parsers, mut multiline_parsers) = (Vec::new(), Vec::new());
        let mut seen: Vec<PathBuf> = Vec::new();
        let in_place = Written { parsers: self.written.parsers.clone(), ..Written::default() };
        self.parsers_of(&in_place, &mut parsers, &mut multiline_parsers);
        for name in &service.parsers_files {
            let place = self.parsers_file_place(name);
            let file = locate(name, &self.written.base);
            if seen.contains(&real(&file)) {
                let message = format!("parsers file {} is named a second time", name.display());
                self.problems.push(Problem::new(Severity::Warning, &place, message));
                continue;
            }
            seen.push(real(&file));
            let written = Reader::new(&file, &self.written.base, &mut self.problems).read(&place);
            self.parsers_of(&written, &mut parsers, &mut multiline_parsers);
        }
        (parsers, multiline_parsers)
    }

    /// The line that names a parsers file.
    fn parsers_file_place(&self, file: &Path) -> Place {
        let entries = || self.sections(Class::Service).flat_map(|section| &section.entries);
        entries()
            .find(|entry| {
                entry.key.eq_ignore_ascii_case("Parsers_File")
                    && Path::new(&self.environment.expand(&entry.value).text) == file
            })
            .map_or_else(|| Place::new(file, 0), |entry| entry.value_place.clone())
    }

    fn parsers_of(&mut self, file: &Written, parsers: &mut Vec<Instance>, multiline_parsers: &mut Vec<Instance>) {
        for section in file.sections.iter().chain(&file.parsers) {
            match section.kind {
                SectionKind::Known(class @ Class::Parser) => {
                    self.add_parser(class, self.registry.parser, section, parsers);
                }
                SectionKind::Known(class @ Class::MultilineParser) => {
                    self.add_parser(class, self.registry.multiline_parser, section, multiline_parsers);
                }
                SectionKind::Known(_) | SectionKind::Upstream | SectionKind::Node => {
                    let message = format!("[{}] has no effect in a parsers file", section.name);
                    self.problems.push(Problem::new(Severity::Warning, &section.place, message));
                }
                SectionKind::Unsupported(_) | SectionKind::Unknown => {
                    self.refuse_sections(std::slice::from_ref(section), |_| false);
                }
            }
        }
        for variable in &file.variables {
            let message = "@SET has no effect in a parsers file";
            self.problems.push(Problem::new(Severity::Warning, &variable.place, message));
        }
    }

    fn add_parser(&mut self, class: Class, plugin: &Plugin, section: &Section, parsers: &mut Vec<Instance>) {
        let blueprint = Blueprint { class, plugin, section, number: parsers.len(), is_alone: false, bound: None };
        let parser = blueprint.build(&self.environment, &mut self.problems);
        let is_same = |one: &str, other: &str| match class {
            Class::MultilineParser => one.eq_ignore_ascii_case(other),
            _ => one == other,
        };
        if !parser.options().is_set("Name") {
            self.problems.push(error(&parser.place, format!("this [{}] has no Name", section.name)));
        } else if let Some(first) = parsers.iter().find(|other| is_same(&other.name, &parser.name)) {
            let message = format!("{} \"{}\" is defined a second time", class.noun(), parser.name);
            let hint = format!("the first is at {}", first.place);
            self.problems.push(parser.options().problem("Name", message).with_hint(hint));
        } else {
            parsers.push(parser);
        }
    }

    fn instances(&mut self, class: Class, plugins: &[Plugin]) -> Vec<Instance> {
        let is_alone = self.sections(Class::Input).count() == 1 && self.sections(Class::Output).count() == 1;
        let mut instances: Vec<Instance> = Vec::new();
        for section in self.sections(class) {
            let Some(plugin) = self.plugin(class, plugins, section) else { continue };
            let bound = if class == Class::Input { Bound::Input } else { Bound::Output }(instances.len());
            let number = instances.iter().filter(|other| other.plugin == plugin.name).count();
            let with_servers = upstream::applied(section, plugin, self.written, &self.environment, &mut self.problems);
            let blueprint = Blueprint { class, plugin, section: &with_servers, number, is_alone, bound: None };
            let instance = blueprint.build(&self.environment, &mut self.problems);
            self.processors_of(section, bound, &instance);
            if let Some(first) = instances.iter().find(|other| other.name == instance.name) {
                let message = format!("two {}s are called \"{}\"", class.noun(), instance.name);
                let hint = format!("the other is at {}; logs and metrics cannot tell them apart", first.place);
                self.problems.push(instance.options().warning("Alias", message).with_hint(hint));
            }
            instances.push(instance);
        }
        if class != Class::Filter && !self.written.is_partial && self.sections(class).next().is_none() {
            let place = Place::new(&self.written.file, 0);
            let message = format!("there is no [{}]", class.noun().to_ascii_uppercase());
            self.problems.push(Problem::new(Severity::Warning, &place, message));
        }
        instances
    }

    /// The processors of an input or output: filters that are bound to it.
    fn processors_of(&mut self, section: &Section, bound: Bound, owner: &Instance) {
        let registry = self.registry;
        for section in &section.processors {
            if section.value("Active").and_then(units::boolean) == Some(false) {
                continue;
            }
            let Some(plugin) = self.plugin(Class::Filter, registry.filters, section) else { continue };
            let number = self.processors.iter().filter(|other| other.plugin == plugin.name).count();
            let (class, bound) = (Class::Filter, Some(bound));
            let blueprint = Blueprint { class, plugin, section, number, is_alone: false, bound };
            let mut processor = blueprint.build(&self.environment, &mut self.problems);
            if !processor.options().is_set("Alias") {
                processor.name = format!("{}/{}", owner.name, processor.name);
            }
            self.processors.push(processor);
        }
    }

    /// The plugin that a section names.
    fn plugin<'p>(&mut self, class: Class, plugins: &'p [Plugin], section: &Section) -> Option<&'p Plugin> {
        let written = section.value("Name").unwrap_or_default();
        let name = self.environment.expand(written).text.to_ascii_lowercase();
        if let Some(plugin) = plugins.iter().find(|plugin| plugin.name == name) {
            return Some(plugin);
        }
        let names: Vec<&str> = plugins.iter().map(|plugin| plugin.name).collect();
        let available = format!("{}s: {}", class.noun(), names.join(", "));
        let (message, hint) = if name.is_empty() {
            (format!("this [{}] has no Name", section.name), available)
        } else if foreign::is_processor(class, &name) {
            (format!("processor \"{name}\" of Fluent Bit is not supported yet"), available)
        } else if foreign::is_plugin(class, &name) {
            (format!("{} \"{name}\" of Fluent Bit is not supported yet", class.noun()), available)
        } else {
            let meant = closest(&name, names.iter().copied());
            let meant = meant.map(|name| format!("did you mean \"{name}\"? ")).unwrap_or_default();
            (format!("unknown {} \"{written}\"", class.noun()), format!("{meant}{available}"))
        };
        let at_name = section.entries.iter().rev().find(|entry| entry.key.eq_ignore_ascii_case("Name"));
        let place = at_name.map_or(&section.place, |entry| &entry.value_place);
        self.problems.push(error(place, message).with_hint(hint));
        None
    }
}

fn unknown_section(section: &Section) -> Problem {
    let problem = error(&section.place, format!("unknown section [{}]", section.name));
    let known = "known are SERVICE, INPUT, FILTER, OUTPUT and, in parsers files, PARSER and MULTILINE_PARSER";
    match closest(&section.name, section_names()) {
        Some(name) => problem.with_hint(format!("did you mean [{name}]?")),
        None => problem.with_hint(known),
    }
}

#[cfg(test)]
mod tests;
