//! Trace and span out of the headers that carry them, where an application logs these.
//!
//! | member | what it is |
//! |---|---|
//! | `traceparent` | W3C Trace Context (<https://www.w3.org/TR/trace-context/#traceparent-header>) |
//! | `b3`, `x-b3-traceid`, `x-b3-spanid` | Zipkin's (<https://github.com/openzipkin/b3-propagation>) |
//! | `grpc-trace-bin` | OpenCensus' binary form (`encodings/BinaryEncoding.md` of census-instrumentation), in base64 |
//!
//! The first of them in this order counts. What is not sound in every character is an ordinary member.

use bumpalo::Bump;

use crate::record::Value;

/// A header that carries ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Header {
    /// `traceparent`
    Parent,
    /// `b3`
    B3,
    /// `x-b3-traceid`
    B3Trace,
    /// `x-b3-spanid`
    B3Span,
    /// `grpc-trace-bin`
    Binary,
}

impl Header {
    /// The header of a key, as HTTP/2 writes its name or as Go's `http.Header` does.
    pub(super) fn of_key(key: &[u8]) -> Option<Self> {
        Some(match key {
            b"traceparent" | b"Traceparent" => Self::Parent,
            b"b3" | b"B3" => Self::B3,
            b"x-b3-traceid" | b"X-B3-TraceId" | b"X-B3-Traceid" => Self::B3Trace,
            b"x-b3-spanid" | b"X-B3-SpanId" | b"X-B3-Spanid" => Self::B3Span,
            b"grpc-trace-bin" | b"Grpc-Trace-Bin" => Self::Binary,
            _ => return None,
        })
    }

    /// The two of Zipkin's older form are one.
    fn rank(self) -> u8 {
        match self {
            Self::Parent => 0,
            Self::B3 => 1,
            Self::B3Trace | Self::B3Span => 2,
            Self::Binary => 3,
        }
    }

    fn read<'t>(self, text: &'t [u8], arena: &'t Bump) -> Option<Found<'t>> {
        let (trace, span) = match self {
            Self::Parent => parent(text).map(|(trace, span)| (Some(trace), Some(span)))?,
            Self::B3 => b3(text).map(|(trace, span)| (Some(trace), Some(span)))?,
            Self::B3Trace => (Some(text).filter(|id| is_trace(id)), None),
            Self::B3Span => (None, Some(text).filter(|id| is_id(id, 16))),
            Self::Binary => binary(text, arena).map(|(trace, span)| (Some(trace), Some(span)))?,
        };
        trace.or(span)?;
        Some(Found { rank: self.rank(), trace, span, ..Found::default() })
    }
}

/// What the headers of a line tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Found<'t> {
    rank: u8,
    pub(super) trace: Option<&'t [u8]>,
    pub(super) span: Option<&'t [u8]>,
    /// The members that told it.
    pub(super) indices: [Option<usize>; 2],
}

impl<'t> Found<'t> {
    /// Looks at one header. `index` is that of its member.
    pub(super) fn offer(&mut self, header: Header, value: Value<'t>, index: Option<usize>, arena: &'t Bump) {
        let Some(found) = value.as_text(arena).and_then(|text| header.read(text, arena)) else { return };
        let is_nothing = self.trace.or(self.span).is_none();
        if is_nothing || found.rank < self.rank {
            *self = found;
        } else if found.rank > self.rank {
            return;
        } else {
            (self.trace, self.span) = (found.trace.or(self.trace), found.span.or(self.span));
        }
        self.indices[usize::from(header == Header::B3Span)] = index;
    }
}

