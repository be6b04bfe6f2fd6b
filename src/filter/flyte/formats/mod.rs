//! The formats of lines: which one a line has, and what its shape tells.
//!
//! A format is recognised by its whole shape, never by a word somewhere in a text, so that a
//! user's print is a print. A new text format is one file here and one line in [`read`].

mod klog;
mod logrus;
mod python;
mod sdk;
mod spark;
mod zap;

use bumpalo::Bump;

use super::level::Level;
use crate::record::{Member, Origin, json};

/// What the shape of a line tells; the rest stands in the members that were read from it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Line<'t> {
    /// The message. `None` if it is one of the members.
    pub(super) message: Option<&'t [u8]>,
    /// The level, where the line's shape tells it.
    pub(super) level: Option<Level>,
    /// Run and action, where they stand before the message.
    pub(super) run: Option<(&'t [u8], &'t [u8])>,
    /// flytestdlib's ids stand among the members themselves, not in one of them.
    pub(super) has_flat_ids: bool,
    /// Written by the executor of version 2's single binary, if that is what wrote it.
    pub(super) is_executor: bool,
    /// It is a traceback, all of it.
    pub(super) is_traceback: bool,
    /// No key stands twice among the members.
    pub(super) has_unique_keys: bool,
}

/// Reads a line and appends its members, of [`Origin::Application`].
pub(super) fn read<'t>(text: &'t [u8], arena: &'t Bump, members: &mut Vec<Member<'t>>) -> Line<'t> {
    let line = match text.first() {
        Some(b'{' | b'\t' | b'\r' | b'\n') => read_json(text, arena, members),
        Some(b' ') => python::read(text).or_else(|| read_json(text, arena, members)),
        Some(b'T') => python::read(text),
        Some(b'I' | b'W' | b'E' | b'F') => klog::read(text, members),
        Some(b'0'..=b'9') => zap::read(text, arena, members).or_else(|| spark::read(text)),
        Some(b'[') => sdk::read(text, members),
        Some(b'a'..=b'z') => logrus::read(text, arena, members),
        _ => None,
    };
    line.unwrap_or_else(|| Line { message: Some(text), ..Line::default() })
}

fn read_json<'t>(text: &'t [u8], arena: &'t Bump, members: &mut Vec<Member<'t>>) -> Option<Line<'t>> {
    if text.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    json::split(text, arena, members, Origin::Application).ok()?;
    Some(Line { has_unique_keys: true, ..Line::default() })
}

/// A member of the application that is text.
fn text_member<'t>(key: &'t [u8], text: &'t [u8]) -> Member<'t> {
    Member::text(key, text, Origin::Application)
}

/// The text behind a start that fits the template, in which `0` stands for any digit.
fn behind<'t>(text: &'t [u8], template: &[u8]) -> Option<&'t [u8]> {
    let (start, rest) = text.split_at_checked(template.len())?;
    let fits = start.iter().zip(template).all(|(byte, wanted)| match wanted {
        b'0' => byte.is_ascii_digit(),
        _ => byte == wanted,
    });
    fits.then_some(rest)
}

/// Splits at the first `byte`, which is left out.
fn split_at_byte(text: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(byte, text)?;
    Some((&text[..at], &text[at + 1..]))
}

/// The level of a word in capitals, as the console formats write it.
fn capital_level(word: &[u8]) -> Option<Level> {
    if word.iter().all(u8::is_ascii_uppercase) { Level::of_word(word) } else { None }
}

/// Reads one line in the tests of a format.
#[cfg(test)]
pub(super) fn shown(text: &str) -> String {
    let (arena, mut members) = (Bump::new(), Vec::new());
    let line = read(text.as_bytes(), &arena, &mut members);
    let mut shown = match (line.level, line.message) {
        (Some(level), Some(message)) => format!("{level:?} | {}", String::from_utf8_lossy(message)),
        (None, Some(message)) => format!("- | {}", String::from_utf8_lossy(message)),
        (_, None) => "members".to_owned(),
    };
    for member in members {
        assert_eq!(member.origin, Origin::Application);
        let value = match member.value {
            crate::record::Value::Text(value) => format!("{:?}", String::from_utf8_lossy(value)),
            crate::record::Value::Json(value) => String::from_utf8_lossy(value).into_owned(),
            crate::record::Value::Members(_) => panic!("rendered members"),
        };
        shown.push_str(&format!(" | {}={value}", String::from_utf8_lossy(member.key)));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_else_is_plain_text() {
        for line in [
            "",
            "hello ERROR world",
            "[2026-08-21T12:00:01.000Z] \"POST /flyteidl.service.AdminService/GetProject HTTP/2\" 503 UF 812 64 9 8",
            "10.0.0.1 - - [21/Aug/2026:12:00:01 +0000] \"GET /console HTTP/1.1\" \x1b[31m500\x1b[0m 1203 \"-\" \"curl\"",
            "\x1b[31mERROR\x1b[0m x",
            "ERROR: failed",
            "INFO:root:message",
            "\t/workspace/executor/pkg/controller/taskaction_controller.go:183",
            "2026/08/21 12:00:01 http: TLS handshake error",
            "2026-08-21 12:00:01,123 ERROR x",
            "panic: runtime error",
            "{\"level\":\"error\",\"msg\":\"cut",
            "  {'level': 'error'}",
            "[\"level\"]",
            "\"x\"",
            "   ",
        ] {
            assert_eq!(shown(line), format!("- | {line}"));
        }
    }

    #[test]
    fn json_is_read_between_blanks_too() {
        assert_eq!(shown(r#"{"msg":"x","n":[1, 2]}"#), r#"members | msg="x" | n=[1, 2]"#);
        assert_eq!(shown(" \t{\"msg\":\"x\"} "), r#"members | msg="x""#);
        assert_eq!(shown("{}"), "members");
    }
}
