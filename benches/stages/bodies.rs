//! From documents to bodies: encoding, compression.

use std::hint::black_box;
use std::io::Write;

use bumpalo::Bump;
use criterion::{BenchmarkId, Criterion, Throughput};
use flate2::Compression;
use flate2::write::GzEncoder;
use flytail::cli::demo::generator::{Format, Role};
use flytail::pipeline::gzip::GzipWriter;
use flytail::record::Record;

use crate::chain::{Chain, encoder, record};
use crate::lines;

/// Bytes of a body, as the pipeline has them before it seals a batch.
const BODY: usize = 5_000_000;

/// Bytes that the pipeline gives to the compressor at once.
const STEP: usize = 64 * 1024;

pub(crate) fn bench(criterion: &mut Criterion) {
    for (name, role, format) in
        [("flytestdlib JSON", Role::Propeller, Format::FlytestdlibJson), ("prints", Role::PlainTask, Format::Print)]
    {
        match Chain::new(role) {
            Ok(chain) => bench_kind(criterion, name, &chain, &lines::of_format(format)),
            Err(error) => eprintln!("no output: {error}"),
        }
    }
}

fn bench_kind(criterion: &mut Criterion, name: &str, chain: &Chain, texts: &[Vec<u8>]) {
    let Some(mut encoder) = encoder() else { return };
    let arena = Bump::new();
    let turn = chain.turn(&arena);
    let shape = |text| -> Record<'_> {
        let mut record = record(text);
        chain.kubernetes.apply(&mut record, &turn);
        chain.flyte.apply(&mut record, &turn);
        record
    };
    let records: Vec<_> = texts.iter().map(|text| shape(text)).collect();
    let mut body = Vec::with_capacity(BODY * 2);
    records.iter().for_each(|record| encoder.encode(record, &turn, &mut body));
    let mut group = criterion.benchmark_group("body: encode");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
        bencher.iter(|| {
            body.clear();
            records.iter().for_each(|record| encoder.encode(black_box(record), &turn, &mut body));
            body.len()
        });
    });
    group.finish();
    for record in records.iter().cycle() {
        if body.len() >= BODY {
            break;
        }
        encoder.encode(record, &turn, &mut body);
    }
    bench_compression(criterion, "fast", name, &body, fast);
    bench_compression(criterion, "level 1", name, &body, level_1);
}

fn bench_compression(criterion: &mut Criterion, level: &str, name: &str, body: &[u8], compress: fn(&[u8]) -> usize) {
    let mut group = criterion.benchmark_group(format!("body: gzip {level}"));
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function(BenchmarkId::from_parameter(name), |bencher| bencher.iter(|| compress(body)));
}

/// The pipeline's own writer, which takes each document by itself.
fn fast(body: &[u8]) -> usize {
    let mut writer = GzipWriter::new();
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        writer.append(|window| window.extend_from_slice(black_box(line)));
    }
    writer.finish().len()
}

/// The reference: zlib.
fn level_1(body: &[u8]) -> usize {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(1));
    for step in body.chunks(STEP) {
        // Writing into memory cannot fail.
        drop(encoder.write_all(black_box(step)));
    }
    encoder.finish().map_or(0, |compressed| compressed.len())
}
