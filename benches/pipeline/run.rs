//! One run: logs on disk, the shipper, the server.

use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::reference;
use crate::report::Report;
use crate::server::Server;
use crate::shipper::Shipper;
use crate::workload::{Lines, Pods, Workload};

const MIB: u64 = 1024 * 1024;

/// A run in which no document comes for so long is given up; fifty times slower, it is counted.
const STANDSTILL: Duration = Duration::from_secs(10);
const COUNTED_STANDSTILL: Duration = Duration::from_secs(120);

/// How long the shipper is watched after the last document, for documents that come twice.
const AFTERMATH: Duration = Duration::from_millis(300);

/// What is run.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// Of input.
    pub(crate) mebibytes: u64,
    /// What is known of the pods.
    pub(crate) pods: Pods,
    /// What they print.
    pub(crate) lines: Lines,
    /// Run under callgrind, its counts in this file.
    pub(crate) counts: Option<PathBuf>,
}

impl Run {
    /// A run as usual.
    pub(crate) fn of(mebibytes: u64) -> Self {
        Self { mebibytes, pods: Pods::AsUsual, lines: Lines::Flyte, counts: None }
    }

    /// Runs it.
    pub(crate) fn report(&self) -> Result<Report, Box<dyn Error>> {
        let directory = tempfile::Builder::new().prefix("pipeline").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let workload = Workload::write(directory.path(), self.mebibytes * MIB, self.pods, self.lines)?;
        let server = Server::start(workload.fields())?;
        let started = Instant::now();
        let mut shipper = Shipper::start(&workload, server.port(), self.counts.as_deref())?;
        let standstill = if self.counts.is_some() { COUNTED_STANDSTILL } else { STANDSTILL };
        server.wait(workload.records, standstill, || shipper.look().map(drop))?;
        let wall = started.elapsed();
        let usage = shipper.look()?;
        std::thread::sleep(AFTERMATH);
        shipper.stop()?;
        let received = server.finish(workload.first_sequence, workload.records)?;
        let (gzip_seconds, writer_seconds) =
            (reference::gzip_seconds(&received)?, reference::writer_seconds(&received)?);
        Ok(Report { workload, wall, usage, received, gzip_seconds, writer_seconds })
    }
}
