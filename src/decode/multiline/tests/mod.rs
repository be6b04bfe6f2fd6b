//! Real stack traces of each language, and how a group ends.

mod go;
mod groups;
mod java;
mod python;
mod ruby;

use bumpalo::Bump;

use super::{Chain, Joiner, Limits, built_in};
use crate::decode::{Line, Stream};
use crate::record::{Position, Timestamp};

const LIMITS: Limits = Limits { bytes: 100_000, lines: 4_000 };

/// The built-in definition of a name.
fn built_in(name: &str) -> Chain {
    let definition = built_in::all().into_iter().find(|definition| definition.name() == name).unwrap();
    Chain::new([definition.into()])
}

/// Joins lines of the same time, unless a line says `@N ` (milliseconds) in front.
fn joined_within(chain: &Chain, limits: Limits, input: &[&str]) -> Vec<String> {
    let arena = Bump::new();
    let mut joiner = Joiner::default();
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut offset = 0;
    for text in input {
        let (milliseconds, text) = match text.strip_prefix('@').and_then(|rest| rest.split_once(' ')) {
            Some((milliseconds, text)) => (milliseconds.parse::<i64>().unwrap(), text),
            None => (0, *text),
        };
        let position = Position { start: offset, end: offset + text.len() as u64 + 1 };
        offset = position.end;
        let (time, stream) = (Timestamp(milliseconds * 1_000_000), Some(Stream::Stderr));
        let line =
            Line { time, stream, text: text.as_bytes(), position, truncated: false, carried: 0, ended: 0, first: None };
        joiner.push(line, chain, limits, &arena, &mut |line| lines.push(line));
    }
    joiner.finish(&arena, &mut |line| lines.push(line));
    let covered: u64 = lines.iter().map(|line| line.position.end - line.position.start).sum();
    assert_eq!(covered, offset, "every byte belongs to exactly one line");
    lines.iter().map(|line| String::from_utf8(line.text.to_vec()).unwrap()).collect()
}

fn joined(chain: &Chain, input: &[&str]) -> Vec<String> {
    joined_within(chain, LIMITS, input)
}

/// Each trace has to become one record, with lines around it that stay alone.
fn assert_whole(name: &str, traces: &[&str]) {
    let chain = built_in(name);
    let mut input = vec!["INFO before"];
    let mut expected = vec!["INFO before"];
    for trace in traces {
        input.extend(trace.split('\n'));
        input.push("INFO between");
        expected.extend([*trace, "INFO between"]);
    }
    assert_eq!(joined(&chain, &input), expected);
}
