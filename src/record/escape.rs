//! Writing text as a JSON string.

/// Appends `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD;
/// non-ASCII characters are written as they are.
pub fn write_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    write_escaped(out, text);
    out.push(b'"');
}

/// Appends `text` as the inside of a JSON string.
pub fn write_escaped(out: &mut Vec<u8>, text: &[u8]) {
    match simdutf8::basic::from_utf8(text) {
        Ok(valid) => write_valid(out, valid.as_bytes()),
        Err(_) => {
            for chunk in text.utf8_chunks() {
                write_valid(out, chunk.valid().as_bytes());
                if !chunk.invalid().is_empty() {
                    out.extend_from_slice("\u{FFFD}".as_bytes());
                }
            }
        }
    }
}

fn write_valid(out: &mut Vec<u8>, text: &[u8]) {
    let mut start = 0;
    loop {
        let end = plain_end(text, start);
        out.extend_from_slice(&text[start..end]);
        let Some(&byte) = text.get(end) else { return };
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            _ => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            }
        }
        start = end + 1;
    }
}

/// Offset of the first quote, backslash or control character at or behind `at`, eight bytes at a
/// time; the text's length if there is none.
#[inline]
pub(super) fn plain_end(text: &[u8], mut at: usize) -> usize {
    while let Some(eight) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let stops = stops(u64::from_le_bytes(*eight));
        if stops != 0 {
            return at + stops.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while text.get(at).is_some_and(|&byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        at += 1;
    }
    at
}

/// The high bit of each byte that ends a plain run. Only the lowest one that is set is exact: a
/// subtraction borrows from the bytes above its hit.
#[inline]
fn stops(word: u64) -> u64 {
    const LOW: u64 = u64::from_le_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    let quote = word ^ (LOW * b'"' as u64);
    let backslash = word ^ (LOW * b'\\' as u64);
    let control = word.wrapping_sub(LOW * b' ' as u64) & !word;
    (quote.wrapping_sub(LOW) & !quote | backslash.wrapping_sub(LOW) & !backslash | control) & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &[u8]) -> String {
        let mut out = Vec::new();
        write_string(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn reads_back_as_the_same_text() {
        let all: String = (0..0x2000_u32).filter_map(char::from_u32).chain("😀\u{2028}".chars()).collect();
        let back: String = serde_json::from_str(&written(all.as_bytes())).unwrap();
        assert_eq!(back, all);
    }

    #[test]
    fn finds_what_needs_an_escape_at_every_place() {
        for length in 1..20 {
            for (at, byte) in (0..length).flat_map(|at| b"\"\\\n\x00\x1f".map(|byte| (at, byte))) {
                let mut text = vec![b'~'; length];
                text[at] = byte;
                let back: String = serde_json::from_str(&written(&text)).unwrap();
                assert_eq!(back.as_bytes(), text);
            }
        }
    }

    #[test]
    fn replaces_what_is_not_utf8() {
        assert_eq!(written(b"a\xffb\xc3"), "\"a\u{FFFD}b\u{FFFD}\"");
        assert_eq!(written(b"\x00\x1b[31m\"\\"), r#""\u0000\u001b[31m\"\\""#);
    }
}
