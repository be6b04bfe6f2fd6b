//! Whether the cost of a line stays what it is: with more workers, more files, and many small pods.

use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flytail::cli::demo::generator::marker;

use crate::server::Server;
use crate::shipper::Shipper;
use crate::workload::{FROM_PATHS, Lines, Workload};

/// Lines of the runs that find everything written.
const BULK: u64 = 500_000;
/// Files of many.
const MANY: usize = 5_000;
/// Small pods, lines that each writes in a second, and for how many seconds.
const PODS: usize = 2_000;
const LINES_A_SECOND: u64 = 5;
const SECONDS: u32 = 20;
/// For how long a quiet shipper is watched.
const QUIET: Duration = Duration::from_secs(10);
const SETTLE: Duration = Duration::from_secs(3);
const STANDSTILL: Duration = Duration::from_secs(10);

/// Measures the cost of a line.
pub(crate) fn measure() -> Result<String, Box<dyn Error>> {
    let one = bulk(1, 1)?;
    let mut told =
        format!("\nCPU per line, of plain lines without metadata\n\n  one file, one worker        {one:>9.0} ns\n");
    for (name, cost, most) in [
        ("16 files, one worker", bulk(16, 1)?, None),
        ("16 files, two workers", bulk(16, 2)?, Some(1.1)),
        ("5,000 files, one worker", bulk(MANY, 1)?, Some(1.1)),
    ] {
        row(&mut told, name, cost, one, most)?;
    }
    let small = small_pods()?;
    row(&mut told, "2,000 pods, 5 lines/s each", small.cost, one, Some(2.0))?;
    write!(told, "\n  wake-ups of {PODS} quiet files   {:>9.1} a second   at most 20", small.wake_ups)?;
    write!(told, "\n  resident memory with them   {:>9.2} MB", small.resident as f64 / 1e6)?;
    Ok(told)
}

fn row(told: &mut String, name: &str, cost: f64, one: f64, most: Option<f64>) -> std::fmt::Result {
    let most = most.map(|most| format!("   at most {most}")).unwrap_or_default();
    writeln!(told, "  {name:<28}{cost:>9.0} ns   {:.2} times{most}", cost / one)
}

/// Nanoseconds of CPU for a line where all are written before.
fn bulk(files: usize, workers: usize) -> Result<f64, Box<dyn Error>> {
    let directory = tempfile::Builder::new().prefix("pipeline").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut pods = Pods::new(directory.path(), files)?;
    pods.write(BULK / files as u64)?;
    let workload = pods.workload(directory.path(), workers);
    let server = Server::start(workload.fields())?;
    let mut shipper = Shipper::start(&workload, server.port(), None)?;
    server.wait(workload.records, STANDSTILL, || shipper.look().map(drop))?;
    let usage = shipper.look()?;
    shipper.stop()?;
    server.finish(workload.first_sequence, workload.records)?;
    Ok(usage.cpu * 1e9 / workload.records as f64)
}

/// What small pods cost.
struct Small {
    /// Nanoseconds of CPU for a line.
    cost: f64,
    /// In a second, while nothing is written.
    wake_ups: f64,
    /// Bytes of memory then.
    resident: u64,
}

fn small_pods() -> Result<Small, Box<dyn Error>> {
    let directory = tempfile::Builder::new().prefix("pipeline").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut pods = Pods::new(directory.path(), PODS)?;
    let quiet = pods.workload(directory.path(), 1);
    let server = Server::start(quiet.fields())?;
    let mut shipper = Shipper::start(&quiet, server.port(), None)?;
    std::thread::sleep(SETTLE);
    let before = shipper.wake_ups()?;
    std::thread::sleep(QUIET);
    let wake_ups = (shipper.wake_ups()? - before) as f64 / QUIET.as_secs_f64();
    let (idle, started) = (shipper.look()?, Instant::now());
    // Each pod at a moment of its own: a write for one line of each file, spread over the second.
    for round in 1..=SECONDS * LINES_A_SECOND as u32 {
        pods.write_spread(started, Duration::from_secs(1) * round / LINES_A_SECOND as u32)?;
    }
    let workload = pods.workload(directory.path(), 1);
    server.wait(workload.records, STANDSTILL, || shipper.look().map(drop))?;
    let usage = shipper.look()?;
    shipper.stop()?;
    server.finish(workload.first_sequence, workload.records)?;
    let cost = (usage.cpu - idle.cpu) * 1e9 / workload.records as f64;
    Ok(Small { cost, wake_ups, resident: idle.resident })
}

/// Log files of many pods.
struct Pods {
    logs: PathBuf,
    files: Vec<PathBuf>,
    bytes: u64,
    sequence: u64,
}

impl Pods {
    fn new(directory: &Path, count: usize) -> Result<Self, Box<dyn Error>> {
        let logs = directory.join("containers");
        fs::create_dir_all(&logs)?;
        let name = |number| format!("pod-{number}_flytesnacks-development_main-{number:064x}.log");
        let files: Vec<PathBuf> = (0..count).map(|number| logs.join(name(number))).collect();
        for file in &files {
            File::create(file)?;
        }
        Ok(Self { logs, files, bytes: 0, sequence: 0 })
    }

    /// Writes so many lines to each file.
    fn write(&mut self, lines: u64) -> Result<(), Box<dyn Error>> {
        for at in 0..self.files.len() {
            let mut file = BufWriter::new(OpenOptions::new().append(true).open(&self.files[at])?);
            for _ in 0..lines {
                file.write_all(self.line().as_bytes())?;
            }
            file.flush()?;
        }
        Ok(())
    }

    /// Writes a line to each file, the last one at a time after `started`.
    fn write_spread(&mut self, started: Instant, until: Duration) -> Result<(), Box<dyn Error>> {
        const TOGETHER: usize = 50;
        let (count, begin) = (self.files.len(), started.elapsed());
        for at in 0..count {
            let line = self.line();
            OpenOptions::new().append(true).open(&self.files[at])?.write_all(line.as_bytes())?;
            if at % TOGETHER == 0 {
                let due = begin + until.saturating_sub(begin) * at as u32 / count as u32;
                std::thread::sleep(due.saturating_sub(started.elapsed()));
            }
        }
        std::thread::sleep(until.saturating_sub(started.elapsed()));
        Ok(())
    }

    fn line(&mut self) -> String {
        self.sequence += 1;
        let number = self.sequence;
        let (second, nanosecond) = (number / 100_000 % 60, number * 10_007 % 1_000_000_000);
        let line = format!(
            "2026-08-21T12:00:{second:02}.{nanosecond:09}Z stdout F epoch {}/90 loss={} rows={number} {}\n",
            number % 90,
            number * 7919 % 100_003,
            marker(number)
        );
        self.bytes += line.len() as u64;
        line
    }

    fn workload(&self, directory: &Path, workers: usize) -> Workload {
        Workload {
            directory: directory.to_owned(),
            logs: self.logs.clone(),
            metadata: FROM_PATHS.to_owned(),
            lines: Lines::Python,
            workers,
            files: self.files.len(),
            bytes: self.bytes,
            records: self.sequence,
            first_sequence: 1,
        }
    }
}
