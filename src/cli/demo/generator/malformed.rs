//! Input that must break nothing: text that is not text, JSON that is not JSON, members that
//! fight with each other or with ours.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Stream;
use super::kubelet::{Kubelet, KubeletError};

/// What must become of a malformed line.
#[derive(Debug, Clone, PartialEq)]
pub enum Expectation {
    /// It is text: the message is the line; bytes that are not UTF-8 are replaced.
    Text,
    /// It is JSON with this message.
    Message(String),
    /// It arrives, with its marker somewhere in its message, whole or cut with a flag.
    Arrives,
    /// There is nothing to find it by; it may arrive as an empty message or not at all.
    Blank,
}

/// One malformed line.
#[derive(Debug, Clone)]
pub struct Malformed {
    /// What is wrong with it.
    pub name: &'static str,
    /// A word that no other line has, in the line's message; but for [`Expectation::Blank`].
    pub marker: String,
    /// The application's line, or with `raw` the whole physical line. Without a line feed.
    pub text: Vec<u8>,
    /// Whether `text` is to stand in the file as it is.
    pub raw: bool,
    /// What must become of it.
    pub expectation: Expectation,
    /// Further top-level fields that the contract is clear about; null if they must not exist.
    pub fields: Vec<(&'static str, Value)>,
}

impl Malformed {
    /// Writes it to a container's log.
    pub fn write(&self, kubelet: &mut Kubelet, container: usize, time_ns: i64) -> Result<(), KubeletError> {
        if self.raw {
            return kubelet.write_raw(container, &self.text);
        }
        kubelet.write_text(container, Stream::Stdout, time_ns, &self.text)
    }
}

/// All of them. Written between good lines of one container, they must not touch a neighbour.
///
/// Some have levels: where searches are counted, keep them out of flyteadmin's log.
#[must_use]
pub fn malformed_lines() -> Vec<Malformed> {
    let mut list = List { lines: Vec::new() };
    list.bytes();
    list.broken_json();
    list.duplicates();
    list.conflicts();
    list.deep_and_large();
    list.physical();
    list.lines
}

struct List {
    lines: Vec<Malformed>,
}

impl List {
    /// Adds a line; `@@` stands for its marker.
    fn add(&mut self, name: &'static str, text: &[u8], expectation: Expectation) -> &mut Malformed {
        let marker = format!("malformed{:03}x", self.lines.len());
        let replaced = replace(text, b"@@", marker.as_bytes());
        let expectation = match expectation {
            Expectation::Message(message) => Expectation::Message(message.replace("@@", &marker)),
            other => other,
        };
        let index = self.lines.len();
        self.lines.push(Malformed { name, marker, text: replaced, raw: false, expectation, fields: Vec::new() });
        &mut self.lines[index]
    }

    fn text(&mut self, name: &'static str, text: &[u8]) {
        self.add(name, text, Expectation::Text).fields = vec![("level", Value::Null)];
    }

    /// JSON whose message is nothing but the marker.
    fn json(&mut self, name: &'static str, text: &str) -> &mut Malformed {
        self.add(name, text.as_bytes(), Expectation::Message("@@".to_owned()))
    }

    fn bytes(&mut self) {
        self.text("invalid UTF-8", b"caf\xe9 \xff\xfe \xc3( @@");
        self.text("UTF-8 that ends too early", b"@@ \xf0\x9f\x9a");
        self.text("UTF-8 of a surrogate and an overlong slash", b"@@ \xed\xa0\x80 \xc0\xaf");
        self.text("NUL bytes", b"one\0two\0 @@ \0");
        self.text("control bytes", b"@@ \x01\x02\x07\x08\x0b\x0c\x1b[31m\x7f");
        self.text("a byte order mark", b"\xef\xbb\xbf@@");
        self.add("a carriage return at the end", b"@@ windows\r", Expectation::Arrives);
        self.add("nothing", b"", Expectation::Blank);
        self.add("only white space", b" \t  ", Expectation::Blank);
    }

    fn broken_json(&mut self) {
        self.text("truncated JSON", b"{\"level\":\"error\",\"msg\":\"@@");
        self.text("JSON truncated in an escape", b"{\"msg\":\"@@ \\u00");
        self.text("JSON with something behind", b"{\"level\":\"error\",\"msg\":\"@@\"} and more");
        self.text("JSON with a raw control byte in a text", b"{\"level\":\"error\",\"msg\":\"@@ \x01\"}");
        self.text("JSON with invalid UTF-8 in a text", b"{\"level\":\"error\",\"msg\":\"@@ \xff\"}");
        // Python writes such texts; what is no character becomes a replacement character.
        let half = br#"{"level":"error","msg":"@@ \ud83d"}"#;
        self.add("JSON with half a surrogate pair", half, Expectation::Message("@@ \u{FFFD}".to_owned())).fields =
            level("ERROR");
        self.text("JSON with NaN", b"{\"level\":\"error\",\"value\":NaN,\"msg\":\"@@\"}");
        self.text("JSON with a comma too many", b"{\"level\":\"error\",\"msg\":\"@@\",}");
        self.text("JSON with a number that starts with zero", b"{\"level\":\"error\",\"n\":01,\"msg\":\"@@\"}");
        self.text("JSON in single quotes", b"{'level':'error','msg':'@@'}");
        self.text("a JSON array", b"[\"@@\",{\"level\":\"error\"}]");
        self.text("a JSON text", b"\"@@\"");
        self.json("JSON between white space", " {\"level\":\"error\", \"msg\" : \"@@\" }  ").fields = level("ERROR");
    }

