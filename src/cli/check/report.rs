//! What a check found, in one line for people and as JSON for programs.

use std::path::Path;

use serde::Serialize;

use crate::config::{Problem, Problems, Severity};

/// `flytail.conf: 1 error, 2 warnings`, or that all is well.
pub(super) fn summary(file: &Path, problems: &Problems) -> String {
    let file = file.display();
    let counts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Notice]
        .into_iter()
        .map(|severity| (severity, count(problems, severity)))
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| format!("{count} {severity}{}", if count == 1 { "" } else { "s" }))
        .collect();
    match (counts.is_empty(), problems.is_fatal()) {
        (true, _) => format!("{file} is valid: nothing to complain about"),
        (false, false) => format!("{file} is valid: {}", counts.join(", ")),
        (false, true) => format!("{file} is not valid: {}", counts.join(", ")),
    }
}

fn count(problems: &Problems, severity: Severity) -> usize {
    problems.iter().filter(|problem| problem.severity == severity).count()
}

#[derive(Serialize)]
struct Report<'r> {
    file: &'r Path,
    valid: bool,
    errors: usize,
    warnings: usize,
    notices: usize,
    problems: Vec<Finding<'r>>,
}

/// One problem. Lines and columns count from 1 and are left out where there are none.
#[derive(Serialize)]
struct Finding<'r> {
    severity: String,
    file: &'r Path,
    #[serde(skip_serializing_if = "is_nowhere")]
    line: u32,
    #[serde(skip_serializing_if = "is_nowhere")]
    column: u32,
    /// The first column behind what is meant.
    #[serde(skip_serializing_if = "is_nowhere")]
    end_column: u32,
    message: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'r str>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_nowhere(number: &u32) -> bool {
    *number == 0
}

impl<'r> Finding<'r> {
    fn new(problem: &'r Problem) -> Self {
        let Problem { severity, file, line, column, width, message, hint } = problem;
        let end_column = if *column == 0 { 0 } else { column + width };
        let (severity, hint) = (severity.to_string(), hint.as_deref());
        Self { severity, file, line: *line, column: *column, end_column, message, hint }
    }
}

/// The report as JSON.
pub(super) fn json(file: &Path, problems: &Problems) -> String {
    let report = Report {
        file,
        valid: !problems.is_fatal(),
        errors: count(problems, Severity::Error),
        warnings: count(problems, Severity::Warning),
        notices: count(problems, Severity::Notice),
        problems: problems.iter().map(Finding::new).collect(),
    };
    // Strings and numbers always have a JSON form; a path that is no text has none.
    serde_json::to_string_pretty(&report).unwrap_or_else(|error| format!("{{\"valid\":false,\"error\":\"{error}\"}}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Place;

    fn problems(severities: &[Severity]) -> Problems {
        let mut problems = Problems::new();
        for severity in severities {
            let place = Place { column: 3, width: 4, ..Place::new("a.conf", 7) };
            problems.push(Problem::new(*severity, &place, "wrong").with_hint("right"));
        }
        problems
    }

    #[test]
    fn the_summary_counts() {
        let file = Path::new("a.conf");
        assert_eq!(summary(file, &problems(&[])), "a.conf is valid: nothing to complain about");
        let warnings = [Severity::Warning, Severity::Warning, Severity::Notice];
        assert_eq!(summary(file, &problems(&warnings)), "a.conf is valid: 2 warnings, 1 notice");
        assert_eq!(summary(file, &problems(&[Severity::Error])), "a.conf is not valid: 1 error");
    }

    #[test]
    fn json_has_places_from_to() {
        let report: serde_json::Value =
            serde_json::from_str(&json(Path::new("a.conf"), &problems(&[Severity::Error]))).unwrap();
        let expected = serde_json::json!({
            "file": "a.conf", "valid": false, "errors": 1, "warnings": 0, "notices": 0,
            "problems": [{
                "severity": "error", "file": "a.conf", "line": 7, "column": 3, "end_column": 7,
                "message": "wrong", "hint": "right",
            }],
        });
        assert_eq!(report, expected);
    }
}
