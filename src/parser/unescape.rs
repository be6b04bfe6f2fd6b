//! The escapes that decoders and `logfmt` undo.

use bumpalo::collections::Vec as ArenaVec;
use memchr::memchr;

/// Appends `text` with the escapes of C and JSON undone: `\n \t \r \b \f \v \a \" \' \\ \/`,
/// `\uXXXX` with its surrogate pairs, `\xHH` and octal digits. A backslash before anything else
/// stays. Half of a surrogate pair becomes U+FFFD.
pub(super) fn c_escapes(text: &[u8], out: &mut ArenaVec<'_, u8>) {
    undo(text, out, |rest, out| {
        let plain = match rest.first()? {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'b' => 0x08,
            b'f' => 0x0C,
            b'v' => 0x0B,
            b'a' => 0x07,
            byte @ (b'"' | b'\'' | b'\\' | b'/') => *byte,
            b'u' => return unicode(rest, out),
            b'x' => return number(rest, 1, 2, 16, out),
            b'0'..=b'7' => return number(rest, 0, 3, 8, out),
            _ => return None,
        };
        out.push(plain);
        Some(1)
    });
}

/// Appends `text` with `\n` made a line feed and pairs of backslashes made one; other escapes stay.
pub(super) fn line_feeds(text: &[u8], out: &mut ArenaVec<'_, u8>) {
    undo(text, out, |rest, out| {
        out.push(match rest.first()? {
            b'n' => b'\n',
            b'\\' => b'\\',
            _ => return None,
        });
        Some(1)
    });
}

/// Appends `text` with the escapes of MySQL's string literals undone.
pub(super) fn mysql(text: &[u8], out: &mut ArenaVec<'_, u8>) {
    undo(text, out, |rest, out| {
        out.push(match rest.first()? {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'0' => 0,
            b'Z' => 0x1A,
            byte @ (b'\\' | b'\'' | b'"') => *byte,
            _ => return None,
        });
        Some(1)
    });
}

/// Goes from backslash to backslash. `escape` gets what stands behind one, writes what it means
/// and says how long it is, or nothing if it means nothing.
fn undo(text: &[u8], out: &mut ArenaVec<'_, u8>, escape: impl Fn(&[u8], &mut ArenaVec<'_, u8>) -> Option<usize>) {
    let mut rest = text;
    while let Some(at) = memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let behind = &rest[at + 1..];
        match escape(behind, out) {
            Some(length) => rest = &behind[length..],
            None => {
                out.push(b'\\');
                rest = behind;
            }
        }
    }
    out.extend_from_slice(rest);
}

/// `uXXXX`, and a second one if that completes a pair.
fn unicode(text: &[u8], out: &mut ArenaVec<'_, u8>) -> Option<usize> {
    let unit = code(text, 1, 4)?;
    let low = text.get(5..).and_then(|rest| rest.strip_prefix(b"\\u")).and_then(|rest| code(rest, 0, 4));
    let (character, length) = match (unit, low) {
        (0xD800..=0xDBFF, Some(low @ 0xDC00..=0xDFFF)) => {
            (char::from_u32(0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00)), 11)
        }
        _ => (char::from_u32(unit), 5),
    };
    let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    Some(length)
}

fn code(text: &[u8], from: usize, length: usize) -> Option<u32> {
    let digits = text.get(from..from + length)?;
    digits.iter().try_fold(0, |number, byte| Some(number * 16 + char::from(*byte).to_digit(16)?))
}

/// At most `most` digits from `from` on, as a byte.
fn number(text: &[u8], from: usize, most: usize, radix: u32, out: &mut ArenaVec<'_, u8>) -> Option<usize> {
    let digits = text[from..].iter().take(most).map_while(|byte| char::from(*byte).to_digit(radix));
    let (length, value) = digits.fold((0, 0_u32), |(length, value), digit| (length + 1, value * radix + digit));
    out.push(u8::try_from(value & 0xFF).ok().filter(|_| length > 0)?);
    Some(from + length)
}

#[cfg(test)]
mod tests {
    use bumpalo::Bump;

    use super::*;

    fn undone(escapes: fn(&[u8], &mut ArenaVec<'_, u8>), text: &str) -> String {
        let arena = Bump::new();
        let mut out = ArenaVec::new_in(&arena);
        escapes(text.as_bytes(), &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn c_and_json_escapes() {
        for (text, expected) in [
            (r#"a\tb\"c\\d\/"#, "a\tb\"c\\d/"),
            (r"\u00e9\ud83d\ude00!", "é😀!"),
            (r"\ud83dx", "\u{FFFD}x"),
            (r"\ud83d\u0041", "\u{FFFD}A"),
            (r"\x41\101\0", "AA\0"),
            (r"\u12", r"\u12"),
            (r"\q\", r"\q\"),
            (r"\x", r"\x"),
        ] {
            assert_eq!(undone(c_escapes, text), expected, "{text}");
        }
    }

    #[test]
    fn only_line_feeds() {
        assert_eq!(undone(line_feeds, r"a\nb\tc\\nd\"), "a\nb\\tc\\nd\\");
    }

    #[test]
    fn string_literals_of_mysql() {
        assert_eq!(undone(mysql, r"a\nb\'c\Zd\0\%"), "a\nb'c\x1Ad\0\\%");
    }
}
