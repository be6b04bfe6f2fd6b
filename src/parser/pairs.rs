//! What the formats made of pairs (`ltsv`, `logfmt`) have in common: types, and the time.

use bumpalo::Bump;

use super::Parsed;
use super::time_field::TimeField;
use super::types::Types;
use crate::record::{Member, Timestamp, Value};

/// The settings of such a parser.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pairs<'p> {
    pub(super) types: &'p Types,
    pub(super) time: Option<&'p TimeField>,
    pub(super) now: Timestamp,
}

impl Pairs<'_> {
    /// A pair's value. That of the time field stays text until the time is read.
    pub(super) fn value<'t>(&self, key: &[u8], text: &'t [u8], arena: &'t Bump) -> Value<'t> {
        if self.time.is_some_and(|time| time.key == key) {
            return Value::Text(text);
        }
        self.types.of(key).convert(text, arena)
    }

    /// Takes the time out of the members from `begin` on. Without a member nothing has matched, nor
    /// with a time that cannot be read, unless `Time_Strict` is off.
    pub(super) fn finish<'t>(&self, arena: &'t Bump, members: &mut Vec<Member<'t>>, begin: usize) -> Parsed {
        if members.len() == begin {
            return Parsed::Unmatched;
        }
        let Some(time) = self.time else { return Parsed::Matched { time: None } };
        let Some(at) = members[begin..].iter().position(|member| member.key == time.key) else {
            return Parsed::Matched { time: None };
        };
        let Value::Text(text) = members[begin + at].value else { return Parsed::Matched { time: None } };
        let found = time.read(text, self.now);
        if found.is_some() && !time.keep {
            members.remove(begin + at);
        } else if found.is_some() || !time.is_strict() {
            members[begin + at].value = self.types.of(&time.key).convert(text, arena);
        } else {
            members.truncate(begin);
            return Parsed::Unmatched;
        }
        Parsed::Matched { time: found }
    }
}
