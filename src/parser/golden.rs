//! Golden lines: a file that says what a parser must make of some lines.
//!
//! ```text
//! # Comments and empty lines count for nothing.
//! now 2026-11-22T10:00:00Z
//! > GET /a took 12 ms at Aug 21 12:00:01
//! time 2026-08-21T12:00:01.000000000Z
//! {"method":"GET","path":"/a","ms":12}
//! > something else
//! unmatched
//! ```
//!
//! `>` begins a line as the parser gets it, and `+` what follows a line feed in it. `time` stands
//! where the line tells a time that can be read; `now` completes those without a year. The members
//! stand in one JSON object, whose order does not count.

use serde_json::{Map, Value};

use super::explain::{Explainer, Explanation, Miss};
use super::{Parser, Shown};
use crate::record::Timestamp;

/// One line and what must come of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The line of the file in which it begins, counted from 1.
    pub line: usize,
    /// The text.
    pub text: String,
    /// What must come of it; `None` if it must not match.
    pub expected: Option<Expected>,
    now: Timestamp,
}

/// What a text that matches must give.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// Its time.
    pub time: Option<Timestamp>,
    /// Its members.
    pub members: Map<String, Value>,
}

/// What is wrong with a file of golden lines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Malformed {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// Reads a file of golden lines. Times without a year are completed with `now` unless the file
/// says another.
///
/// # Errors
/// If a line of it is none of those above, or a text has no result.
pub fn read(file: &str, now: Timestamp) -> Result<Vec<Case>, Malformed> {
    let mut reader = Reader { now, cases: Vec::new(), open: None };
    for (line, text) in (1..).zip(file.lines()) {
        reader.line(line, text).map_err(|reason| Malformed { line, reason })?;
    }
    reader.close().map_err(|reason| Malformed { line: file.lines().count(), reason })?;
    Ok(reader.cases)
}

impl Case {
    /// Runs the parser over the text: how the result differs, if it does.
    #[must_use]
    pub fn difference(&self, parser: &Parser) -> Option<String> {
        match (&self.expected, Explainer::new(parser).explain(self.text.as_bytes(), self.now)) {
            (None, Explanation::Unmatched(_)) => None,
            (None, Explanation::Matched { members, .. }) => {
                Some(format!("it must not match, but gives {}", object(&members)))
            }
            (_, Explanation::CutOff) => Some("the search takes too long".to_owned()),
            (Some(_), Explanation::Unmatched(miss)) => Some(missed(miss.as_ref(), &self.text)),
            (Some(expected), Explanation::Matched { time, members, .. }) => expected.difference(time, &members),
        }
    }
}

impl Expected {
    fn difference(&self, time: Option<Timestamp>, members: &[Shown]) -> Option<String> {
        if time != self.time {
            return Some(format!("the time is {}, not {}", written(time), written(self.time)));
        }
        let object = object(members);
        let given: Map<String, Value> = serde_json::from_str(&object).unwrap_or_default();
        let all = self.members.keys().chain(given.keys().filter(|key| !self.members.contains_key(*key)));
        let differing = all.filter(|key| self.members.get(*key) != given.get(*key));
        let of =
            |members: &Map<String, Value>, key: &str| members.get(key).map_or("missing".to_owned(), Value::to_string);
        let lines = differing.map(|key| format!("{key} is {}, not {}", of(&given, key), of(&self.members, key)));
        let lines: Vec<_> = lines.collect();
        (!lines.is_empty()).then(|| lines.join("; "))
    }
}

fn missed(miss: Option<&Miss>, text: &str) -> String {
    let rest = miss.and_then(|miss| text.as_bytes().get(miss.end..));
    rest.map_or("it does not match".to_owned(), |rest| {
        format!("it does not match from here on: {}", String::from_utf8_lossy(rest))
    })
}

/// Members as one JSON object.
#[must_use]
pub fn object(members: &[Shown]) -> String {
    let pairs: Vec<_> = members.iter().map(|member| format!("\"{}\":{}", member.key, member.json)).collect();
    format!("{{{}}}", pairs.join(","))
}

