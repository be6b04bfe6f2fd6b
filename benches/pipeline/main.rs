//! End to end through the binary: container logs in, gzip'd `_bulk` requests out.
//!
//! Writes a node's logs, lets the binary ship them to a server in this process that checks every
//! document and forgets it, and prints what that cost in the shipper's own CPU time and memory. A
//! run that loses, repeats or garbles a document fails, however fast it was.
//!
//! ```text
//! cargo bench --bench pipeline                     128 MiB of logs
//! cargo bench --bench pipeline -- 512              512 MiB; the same as FLYTAIL_BENCH_MIB=512
//! cargo bench --bench pipeline -- python [512]     plain lines of Python's logging
//! cargo bench --bench pipeline -- nginx [512]      access lines, by a regex parser
//! cargo bench --bench pipeline -- enrichment [512] what the pods' metadata costs
//! cargo bench --bench pipeline -- paced            10 MB/s, as they are written
//! cargo bench --bench pipeline -- scaling          workers, files, many small pods
//! cargo bench --bench pipeline -- instructions     counted by callgrind, against the committed number
//! ```
//! Without `--bench` (as `cargo test --benches` calls it) 4 MiB show that it works.

mod enrichment;
mod instructions;
mod paced;
mod reference;
mod report;
mod run;
mod scaling;
mod server;
mod shipper;
#[path = "../support/metadata.rs"]
mod support;
mod texts;
mod workload;

use std::error::Error;
use std::process::ExitCode;

use run::Run;
use workload::Lines;

const DEFAULT_MIB: u64 = 128;
const SMOKE_MIB: u64 = 4;

/// Measures with so many mebibytes; what to print.
type Measure = fn(u64) -> Result<String, Box<dyn Error>>;

/// What can be asked for besides the usual run.
const MODES: [(&str, Measure); 6] = [
    ("python", |mebibytes| Ok(Run { lines: Lines::Python, ..Run::of(mebibytes) }.report()?.to_string())),
    ("nginx", |mebibytes| Ok(Run { lines: Lines::Nginx, ..Run::of(mebibytes) }.report()?.to_string())),
    ("enrichment", |mebibytes| Ok(enrichment::measure(mebibytes)?.to_string())),
    ("paced", |_| paced::measure()),
    ("scaling", |_| scaling::measure()),
    ("instructions", |_| instructions::measure()),
];

fn main() -> ExitCode {
    match report() {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("the benchmark failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn report() -> Result<String, Box<dyn Error>> {
    let told: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let mode = MODES.iter().find(|(name, _)| told.iter().any(|argument| argument == name));
    let size = told.into_iter().find(|argument| mode.is_none_or(|(name, _)| argument != name));
    let mebibytes = mebibytes(size)?;
    match mode {
        Some((_, measure)) => measure(mebibytes),
        None => Ok(Run::of(mebibytes).report()?.to_string()),
    }
}

/// Mebibytes of input: the argument, else the variable, else the default.
fn mebibytes(told: Option<String>) -> Result<u64, Box<dyn Error>> {
    match told.or_else(|| std::env::var("FLYTAIL_BENCH_MIB").ok()) {
        Some(text) => text.parse().map_err(|_| format!("`{text}` is no mode and no number of mebibytes").into()),
        None if std::env::args().any(|argument| argument == "--bench") => Ok(DEFAULT_MIB),
        None => Ok(SMOKE_MIB),
    }
}
