//! Writing a record as the members of a JSON object.

use crate::record::escape::write_string;
use crate::record::{Member, Record, Value};

/// Appends the record's members, each with a comma in front unless `first` (which is cleared).
/// A key that stands several times is written once, with its last value.
pub fn write_members(out: &mut Vec<u8>, record: &Record<'_>, first: &mut bool) {
    write_members_without(out, record, first, |_| false);
}

/// The same without the members whose keys are left out.
pub fn write_members_without(
    out: &mut Vec<u8>,
    record: &Record<'_>,
    first: &mut bool,
    is_left_out: impl Fn(&[u8]) -> bool,
) {
    let members = &record.members;
    for (index, member) in members.iter().enumerate() {
        if !record.unique && is_repeated(member, &members[index + 1..]) {
            continue;
        }
        if is_left_out(member.key) {
            continue;
        }
        if matches!(member.value, Value::Members(rendered) if rendered.is_empty()) {
            continue;
        }
        if !std::mem::take(first) {
            out.push(b',');
        }
        write_member(out, member);
    }
}

/// The record has a member of this key.
#[must_use]
pub fn has(record: &Record<'_>, key: &[u8]) -> bool {
    record.find(key).is_some()
}

fn is_repeated(member: &Member<'_>, later: &[Member<'_>]) -> bool {
    !matches!(member.value, Value::Members(_)) && later.iter().any(|other| other.key == member.key)
}

fn write_member(out: &mut Vec<u8>, member: &Member<'_>) {
    if let Value::Members(rendered) = member.value {
        out.extend_from_slice(rendered);
        return;
    }
    out.push(b'"');
    out.extend_from_slice(member.key);
    out.extend_from_slice(b"\":");
    match member.value {
        Value::Json(json) => out.extend_from_slice(json),
        Value::Text(text) => write_string(out, text),
        Value::Members(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{DocumentId, Origin, Timestamp};

    fn written(members: Vec<Member<'_>>, unique: bool) -> String {
        let id = DocumentId::random(Timestamp(0));
        let record = Record { time: Timestamp(0), members, id, truncated: false, unique };
        let mut out = Vec::new();
        write_members(&mut out, &record, &mut true);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn writes_text_json_and_rendered_members() {
        let members = vec![
            Member::text(b"log", b"a \"b\"", Origin::Runtime),
            Member::members(b"", Origin::Filter),
            Member::json(b"n", b"17", Origin::Application),
            Member::members(br#""x":1,"y":2"#, Origin::Filter),
        ];
        assert_eq!(written(members, true), r#""log":"a \"b\"","n":17,"x":1,"y":2"#);
    }

    #[test]
    fn writes_the_last_of_a_repeated_key() {
        let members = vec![
            Member::json(b"a", b"1", Origin::Application),
            Member::json(b"b", b"2", Origin::Application),
            Member::json(b"a", b"3", Origin::Application),
        ];
        assert_eq!(written(members, false), r#""b":2,"a":3"#);
    }
}
