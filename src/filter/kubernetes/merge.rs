//! `Merge_Log`: the JSON that an application wrote becomes members of the record.

use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;

use super::Settings;
use crate::record::{Member, Origin, Record, Value, json};

const LOG: &[u8] = b"log";

/// Splits the record's `log` if it holds one JSON object: the text of one, or one itself. What is
/// none stays as it is. Whether it was malformed: it begins like an object and is none.
pub(super) fn merge<'t>(settings: &'t Settings, record: &mut Record<'t>, arena: &'t Bump) -> bool {
    let members = &mut record.members;
    let Some(at) = members.iter().rposition(|member| member.key == LOG) else { return false };
    let begin = members.len();
    let (text, is_text) = match members[at].value {
        Value::Json(object @ [b'{', ..]) => (object, false),
        value => match value.as_text(arena) {
            Some(text) if text.trim_ascii_start().starts_with(b"{") => (text, true),
            _ => return false,
        },
    };
    if json::split(text, arena, members, Origin::Application).is_err() {
        return true;
    }
    record.unique = false;
    if is_text && settings.merge_log_trim {
        members[begin..].iter_mut().for_each(|member| member.value = trimmed(member.value, arena));
    }
    if let Some(key) = &settings.merge_log_key
        && members.len() > begin
    {
        let object = object(&members[begin..], arena);
        members.truncate(begin);
        members.push(Member::json(key, object, Origin::Application));
    }
    if !settings.keep_log {
        members.remove(at);
    }
    false
}

/// A string without line feeds, `\n` and `\r` at its end, the latter two spelled as two characters.
fn trimmed<'t>(value: Value<'t>, arena: &'t Bump) -> Value<'t> {
    let Value::Json(json @ [b'"', inner @ .., b'"']) = value else { return value };
    let kept = trimmed_length(inner);
    if kept == inner.len() {
        return value;
    }
    let mut shorter = ArenaVec::with_capacity_in(kept + 2, arena);
    shorter.extend_from_slice(&json[..=kept]);
    shorter.push(b'"');
    Value::Json(shorter.into_bump_slice())
}

/// How much stays of the inside of a JSON string.
fn trimmed_length(inner: &[u8]) -> usize {
    let mut length = inner.len();
    loop {
        let kept = &inner[..length];
        let Some((letter @ (b'n' | b'r'), before)) = kept.split_last() else { return length };
        let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
        length -= match (backslashes, letter) {
            // Nothing escapes the letter: it is text.
            (0, _) => return length,
            // The last backslash makes a control character of it. A carriage return stays.
            (odd, b'n') if odd % 2 == 1 => 2,
            (odd, _) if odd % 2 == 1 => return length,
            // A backslash that is escaped itself, then the letter.
            (_, _) => 3,
        };
    }
}

/// The members as one object.
fn object<'t>(members: &[Member<'t>], arena: &'t Bump) -> &'t [u8] {
    let mut out = ArenaVec::new_in(arena);
    for member in members {
        // What was split holds JSON only.
        let Value::Json(json) = member.value else { continue };
        out.push(if out.is_empty() { b'{' } else { b',' });
        for part in [b"\"", member.key, b"\":", json] {
            out.extend_from_slice(part);
        }
    }
    out.push(b'}');
    out.into_bump_slice()
}
