//! The parser filter: a member's text becomes members of the record.
//!
//! The parsers are tried in order, the first that matches counts. A record that none matches stays
//! as it is.

use std::cell::Cell;

use super::{Action, Filter, Surroundings, TextParser};
use crate::config::{Kind, OptionSpec, Options, Plugin, Problems};
use crate::record::accessor::{Accessor, Found};
use crate::record::{Record, Source, Turn};
use crate::telemetry::accounts::FilterCounter;

/// The filter as configurations see it.
pub const PLUGIN: Plugin = Plugin {
    name: "parser",
    doc: "Parses the text of a member: the parser's members and time take the place of the record's.",
    options: &[
        OptionSpec::new("Key_Name", Kind::Text, "", "The member whose text is parsed; `$log` is the same as `log`."),
        OptionSpec::new(
            "Parser",
            Kind::Text,
            "",
            "A parser. Given several times, they are tried in order until one matches; if none does, the record stays \
             as it is.",
        )
        .repeatable(),
        OptionSpec::new(
            "Reserve_Data",
            Kind::Boolean,
            "Off",
            "Keeps the record's other members, behind those of the parser.",
        ),
        OptionSpec::new(
            "Preserve_Key",
            Kind::Boolean,
            "Off",
            "Keeps the member that was parsed, if `Reserve_Data` is on as well.",
        ),
        OptionSpec::ignored("Unescape_Key", "use `Decode_Field_As` of the parser"),
    ],
};

/// Builds the filter from its checked options.
pub(super) fn build(
    options: &Options<'_>,
    surroundings: &Surroundings<'_>,
    problems: &mut Problems,
) -> Option<Box<dyn Filter>> {
    let key = key(options, problems);
    if !options.is_set("Parser") {
        let problem = options.problem("Parser", "the parser filter has no Parser");
        problems.push(problem.with_hint("name one of your parsers files: Parser nginx"));
    }
    let parsers = (surroundings.parsers)(options, "Parser", problems);
    let is_usable = !parsers.is_empty();
    let (reserve_data, preserve_key) = (options.boolean("Reserve_Data"), options.boolean("Preserve_Key"));
    let filter = Parse { key: key?, parsers, reserve_data, preserve_key, unmatched: Cell::new(0) };
    is_usable.then(|| Box::new(filter) as Box<dyn Filter>)
}

fn key(options: &Options<'_>, problems: &mut Problems) -> Option<Accessor> {
    let Some(name) = options.text("Key_Name") else {
        let problem = options.problem("Key_Name", "the parser filter has no Key_Name");
        problems.push(problem.with_hint("name the member to be parsed: Key_Name log"));
        return None;
    };
    let key = Accessor::read(name);
    if key.is_none() {
        let problem = options.problem("Key_Name", format!("Key_Name: \"{name}\" is no member"));
        problems.push(problem.with_hint("write log, $log or $log['inner']"));
    }
    key
}

/// The filter.
struct Parse {
    key: Accessor,
    parsers: Vec<Box<dyn TextParser>>,
    reserve_data: bool,
    preserve_key: bool,
    /// Records since the start whose text no parser matched.
    unmatched: Cell<u64>,
}

impl Filter for Parse {
    fn prepare(&mut self, _: &mut Source) {}

    fn apply<'t>(&'t self, record: &mut Record<'t>, turn: &Turn<'t>) -> Action {
        let (members, now) = (&mut record.members, record.time);
        let Some(Found { text, member }) = self.key.find(members, turn.arena) else { return Action::Keep };
        let before = members.len();
        let time = self.parsers.iter().find_map(|parser| parser.parse(text, turn.arena, now, members));
        let Some(time) = time else {
            self.unmatched.set(self.unmatched.get() + 1);
            return Action::Keep;
        };
        let parsed = members.len() - before;
        if self.reserve_data {
            members.rotate_left(before);
            // Fluent Bit does not remove what was named by an accessor.
            if let Some(at) = member.filter(|_| !self.preserve_key && !self.key.has_sigil()) {
                members.remove(parsed + at);
            }
        } else {
            members.drain(..before);
        }
        record.time = time.unwrap_or(now);
        record.unique = false;
        Action::Keep
    }

    fn counters(&self) -> Vec<FilterCounter> {
        let cut_off = self.parsers.iter().map(|parser| parser.cut_off()).sum();
        let counter = |name, help, value| FilterCounter { name, help, value };
        vec![
            counter(
                "parser_unmatched",
                "Records whose text no parser of a parser filter matched",
                self.unmatched.get(),
            ),
            counter("parser_cut_off", "Texts that a parser gave up because the search took too long", cut_off),
        ]
    }
}

#[cfg(test)]
mod tests {
    use bumpalo::Bump;

    use super::*;
    use crate::config::{Class, Environment, instance};
    use crate::filter::PLUGINS;
    use crate::record::{DocumentId, Member, Origin, Timestamp};

    /// Takes `time=<nanoseconds> rest`, or fails.
    struct Timed;

    impl TextParser for Timed {
        fn parse<'t>(
            &'t self,
            text: &'t [u8],
            _: &'t Bump,
            _: Timestamp,
            members: &mut Vec<Member<'t>>,
        ) -> Option<Option<Timestamp>> {
            let text = std::str::from_utf8(text).ok()?;
            let (nanoseconds, rest) = text.strip_prefix("time=")?.split_once(' ')?;
            members.push(Member::text(b"rest", rest.as_bytes(), Origin::Application));
            Some(nanoseconds.parse().ok().map(Timestamp))
        }

