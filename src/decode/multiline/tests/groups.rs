//! What ends a group, in any language.

use std::sync::Arc;

use bumpalo::Bump;

use super::super::joiner::SLACK;
use super::super::{Definition, Ending, Matches, Rule, Rules};
use super::*;

const SECOND: i64 = 1_000_000_000;

/// A day begins a group, and what is indented goes on with it.
fn days() -> Chain {
    let rule = |from: &str, pattern: &str| {
        let line: Arc<dyn Matches> = Arc::new(regex::bytes::Regex::new(pattern).unwrap());
        Rule { from: vec![from.to_owned()], line, to: "cont".to_owned() }
    };
    let rules = Rules::new(&[rule("start_state", r"^\d{4}-"), rule("cont", r"^\s")]).unwrap();
    Chain::new([Definition::by_rules("days", 4 * SECOND, rules).into()])
}

fn ending(text: &str, is_whole: bool, negate: bool) -> Chain {
    let ending = Ending { text: text.as_bytes().to_vec(), is_whole, negate };
    Chain::new([Definition::by_ending("ending", SECOND, ending).into()])
}

#[test]
fn rules_join_until_a_line_is_of_none() {
    let input = [" alone", "2026-1 a", " b", "\tc", "2026-2 d", "e", " f"];
    assert_eq!(joined(&days(), &input), [" alone", "2026-1 a\n b\n\tc", "2026-2 d", "e", " f"]);
}

#[test]
fn the_first_that_claims_a_line_owns_it() {
    let chain = built_in("java").followed_by(&days());
    let input = ["2026-1 java.lang.Error: x", "\tat a.b(C.java:1)", " no frame", "2026-2 a", " no frame"];
    assert_eq!(
        joined(&chain, &input),
        ["2026-1 java.lang.Error: x\n\tat a.b(C.java:1)", " no frame", "2026-2 a\n no frame"]
    );
    assert_eq!(
        joined(&days().followed_by(&chain), &input)[0],
        "2026-1 java.lang.Error: x\n\tat a.b(C.java:1)\n no frame"
    );
}

#[test]
fn the_last_line_may_tell_the_group() {
    assert_eq!(joined(&ending(";", false, false), &["a", "b;", "c;", "d"]), ["a\nb;", "c;", "d"]);
    assert_eq!(joined(&ending(";", true, false), &["a", "b;", ";", "d"]), ["a\nb;\n;", "d"]);
    assert_eq!(joined(&ending("\\", false, true), &["a\\", "b\\", "c", "d"]), ["a\\\nb\\\nc", "d"]);
}

#[test]
fn a_gap_in_the_lines_own_times_ends_a_group() {
    assert_eq!(joined(&days(), &["2026-1", "@4000  a", "@8000  b"]), ["2026-1\n a\n b"]);
    assert_eq!(joined(&days(), &["2026-1", "@4001  a"]), ["2026-1", " a"]);
    assert_eq!(joined(&days(), &["@9000 2026-1", "@1000  a"]), ["2026-1", " a"], "a clock that was set back");
}

#[test]
fn limits_cut_a_group() {
    let limits = Limits { bytes: 100, lines: 3 };
    assert_eq!(
        joined_within(&days(), limits, &["2026-1", " a", " b", " c", "2026-2"]),
        ["2026-1\n a\n b", " c", "2026-2"]
    );
    let limits = Limits { bytes: 12, lines: 100 };
    assert_eq!(joined_within(&days(), limits, &["2026-1", " abc", " b"]), ["2026-1\n abc", " b"]);
    let complete = joined_within(&days(), limits, &["2026-1", "no part of it, and long"]);
    assert_eq!(complete, ["2026-1", "no part of it, and long"]);
}

/// A joiner with one open group, and what it gave so far.
fn open(stream: Option<Stream>) -> (Joiner, Chain) {
    let (mut joiner, chain) = (Joiner::default(), days());
    let position = Position { start: 0, end: 7 };
    let line = Line {
        time: Timestamp(0),
        stream,
        text: b"2026-1",
        position,
        truncated: false,
        carried: 0,
        ended: 0,
        first: None,
    };
    joiner.push(line, &chain, LIMITS, &Bump::new(), &mut |_| panic!("it is open"));
    (joiner, chain)
}

#[test]
fn only_what_a_limit_cut_is_marked() {
    let limits = Limits { bytes: 100, lines: 1 };
    for (text, truncated) in [(&b" a"[..], true), (b"a", false)] {
        let (mut joiner, chain) = open(Some(Stream::Stdout));
        let position = Position { start: 7, end: 10 };
        let stream = Some(Stream::Stdout);
        let line =
            Line { time: Timestamp(0), stream, text, position, truncated: false, carried: 0, ended: 0, first: None };
        let mut marks = Vec::new();
        joiner.push(line, &chain, limits, &Bump::new(), &mut |line| marks.push(line.truncated));
        assert_eq!(marks, [truncated, false]);
    }
}

#[test]
fn the_clock_lets_go_only_when_the_gap_is_certain() {
    for (stream, gap) in [(Some(Stream::Stdout), 4 * SECOND + SLACK), (None, 4 * SECOND)] {
        let (mut joiner, _) = open(stream);
        let mut count = 0;
        assert!(!joiner.is_due(Timestamp(gap)));
        joiner.expire(Timestamp(gap), &Bump::new(), &mut |_| count += 1);
        assert_eq!(count, 0);
        assert!(joiner.is_due(Timestamp(gap + 1)));
        joiner.expire(Timestamp(gap + 1), &Bump::new(), &mut |_| count += 1);
        assert_eq!((count, joiner.open_since()), (1, None));
    }
}

#[test]
fn when_lines_without_times_were_read_does_not_matter() {
    let (mut joiner, chain) = open(None);
    let position = Position { start: 7, end: 10 };
    let line = Line {
        time: Timestamp(3_600 * SECOND),
        stream: None,
        text: b" a",
        position,
        truncated: false,
        carried: 0,
        ended: 0,
        first: None,
    };
    joiner.push(line, &chain, LIMITS, &Bump::new(), &mut |_| panic!("it goes on"));
    let (arena, mut texts) = (Bump::new(), Vec::new());
    joiner.finish(&arena, &mut |line| texts.push(line.text));
    assert_eq!(texts, [&b"2026-1\n a"[..]]);
}

#[test]
fn a_group_goes_on_to_the_next_first_line() {
    let first = Arc::new(regex::bytes::Regex::new(r"^\d").unwrap());
    let chain = Chain::new([Definition::by_first_line("first", 1_000_000_000, first).into()]);
    let input = ["before", "1 a", "  b", "", "2 c", "@500   d", "@1501 too late", "@1502 3 e", "@1503 f"];
    assert_eq!(joined(&chain, &input), ["before", "1 a\n  b\n", "2 c\n  d", "too late", "3 e\nf"]);
    let limits = Limits { bytes: 100, lines: 2 };
    assert_eq!(joined_within(&chain, limits, &["1", "2", "a", "b", "c"]), ["1", "2\na", "b", "c"]);
}
