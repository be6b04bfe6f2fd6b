//! Writing members: the fragments that sources share, and the `fields` object of a record.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use crate::record::escape::write_string;
use crate::record::{Member, Value};

/// Appends `"key":"text"` to rendered members, with a comma if there are some; nothing if there is
/// no text.
pub(super) fn push_member(out: &mut Vec<u8>, key: &str, text: Option<&str>) {
    let Some(text) = text else { return };
    if !out.is_empty() {
        out.push(b',');
    }
    write_string(out, key.as_bytes());
    out.push(b':');
    write_string(out, text.as_bytes());
}

/// The JSON object of some members, in the arena. `None` if there are none.
pub(super) fn object<'t, 'm>(members: impl Iterator<Item = &'m Member<'t>> + Clone, arena: &'t Bump) -> Option<&'t [u8]>
where
    't: 'm,
{
    let length: usize = members.clone().map(length).sum();
    if length == 0 {
        return None;
    }
    let mut out = BumpVec::with_capacity_in(length + "{}".len(), arena);
    out.push(b'{');
    for member in members {
        if out.len() > 1 {
            out.push(b',');
        }
        if let Value::Members(rendered) = member.value {
            out.extend_from_slice_copy(rendered);
            continue;
        }
        out.push(b'"');
        out.extend_from_slice_copy(member.key);
        out.extend_from_slice_copy(b"\":");
        match member.value {
            Value::Text(text) => push_string(&mut out, text),
            Value::Json(value) | Value::Members(value) => out.extend_from_slice_copy(value),
        }
    }
    out.push(b'}');
    Some(out.into_bump_slice())
}

/// OpenSearch refuses a document with a value in a `flat_object` that is longer than a term of
/// Lucene may be, 32,766 bytes with its path; nothing in a mapping prevents that. A third of it, since
/// bytes that are no UTF-8 become three each.
const LARGE: usize = 10_000;

/// The member is too long to be searched for; it is kept beside the others, out of the index.
pub(super) fn is_large(member: &Member<'_>) -> bool {
    length(member) > LARGE
}

/// Bytes that a member takes with its comma; of text that needs escapes a guess.
fn length(member: &Member<'_>) -> usize {
    let value = match member.value {
        Value::Text(text) => text.len() + 2,
        Value::Json(value) | Value::Members(value) => value.len(),
    };
    member.key.len() + value + "\"\":,".len()
}

/// Appends a JSON string. Text that needs no escapes, which most of it is, is copied as it is.
fn push_string(out: &mut BumpVec<'_, u8>, text: &[u8]) {
    let plain = text.iter().all(|&byte| (b' '..0x7f).contains(&byte) && byte != b'"' && byte != b'\\');
    if plain {
        out.push(b'"');
        out.extend_from_slice_copy(text);
        out.push(b'"');
    } else {
        let mut escaped = Vec::with_capacity(text.len() + 16);
        write_string(&mut escaped, text);
        out.extend_from_slice_copy(&escaped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Origin;

    #[test]
    fn writes_an_object_of_all_kinds_of_values() {
        let arena = Bump::new();
        let members = [
            Member::text(b"a", b"plain", Origin::Application),
            Member::json(b"b", b"[1]", Origin::Application),
            Member::members(br#""c":1,"d":2"#, Origin::Application),
            Member::text(b"e", b"line\n\xff\"", Origin::Application),
        ];
        let written = object(members.iter(), &arena).unwrap();
        let expected = r#"{"a":"plain","b":[1],"c":1,"d":2,"e":"line\n"#;
        assert_eq!(String::from_utf8_lossy(written), format!("{expected}\u{FFFD}\\\"\"}}"));
        assert_eq!(object([].iter(), &arena), None);
    }

    #[test]
    fn knows_what_no_server_takes_as_a_term() {
        let text = vec![b'x'; 40_000];
        assert!(is_large(&Member::text(b"a", &text, Origin::Application)));
        assert!(!is_large(&Member::text(b"a", &text[..9_000], Origin::Application)));
    }

    #[test]
    fn writes_fragments() {
        let mut out = Vec::new();
        push_member(&mut out, "app", Some("a\"b"));
        push_member(&mut out, "task", None);
        push_member(&mut out, "pod", Some("p"));
        assert_eq!(out, br#""app":"a\"b","pod":"p""#);
    }
}
