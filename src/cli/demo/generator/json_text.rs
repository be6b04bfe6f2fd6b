//! JSON as Go and Python write it: the same values, with other spaces and escapes than ours.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

/// Whose JSON it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `encoding/json`: no spaces; `<`, `>`, `&` and the two line separators are escaped.
    Go,
    /// `json.dumps`: `", "` and `": "`; everything outside ASCII is escaped.
    Python,
    /// No spaces, nothing escaped that need not be (JavaScript, `orjson`).
    Compact,
}

/// An object with its members in the order given.
pub(super) fn object(members: &[(&str, Value)], style: Style) -> String {
    let (separator, colon) = match style {
        Style::Python => (", ", ": "),
        Style::Go | Style::Compact => (",", ":"),
    };
    let mut text = String::from("{");
    for (position, (key, value)) in members.iter().enumerate() {
        if position > 0 {
            text.push_str(separator);
        }
        text.push_str(&rendered(key, style));
        text.push_str(colon);
        text.push_str(&rendered(value, style));
    }
    text.push('}');
    text
}

/// One value.
pub(super) fn rendered<T: Serialize + ?Sized>(value: &T, style: Style) -> String {
    let mut out = Vec::new();
    // Writing JSON values into memory cannot fail.
    let _ = match style {
        Style::Go => value.serialize(&mut Serializer::with_formatter(&mut out, GoFormatter)),
        Style::Python => value.serialize(&mut Serializer::with_formatter(&mut out, PythonFormatter)),
        Style::Compact => value.serialize(&mut Serializer::with_formatter(&mut out, CompactFormatter)),
    };
    String::from_utf8(out).unwrap_or_default()
}

struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        escape(writer, fragment, |letter| matches!(letter, '<' | '>' | '&' | '\u{2028}' | '\u{2029}'))
    }
}

struct PythonFormatter;

impl Formatter for PythonFormatter {
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        escape(writer, fragment, |letter| !letter.is_ascii() || letter == '\u{7f}')
    }
}

/// Writes a fragment with some letters as `\uXXXX`, as surrogate pairs where one is not enough.
fn escape<W: ?Sized + Write>(writer: &mut W, fragment: &str, chosen: impl Fn(char) -> bool) -> io::Result<()> {
    let mut rest = fragment;
    while let Some(at) = rest.find(&chosen) {
        let (before, after) = rest.split_at(at);
        writer.write_all(before.as_bytes())?;
        let mut letters = after.chars();
        for unit in letters.next().unwrap_or_default().encode_utf16(&mut [0; 2]) {
            write!(writer, "\\u{unit:04x}")?;
        }
        rest = letters.as_str();
    }
    writer.write_all(rest.as_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_language_writes_its_own_way() {
        let members = [("b", json!("a<b> & \"é\"\n")), ("a", json!({"x": [1, 2], "y": "🚀"}))];
        let go = r#"{"b":"a\u003cb\u003e \u0026 \"é\"\n","a":{"x":[1,2],"y":"🚀"}}"#;
        assert_eq!(object(&members, Style::Go), go);
        let python = r#"{"b": "a<b> & \"\u00e9\"\n", "a": {"x": [1, 2], "y": "\ud83d\ude80"}}"#;
        assert_eq!(object(&members, Style::Python), python);
        let compact = r#"{"b":"a<b> & \"é\"\n","a":{"x":[1,2],"y":"🚀"}}"#;
        assert_eq!(object(&members, Style::Compact), compact);
    }

    #[test]
    fn every_style_means_the_same() {
        let value = json!({"text": "<\u{2028}\u{7f}ü\\\"\t", "list": [null, true, 0.25, {"deep": "🚀"}]});
        for style in [Style::Go, Style::Python, Style::Compact] {
            let read: Value = serde_json::from_str(&rendered(&value, style)).unwrap();
            assert_eq!(read, value, "{style:?}");
        }
    }
}
