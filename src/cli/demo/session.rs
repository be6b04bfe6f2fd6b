//! The order of events: prepare, write and show, catch up, compare, search.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use tracing_subscriber::filter::LevelFilter;

use super::DemoArguments;
use super::configuration::{DEAD_LETTERS, METADATA, PARSERS, Remote, text};
use super::directory::TemporaryDirectory;
use super::generator::{Generator, Kubelet, KubeletError, KubeletOptions};
use super::receiver::{OnDocument, Receiver, ReceiverOptions};
use super::searches::SEARCHES;
use super::server::{Server, ServerError};
use super::show::{Show, TICK};
use super::status::Sums;
use super::stops::Stops;
use super::totals::Totals;
use super::watched::Watched;
use super::writer::{Writer, Written, rotate_at};
use crate::cli::figures::grouped;
use crate::config::{Environment, load_text};
use crate::pipeline::{Ending, Memory, Pipeline, Plugins, Stop, build};
use crate::record::Timestamp;
use crate::spool::dead_letters::segments;
use crate::telemetry::accounts::Accounts;
use crate::telemetry::log;

/// The same cluster every time.
const SEED: u64 = 3;
/// Bytes behind, as a multiple of a file's size, at which writing pauses: no file that was not read may be removed,
/// and the kubelet keeps four.
const MOST_BEHIND: u64 = 2;
/// Catching up is given up when something is on its way and nothing moves for so long. A traceback at the end of a log
/// is complete after five seconds, and a request is repeated after 15 at most.
const PATIENCE: Duration = Duration::from_secs(20);
/// The same when nothing is on its way. A new file whose event got lost is found by the scan every ten seconds
/// (`Refresh_Interval`).
const IDLE_PATIENCE: Duration = Duration::from_secs(12);
/// Lines of a file that are shown of what went wrong.
const COMPLAINTS: usize = 10;
/// The log of flytail itself, under the root.
const LOG: &str = "flytail.log";