        fn cut_off(&self) -> u64 {
            0
        }
    }

    fn built(pairs: &[(&str, &str)]) -> (Option<Box<dyn Filter>>, Problems) {
        let (definition, mut problems) = instance(Class::Filter, &PLUGIN, pairs, &Environment::default());
        let parsers = |options: &Options<'_>, key: &str, _: &mut Problems| {
            options.all(key).iter().map(|_| Box::new(Timed) as Box<dyn TextParser>).collect()
        };
        let (_, build) = PLUGINS.iter().find(|(plugin, _)| plugin.name == "parser").unwrap();
        let filter = build(
            &definition.options(),
            &Surroundings { parsers: &parsers, every_parser: &Vec::new, pods: None },
            &mut problems,
        );
        (filter, problems)
    }

    /// Members and time of a record behind the filter, and how many the filter could not parse.
    fn filtered(pairs: &[(&str, &str)], log: Member<'_>) -> String {
        let key_name = if pairs.iter().any(|(key, _)| *key == "Key_Name") { vec![] } else { vec![("Key_Name", "log")] };
        let pairs = [&[("Parser", "p"), ("Match", "*")], key_name.as_slice(), pairs].concat();
        let (filter, problems) = built(&pairs);
        assert!(problems.is_empty(), "{problems}");
        let (filter, arena) = (filter.unwrap(), Bump::new());
        let source = Source {
            id: 1,
            input: 0,
            tag: "t".to_owned(),
            path: None,
            container: None,
            pod: None,
            log: None,
            began: None,
        };
        let turn = Turn { arena: &arena, source: &source, now: Timestamp(0) };
        let members = vec![Member::text(b"a", b"1", Origin::Runtime), log, Member::text(b"z", b"2", Origin::Runtime)];
        let id = DocumentId::random(Timestamp(0));
        let mut record = Record { time: Timestamp(7), members, id, truncated: false, unique: true };
        assert_eq!(filter.apply(&mut record, &turn), Action::Keep);
        let shown = |member: &Member<'_>| {
            let value = member.value.as_text(&arena).unwrap_or(b"{}");
            format!(" {}={}", String::from_utf8_lossy(member.key), String::from_utf8_lossy(value))
        };
        let unmatched = filter.counters()[0].value;
        format!("{}{} ({unmatched})", record.time.0, record.members.iter().map(shown).collect::<String>())
    }

    #[test]
    fn parsed_members_replace_the_record() {
        let log = Member::text(b"log", b"time=9 x", Origin::Runtime);
        for (pairs, expected) in [
            ([].as_slice(), "9 rest=x (0)"),
            (&[("Preserve_Key", "On")], "9 rest=x (0)"),
            (&[("Reserve_Data", "On")], "9 rest=x a=1 z=2 (0)"),
            (&[("Reserve_Data", "On"), ("Preserve_Key", "On")], "9 rest=x a=1 log=time=9 x z=2 (0)"),
            (&[("Reserve_Data", "On"), ("Key_Name", "$log")], "9 rest=x a=1 log=time=9 x z=2 (0)"),
        ] {
            assert_eq!(filtered(pairs, log), expected, "{pairs:?}");
        }
        let untimed = Member::json(b"log", br#""time=no x""#, Origin::Application);
        assert_eq!(filtered(&[], untimed), "7 rest=x (0)", "the record's own time stays");
    }

    #[test]
    fn what_no_parser_matches_stays_as_it_is() {
        assert_eq!(filtered(&[], Member::text(b"log", b"plain", Origin::Runtime)), "7 a=1 log=plain z=2 (1)");
        assert_eq!(filtered(&[], Member::json(b"log", b"{}", Origin::Runtime)), "7 a=1 log={} z=2 (0)", "no text");
        let nowhere = [("Key_Name", "message")];
        let log = Member::text(b"log", b"time=9 x", Origin::Runtime);
        assert_eq!(filtered(&nowhere, log), "7 a=1 log=time=9 x z=2 (0)");
    }

    #[test]
    fn a_text_may_stand_inside_of_an_object() {
        let log = Member::json(b"log", br#"{"a":{"b":"time=9 x"}}"#, Origin::Application);
        assert_eq!(filtered(&[("Key_Name", r#"$log['a']["b"]"#)], log), "9 rest=x (0)");
        assert_eq!(filtered(&[("Key_Name", "$log['a']['c']")], log), "7 a=1 log={} z=2 (0)");
        assert_eq!(filtered(&[("Key_Name", "$log['a']['b']['c']")], log), "7 a=1 log={} z=2 (0)");
    }

    #[test]
    fn what_is_missing_is_said() {
        let (filter, problems) = built(&[("Match", "*")]);
        let said = problems.to_string();
        assert!(filter.is_none() && said.contains("no Key_Name") && said.contains("no Parser"), "{said}");
        let (filter, problems) = built(&[("Match", "*"), ("Key_Name", "$log[a]"), ("Parser", "p")]);
        assert!(filter.is_none() && problems.to_string().contains("\"$log[a]\" is no member"), "{problems}");
    }
}
