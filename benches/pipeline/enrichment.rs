//! What the pods' metadata costs: the same logs with it, and with what their paths tell alone.
//!
//! The difference holds all of it: looking pods up, the bytes that each document has more, and their
//! compression, which is also told for itself: it depends on the output, and on what pods have for labels.
//! That is measured with the writer that compresses the bodies, on a sample of them.

use std::error::Error;
use std::fmt;

use crate::run::Run;
use crate::workload::Pods;

/// Labels of a pod.
const LABELS: usize = 30;
/// Runs of either kind, in turns. The one that took the least counts.
const ROUNDS: usize = 3;
/// Percent of the whole CPU time that the metadata may cost.
const MOST: f64 = 15.0;

/// What it costs.
pub(crate) struct Enrichment {
    /// Seconds of CPU time with it.
    with: f64,
    /// Without.
    without: f64,
    /// Seconds that compression alone takes for what the bodies have more.
    gzip: f64,
    /// Bytes of the bodies before compression, for each byte without it.
    growth: f64,
}

/// Measures it.
pub(crate) fn measure(mebibytes: u64) -> Result<Enrichment, Box<dyn Error>> {
    let mut best = Enrichment { with: f64::MAX, without: f64::MAX, gzip: f64::MAX, growth: 0.0 };
    for _ in 0..ROUNDS {
        let without = Run { pods: Pods::FromPaths, ..Run::of(mebibytes) }.report()?;
        let with = Run { pods: Pods::WithLabels(LABELS), ..Run::of(mebibytes) }.report()?;
        best.with = best.with.min(with.usage.cpu);
        best.without = best.without.min(without.usage.cpu);
        best.gzip = best.gzip.min(with.writer_seconds - without.writer_seconds);
        best.growth = with.received.body_bytes as f64 / without.received.body_bytes.max(1) as f64;
    }
    Ok(best)
}

impl fmt::Display for Enrichment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { with, without, gzip, growth } = self;
        let share = |seconds: f64| seconds / with.max(f64::MIN_POSITIVE) * 100.0;
        let (all, gzip) = (share(with - without), share(*gzip));
        writeln!(out, "\nmetadata of pods with {LABELS} labels, the least of {ROUNDS} runs\n")?;
        writeln!(out, "  CPU with it                      {with:>9.2} s")?;
        writeln!(out, "  CPU with what paths tell alone   {without:>9.2} s")?;
        writeln!(out, "  bodies with it / without         {growth:>9.2}")?;
        writeln!(out, "  share of the whole               {all:>9.1} %")?;
        writeln!(out, "  of that compression of its bytes {gzip:>9.1} %")?;
        write!(out, "  all but compression              {:>9.1} %      at most {MOST}", all - gzip)
    }
}
