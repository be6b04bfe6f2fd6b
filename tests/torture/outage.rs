//! A server that is away for long: the shipper's memory stays as it was, and what piled up goes out at full speed.

use std::fmt::{self, Display, Formatter};
use std::thread;
use std::time::{Duration, Instant};

use crate::keeper::Keeper;
use crate::plan::Plan;
use crate::scraper::{Scraper, resident};
use crate::server::{Fault, Faults};
use crate::store::Store;
use crate::support::shipper::PATIENCE;

/// The shipper's first seconds, in which its memory still grows.
pub(crate) const START: Duration = Duration::from_secs(10);

/// How long it is watched at work after that, before the server goes away.
pub(crate) const BEFORE: Duration = Duration::from_secs(15);

/// How long it is written on after the server's return.
pub(crate) const AFTER: Duration = Duration::from_secs(5);

/// Of its memory before, so much more may be resident while the server is away.
const MOST_GROWTH: f64 = 0.1;

/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// Ticks of a second in `/proc/<pid>/stat` (`USER_HZ`, the same on every Linux).
const TICKS: f64 = 100.0;

/// What was seen of an outage.
#[derive(Debug, Clone)]
pub(crate) struct Outage {
    length: Duration,
    /// Most resident bytes in the time before.
    before: u64,
    /// Most resident bytes while the server was away.
    most: u64,
    /// From the server's return to the first document.
    first: Duration,
    /// The moment of the first document, and what had been done by then.
    resumed: (Instant, Work),
    /// Time, bytes and CPU time of the catch-up.
    catch_up: Option<(Duration, Work)>,
}

/// What a shipper did since it started.
#[derive(Debug, Clone, Copy)]
struct Work {
    /// Bytes of log that are finished.
    finished: u64,
    /// Seconds of CPU time.
    cpu: f64,
}

/// Takes the server away in the middle of the plan's time; until the first document after it is back.
pub(crate) fn happen(plan: &Plan, faults: &Faults, keeper: &Keeper, scraper: &Scraper, store: &Store) -> Outage {
    let process = keeper.process().expect("the shipper runs");
    thread::sleep(START);
    let before = most_resident(process, BEFORE);
    faults.set(Some(Fault::Refused));
    let length = plan.writing.saturating_sub(START + BEFORE + AFTER);
    let most = most_resident(process, length);
    let documents = store.lock().documents;
    faults.set(None);
    let returned = Instant::now();
    while store.lock().documents == documents && returned.elapsed() < PATIENCE {
        thread::sleep(LOOK);
    }
    let resumed = (Instant::now(), work(process, scraper));
    Outage { length, before, most, first: returned.elapsed(), resumed, catch_up: None }
}

impl Outage {
    /// All that piled up has arrived.
    pub(crate) fn is_over(&mut self, keeper: &Keeper, scraper: &Scraper) {
        let process = keeper.process().expect("the shipper runs");
        let (since, earlier) = self.resumed;
        let elapsed = since.elapsed();
        // The last look at the metrics was a little earlier.
        thread::sleep(Duration::from_secs(1));
        let Work { finished, cpu } = work(process, scraper);
        let work = Work { finished: finished.saturating_sub(earlier.finished), cpu: cpu - earlier.cpu };
        self.catch_up = Some((elapsed, work));
    }

    /// What is wrong with it.
    pub(crate) fn complaint(&self) -> Option<String> {
        let allowed = self.before as f64 * (1.0 + MOST_GROWTH);
        (self.most as f64 > allowed).then(|| {
            let [before, most] = [self.before, self.most].map(|bytes| bytes as f64 / 1e6);
            format!("{most:.1} MB were resident while the server was away, and {before:.1} MB before")
        })
    }
}

impl Display for Outage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let [before, most] = [self.before, self.most].map(|bytes| bytes as f64 / 1e6);
        write!(f, "outage     {:.0?}; resident at most {before:.1} MB before, {most:.1} MB during", self.length)?;
        let Some((elapsed, Work { finished, cpu })) = self.catch_up else { return Ok(()) };
        let megabytes = finished as f64 / 1e6;
        write!(
            f,
            "\ncatch-up   begun {:.1?} after the server's return; {megabytes:.0} MB in {elapsed:.1?}: {:.1} MB/s, \
             {:.1} MB/s per core",
            self.first,
            megabytes / elapsed.as_secs_f64(),
            megabytes / cpu
        )
    }
}

fn most_resident(process: u32, time: Duration) -> u64 {
    let started = Instant::now();
    let mut most = 0;
    while started.elapsed() < time {
        most = most.max(resident(process));
        thread::sleep(LOOK);
    }
    most
}

fn work(process: u32, scraper: &Scraper) -> Work {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("the shipper runs");
    // The name of the program, in parentheses, may have blanks. After it come the state and ten numbers more.
    let (_, rest) = stat.rsplit_once(')').expect("the name of the program");
    let ticks: u64 = rest.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Work { finished: scraper.seen().present.finished, cpu: ticks as f64 / TICKS }
}
