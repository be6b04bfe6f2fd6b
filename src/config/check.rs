//! One section against the tables: unknown and repeated keys, variables, kinds of values.

use super::environment::Environment;
use super::foreign;
use super::instance::Setting;
use super::option::{Class, Kind, OptionSpec, find, is_secret};
use super::problem::{Place, Problem, Problems, Severity};
use super::suggest::closest;
use super::written::{Entry, Section};

/// What a section is checked against.
pub(super) struct Rules<'r> {
    pub(super) class: Class,
    /// The plugin's name.
    pub(super) plugin: &'r str,
    /// The section in messages: `input "tail"`.
    pub(super) subject: &'r str,
    pub(super) own: &'static [OptionSpec],
    pub(super) common: &'static [OptionSpec],
}

/// Checks a section and returns the settings that may be relied on.
pub(super) fn check(
    section: &Section,
    rules: &Rules<'_>,
    environment: &Environment,
    problems: &mut Problems,
) -> Vec<Setting> {
    let mut settings: Vec<Setting> = Vec::new();
    let mut ignored: Vec<(&Entry, &OptionSpec)> = Vec::new();
    for entry in &section.entries {
        let Some(spec) = find(rules.own, rules.common, &entry.key) else {
            problems.push(rules.unknown_key(entry));
            continue;
        };
        if spec.kind == Kind::Ignored {
            ignored.push((entry, spec));
            continue;
        }
        if let Some(value) = value(entry, spec, environment, problems) {
            let is_plain = !entry.value.contains("${");
            settings.push(Setting { spec, value, is_plain, place: entry.value_place.clone() });
        }
    }
    rules.repetitions(section, problems);
    problems.extend(rules.notice(&ignored));
    settings
}

/// A key's value, variables expanded; `None` if there is none or if it does not fit.
fn value(entry: &Entry, spec: &OptionSpec, environment: &Environment, problems: &mut Problems) -> Option<String> {
    let expanded = environment.expand(&entry.value);
    for variable in &expanded.unset {
        let message = format!("variable ${{{variable}}} is used but not set");
        let hint = match expanded.text.is_empty() {
            true => format!("{} counts as not given", spec.name),
            false => format!("nothing stands in its place in {}", spec.name),
        };
        problems.push(Problem::new(Severity::Warning, &entry.value_place, message).with_hint(hint));
    }
    if expanded.text.is_empty() {
        return None;
    }
    match spec.kind.check(&expanded.text) {
        Ok(()) => Some(expanded.text),
        Err(expected) => {
            problems.push(misfit(entry, spec, &expected));
            None
        }
    }
}

/// A value that is not of its kind. It is shown as it is written, variables not expanded, since
/// these may hold secrets.
fn misfit(entry: &Entry, spec: &OptionSpec, expected: &str) -> Problem {
    let value = if is_secret(spec.name) { "the value".to_owned() } else { format!("\"{}\"", entry.value) };
    let message = format!("{}: {value} is not {expected}", spec.name);
    match spec.kind {
        // Fluent Bit warns, too, and takes its default.
        Kind::Retries => {
            Problem::new(Severity::Warning, &entry.value_place, message).with_hint("there is no limit then")
        }
        Kind::Choice(words) => {
            let problem = Problem::new(Severity::Error, &entry.value_place, message);
            let hint = closest(&entry.value, words.iter().copied()).map(|word| format!("did you mean \"{word}\"?"));
            Problem { hint, ..problem }
        }
        _ => Problem::new(Severity::Error, &entry.value_place, message),
    }
}

impl Rules<'_> {
    /// Fluent Bit refuses unknown keys of plugins, and passes over those of `[SERVICE]` and `[PARSER]`.
    fn unknown_key(&self, entry: &Entry) -> Problem {
        let is_foreign = match self.class {
            Class::Service => foreign::is_service_key(&entry.key),
            Class::Input | Class::Filter | Class::Output => foreign::is_plugin_key(self.plugin, &entry.key),
            Class::Parser | Class::MultilineParser => false,
        };
        if is_foreign {
            let message = format!("key \"{}\" of {} is not supported yet", entry.key, self.subject);
            return Problem::new(Severity::Error, &entry.place, message);
        }
        let severity = match self.class {
            Class::Service | Class::Parser | Class::MultilineParser => Severity::Warning,
            Class::Input | Class::Filter | Class::Output => Severity::Error,
        };
        let message = format!("unknown key \"{}\" of {}", entry.key, self.subject);
        let known = || self.own.iter().chain(self.common);
        let meant = closest(&entry.key, known().map(|spec| spec.name));
        let mut allowed: Vec<&str> = Vec::new();
        for spec in known().filter(|spec| spec.kind != Kind::Ignored) {
            if !allowed.iter().any(|name| spec.is_named(name)) {
                allowed.push(spec.name);
            }
        }
        let meant = meant.map(|name| format!("did you mean \"{name}\"? ")).unwrap_or_default();
        let hint = format!("{meant}allowed keys: {}", allowed.join(", "));
        Problem::new(severity, &entry.place, message).with_hint(hint)
    }

    /// Keys that stand more than once and may not. For a plugin's own keys that is an error in
    /// Fluent Bit; of those that all plugins have the last one counts, as in `[SERVICE]`.
    fn repetitions(&self, section: &Section, problems: &mut Problems) {
        let mut told: Vec<&'static str> = Vec::new();
        for (index, entry) in section.entries.iter().enumerate() {
            let Some(spec) = find(self.own, self.common, &entry.key) else { continue };
            let is_first = !section.entries[..index].iter().any(|earlier| spec.is_named(&earlier.key));
            if spec.repeatable || is_first || told.contains(&spec.name) {
                continue;
            }
            told.push(spec.name);
            let count = section.entries.iter().filter(|other| spec.is_named(&other.key)).count();
            let is_common = self.common.iter().any(|common| common.is_named(spec.name));
            let is_strict = matches!(self.class, Class::Input | Class::Filter | Class::Output) && !is_common;
            let message = format!("{} is set {count} times in {}", spec.name, self.subject);
            problems.push(if is_strict {
                Problem::new(Severity::Error, &entry.place, message)
            } else {
                Problem::new(Severity::Warning, &entry.place, message).with_hint("the last one counts")
            });
        }
    }

    /// One notice for all keys of a section that have no meaning here.
    fn notice(&self, ignored: &[(&Entry, &OptionSpec)]) -> Option<Problem> {
        let (first, _) = ignored.first()?;
        let place: &Place = &first.place;
        let names: Vec<&str> = ignored.iter().map(|(_, spec)| spec.name).collect();
        let verb = if names.len() == 1 { "has" } else { "have" };
        let message = format!("{} of {} {verb} no meaning here", names.join(", "), self.subject);
        let mut reasons: Vec<&str> = Vec::new();
        for (_, spec) in ignored {
            if !reasons.contains(&spec.doc) {
                reasons.push(spec.doc);
            }
        }
        Some(Problem::new(Severity::Notice, place, message).with_hint(reasons.join(" ")))
    }
}
