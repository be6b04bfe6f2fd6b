//! The classic `.conf` format: lines to statements.
//!
//! The grammar is Fluent Bit's (see its `flb_cf_fluentbit.c`), line by line and without quoting.
//! After a fault the rest of the line is still read as far as its meaning is plain, so that one
//! slip does not bring a tail of errors that are none.

use super::problem::{Severity, Spot};

/// What one line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Statement<'t> {
    /// `[INPUT]`: the text between the brackets.
    Header(&'t str),
    /// `@INCLUDE file`: the word behind `@`, and the rest.
    Command { name: &'t str, argument: &'t str },
    /// An indented `[PROCESSORS]`: the text between the brackets. Its keys are not reported.
    Group(&'t str),
    /// `Key value`, both trimmed and not empty, and where the value stands.
    Pair { key: &'t str, value: &'t str, value_at: Spot },
}

/// Something wrong with the form of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: Spot,
    pub(super) severity: Severity,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// A file's statements with their places, and what is wrong with the lines' form.
#[derive(Debug, Default)]
pub(super) struct Lines<'t> {
    pub(super) statements: Vec<(Spot, Statement<'t>)>,
    pub(super) faults: Vec<Fault>,
    /// Set by the first key of the file; every other key must be indented in just this way.
    indent: Option<&'t str>,
    in_group: bool,
    number: u32,
    /// The line that is being read.
    current: &'t str,
}

/// Reads a file's text.
pub(super) fn read(text: &str) -> Lines<'_> {
    let mut lines = Lines::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for line in text.split('\n') {
        lines.number += 1;
        lines.line(line.strip_suffix('\r').unwrap_or(line));
    }
    lines
}

impl<'t> Lines<'t> {
    fn line(&mut self, line: &'t str) {
        self.current = line;
        let content = line.trim();
        // Fluent Bit wants blank lines and comments indented like keys; nothing hangs on it.
        if content.is_empty() || content.starts_with('#') {
            return;
        }
        match line.as_bytes()[0] {
            b'[' => self.header(line),
            b'@' => self.command(line),
            _ => self.indented(line),
        }
    }

    fn header(&mut self, line: &'t str) {
        self.in_group = false;
        let name = match line.find(']') {
            Some(end) => &line[1..end],
            None => {
                self.fault(line.trim_end(), "a section's name must end with ]", None);
                line[1..].trim()
            }
        };
        self.statement(name, Statement::Header(name));
    }

    fn command(&mut self, line: &'t str) {
        match line[1..].trim_end().split_once(' ') {
            Some((name, argument)) => self.statement(name, Statement::Command { name, argument: argument.trim() }),
            None => {
                let name = word(&line[1..]);
                self.fault(name, format!("@{name} needs a value behind it"), None);
            }
        }
    }

