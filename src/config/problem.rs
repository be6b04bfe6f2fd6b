//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a regular expression is none, without the drawing of the place that the engine's error begins
/// with.
#[must_use]
pub fn expression_fault(error: &impl fmt::Display) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing: an option that is accepted and has no meaning here.
    Notice,
    /// Probably not what was meant, but the configuration can run.
    Warning,
    /// The configuration cannot run.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// A line of a configuration file, and what of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as it was named where it was asked for.
    pub file: Arc<Path>,
    /// The line, counted from 1; 0 means the file as a whole.
    pub line: u32,
    /// The first character, counted from 1; 0 means the line as a whole.
    pub column: u32,
    /// How many characters.
    pub width: u32,
}

/// Some characters of a line of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Spot {
    /// The line, counted from 1.
    pub(super) line: u32,
    /// The first character, counted from 1; 0 means the line as a whole.
    pub(super) column: u32,
    /// How many characters.
    pub(super) width: u32,
}

impl Place {
    /// A line of a file.
    #[must_use]
    pub fn new(file: impl AsRef<Path>, line: u32) -> Self {
        Self { file: Arc::from(file.as_ref()), line, column: 0, width: 0 }
    }

    pub(super) fn at(file: &Arc<Path>, spot: Spot) -> Self {
        let Spot { line, column, width } = spot;
        Self { file: Arc::clone(file), line, column, width }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(formatter, "{}", self.file.display()),
            line => write!(formatter, "{}:{line}", self.file.display()),
        }
    }
}

/// One problem of a configuration. Its text never holds the value of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The file it is in.
    pub file: PathBuf,
    /// The line, counted from 1; 0 means the file as a whole.
    pub line: u32,
    /// The first character that it is about, counted from 1; 0 means the line as a whole.
    pub column: u32,
    /// How many characters it is about.
    pub width: u32,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem at a place.
    #[must_use]
    pub fn new(severity: Severity, place: &Place, message: impl Into<String>) -> Self {
        let Place { file, line, column, width } = place;
        let (file, message) = (file.to_path_buf(), message.into());
        Self { severity, file, line: *line, column: *column, width: *width, message, hint: None }
    }

    /// The same problem with a word on what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// In short, for a log. [`super::excerpt`] shows more to someone who looks.
impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.file.display())?;
        if self.line > 0 {
            write!(formatter, ":{}", self.line)?;
        }
        write!(formatter, ": {}: {}", self.severity, self.message)?;
        match &self.hint {
            Some(hint) => write!(formatter, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}

/// All problems of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// No problems yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a problem.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Whether one of them keeps the configuration from running.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        self.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The problems, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// Counts every warning as an error.
    #[must_use]
    pub fn strict(mut self) -> Self {
        for problem in self.0.iter_mut().filter(|problem| problem.severity == Severity::Warning) {
            problem.severity = Severity::Error;
        }
        self
    }

    /// Puts the problems into reading order: file by file as they first came up, then by line.
    /// Steps that look at the same files one after the other thus report as if they were one.
    pub fn sort(&mut self) {
        let mut files: Vec<PathBuf> = Vec::new();
        for problem in &self.0 {
            if !files.contains(&problem.file) {
                files.push(problem.file.clone());
            }
        }
        self.0.sort_by_key(|problem| (files.iter().position(|file| *file == problem.file), problem.line));
        // Two steps may find the same, and each worker does.
        let mut seen: Vec<Problem> = Vec::with_capacity(self.0.len());
        for problem in std::mem::take(&mut self.0) {
            if !seen.contains(&problem) {
                seen.push(problem);
            }
        }
        self.0 = seen;
    }
}

impl Extend<Problem> for Problems {
    fn extend<I: IntoIterator<Item = Problem>>(&mut self, problems: I) {
        self.0.extend(problems);
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'p> IntoIterator for &'p Problems {
    type Item = &'p Problem;
    type IntoIter = std::slice::Iter<'p, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|problem| writeln!(formatter, "{problem}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_like_a_compiler_message() {
        let problem = Problem::new(Severity::Error, &Place::new("a.conf", 7), "unknown section [INPTU]")
            .with_hint("did you mean [INPUT]?");
        assert_eq!(problem.to_string(), "a.conf:7: error: unknown section [INPTU]\n  hint: did you mean [INPUT]?");
        let whole = Problem::new(Severity::Notice, &Place::new("a.conf", 0), "x");
        assert_eq!(whole.to_string(), "a.conf: notice: x");
    }

    #[test]
    fn only_errors_are_fatal() {
        let mut problems = Problems::new();
        problems.push(Problem::new(Severity::Warning, &Place::new("a.conf", 1), "x"));
        assert!(!problems.is_fatal());
        problems.push(Problem::new(Severity::Error, &Place::new("a.conf", 1), "y"));
        assert!(problems.is_fatal());
    }

    #[test]
    fn sorting_leaves_one_of_what_was_found_twice() {
        let problem = |message: &str| Problem::new(Severity::Error, &Place::new("a.conf", 1), message);
        let mut problems = Problems::new();
        problems.extend(["x", "y", "x", "y"].map(problem));
        problems.sort();
        assert_eq!(problems.to_string(), "a.conf:1: error: x\na.conf:1: error: y\n");
    }

    #[test]
    fn sorting_keeps_the_order_of_files_and_goes_by_line_in_each() {
        let mut problems = Problems::new();
        for (file, line) in [("z.conf", 9), ("a.conf", 2), ("z.conf", 3), ("a.conf", 1)] {
            problems.push(Problem::new(Severity::Error, &Place::new(file, line), "x"));
        }
        problems.sort();
        let order: Vec<_> = problems.iter().map(|problem| (problem.file.to_str().unwrap(), problem.line)).collect();
        assert_eq!(order, [("z.conf", 3), ("z.conf", 9), ("a.conf", 1), ("a.conf", 2)]);
    }
}
