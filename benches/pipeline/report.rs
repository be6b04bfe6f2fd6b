//! What is printed.

use std::fmt;
use std::time::Duration;

use crate::server::Received;
use crate::shipper::Usage;
use crate::workload::Workload;

/// MB of input per second and core, and MB of memory, that a run must keep.
const LEAST_SPEED: f64 = 60.0;
const MOST_MEMORY: f64 = 60.0;
/// What is aimed at: MB of input per second and core, and the share of gzip's speed alone.
const AIMED_SPEED: f64 = 150.0;
const AIMED_SHARE: f64 = 0.6;

/// Characters of the longest bar.
const WIDTH: usize = 50;

/// What a run showed.
pub(crate) struct Report {
    /// What was read.
    pub(crate) workload: Workload,
    /// From the start to the last document.
    pub(crate) wall: Duration,
    /// What the shipper used.
    pub(crate) usage: Usage,
    /// What came.
    pub(crate) received: Received,
    /// CPU seconds of gzip alone on all that was sent.
    pub(crate) gzip_seconds: f64,
    /// The same of our own writer.
    pub(crate) writer_seconds: f64,
}

impl Report {
    fn input(&self) -> f64 {
        megabytes(self.workload.bytes)
    }

    /// MB of input per second and core.
    fn speed(&self) -> f64 {
        self.input() / self.usage.cpu.max(f64::MIN_POSITIVE)
    }

    /// The same of gzip alone.
    fn gzip_speed(&self) -> f64 {
        self.input() / self.gzip_seconds.max(f64::MIN_POSITIVE)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { workload, received, .. } = self;
        let (speed, share, memory) = (self.speed(), self.speed() / self.gzip_speed(), megabytes(self.usage.peak));
        let body = received.body_bytes as f64;
        writeln!(
            out,
            "\n{:.0} MB of container logs, {} records in {} files, to {} bulk requests; every document came once\n",
            self.input(),
            workload.records,
            workload.files,
            received.requests
        )?;
        row(out, "input per core", speed, "MB/s", Some(format!("at least {LEAST_SPEED}, aim {AIMED_SPEED}")))?;
        row(out, "CPU per GB of input", self.usage.cpu / self.input() * 1000.0, "s", None)?;
        row(out, "CPU per line", self.usage.cpu * 1e9 / workload.records as f64, "ns", None)?;
        row(out, "peak resident memory", memory, "MB", Some(format!("at most {MOST_MEMORY}")))?;
        row(out, "wall clock, last flush included", self.wall.as_secs_f64(), "s", None)?;
        row(out, "body / input", body / workload.bytes as f64, "", None)?;
        row(out, "compression ratio", body / received.compressed_bytes as f64, "", None)?;
        row(out, "speed / gzip -1 alone", share, "", Some(format!("aim {AIMED_SHARE}")))?;
        writeln!(out, "\nMB/s of input per core")?;
        let longest = self.gzip_speed().max(speed);
        bar(out, "flytail", speed, longest)?;
        bar(out, "gzip -1 alone on its bodies", self.gzip_speed(), longest)
    }
}

fn row(out: &mut fmt::Formatter<'_>, name: &str, value: f64, unit: &str, note: Option<String>) -> fmt::Result {
    let digits = if value < 100.0 { 2 } else { 0 };
    let line = format!("  {name:<33}{value:>9.digits$} {unit:<6}{}", note.unwrap_or_default());
    writeln!(out, "{}", line.trim_end())
}

fn bar(out: &mut fmt::Formatter<'_>, name: &str, value: f64, longest: f64) -> fmt::Result {
    let length = (value / longest * WIDTH as f64).round() as usize;
    writeln!(out, "  {name:<28}{} {value:.0}", "█".repeat(length.max(1)))
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
