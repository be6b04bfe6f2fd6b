//! `flytail test`: tests of a configuration that stand beside it, for a team's CI.

mod expected;
mod suite;

use std::fs;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use self::suite::{Case, Malformed, Suite};
use super::run::runtime;
use super::{FAILED, INVALID};
use crate::cli::print::eprint;
use crate::config::{Environment, Instance, Problems, load};
use crate::pipeline::Plugins;
use crate::pipeline::trial::{Tried, try_lines};

/// Arguments of `flytail test`.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(super) struct TestArguments {
    /// Configuration to be tested, in place of those that the test files name
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Files of tests
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

const HELP: &str = r#"Lines go the way of a run, from the input to what would be sent; nothing is sent.

A file of tests:
  config fluent-bit.conf
  env ES_USER=anybody

  test a traceback is one document
  path /var/log/containers/admin-1_flyte_admin-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.log
  > 2026-11-22T10:00:00.1Z stderr F Traceback (most recent call last):
  > 2026-11-22T10:00:00.2Z stderr F ValueError: no
  {"level":"ERROR","app":"admin","message":{"$regex":"ValueError: no$"},"trace_id":null}

  test health checks are dropped
  > 2026-11-22T10:00:00.1Z stdout F GET /healthcheck
  none

Each JSON object stands for one document, in order: the members that it must have, `null` for one that
it must not have, {"$regex":"..."} for a text. `index NAME` behind one tells where it must go. `input`
and `output` name instances other than the first ones. `config`, `env`, `path`, `input` and `output`
hold until they are given again.

Exit codes: 0 if all tests passed, 2 if some did not, 1 for an error in a file of tests or the configuration."#;

/// Why nothing was tested.
#[derive(Debug, thiserror::Error)]
enum TestError {
    #[error("cannot read {}: {error}", file.display())]
    Read { file: PathBuf, error: io::Error },
    #[error("{}:{}: {}\n  hint: {}", file.display(), error.line, error.message, error.hint)]
    Malformed { file: PathBuf, error: Malformed },
    #[error("{}:{line}: the test names no configuration\n  hint: write `config FILE` above it, or give -c FILE", file.display())]
    NoConfiguration { file: PathBuf, line: usize },
    #[error("{}:{line}: there is no {what} \"{name}\"\n  hint: there are: {known}", file.display())]
    Unknown { file: PathBuf, line: usize, what: &'static str, name: String, known: String },
    #[error("{0}")]
    Configuration(Problems),
    #[error("no threads can be started: {0}")]
    Runtime(io::Error),
    #[error(transparent)]
    Output(#[from] io::Error),
}

pub(super) fn run(arguments: &TestArguments) -> ExitCode {
    match test(arguments, &mut io::stdout().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAILED),
        // Whoever reads has seen enough.
        Err(TestError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprint(format_args!("{}\n", error.to_string().trim_end()));
            ExitCode::from(INVALID)
        }
    }
}

/// Whether all tests passed.
fn test(arguments: &TestArguments, out: &mut impl Write) -> Result<bool, TestError> {
    let runtime = runtime().map_err(TestError::Runtime)?;
    let is_coloured = io::stdout().is_terminal();
    let (mut passed, mut failed) = (0_usize, 0_usize);
    for file in &arguments.files {
        let text = fs::read_to_string(file).map_err(|error| TestError::Read { file: file.clone(), error })?;
        let suite = Suite::read(&text).map_err(|error| TestError::Malformed { file: file.clone(), error })?;
        for case in &suite.cases {
            let differences = runtime.block_on(async { differences(arguments, file, case) })?;
            *(if differences.is_empty() { &mut passed } else { &mut failed }) += 1;
            tell(file, case, &differences, is_coloured, out)?;
        }
    }
    writeln!(out, "{passed} passed, {failed} failed")?;
    Ok(failed == 0)
}

fn tell(file: &Path, case: &Case, differences: &[String], is_coloured: bool, out: &mut impl Write) -> io::Result<()> {
    let (word, colour) = if differences.is_empty() { ("ok", 32) } else { ("FAILED", 31) };
    match is_coloured {
        true => writeln!(out, "\x1b[{colour}m{word:6}\x1b[0m {}", case.name)?,
        false => writeln!(out, "{word:6} {}", case.name)?,
    }
    if !differences.is_empty() {
        writeln!(out, "       {}:{}", file.display(), case.line)?;
    }
    for difference in differences {
        writeln!(out, "       {}", difference.replace('\n', "\n       "))?;
    }
    Ok(())
}

/// What of a test's documents is not as it should be.
fn differences(arguments: &TestArguments, file: &Path, case: &Case) -> Result<Vec<String>, TestError> {
    let beside = |named: &PathBuf| file.parent().unwrap_or(Path::new("")).join(named);
    let configuration = arguments.config.clone().or_else(|| case.config.as_ref().map(beside));
    let configuration =
        configuration.ok_or_else(|| TestError::NoConfiguration { file: file.to_owned(), line: case.line })?;
    let mut environment = Environment::process();
    case.env.iter().for_each(|(name, value)| environment.set(name, value));
    let (config, mut problems) = load(&configuration, &Plugins::all().registry(), &environment);
    if problems.is_fatal() {
        return Err(TestError::Configuration(problems));
    }
    let named = |what, instances, name: &Option<String>| named(what, instances, name.as_deref(), (file, case.line));
    let input = named("input", &config.inputs, &case.input)?;
    let output = named("output", &config.outputs, &case.output)?.name().to_owned();
    let lines = case.lines.clone().into_bytes();
    let tried = try_lines(&config, &environment, (input, &case.path), lines, &mut problems);
    let tried = tried.ok_or(TestError::Configuration(problems))?;
    let tried: Vec<_> = tried.into_iter().filter(|tried| tried.output == output).collect();
    Ok(compare(case, &tried))
}

/// The instance of this name, the first one if none is said.
fn named<'c>(
    what: &'static str,
    instances: &'c [Instance],
    name: Option<&str>,
    (file, line): (&Path, usize),
) -> Result<&'c Instance, TestError> {
    let found = match name {
        Some(name) => instances.iter().find(|instance| instance.name() == name),
        None => instances.first(),
    };
    found.ok_or_else(|| TestError::Unknown {
        file: file.to_owned(),
        line,
        what,
        name: name.unwrap_or("at all").to_owned(),
        known: instances.iter().map(Instance::name).collect::<Vec<_>>().join(", "),
    })
}

fn compare(case: &Case, tried: &[Tried]) -> Vec<String> {
    let mut differences = Vec::new();
    let documents: Vec<Value> =
        tried.iter().map(|tried| serde_json::from_slice(&tried.item).unwrap_or_default()).collect();
    if documents.len() != case.expected.len() {
        differences.push(format!("{} documents are expected, and there are {}", case.expected.len(), documents.len()));
    }
    for (number, expected) in case.expected.iter().enumerate() {
        let Some(document) = documents.get(number) else { break };
        let mut found = expected.differences(document);
        if let Some(index) = expected.index.as_ref().filter(|index| **index != tried[number].destination) {
            found.push(format!("goes to {}, not to {index}", tried[number].destination));
        }
        if !found.is_empty() {
            differences.push(format!("document {}: {}", number + 1, found.join("; ")));
        }
    }
    if !differences.is_empty() {
        let pretty = |document| serde_json::to_string_pretty(document).unwrap_or_default();
        differences.extend(documents.iter().map(pretty));
    }
    differences
}
