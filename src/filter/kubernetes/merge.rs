//! `Merge_Log`: the JSON, or what a parser finds in the text, that an application wrote becomes members
//! of the record.

use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;

use super::Settings;
use crate::filter::TextParser;
use crate::record::escape::write_string;
use crate::record::{Member, Origin, Record, Value, json};

const LOG: &[u8] = b"log";

/// Splits the record's `log`: by `parser` if there is one, else if it holds one JSON object, the text of
/// one or one itself. What is none stays as it is. Whether it was malformed: without a parser, it
/// begins like an object and is none.
pub(super) fn merge<'t>(
    settings: &'t Settings,
    parser: Option<&'t dyn TextParser>,
    record: &mut Record<'t>,
    arena: &'t Bump,
) -> bool {
    let Some(at) = record.members.iter().rposition(|member| member.key == LOG) else { return false };
    let begin = record.members.len();
    let is_text = match split(at, parser, record, arena) {
        Split::Text => true,
        Split::Object => false,
        Split::Not => return false,
        Split::Malformed => return true,
    };
    let members = &mut record.members;
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

/// What became of `log`.
enum Split {
    /// Its text was split.
    Text,
    /// It was an object already.
    Object,
    /// There is nothing to split.
    Not,
    /// It begins like an object and is none.
    Malformed,
}

fn split<'t>(at: usize, parser: Option<&'t dyn TextParser>, record: &mut Record<'t>, arena: &'t Bump) -> Split {
    let members = &mut record.members;
    let split = |json: &'t [u8], members: &mut Vec<Member<'t>>| json::split(json, arena, members, Origin::Application);
    let value = members[at].value;
    if let Value::Json(object @ [b'{', ..]) = value {
        return if split(object, members).is_ok() { Split::Object } else { Split::Malformed };
    }
    let Some(text) = value.as_text(arena) else { return Split::Not };
    if let Some(parser) = parser {
        let Some(time) = parser.parse(text, arena, record.time, members) else { return Split::Not };
        record.time = time.unwrap_or(record.time);
        return Split::Text;
    }
    match text.trim_ascii_start().starts_with(b"{") {
        false => Split::Not,
        true if split(text, members).is_ok() => Split::Text,
        true => Split::Malformed,
    }
}

/// A string without line feeds, `\n` and `\r` at its end, the latter two spelled as two characters.
fn trimmed<'t>(value: Value<'t>, arena: &'t Bump) -> Value<'t> {
    let (json, inner) = match value {
        Value::Json(json @ [b'"', inner @ .., b'"']) => (json, inner),
        Value::Text(text) => return Value::Text(trimmed_text(text)),
        value => return value,
    };
    let kept = trimmed_length(inner);
    if kept == inner.len() {
        return value;
    }
    let mut shorter = ArenaVec::with_capacity_in(kept + 2, arena);
    shorter.extend_from_slice(&json[..=kept]);
    shorter.push(b'"');
    Value::Json(shorter.into_bump_slice())
}

/// A text without line feeds, and `\n` and `\r` spelled as two characters, at its end.
fn trimmed_text(mut text: &[u8]) -> &[u8] {
    loop {
        text = match text {
            [kept @ .., b'\n'] | [kept @ .., b'\\', b'n' | b'r'] => kept,
            _ => return text,
        };
    }
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
        out.push(if out.is_empty() { b'{' } else { b',' });
        out.extend_from_slice(b"\"");
        out.extend_from_slice(member.key);
        out.extend_from_slice(b"\":");
        match member.value {
            Value::Json(json) => out.extend_from_slice(json),
            Value::Text(text) => {
                let mut written = Vec::with_capacity(text.len() + 2);
                write_string(&mut written, text);
                out.extend_from_slice(&written);
            }
            // No parser makes these.
            Value::Members(_) => out.extend_from_slice(b"null"),
        }
    }
    out.push(b'}');
    out.into_bump_slice()
}
