//! The second pass, for text that is valid JSON but could not stand in a document as it is.
//!
//! It builds every value anew, so it is slower than the first by a wide margin and may allocate.

use std::collections::HashSet;

use bumpalo::Bump;

use super::unescape::write_sound;
use super::walk::{count_members, elements_of, members_of};
use super::{MAX_LEVELS, MAX_MEMBERS, MAX_MEMBERS_IN_ALL, MAX_NUMBER, SURPLUS_KEY, key, unescape};
use crate::record::escape::write_string;
use crate::record::{Member, Origin};

/// A member whose key is repaired already and whose value is not.
struct Entry<'t> {
    key: Vec<u8>,
    value: &'t [u8],
}

/// Appends the members of `text`, a valid JSON object with `in_all` members at all depths.
pub(super) fn split<'t>(text: &'t [u8], in_all: usize, arena: &'t Bump, members: &mut Vec<Member<'t>>, origin: Origin) {
    let mut entries = entries(text, arena);
    let surplus = if entries.len() > MAX_MEMBERS { fold_surplus(&mut entries) } else { None };
    let mut nested_left = if in_all > MAX_MEMBERS_IN_ALL { MAX_MEMBERS_IN_ALL - MAX_MEMBERS } else { in_all };
    let mut out = Vec::new();
    for entry in entries {
        out.clear();
        match nested_left.checked_sub(count_members(entry.value)) {
            Some(left) => {
                nested_left = left;
                write_value(&mut out, entry.value, 1, arena);
            }
            None => write_string(&mut out, entry.value),
        }
        let value = arena.alloc_slice_copy(&out);
        members.push(Member::json(arena.alloc_slice_copy(&entry.key), value, origin));
    }
    if let Some(surplus) = surplus {
        members.push(Member::json(SURPLUS_KEY.as_bytes(), arena.alloc_slice_copy(&surplus), origin));
    }
}

/// The members of one object: keys repaired, the last of equal ones.
fn entries<'t>(object: &'t [u8], arena: &Bump) -> Vec<Entry<'t>> {
    let all: Vec<Entry<'t>> =
        members_of(object).map(|(key, value)| Entry { key: repaired(key, arena), value }).collect();
    let mut seen = HashSet::with_capacity(all.len());
    let last: Vec<bool> = all.iter().rev().map(|entry| seen.insert(entry.key.as_slice())).collect();
    drop(seen);
    all.into_iter().zip(last.into_iter().rev()).filter_map(|(entry, last)| last.then_some(entry)).collect()
}

fn repaired(key: &[u8], arena: &Bump) -> Vec<u8> {
    key::repaired(&String::from_utf8_lossy(unescape(key, arena)))
}

/// Takes out the members that are too many and gives the JSON string that stands for them.
fn fold_surplus(entries: &mut Vec<Entry<'_>>) -> Option<Vec<u8>> {
    let (mut kept, mut surplus) = (Vec::with_capacity(MAX_MEMBERS), Vec::new());
    for entry in entries.drain(..) {
        let keep = kept.len() < MAX_MEMBERS - 1 && entry.key != SURPLUS_KEY.as_bytes();
        if keep { kept.push(entry) } else { surplus.push(entry) }
    }
    *entries = kept;
    let mut object = Vec::new();
    for entry in &surplus {
        object.push(if object.is_empty() { b'{' } else { b',' });
        object.push(b'"');
        object.extend_from_slice(&entry.key);
        object.extend_from_slice(b"\":");
        object.extend_from_slice(entry.value);
    }
    object.push(b'}');
    let mut string = Vec::with_capacity(object.len() * 2);
    write_string(&mut string, &object);
    (!surplus.is_empty()).then_some(string)
}

/// Appends a value that stands in a container of `level`. Recursion ends with [`MAX_LEVELS`].
fn write_value(out: &mut Vec<u8>, value: &[u8], level: usize, arena: &Bump) {
    match value {
        [b'{' | b'[', ..] if level >= MAX_LEVELS => write_string(out, value),
        [b'{', ..] => write_object(out, value, level + 1, arena),
        [b'[', ..] => {
            out.push(b'[');
            for (ordinal, element) in elements_of(value).enumerate() {
                separate(out, ordinal);
                write_value(out, element, level + 1, arena);
            }
            out.push(b']');
        }
        [b'"', inner @ .., b'"'] => {
            out.push(b'"');
            write_sound(out, inner);
            out.push(b'"');
        }
        [b'-' | b'0'..=b'9', ..] if !is_sound_number(value) => write_string(out, value),
        _ => out.extend_from_slice(value),
    }
}

fn write_object(out: &mut Vec<u8>, object: &[u8], level: usize, arena: &Bump) {
    out.push(b'{');
    for (ordinal, entry) in entries(object, arena).iter().enumerate() {
        separate(out, ordinal);
        out.push(b'"');
        out.extend_from_slice(&entry.key);
        out.extend_from_slice(b"\":");
        write_value(out, entry.value, level, arena);
    }
    out.push(b'}');
}

fn separate(out: &mut Vec<u8>, ordinal: usize) {
    if ordinal > 0 {
        out.push(b',');
    }
}

fn is_sound_number(number: &[u8]) -> bool {
    let parsed = std::str::from_utf8(number).ok().and_then(|digits| digits.parse::<f64>().ok());
    number.len() <= MAX_NUMBER && parsed.is_some_and(f64::is_finite)
}
