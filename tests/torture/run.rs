//! One run: writes, kills and fails for a while, waits until everything is there, and judges.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::json;
use tempfile::TempDir;

use crate::ground::Blame;
use crate::keeper::Keeper;
use crate::marker::Reader;
use crate::outage;
use crate::plan::Plan;
use crate::reloads::{self, Reloads};
use crate::report::Report;
use crate::scraper::Scraper;
use crate::server::{Fault, Faults, Server};
use crate::store::Store;
use crate::support::node::{count, set_up};
use crate::support::server::{self, Engine, free_port};
use crate::writer::{self, Written};

/// A kill is followed by at most so long without a shipper.
const LONGEST_ABSENCE: Duration = Duration::from_secs(3);

/// A run in which nothing more arrives for so long is given up. The shipper waits up to 15 seconds between two tries.
const STANDSTILL: Duration = Duration::from_secs(40);

/// The longest wait for everything to arrive.
const LONGEST_DRAIN: Duration = Duration::from_secs(600);

/// How long the shipper is watched after the last document, for documents that come twice.
const AFTERMATH: Duration = Duration::from_secs(3);

/// Pause between two looks at what arrived.
const LOOK: Duration = Duration::from_millis(500);

/// The alias of the indices on the real server.
const INDEX: &str = "flyte-torture";

/// Against the fake, with all its faults.
pub(crate) fn fake(plan: &Plan, keep: bool) -> Report {
    let (store, faults) = (Arc::new(Store::default()), Arc::new(Faults::default()));
    let server = Server::start(Arc::clone(&store), Arc::clone(&faults));
    let run = Run::start(plan, server.port(), Arc::clone(&store));
    let schedule = (!plan.has_outage).then(|| faults.schedule(plan.seed, plan.calm.clone()));
    let (mut reloads, mut outage) = (Reloads::default(), None);
    let mut written = run.write_and_kill(|| {
        reloads = run.reload();
        outage = plan.has_outage.then(|| outage::happen(plan, &faults, &run.keeper, &run.scraper, &store));
    });
    faults.end();
    schedule.into_iter().for_each(|schedule| schedule.join().expect("the schedule does not panic"));
    run.drain(&mut written, |_| store.lock().documents);
    outage.iter_mut().for_each(|outage| outage.is_over(&run.keeper, &run.scraper));
    let mut report = run.finish(written, keep, |_| ());
    report.outage = outage;
    if !plan.has_outage {
        report.faults = Fault::ALL.iter().map(|fault| (format!("{fault:?}"), faults.met(*fault))).collect();
    }
    if plan.reloads > 0 {
        report.faults.push(("reloads".to_owned(), reloads.done));
        report.faults.push(("refused configurations".to_owned(), reloads.refused));
    }
    report.load = Some(server.load());
    report
}

/// Against the real server, which is killed in the middle.
pub(crate) fn real(plan: &Plan, keep: bool) -> Report {
    let mut server = server::Server::start(Engine::Elasticsearch8);
    set_up(&server, INDEX);
    let client = server.client();
    let run = Run::start(plan, server.port(), Arc::default());
    let mut written = run.write_and_kill(|| {
        thread::sleep(plan.writing / 3);
        server.kill();
        server.start_again();
    });
    run.drain(&mut written, |_| count(&client, INDEX));
    let mut report = run.finish(written, keep, |store| {
        client.refresh(&format!("{INDEX}-*"));
        let (reader, mut markers) = (Reader::new(), Vec::new());
        let everything = json!({ "match_all": {} });
        let mut state = store.lock();
        client.each_document(&format!("{INDEX}-*"), &everything, Some(&["message", "log"]), |id, document| {
            let text = document.to_string();
            reader.read(text.as_bytes(), &mut markers);
            state.create(INDEX, id.as_bytes(), text.as_bytes(), &markers);
        });
    });
    report.faults = vec![("server killed".to_owned(), 1)];
    report
}

struct Run<'p> {
    plan: &'p Plan,
    directory: TempDir,
    configuration: PathBuf,
    monitoring: u16,
    keeper: Arc<Keeper>,
    store: Arc<Store>,
    scraper: Scraper,
}

impl<'p> Run<'p> {
    fn start(plan: &'p Plan, port: u16, store: Arc<Store>) -> Self {
        let directory = tempfile::Builder::new().prefix("flytail-torture-").tempdir().expect("a temporary directory");
        let monitoring = free_port();
        let configuration = directory.path().join("flytail.conf");
        fs::write(&configuration, configured(directory.path(), port, monitoring)).expect("a configuration");
        let keeper = Arc::new(Keeper::new(configuration.clone()));
        let scraper = Scraper::start(monitoring, Arc::clone(&keeper));
        Self { plan, directory, configuration, monitoring, keeper, store, scraper }
    }

