//! Logs as they are written on a busy node: so many bytes in a second, for half a minute.

use std::error::Error;
use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::server::Server;
use crate::shipper::Shipper;
use crate::workload::{Lines, Pods, Workload};

/// Bytes that are written in a second, and for how many seconds.
const RATE: u64 = 10_000_000;
const SECONDS: u32 = 30;
/// Writes in a second.
const TICKS: u32 = 20;
/// What the shipper may take to start, and to come to rest behind the last line.
const SETTLE: Duration = Duration::from_secs(3);
const STANDSTILL: Duration = Duration::from_secs(10);
/// Percent of a core and MB of memory at most.
const MOST_CPU: f64 = 6.0;
const MOST_MEMORY: f64 = 25.0;

/// Measures CPU and memory.
pub(crate) fn measure() -> Result<String, Box<dyn Error>> {
    let directory = tempfile::Builder::new().prefix("pipeline").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let (mut workload, mut writer) = Workload::prepare(directory.path(), Pods::AsUsual, Lines::Flyte)?;
    let server = Server::start(workload.fields())?;
    let mut shipper = Shipper::start(&workload, server.port(), None)?;
    std::thread::sleep(SETTLE);
    let (idle, started) = (shipper.look()?, Instant::now());
    for tick in 1..=SECONDS * TICKS {
        workload.grow(&mut writer, RATE / u64::from(TICKS))?;
        std::thread::sleep((started + Duration::from_secs(1) * tick / TICKS).saturating_duration_since(Instant::now()));
    }
    let wall = started.elapsed().as_secs_f64();
    server.wait(workload.records, STANDSTILL, || shipper.look().map(drop))?;
    let usage = shipper.look()?;
    shipper.stop()?;
    server.finish(workload.first_sequence, workload.records)?;
    let share = (usage.cpu - idle.cpu) / wall * 100.0;
    let (rate, idle, peak) = (workload.bytes as f64 / 1e6 / wall, megabytes(idle.resident), megabytes(usage.peak));
    let mut told =
        format!("\n{rate:.1} MB/s for {wall:.0} s, {} records; every document came once\n\n", workload.records);
    writeln!(told, "  of a core                {share:>9.2} %    at most {MOST_CPU}")?;
    writeln!(told, "  peak resident memory     {peak:>9.2} MB   at most {MOST_MEMORY}")?;
    write!(told, "  resident memory at rest  {idle:>9.2} MB")?;
    Ok(told)
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