/// `00-<trace>-<span>-<flags>`; a later version may have more behind it.
fn parent(text: &[u8]) -> Option<(&[u8], &[u8])> {
    const LENGTH: usize = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".len();
    let (head, rest) = text.split_at_checked(LENGTH)?;
    let (version, trace, span, flags) = (&head[..2], &head[3..35], &head[36..52], &head[53..]);
    let is_cut = head[2] == b'-' && head[35] == b'-' && head[52] == b'-';
    let is_version = is_hexadecimal(version) && version != b"ff";
    let ends = rest.is_empty() || version != b"00" && rest[0] == b'-';
    let is_sound = is_cut && is_version && ends && is_hexadecimal(flags) && is_id(trace, 32) && is_id(span, 16);
    is_sound.then_some((trace, span))
}

/// `<trace>-<span>[-<sampling>[-<parent>]]`
fn b3(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut parts = text.split(|&byte| byte == b'-');
    let (trace, span) = (parts.next()?, parts.next()?);
    let is_sampling = parts.next().is_none_or(|state| matches!(state, b"0" | b"1" | b"d"));
    let is_parent = parts.next().is_none_or(|parent| is_id(parent, 16));
    let is_sound = is_sampling && is_parent && parts.next().is_none() && is_trace(trace) && is_id(span, 16);
    is_sound.then_some((trace, span))
}

/// Version 0, then the fields 0 (16 bytes of the trace), 1 (8 of the span) and perhaps 2 (1 of options), each behind
/// its number.
fn binary<'t>(text: &[u8], arena: &'t Bump) -> Option<(&'t [u8], &'t [u8])> {
    let mut bytes = [0; 30];
    let length = decode(text, &mut bytes)?;
    let is_sound = matches!((length, bytes[27]), (27, _) | (29, 2)) && (bytes[0], bytes[1], bytes[18]) == (0, 0, 1);
    if !is_sound {
        return None;
    }
    let mut digits = [0; 48];
    for (byte, pair) in bytes[2..18].iter().chain(&bytes[19..27]).zip(digits.chunks_exact_mut(2)) {
        pair.copy_from_slice(&[
            b"0123456789abcdef"[usize::from(byte >> 4)],
            b"0123456789abcdef"[usize::from(byte & 15)],
        ]);
    }
    let (trace, span) = digits.split_at(32);
    if !is_id(trace, 32) || !is_id(span, 16) {
        return None;
    }
    let kept: &'t [u8] = arena.alloc_slice_copy(&digits);
    Some(kept.split_at(32))
}

/// Base64 with or without its padding; the number of bytes.
fn decode(text: &[u8], out: &mut [u8; 30]) -> Option<usize> {
    let text = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    let length = text.len() * 3 / 4;
    if length > out.len() || text.len() % 4 == 1 {
        return None;
    }
    for (group, bytes) in text.chunks(4).zip(out.chunks_exact_mut(3)) {
        let mut bits = 0;
        for place in 0..4 {
            bits = bits << 6 | group.get(place).map_or(Some(0), |&digit| six_bits(digit))?;
        }
        bytes.copy_from_slice(&bits.to_be_bytes()[1..]);
    }
    Some(length)
}

