//! The format `json`: the members of one object.

use bumpalo::Bump;

use super::Parsed;
use super::decoder::Decoders;
use super::time_field::TimeField;
use crate::record::{Member, Origin, Timestamp, json};

/// Splits `text`, decodes members and takes the time out of them. A time that cannot be read stays as it is.
pub(super) fn parse<'t>(
    text: &'t [u8],
    (time, now): (Option<&TimeField>, Timestamp),
    decoders: &Decoders,
    arena: &'t Bump,
    members: &mut Vec<Member<'t>>,
) -> Parsed {
    let begin = members.len();
    if json::split(text, arena, members, Origin::Application).is_err() {
        return Parsed::Unmatched;
    }
    decoders.apply(arena, members, begin);
    Parsed::Matched { time: time.and_then(|field| take_time(field, now, arena, members, begin)) }
}

/// Reads the time among the members from `begin` on. Only a string can be one.
fn take_time<'t>(
    field: &TimeField,
    now: Timestamp,
    arena: &'t Bump,
    members: &mut Vec<Member<'t>>,
    begin: usize,
) -> Option<Timestamp> {
    let at = begin + members[begin..].iter().position(|member| member.key == field.key)?;
    let time = field.read(members[at].value.as_text(arena)?, now)?;
    if !field.keep {
        members.remove(at);
    }
    Some(time)
}
