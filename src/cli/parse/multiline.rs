//! `--multiline`: how lines are joined, each result with the state that every line of it led to.

use std::io::{self, BufRead, Write};
use std::path::PathBuf;

use serde_json::json;

use super::show::{Colour, Shape, Style, visible};
use super::{Ending, ParseArguments, ParseError, open, parsers};
use crate::cli::print::eprint;
use crate::config::Problems;
use crate::parser::Parsers;
use crate::pipeline::multiline::{Chain, Definitions, Explained, LIMITS, Role, definitions, explain};

/// Joins the lines as the multi-line parsers `names` (separated by commas) do and prints each result.
pub(super) fn run(
    arguments: &ParseArguments,
    names: &str,
    shape: Shape,
    out: &mut impl Write,
) -> Result<Ending, ParseError> {
    let definitions = load(&arguments.parsers_files)?;
    let chain = chain(&definitions, names)?;
    let read = open(&arguments.file)?.split(b'\n').collect::<io::Result<Vec<_>>>();
    let lines = read.map_err(|error| ParseError::Read { file: arguments.file.clone(), error })?;
    show_all(&lines, &chain, shape, out)?;
    Ok(Ending::Complete)
}

/// What parsers files define and what is built in. Problems that keep nobody from using them go to the
/// standard error.
fn load(files: &[PathBuf]) -> Result<Definitions, ParseError> {
    let mut problems = Problems::new();
    let config = parsers::configured(files, &mut problems);
    let parsers = Parsers::new(&config.parsers, &mut problems);
    let (definitions, _) = definitions(&config.multiline_parsers, &parsers, &mut problems);
    if problems.is_fatal() {
        return Err(ParseError::Parsers(problems));
    }
    eprint(&problems);
    Ok(definitions)
}

fn chain(definitions: &Definitions, names: &str) -> Result<Chain, ParseError> {
    let mut chain = Chain::default();
    for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let Some(chosen) = definitions.find(name) else {
            let known = definitions.names().collect::<Vec<_>>().join(", ");
            return Err(ParseError::UnknownMultiline { name: name.to_owned(), known });
        };
        chain = chain.followed_by(&chosen.chain);
    }
    Ok(chain)
}

fn show_all(lines: &[Vec<u8>], chain: &Chain, shape: Shape, out: &mut impl Write) -> io::Result<()> {
    let lines = lines.iter().map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let (mut number, mut written) = (0, Ok(()));
    explain(lines, chain, LIMITS, |explained| {
        number += 1;
        if written.is_ok() {
            written = match shape {
                Shape::Json => writeln!(out, "{}", as_json(&explained)),
                Shape::Text(style) => as_text(number, &explained, style, out),
            };
        }
    });
    written
}

fn as_text(number: usize, explained: &Explained, style: Style, out: &mut impl Write) -> io::Result<()> {
    let count = explained.roles.len();
    let lines = if count == 1 { "line" } else { "lines" };
    let cut = if explained.truncated { ", cut at a limit" } else { "" };
    let head = format!("record {number}: {count} {lines} from line {}{cut}", explained.first + 1);
    let colour = if count == 1 { Colour::Dim } else { Colour::Green };
    writeln!(out, "{}", style.paint(colour, &head))?;
    for (text, role) in explained.text.split(|byte| *byte == b'\n').zip(&explained.roles) {
        let state = format!("{:<24}", state(role).unwrap_or_else(|| "-".to_owned()));
        writeln!(out, "  {} {}", style.paint(Colour::Dim, &state), visible(text))?;
    }
    Ok(())
}

/// The state that a line leads to; `None` if nothing was joined.
fn state(role: &Role) -> Option<String> {
    match role {
        Role::Alone => None,
        Role::Begins { definition, state } => Some(format!("{definition} > {state}")),
        Role::Continues { state } => Some(format!("> {state}")),
        Role::Ends => Some("> end".to_owned()),
    }
}

fn as_json(explained: &Explained) -> serde_json::Value {
    let parser = explained.roles.iter().find_map(|role| match role {
        Role::Begins { definition, .. } => Some(definition),
        _ => None,
    });
    let states = explained.roles.iter().map(|role| match role {
        Role::Alone => None,
        Role::Begins { state, .. } | Role::Continues { state } => Some(state.as_str()),
        Role::Ends => Some("end"),
    });
    let states: Vec<_> = states.collect();
    json!({
        "line": explained.first + 1,
        "lines": explained.roles.len(),
        "parser": parser,
        "states": states,
        "truncated": explained.truncated,
        "text": String::from_utf8_lossy(&explained.text),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn shown(names: &str, text: &str, shape: Shape) -> Result<String, ParseError> {
        let lines: Vec<_> = text.lines().map(|line| line.as_bytes().to_vec()).collect();
        let mut out = Vec::new();
        let (definitions, _) = definitions(&[], &Parsers::default(), &mut Problems::new());
        show_all(&lines, &chain(&definitions, names)?, shape, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn shows_the_state_behind_each_line() {
        let text = "one\njava.lang.Error: x\n\tat a.b(C.java:1)\nTraceback (most recent call last):\n  File\nE: x\n";
        let expected = "record 1: 1 line from line 1\n  -                        one\n\
                        record 2: 2 lines from line 2\n  java > exception         java.lang.Error: x\n  \
                        > frames                 ·at a.b(C.java:1)\n\
                        record 3: 3 lines from line 4\n  python > frames          Traceback (most recent call last):\n  \
                        > frames                   File\n  > complete               E: x\n";
        assert_eq!(shown("python, java", text, Shape::Text(Style::Plain)).unwrap(), expected);
        let json = shown("python,java", text, Shape::Json).unwrap();
        let values: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let (alone, group) = (&values[0], &values[1]);
        assert_eq!((&alone["line"], &alone["parser"], &alone["states"]), (&json!(1), &Value::Null, &json!([null])));
        assert_eq!((&group["line"], &group["lines"], &group["parser"]), (&json!(2), &json!(2), &json!("java")));
        assert_eq!(group["states"], json!(["exception", "frames"]));
        assert_eq!(group["text"], "java.lang.Error: x\n\tat a.b(C.java:1)");
    }

    #[test]
    fn says_which_parsers_there_are() {
        let error = shown("perl", "", Shape::Json).unwrap_err().to_string();
        assert!(error.starts_with("there is no multiline parser \"perl\"") && error.contains("go, ruby"), "{error}");
    }
}
