//! Joining a Python traceback that was printed line by line into one log line.
//!
//! Where a traceback ends depends on its lines and on the times that the runtime gave them, never
//! on when they were read, so that a replay cuts the same records again. The wall clock only
//! decides when a traceback that must be complete by then is let go.

use bumpalo::Bump;

use super::{Line, Stream};
use crate::record::{Position, Timestamp};

/// Lines further apart than this are never one traceback, in nanoseconds.
const GAP: i64 = 2_000_000_000;
/// How much later than [`GAP`] a line may reach us and still have been written in time.
const SLACK: i64 = 3_000_000_000;
/// A traceback of more lines than this is cut; recursion errors print up to about 2,000.
const MAX_LINES: usize = 4_000;

const HEADER: &[u8] = b"Traceback (most recent call last):";
const GROUP_HEADER: &[u8] = b"  + Exception Group Traceback (most recent call last):";
/// How Python ends a group that is not itself in a group.
const GROUP_END: &[u8] = b"    +------------------------------------";
const CHAINS: [&[u8]; 2] = [
    b"During handling of the above exception, another exception occurred:",
    b"The above exception was the direct cause of the following exception:",
];

/// What the next line may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    /// Frames, or the line of the exception, which is not indented.
    Frames,
    /// Lines of an exception group, all of them indented.
    Group,
    /// The traceback is complete, unless a chained one follows.
    Chain,
}

/// A line behind a complete traceback that belongs to it only if a chained one follows.
#[derive(Debug)]
struct Held {
    line_start: usize,
    position: Position,
    time: Timestamp,
    carried: usize,
}

#[derive(Debug)]
struct Open {
    expect: Expect,
    lines: usize,
    position: Position,
    time: Timestamp,
    last_time: Timestamp,
    /// How much of the text certainly belongs to the traceback.
    certain: usize,
    carried: usize,
}

/// The open traceback of one stream.
#[derive(Debug, Default)]
pub struct Joiner {
    open: Option<Open>,
    text: Vec<u8>,
    held: Vec<Held>,
}

impl Joiner {
    /// Offset of the open traceback's first byte in this file and its time.
    #[must_use]
    pub fn open_since(&self) -> Option<(u64, Timestamp)> {
        self.open.as_ref().map(|open| (if open.carried > 0 { 0 } else { open.position.start }, open.time))
    }

    /// What is open goes on in the next file.
    pub fn carry(&mut self) {
        if let Some(open) = &mut self.open {
            open.carried += 1;
        }
        for held in &mut self.held {
            held.carried += 1;
        }
    }

    /// What is open began in the file before.
    #[must_use]
    pub fn is_carried(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.carried > 0)
    }

    /// Takes the stream's next line and gives what is complete to `complete`, in order.
    pub fn push<'t>(&mut self, line: Line<'t>, limit: usize, arena: &'t Bump, complete: &mut impl FnMut(Line<'t>)) {
        if self.open.is_some() {
            if self.takes(&line, limit) {
                return;
            }
            self.finish(line.stream, arena, complete);
        }
        match header_of(line.text) {
            Some(expect) if !line.truncated => self.begin(&line, expect),
            _ => complete(line),
        }
    }

    /// Lets go of a traceback to which no line can come any more: `now` is so late that the gap
    /// to its last line is certain.
    pub fn expire<'t>(
        &mut self,
        now: Timestamp,
        stream: Option<Stream>,
        arena: &'t Bump,
        complete: &mut impl FnMut(Line<'t>),
    ) {
        if self.is_due(now) {
            self.finish(stream, arena, complete);
        }
    }

    /// [`Joiner::expire`] would let something go. A clock that was set back makes a gap, too.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.open.as_ref().is_some_and(|open| now.0.saturating_sub(open.last_time.0).saturating_abs() > GAP + SLACK)
    }

    /// Ends the open traceback; the lines held behind it follow one by one.
    pub fn finish<'t>(&mut self, stream: Option<Stream>, arena: &'t Bump, complete: &mut impl FnMut(Line<'t>)) {
        let Some(open) = self.open.take() else { return };
        let text = &*arena.alloc_slice_copy(&self.text);
        let Open { time, position, certain, carried, .. } = open;
        complete(Line { time, stream, text: &text[..certain], position, truncated: false, carried });
        let ends = self.held.iter().skip(1).map(|next| next.line_start - 1).chain([text.len()]);
        for (held, end) in self.held.iter().zip(ends) {
            let text = &text[held.line_start..end];
            let Held { position, time, carried, .. } = *held;
            complete(Line { time, stream, text, position, truncated: false, carried });
        }
        self.text.clear();
        self.text.shrink_to(64 * 1024);
        self.held.clear();
    }

    fn begin(&mut self, line: &Line<'_>, expect: Expect) {
        self.text.extend_from_slice(line.text);
        let certain = self.text.len();
        let Line { position, time, carried, .. } = *line;
        self.open = Some(Open { expect, lines: 1, position, time, last_time: time, certain, carried });
    }

    /// Appends the line if it belongs to the open traceback, or may.
    fn takes(&mut self, line: &Line<'_>, limit: usize) -> bool {
        let Some(open) = &mut self.open else { return false };
        let apart = line.time.0.saturating_sub(open.last_time.0).abs() > GAP;
        if apart || line.truncated || open.lines >= MAX_LINES || self.text.len() + 1 + line.text.len() > limit {
            return false;
        }
        let indented = matches!(line.text.first(), Some(b' ' | b'\t'));
        let header = header_of(line.text);
        let (next, certain) = match open.expect {
            Expect::Frames | Expect::Group if header.is_some() => return false,
            Expect::Frames if indented => (Expect::Frames, true),
            Expect::Frames if line.text.is_empty() => return false,
            Expect::Frames => (Expect::Chain, true),
            Expect::Group if line.text == GROUP_END => (Expect::Chain, true),
            Expect::Group if indented => (Expect::Group, true),
            Expect::Group => return false,
            Expect::Chain => match (self.held.len(), header) {
                (0 | 2, None) if line.text.is_empty() => (Expect::Chain, false),
                (1, None) if CHAINS.contains(&line.text) => (Expect::Chain, false),
                (3, Some(expect)) => (expect, true),
                _ => return false,
            },
        };
        self.text.push(b'\n');
        if certain {
            self.held.clear();
            open.position.end = line.position.end;
            open.certain = self.text.len() + line.text.len();
        } else {
            let Line { position, time, carried, .. } = *line;
            self.held.push(Held { line_start: self.text.len(), position, time, carried });
        }
        self.text.extend_from_slice(line.text);
        open.expect = next;
        open.lines += 1;
        open.last_time = line.time;
        true
    }
}

