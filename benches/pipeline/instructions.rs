//! Instructions per line, counted by callgrind: the one figure of a run that is the same on a busy machine.
//!
//! The committed number stands in the last row of `instructions.md`, beside why it moved.

use std::error::Error;
use std::fs;
use std::path::Path;

use crate::run::Run;

/// Mebibytes of input.
const SAMPLE_MIB: u64 = 20;

/// Percent by which the count may be above the committed one.
const MOST_ABOVE: f64 = 5.0;

const COMMITTED: &str = include_str!("instructions.md");

/// Counts, prints and compares; an error if there are too many. The counts stay in the target directory,
/// for `callgrind_annotate`.
pub(crate) fn measure() -> Result<String, Box<dyn Error>> {
    let counts = Path::new(env!("CARGO_TARGET_TMPDIR")).join("callgrind.out");
    let report = Run { counts: Some(counts.clone()), ..Run::of(SAMPLE_MIB) }.report()?;
    let total = total(&fs::read_to_string(&counts)?).ok_or("callgrind tells no total")?;
    let counted = total as f64 / report.workload.records.max(1) as f64;
    let committed = committed(COMMITTED).ok_or("instructions.md ends without a number")?;
    let above = (counted / committed - 1.0) * 100.0;
    let told = format!(
        "{counted:.0} instructions per line, {above:+.1} % against the committed {committed:.0} (at most {MOST_ABOVE:+} %)\n\
         by function: callgrind_annotate {}",
        counts.display()
    );
    if above > MOST_ABOVE {
        return Err(
            format!("{told}\nmake it faster, or say in benches/pipeline/instructions.md why it has to be").into()
        );
    }
    Ok(told)
}

/// The sum over all threads, from callgrind's file.
fn total(counts: &str) -> Option<u64> {
    let of = |name: &str| counts.lines().rev().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    of("totals:").or_else(|| of("summary:"))
}

/// The number in the last row of the table.
fn committed(table: &str) -> Option<f64> {
    table.lines().rfind(|line| line.starts_with('|'))?.split('|').nth(2)?.trim().parse().ok()
}
