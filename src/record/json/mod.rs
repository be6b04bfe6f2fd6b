//! JSON text, checked and cut into members in one pass.
//!
//! [`split`] takes exactly what serde_json takes for an object (RFC 8259, valid UTF-8, no control
//! character inside a string, at most [`MAX_NESTING`] levels), with two exceptions that programs do
//! write and that can be mended: an escaped half of a surrogate pair (Python's `surrogateescape`)
//! becomes U+FFFD, and a number that no double can hold (`1e999`) becomes a string. Everything else
//! is refused, and the line goes on as text.
//!
//! What it yields can stand in a document as it is, whatever the application wrote:
//!
//! | in the text | in the members |
//! |---|---|
//! | a key twice in one object, at any depth | the last one |
//! | an object or array below level [`MAX_LEVELS`] (the text's own object is level 1) | a string of its text |
//! | a key longer than [`MAX_KEY`] bytes | cut, with a hash of the whole key behind it |
//! | control characters in a key | `_` each |
//! | an empty key | `_` |
//! | a dot at a key's start or end or behind another dot | `_` |
//! | a key, or a part of it between dots, of blanks alone | `_` for each blank |
//! | a number longer than [`MAX_NUMBER`] bytes, or beyond a double | a string of its digits |
//! | more than [`MAX_MEMBERS`] members in the text's own object | one string, [`SURPLUS_KEY`], for the surplus |
//! | more than [`MAX_MEMBERS_IN_ALL`] members in all | strings of their text for the values that go beyond |
//! | a line break between the tokens of a nested value | left out, like all blanks of that value |
//! | a key written with escapes | written with only those that it needs |
//!
//! The pass itself only notices that something of this table is there; `repair` then goes over the
//! text a second time. So equal keys are equal bytes, and lines of healthy programs pay nothing.

mod key;
#[cfg(test)]
mod properties;
mod repair;
mod scan;
#[cfg(test)]
pub(crate) mod strict;
#[cfg(test)]
mod tests;
mod unescape;
mod walk;

use bumpalo::Bump;

pub use key::sound_key;
pub use unescape::unescape;
pub use walk::{MembersOf, members_of, members_within};

use super::{Member, Origin};

/// Levels of nesting that text may have, as in serde_json; text beyond is refused.
pub const MAX_NESTING: usize = 127;
/// Levels of nesting that a document keeps as JSON. Elasticsearch's own limits are 20 levels, for
/// object fields and for `flattened` ones.
pub const MAX_LEVELS: usize = 16;
/// Longest key, in bytes of UTF-8.
pub const MAX_KEY: usize = 256;
/// Longest number, in bytes.
pub const MAX_NUMBER: usize = 64;
/// Most members of the text's own object.
pub const MAX_MEMBERS: usize = 256;
/// Most members of all objects of a text together.
pub const MAX_MEMBERS_IN_ALL: usize = 1024;
/// Key of the string that holds the members beyond [`MAX_MEMBERS`], as the text of a JSON object.
pub const SURPLUS_KEY: &str = "_surplus";

/// The text is not one JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON object: unexpected byte at offset {at}")]
pub struct Malformed {
    /// Offset of the first byte that does not fit; the text's length if it ends too early.
    pub at: usize,
}

/// Appends the members of `text`, which must be one JSON object with nothing but blanks around it.
///
/// Keys and values are slices of `text`, or of `arena` where something had to be repaired (see the
/// table above). On an error `members` is as it was.
pub fn split<'t>(
    text: &'t [u8],
    arena: &'t Bump,
    members: &mut Vec<Member<'t>>,
    origin: Origin,
) -> Result<(), Malformed> {
    if let Err(error) = simdutf8::compat::from_utf8(text) {
        return Err(Malformed { at: error.valid_up_to() });
    }
    let before = members.len();
    let mut scan = scan::Scan::new(text);
    let outcome = scan.object(|key, value| members.push(Member::json(key, value, origin)));
    if outcome.is_err() {
        members.truncate(before);
    } else if scan.needs_repair() {
        members.truncate(before);
        repair::split(text, scan.members(), arena, members, origin);
    }
    outcome
}
