//! Shortening: what becomes of a document that is too large for the server even by itself.

use super::operation::Operation;
use crate::record::json::members_of;

/// A document whose longest member is no longer than this is not worth cutting, in bytes: no server has such a limit.
const SHORTEST: usize = 1024;

const FLAG: &[u8] = b"\"truncated\"";

/// The item with its longest member cut in half and `truncated` set, under the same id. A text keeps its beginning;
/// any other value goes, as half of it says nothing. `None` if no member is long.
///
/// Halves, as the server does not say what it would take. A document that is a thousand times too large is asked
/// about ten times: few are.
pub(super) fn shortened(item: &[u8], operation: Operation) -> Option<Vec<u8>> {
    let action = memchr::memchr(b'\n', item)? + 1;
    let (before, behind) = operation.around();
    let line = item.get(action..)?.strip_suffix(b"\n")?;
    let document = line.strip_prefix(before)?.strip_suffix(behind)?;
    let (longest, value) = members_of(document).max_by_key(|(_, value)| value.len())?;
    if value.len() <= SHORTEST {
        return None;
    }
    let mut short = Vec::with_capacity(item.len() - value.len() / 2);
    short.extend_from_slice(&item[..action]);
    short.extend_from_slice(before);
    short.push(b'{');
    for (key, value) in members_of(document).filter(|(key, _)| *key != &FLAG[1..FLAG.len() - 1]) {
        let is_longest = std::ptr::eq(key, longest);
        match value {
            [b'"', inner @ .., b'"'] if is_longest => {
                member(&mut short, key, |out| {
                    out.push(b'"');
                    out.extend_from_slice(beginning(inner, inner.len() / 2));
                    out.push(b'"');
                });
            }
            _ if is_longest => {}
            _ => member(&mut short, key, |out| out.extend_from_slice(value)),
        }
    }
    short.extend_from_slice(FLAG);
    short.extend_from_slice(b":true}");
    short.extend_from_slice(behind);
    short.push(b'\n');
    Some(short)
}

fn member(out: &mut Vec<u8>, key: &[u8], value: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    out.extend_from_slice(key);
    out.extend_from_slice(b"\":");
    value(out);
    out.push(b',');
}

/// The first bytes of the inside of a JSON string, at most so many, that end neither in a character nor in an escape.
fn beginning(inner: &[u8], most: usize) -> &[u8] {
    let mut end = 0;
    while let Some(length) = inner.get(end..).and_then(unit) {
        if end + length > most {
            break;
        }
        end += length;
    }
    &inner[..end]
}

/// Length of what must not be cut: a character, an escape, or the two escapes of a surrogate pair.
fn unit(text: &[u8]) -> Option<usize> {
    let length = match text {
        [b'\\', b'u', b'd' | b'D', b'8'..=b'9' | b'a'..=b'b' | b'A'..=b'B', _, _, b'\\', b'u', ..] => 12,
        [b'\\', b'u', ..] => 6,
        [b'\\', ..] => 2,
        [0xf0..=0xff, ..] => 4,
        [0xe0..=0xef, ..] => 3,
        [0xc0..=0xdf, ..] => 2,
        [_, ..] => 1,
        [] => return None,
    };
    (length <= text.len()).then_some(length)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const ACTION: &str = "{\"create\":{\"_id\":\"one\"}}\n";

    fn once(document: &str) -> Option<String> {
        let short = shortened(format!("{ACTION}{document}\n").as_bytes(), Operation::Create)?;
        let short = String::from_utf8(short).unwrap();
        Some(short.strip_prefix(ACTION).expect("the same id").trim_end().to_owned())
    }

    #[test]
    fn cuts_the_longest_text_again_and_again_and_keeps_the_rest() {
        let text = "ä\\n\\ud83d\\ude80\\\\🚀x\\u0001".repeat(500);
        let mut document = format!(r#"{{"@timestamp":"t","message":"{text}","fields":{{"a":"é"}}}}"#);
        let whole: Value = serde_json::from_str(&document).unwrap();
        let whole = whole["message"].as_str().unwrap();
        let mut last = whole.len();
        while let Some(short) = once(&document) {
            let read: Value = serde_json::from_str(&short).unwrap_or_else(|error| panic!("{error}: {short}"));
            let message = read["message"].as_str().unwrap();
            assert!(whole.starts_with(message) && message.len() < last && !message.is_empty());
            assert_eq!(
                (&read["truncated"], &read["fields"]["a"], &read["@timestamp"]),
                (&true.into(), &"é".into(), &"t".into())
            );
            assert_eq!(short.matches("truncated").count(), 1);
            (document, last) = (short, message.len());
        }
        assert!(last < SHORTEST);
    }

    #[test]
    fn leaves_a_long_object_out() {
        let document = format!(r#"{{"message":"m","large_fields":{{"a":"{}"}},"truncated":true}}"#, "x".repeat(5_000));
        assert_eq!(once(&document).unwrap(), r#"{"message":"m","truncated":true}"#);
    }

    #[test]
    fn cuts_within_what_stands_around_a_document() {
        let text = "x".repeat(2_000);
        let item = format!("{{\"update\":{{\"_id\":\"one\"}}}}\n{{\"doc\":{{\"message\":\"{text}\"}}}}\n");
        let short = String::from_utf8(shortened(item.as_bytes(), Operation::Update).unwrap()).unwrap();
        let expected = format!("{{\"doc\":{{\"message\":\"{}\",\"truncated\":true}}}}", &text[..1_000]);
        assert_eq!(short.lines().nth(1).unwrap(), expected);
    }

    #[test]
    fn has_nothing_shorter_for_what_is_short() {
        assert_eq!(once(r#"{"message":"short"}"#), None);
        assert_eq!(shortened(b"no item", Operation::Create), None);
    }
}
