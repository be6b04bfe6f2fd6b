//! What a run came to, as a table, and whether it is good.

use std::fmt::{self, Display, Formatter};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::ground::{Blame, LogFile};
use crate::outage::Outage;
use crate::plan::Plan;
use crate::scraper::Seen;
use crate::store::{Findings, State, Store};
use crate::writer::{Container, Written};

/// Of the files with lines that did not arrive so many are listed; all are counted.
const MOST_FILES: usize = 60;

/// Of torn records so many are listed; all are counted.
const EXAMPLES: usize = 20;

/// A run of so long must meet every fault.
const LONG_ENOUGH: Duration = Duration::from_secs(45);

/// Of the ranges in a file so many are listed.
const MOST_RANGES: usize = 4;

/// See the module.
pub(crate) struct Report {
    pub(crate) plan: Plan,
    pub(crate) written: Written,
    pub(crate) store: Arc<Store>,
    pub(crate) seen: Seen,
    pub(crate) kills: Vec<Instant>,
    /// How the shipper ended when it was asked to, if badly.
    pub(crate) ended: Option<ExitStatus>,
    /// The end of the shipper's log.
    pub(crate) log: String,
    pub(crate) faults: Vec<(String, u64)>,
    /// Requests to the fake, and bytes of their bodies.
    pub(crate) load: Option<(u64, u64)>,
    pub(crate) outage: Option<Outage>,
}

impl Report {
    /// What is wrong, in a line for each thing; nothing if the run is good.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let state = self.store.lock();
        let mut complaints = Vec::new();
        let mut add = |count: u64, what: &str| {
            if count > 0 {
                complaints.push(format!("{count} {what}"));
            }
        };
        let missing: u64 = self.written.containers.iter().map(|container| self.lost(container).missing).sum();
        add(missing, "lines are missing");
        add(state.duplicates.count, "lines are in two documents");
        add(self.in_two_indices(&state), "documents are in two indices");
        add(state.collisions.count, "documents were not taken, as their id is another's");
        add(state.torn().count() as u64, "documents do not hold exactly one record");
        add(state.strange.count, "documents hold no line that was written");
        add(self.seen.broken.len() as u64, "accounts did not hold");
        add(u64::from(self.seen.scrapes == 0), "time: the metrics never answered");
        for (name, _) in self.faults.iter().filter(|(_, met)| *met == 0 && self.plan.writing >= LONG_ENOUGH) {
            complaints.push(format!("no request met the fault {name}: the run proves too little"));
        }
        complaints.extend(self.outage.as_ref().and_then(Outage::complaint));
        complaints.extend(self.ended.map(|status| format!("the shipper ended badly: {status}")));
        complaints
    }

    /// The real server has one document of an id in an index; the fake's replays are no documents.
    fn in_two_indices(&self, state: &State) -> u64 {
        if self.load.is_none() { state.replayed } else { 0 }
    }

    fn lost(&self, container: &Container) -> Lost {
        let mut lost = Lost::default();
        for file in container.files().filter(|file| !file.lines.is_empty()) {
            let count = file.lines.len() as u64;
            match file.blame(&self.kills) {
                Blame::Missing(_) => lost.missing += count,
                Blame::Destroyed(_) => {
                    let ranges = file.byte_ranges();
                    lost.destroyed += count;
                    lost.destroyed_bytes += ranges.iter().map(|(start, end)| u64::from(end - start)).sum::<u64>();
                }
            }
        }
        lost
    }
}

/// Lines of a container that did not arrive.
#[derive(Default)]
struct Lost {
    missing: u64,
    destroyed: u64,
    destroyed_bytes: u64,
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Plan { name, seed, .. } = self.plan;
        writeln!(f, "torture, {name} (--seed {seed})")?;
        self.table(f)?;
        self.losses(f)?;
        let state = self.store.lock();
        let kinds: [(&str, &Findings); 3] = [
            ("in two documents", &state.duplicates),
            ("not taken: the id is another's", &state.collisions),
            ("no line that was written", &state.strange),
        ];
        for (what, findings) in kinds {
            findings.examples.iter().try_for_each(|example| writeln!(f, "{what}: {example}"))?;
        }
        state.torn().take(EXAMPLES).try_for_each(|example| writeln!(f, "not exactly one record: {example}"))?;
        self.seen.broken.iter().try_for_each(|account| writeln!(f, "an account that did not hold: {account}"))?;
        self.totals(f, &state)
    }
}