/// Why there is no demonstration.
#[derive(Debug, thiserror::Error)]
pub(super) enum DemoError {
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error(transparent)]
    Logs(#[from] KubeletError),
    #[error("the server cannot be used: {0}")]
    Server(#[from] ServerError),
    #[error("the demonstration cannot begin: {0}")]
    Process(#[from] io::Error),
    #[error("the configuration cannot run:\n{0}")]
    Configuration(String),
}

/// Runs it to its end. Whether all that was written has arrived.
pub(super) async fn run(arguments: &DemoArguments) -> Result<bool, DemoError> {
    let stops = Stops::listen()?;
    let server = tokio::select! {
        server = Server::prepare(arguments) => server?,
        () = stops.asked(1) => return Ok(false),
    };
    let directory = TemporaryDirectory::create().map_err(|(path, error)| DemoError::File { path, error })?;
    let root = directory.path();
    let generator = Generator::new(SEED);
    let kubelet = lay_out(root, &generator, arguments.rate)?;
    let pods = generator.cluster().pods.len();
    let watched = Arc::new(Watched::new(arguments.show));
    let for_receiver = Arc::clone(&watched);
    let on_document: OnDocument = Box::new(move |document| for_receiver.see(document));
    let receiver = Receiver::start(ReceiverOptions { check_ids: true, on_document: Some(on_document) }).await?;
    let (pipeline, grace) = pipeline(arguments, root, &receiver, server.as_ref().map(Server::remote))?;
    let accounts = pipeline.accounts();
    let mut show = Show::new(arguments.json, Arc::clone(&watched), Arc::clone(&accounts));
    show.screen.say(&introduction(arguments, pods, root));
    show.begin();
    let from = Timestamp::now();
    let writer = Writer::start(generator, kubelet, arguments.rate, is_behind(&accounts, arguments.rate))?;
    let demo = Demo { stops, receiver, watched, accounts, show, server };
    demo.run(arguments, root, (pipeline, grace), writer, from).await
}

/// Everything that the pipeline finds on disk, before there is a line of log.
fn lay_out(root: &Path, generator: &Generator, rate: u32) -> Result<Kubelet, DemoError> {
    let path = root.join("parsers.conf");
    fs::write(&path, PARSERS).map_err(|error| DemoError::File { path, error })?;
    generator.cluster().write_metadata(&root.join(METADATA))?;
    let options = KubeletOptions {
        rotate_at: Some(rotate_at(rate)),
        rotate_within_records: true,
        interleave_streams: true,
        ..KubeletOptions::default()
    };
    Ok(Kubelet::new(root, generator.cluster(), options)?)
}

/// The pipeline, and how long its end may take.
fn pipeline(
    arguments: &DemoArguments,
    root: &Path,
    receiver: &Receiver,
    remote: Option<Remote<'_>>,
) -> Result<(Pipeline, Duration), DemoError> {
    let path = root.join(LOG);
    // It would come between the documents; what it says is shown at the end.
    log::init(LevelFilter::WARN, Some(&path)).map_err(|error| DemoError::File { path, error })?;
    let mut environment = Environment::process();
    environment.set("ES_USER", arguments.user.as_deref().unwrap_or_default());
    environment.set("ES_PASS", arguments.password.as_deref().unwrap_or_default());
    let plugins = Plugins::all();
    let text = text(root, receiver.address(), remote);
    let (config, mut problems) = load_text(&root.join("fluent-bit.conf"), &text, &plugins.registry(), &environment);
    let pipeline = build(&config, &environment, &Memory::default(), &mut problems).filter(|_| !problems.is_fatal());
    let pipeline = pipeline.ok_or_else(|| DemoError::Configuration(problems.to_string()))?;
    Ok((pipeline, config.service.grace))
}

fn is_behind(accounts: &Arc<Accounts>, rate: u32) -> impl Fn() -> bool + Send + 'static {
    let accounts = Arc::clone(accounts);
    let most = MOST_BEHIND * rotate_at(rate);
    move || Sums::of(&accounts.total()).behind > most
}

fn introduction(arguments: &DemoArguments, pods: usize, root: &Path) -> String {
    let rate = u64::from(arguments.rate);
    let mut text = format!(
        "{pods} pods of a Flyte cluster write {} records/s below {}.\nflytail tails them with a Fluent Bit \
         configuration; this is what it would index",
        grouped(rate),
        root.display(),
    );
    if rate > arguments.show as u64 {
        text += &format!(" (at most {} documents a second are shown)", grouped(arguments.show as u64));
    }
    if let Some(url) = &arguments.elasticsearch {
        text += &format!(",\nand what it indexes at {url}");
    }
    text + ". Ctrl-C ends it."
}

/// A demonstration that runs.
struct Demo<'a> {
    stops: Stops,
    receiver: Receiver,
    watched: Arc<Watched>,
    accounts: Arc<Accounts>,
    show: Show,
    server: Option<Server<'a>>,
}

