//! From lines to documents: escaping, filters.

use std::hint::black_box;

use bumpalo::Bump;
use criterion::{BenchmarkId, Criterion, Throughput};
use flytail::cli::demo::generator::{Format, Role};
use flytail::filter::Filter;
use flytail::record::escape::write_string;
use flytail::record::{Member, Turn};

use crate::chain::{Chain, record, with_members};
use crate::lines;

pub(crate) fn bench(criterion: &mut Criterion) {
    escape(criterion);
    filters(criterion);
}

fn escape(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("text: escape");
    let kinds = [
        ("plain, 20", lines::plain(20)),
        ("plain, 100", lines::plain(100)),
        ("plain, 300", lines::plain(300)),
        ("plain, 2000", lines::plain(2000)),
        ("JSON, 300", lines::json(300)),
    ];
    for (name, texts) in kinds {
        let mut out = Vec::new();
        group.throughput(Throughput::Bytes(lines::bytes(&texts)));
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| {
                out.clear();
                texts.iter().for_each(|text| write_string(&mut out, black_box(text)));
                out.len()
            });
        });
    }
}

/// What containers print, and who prints it.
const KINDS: [(&str, Role, Format); 4] = [
    ("flytestdlib JSON", Role::Propeller, Format::FlytestdlibJson),
    ("flytekit JSON", Role::FlytekitTask, Format::FlytekitJson),
    ("klog", Role::Webhook, Format::Klog),
    ("prints", Role::PlainTask, Format::Print),
];

fn filters(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("filter");
    for (name, role, format) in KINDS {
        let chain = match Chain::new(role) {
            Ok(chain) => chain,
            Err(error) => return eprintln!("no filters: {error}"),
        };
        let texts = lines::of_format(format);
        group.throughput(Throughput::Bytes(lines::bytes(&texts)));
        let raw: Vec<_> = texts.iter().map(|text| record(text).members).collect();
        group.bench_function(BenchmarkId::new("kubernetes", name), |bencher| {
            let mut arena = Bump::new();
            bencher.iter(|| {
                arena.reset();
                apply(&*chain.kubernetes, &raw, &chain.turn(&arena))
            });
        });
        let prepared_in = Bump::new();
        let turn = chain.turn(&prepared_in);
        let prepare = |text| {
            let mut record = record(text);
            chain.kubernetes.apply(&mut record, &turn);
            record.members
        };
        let prepared: Vec<_> = texts.iter().map(|text| prepare(text)).collect();
        group.bench_function(BenchmarkId::new("flyte", name), |bencher| {
            let mut arena = Bump::new();
            bencher.iter(|| {
                arena.reset();
                apply(&*chain.flyte, &prepared, &chain.turn(&arena))
            });
        });
    }
}

/// Runs records through a filter; members that came of it.
fn apply<'t>(filter: &'t dyn Filter, prepared: &[Vec<Member<'t>>], turn: &Turn<'t>) -> usize {
    let (mut count, mut members) = (0, Vec::with_capacity(64));
    for before in prepared {
        members.extend_from_slice(before);
        let mut record = with_members(members);
        black_box(filter.apply(&mut record, turn));
        count += record.members.len();
        members = record.members;
        members.clear();
    }
    count
}