impl Report {
    fn table(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let state = self.store.lock();
        writeln!(
            f,
            "{:14} {:>8} {:>9} {:>9} {:>10} {:>9} {:>9} {:>9} {:>10}",
            "container", "restarts", "rotations", "MB", "lines", "arrived", "missing", "duplicate", "destroyed"
        )?;
        for container in &self.written.containers {
            let lost = self.lost(container);
            let lines = container.line_count();
            let duplicates = state.duplicates.logs.iter().filter(|log| **log == container.log).count();
            writeln!(
                f,
                "{:14} {:>8} {:>9} {:>9.1} {:>10} {:>9} {:>9} {:>9} {:>10}",
                container.pod,
                container.restarts,
                container.rotations,
                container.bytes as f64 / 1e6,
                lines,
                lines - lost.missing - lost.destroyed,
                lost.missing,
                duplicates,
                lost.destroyed
            )?;
        }
        Ok(())
    }

    /// The files of which something did not arrive.
    fn losses(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let files = self.written.containers.iter().flat_map(Container::files);
        let lossy: Vec<_> = files.filter(|file| !file.lines.is_empty()).collect();
        for file in lossy.iter().take(MOST_FILES) {
            let (word, why) = match file.blame(&self.kills) {
                Blame::Missing(why) => ("missing", why),
                Blame::Destroyed(why) => ("destroyed unread", why),
            };
            writeln!(f, "{word}: {} ({why}): {}", named(file), ranges(file))?;
        }
        if lossy.len() > MOST_FILES {
            writeln!(f, "and of {} files more", lossy.len() - MOST_FILES)?;
        }
        Ok(())
    }

    fn totals(&self, f: &mut Formatter<'_>, state: &State) -> fmt::Result {
        let Written { bytes, elapsed, deleted_pods, ref containers } = self.written;
        let rate = bytes as f64 / 1e6 / elapsed.as_secs_f64();
        let records: u64 = containers.iter().map(Container::records).sum();
        writeln!(f, "written    {:.1} MB in {:.1?}, {rate:.1} MB/s; {records} records", bytes as f64 / 1e6, elapsed)?;
        let Seen { scrapes, unanswered, memory, totals, .. } = self.seen;
        writeln!(
            f,
            "metrics    read {} bytes, routed {}, acked {}, dead {}, dropped {} (over all processes, as last scraped)",
            totals.read, totals.routed, totals.acked, totals.dead, totals.dropped
        )?;
        writeln!(
            f,
            "scrapes    {scrapes}, {unanswered} unanswered, {} accounts did not hold; at most {} MB resident",
            self.seen.broken.len(),
            memory / 1_000_000
        )?;
        writeln!(f, "index      {} documents, {} sent again", state.documents, state.replayed)?;
        if let Some((requests, body)) = self.load {
            writeln!(f, "server     {requests} requests, {:.1} MB of bodies", body as f64 / 1e6)?;
        }
        if let Some(outage) = &self.outage {
            writeln!(f, "{outage}")?;
        }
        let faults: Vec<_> = self.faults.iter().map(|(name, count)| format!("{name} {count}")).collect();
        let disrupted =
            format!("disrupted  {} kills, {deleted_pods} pods deleted; {}", self.kills.len(), faults.join(", "));
        writeln!(f, "{}", disrupted.trim_end_matches("; "))?;
        let lost: Vec<_> = containers.iter().map(|container| self.lost(container)).collect();
        let sum = |part: fn(&Lost) -> u64| lost.iter().map(part).sum::<u64>();
        write!(
            f,
            "lines      {} missing, {} duplicate, {} destroyed unread ({} bytes)",
            sum(|lost| lost.missing),
            state.duplicates.count,
            sum(|lost| lost.destroyed),
            sum(|lost| lost.destroyed_bytes)
        )
    }
}

/// Pod, container and file.
fn named(file: &LogFile) -> String {
    let parts: Vec<_> = file.path.iter().rev().take(3).map(|part| part.to_string_lossy()).collect();
    parts.into_iter().rev().collect::<Vec<_>>().join("/")
}

fn ranges(file: &LogFile) -> String {
    let bytes = listed(&file.byte_ranges());
    let sequences: Vec<_> = file
        .sequences()
        .iter()
        .map(|(stream, ranges)| format!("{}: {}", ["stdout", "stderr"][usize::from(*stream)], listed(ranges)))
        .collect();
    format!("{} lines, bytes {bytes} of {}; {}", file.lines.len(), file.length, sequences.join("; "))
}

fn listed(ranges: &[(u32, u32)]) -> String {
    let mut shown: Vec<_> = ranges.iter().take(MOST_RANGES).map(|(start, end)| format!("{start}-{end}")).collect();
    if ranges.len() > MOST_RANGES {
        shown.push(format!("and {} more", ranges.len() - MOST_RANGES));
    }
    shown.join(", ")
}