fn header_of(text: &[u8]) -> Option<Expect> {
    match text {
        HEADER => Some(Expect::Frames),
        GROUP_HEADER => Some(Expect::Group),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds lines one second apart unless a line says `@N` (seconds) in front.
    fn joined(input: &[&str]) -> Vec<String> {
        let arena = Bump::new();
        let mut joiner = Joiner::default();
        let mut lines = Vec::new();
        let mut offset = 0;
        for text in input {
            let (seconds, text) = match text.strip_prefix('@').and_then(|rest| rest.split_once(' ')) {
                Some((seconds, text)) => (seconds.parse::<i64>().unwrap(), text),
                None => (0, *text),
            };
            let position = Position { start: offset, end: offset + text.len() as u64 + 1 };
            offset = position.end;
            let time = Timestamp(seconds * 1_000_000_000);
            let line = Line {
                time,
                stream: Some(Stream::Stderr),
                text: text.as_bytes(),
                position,
                truncated: false,
                carried: 0,
            };
            joiner.push(line, 100_000, &arena, &mut |line| lines.push(line));
        }
        joiner.finish(Some(Stream::Stderr), &arena, &mut |line| lines.push(line));
        let covered: u64 = lines.iter().map(|line| line.position.end - line.position.start).sum();
        assert_eq!(covered, offset, "every byte belongs to exactly one line");
        lines.iter().map(|line| String::from_utf8(line.text.to_vec()).unwrap()).collect()
    }

    const SIMPLE: [&str; 4] = [
        "Traceback (most recent call last):",
        "  File \"a.py\", line 1, in <module>",
        "    1/0",
        "ZeroDivisionError: division by zero",
    ];

    #[test]
    fn joins_a_traceback_and_nothing_around_it() {
        let mut input = vec!["before"];
        input.extend(SIMPLE);
        input.push("after");
        assert_eq!(joined(&input), ["before", &SIMPLE.join("\n"), "after"]);
    }

    #[test]
    fn joins_caret_lines_and_chained_tracebacks() {
        let mut input = SIMPLE.to_vec();
        input.insert(3, "    ~^~");
        input.extend(["", CHAIN, ""]);
        input.extend(SIMPLE);
        assert_eq!(joined(&input), [input.join("\n")]);
    }

    const CHAIN: &str = "During handling of the above exception, another exception occurred:";

    #[test]
    fn gives_back_lines_that_only_looked_like_a_chain() {
        let mut input = SIMPLE.to_vec();
        input.extend(["", CHAIN, "", "no traceback"]);
        assert_eq!(joined(&input), [&SIMPLE.join("\n"), "", CHAIN, "", "no traceback"]);
    }

    #[test]
    fn joins_an_exception_group() {
        let group = [
            "  + Exception Group Traceback (most recent call last):",
            "  |   File \"a.py\", line 1, in <module>",
            "  | ExceptionGroup: two (2 sub-exceptions)",
            "  +-+---------------- 1 ----------------",
            "    | ValueError: 1",
            "    +------------------------------------",
        ];
        let mut input = group.to_vec();
        input.extend(group);
        input.push("after");
        assert_eq!(joined(&input), [&group.join("\n"), &group.join("\n"), "after"]);
    }

    #[test]
    fn begins_anew_at_a_header() {
        let mut input = SIMPLE[..3].to_vec();
        input.extend(SIMPLE);
        assert_eq!(joined(&input), [SIMPLE[..3].join("\n"), SIMPLE.join("\n")]);
    }

    #[test]
    fn ends_at_a_gap_in_the_lines_own_times() {
        let first = SIMPLE[..3].join("\n");
        assert_eq!(joined(&[SIMPLE[0], SIMPLE[1], SIMPLE[2], "@9 ValueError: x"]), [first.as_str(), "ValueError: x"]);
    }

    #[test]
    fn is_let_go_only_when_the_gap_is_certain() {
        let arena = Bump::new();
        let mut joiner = Joiner::default();
        let position = Position { start: 0, end: 10 };
        let line = Line { time: Timestamp(0), stream: None, text: HEADER, position, truncated: false, carried: 0 };
        let mut lines = Vec::new();
        joiner.push(line, 1000, &arena, &mut |line| lines.push(line));
        joiner.expire(Timestamp(GAP + SLACK), None, &arena, &mut |line| lines.push(line));
        assert!(lines.is_empty());
        joiner.expire(Timestamp(GAP + SLACK + 1), None, &arena, &mut |line| lines.push(line));
        assert_eq!(lines.len(), 1);
        assert_eq!(joiner.open_since(), None);
    }
}
