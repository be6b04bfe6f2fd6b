//! The CRI log format: `<RFC 3339 time> <stdout|stderr> <tags> <text>`, the first tag being `P`
//! for a partial line or `F` for a full (or last) one.
//! Source: kubernetes/enhancements, KEP "CRI log format"; containerd and CRI-O write it.

use memchr::memchr;

use super::{Entry, Stream};
use crate::record::Timestamp;

/// Reads one physical line without its line end. `None` if it is not in this format; a line whose
/// time alone is broken still is.
#[must_use]
pub fn parse(line: &[u8]) -> Option<Entry<'_>> {
    let time_end = memchr(b' ', line)?;
    let (time, rest) = (&line[..time_end], &line[time_end + 1..]);
    let (name, rest) = rest.split_at_checked(6)?;
    let stream = Stream::from_name(name)?;
    let rest = rest.strip_prefix(b" ")?;
    let (tags, text) = match memchr(b' ', rest) {
        Some(end) => (&rest[..end], &rest[end + 1..]),
        None => (rest, &rest[rest.len()..]),
    };
    let partial = match tags {
        [b'F'] | [b'F', b':', ..] => false,
        [b'P'] | [b'P', b':', ..] => true,
        _ => return None,
    };
    Some(Entry { time: Timestamp::parse_rfc3339(time), stream, partial, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_full_and_partial_lines() {
        let entry = parse(b"2026-08-21T12:00:01.123456789Z stdout F hello world").unwrap();
        assert_eq!(entry.time, Some(Timestamp(1_787_313_601_123_456_789)));
        assert_eq!((entry.stream, entry.partial, entry.text), (Stream::Stdout, false, &b"hello world"[..]));
        let entry = parse(b"2026-08-21T14:00:01+02:00 stderr P  spaced ").unwrap();
        assert_eq!((entry.stream, entry.partial, entry.text), (Stream::Stderr, true, &b" spaced "[..]));
        assert!(!parse(b"2026-08-21T12:00:01Z stdout F:x:y text").unwrap().partial);
    }

    #[test]
    fn reads_empty_text_with_and_without_the_last_space() {
        assert_eq!(parse(b"2026-08-21T12:00:01Z stdout F ").unwrap().text, b"");
        assert_eq!(parse(b"2026-08-21T12:00:01Z stdout F").unwrap().text, b"");
    }

    #[test]
    fn keeps_the_line_when_its_time_is_broken() {
        let entry = parse(b"2026-99-21T12:00:01Z stderr F still here").unwrap();
        assert_eq!((entry.time, entry.text), (None, &b"still here"[..]));
    }

    #[test]
    fn refuses_other_formats() {
        for line in
            [&b""[..], b"hello", b"a b c d", b"t stdout X text", b"t stdoutF x", b"t stdlog F x", b"{\"log\":\"x\"}"]
        {
            assert_eq!(parse(line), None, "{}", String::from_utf8_lossy(line));
        }
    }
}
