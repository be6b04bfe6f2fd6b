//! Files in other encodings than UTF-8: where their lines end, and what these say in UTF-8.
//!
//! Offsets are those of the file as it is: lines are found in its own bytes, and each is decoded for
//! itself. In all of these encodings but UTF-16 a byte of 10 is always a line feed; in UTF-16 it is
//! one only together with the zero beside it, at an even offset.

use bumpalo::Bump;
use encoding_rs as encodings;
use memchr::memchr_iter;

/// How the files of an input are encoded.
#[derive(Debug, Clone, Copy)]
pub enum Encoding {
    /// All in the same way.
    Fixed(Charset),
    /// The first bytes of each tell: a byte order mark, or the zeros of UTF-16.
    Told,
}

/// An encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charset(&'static encodings::Encoding);

impl Encoding {
    /// What a value of `Unicode.Encoding` or `Generic.Encoding` stands for.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let encoding = match name {
            "auto" => return Some(Self::Told),
            "UTF-16LE" => encodings::UTF_16LE,
            "UTF-16BE" => encodings::UTF_16BE,
            "ShiftJIS" => encodings::SHIFT_JIS,
            "UHC" => encodings::EUC_KR,
            "GBK" => encodings::GBK,
            "GB18030" => encodings::GB18030,
            "Big5" => encodings::BIG5,
            "Win866" => encodings::IBM866,
            other => {
                let number = other.strip_prefix("Win")?;
                encodings::Encoding::for_label(format!("windows-{number}").as_bytes())?
            }
        };
        Some(Self::Fixed(Charset(encoding)))
    }

    /// How a file is encoded that begins with these bytes; `None` for what needs no decoding.
    #[must_use]
    pub fn of(self, lead: &[u8]) -> Option<Charset> {
        let encoding = match self {
            Self::Fixed(charset) => return Some(charset),
            Self::Told => encodings::Encoding::for_bom(lead).map(|(encoding, _)| encoding),
        };
        let has_zeros = |at: usize| {
            lead.len() > 1 && lead.iter().enumerate().all(|(place, byte)| (*byte == 0) == (place % 2 == at))
        };
        let without_mark = || {
            let little = has_zeros(1).then_some(encodings::UTF_16LE);
            little.or_else(|| has_zeros(0).then_some(encodings::UTF_16BE))
        };
        encoding.or_else(without_mark).map(Charset)
    }
}

impl Charset {
    /// The whole lines of a block that begins at this offset of its file: where the text of each
    /// ends, and where the next line begins.
    pub fn line_ends(self, bytes: &[u8], offset: u64) -> impl Iterator<Item = (usize, usize)> {
        let is_even = move |at: usize| (offset + at as u64).is_multiple_of(2);
        memchr_iter(b'\n', bytes).filter_map(move |at| {
            if self.0 == encodings::UTF_16LE {
                (is_even(at) && bytes.get(at + 1) == Some(&0)).then_some((at, at + 2))
            } else if self.0 == encodings::UTF_16BE {
                let before = at.checked_sub(1)?;
                (is_even(before) && bytes.get(before) == Some(&0)).then_some((before, at + 1))
            } else {
                Some((at, at + 1))
            }
        })
    }

    /// How many bytes of a line may be cut off that has so many and no end: no half of a unit.
    #[must_use]
    pub fn whole(self, length: usize) -> usize {
        if self.0 == encodings::UTF_16LE || self.0 == encodings::UTF_16BE { length & !1 } else { length }
    }

    /// A line in UTF-8. What is none in this encoding becomes U+FFFD. `start` is its offset in the
    /// file: a byte order mark at 0 is no part of it.
    #[must_use]
    pub fn decode<'t>(self, line: &'t [u8], start: u64, arena: &'t Bump) -> &'t [u8] {
        if self.0 == encodings::UTF_8 {
            return line.strip_prefix(b"\xef\xbb\xbf").filter(|_| start == 0).unwrap_or(line);
        }
        if self.0.is_ascii_compatible() && line.is_ascii() {
            return line;
        }
        let mut decoder = match start {
            0 => self.0.new_decoder_with_bom_removal(),
            _ => self.0.new_decoder_without_bom_handling(),
        };
        // No line has so many bytes that this would not be a number.
        let Some(room) = decoder.max_utf8_buffer_length(line.len()) else { return line };
        let decoded = arena.alloc_slice_fill_copy(room, 0);
        let (_, _, written, _) = decoder.decode_to_utf8(line, decoded, true);
        &decoded[..written]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charset(name: &str) -> Charset {
        Encoding::named(name).and_then(|encoding| encoding.of(b"")).unwrap()
    }

    fn utf_16(text: &str, bytes_of: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes_of).collect()
    }