    /// A key, or a group of keys, within a section.
    fn indented(&mut self, line: &'t str) {
        let content = line.trim_start_matches([' ', '\t']);
        let blanks = &line[..line.len() - content.len()];
        if self.in_group && !blanks.is_empty() && self.indent.is_some_and(|indent| blanks == indent.repeat(2)) {
            return;
        }
        self.in_group = false;
        self.check_indent(blanks, content);
        if let Some(name) = content.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(name, _)| name) {
            self.group(name);
        } else if let Some(command) = content.strip_prefix('@') {
            let name = word(command);
            self.fault(name, format!("@{name} must stand in the first column"), None);
        } else {
            self.pair(content);
        }
    }

    fn check_indent(&mut self, blanks: &'t str, content: &'t str) {
        let Some(indent) = self.indent else {
            self.indent = Some(blanks);
            if blanks.is_empty() {
                let hint = "indent the keys of a section: Fluent Bit would drop the first letter of this one";
                self.report(Severity::Warning, word(content), "a key that is not indented", Some(hint.to_owned()));
            }
            return;
        };
        if blanks == indent {
            return;
        }
        let message = if blanks.starts_with(indent) {
            "this line is indented too far"
        } else if indent.starts_with(blanks) {
            "this line is not indented far enough"
        } else {
            "this line mixes tabs and spaces in another way"
        };
        let hint = format!("the first key of this file is indented by {}", describe(indent));
        self.fault(if blanks.is_empty() { word(content) } else { blanks }, message, Some(hint));
    }

    fn group(&mut self, name: &'t str) {
        if is_section(name) {
            self.fault(name, format!("[{name}] must stand in the first column"), None);
            self.statement(name, Statement::Header(name));
        } else {
            self.in_group = true;
            self.statement(name, Statement::Group(name));
        }
    }

    fn pair(&mut self, content: &'t str) {
        let (key, value) = content.split_once(' ').unwrap_or((content, ""));
        let (key, value) = (key.trim(), value.trim());
        if key.contains('\t') {
            let (key, value) = content.trim().split_once('\t').unwrap_or_default();
            let hint = "put a space between key and value, not a tab";
            self.fault(word(key), format!("{} has no value", quoted(key)), Some(hint.to_owned()));
            self.pair_of(key, value.trim());
        } else if value.is_empty() {
            let hint = "remove the line or give a value".to_owned();
            self.fault(word(key), format!("{} has no value", quoted(key)), Some(hint));
        } else {
            self.pair_of(key, value);
        }
    }

    fn pair_of(&mut self, key: &'t str, value: &'t str) {
        let value_at = self.spot(value);
        self.statement(key, Statement::Pair { key, value, value_at });
    }

    /// A statement that is about `part` of the line.
    fn statement(&mut self, part: &'t str, statement: Statement<'t>) {
        self.statements.push((self.spot(part), statement));
    }

    fn fault(&mut self, part: &'t str, message: impl Into<String>, hint: Option<String>) {
        self.report(Severity::Error, part, message, hint);
    }

    fn report(&mut self, severity: Severity, part: &'t str, message: impl Into<String>, hint: Option<String>) {
        self.faults.push(Fault { at: self.spot(part), severity, message: message.into(), hint });
    }

    /// Where a part of the current line stands in it.
    fn spot(&self, part: &str) -> Spot {
        let before = (part.as_ptr() as usize).saturating_sub(self.current.as_ptr() as usize);
        let characters = |text: &str| u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        let column = self.current.get(..before).map_or(0, |before| characters(before) + 1);
        Spot { line: self.number, column, width: characters(part) }
    }
}

/// Whether an indented `[name]` is a section in the wrong column rather than a group. Only whole
/// names count here: any letter could begin a group's name.
fn is_section(name: &str) -> bool {
    ["service", "input", "filter", "output", "parser", "multiline_parser"]
        .iter()
        .any(|section| name.eq_ignore_ascii_case(section))
}

/// A key for a message. Only what looks like a name: what follows may be a secret, for instance in
/// `HTTP_Passwd=…` and the like.
fn quoted(key: &str) -> String {
    match word(key) {
        "" => "this key".to_owned(),
        name => format!("\"{name}\""),
    }
}

fn word(text: &str) -> &str {
    let end = text.find(|character: char| !character.is_ascii_alphanumeric() && !"_.-".contains(character));
    &text[..end.unwrap_or(text.len())]
}

