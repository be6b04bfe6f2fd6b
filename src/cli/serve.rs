//! Running a configuration: over reloads, to its orderly end.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::print::eprint;
use super::undrained::Undrained;
use super::watch::Watched;
use super::{FAILED, INVALID};
use crate::config::{Config, Excerpts, Problems};
use crate::pipeline::{Ending, Pipeline, Stop};
use crate::telemetry::accounts::Snapshot;
use crate::telemetry::http;
use crate::telemetry::status::{Outcome, Reloads, Request, Status};

/// A configuration that may run.
pub(super) struct Loaded {
    pub(super) config: Config,
    pub(super) pipeline: Pipeline,
    /// What is to be said of it.
    pub(super) problems: Problems,
}

/// Runs a configuration, and those that `load` gives when a reload is asked for, until `stop` says so.
pub(super) async fn serve(
    first: Loaded,
    stop: impl Future<Output = ()>,
    load: impl Fn() -> Result<Loaded, Problems>,
    watched: Arc<Watched>,
) -> ExitCode {
    let (reloads, mut requests) = Reloads::new();
    let status = Arc::new(Status::new(first.pipeline.accounts(), reloads));
    let mut server = StatusServer { status: Arc::clone(&status), listening: None };
    if server.listen(&first.config).await.is_err() {
        return ExitCode::from(INVALID);
    }
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        inputs = first.config.inputs.len(),
        outputs = first.config.outputs.len(),
        dead_letters = %first.pipeline.dead_letters().display(),
        "started"
    );
    give_notice(&first.config);
    // They end with the runtime.
    tokio::spawn(reload_on_hangup(Arc::clone(&status)));
    tokio::spawn(watched.reload_on_change(Arc::clone(&status)));
    tokio::pin!(stop);
    let mut running = first;
    let mut asked: Option<Request> = None;
    loop {
        let Loaded { config, pipeline, .. } = running;
        status.show(pipeline.accounts());
        status.reloads.enable(config.service.hot_reload);
        if let Some(asked) = asked.take() {
            status.reloads.was_done();
            // Whoever asked may have left.
            let _ = asked.send(Outcome::Done);
        }
        let grace = config.service.grace;
        let mut next = None;
        let until = async {
            tokio::select! {
                () = &mut stop => {
                    tracing::info!("service will shutdown in max {} seconds", grace.as_secs());
                    Stop::Drain(grace)
                }
                loaded = reloaded(&mut requests, &load, &config, &mut server) => {
                    next = Some(loaded);
                    Stop::Halt(grace)
                }
            }
        };
        let Ending { snapshot, has_failed } = pipeline.run(until).await;
        match next {
            Some((loaded, request)) if !has_failed => {
                tracing::info!(inputs = loaded.config.inputs.len(), outputs = loaded.config.outputs.len(), "reloaded");
                (running, asked) = (loaded, Some(request));
            }
            _ => {
                report(&config, &snapshot);
                return if has_failed { ExitCode::from(FAILED) } else { ExitCode::SUCCESS };
            }
        }
    }
}

/// Waits until a reload is asked for and the configuration is valid; what is not is told, and the old
/// one goes on.
async fn reloaded(
    requests: &mut mpsc::Receiver<Request>,
    load: &impl Fn() -> Result<Loaded, Problems>,
    old: &Config,
    server: &mut StatusServer,
) -> (Loaded, Request) {
    loop {
        let Some(request) = requests.recv().await else { return std::future::pending().await };
        let mut excerpts = Excerpts::default();
        // What is told at once stands in the log with its lines, as `check` shows it.
        let (refusal, told) = match load() {
            _ if old.inputs.iter().any(|input| input.plugin() == "stdin") => {
                ("what was read from standard input cannot be read again: start anew instead".to_owned(), None)
            }
            Err(problems) => (problems.to_string(), Some(excerpts.show_all(&problems))),
            Ok(loaded) => match server.listen(&loaded.config).await {
                Ok(()) => {
                    eprint(excerpts.show_all(&loaded.problems));
                    return (loaded, request);
                }
                Err(reason) => (reason, None),
            },
        };
        let told = told.as_deref().unwrap_or(&refusal).trim_end();
        tracing::error!("the new configuration is refused, the old one goes on:\n{told}");
        server.status.reloads.was_refused(&refusal);
        // Whoever asked may have left.
        let _ = request.send(Outcome::Refused(refusal));
    }
}

