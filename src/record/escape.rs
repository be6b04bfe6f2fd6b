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

/// The letter behind the backslash for each byte that needs one; `u` asks for four digits, 0 for
/// nothing.
const ESCAPES: [u8; 256] = {
    let mut table = [0_u8; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = b'u';
        byte += 1;
    }
    table[b'\n' as usize] = b'n';
    table[b'\r' as usize] = b'r';
    table[b'\t' as usize] = b't';
    table[0x08] = b'b';
    table[0x0c] = b'f';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table
};

fn write_valid(out: &mut Vec<u8>, text: &[u8]) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&byte| ESCAPES[usize::from(byte)] != 0) {
        out.extend_from_slice(&rest[..at]);
        let byte = rest[at];
        match ESCAPES[usize::from(byte)] {
            b'u' => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            }
            letter => out.extend_from_slice(&[b'\\', letter]),
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
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
    fn replaces_what_is_not_utf8() {
        assert_eq!(written(b"a\xffb\xc3"), "\"a\u{FFFD}b\u{FFFD}\"");
        assert_eq!(written(b"\x00\x1b[31m\"\\"), r#""\u0000\u001b[31m\"\\""#);
    }
}
