//! `flytail dead-letters drop`: removes letters for good.

use std::io::{self, IsTerminal, Write};

use clap::Args;

use super::error::LettersError;
use super::selection::Selection;
use super::{Ending, Place, each_letter};
use crate::cli::figures::grouped;
use crate::cli::print::eprint;
use crate::record::Timestamp;
use crate::spool::dead_letters::{Change, DeadLetter, rewrite, segments};

/// Arguments of `flytail dead-letters drop`.
#[derive(Debug, Args)]
pub(super) struct DropArguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    selection: Selection,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(arguments: &DropArguments, out: &mut impl Write) -> Result<Ending, LettersError> {
    let directory = arguments.place.directory()?;
    let now = Timestamp::now();
    let takes = |letter: Option<DeadLetter>| is_meant(&arguments.selection, now, letter.as_ref());
    let mut count = 0;
    each_letter(&directory, |_, letter| {
        count += u64::from(takes(letter));
        Ok(true)
    })?;
    if count > 0 && !arguments.yes && !confirm(count)? {
        writeln!(out, "nothing was dropped")?;
        return Ok(Ending::Complete);
    }
    let mut dropped = 0;
    for segment in segments(&directory).map_err(LettersError::read(&directory))? {
        let change = |line: &[u8]| if takes(DeadLetter::from_line(line)) { Change::Remove } else { Change::Keep };
        dropped += rewrite(&segment, change).map_err(LettersError::change(&segment.path))?.removed;
    }
    writeln!(out, "{} dead letters were dropped", grouped(dropped))?;
    Ok(Ending::Complete)
}

/// The letter was there when it was asked for. A line that is no letter goes with everything only.
fn is_meant(selection: &Selection, now: Timestamp, letter: Option<&DeadLetter>) -> bool {
    match letter {
        None => selection.is_everything(),
        Some(letter) => selection.takes(letter) && letter.timestamp().is_none_or(|time| time <= now),
    }
}

fn confirm(count: u64) -> Result<bool, LettersError> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(LettersError::Unconfirmed(count));
    }
    eprint(format_args!("Drop {} dead letters for good? [y/N] ", grouped(count)));
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_after_the_question_stays() {
        let letter = DeadLetter::new("es.0", "flyte", (400, "parsing", "r"), b"{}\n");
        let (everything, time) = (Selection::default(), letter.timestamp().unwrap());
        assert!(is_meant(&everything, time, Some(&letter)));
        assert!(!is_meant(&everything, Timestamp(time.0 - 1), Some(&letter)));
        assert!(is_meant(&everything, time, None), "rubbish goes with everything");
    }
}
