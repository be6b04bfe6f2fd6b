//! Problems for someone who looks at them: with the column, the line itself and a mark under what
//! is meant. A line that may hold a secret is shown up to its first word.

use std::collections::HashMap;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use super::problem::{Problem, Severity};

/// Words of lines that may hold a secret, in lower case: also misspelled ones, and variables.
const SUSPICIOUS: [&str; 9] = ["pas", "pwd", "secret", "token", "auth", "cred", "api_key", "shared_key", "@set"];

/// Shows problems with excerpts of their files, which are read once.
#[derive(Debug, Default)]
pub struct Excerpts {
    files: HashMap<PathBuf, Option<String>>,
    /// Uses the colours of a terminal.
    coloured: bool,
}

impl Excerpts {
    /// In the colours of a terminal, or without.
    #[must_use]
    pub fn new(coloured: bool) -> Self {
        Self { coloured, ..Self::default() }
    }

    /// All of the problems, each with a line end.
    pub fn show_all<'p>(&mut self, problems: impl IntoIterator<Item = &'p Problem>) -> String {
        problems.into_iter().map(|problem| self.show(problem)).collect()
    }

    fn show(&mut self, problem: &Problem) -> String {
        let mut text = problem.file.display().to_string();
        for number in [problem.line, problem.column].into_iter().take_while(|number| *number > 0) {
            // Writing to a string cannot fail.
            let _ = write!(text, ":{number}");
        }
        let severity = self.painted(problem.severity, &problem.severity.to_string());
        let _ = writeln!(text, ": {severity}: {}", problem.message);
        if let Some((line, mark)) = self.line(problem) {
            let mark = self.painted(problem.severity, &mark);
            let margin = " ".repeat(problem.line.to_string().len());
            let _ = writeln!(text, "  {} | {line}\n  {margin} | {mark}", problem.line);
        }
        if let Some(hint) = &problem.hint {
            let _ = writeln!(text, "  hint: {hint}");
        }
        text
    }

    /// The line, and what stands under it.
    fn line(&mut self, problem: &Problem) -> Option<(String, String)> {
        let (number, column) = (problem.line.checked_sub(1)? as usize, problem.column.checked_sub(1)? as usize);
        let file = self.files.entry(problem.file.clone()).or_insert_with(|| fs::read_to_string(&problem.file).ok());
        let line = file.as_deref()?.lines().nth(number)?.trim_end();
        let line = line.strip_prefix('\u{feff}').unwrap_or(line);
        let shown = if may_hold_secret(line) { up_to_first_word(line) } else { line.to_owned() };
        let length = shown.chars().count();
        let column = column.min(length.saturating_sub(1));
        let width = (problem.width.max(1) as usize).min(length - column);
        // A tab under a tab: however wide they are, the mark stands below what is meant.
        let mut mark: String = shown.chars().take(column).map(|one| if one == '\t' { '\t' } else { ' ' }).collect();
        mark.extend(std::iter::repeat_n('^', width));
        Some((shown, mark))
    }

    fn painted(&self, severity: Severity, text: &str) -> String {
        let colour = match severity {
            Severity::Error => 31,
            Severity::Warning => 33,
            Severity::Notice => 36,
        };
        if self.coloured { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

fn may_hold_secret(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    let has_credentials = line.split_once("://").is_some_and(|(_, behind)| behind.contains('@'));
    has_credentials || SUSPICIOUS.iter().any(|word| line.contains(word))
}

/// The line without what may be a value.
fn up_to_first_word(line: &str) -> String {
    let start = line.len() - line.trim_start_matches([' ', '\t', '-', '@']).len();
    let is_inside = |letter: char| letter.is_alphanumeric() || "_.-".contains(letter);
    let end = line[start..].find(|letter| !is_inside(letter)).map_or(line.len(), |end| start + end);
    if end == line.len() { line.to_owned() } else { format!("{} …", &line[..end]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Place;
    use crate::config::problem::Spot;

    fn shown(text: &str, column: u32, width: u32) -> String {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.conf");
        fs::write(&file, text).unwrap();
        let place = Place::at(&file.into(), Spot { line: 2, column, width });
        let problem = Problem::new(Severity::Error, &place, "wrong").with_hint("right");
        Excerpts::new(false).show(&problem).replace(&format!("{}/", directory.path().display()), "")
    }

    #[test]
    fn the_mark_stands_under_what_is_meant() {
        assert_eq!(
            shown("[INPUT]\n  Näme x\n", 3, 4),
            "a.conf:2:3: error: wrong\n  2 |   Näme x\n    |   ^^^^\n  hint: right\n"
        );
        assert_eq!(
            shown("[INPUT]\n\tName x\r\n", 7, 99),
            "a.conf:2:7: error: wrong\n  2 | \tName x\n    | \t     ^\n  hint: right\n"
        );
        assert_eq!(shown("[INPUT]\n  Name x\n", 0, 0), "a.conf:2: error: wrong\n  hint: right\n");
    }

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        for (line, column) in [
            ("  HTTP_Paswd hunter2", 14),
            ("  - http_passwd: hunter2", 18),
            ("  - {name: es, cloud_auth: hunter2, port: x}", 43),
            ("@SET X=hunter2", 6),
            ("  Kube_URL https://admin:hunter2@server", 12),
            ("  HTTP_Passwd=hunter2", 3),
        ] {
            let shown = shown(&format!("[OUTPUT]\n{line}\n"), column, 7);
            assert!(!shown.contains("hunter2") && shown.contains('^'), "{shown}");
        }
    }

    #[test]
    fn colours_are_for_terminals() {
        let problem = Problem::new(Severity::Warning, &Place::new("a", 0), "wrong");
        assert_eq!(Excerpts::new(true).show(&problem), "a: \x1b[33mwarning\x1b[0m: wrong\n");
    }
}
