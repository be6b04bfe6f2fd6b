//! Each parser of `parsers/` on its own golden lines, beside a plain pass of memchr over the same
//! bytes: how many times slower it is than only looking for the line ends.

use std::cell::Cell;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use bumpalo::Bump;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use flytail::config::Problems;
use flytail::parser::{Parser, Parsers, golden};
use flytail::record::Timestamp;
use memchr::memchr_iter;
use regex::bytes::Regex;

use crate::lines;
use crate::readers::report;

/// Bytes of lines that a parser gets in a round.
const ROUND: usize = 256 * 1024;

/// The pattern of the parser `nginx` as the regex crate spells it.
const NGINX: &str = concat!(
    r#"(?m-u)^([^ ]+) ([^ ]+) ([^ ]+) \[([^\]]+)\] "(?:([^ "]+)(?: +([^"]*?)(?: +HTTP/[0-9.]+)?)?)?" "#,
    r#"([^ ]+) ([^ ]+) "([^"]*)" "([^"]*)""#
);

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut problems = Problems::new();
    let parsers = Parsers::ours(&mut problems);
    report(&problems);
    let mut group = criterion.benchmark_group("parser");
    group.warm_up_time(Duration::from_millis(100)).measurement_time(Duration::from_millis(400)).sample_size(10);
    for parser in parsers.names().filter_map(|name| parsers.find(name)) {
        let texts = if parser.name() == "nginx" { lines::access() } else { golden_lines(parser.name()) };
        if !texts.is_empty() {
            measure(&mut group, parser, &texts);
        }
    }
}

fn measure(group: &mut BenchmarkGroup<'_, WallTime>, parser: &Parser, texts: &[Vec<u8>]) {
    let name = parser.name();
    let block = texts.join(&b'\n');
    let rounds = ROUND / block.len() + 1;
    let bytes = block.len() * rounds;
    group.throughput(Throughput::Bytes(bytes as u64));
    let memchr = fastest(group, BenchmarkId::new(name, "memchr"), || (0..rounds).map(|_| pass(&block)).sum());
    let mut arena = Bump::new();
    let round = || (0..rounds).map(|_| parse(parser, texts, &mut arena)).sum();
    let parse = fastest(group, BenchmarkId::new(name, "parse"), round);
    tell(&format!("parser/{name}"), bytes, parse, memchr);
    let Some(regex) = Regex::new(NGINX).ok().filter(|_| name == "nginx") else { return };
    let mut locations = regex.capture_locations();
    let mut round = || texts.iter().filter(|text| regex.captures_read(&mut locations, text).is_some()).count();
    let rounds = || (0..rounds).map(|_| round()).sum();
    let captures = fastest(group, BenchmarkId::new(name, "captures of the regex crate"), rounds);
    tell("the regex crate, captures only", bytes, captures, memchr);
}

/// Prints the speed, if both were measured.
fn tell(what: &str, bytes: usize, seconds: Option<f64>, memchr: Option<f64>) {
    if let (Some(seconds), Some(memchr)) = (seconds, memchr) {
        println!("{what}: {:.0} MB/s, {:.1} times a pass of memchr\n", bytes as f64 / seconds / 1e6, seconds / memchr);
    }
}

/// Measures a round; the seconds of the fastest, which other work on the machine disturbs least.
fn fastest(group: &mut BenchmarkGroup<'_, WallTime>, id: BenchmarkId, mut round: impl FnMut() -> usize) -> Option<f64> {
    let fastest = Cell::new(None);
    group.bench_function(id, |bencher| {
        bencher.iter_custom(|times| {
            let mut all = Duration::ZERO;
            for _ in 0..times {
                let start = Instant::now();
                black_box(round());
                let took = start.elapsed();
                fastest.set(Some(fastest.get().map_or(took, |least: Duration| least.min(took))));
                all += took;
            }
            all
        });
    });
    fastest.get().map(|least: Duration| least.as_secs_f64())
}

fn pass(block: &[u8]) -> usize {
    memchr_iter(b'\n', black_box(block)).fold(0, |sum, at| sum ^ at)
}

fn parse(parser: &Parser, texts: &[Vec<u8>], arena: &mut Bump) -> usize {
    arena.reset();
    let (mut members, mut count) = (Vec::with_capacity(32), 0);
    for text in texts {
        members.clear();
        black_box(parser.parse(black_box(text), arena, Timestamp(lines::NOW), &mut members));
        count += members.len();
    }
    count
}

/// The golden lines of a parser that match.
fn golden_lines(name: &str) -> Vec<Vec<u8>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("parsers/golden").join(format!("{name}.txt"));
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let cases = golden::read(&text, Timestamp(lines::NOW)).unwrap_or_default();
    cases.into_iter().filter(|case| case.expected.is_some()).map(|case| case.text.into_bytes()).collect()
}
