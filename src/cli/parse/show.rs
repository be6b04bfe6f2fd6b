//! One line and what became of it, for people or as JSON.

use std::borrow::Cow;
use std::io::{self, Write};
use std::ops::Range;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::parser::golden::{object, written};
use crate::parser::{Explanation, Miss, Parser, Shown, Taken};

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Text(Style),
    Json,
}

/// Whether text has colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Coloured,
}

/// Colours, by what they mean here: aside, good, bad.
#[derive(Debug, Clone, Copy)]
pub(super) enum Colour {
    Dim,
    Green,
    Red,
}

impl Style {
    pub(super) fn paint(self, colour: Colour, text: &str) -> Cow<'_, str> {
        let code = match (self, colour) {
            (Self::Plain, _) => return Cow::Borrowed(text),
            (Self::Coloured, Colour::Dim) => 2,
            (Self::Coloured, Colour::Green) => 32,
            (Self::Coloured, Colour::Red) => 31,
        };
        Cow::Owned(format!("\x1b[{code}m{text}\x1b[0m"))
    }
}

/// Prints one line's result.
pub(super) fn line(
    number: u64,
    text: &[u8],
    explanation: &Explanation,
    shape: Shape,
    out: &mut impl Write,
) -> io::Result<()> {
    match shape {
        Shape::Json => writeln!(out, "{}", as_json(number, explanation)),
        Shape::Text(style) => as_text(number, text, explanation, style, out),
    }
}

/// Prints how many lines matched, and which engine did it.
pub(super) fn summary(parser: &Parser, lines: u64, missed: u64, shape: Shape, out: &mut impl Write) -> io::Result<()> {
    let Shape::Text(style) = shape else { return Ok(()) };
    let counted = format!("{} of {lines} lines matched", lines - missed);
    writeln!(out, "{}", style.paint(if missed == 0 { Colour::Green } else { Colour::Red }, &counted))?;
    let Some((kind, reason)) = parser.engine() else { return Ok(()) };
    let engine = kind.name();
    writeln!(out, "{}", style.paint(Colour::Dim, &format!("engine: {engine} ({reason})")))
}

fn as_text(number: u64, text: &[u8], explanation: &Explanation, style: Style, out: &mut impl Write) -> io::Result<()> {
    let head = format!("line {number}: {}", visible(text));
    match explanation {
        Explanation::Matched { time, is_time_unreadable, members, groups } => {
            writeln!(out, "{}", style.paint(Colour::Green, &head))?;
            match (time, is_time_unreadable) {
                (Some(_), _) => writeln!(out, "  time: {}", written(*time))?,
                (None, true) => writeln!(
                    out,
                    "  {}",
                    style.paint(Colour::Red, "time: there is one, but Time_Format does not fit it")
                )?,
                (None, false) => writeln!(out, "  time: none; that of the input counts")?,
            }
            as_members(members, groups, style, out)
        }
        Explanation::CutOff => {
            writeln!(out, "{}", style.paint(Colour::Red, &head))?;
            writeln!(out, "  the search takes too long and was cut off: simplify repetitions of repetitions")
        }
        Explanation::Unmatched(miss) => {
            writeln!(out, "{}", style.paint(Colour::Red, &head))?;
            as_miss(text, miss.as_ref(), style, out)
        }
    }
}

fn as_members(members: &[Shown], groups: &[Taken], style: Style, out: &mut impl Write) -> io::Result<()> {
    let width = members.iter().map(|member| member.key.chars().count()).max().unwrap_or(0).min(40);
    for member in members {
        let padding = " ".repeat(width.saturating_sub(member.key.chars().count()));
        write!(out, "  {}{padding}  {}", visible(member.key.as_bytes()), visible(member.json.as_bytes()))?;
        let took = groups.iter().enumerate().rev().find(|(_, group)| group.name == member.key && took_some(group));
        let from = took.and_then(|(index, group)| Some((index + 1, group.span.as_ref()?)));
        match from.map(|(number, span)| format!("  group {number}, {}", bytes(span))) {
            Some(from) => writeln!(out, "{}", style.paint(Colour::Dim, &from))?,
            None => writeln!(out)?,
        }
    }
    let without_member =
        || groups.iter().enumerate().filter(|(_, group)| !members.iter().any(|one| one.key == group.name));
    for (index, group) in without_member().filter(|(_, group)| took_some(group)) {
        let span = group.span.as_ref().map(bytes).unwrap_or_default();
        let taken = format!("  {} is not kept: its text is the time  group {}, {span}", group.name, index + 1);
        writeln!(out, "{}", style.paint(Colour::Dim, &taken))?;
    }
    let empty = without_member().filter(|(_, group)| !took_some(group));
    let empty: Vec<_> = empty.map(|(_, group)| group.name.as_str()).collect();
    if !empty.is_empty() {
        writeln!(out, "{}", style.paint(Colour::Dim, &format!("  nothing for: {}", empty.join(", "))))?;
    }
    writeln!(out)
}

fn took_some(group: &Taken) -> bool {
    group.span.as_ref().is_some_and(|span| !span.is_empty())
}

fn bytes(span: &Range<usize>) -> String {
    format!("bytes {} to {}", span.start, span.end)
}