    /// The lines of a file, decoded, and their offsets, whatever blocks it is read in.
    fn lines(charset: Charset, file: &[u8], block: usize) -> Vec<(usize, String)> {
        let (mut offset, mut lines, mut size) = (0, Vec::new(), block);
        while offset < file.len() {
            let end = file.len().min(offset + size);
            let arena = Bump::new();
            let mut start = 0;
            for (text_end, next) in charset.line_ends(&file[offset..end], offset as u64) {
                let at = offset + start;
                let text = charset.decode(&file[at..offset + text_end], at as u64, &arena);
                lines.push((at, String::from_utf8(text.to_vec()).unwrap()));
                start = next;
            }
            size = if start == 0 { size + block } else { block };
            offset += start;
            if start == 0 && end == file.len() {
                break;
            }
        }
        lines
    }

    #[test]
    fn lines_end_at_line_feeds_and_not_at_letters_that_hold_a_ten() {
        // U+0A0A and U+0A85 hold the byte 10 in either half; U+4E0A ends with it.
        let text = "\u{feff}a\u{0a0a}\u{0a00}b\n\u{4e0a}\n\n\u{1f600}\u{000a}";
        let expected = [(0, "a\u{0a0a}\u{0a00}b"), (12, "\u{4e0a}"), (16, ""), (18, "\u{1f600}")];
        let expected: Vec<_> = expected.map(|(at, text)| (at, text.to_owned())).into();
        for block in 1..30 {
            assert_eq!(lines(charset("UTF-16LE"), &utf_16(text, u16::to_le_bytes), block), expected, "{block}");
            assert_eq!(lines(charset("UTF-16BE"), &utf_16(text, u16::to_be_bytes), block), expected, "{block}");
        }
    }

    #[test]
    fn letters_of_two_bytes_are_read() {
        let arena = Bump::new();
        for (name, bytes, expected) in [
            ("ShiftJIS", &b"\x93\xfa\x96\x7b x"[..], "日本 x"),
            ("UHC", b"\xc7\xd1\xb1\xdb", "한글"),
            ("GBK", b"\xd6\xd0\xce\xc4", "中文"),
            ("GB18030", b"\x94\x39\xda\x33", "\u{1f4a9}"),
            ("Big5", b"\xa4\xa4\xa4\xe5", "中文"),
            ("Win866", b"\x8f\xe0", "Пр"),
            ("Win874", b"\xa1", "ก"),
            ("Win1251", b"\xcf\xf0", "Пр"),
            ("Win1252", b"\x80 \xe9", "€ é"),
            ("Win1256", b"\xc7", "ا"),
            ("GBK", b"\xff", "\u{fffd}"),
            ("ShiftJIS", b"plain", "plain"),
        ] {
            let decoded = charset(name).decode(bytes, 7, &arena);
            assert_eq!(std::str::from_utf8(decoded), Ok(expected), "{name}");
        }
    }

    #[test]
    fn the_first_bytes_tell_the_encoding() {
        let told = |lead: &[u8]| Encoding::Told.of(lead).map(|charset| charset.0.name());
        assert_eq!(told(b"\xff\xfea\0"), Some("UTF-16LE"));
        assert_eq!(told(b"\xfe\xff\0a"), Some("UTF-16BE"));
        assert_eq!(told(b"\xef\xbb\xbfa"), Some("UTF-8"));
        assert_eq!(told(b"a\0b\0"), Some("UTF-16LE"));
        assert_eq!(told(b"\0a\0b"), Some("UTF-16BE"));
        for plain in [&b"abcd"[..], b"a", b"", b"\0\0\0\0", b"a\0\0\0"] {
            assert_eq!(told(plain), None, "{plain:?}");
        }
        let utf_8 = Encoding::Told.of(b"\xef\xbb\xbf").unwrap();
        assert_eq!(utf_8.decode(b"\xef\xbb\xbfa\xff", 0, &Bump::new()), b"a\xff");
        assert_eq!(utf_8.decode(b"\xef\xbb\xbfa", 9, &Bump::new()), b"\xef\xbb\xbfa");
        assert_eq!((charset("UTF-16LE").whole(5), charset("GBK").whole(5)), (4, 5));
    }
}