/// SIGHUP asks for a reload, too.
async fn reload_on_hangup(status: Arc<Status>) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    while hangup.recv().await.is_some() {
        match status.reloads.ask().await {
            Outcome::Disabled => tracing::warn!("SIGHUP reloads nothing: Hot_Reload is off"),
            Outcome::Busy => tracing::warn!("SIGHUP came while the configuration was being reloaded"),
            Outcome::Done | Outcome::Refused(_) => {}
        }
    }
}

/// The status server, where the configuration that runs wants it.
struct StatusServer {
    status: Arc<Status>,
    listening: Option<(String, u16, JoinHandle<()>)>,
}

impl StatusServer {
    /// Listens where a configuration says, and nowhere else. The error says why it cannot.
    async fn listen(&mut self, config: &Config) -> Result<(), String> {
        let (host, port) = (config.service.http_listen.as_str(), config.service.http_port);
        if !config.service.http_server {
            self.stop();
            return Ok(());
        }
        if self.listening.as_ref().is_some_and(|(old_host, old_port, _)| (old_host.as_str(), *old_port) == (host, port))
        {
            return Ok(());
        }
        let listener = http::listen(host, port).await.map_err(|error| {
            tracing::error!(host, port, %error, "the status server cannot listen");
            format!("the status server cannot listen at {host}:{port}: {error}")
        })?;
        self.stop();
        let serving = http::serve(listener, Arc::clone(&self.status));
        let task = tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the status server ended");
            }
        });
        self.listening = Some((host.to_owned(), port, task));
        Ok(())
    }

    fn stop(&mut self) {
        if let Some((_, _, task)) = self.listening.take() {
            task.abort();
        }
    }
}

/// What someone who comes from Fluent Bit has to know, once.
fn give_notice(config: &Config) {
    tracing::info!(
        "unlike Fluent Bit, unless set otherwise: files without a checkpoint are read from their beginning \
         (Read_from_Head), the Flyte filter adds the day to the index of es (Index_Date), retries have no limit \
         (Retry_Limit)"
    );
    let tails = config.inputs.iter().filter(|input| input.plugin() == "tail");
    for input in tails.filter(|input| input.options().text("DB").is_none()) {
        tracing::warn!(
            input = input.name(),
            "has no DB: after a restart its files are read again, which shows no container's line twice"
        );
    }
    if let Some(path) = &config.service.storage_path
        && let Some(Undrained { files, bytes }) = Undrained::look(path)
    {
        tracing::warn!(
            path = %path.display(), files, bytes,
            "Fluent Bit read records that it did not deliver, and they are not shipped from here: start it once more \
             with the same storage.path and outputs, and without inputs, until no .flb file is left"
        );
    }
}

/// Takes the signals that ask for an end from now on, and waits for one. A second one ends the process at once: what is
/// not acknowledged then is read again at the next start. To be called within the runtime.
pub(super) fn stop_signal() -> impl Future<Output = ()> {
    let taken = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::quit()));
    wait_for_stop(taken)
}

type Taken = io::Result<Signal>;

async fn wait_for_stop(taken: (Taken, Taken, Taken)) {
    let (Ok(mut terminate), Ok(mut interrupt), Ok(mut quit)) = taken else {
        tracing::error!("signals cannot be taken: end this process by force");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = quit.recv() => {}
    }
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = quit.recv() => {}
        }
        std::process::exit(i32::from(FAILED));
    });
}

/// Both accounts, at the end.
fn report(config: &Config, snapshot: &Snapshot) {
    for (instance, account) in config.inputs.iter().zip(&snapshot.inputs) {
        tracing::info!(
            input = instance.name(),
            lines = account.lines,
            read_bytes = account.read,
            finished_bytes = account.finished,
            held_bytes = account.held,
            behind_bytes = account.behind,
            malformed_lines = account.malformed,
            truncated_lines = account.truncated,
            skipped_lines = account.skipped,
            "input"
        );
    }
    for (instance, account) in config.outputs.iter().zip(&snapshot.outputs) {
        tracing::info!(
            output = instance.name(),
            routed = account.routed,
            acked = account.acked,
            dead_lettered = account.dead_lettered,
            dropped = %account.dropped,
            in_flight = account.in_flight,
            "output"
        );
    }
}
