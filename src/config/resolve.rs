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
                SectionKind::Known(_) => continue,
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
                SectionKind::Known(_) => {
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
            let blueprint = Blueprint { class, plugin, section, number, is_alone, bound: None };
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
mod tests {
    use std::fs;

    use super::*;
    use crate::config::{Kind, OptionSpec, load};

    const DUMMY: Plugin = Plugin { name: "dummy", doc: "", options: &[OptionSpec::new("Dummy", Kind::Text, "", "")] };
    const STDOUT: Plugin = Plugin { name: "stdout", doc: "", options: &[] };
    const PARSER: Plugin = Plugin {
        name: "parser",
        doc: "",
        options: &[OptionSpec::new("Format", Kind::Choice(&["json", "regex"]), "", "")],
    };
    const REGISTRY: Registry<'_> =
        Registry { inputs: &[DUMMY], filters: &[], outputs: &[STDOUT], parser: &PARSER, multiline_parser: &PARSER };

    /// Loads the files, of which the first is the main one, with an input and an output added.
    fn loaded(files: &[(&str, &str)]) -> (Config, Vec<String>) {
        let directory = tempfile::tempdir().unwrap();
        let prefix = format!("{}/", directory.path().display());
        for (name, text) in files {
            fs::write(directory.path().join(name), text.replace("DIRECTORY/", &prefix)).unwrap();
        }
        let environment = Environment::from_pairs([("FILE", "b.conf"), ("X", "process")]);
        let (config, problems) = load(&directory.path().join(files[0].0), &REGISTRY, &environment);
        (config, problems.iter().map(|problem| problem.to_string().replace(&prefix, "")).collect())
    }

    const FRAME: &str = "[INPUT]\n  Name dummy\n  Dummy ${X}\n[OUTPUT]\n  Name stdout\n";

    #[test]
    fn parsers_come_from_all_parsers_files_in_order() {
        let main =
            format!("[SERVICE]\n  Parsers_File a.conf\n  Parsers_File ${{FILE}}\n  Parsers_File ./a.conf\n{FRAME}");
        let (config, problems) = loaded(&[
            ("main.conf", &main),
            ("a.conf", "[PARSER]\n  Name one\n  Format json\n[PARSER]\n  Name ${X}\n  Format JSON\n"),
            ("b.conf", "@INCLUDE c.conf\n"),
            ("c.conf", "[PARSER]\n  Name three\n  Format regex\n"),
        ]);
        let parsers: Vec<_> =
            config.parsers.iter().map(|one| (one.name(), one.plugin(), one.options().text("Format"))).collect();
        assert_eq!(
            parsers,
            [("one", "parser", Some("json")), ("process", "parser", Some("json")), ("three", "parser", Some("regex"))]
        );
        assert_eq!(problems, ["main.conf:4: warning: parsers file ./a.conf is named a second time"]);
        assert_eq!(config.service.parsers_files.len(), 3);
    }

    #[test]
    fn multiline_parsers_have_names_of_their_own_in_any_case() {
        let main = format!("[SERVICE]\n  Parsers_File a.conf\n{FRAME}");
        let parsers = "[PARSER]\n  Name one\n  Format json\n[MULTILINE_PARSER]\n  Name one\n[MULTILINE_PARSER]\n  Name ONE\n\
                       [MULTILINE_PARSER]\n  Format json\n";
        let (config, problems) = loaded(&[("main.conf", &main), ("a.conf", parsers)]);
        let names: Vec<_> = config.multiline_parsers.iter().map(Instance::name).collect();
        assert_eq!((config.parsers.len(), names), (1, vec!["one"]));
        assert_eq!(
            problems,
            [
                "a.conf:7: error: multiline parser \"ONE\" is defined a second time\n  hint: the first is at a.conf:4",
                "a.conf:8: error: this [MULTILINE_PARSER] has no Name",
            ]
        );
    }

    #[test]
    fn problems_of_parsers_files_stand_behind_those_of_the_main_file() {
        let main = format!("[SERVICE]\n  Parsers_File a.conf\n  Flush 0\n{FRAME}");
        let (config, problems) = loaded(&[
            ("main.conf", &main),
            (
                "a.conf",
                "@SET a=b\n[PARSER]\n  Name one\n  Format xml\n  Fromat json\n[PARSER]\n  Format json\n\
                 [STREAM_PROCESSOR]\n  Name m\n[INPUT]\n  Name dummy\n[PARSRE]\n  Name x\n[PARSER]\n  Name one\n",
            ),
        ]);
        assert_eq!(
            problems,
            [
                "main.conf:3: error: Flush must be above 0",
                "a.conf:1: warning: @SET has no effect in a parsers file",
                "a.conf:4: error: Format: \"xml\" is not one of json, regex",
                "a.conf:5: warning: unknown key \"Fromat\" of parser \"one\"\n  hint: did you mean \"Format\"? allowed \
                 keys: Format, Name",
                "a.conf:6: error: this [PARSER] has no Name",
                "a.conf:8: error: [STREAM_PROCESSOR] sections are not supported yet",
                "a.conf:10: warning: [INPUT] has no effect in a parsers file",
                "a.conf:12: error: unknown section [PARSRE]\n  hint: did you mean [PARSER]?",
                "a.conf:15: error: parser \"one\" is defined a second time\n  hint: the first is at a.conf:2",
            ]
        );
        assert_eq!(config.parsers.len(), 1);
    }

    #[test]
    fn variables_of_the_files_hold_everywhere_and_come_before_the_process() {
        for (command, expected) in [
            ("", Some("process")),
            ("@SET X=file's own\n", Some("file's own")),
            ("@SET X=first\n@SET X=second\n", Some("second")),
            ("@SET X=file://DIRECTORY/secret\n", Some("from a file ")),
        ] {
            let (config, problems) =
                loaded(&[("main.conf", &format!("{FRAME}{command}")), ("secret", "from a file \r\n")]);
            assert_eq!(problems, [""; 0], "{command}");
            assert_eq!(config.inputs[0].options().text("Dummy"), expected, "{command}");
        }
        let (_, problems) =
            loaded(&[("main.conf", &format!("@SET X=file://DIRECTORY/empty\n{FRAME}")), ("empty", "\n")]);
        assert_eq!(problems, ["main.conf:1: error: empty is empty"]);
    }
}
