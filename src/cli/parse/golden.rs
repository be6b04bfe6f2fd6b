//! `--golden`: lines with the results that they must give, for a team's own parsers in their CI.

use std::fs;
use std::io::Write;
use std::path::Path;

use super::{Ending, ParseError};
use crate::parser::{Parser, golden};
use crate::record::Timestamp;

/// Checks all lines of a golden file and prints those that give something else.
pub(super) fn check(parser: &Parser, file: &Path, out: &mut impl Write) -> Result<Ending, ParseError> {
    let named = || file.to_owned();
    let text = fs::read_to_string(file).map_err(|error| ParseError::Read { file: named(), error })?;
    let cases = golden::read(&text, Timestamp::now());
    let cases = cases.map_err(|error| ParseError::Golden { file: named(), error })?;
    if cases.is_empty() {
        return Err(ParseError::Empty { file: named() });
    }
    let mut wrong = 0_usize;
    for case in &cases {
        if let Some(difference) = case.difference(parser) {
            wrong += 1;
            writeln!(out, "{}:{}: {difference}\n  {}", file.display(), case.line, case.text.replace('\n', "\n  "))?;
        }
    }
    let right = cases.len() - wrong;
    writeln!(out, "{}: {right} of {} lines give what they should", file.display(), cases.len())?;
    Ok(if wrong == 0 { Ending::Complete } else { Ending::Incomplete })
}
