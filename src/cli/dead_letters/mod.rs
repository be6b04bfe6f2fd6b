//! `flytail dead-letters`: what outputs refused for good, to be looked at, sent again or dropped.
//!
//! All of it is safe while a shipper writes to the same directory: see [`crate::spool::dead_letters`].

mod drop;
mod error;
mod list;
mod replay;
mod selection;
mod settle;
mod show;

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use self::error::LettersError;
use super::{FAILED, INVALID};
use crate::cli::print::eprint;
use crate::config::{Config, Environment, load};
use crate::pipeline::{Plugins, dead_letter_path};
use crate::spool::dead_letters::{DeadLetter, segments};

/// Arguments of `flytail dead-letters`.
#[derive(Debug, Args)]
pub(super) struct DeadLettersArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Count them by index, error and reason, the most frequent first
    List(list::ListArguments),
    /// Print them: in full on a terminal, else one JSON object a line
    Show(show::ShowArguments),
    /// Send them again, and remove those that are taken now
    Replay(replay::ReplayArguments),
    /// Remove them
    Drop(drop::DropArguments),
}

/// Where the letters are.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Place {
    /// Directory of the dead letters
    #[arg(long, value_name = "DIRECTORY")]
    path: Option<PathBuf>,
    /// Configuration whose dead letters (and outputs) are meant
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// How a command ended that did what it could.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Complete,
    /// Something is left that was meant to go.
    Incomplete,
}

pub(super) fn run(arguments: &DeadLettersArguments) -> ExitCode {
    let mut out = BufWriter::new(io::stdout().lock());
    let outcome = match &arguments.command {
        Command::List(arguments) => list::run(arguments, &mut out),
        Command::Show(arguments) => show::run(arguments, &mut out),
        Command::Replay(arguments) => replay::run(arguments, &mut out),
        Command::Drop(arguments) => drop::run(arguments, &mut out),
    };
    let outcome = outcome.and_then(|ending| Ok(out.flush().map(|()| ending)?));
    match outcome {
        Ok(Ending::Complete) => ExitCode::SUCCESS,
        Ok(Ending::Incomplete) => ExitCode::from(FAILED),
        // Whoever reads has seen enough.
        Err(LettersError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprint(format_args!("{error}\n"));
            ExitCode::from(if error.is_usage() { INVALID } else { FAILED })
        }
    }
}

impl Place {
    /// The directory. One that is named has to be there, as a wrong name would look as if nothing had been refused; that
    /// of a configuration is made with the first letter.
    fn directory(&self) -> Result<PathBuf, LettersError> {
        match &self.path {
            Some(path) if path.try_exists().is_ok_and(|exists| !exists) => Err(LettersError::NoDirectory(path.clone())),
            Some(path) => Ok(path.clone()),
            None => Ok(dead_letter_path(&self.configuration()?)),
        }
    }

    /// The configuration, checked.
    fn configuration(&self) -> Result<Config, LettersError> {
        let file = self.config.as_deref().ok_or(LettersError::NoDestination)?;
        let (config, problems) = load(file, &Plugins::all().registry(), &Environment::process());
        if problems.is_fatal() { Err(LettersError::Configuration(problems)) } else { Ok(config) }
    }
}

/// Hands over every line of a directory, the oldest first, until `each` wants no more. What is no
/// letter is handed over as `None`.
fn each_letter(
    directory: &std::path::Path,
    mut each: impl FnMut(&[u8], Option<DeadLetter>) -> Result<bool, LettersError>,
) -> Result<(), LettersError> {
    for segment in segments(directory).map_err(LettersError::read(directory))? {
        let failed = LettersError::read(&segment.path);
        let mut lines = segment.lines().map_err(&failed)?;
        while let Some(line) = lines.next_line().map_err(&failed)? {
            if !each(line, DeadLetter::from_line(line))? {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Text that does nothing to a terminal and stays on its line.
fn visible(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}
