//! Multi-line parsers with a `Parser`: each line is cut by it, and of the members only the text of
//! one is joined. A record has the members of its first line, with the joined text in their place.

use std::hash::Hasher;

use bumpalo::Bump;
use xxhash_rust::xxh3::Xxh3;

use crate::config::{Options, Problem, Problems};
use crate::decode::multiline::{Cut, Parts};
use crate::parser::{Parsed, Parser, Parsers};
use crate::record::{Member, Origin, Timestamp, Value, json};

/// What a `[MULTILINE_PARSER]` section says of its lines.
#[derive(Debug)]
pub struct Cutter {
    parser: Parser,
    /// Keys as JSON text between their quotes.
    content: Vec<u8>,
    pattern: Option<Vec<u8>>,
    group: Option<Vec<u8>>,
}

impl Cutter {
    /// Reads `Parser`, `Key_Content`, `Key_Pattern` and `Key_Group`. The error says what is missing.
    pub(super) fn new(options: &Options<'_>, parsers: &Parsers) -> Result<Self, Problem> {
        let mut problems = Problems::new();
        let parser = parsers.named_by(options, "Parser", &mut problems);
        let unknown = || options.problem("Parser", "there is no such parser");
        let parser = parser.ok_or_else(|| problems.iter().next().cloned().unwrap_or_else(unknown))?;
        let key = |name: &str| options.text(name).map(|key| json::sound_key(key.as_bytes(), &Bump::new()).to_vec());
        let missing = || {
            let problem = options.problem("Parser", "a multiline parser with a Parser needs a Key_Content");
            problem.with_hint("name the member of the parser whose text is joined: Key_Content log")
        };
        let content = key("Key_Content").ok_or_else(missing)?;
        Ok(Self { parser, content, pattern: key("Key_Pattern"), group: key("Key_Group") })
    }

    /// Its lines have keys.
    pub(super) fn has_keys(&self) -> bool {
        self.group.is_some()
    }

    /// Appends the members of a group that begins with the line `first` and whose text is `text`; its
    /// time, if it tells one. `None` if the parser does not match it.
    pub(super) fn parse<'t>(
        &'t self,
        first: &'t [u8],
        text: &'t [u8],
        arena: &'t Bump,
        now: Timestamp,
        members: &mut Vec<Member<'t>>,
    ) -> Option<Option<Timestamp>> {
        let Parsed::Matched { time } = self.parser.parse(first, arena, now, members) else { return None };
        let joined = Member::text(&self.content, text, Origin::Application);
        match members.iter_mut().rev().find(|member| member.key == self.content) {
            Some(member) => *member = joined,
            None => members.push(joined),
        }
        Some(time)
    }

    /// Texts whose search took too long, since the last call.
    pub(super) fn take_cut_off(&self) -> u64 {
        self.parser.take_cut_off()
    }
}

impl Cut for Cutter {
    fn cut<'t>(&self, line: &'t [u8], arena: &'t Bump) -> Option<Parts<'t>> {
        let mut members = Vec::new();
        // Which time it is matters to the times of lines alone, and these are read later.
        if self.parser.parse(line, arena, Timestamp(0), &mut members) == Parsed::Unmatched {
            return None;
        }
        let text = |key: &[u8]| {
            let member = members.iter().rev().find(|member| member.key == key)?;
            let text = match member.value {
                Value::Json(json) => member.value.as_text(arena).unwrap_or(json),
                Value::Text(text) | Value::Members(text) => text,
            };
            Some(&*arena.alloc_slice_copy(text))
        };
        let content = text(&self.content)?;
        let pattern = self.pattern.as_ref().map_or(Some(content), |key| text(key)).unwrap_or_default();
        let key = self.group.as_ref().map_or(0, |key| {
            let mut hasher = Xxh3::new();
            hasher.write(text(key).unwrap_or_default());
            hasher.finish()
        });
        Some(Parts { content, pattern, key })
    }
}
