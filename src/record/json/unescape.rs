//! Strings: from JSON text to plain text.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;
use memchr::memchr;

/// The text that stands inside of a valid JSON string. Borrowed if it has no escapes; an escaped
/// half of a surrogate pair becomes U+FFFD.
#[must_use]
pub fn unescape<'t>(inner: &'t [u8], arena: &'t Bump) -> &'t [u8] {
    if memchr(b'\\', inner).is_none() {
        return inner;
    }
    let mut out = BumpVec::with_capacity_in(inner.len(), arena);
    let mut rest = inner;
    while let Some(at) = memchr(b'\\', rest) {
        out.extend_from_slice_copy(&rest[..at]);
        let (char, length) = decode(&rest[at..]);
        out.extend_from_slice_copy(char.encode_utf8(&mut [0; 4]).as_bytes());
        rest = &rest[at + length..];
    }
    out.extend_from_slice_copy(rest);
    out.into_bump_slice()
}

/// Appends the inside of a valid JSON string, with U+FFFD for each lone half of a surrogate pair.
pub(super) fn write_sound(out: &mut Vec<u8>, inner: &[u8]) {
    let mut rest = inner;
    while let Some(at) = memchr(b'\\', rest) {
        let (char, length) = decode(&rest[at..]);
        out.extend_from_slice(&rest[..at]);
        match char {
            char::REPLACEMENT_CHARACTER => out.extend_from_slice("\u{FFFD}".as_bytes()),
            _ => out.extend_from_slice(&rest[at..at + length]),
        }
        rest = &rest[at + length..];
    }
    out.extend_from_slice(rest);
}

/// The character of the escape that `text` begins with, and the escape's length.
fn decode(text: &[u8]) -> (char, usize) {
    match text.get(1) {
        Some(b'u') => decode_unit(text),
        Some(b'n') => ('\n', 2),
        Some(b't') => ('\t', 2),
        Some(b'r') => ('\r', 2),
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(&byte) if byte.is_ascii() => (char::from(byte), 2),
        _ => ('\\', 1),
    }
}

fn decode_unit(text: &[u8]) -> (char, usize) {
    let Some(unit) = text.get(2..6).and_then(hexadecimal) else {
        return (char::REPLACEMENT_CHARACTER, 2);
    };
    if let Some(char) = char::from_u32(unit) {
        return (char, 6);
    }
    let low = text.get(6..12).and_then(|next| next.strip_prefix(b"\\u")).and_then(hexadecimal);
    match low {
        Some(low @ 0xDC00..=0xDFFF) if unit < 0xDC00 => {
            let code = 0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
            (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
        }
        _ => (char::REPLACEMENT_CHARACTER, 6),
    }
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, &byte| Some(number << 4 | char::from(byte).to_digit(16)?))
}
