//! The open groups of one stream: one, or one for each key where lines have keys (`Key_Group`).

use bumpalo::Bump;

use super::{Chain, Joiner, Limits};
use crate::decode::Line;
use crate::record::Timestamp;

/// Groups of different keys that may be open at once; as in Fluent Bit. The one that began first is
/// complete when one more begins.
const MOST_KEYS: usize = 6;

/// Bytes of a file after which no group is carried from the one before any more: with keys whose groups
/// always overlap, that one would be needed for ever.
const LONGEST_CARRY: u64 = 1024 * 1024;

/// See the module.
#[derive(Debug, Default)]
pub struct Groups {
    /// The group of lines that have no key.
    plain: Joiner,
    /// Those of lines that have one, in the order in which they began.
    keyed: Vec<Keyed>,
}

#[derive(Debug)]
struct Keyed {
    key: u64,
    joiner: Joiner,
    /// Where no group was open that was open when this one began, and the time there: read again
    /// from there, the same groups come again.
    since: (u64, Timestamp),
    /// That place is in the file before.
    reaches_back: bool,
}

impl Groups {
    /// From where the open groups can be read again, and the time there.
    #[must_use]
    pub fn open_since(&self) -> Option<(u64, Timestamp)> {
        let keyed = self.keyed.iter().map(|open| open.since);
        keyed.chain(self.plain.open_since()).min_by_key(|(start, _)| *start)
    }

    /// What is open goes on in the next file.
    pub fn carry(&mut self) {
        self.plain.carry();
        for open in &mut self.keyed {
            open.joiner.carry();
            open.since.0 = 0;
            open.reaches_back = true;
        }
    }

    /// What is open can only be read again together with the file before: something of it began there, or was
    /// open together with what did.
    #[must_use]
    pub fn is_carried(&self) -> bool {
        self.plain.is_carried() || self.keyed.iter().any(|open| open.reaches_back)
    }

    /// Takes the stream's next line and gives what is complete to `complete`.
    #[inline]
    pub fn push<'t>(
        &mut self,
        line: Line<'t>,
        chain: &Chain,
        limits: Limits,
        arena: &'t Bump,
        complete: &mut impl FnMut(Line<'t>),
    ) {
        if chain.has_keys() {
            self.push_keyed(line, chain, limits, arena, complete);
        } else {
            self.plain.push(line, chain, limits, arena, complete);
        }
    }

    #[inline(never)]
    fn push_keyed<'t>(
        &mut self,
        line: Line<'t>,
        chain: &Chain,
        limits: Limits,
        arena: &'t Bump,
        complete: &mut impl FnMut(Line<'t>),
    ) {
        let Some(key) = chain.key_of(line.text, arena).filter(|_| !line.truncated) else {
            // As in Fluent Bit, a line that has no key ends what is open.
            self.finish_keyed(arena, complete);
            return self.plain.push(line, chain, limits, arena, complete);
        };
        self.plain.finish(arena, complete);
        self.finish_before(&line, arena, complete);
        let at = self.keyed.iter().position(|open| open.key == key);
        let since = (line.position.start, line.time);
        let new = || Keyed { key, joiner: Joiner::default(), since, reaches_back: false };
        let mut own = at.map_or_else(new, |at| self.keyed.remove(at));
        let before = own.joiner.open_since();
        own.joiner.push(line, chain, limits, arena, complete);
        match (own.joiner.open_since(), at) {
            (None, _) => {}
            (now, Some(at)) if now == before => self.keyed.insert(at, own),
            (Some(began), _) => {
                if self.keyed.len() >= MOST_KEYS {
                    self.keyed.remove(0).joiner.finish(arena, complete);
                }
                own.since = self.open_since().unwrap_or(began);
                own.reaches_back = self.is_carried() || own.joiner.is_carried();
                self.keyed.push(own);
            }
        }
    }

