//! Configuration: Fluent Bit's files, checked as a whole before anything runs.
//!
//! ```text
//! files ─classic, yaml─▶ statements ─reader─▶ Written ──resolve──▶ Config + Problems
//!                                (as written: sections, keys, places)   (checked: typed options)
//! ```
//!
//! What must hold:
//! - All problems are found in one go, each with file, line and a hint. Nothing stops at the first.
//! - A plugin's options are one table ([`Plugin`]); checks, defaults and the reference come from it.
//! - What Fluent Bit accepts and this program does not do is an error that says so; what has no
//!   meaning here is accepted with a notice. Nothing is passed over in silence.
//! - The value of a secret stands in no problem and in no debug output.
//! - This module knows no plugin: a [`Registry`] tells it what there is.

mod build;
mod check;
mod classic;
mod common;
mod environment;
mod excerpt;
mod fingerprint;
mod foreign;
mod instance;
mod matching;
mod option;
mod overlap;
mod problem;
#[cfg(test)]
mod properties;
mod reader;
mod reference;
mod resolve;
mod service;
mod suggest;
#[cfg(test)]
mod tests;
mod units;
mod upstream;
mod written;
mod yaml;
mod yaml_sections;

use std::path::Path;

pub use build::instance;
pub use common::{FILTER_COMMON, INPUT_COMMON, OUTPUT_COMMON};
pub use environment::Environment;
pub use excerpt::Excerpts;
pub use fingerprint::fingerprint;
pub use instance::{Bound, Instance, Options};
pub use matching::Match;
pub use option::{Class, Kind, OptionSpec, Plugin, Registry, is_secret};
pub use overlap::{Wildcards, overlap};
pub use problem::{Place, Problem, Problems, Severity, expression_fault};
pub use reference::{reference, reference_of};
pub use resolve::{Config, resolve};
pub use service::{LOG_LEVEL_VARIABLE, LogLevel, SERVICE, Service};
pub use units::size;
pub use written::{COMMAND_LINE, Entry, Section, SectionKind, Written};

/// Loads a configuration file with all that it names. The configuration may run if none of the
/// problems is an error.
#[must_use]
pub fn load(file: &Path, registry: &Registry<'_>, environment: &Environment) -> (Config, Problems) {
    let (written, problems) = Written::read(file);
    load_written(&written, problems, registry, environment)
}

/// The same from memory. `file` is its name in problems; relative paths count from its directory.
#[must_use]
pub fn load_text(file: &Path, text: &str, registry: &Registry<'_>, environment: &Environment) -> (Config, Problems) {
    let (written, problems) = Written::from_text(file, text);
    load_written(&written, problems, registry, environment)
}

/// The same from what was read before, with the problems of that.
#[must_use]
pub fn load_written(
    written: &Written,
    mut problems: Problems,
    registry: &Registry<'_>,
    environment: &Environment,
) -> (Config, Problems) {
    let (config, more) = resolve(written, registry, environment);
    problems.extend(more);
    problems.sort();
    (config, problems)
}
