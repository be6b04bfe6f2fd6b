//! `flytail dead-letters show`: the letters themselves.

use std::io::{self, IsTerminal, Write};

use clap::Args;
use serde_json::Value;
use serde_json::value::RawValue;

use super::error::LettersError;
use super::selection::Selection;
use super::{Ending, Place, each_letter, visible};
use crate::spool::dead_letters::DeadLetter;

/// Arguments of `flytail dead-letters show`.
#[derive(Debug, Args)]
pub(super) struct ShowArguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    selection: Selection,
    /// Only the oldest so many
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,
}

pub(super) fn run(arguments: &ShowArguments, out: &mut impl Write) -> Result<Ending, LettersError> {
    let directory = arguments.place.directory()?;
    let is_terminal = io::stdout().is_terminal();
    let mut takes = arguments.selection.first(arguments.limit);
    each_letter(&directory, |line, letter| {
        if let Some(letter) = letter.filter(&mut takes) {
            if is_terminal {
                write_letter(&letter, out)?;
            } else {
                out.write_all(line)?;
            }
        }
        Ok(true)
    })?;
    Ok(Ending::Complete)
}

/// For people.
fn write_letter(letter: &DeadLetter, out: &mut impl Write) -> io::Result<()> {
    let DeadLetter { time, output, index, status, kind, reason, action, document, item } = letter;
    let [time, output, index, kind] = [time, output, index, kind].map(|text| visible(text));
    writeln!(out, "{time}  {output} → {index}  {status} {kind}")?;
    writeln!(out, "  {}", visible(reason))?;
    for json in [action, document].into_iter().flatten() {
        writeln!(out, "  {}", pretty(json).replace('\n', "\n  "))?;
    }
    if let Some(item) = item {
        writeln!(out, "  {}", visible(item))?;
    }
    writeln!(out)
}

/// JSON over several lines; as it is, if it is none that can be held in memory otherwise.
fn pretty(json: &RawValue) -> String {
    let value: Result<Value, _> = serde_json::from_str(json.get());
    let text = value.and_then(|value| serde_json::to_string_pretty(&value));
    let text = text.unwrap_or_else(|_| json.get().to_owned());
    // JSON escapes only some of what can upset a terminal.
    text.lines().map(visible).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_shown_in_full_and_does_nothing_to_the_terminal() {
        let item = "{\"create\":{\"_id\":\"i\"}}\n{\"n\":\"\\u001b[31m\u{9b}x\"}\n";
        let letter = DeadLetter::new("es.0", "flyte", (400, "parsing", "no\x1b[1m number"), item.as_bytes());
        let mut out = Vec::new();
        write_letter(&letter, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("es.0 → flyte  400 parsing\n  no [1m number\n"), "{text}");
        assert!(text.contains("\"_id\": \"i\"") && text.contains("\"n\": \"\\u001b[31m x\""), "{text}");
        assert!(text.chars().all(|character| character == '\n' || !character.is_control()));
    }
}
