//! End to end through the binary: container logs in, gzip'd `_bulk` requests out.
//!
//! Writes a node's logs, lets the binary ship them to a server in this process that checks every
//! document and forgets it, and prints what that cost in the shipper's own CPU time and memory. A
//! run that loses, repeats or garbles a document fails, however fast it was.
//!
//! ```text
//! cargo bench --bench pipeline            128 MiB of logs
//! cargo bench --bench pipeline -- 512     512 MiB; the same as FLYTAIL_BENCH_MIB=512
//! cargo bench --bench pipeline -- enrichment [512]   what the pods' metadata costs of that
//! ```
//! Without `--bench` (as `cargo test --benches` calls it) 4 MiB show that it works.

mod enrichment;
mod reference;
mod report;
mod server;
mod shipper;
#[path = "../support/metadata.rs"]
mod support;
mod workload;

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use report::Report;
use server::Server;
use shipper::Shipper;
use workload::{Pods, Workload};

/// Measures what the pods' metadata costs.
const ENRICHMENT: &str = "enrichment";

const MIB: u64 = 1024 * 1024;
const DEFAULT_MIB: u64 = 128;
const SMOKE_MIB: u64 = 4;

/// A run in which no document comes for so long is given up.
const STANDSTILL: Duration = Duration::from_secs(10);

/// How long the shipper is watched after the last document, for documents that come twice.
const AFTERMATH: Duration = Duration::from_millis(300);

fn main() -> ExitCode {
    let is_enrichment = std::env::args().any(|argument| argument == ENRICHMENT);
    let report = size().and_then(|mebibytes| match is_enrichment {
        true => enrichment::measure(mebibytes).map(|report| report.to_string()),
        false => run(mebibytes, Pods::AsUsual).map(|report| report.to_string()),
    });
    match report {
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

/// Mebibytes of input: the first argument that is no flag, else the variable, else the default.
fn size() -> Result<u64, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let told = arguments.iter().find(|argument| !argument.starts_with('-') && *argument != ENRICHMENT).cloned();
    match told.or_else(|| std::env::var("FLYTAIL_BENCH_MIB").ok()) {
        Some(text) => text.parse().map_err(|_| format!("`{text}` is no number of mebibytes").into()),
        None if arguments.iter().any(|argument| argument == "--bench") => Ok(DEFAULT_MIB),
        None => Ok(SMOKE_MIB),
    }
}

fn run(mebibytes: u64, pods: Pods) -> Result<Report, Box<dyn Error>> {
    let directory = tempfile::Builder::new().prefix("pipeline").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let workload = Workload::write(directory.path(), mebibytes * MIB, pods)?;
    let server = Server::start()?;
    let started = Instant::now();
    let mut shipper = Shipper::start(&workload, server.port())?;
    let (mut came, mut progress) = (0, started);
    while came < workload.records && progress.elapsed() < STANDSTILL {
        if server.documents() != came {
            (came, progress) = (server.documents(), Instant::now());
        }
        shipper.look()?;
        server.fault()?;
        std::thread::sleep(Duration::from_millis(5));
    }
    let wall = started.elapsed();
    let usage = shipper.look()?;
    std::thread::sleep(AFTERMATH);
    shipper.stop()?;
    let received = server.finish(&workload)?;
    let gzip_seconds = reference::gzip_seconds(&received)?;
    Ok(Report { workload, wall, usage, received, gzip_seconds })
}