/// A time in RFC 3339, or `none`.
#[must_use]
pub fn written(time: Option<Timestamp>) -> String {
    let Some(time) = time else { return "none".to_owned() };
    let mut out = Vec::new();
    time.write_rfc3339(&mut out);
    String::from_utf8(out).unwrap_or_default()
}

struct Reader {
    now: Timestamp,
    cases: Vec<Case>,
    open: Option<(Case, Option<Timestamp>)>,
}

impl Reader {
    fn line(&mut self, line: usize, text: &str) -> Result<(), String> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match word {
            ">" => {
                self.close()?;
                let case = Case { line, text: rest.to_owned(), expected: None, now: self.now };
                self.open = Some((case, None));
            }
            "+" => {
                let (case, _) = self.open.as_mut().ok_or("`+` continues no text")?;
                case.text.push('\n');
                case.text.push_str(rest);
            }
            "now" => self.now = time(rest)?,
            "time" => self.open.as_mut().ok_or("`time` stands behind no text")?.1 = Some(time(rest)?),
            "unmatched" => self.cases.push(self.open.take().ok_or("`unmatched` stands behind no text")?.0),
            "" => {}
            _ if text.starts_with('#') => {}
            _ if text.starts_with('{') => {
                let members = serde_json::from_str(text).map_err(|error| format!("no JSON object: {error}"))?;
                let (case, time) = self.open.take().ok_or("a result stands behind no text")?;
                self.cases.push(Case { expected: Some(Expected { time, members }), ..case });
            }
            _ => return Err(format!("`{word}` is none of > + time now unmatched # {{")),
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        match self.open.take() {
            Some((case, _)) => Err(format!("the text of line {} has no result", case.line)),
            None => Ok(()),
        }
    }
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text.as_bytes()).ok_or_else(|| format!("\"{text}\" is no time in RFC 3339"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Problems;
    use crate::parser::Parsers;

    fn differences(file: &str) -> Vec<Option<String>> {
        let parsers = Parsers::new(&[], &mut Problems::new());
        let cases = read(file, Timestamp(0)).unwrap();
        cases.iter().map(|case| case.difference(parsers.find("cri").unwrap())).collect()
    }

    #[test]
    fn tells_what_differs() {
        let line = "> 2026-08-21T12:00:01Z stdout F a\n+ b\n";
        let time = "time 2026-08-21T12:00:01Z\n";
        let members = r#"{"message":"a","logtag":"F","stream":"stdout","time":"2026-08-21T12:00:01Z"}"#;
        let file = format!(
            "# cri\n\n{line}{time}{members}\n{line}{members}\n{line}{time}{{\"message\":\"b\"}}\n{line}unmatched\n> x\nunmatched\n> x y\n{{}}\n"
        );
        let all = differences(&file);
        assert_eq!(all[0], None);
        assert_eq!(all[1].as_deref(), Some("the time is 2026-08-21T12:00:01.000000000Z, not none"));
        let third = all[2].as_deref().unwrap();
        assert!(
            third.contains(r#"message is "a", not "b""#) && third.contains(r#"logtag is "F", not missing"#),
            "{third}"
        );
        assert!(all[3].as_deref().unwrap().starts_with("it must not match, but gives {"));
        assert_eq!(all[4], None);
        assert_eq!(all[5].as_deref(), Some("it does not match from here on: y"));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for (file, expected) in [
            ("> a", "line 1: the text of line 1 has no result"),
            ("> a\n> b\n", "line 2: the text of line 1 has no result"),
            ("{}", "line 1: a result stands behind no text"),
            ("x", "line 1: `x` is none of > + time now unmatched # {"),
            ("now noon", "line 1: \"noon\" is no time in RFC 3339"),
        ] {
            assert_eq!(read(file, Timestamp(0)).unwrap_err().to_string(), expected);
        }
    }
}