fn as_miss(text: &[u8], miss: Option<&Miss>, style: Style, out: &mut impl Write) -> io::Result<()> {
    match miss {
        None => writeln!(out, "  no match")?,
        Some(miss) => {
            let (fits, rest) = text.split_at(miss.end.min(text.len()));
            writeln!(out, "  fits up to byte {}: {}", miss.end, style.paint(Colour::Green, &visible(fits)))?;
            let rest = if rest.is_empty() { "(the line ends here)".to_owned() } else { visible(rest) };
            writeln!(out, "  does not fit: {}", style.paint(Colour::Red, &rest))?;
            if !miss.rest.is_empty() {
                writeln!(out, "  expression that fits: {}", style.paint(Colour::Green, &miss.pattern))?;
                writeln!(out, "  does not fit from:    {}", style.paint(Colour::Red, &miss.rest))?;
            }
        }
    }
    writeln!(out)
}

fn as_json(number: u64, explanation: &Explanation) -> Value {
    match explanation {
        Explanation::Matched { time, is_time_unreadable, members, groups } => {
            let span = |group: &Taken| group.span.as_ref().map(|span| json!([span.start, span.end]));
            let groups: Map<String, Value> =
                groups.iter().filter_map(|group| Some((group.name.clone(), span(group)?))).collect();
            json!({
                "line": number,
                "matched": true,
                "time": time.map(|time| written(Some(time))),
                "time_unreadable": is_time_unreadable,
                "record": record(members),
                "groups": groups,
            })
        }
        Explanation::CutOff => json!({ "line": number, "matched": false, "cut_off": true }),
        Explanation::Unmatched(None) => json!({ "line": number, "matched": false }),
        Explanation::Unmatched(Some(Miss { end, pattern, rest })) => json!({
            "line": number,
            "matched": false,
            "fits": end,
            "expression_that_fits": pattern,
            "expression_that_does_not": rest,
        }),
    }
}

/// The members as they are written in a document.
fn record(members: &[Shown]) -> Value {
    let object = object(members);
    let raw = serde_json::from_str::<&RawValue>(&object);
    raw.and_then(serde_json::to_value).unwrap_or_default()
}

/// Text that does nothing to a terminal and stays on its line.
pub(super) fn visible(text: &[u8]) -> String {
    let shown = |character: char| if character.is_control() { '·' } else { character };
    String::from_utf8_lossy(text).chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Problems;
    use crate::parser::{Explainer, Parsers};
    use crate::record::Timestamp;

    fn shown(name: &str, text: &str, shape: Shape) -> String {
        let parsers = Parsers::ours(&mut Problems::new());
        let parser = parsers.find(name).unwrap();
        let mut out = Vec::new();
        line(1, text.as_bytes(), &Explainer::new(parser).explain(text.as_bytes(), Timestamp(0)), shape, &mut out)
            .unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_match_tells_which_group_took_what() {
        let text = "2026-08-21T12:00:01Z stdout F two words";
        let said = shown("cri", text, Shape::Text(Style::Plain));
        for part in [
            "line 1: 2026-08-21T12:00:01Z stdout F two words\n",
            "  time: 2026-08-21T12:00:01.000000000Z\n",
            "  stream   \"stdout\"  group 2, bytes 21 to 27\n",
            "  message  \"two words\"  group 4, bytes 30 to 39\n",
        ] {
            assert!(said.contains(part), "no {part:?} in {said}");
        }
        assert!(
            shown("cri", "2026-08-21T12:00:01Z stdout F ", Shape::Text(Style::Plain)).contains("nothing for: message")
        );
        let said = shown("klog", "E0821 12:00:01.123456 1 a.go:3] x", Shape::Text(Style::Plain));
        assert!(said.contains("  time is not kept: its text is the time  group 2, bytes 1 to 21\n"), "{said}");
        assert!(shown("cri", text, Shape::Text(Style::Coloured)).starts_with("\x1b[32mline 1: "));
    }

    #[test]
    fn a_miss_tells_how_far_the_line_fits() {
        let said = shown("cri", "2026-08-21T12:00:01Z stdin F x", Shape::Text(Style::Plain));
        for part in [
            "  fits up to byte 21: 2026-08-21T12:00:01Z \n",
            "  does not fit: stdin F x\n",
            "  expression that fits: ^(?<time>[^ ]+) \n",
            "  does not fit from:    (?<stream>stdout|stderr) (?<logtag>[^ ]*) (?<message>.*)$\n",
        ] {
            assert!(said.contains(part), "no {part:?} in {said}");
        }
        let said = shown("json", r#"{"a":1,}"#, Shape::Text(Style::Plain));
        assert!(said.contains("fits up to byte 7: {\"a\":1,\n"), "{said}");
        assert!(shown("cri", "x", Shape::Text(Style::Plain)).contains("does not fit: (the line ends here)\n"));
    }

    #[test]
    fn json_is_for_scripts() {
        let value: Value = serde_json::from_str(&shown("cri", "2026-08-21T12:00:01Z stdout F x", Shape::Json)).unwrap();
        assert_eq!(value["time"], "2026-08-21T12:00:01.000000000Z");
        assert_eq!((&value["record"]["message"], &value["groups"]["message"]), (&json!("x"), &json!([30, 31])));
        let value: Value = serde_json::from_str(&shown("cri", "x y", Shape::Json)).unwrap();
        assert_eq!((&value["matched"], &value["fits"]), (&json!(false), &json!(2)));
    }
}
