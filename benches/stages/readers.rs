//! From bytes to lines and members: splitting, decoding, JSON.

use std::hint::black_box;

use bumpalo::Bump;
use criterion::{BenchmarkId, Criterion, Throughput};
use flytail::config::Problems;
use flytail::decode::multiline::{Chain, Limits, MOST_LINES};
use flytail::decode::{Decoder, Settings, cri, docker};
use flytail::parser::Parsers;
use flytail::pipeline::multiline;
use flytail::record::{Checkpoint, Member, Origin, Position, Timestamp, json};
use memchr::memchr_iter;

use crate::lines;

const LENGTHS: [usize; 3] = [100, 300, 2000];

pub(crate) fn bench(criterion: &mut Criterion) {
    split(criterion);
    decode_cri(criterion);
    decode_docker(criterion);
    split_json(criterion);
}

fn lines_of(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    block.split_inclusive(|byte| *byte == b'\n').map(|line| &line[..line.len() - 1])
}

fn split(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lines: split");
    for length in LENGTHS {
        let block = lines::cri(&lines::plain(length));
        group.throughput(Throughput::Bytes(block.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(length), |bencher| {
            bencher.iter(|| memchr_iter(b'\n', black_box(&block)).fold(0, |sum, at| sum ^ at));
        });
    }
}

fn decode_cri(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode: CRI");
    for length in LENGTHS {
        let block = lines::cri(&lines::plain(length));
        let physical: Vec<_> = lines_of(&block).collect();
        group.throughput(Throughput::Bytes(block.len() as u64));
        group.bench_function(BenchmarkId::new("parse", length), |bencher| {
            bencher.iter(|| physical.iter().filter_map(|line| cri::parse(black_box(line))).count());
        });
        for (name, multiline) in chains() {
            group.bench_function(BenchmarkId::new(format!("with partial lines and {name}"), length), |bencher| {
                bencher.iter(|| decode(&physical, &multiline));
            });
        }
    }
}

/// What joins lines: nothing of it begins in the lines that are decoded.
fn chains() -> Vec<(&'static str, Chain)> {
    let (definitions, _) = multiline::definitions(&[], &Parsers::default(), &mut Problems::new());
    let chain = |names: &[&str]| {
        let chains = names.iter().filter_map(|name| definitions.find(name)).map(|chosen| &chosen.chain);
        chains.fold(Chain::default(), |all, chain| all.followed_by(chain))
    };
    vec![
        ("tracebacks", chain(&["python"])),
        ("stack traces of all languages", chain(&["python", "java", "go", "ruby"])),
    ]
}

fn decode(physical: &[&[u8]], multiline: &Chain) -> usize {
    let limits = Limits { bytes: 1 << 20, lines: MOST_LINES };
    let settings = Settings { container: true, multiline: multiline.clone(), limits };
    let arena = Bump::new();
    let mut decoder = Decoder::new(settings, Checkpoint::at(0, Timestamp(0)));
    let (mut count, mut start) = (0, 0);
    for line in physical {
        let position = Position { start, end: start + line.len() as u64 + 1 };
        start = position.end;
        let complete = &mut |line| count += usize::from(black_box(Some(line)).is_some());
        decoder.push(black_box(line), position, false, Timestamp(0), &arena, complete);
    }
    count
}

fn decode_docker(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode: docker");
    for (name, texts) in [("text of 300", lines::plain(300)), ("JSON of 300, escaped", lines::json(300))] {
        let block = lines::docker(&texts);
        let physical: Vec<_> = lines_of(&block).collect();
        group.throughput(Throughput::Bytes(block.len() as u64));
        group.bench_function(name, |bencher| {
            let mut arena = Bump::new();
            bencher.iter(|| {
                arena.reset();
                let mut members = Vec::with_capacity(8);
                for line in &physical {
                    black_box(docker::parse(black_box(line), &arena, &mut members));
                }
                members.len()
            });
        });
    }
}

fn split_json(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("JSON: split");
    for length in [300, 2000] {
        let texts = lines::json(length);
        group.throughput(Throughput::Bytes(lines::bytes(&texts)));
        group.bench_function(BenchmarkId::from_parameter(length), |bencher| {
            let mut arena = Bump::new();
            bencher.iter(|| {
                arena.reset();
                let mut members: Vec<Member<'_>> = Vec::with_capacity(16);
                for text in &texts {
                    members.clear();
                    let _ = black_box(json::split(black_box(text), &arena, &mut members, Origin::Application));
                }
                members.len()
            });
        });
    }
}

/// Says what was wrong with a setting of a bench.
pub(crate) fn report(problems: &Problems) {
    if !problems.is_empty() {
        eprintln!("{problems}");
    }
}
