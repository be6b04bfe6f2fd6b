//! Docker's json-file format: one object a line, `{"log":"text\n","stream":"stdout","time":"…"}`.
//! A text without a line feed at its end goes on in the stream's next entry.

use bumpalo::Bump;

use super::{Entry, Stream};
use crate::record::json;
use crate::record::{Member, Origin, Timestamp, Value};

/// Reads one physical line. `None` if it is not such an object with a `log` and a `stream`.
#[must_use]
pub fn parse<'t>(line: &'t [u8], arena: &'t Bump, members: &mut Vec<Member<'t>>) -> Option<Entry<'t>> {
    if line.first() != Some(&b'{') {
        return None;
    }
    members.clear();
    json::split(line, arena, members, Origin::Runtime).ok()?;
    let text_of = |key: &[u8]| {
        let member = members.iter().rev().find(|member| member.key == key)?;
        match member.value {
            Value::Json(_) => member.value.as_text(arena),
            _ => None,
        }
    };
    let log = text_of(b"log")?;
    let stream = Stream::from_name(text_of(b"stream")?)?;
    let time = text_of(b"time").and_then(Timestamp::parse_rfc3339);
    let text = log.strip_suffix(b"\n").unwrap_or(log);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    Some(Entry { time, stream, partial: log.last() != Some(&b'\n'), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Option<(Option<Timestamp>, Stream, bool, String)> {
        let arena = Bump::new();
        let entry = parse(line.as_bytes(), &arena, &mut Vec::new())?;
        Some((entry.time, entry.stream, entry.partial, String::from_utf8(entry.text.to_vec()).unwrap()))
    }

    #[test]
    fn reads_whole_and_partial_entries() {
        let time = Some(Timestamp(1_787_313_601_500_000_000));
        assert_eq!(
            parsed(r#"{"log":"a \"b\"\n","stream":"stderr","time":"2026-08-21T12:00:01.5Z"}"#),
            Some((time, Stream::Stderr, false, "a \"b\"".into()))
        );
        assert_eq!(
            parsed(r#"{"log":"a","stream":"stdout","time":"2026-08-21T12:00:01.5Z","attrs":{"tag":"x"}}"#),
            Some((time, Stream::Stdout, true, "a".into()))
        );
    }

    #[test]
    fn keeps_the_entry_when_its_time_is_broken() {
        assert_eq!(
            parsed(r#"{"log":"x\n","stream":"stdout","time":17}"#),
            Some((None, Stream::Stdout, false, "x".into()))
        );
    }

    #[test]
    fn refuses_other_objects() {
        for line in ["{}", r#"{"log":"x\n"}"#, r#"{"log":1,"stream":"stdout"}"#, r#"{"log":"x","#, "x"] {
            assert_eq!(parsed(line), None, "{line}");
        }
    }
}