    /// Lets go, before a line, of groups to which it shows that none can come any more, and of all where the
    /// file before has been needed for long enough. Decided by what stands in the file alone: read again,
    /// the same groups come again.
    fn finish_before<'t>(&mut self, line: &Line<'t>, arena: &'t Bump, complete: &mut impl FnMut(Line<'t>)) {
        // Where a line began in the file before, its place is one of that file.
        if line.carried == 0 && line.position.start >= LONGEST_CARRY && self.is_carried() {
            return self.finish_keyed(arena, complete);
        }
        // A line of no container has the time at which it was read.
        if line.stream.is_some() {
            for open in &mut self.keyed {
                open.joiner.expire(line.time, arena, complete);
            }
            self.keyed.retain(|open| open.joiner.open_since().is_some());
        }
    }

    /// [`Groups::expire`] would let something go.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.plain.is_due(now) || self.keyed.iter().any(|open| open.joiner.is_due(now))
    }

    /// Lets go of groups to which no line can come any more.
    pub fn expire<'t>(&mut self, now: Timestamp, arena: &'t Bump, complete: &mut impl FnMut(Line<'t>)) {
        self.plain.expire(now, arena, complete);
        for open in &mut self.keyed {
            open.joiner.expire(now, arena, complete);
        }
        self.keyed.retain(|open| open.joiner.open_since().is_some());
    }

    /// Ends what is open.
    pub fn finish<'t>(&mut self, arena: &'t Bump, complete: &mut impl FnMut(Line<'t>)) {
        self.finish_keyed(arena, complete);
        self.plain.finish(arena, complete);
    }

    fn finish_keyed<'t>(&mut self, arena: &'t Bump, complete: &mut impl FnMut(Line<'t>)) {
        for mut open in self.keyed.drain(..) {
            open.joiner.finish(arena, complete);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use regex::bytes::Regex;

    use super::super::{Cut, Cutting, Definition, Parts, Rule, Rules, START_STATE};
    use super::*;
    use crate::decode::Stream;
    use crate::record::Position;

    const LIMITS: Limits = Limits { bytes: 100, lines: 5 };

    /// Cuts `key|content`.
    #[derive(Debug)]
    struct Bar;

    impl Cut for Bar {
        fn cut<'t>(&self, line: &'t [u8], _: &'t Bump) -> Option<Parts<'t>> {
            let (key, content) = (line.first().copied()?, line.get(1..)?.strip_prefix(b"|")?);
            Some(Parts { content, pattern: content, key: u64::from(key) })
        }
    }

    /// What begins with a digit begins a group, and what begins with a blank goes on with it.
    fn chain() -> Chain {
        let rule = |from: &str, pattern: &str| Rule {
            from: vec![from.to_owned()],
            line: Arc::new(Regex::new(pattern).unwrap()),
            to: "more".to_owned(),
        };
        let rules = Rules::new(&[rule(START_STATE, r"^\d"), rule("more", "^ ")]).unwrap();
        let cutting = Cutting { number: 3, cut: Arc::new(Bar), has_keys: true };
        Chain::new([Definition::by_rules("bar", 1_000, rules).cut_by(Some(cutting)).into()])
    }

    /// What the groups give for lines, each with the number of its first and last line. A step is
    /// the number of a line, or the end.
    struct Run<'c> {
        groups: Groups,
        stream: Option<Stream>,
        carried: usize,
        chain: &'c Chain,
        given: Vec<(u64, u64, String)>,
    }

    impl<'c> Run<'c> {
        fn new(chain: &'c Chain) -> Self {
            Self { groups: Groups::default(), stream: None, carried: 0, chain, given: Vec::new() }
        }

        fn push(&mut self, number: u64, text: &str) {
            self.push_at(number, 0, text);
        }

        fn push_at(&mut self, number: u64, second: i64, text: &str) {
            let arena = Bump::new();
            let position = Position { start: number, end: number + 1 };
            let (time, text) = (Timestamp(second * 1_000_000_000), text.as_bytes());
            let (stream, carried) = (self.stream, self.carried);
            let line = Line { time, stream, text, position, truncated: false, carried, ended: 0, first: None };
            let given = &mut self.given;
            self.groups.push(line, self.chain, LIMITS, &arena, &mut |line| given.push(shown(&line)));
        }

        fn expire(&mut self, second: i64) {
            let given = &mut self.given;
            let now = Timestamp(second * 1_000_000_000);
            self.groups.expire(now, &Bump::new(), &mut |line| given.push(shown(&line)));
        }

        fn finish(mut self) -> Vec<(u64, u64, String)> {
            let given = &mut self.given;
            self.groups.finish(&Bump::new(), &mut |line| given.push(shown(&line)));
            self.given
        }
    }

    fn shown(line: &Line<'_>) -> (u64, u64, String) {
        assert_eq!(line.first.map_or(3, |first| first.cutting), 3);
        let first = line.first.map(|first| String::from_utf8_lossy(first.line).into_owned() + " => ");
        let text = first.unwrap_or_default() + &String::from_utf8_lossy(line.text);
        (line.position.start, line.position.end - 1, text)
    }

    fn given(lines: &[&str]) -> Vec<String> {
        let chain = chain();
        let mut run = Run::new(&chain);
        lines.iter().zip(0..).for_each(|(line, number)| run.push(number, line));
        run.finish().into_iter().map(|(_, _, text)| text).collect()
    }

    #[test]
    fn what_was_open_together_with_what_began_in_the_file_before_is_read_again_with_it() {
        let chain = chain();
        let mut run = Run::new(&chain);
        run.push(7, "a|1");
        run.groups.carry();
        for (number, line, is_carried) in
            [(0, "b|2", true), (1, "a|no", true), (2, "c|3", true), (3, "b|no", true), (4, "c|no", false)]
        {
            run.push(number, line);
            assert_eq!(run.groups.is_carried(), is_carried, "{line}");
            assert_eq!(run.groups.open_since().map(|(start, _)| start), is_carried.then_some(0), "{line}");
        }
    }

    #[test]
    fn the_file_before_is_left_though_groups_of_keys_always_overlap() {
        let chain = chain();
        let mut run = Run::new(&chain);
        run.push(7, "a|1");
        run.groups.carry();
        let last = LONGEST_CARRY - 1;
        for (number, line, since) in [
            (0, "b|1", 0),
            (1, "a|2", 0),
            (last, "b|2", 0),
            (last + 1, "a| x", u64::MAX),
            (last + 2, "a|3", last + 2),
            (last + 3, "b|3", last + 2),
        ] {
            run.push(number, line);
            assert_eq!(run.groups.is_carried(), since == 0, "{line}");
            assert_eq!(run.groups.open_since().map_or(u64::MAX, |(start, _)| start), since, "{line}");
        }
        let given: Vec<_> = run.finish().into_iter().map(|(.., text)| text).collect();
        assert_eq!(given, ["a|1 => 1", "b|1 => 1", "a|2 => 2", "b|2 => 2", "a| x", "a|3 => 3", "b|3 => 3"]);
    }

    #[test]
    fn a_group_ends_where_a_line_of_another_key_shows_that_its_time_is_over() {
        let chain = chain();
        for (stream, clock, expected) in [
            (Some(Stream::Stdout), None, ["a|1 => 1", "a| late", "b|2 => 2"]),
            (Some(Stream::Stdout), Some(40), ["a|1 => 1", "a| late", "b|2 => 2"]),
            (None, None, ["a|1 => 1\n late", "b|2 => 2", ""]),
        ] {
            let mut run = Run::new(&chain);
            run.stream = stream;
            run.push(0, "a|1");
            if let Some(seconds) = clock {
                run.expire(seconds);
            }
            run.push_at(1, 50, "b|2");
            run.push_at(2, 50, "a| late");
            let mut given: Vec<_> = run.finish().into_iter().map(|(.., text)| text).collect();
            given.resize(3, String::new());
            assert_eq!(given, expected, "{stream:?} {clock:?}");
        }
    }

    #[test]
    fn a_line_that_began_in_the_file_before_holds_it_and_cuts_nothing() {
        let chain = chain();
        let mut run = Run::new(&chain);
        run.push(LONGEST_CARRY * 2, "a|1");
        run.groups.carry();
        run.carried = 1;
        run.push(LONGEST_CARRY * 3, "b|2");
        run.carried = 0;
        run.push(5, "a| x");
        run.push(6, "a|no");
        assert!(run.groups.is_carried(), "by what began before");
        let given: Vec<_> = run.finish().into_iter().map(|(.., text)| text).collect();
        assert_eq!(given, ["a|1 => 1\n x", "a|no", "b|2 => 2"]);
    }

    #[test]
    fn lines_of_different_keys_are_joined_each_for_itself() {
        let lines = ["a|1", "b|2", "a| x", "b| y", "a|3", "a|no", "plain", "b| late"];
        assert_eq!(
            given(&lines),
            ["a|1 => 1\n x", "a|3 => 3", "a|no", "b|2 => 2\n y", "plain", "b| late"],
            "a line without a key ends what is open"
        );
    }

    #[test]
    fn the_group_that_began_first_ends_where_there_are_too_many() {
        let lines = ["a|1", "b|1", "c|1", "d|1", "e|1", "f|1", "a|2", "g|1", "b| x"];
        let expected = ["a|1 => 1", "b|1 => 1", "b| x", "c|1 => 1"];
        assert_eq!(given(&lines)[..4], expected.map(str::to_owned));
    }

    #[test]
    fn read_again_from_where_they_began_the_same_groups_come_again() {
        let chain = chain();
        let keys = ["a|", "b|", "c|", "d|", "e|", "f|", "g|"];
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..300 {
            let lines: Vec<String> = (0..40)
                .map(|_| match random.u8(..20) {
                    0 => "plain".to_owned(),
                    1..=4 => format!("{}{}", random.choice(keys).unwrap(), random.u8(..10)),
                    _ => format!("{} x", random.choice(keys).unwrap()),
                })
                .collect();
            let mut whole = Run::new(&chain);
            let mut starts = Vec::new();
            for (line, number) in lines.iter().zip(0..) {
                whole.push(number, line);
                starts.push(whole.groups.open_since().map_or(number + 1, |(start, _)| start));
            }
            let mut whole = whole.finish();
            whole.sort();
            for start in starts {
                let mut again = Run::new(&chain);
                (start..40).for_each(|number| again.push(number, &lines[number as usize]));
                let mut again = again.finish();
                again.sort();
                let expected: Vec<_> = whole.iter().filter(|(first, ..)| *first >= start).cloned().collect();
                assert_eq!(again, expected, "from {start} of {lines:?}");
            }
        }
    }
}
