//! `flytail check FILE`: everything that is wrong with a configuration, without running it.

mod drawing;
mod lints;
mod naming;
mod report;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::print::{complain, eprint, print};
use super::run::runtime;
use super::{FAILED, INVALID};
use crate::config::{Config, Environment, Excerpts, Instance, Problems, Written, load_written};
use crate::pipeline::{Memory, Pipeline, Plugins, build, samples, with_flyte};

/// Arguments of `flytail check`.
#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// Configuration file: classic, or YAML if it ends with .yaml or .yml
    file: PathBuf,
    /// Let warnings count as errors
    #[arg(long)]
    strict: bool,
    /// Draw the pipeline: inputs, parsers, filters and outputs
    #[arg(long)]
    explain: bool,
    /// Print what was found as JSON, for editors and CI
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &CheckArguments) -> ExitCode {
    let Ok(runtime) = runtime() else { return ExitCode::from(FAILED) };
    let (written, problems) = Written::read(&arguments.file);
    let environment = Environment::process();
    let checked = runtime.block_on(async { Checked::new(&written, problems, &environment, &Memory::default()) });
    let problems = if arguments.strict { checked.problems.strict() } else { checked.problems };
    let mut shown = String::new();
    if arguments.json {
        shown = format!("{}\n", report::json(&arguments.file, &problems));
    } else {
        eprint(Excerpts::new(is_coloured(&std::io::stderr())).show_all(&problems));
        eprint(format_args!("{}\n", report::summary(&arguments.file, &problems)));
    }
    if arguments.explain && !arguments.json {
        shown = drawing::draw(&checked.config, &checked.filters, is_coloured(&std::io::stdout()));
    }
    if let Err(error) = print(&shown) {
        complain(&error);
        return ExitCode::from(FAILED);
    }
    if problems.is_fatal() { ExitCode::from(INVALID) } else { ExitCode::SUCCESS }
}

/// A configuration with all that can be found out about it before it runs.
pub(super) struct Checked {
    pub(super) config: Config,
    /// The filters with those that are added by themselves.
    filters: Vec<Instance>,
    pub(super) problems: Problems,
    /// Ready to run, unless one of the problems is an error.
    pub(super) pipeline: Option<Pipeline>,
}

impl Checked {
    /// Must be called within the runtime: what sends is built here.
    pub(super) fn new(written: &Written, problems: Problems, environment: &Environment, memory: &Memory) -> Self {
        let (config, mut problems) = load_written(written, problems, &Plugins::all().registry(), environment);
        let filters = with_flyte(&config, environment);
        let pipeline = build(&config, environment, memory, &mut problems);
        samples::check(&config, &mut problems);
        lints::check(written, &config, &mut problems);
        naming::check(&config, &filters, &mut problems);
        problems.sort();
        let pipeline = pipeline.filter(|_| !problems.is_fatal());
        Self { config, filters, problems, pipeline }
    }
}

/// Whether a stream takes colours: it is a terminal, and nobody said no.
pub(super) fn is_coloured(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
