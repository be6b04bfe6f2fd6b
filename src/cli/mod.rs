//! The command line.

// `eprintln!` panics where standard error is gone; see `print::eprint`.
#![warn(clippy::print_stderr)]

mod check;
mod command_line;
mod dead_letters;
pub mod demo;
mod figures;
mod line;
mod options;
mod parse;
mod print;
mod query;
mod run;
mod screen;
mod serve;
mod setup;
mod since;
mod test;
mod undrained;
mod watch;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use command_line::{RunArguments, help_of_plugin};

/// Exit code of a configuration or command-line error, as in Fluent Bit.
const INVALID: u8 = 1;
/// Exit code of a run that failed.
const FAILED: u8 = 2;

/// Ships Flyte's container logs to Elasticsearch and OpenSearch. Runs Fluent Bit configurations as they are.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, arg_required_else_help = true, after_help = EXAMPLES)]
struct Arguments {
    #[command(flatten)]
    run: RunArguments,
    #[command(subcommand)]
    command: Option<Command>,
}

const EXAMPLES: &str = "Examples:
  flytail demo                                     see what it makes of a small Flyte cluster's logs
  flytail demo --elasticsearch http://127.0.0.1:9200
  flytail setup --url http://127.0.0.1:9200        prepare a server: index template, retention
  flytail query 'level:ERROR and app:flyteadmin' --url http://127.0.0.1:9200
  flytail check fluent-bit.conf --explain          check a configuration and draw its pipeline
  flytail -c fluent-bit.conf                       run it
  flytail parse --parser nginx access.log          what a parser makes of lines
  flytail test flytail.test                        test a configuration, in your CI
  flytail -i tail -p Path=/var/log/*.log -o stdout one without a file
  flytail dead-letters list -c fluent-bit.conf     what was refused, and why

Exit codes: 0 after an orderly end, 1 for an error in the configuration or command line, 2 if the run failed.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Find what is wrong with a configuration, without running it
    Check(check::CheckArguments),
    /// Write a small Flyte cluster's logs to a temporary directory and show what becomes of them
    Demo(demo::DemoArguments),
    /// Prepare a server: the index template, and how long indices are kept
    Setup(setup::SetupArguments),
    /// Print the documents that a search in Kibana's language finds, or the story of an execution
    Query(query::QueryArguments),
    /// List, show, send again or drop what outputs refused for good
    DeadLetters(dead_letters::DeadLettersArguments),
    /// Print what a parser makes of lines, and how far lines fit that do not match
    Parse(parse::ParseArguments),
    /// Test a configuration: what becomes of lines, against what should
    Test(test::TestArguments),
    /// Print the reference of all options as Markdown
    Options,
}

/// The exit code of a command that only prints.
fn ended(printed: std::io::Result<()>) -> ExitCode {
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print::complain(&error);
            ExitCode::from(FAILED)
        }
    }
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let parsed = Arguments::command().try_get_matches().and_then(|matches| {
        let arguments = Arguments::from_arg_matches(&matches)?;
        Ok((arguments, matches))
    });
    let (arguments, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            if error.kind() == ErrorKind::DisplayHelp
                && let Some(help) = help_of_plugin(std::env::args())
            {
                return ended(print::print(&help.to_string()));
            }
            // Help and version are no errors; where they go, clap knows.
            drop(error.print());
            return if error.use_stderr() { ExitCode::from(INVALID) } else { ExitCode::SUCCESS };
        }
    };
    match arguments.command {
        None => run::run(&arguments.run, &matches),
        Some(Command::Check(check)) => check::run(&check),
        Some(Command::Demo(demo)) => demo::run(&demo),
        Some(Command::Setup(setup)) => setup::run(&setup),
        Some(Command::Query(query)) => query::run(&query),
        Some(Command::DeadLetters(letters)) => dead_letters::run(&letters),
        Some(Command::Parse(arguments)) => parse::run(&arguments),
        Some(Command::Test(arguments)) => test::run(&arguments),
        Some(Command::Options) => options::run(),
    }
}
