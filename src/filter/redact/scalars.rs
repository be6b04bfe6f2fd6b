//! Walks through valid JSON from one key, string or number to the next.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr2};

/// The keys, strings and numbers of valid JSON; `key` is that of the JSON itself.
pub(super) fn scalars<'j>(key: Option<&'j [u8]>, json: &'j [u8]) -> Scalars<'j> {
    Scalars { json, at: 0, key }
}

/// A key, a string or a number.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scalar<'j> {
    pub(super) kind: Kind,
    /// Where it stands, without its quotes.
    pub(super) place: Range<usize>,
    /// The key of a value, or of the array that it is the first scalar of; as it is written between its quotes.
    pub(super) key: Option<&'j [u8]>,
}

/// What a scalar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Key,
    Text,
    Number,
}

/// See [`scalars`].
pub(super) struct Scalars<'j> {
    json: &'j [u8],
    at: usize,
    /// The last key, until a value is found for it.
    key: Option<&'j [u8]>,
}

impl<'j> Iterator for Scalars<'j> {
    type Item = Scalar<'j>;

    fn next(&mut self) -> Option<Scalar<'j>> {
        let rest = self.json.get(self.at..)?;
        let found = rest.iter().position(|byte| matches!(byte, b'"' | b'-' | b'0'..=b'9'))?;
        let rest = &rest[found..];
        if rest[0] != b'"' {
            let start = self.at + found;
            self.at = start + number_length(rest);
            return Some(Scalar { kind: Kind::Number, place: start..self.at, key: self.key.take() });
        }
        let start = self.at + found + 1;
        let end = start + string_length(&rest[1..]);
        self.at = end + 1;
        let behind = self.json.get(self.at..).unwrap_or_default();
        if behind.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':') {
            self.key = Some(&self.json[start..end]);
            return Some(Scalar { kind: Kind::Key, place: start..end, key: None });
        }
        Some(Scalar { kind: Kind::Text, place: start..end, key: self.key.take() })
    }
}

/// Bytes of a valid JSON string up to its closing quote.
fn string_length(rest: &[u8]) -> usize {
    let mut at = 0;
    loop {
        match memchr2(b'"', b'\\', &rest[at.min(rest.len())..]) {
            None => return rest.len(),
            Some(found) if rest[at + found] == b'"' => return at + found,
            Some(found) => at += found + 2,
        }
    }
}

fn number_length(rest: &[u8]) -> usize {
    let end = rest.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
    end.unwrap_or(rest.len())
}

/// Whether JSON has no escapes, and no array behind a key, whose first scalar does not stand beside the key. If
/// `blanks_count`, no blanks around the colons of keys either. It may say no where only texts look so.
pub(super) fn has_plain_keys(json: &[u8], blanks_count: bool) -> bool {
    memchr(b'\\', json).is_none()
        && memchr_iter(b':', json).all(|colon| {
            let (before, behind) = (&json[..colon], &json[colon + 1..]);
            let (key, value) = (before.trim_ascii_end(), behind.trim_ascii_start());
            let has_blanks = key.len() < before.len() || value.len() < behind.len();
            key.last() != Some(&b'"') || !(value.first() == Some(&b'[') || blanks_count && has_blanks)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scalar_has_its_key() {
        let json = br#"{"a" : "x\"", "b":[-1.5e+3,"y"],"c":{"d":null,"e":true},"f":[[],7]}"#;
        let shown: Vec<_> = scalars(None, json)
            .map(|scalar| {
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                (scalar.kind, text(&json[scalar.place]), scalar.key.map(text).unwrap_or_default())
            })
            .collect();
        let expected = [
            (Kind::Key, "a", ""),
            (Kind::Text, r#"x\""#, "a"),
            (Kind::Key, "b", ""),
            (Kind::Number, "-1.5e+3", "b"),
            (Kind::Text, "y", ""),
            (Kind::Key, "c", ""),
            (Kind::Key, "d", ""),
            (Kind::Key, "e", ""),
            (Kind::Key, "f", ""),
            (Kind::Number, "7", "f"),
        ];
        assert_eq!(shown, expected.map(|(kind, text, key)| (kind, text.to_owned(), key.to_owned())));
        assert_eq!(
            scalars(Some(b"k"), b"12").map(|scalar| (scalar.place, scalar.key)).next(),
            Some((0..2, Some(&b"k"[..])))
        );
    }

    #[test]
    fn keys_are_plain_if_the_whole_shows_them_as_they_are_searched() {
        for (json, plain, plain_with_blanks) in [
            (r#"{"a":"x: y","b":{"c":1}}"#, true, true),
            (r#"{"a": "x"}"#, false, true),
            (r#"{"a" :"x"}"#, false, true),
            (r#"{"a":["x"]}"#, false, false),
            (r#"{"a": ["x"]}"#, false, false),
            (r#"{"a":"\n"}"#, false, false),
        ] {
            assert_eq!(has_plain_keys(json.as_bytes(), true), plain, "{json}");
            assert_eq!(has_plain_keys(json.as_bytes(), false), plain_with_blanks, "{json}");
        }
    }
}