fn describe(indent: &str) -> String {
    let count = indent.len();
    let plural = if count == 1 { "" } else { "s" };
    match (indent.contains(' '), indent.contains('\t')) {
        (true, true) => "a mix of spaces and tabs".to_owned(),
        (true, false) => format!("{count} space{plural}"),
        (false, true) => format!("{count} tab{plural}"),
        (false, false) => "nothing".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Statements and faults as short text: `2 Name=tail`, `3 [INPUT]`, `1! message`.
    fn shown(text: &str) -> Vec<String> {
        let lines = read(text);
        let statements = lines.statements.iter().map(|(Spot { line, .. }, statement)| match statement {
            Statement::Header(name) => format!("{line} [{name}]"),
            Statement::Command { name, argument } => format!("{line} @{name} {argument}"),
            Statement::Group(name) => format!("{line} group {name}"),
            Statement::Pair { key, value, .. } => format!("{line} {key}={value}"),
        });
        let faults = lines.faults.iter().map(|fault| match fault.severity {
            Severity::Error => format!("{}! {}", fault.at.line, fault.message),
            _ => format!("{}? {}", fault.at.line, fault.message),
        });
        statements.chain(faults).collect()
    }

    #[test]
    fn lines_that_are_right() {
        for (text, expected) in [
            ("", vec![]),
            ("[INPUT]\n  Name tail\n", vec!["1 [INPUT]", "2 Name=tail"]),
            ("[INPUT]\r\n  Name tail\r\n", vec!["1 [INPUT]", "2 Name=tail"]),
            ("[INPUT]\n  Name tail", vec!["1 [INPUT]", "2 Name=tail"]),
            ("\u{feff}[INPUT]\n\tName tail", vec!["1 [INPUT]", "2 Name=tail"]),
            ("[INPUT] trailing words\n", vec!["1 [INPUT]"]),
            ("[a]b]\n", vec!["1 [a]"]),
            ("# comment\n[S]\n  # Name x\n   \n# x\n  Key a # b\n", vec!["2 [S]", "6 Key=a # b"]),
            ("[S]\n  Key    spaces  inside\t \n", vec!["1 [S]", "2 Key=spaces  inside"]),
            ("[S]\n  Key\t value\n", vec!["1 [S]", "2 Key=value"]),
            ("[S]\n  Regex ^(?<a>[^ ]+) \\[x\\]$\n", vec!["1 [S]", "2 Regex=^(?<a>[^ ]+) \\[x\\]$"]),
            ("@INCLUDE a b.conf \n@set K= v\n", vec!["1 @INCLUDE a b.conf", "2 @set K= v"]),
            ("[I]\n  N x\n  [P] \n    Name grep\n    Match *\n  M y\n", vec!["1 [I]", "2 N=x", "3 group P", "6 M=y"]),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }

    #[test]
    fn lines_that_are_wrong_are_still_understood() {
        for (text, expected) in [
            ("[INPUT\n  N x\n", vec!["1 [INPUT]", "2 N=x", "1! a section's name must end with ]"]),
            ("[S]\n  Key\n  A b\n", vec!["1 [S]", "3 A=b", "2! \"Key\" has no value"]),
            ("[S]\n  Key  \n", vec!["1 [S]", "2! \"Key\" has no value"]),
            ("[S]\n  HTTP_Passwd=hunter2\n", vec!["1 [S]", "2! \"HTTP_Passwd\" has no value"]),
            ("[S]\n  Name\ttail x\n", vec!["1 [S]", "2 Name=tail x", "2! \"Name\" has no value"]),
            ("[S]\n  A b\n    C d\n", vec!["1 [S]", "2 A=b", "3 C=d", "3! this line is indented too far"]),
            ("[S]\n  A b\n C d\n", vec!["1 [S]", "2 A=b", "3 C=d", "3! this line is not indented far enough"]),
            ("[S]\n  A b\nC d\n", vec!["1 [S]", "2 A=b", "3 C=d", "3! this line is not indented far enough"]),
            (
                "[S]\n  A b\n\tC d\n",
                vec!["1 [S]", "2 A=b", "3 C=d", "3! this line mixes tabs and spaces in another way"],
            ),
            ("[S]\nA b\nC d\n", vec!["1 [S]", "2 A=b", "3 C=d", "2? a key that is not indented"]),
            (
                "[S]\n  A b\n  [INPUT]\n  C d\n",
                vec!["1 [S]", "2 A=b", "3 [INPUT]", "4 C=d", "3! [INPUT] must stand in the first column"],
            ),
            ("[S]\n  @INCLUDE x\n", vec!["1 [S]", "2! @INCLUDE must stand in the first column"]),
            ("@INCLUDE\n", vec!["1! @INCLUDE needs a value behind it"]),
            ("@SET=a\n", vec!["1! @SET needs a value behind it"]),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }

    #[test]
    fn places_are_those_of_keys_and_values() {
        let lines = read("[INPUT]\n  Name   tail\n\n  Täg\tx\n@SET a=b\n   Key\n");
        let places: Vec<_> = lines
            .statements
            .iter()
            .map(|(at, statement)| match statement {
                Statement::Pair { value_at, .. } => (at.line, at.column, at.width, value_at.column, value_at.width),
                _ => (at.line, at.column, at.width, 0, 0),
            })
            .collect();
        assert_eq!(places, [(1, 2, 5, 0, 0), (2, 3, 4, 10, 4), (4, 3, 3, 7, 1), (5, 2, 3, 0, 0)]);
        let faults: Vec<_> =
            lines.faults.iter().map(|fault| (fault.at.line, fault.at.column, fault.at.width)).collect();
        assert_eq!(faults, [(4, 3, 1), (6, 1, 3), (6, 4, 3)]);
    }

    #[test]
    fn the_hint_tells_the_indent_that_the_file_uses() {
        let lines = read("[S]\n\tA b\n\t\tC d\n");
        assert_eq!(lines.faults[0].hint.as_deref(), Some("the first key of this file is indented by 1 tab"));
    }
}
