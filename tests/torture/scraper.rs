//! Looks at the shipper's metrics all the time, and checks that both accounts hold.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ureq::Agent;

use crate::keeper::Keeper;

/// Pause between two scrapes.
const PAUSE: Duration = Duration::from_millis(250);

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Of accounts that did not hold so many are kept.
const EXAMPLES: usize = 10;

/// What was seen so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) scrapes: u64,
    /// Scrapes of a shipper that had answered before and ran before and after, but did not answer.
    pub(crate) unanswered: u64,
    /// Accounts that did not hold.
    pub(crate) broken: Vec<String>,
    /// Sums over all processes, each as last scraped.
    pub(crate) totals: Figures,
    /// Of the present process.
    pub(crate) present: Figures,
    /// Largest resident memory, in bytes.
    pub(crate) memory: u64,
    process: Option<u32>,
}

/// Sums over all inputs and outputs.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    pub(crate) read: u64,
    pub(crate) finished: u64,
    pub(crate) held: u64,
    pub(crate) behind: u64,
    pub(crate) routed: u64,
    pub(crate) acked: u64,
    pub(crate) dead: u64,
    pub(crate) dropped: u64,
    pub(crate) in_flight: u64,
}

impl Figures {
    fn add(&mut self, other: Self) {
        self.read += other.read;
        self.routed += other.routed;
        self.acked += other.acked;
        self.dead += other.dead;
        self.dropped += other.dropped;
    }
}

/// See the module.
pub(crate) struct Scraper {
    seen: Arc<Mutex<Seen>>,
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Scraper {
    /// Scrapes whatever shipper runs, at a port of this machine.
    pub(crate) fn start(port: u16, keeper: Arc<Keeper>) -> Self {
        let (seen, is_over) = (Arc::new(Mutex::new(Seen::default())), Arc::new(AtomicBool::new(false)));
        let agent: Agent =
            Agent::config_builder().timeout_global(Some(TIMEOUT)).max_idle_connections(0).proxy(None).build().into();
        let (shared, stop) = (Arc::clone(&seen), Arc::clone(&is_over));
        let thread = thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                scrape(&agent, port, &keeper, &shared);
                thread::sleep(PAUSE);
            }
        });
        Self { seen, is_over, thread }
    }

    /// What was seen so far.
    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops; what was seen, the last process included in the totals.
    pub(crate) fn finish(self) -> Seen {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().expect("the scraper does not panic");
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        seen.totals.add(seen.present);
        seen
    }
}

fn scrape(agent: &Agent, port: u16, keeper: &Keeper, seen: &Mutex<Seen>) {
    let Some(process) = keeper.process() else { return };
    let answer = agent.get(format!("http://127.0.0.1:{port}/metrics")).call();
    let text = answer.and_then(|mut answer| answer.body_mut().read_to_string());
    if keeper.process() != Some(process) {
        // It was killed meanwhile.
        return;
    }
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let Ok(text) = text else {
        // Until it listens, there is no answer.
        seen.unanswered += u64::from(seen.process == Some(process));
        return;
    };
    if seen.process != Some(process) {
        let last = std::mem::take(&mut seen.present);
        seen.totals.add(last);
        seen.process = Some(process);
    }
    seen.scrapes += 1;
    let (figures, broken) = read(&text);
    seen.present = figures;
    let room = EXAMPLES.saturating_sub(seen.broken.len());
    seen.broken.extend(broken.into_iter().take(room));
    seen.memory = seen.memory.max(resident(process));
}

/// The sums, and the accounts that do not hold.
pub(crate) fn read(text: &str) -> (Figures, Vec<String>) {
    // By instance, summed over all other labels.
    let mut values: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("flytail_")) {
        let Some((name, rest)) = line.split_once('{') else { continue };
        let Some((labels, value)) = rest.rsplit_once("} ") else { continue };
        let instance = labels.split_once("name=\"").and_then(|(_, rest)| rest.split('"').next());
        if let (Some(instance), Ok(value)) = (instance, value.parse::<u64>()) {
            *values.entry((instance, name)).or_default() += value;
        }
    }
    let (mut figures, mut broken) = (Figures::default(), Vec::new());
    let instances: std::collections::BTreeSet<_> = values.keys().map(|(instance, _)| *instance).collect();
    for instance in instances {
        let value = |name: &str| values.get(&(instance, name)).copied();
        if let Some(read) = value("input_read_bytes_total") {
            let [finished, held] =
                ["input_finished_bytes_total", "input_held_bytes"].map(|name| value(name).unwrap_or(0));
            if read != finished + held {
                broken.push(format!("{instance}: read {read}, finished {finished}, held {held}"));
            }
            figures.read += read;
            figures.finished += finished;
            figures.held += held;
            figures.behind += value("input_behind_bytes").unwrap_or(0);
        }
        if let Some(routed) = value("output_routed_records_total") {
            let names =
                ["acked_records_total", "dead_lettered_records_total", "dropped_records_total", "in_flight_records"];
            let [acked, dead, dropped, in_flight] = names.map(|name| value(&format!("output_{name}")).unwrap_or(0));
            if routed != acked + dead + dropped + in_flight {
                broken.push(format!(
                    "{instance}: routed {routed}, acked {acked}, dead-lettered {dead}, dropped {dropped}, \
                     in flight {in_flight}"
                ));
            }
            figures.routed += routed;
            figures.acked += acked;
            figures.dead += dead;
            figures.dropped += dropped;
            figures.in_flight += in_flight;
        }
    }
    if figures.read == 0 && values.is_empty() {
        broken.push("the page has no accounts".to_owned());
    }
    (figures, broken)
}

/// Resident memory of a process, in bytes; 0 if it is gone.
pub(crate) fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) * 1024
}