impl Demo<'_> {
    async fn run(
        mut self,
        arguments: &DemoArguments,
        root: &Path,
        (pipeline, grace): (Pipeline, Duration),
        mut writer: Writer,
        from: Timestamp,
    ) -> Result<bool, DemoError> {
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move {
            drop(stopped.await);
            Stop::Drain(grace)
        };
        let mut running = tokio::spawn(pipeline.run(stopped));
        self.watch(&mut writer, arguments.end_after, &running).await;
        let written = writer.stop();
        let goal = writer.written();
        self.catch_up(goal.records, &running).await;
        drop(stop);
        let failure = tokio::select! {
            biased;
            () = self.stops.asked(2) => Some("Cut off: what was on its way was not waited for."),
            ended = &mut running => match ended {
                Ok(Ending { has_failed: false, .. }) => None,
                _ => Some("flytail failed."),
            },
        };
        self.show.end();
        if let Some(failure) = failure {
            self.show.screen.say(failure);
        }
        let totals = self.totals(goal);
        self.show.screen.say(&format!("\n{totals}"));
        self.complain(root);
        let searched = match &self.server {
            Some(_) => self.search(&totals.written, from).await,
            None => true,
        };
        written?;
        Ok(totals.differences().is_empty() && searched && failure.is_none())
    }

    /// Shows what happens until it is time to end.
    async fn watch(&mut self, writer: &mut Writer, end_after: Option<Duration>, running: &JoinHandle<Ending>) {
        let stops = self.stops.clone();
        let asked = stops.asked(1);
        tokio::pin!(asked);
        let end_at = end_after.map(|after| Instant::now() + after);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = &mut asked => return,
                _ = ticks.tick() => {}
            }
            let now = Instant::now();
            self.show.tick(now);
            let is_over = end_at.is_some_and(|end| now >= end) || self.show.is_closed;
            if is_over || writer.has_ended() || running.is_finished() {
                return;
            }
        }
    }

    /// Waits until everything that was written is settled, as long as something moves.
    async fn catch_up(&mut self, goal: u64, running: &JoinHandle<Ending>) {
        let stops = self.stops.clone();
        let asked = stops.asked(2);
        tokio::pin!(asked);
        let mut ticks = interval(TICK);
        let (mut last, mut moved_at) = (Sums::default(), Instant::now());
        self.show
            .screen
            .say("Nothing more is written; flytail catches up. (A traceback may still go on for five seconds.)");
        loop {
            tokio::select! {
                () = &mut asked => return,
                _ = ticks.tick() => {}
            }
            let now = Instant::now();
            self.show.tick(now);
            let sums = Sums::of(&self.accounts.total());
            if sums != last {
                (last, moved_at) = (sums, now);
            }
            let is_idle = sums.behind == 0 && sums.held == 0 && sums.in_flight == 0;
            let is_done = is_idle && sums.settled >= goal;
            let patience = if is_idle { IDLE_PATIENCE } else { PATIENCE };
            if is_done || now.duration_since(moved_at) >= patience || running.is_finished() {
                return;
            }
        }
    }

    fn totals(&self, written: Written) -> Totals {
        let snapshot = self.accounts.total();
        let remote = self.server.as_ref().zip(snapshot.outputs.get(1));
        Totals {
            written,
            sums: Sums::of(&snapshot),
            retries: self.accounts.deliveries.iter().map(|delivery| delivery.retries()).sum(),
            received: self.receiver.received(),
            levels: self.watched.levels(),
            remote: remote.map(|(server, account)| (server.remote().url.to_string(), account.acked)),
        }
    }

    /// Shows what flytail itself had to say, and which documents were refused: their files are about to go.
    fn complain(&mut self, root: &Path) {
        let segments = segments(&root.join(DEAD_LETTERS)).unwrap_or_default();
        let letters = segments.into_iter().map(|segment| segment.path).collect();
        for (files, title) in [(vec![root.join(LOG)], "flytail's own log:"), (letters, "Documents that were refused:")]
        {
            let text: Vec<u8> = files.iter().flat_map(|file| fs::read(file).unwrap_or_default()).collect();
            let text = String::from_utf8_lossy(&text);
            if text.is_empty() {
                continue;
            }
            self.show.screen.say(&format!("\n{title}"));
            for line in text.lines().take(COMPLAINTS) {
                self.show.screen.say(&format!("  {line}"));
            }
            let left = text.lines().count().saturating_sub(COMPLAINTS);
            if left > 0 {
                self.show.screen.say(&format!("  and {left} more"));
            }
        }
    }

    /// Searches the user's server for what was written. Whether all of it was found.
    async fn search(&mut self, written: &Written, from: Timestamp) -> bool {
        let Some(server) = &self.server else { return true };
        let (from, to) = (rfc3339(from), rfc3339(Timestamp::now()));
        let mut lines = vec![format!("\n{:>10} {:>10}  since {from}", "hits", "written")];
        let mut is_right = true;
        let outcome = async {
            server.refresh().await?;
            for (search, expected) in SEARCHES.iter().zip(written.found) {
                let hits = server.count(search, (&from, &to)).await?;
                // Somebody else may write to the same index.
                is_right &= hits >= expected;
                lines.push(format!("{:>10} {:>10}  {}", grouped(hits), grouped(expected), search.kql));
            }
            Ok::<(), ServerError>(())
        };
        let outcome = tokio::select! {
            outcome = outcome => outcome,
            () = self.stops.asked(2) => Ok(()),
        };
        match outcome {
            Ok(()) => lines.push(format!(
                "Type them into Kibana (Discover, data view flyte-logs*), or see {}",
                server.address_of_errors()
            )),
            Err(error) => lines.push(format!("The searches failed: {error}")),
        }
        self.show.screen.say(&lines.join("\n"));
        is_right && lines.len() == SEARCHES.len() + 2
    }
}

fn rfc3339(time: Timestamp) -> String {
    let mut text = Vec::new();
    time.write_rfc3339(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}
