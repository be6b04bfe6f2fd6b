//! One input, filter, output or parser of a configuration, resolved: its checked options.

use std::fmt;
use std::time::Duration;

use super::matching::Match;
use super::option::{Kind, OptionSpec, find, is_secret};
use super::problem::{Place, Problem, Severity};
use super::units;

/// A plugin with its options, or a parser.
#[derive(Debug, Clone)]
pub struct Instance {
    pub(super) plugin: String,
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) own: &'static [OptionSpec],
    pub(super) common: &'static [OptionSpec],
    /// What the user wrote and what passed the checks, in order.
    pub(super) settings: Vec<Setting>,
    pub(super) tag: Option<String>,
    pub(super) routing: Match,
    pub(super) bound: Option<Bound>,
}

/// The one input or output that a filter works for (as a processor), by its number in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Takes the records of this input alone.
    Input(usize),
    /// Takes what goes to this output, and nobody else sees what it changes.
    Output(usize),
}

impl Instance {
    /// The plugin's name in lower case; for a parser `parser`.
    #[must_use]
    pub fn plugin(&self) -> &str {
        &self.plugin
    }

    /// The name of this instance: its alias, or plugin and number (`tail.0`); for a parser its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its section begins.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Its options.
    #[must_use]
    pub fn options(&self) -> Options<'_> {
        Options { instance: self }
    }

    /// The tag of an input's records, by default plugin and number; other classes have none.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Which tags a filter or an output takes.
    #[must_use]
    pub fn routing(&self) -> &Match {
        &self.routing
    }

    /// The one input or output that a filter works for, if it is a processor.
    #[must_use]
    pub fn bound(&self) -> Option<Bound> {
        self.bound
    }

    /// The same instance for what another one takes.
    #[must_use]
    pub fn alongside(self, other: &Self) -> Self {
        Self { routing: other.routing.clone(), bound: other.bound, ..self }
    }

    /// What the user wrote that is a secret and stands there in plain text: keys and places.
    pub fn plain_secrets(&self) -> impl Iterator<Item = (&'static str, &Place)> {
        let is_plain = |setting: &&Setting| setting.is_plain && is_secret(setting.spec.name);
        self.settings.iter().filter(is_plain).map(|setting| (setting.spec.name, &setting.place))
    }

    /// How often an output tries again; `None` for as long as it takes.
    #[must_use]
    pub fn retry_limit(&self) -> Option<u32> {
        self.options().text("Retry_Limit").and_then(units::retries).flatten()
    }
}

/// A value that passed its check.
#[derive(Clone)]
pub(super) struct Setting {
    pub(super) spec: &'static OptionSpec,
    pub(super) value: String,
    /// It stands there as it is, without a variable.
    pub(super) is_plain: bool,
    /// The value's place.
    pub(super) place: Place,
}

impl fmt::Debug for Setting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = if is_secret(self.spec.name) { "(hidden)" } else { &self.value };
        write!(formatter, "{} = {value:?}", self.spec.name)
    }
}

/// The options of an instance, seen through the plugin's table. All was checked before: no getter
/// fails. Keys are those of the table, in any case; asking for another is a mistake of the caller
/// (found in debug builds) and gives what an unset key gives.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    instance: &'a Instance,
}