    fn duplicates(&mut self) {
        self.json("a key twice", r#"{"msg":"first","level":"info","level":"error","msg":"@@"}"#).fields =
            level("ERROR");
        self.json("a key twice under another spelling", r#"{"msg":"first","m\u0073g":"@@","level":"info"}"#);
        self.json("a key twice inside", r#"{"msg":"@@","inner":{"a":1,"a":{"b":1,"b":2}}}"#);
        self.json("a key twice in an array", r#"{"msg":"@@","list":[{"a":1,"a":2},{"a":3,"a":4}]}"#);
        self.json("an object and a text by one dotted name", r#"{"msg":"@@","a":1,"a.b":2,"a.b.c":{"d":3}}"#);
    }

    fn conflicts(&mut self) {
        self.json("a level that is an object", r#"{"level":{},"msg":"@@"}"#).fields = vec![("level", Value::Null)];
        self.json("a level that is a list", r#"{"level":["error"],"msg":"@@"}"#).fields = vec![("level", Value::Null)];
        self.json("a level that is null", r#"{"level":null,"msg":"@@"}"#).fields = vec![("level", Value::Null)];
        self.json("a level of 10,000 bytes", &format!(r#"{{"level":"{}","msg":"@@"}}"#, "e".repeat(10_000)));
        self.json("an @timestamp", r#"{"@timestamp":"x","msg":"@@"}"#);
        self.json("an @timestamp that is an object", r#"{"@timestamp":{"a":1},"msg":"@@"}"#);
        self.json("a member named fields", r#"{"fields":{"a":1},"msg":"@@"}"#);
        self.json("a text named fields", r#"{"fields":"x","msg":"@@"}"#);
        self.json("a member named kubernetes", r#"{"kubernetes":"x","msg":"@@"}"#);
        self.json("members named as the runtime's", r#"{"stream":{"a":1},"time":[],"log":7,"_p":"F","msg":"@@"}"#);
        self.json("metadata fields of the server", r#"{"_id":"x","_index":"y","_type":"z","_source":{},"msg":"@@"}"#);
        self.json("a truncated that is a text", r#"{"truncated":"x","msg":"@@"}"#).fields =
            vec![("truncated", Value::Null)];
        self.json("a trace_id that is an object", r#"{"trace_id":{"a":1},"msg":"@@"}"#).fields =
            vec![("trace_id", Value::Null)];
        self.add("a message that is an object", br#"{"message":{"text":"@@"},"n":1}"#, Expectation::Arrives);
        self.add("a message that is a number", br#"{"message":7,"text":"@@"}"#, Expectation::Arrives);
        self.json("a json member that is a text", r#"{"json":"x","level":"info","msg":"@@"}"#).fields = level("INFO");
    }

    fn deep_and_large(&mut self) {
        for (name, levels) in [("5,000 levels of nesting", 5_000), ("50 levels of nesting", 50)] {
            let deep = format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
            self.add(name, format!(r#"{{"msg":"@@","deep":{deep}}}"#).as_bytes(), Expectation::Arrives);
            let deep = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
            self.add(name, format!(r#"{{"msg":"@@","deep":{deep}}}"#).as_bytes(), Expectation::Arrives);
        }
        self.json("huge numbers", &huge_numbers());
        self.json("a key with a NUL", r#"{"a\u0000b":1,"msg":"@@"}"#);
        self.json("a text with a NUL", r#"{"a":"x\u0000y","msg":"@@"}"#);
        self.json("an empty key", r#"{"":1,"inner":{"":2},"msg":"@@"}"#);
        self.json("keys of dots and spaces", r#"{".":1,"..":2,"a.":3,".b":4," ":5,"a..b":6,"msg":"@@"}"#);
        self.json("a key of 10,000 bytes", &format!(r#"{{"{}":1,"msg":"@@"}}"#, "k".repeat(10_000)));
        self.json("a value of 40,000 bytes", &format!(r#"{{"value":"{}","msg":"@@"}}"#, "v".repeat(40_000)));
        let mut many = String::from("{\"msg\":\"@@\"");
        for member in 0..2_000 {
            let _ = write!(many, ",\"member{member}\":{member}");
        }
        self.json("2,000 members", &(many + "}"));
        let long = format!("@@ {}", "0123456789abcde ".repeat(65_536));
        self.add("a line of 1 MiB", long.as_bytes(), Expectation::Arrives);
    }

    /// Whole physical lines of a file in CRI format.
    fn physical(&mut self) {
        let raw = [
            ("a CRI line with a broken time", "2026-99-99T99:00:00Z stdout F @@"),
            ("a CRI line without a time", "stdout F @@"),
            ("a CRI line with an unknown stream", "2026-08-21T12:00:01.5Z stdin F @@"),
            ("a CRI line with an unknown tag", "2026-08-21T12:00:01.5Z stdout X @@"),
            ("a CRI line with more tags", "2026-08-21T12:00:01.5Z stdout F:x @@"),
            ("a CRI line with two spaces", "2026-08-21T12:00:01.5Z  stdout F @@"),
            ("a line that is no CRI at all", "@@"),
            ("a Docker line that is cut", "{\"log\":\"@@\\n\",\"stream\":\"stdout\",\"ti"),
        ];
        for (name, line) in raw {
            self.add(name, line.as_bytes(), Expectation::Arrives).raw = true;
        }
        let long = format!("2026-08-21T12:00:01.5Z stdout F @@ {}", "0123456789abcde ".repeat(65_536));
        self.add("a physical line of 1 MiB", long.as_bytes(), Expectation::Arrives).raw = true;
        self.add("a physical line that is empty", b"", Expectation::Blank).raw = true;
        self.add("a CRI line of nothing but its head", b"2026-08-21T12:00:01.5Z stdout", Expectation::Blank).raw = true;
    }
}

fn level(level: &str) -> Vec<(&'static str, Value)> {
    vec![("level", json!(level))]
}

fn huge_numbers() -> String {
    let digits = "9".repeat(400);
    format!(r#"{{"a":1e400,"b":-1e-400,"c":{digits},"d":0.{digits},"e":18446744073709551616,"f":-0,"msg":"@@"}}"#)
}

fn replace(text: &[u8], wanted: &[u8], by: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + by.len());
    let mut start = 0;
    for at in memchr::memmem::find_iter(text, wanted) {
        out.extend_from_slice(&text[start..at]);
        out.extend_from_slice(by);
        start = at + wanted.len();
    }
    out.extend_from_slice(&text[start..]);
    out
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_line_can_be_found_and_is_one_line() {
        let lines = malformed_lines();
        let markers: HashSet<_> = lines.iter().map(|line| &line.marker).collect();
        assert_eq!(markers.len(), lines.len());
        for line in &lines {
            assert!(!line.text.contains(&b'\n'), "{}", line.name);
            let found = memchr::memmem::find_iter(&line.text, &line.marker).count();
            assert_eq!(found, usize::from(line.expectation != Expectation::Blank), "{}", line.name);
        }
    }

    #[test]
    fn what_is_expected_as_text_is_no_json_object() {
        for line in malformed_lines().iter().filter(|line| line.expectation == Expectation::Text) {
            let read = serde_json::from_slice::<Value>(&line.text);
            assert!(!read.is_ok_and(|value| value.is_object()), "{}", line.name);
        }
    }

    #[test]
    fn what_is_expected_as_json_has_its_message() {
        let mut seen = 0;
        for line in malformed_lines() {
            if let Expectation::Message(message) = line.expectation {
                assert!(message.starts_with(&line.marker), "{message}");
                // Numbers without bounds and half surrogates are valid JSON, but not every reader's.
                if !["huge numbers", "JSON with half a surrogate pair"].contains(&line.name) {
                    let value: Value = serde_json::from_slice(&line.text).unwrap();
                    assert_eq!(value["msg"], message, "{}", line.name);
                }
                seen += 1;
            }
        }
        assert!(seen > 25);
    }

    #[test]
    fn they_are_written_as_they_are() {
        let root = tempfile::tempdir().unwrap();
        let cluster = super::super::Cluster::new(1);
        let mut kubelet = Kubelet::new(root.path(), &cluster, super::super::KubeletOptions::default()).unwrap();
        for line in malformed_lines() {
            line.write(&mut kubelet, 0, 1_787_313_601_123_456_789).unwrap();
        }
        kubelet.flush().unwrap();
        let written = std::fs::read(kubelet.link(0)).unwrap();
        for line in malformed_lines() {
            assert!(
                memchr::memmem::find(&written, line.marker.as_bytes()).is_some()
                    || line.expectation == Expectation::Blank
            );
        }
        assert!(memchr::memmem::find(&written, b"\n\n2026-08-21T12:00:01.5Z stdout\n").is_some());
    }
}
