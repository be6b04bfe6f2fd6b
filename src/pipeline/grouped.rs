//! Records of groups that `Parser_Firstline` began: the members of the first line's parser, and what
//! the lines behind it add.

use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;
use memchr::memchr;

use crate::parser::{Parsed, Parser};
use crate::record::{Member, Origin, Timestamp, Value};

/// The parsers of an input with `Multiline On`.
#[derive(Debug)]
pub struct Grouped {
    /// The parser of the first line.
    pub first: Parser,
    /// Those of the others, in the order in which they are asked.
    pub others: Vec<Parser>,
}

impl Grouped {
    /// Cuts the lines of a group into members and appends them; the time is that of the first line.
    /// `None` if its first line is none: it stands alone.
    pub(super) fn parse<'t>(
        &'t self,
        text: &'t [u8],
        arena: &'t Bump,
        now: Timestamp,
        members: &mut Vec<Member<'t>>,
    ) -> Option<Option<Timestamp>> {
        let mut end = line_end(text, 0);
        let Parsed::Matched { time } = self.first.parse(&text[..end], arena, now, members) else { return None };
        // Lines that no parser takes are appended all at once: they stand behind one another.
        let mut unparsed = end..end;
        while end < text.len() {
            let start = end + 1;
            end = line_end(text, start);
            let before = members.len();
            let line = &text[start..end];
            if !self.others.iter().any(|parser| parser.parse(line, arena, now, members) != Parsed::Unmatched) {
                unparsed.end = end;
                continue;
            }
            let last = before.checked_sub(1).and_then(|last| members.get_mut(last));
            append(last, &text[unparsed], arena);
            unparsed = end..end;
        }
        append(members.last_mut(), &text[unparsed], arena);
        Some(time)
    }

    /// Texts whose search took too long, since the last call.
    pub(super) fn take_cut_off(&self) -> u64 {
        self.others.iter().chain([&self.first]).map(Parser::take_cut_off).sum()
    }
}

fn line_end(text: &[u8], start: usize) -> usize {
    memchr(b'\n', &text[start..]).map_or(text.len(), |length| start + length)
}

/// Appends lines, which begin with a line feed, to a member's text.
fn append<'t>(member: Option<&mut Member<'t>>, lines: &'t [u8], arena: &'t Bump) {
    let Some(member) = member.filter(|_| !lines.is_empty()) else { return };
    let text = match member.value {
        Value::Json(json) => member.value.as_text(arena).unwrap_or(json),
        Value::Text(text) | Value::Members(text) => text,
    };
    let mut joined = ArenaVec::with_capacity_in(text.len() + lines.len(), arena);
    joined.extend_from_slice_copy(text);
    joined.extend_from_slice_copy(lines);
    *member = Member::text(member.key, joined.into_bump_slice(), Origin::Application);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Class, Environment, Problems, instance};
    use crate::parser::{PLUGIN, Parsers};

    fn grouped() -> Grouped {
        let section = |name: &str, expression: &str| {
            let pairs = [("Name", name), ("Format", "regex"), ("Regex", expression), ("Types", "code:integer")];
            instance(Class::Parser, &PLUGIN, &pairs, &Environment::default()).0
        };
        let sections = [
            section("first", r"^(?<level>[A-Z]+) (?<text>.*)$"),
            section("code", r"^code=(?<code>\d+)$"),
            section("user", r"^user=(?<user>.*)$"),
        ];
        let parsers = Parsers::new(&sections, &mut Problems::new());
        let parser = |name| parsers.find(name).cloned().unwrap();
        Grouped { first: parser("first"), others: vec![parser("code"), parser("user")] }
    }

    fn members(text: &str) -> Option<Vec<(String, String)>> {
        let (arena, mut members, grouped) = (Bump::new(), Vec::new(), grouped());
        grouped.parse(text.as_bytes(), &arena, Timestamp(0), &mut members)?;
        let shown = |member: &Member<'_>| {
            let (Value::Json(value) | Value::Text(value) | Value::Members(value)) = member.value;
            [member.key, value].map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()).into()
        };
        Some(members.iter().map(shown).collect())
    }

    #[test]
    fn lines_add_members_or_go_on_with_the_last_one() {
        for (text, expected) in [
            ("INFO one", vec![("level", "INFO"), ("text", "one")]),
            ("INFO one\n\n  two", vec![("level", "INFO"), ("text", "one\n\n  two")]),
            (
                "INFO one\n  two\ncode=7\nuser=x\n  three\n",
                vec![("level", "INFO"), ("text", "one\n  two"), ("code", "7"), ("user", "x\n  three\n")],
            ),
            ("INFO one\ncode=7\nmore", vec![("level", "INFO"), ("text", "one"), ("code", "7\nmore")]),
        ] {
            let expected = expected.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            assert_eq!(members(text), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn what_does_not_begin_a_group_stands_alone() {
        assert_eq!(members("info\nINFO x"), None);
        assert_eq!(members(""), None);
    }
}
