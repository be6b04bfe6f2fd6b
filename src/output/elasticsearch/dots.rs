//! `Replace_Dots`: no dot in any key of a document, as servers take one for an object's border.

use memchr::memchr2;

/// Writes `_` for each dot in each key of a valid JSON value, at any depth.
pub(super) fn replace(json: &mut [u8]) {
    let mut at = 0;
    while let Some(start) = memchr::memchr(b'"', &json[at..]).map(|found| at + found + 1) {
        let end = string_end(json, start);
        let is_key = json[(end + 1).min(json.len())..].trim_ascii_start().first() == Some(&b':');
        if is_key {
            json[start..end].iter_mut().filter(|byte| **byte == b'.').for_each(|byte| *byte = b'_');
        }
        at = (end + 1).min(json.len());
    }
}

/// The quote that ends the string whose text begins at `start`.
fn string_end(json: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(found) = memchr2(b'"', b'\\', json.get(at..).unwrap_or_default()) {
        at += found;
        if json[at] == b'"' {
            return at;
        }
        at += 2;
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_keys_and_nothing_else() {
        let mut json = br#"{"a.b":"c.d","e":{"f.g" : [1.5,{"h.\"i.":"j\\"}]},"k":"l.m\":"}"#.to_vec();
        replace(&mut json);
        let expected = r#"{"a_b":"c.d","e":{"f_g" : [1.5,{"h_\"i_":"j\\"}]},"k":"l.m\":"}"#;
        assert_eq!(String::from_utf8(json).unwrap(), expected);
    }
}
