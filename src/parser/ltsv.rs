//! The format `ltsv`: `label:value` pairs with tabs between them.

use bumpalo::Bump;
use memchr::memchr3;

use super::Parsed;
use super::pairs::Pairs;
use crate::record::{Member, Origin, json};

/// Splits `text` up to its first line end. It matches if a pair is in it.
pub(super) fn parse<'t>(text: &'t [u8], pairs: &Pairs<'_>, arena: &'t Bump, members: &mut Vec<Member<'t>>) -> Parsed {
    let begin = members.len();
    let mut rest = text;
    loop {
        let label = rest.iter().take_while(|byte| is_label(**byte)).count();
        let Some(value) = rest.get(label).filter(|byte| **byte == b':' && label > 0).map(|_| &rest[label + 1..]) else {
            break;
        };
        let length = memchr3(b'\t', b'\r', b'\n', value).unwrap_or(value.len());
        let key = json::sound_key(&rest[..label], arena);
        members.push(Member { key, value: pairs.value(key, &value[..length], arena), origin: Origin::Application });
        let behind = &value[length..];
        let tabs = behind.iter().take_while(|byte| **byte == b'\t').count();
        rest = &behind[tabs..];
        if tabs == 0 {
            break;
        }
    }
    pairs.finish(arena, members, begin)
}

fn is_label(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)
}
