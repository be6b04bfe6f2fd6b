//! Each stage by itself, in bytes per second.
//!
//! The bytes are those that the stage takes: physical lines for decoding, the containers' own lines
//! for parsers and filters, bodies for compression. Only encoding counts what it writes.
//!
//! ```text
//! cargo bench --bench stages               all of them
//! cargo bench --bench stages -- filter     those with `filter` in their names
//! cargo bench --bench stages -- parser/    each parser, and how many times slower than memchr it is
//! ```

#[path = "../support/metadata.rs"]
mod metadata;

mod bodies;
mod chain;
mod lines;
mod parsers;
mod readers;
mod records;

use std::time::Duration;

use criterion::Criterion;

fn main() {
    let settings = Criterion::default().warm_up_time(Duration::from_millis(500));
    let mut criterion = settings.measurement_time(Duration::from_secs(2)).sample_size(30).configure_from_args();
    readers::bench(&mut criterion);
    parsers::bench(&mut criterion);
    records::bench(&mut criterion);
    bodies::bench(&mut criterion);
    criterion.final_summary();
}
