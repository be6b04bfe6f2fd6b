//! Parsers as the filters get them.

use bumpalo::Bump;

use crate::config::{Options, Problems};
use crate::filter::TextParser;
use crate::parser::{Parsed, Parser, Parsers};
use crate::record::{Member, Timestamp};

/// The parsers that a repeatable option of a filter names.
pub(super) fn named(
    parsers: &Parsers,
    options: &Options<'_>,
    key: &str,
    problems: &mut Problems,
) -> Vec<Box<dyn TextParser>> {
    let found = parsers.all_named_by(options, key, problems).into_iter();
    found.map(|parser| Box::new(parser) as Box<dyn TextParser>).collect()
}

/// Every parser with its name.
pub(super) fn every(parsers: &Parsers) -> Vec<(String, Box<dyn TextParser>)> {
    let named = parsers.names().filter_map(|name| Some((name.to_owned(), parsers.find(name)?.clone())));
    named.map(|(name, parser)| (name, Box::new(parser) as Box<dyn TextParser>)).collect()
}

impl TextParser for Parser {
    fn parse<'t>(
        &'t self,
        text: &'t [u8],
        arena: &'t Bump,
        now: Timestamp,
        members: &mut Vec<Member<'t>>,
    ) -> Option<Option<Timestamp>> {
        match Self::parse(self, text, arena, now, members) {
            Parsed::Matched { time } => Some(time),
            Parsed::Unmatched => None,
        }
    }

    fn cut_off(&self) -> u64 {
        Self::cut_off(self)
    }
}
