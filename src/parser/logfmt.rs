//! The format `logfmt`: `key=value key="a value" key`.

use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;
use memchr::memchr;

use super::Parsed;
use super::pairs::Pairs;
use crate::record::{Member, Origin, Value, json};

/// Splits `text`. A key without a value, or with nothing behind its `=`, is `true`; with
/// `no_bare_keys` the former makes the whole text fail. It matches if a key is in it.
pub(super) fn parse<'t>(
    text: &'t [u8],
    no_bare_keys: bool,
    pairs: &Pairs<'_>,
    arena: &'t Bump,
    members: &mut Vec<Member<'t>>,
) -> Parsed {
    let begin = members.len();
    let mut rest = text;
    loop {
        let skipped = rest.iter().take_while(|byte| !is_key(**byte)).count();
        rest = &rest[skipped..];
        let length = rest.iter().take_while(|byte| is_key(**byte)).count();
        if length == 0 {
            break;
        }
        let key = json::sound_key(&rest[..length], arena);
        let (value, behind) = match rest[length..].strip_prefix(b"=") {
            Some(behind) => value(behind, key, pairs, arena),
            None if no_bare_keys => {
                members.truncate(begin);
                return Parsed::Unmatched;
            }
            None => (Value::Json(b"true"), &rest[length..]),
        };
        members.push(Member { key, value, origin: Origin::Application });
        rest = behind;
    }
    pairs.finish(arena, members, begin)
}

fn is_key(byte: u8) -> bool {
    byte > b' ' && byte != b'=' && byte != b'"'
}

/// The value behind a `=`, and what stands behind it.
fn value<'t>(text: &'t [u8], key: &[u8], pairs: &Pairs<'_>, arena: &'t Bump) -> (Value<'t>, &'t [u8]) {
    if let Some(inside) = text.strip_prefix(b"\"") {
        let length = quoted_length(inside);
        let behind = inside.get(length + 1..).unwrap_or_default();
        return (pairs.value(key, unescaped(&inside[..length], arena), arena), behind);
    }
    let length = text.iter().take_while(|byte| **byte > b' ').count();
    match length {
        0 => (Value::Json(b"true"), text),
        _ => (pairs.value(key, &text[..length], arena), &text[length..]),
    }
}

/// Length of what stands before the closing quote; all of it if there is none.
fn quoted_length(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        if text[at + found] == b'"' {
            return at + found;
        }
        at += found + 2;
    }
    text.len()
}

/// The text without its backslashes.
fn unescaped<'t>(text: &'t [u8], arena: &'t Bump) -> &'t [u8] {
    if memchr(b'\\', text).is_none() {
        return text;
    }
    let mut out = ArenaVec::with_capacity_in(text.len(), arena);
    super::unescape::c_escapes(text, &mut out);
    out.into_bump_slice()
}