impl<'a> Options<'a> {
    /// The name of the instance: its alias, or plugin and number (`tail.0`).
    #[must_use]
    pub fn name(&self) -> &'a str {
        &self.instance.name
    }

    /// The tag of an input's records, by default plugin and number.
    #[must_use]
    pub fn tag(&self) -> &'a str {
        self.instance.tag.as_deref().unwrap_or(&self.instance.name)
    }

    /// Where the section begins.
    #[must_use]
    pub fn place(&self) -> &'a Place {
        &self.instance.place
    }

    /// The value, else the default. Words of a choice come in the spelling of the table.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&'a str> {
        let spec = self.spec(key)?;
        let value = self.written(key).map_or(spec.default, |setting| setting.value.as_str());
        match spec.kind {
            Kind::Choice(words) => words.iter().find(|word| word.eq_ignore_ascii_case(value)).copied(),
            _ => Some(value).filter(|value| !value.is_empty()),
        }
    }

    /// Whether it is switched on. Without value and default it is not.
    #[must_use]
    pub fn boolean(&self, key: &str) -> bool {
        self.text(key).and_then(units::boolean).unwrap_or(false)
    }

    /// Bytes.
    #[must_use]
    pub fn size(&self, key: &str) -> Option<u64> {
        let binary = self.spec(key).is_some_and(|spec| spec.kind == Kind::BinarySize);
        self.text(key).and_then(if binary { units::binary_size } else { units::size })
    }

    /// A time.
    #[must_use]
    pub fn duration(&self, key: &str) -> Option<Duration> {
        self.text(key).and_then(units::time_or_forever)
    }

    /// A whole number.
    #[must_use]
    pub fn integer(&self, key: &str) -> Option<i64> {
        self.text(key).and_then(units::integer)
    }

    /// A number.
    #[must_use]
    pub fn float(&self, key: &str) -> Option<f64> {
        self.text(key).and_then(units::float)
    }

    /// A TCP port.
    #[must_use]
    pub fn port(&self, key: &str) -> Option<u16> {
        self.text(key).and_then(units::port)
    }

    /// The entries of a comma-separated list, trimmed, without empty ones; of all lines if the key
    /// may be given several times.
    #[must_use]
    pub fn list(&self, key: &str) -> Vec<&'a str> {
        self.all(key)
            .into_iter()
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .collect()
    }

    /// Every value of a key that may be given several times, in order; else the default. Of a key
    /// that may be given once, the one that counts.
    #[must_use]
    pub fn all(&self, key: &str) -> Vec<&'a str> {
        match self.spec(key) {
            Some(spec) if spec.repeatable && self.is_set(key) => {
                self.occurrences(key).map(|setting| setting.value.as_str()).collect()
            }
            _ => self.text(key).into_iter().collect(),
        }
    }

    /// The values of a key that the user gave, each with its place.
    pub fn each(&self, key: &str) -> impl Iterator<Item = (&'a str, &'a Place)> {
        self.occurrences(key).map(|setting| (setting.value.as_str(), &setting.place))
    }

    /// Every value of these keys, with its key as it stands in `keys`, in the order of the file.
    #[must_use]
    pub fn in_order(&self, keys: &[&'static str]) -> Vec<(&'static str, &'a str)> {
        let named = |setting: &'a Setting| {
            let key = keys.iter().find(|key| setting.spec.is_named(key))?;
            Some((*key, setting.value.as_str()))
        };
        self.instance.settings.iter().filter_map(named).collect()
    }

    /// Whether the plugin has such an option.
    #[must_use]
    pub fn knows(&self, key: &str) -> bool {
        find(self.instance.own, self.instance.common, key).is_some()
    }

    /// Whether the user gave it a value.
    #[must_use]
    pub fn is_set(&self, key: &str) -> bool {
        self.written(key).is_some()
    }

    /// An error at the key's line, or at the section's if it is not set. The message must not hold
    /// the value of a secret.
    #[must_use]
    pub fn problem(&self, key: &str, message: impl Into<String>) -> Problem {
        self.report(Severity::Error, key, message)
    }

    /// The same as a warning: the configuration can run.
    #[must_use]
    pub fn warning(&self, key: &str, message: impl Into<String>) -> Problem {
        self.report(Severity::Warning, key, message)
    }

    fn report(&self, severity: Severity, key: &str, message: impl Into<String>) -> Problem {
        let place = self.written(key).map_or(&self.instance.place, |setting| &setting.place);
        Problem::new(severity, place, message)
    }

    fn spec(&self, key: &str) -> Option<&'static OptionSpec> {
        let spec = find(self.instance.own, self.instance.common, key);
        debug_assert!(spec.is_some(), "{} has no option {key} in its table", self.instance.plugin);
        spec
    }

    /// The occurrence that counts: the last.
    fn written(&self, key: &str) -> Option<&'a Setting> {
        self.occurrences(key).last()
    }

    fn occurrences(&self, key: &str) -> impl Iterator<Item = &'a Setting> {
        self.instance.settings.iter().filter(move |setting| setting.spec.is_named(key))
    }
}