fn six_bits(digit: u8) -> Option<u32> {
    Some(u32::from(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

/// 64 or 128 bits.
fn is_trace(id: &[u8]) -> bool {
    is_id(id, 16) || is_id(id, 32)
}

/// So many hexadecimal digits in lower case, not all zero.
fn is_id(id: &[u8], length: usize) -> bool {
    id.len() == length && is_hexadecimal(id) && id.iter().any(|&digit| digit != b'0')
}

fn is_hexadecimal(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    /// What some headers of one line tell.
    fn told(headers: &[(&str, &str)]) -> Option<(String, String)> {
        let (arena, mut found) = (Bump::new(), Found::default());
        for (key, text) in headers {
            let header = Header::of_key(key.as_bytes()).unwrap();
            found.offer(header, Value::Text(arena.alloc_str(text).as_bytes()), None, &arena);
        }
        let text = |id: Option<&[u8]>| String::from_utf8(id.unwrap_or_default().to_vec()).unwrap();
        found.trace.or(found.span).map(|_| (text(found.trace), text(found.span)))
    }

    #[test]
    fn sound_headers_tell_trace_and_span() {
        let both = Some((TRACE.to_owned(), SPAN.to_owned()));
        for (key, text) in [
            ("traceparent", format!("00-{TRACE}-{SPAN}-01")),
            ("Traceparent", format!("01-{TRACE}-{SPAN}-00-more")),
            ("b3", format!("{TRACE}-{SPAN}")),
            ("b3", format!("{TRACE}-{SPAN}-1")),
            ("b3", format!("{TRACE}-{SPAN}-d-{SPAN}")),
            ("grpc-trace-bin", "AABL+S81d7NNpqPOkp0ODkc2AQDwZ6oLqQK3AgE=".to_owned()),
            ("grpc-trace-bin", "AABL+S81d7NNpqPOkp0ODkc2AQDwZ6oLqQK3AgE".to_owned()),
            ("grpc-trace-bin", "AABL+S81d7NNpqPOkp0ODkc2AQDwZ6oLqQK3".to_owned()),
        ] {
            assert_eq!(told(&[(key, &text)]), both, "{key}: {text}");
        }
        assert_eq!(told(&[("X-B3-TraceId", TRACE), ("X-B3-SpanId", SPAN)]), both);
        assert_eq!(told(&[("x-b3-spanid", SPAN), ("x-b3-traceid", TRACE)]), both);
        assert_eq!(told(&[("x-b3-traceid", SPAN)]), Some((SPAN.to_owned(), String::new())));
        let other = SPAN.replace('f', "e");
        let parent = format!("00-{TRACE}-{SPAN}-01");
        assert_eq!(told(&[("b3", &format!("{TRACE}-{other}")), ("traceparent", &parent)]), both);
        assert_eq!(told(&[("traceparent", &parent), ("x-b3-spanid", &other)]), both);
    }

    #[test]
    fn all_else_tells_nothing() {
        let zeros = "0".repeat(32);
        for (key, text) in [
            ("traceparent", String::new()),
            ("traceparent", format!("00-{TRACE}-{SPAN}")),
            ("traceparent", format!("00-{TRACE}-{SPAN}-01-more")),
            ("traceparent", format!("ff-{TRACE}-{SPAN}-01")),
            ("traceparent", format!("00-{}-{SPAN}-01", TRACE.to_uppercase())),
            ("traceparent", format!("00-{zeros}-{SPAN}-01")),
            ("traceparent", format!("00-{TRACE}-{}-01", &zeros[..16])),
            ("traceparent", format!("00_{TRACE}-{SPAN}-01")),
            ("traceparent", format!("00-{TRACE}-{SPAN}-0é")),
            ("b3", "0".to_owned()),
            ("b3", format!("{TRACE}-{SPAN}-x")),
            ("b3", format!("{TRACE}-{SPAN}-1-{SPAN}-")),
            ("b3", format!("{TRACE}x-{SPAN}")),
            ("x-b3-traceid", zeros),
            ("x-b3-traceid", "abc".to_owned()),
            ("x-b3-spanid", TRACE.to_owned()),
            ("grpc-trace-bin", "AABL+S81d7NNpqPOkp0ODkc2AQDwZ6oLqQK3AgE!".to_owned()),
            ("grpc-trace-bin", "AQBL+S81d7NNpqPOkp0ODkc2AQDwZ6oLqQK3AgE=".to_owned()),
            ("grpc-trace-bin", "AAAAAAAAAAAAAAAAAAAAAAAAAQDwZ6oLqQK3AgE=".to_owned()),
            ("grpc-trace-bin", "AABL+S81d7NNpqPOkp0ODkc2AQDwZ6oLqQK3AgEA".to_owned()),
            ("grpc-trace-bin", "A".repeat(100)),
            ("grpc-trace-bin", "A".to_owned()),
        ] {
            assert_eq!(told(&[(key, &text)]), None, "{key}: {text}");
        }
        assert_eq!(Header::of_key(b"tracestate"), None);
    }
}