    /// Writes for as long as the plan says, with kills, while `meanwhile` runs in a thread of its own.
    fn write_and_kill(&self, meanwhile: impl FnOnce() + Send) -> Written {
        let writer = writer::start(self.directory.path(), self.plan, Arc::clone(&self.keeper), Arc::clone(&self.store));
        self.keeper.start();
        thread::scope(|scope| {
            let meanwhile = scope.spawn(meanwhile);
            self.kill();
            meanwhile.join().expect("what happens meanwhile does not fail");
        });
        writer.join().expect("the writer does not panic")
    }

    fn reload(&self) -> Reloads {
        reloads::all(self.plan, &self.configuration, self.monitoring, &self.keeper)
    }

    /// Kills the shipper once in each of equal parts of the time, at a random moment.
    fn kill(&self) {
        let mut rng = Rng::with_seed(self.plan.seed);
        let started = Instant::now();
        let part = self.plan.writing / self.plan.kills.max(1);
        for number in 0..self.plan.kills {
            self.wait_until(started + part * number + part.mul_f64(rng.f64() * 0.8));
            self.keeper.kill();
            self.wait_until(Instant::now() + LONGEST_ABSENCE.min(part / 2).mul_f64(rng.f64()));
            self.keeper.start();
        }
        self.wait_until(started + self.plan.writing);
    }

    /// Waits while the shipper, if it is to run, does.
    fn wait_until(&self, moment: Instant) {
        while Instant::now() < moment {
            self.check();
            thread::sleep(moment.saturating_duration_since(Instant::now()).min(Duration::from_millis(50)));
        }
    }

    fn check(&self) {
        if let Some(status) = self.keeper.unexpected_end() {
            panic!("the shipper ended by itself, {status}:\n{}", end_of_log(self.directory.path()));
        }
    }

    /// Waits until everything that must arrive has, or nothing more comes.
    fn drain(&self, written: &mut Written, documents: impl Fn(&Store) -> u64) {
        let started = Instant::now();
        let (mut last, mut since) = (0, started);
        let expected: u64 = written.containers.iter().map(writer::Container::records).sum();
        while since.elapsed() < STANDSTILL && started.elapsed() < LONGEST_DRAIN {
            self.check();
            let came = documents(&self.store);
            if came != last {
                (last, since) = (came, Instant::now());
            }
            self.bury();
            let is_settled = self.scraper.seen().present.in_flight == 0;
            if is_settled && (came >= expected || self.missing(written) == 0) {
                return;
            }
            thread::sleep(LOOK);
        }
    }

    /// Lines that must arrive and have not. Forgets those that have.
    fn missing(&self, written: &mut Written) -> usize {
        let kills = self.keeper.kills();
        let state = self.store.lock();
        let files = written.containers.iter_mut().flat_map(writer::Container::files_mut);
        let missing = files.filter_map(|file| {
            file.prune(&state);
            matches!(file.blame(&kills), Blame::Missing(_)).then_some(file.lines.len())
        });
        missing.sum()
    }

    /// Looks for refused documents among the dead letters.
    fn bury(&self) -> u64 {
        let reader = Reader::new();
        let files = files_below(&self.directory.path().join("state"));
        let dead = files.iter().filter(|path| path.to_string_lossy().contains("dead"));
        // A segment may be removed while we look.
        dead.filter_map(|path| fs::read(path).ok()).map(|text| self.store.lock().bury(&reader, &text)).sum()
    }

    /// Ends the shipper, and judges. `look` brings what arrived into the store.
    fn finish(self, mut written: Written, keep: bool, look: impl FnOnce(&Store)) -> Report {
        thread::sleep(AFTERMATH);
        self.check();
        let ended = self.keeper.terminate().filter(|status| !ExitStatus::success(status));
        look(&self.store);
        self.bury();
        self.missing(&mut written);
        let kills = self.keeper.kills();
        let seen = self.scraper.finish();
        let log = end_of_log(self.directory.path());
        if keep {
            println!("kept {}", self.directory.keep().display());
        }
        Report {
            plan: self.plan.clone(),
            written,
            store: self.store,
            seen,
            kills,
            ended,
            log,
            faults: Vec::new(),
            load: None,
            outage: None,
        }
    }
}

fn files_below(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] })
        .collect()
}

fn end_of_log(directory: &Path) -> String {
    let log = fs::read(directory.join("log")).unwrap_or_default();
    let text = String::from_utf8_lossy(&log).into_owned();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

fn configured(root: &Path, port: u16, monitoring: u16) -> String {
    let root = root.display();
    format!(
        "[SERVICE]
  Flush 1
  Hot_Reload On
  HTTP_Server On
  HTTP_Listen 127.0.0.1
  HTTP_Port {monitoring}
  Spool_Limit 8G
[INPUT]
  Name tail
  Path {root}/containers/*flyte*.log
  Tag kube.*
  Mem_Buf_Limit 50MB
  DB {root}/state/tail.db
[FILTER]
  Name kubernetes
  Match kube.*
  Merge_Log On
  Keep_Log Off
[OUTPUT]
  Name es
  Match *
  Host 127.0.0.1
  Port {port}
  Index {INDEX}
"
    )
}
