//! `flytail -c FILE`: checks a configuration and runs it.

use std::path::Path;
use std::process::ExitCode;

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::LevelFilter;

use super::undrained::Undrained;
use super::{FAILED, INVALID, RunArguments};
use crate::config::{Config, Environment, LogLevel, Problems, load};
use crate::pipeline::{Ending, Pipeline, Plugins, build};
use crate::telemetry::accounts::Snapshot;
use crate::telemetry::{http, log};

pub(super) fn run(arguments: &RunArguments) -> ExitCode {
    let Some(file) = &arguments.config else {
        eprintln!("a configuration file is needed: flytail -c FILE");
        return ExitCode::from(INVALID);
    };
    let environment = Environment::process();
    let (config, mut problems) = load(file, &Plugins::all().registry(), &environment);
    if problems.is_fatal() {
        return refuse(file, &problems);
    }
    let Ok(runtime) = runtime() else {
        eprintln!("no threads can be started");
        return ExitCode::from(FAILED);
    };
    // What sends is built inside of the runtime.
    let pipeline = runtime.block_on(async { build(&config, &environment, &mut problems) });
    let Some(pipeline) = pipeline.filter(|_| !problems.is_fatal()) else { return refuse(file, &problems) };
    eprint!("{problems}");
    if arguments.dry_run {
        eprintln!("configuration test is successful");
        return ExitCode::SUCCESS;
    }
    if let Err(error) = log::init(level(config.service.log_level), config.service.log_file.as_deref()) {
        eprintln!("the Log_File cannot be written: {error}");
        return ExitCode::from(INVALID);
    }
    let code = runtime.block_on(serve(&config, pipeline));
    // A thread that still waits (for standard input) must not keep the process.
    runtime.shutdown_background();
    code
}

/// The async runtime: it only waits, the work is done in the workers.
pub(super) fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()
}

fn refuse(file: &Path, problems: &Problems) -> ExitCode {
    eprint!("{problems}");
    eprintln!("{} is not valid: nothing was started", file.display());
    ExitCode::from(INVALID)
}

async fn serve(config: &Config, pipeline: Pipeline) -> ExitCode {
    let accounts = pipeline.accounts();
    if config.service.http_server {
        let (host, port) = (config.service.http_listen.as_str(), config.service.http_port);
        match http::listen(host, port).await {
            Ok(listener) => drop(tokio::spawn(http::serve(listener, accounts))),
            Err(error) => {
                tracing::error!(host, port, %error, "the status server cannot listen");
                return ExitCode::from(INVALID);
            }
        }
    }
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        inputs = config.inputs.len(),
        outputs = config.outputs.len(),
        dead_letters = %pipeline.dead_letters().display(),
        "started"
    );
    give_notice(config);
    let Ending { snapshot, has_failed } = pipeline.run(stop_signal(config.service.grace), config.service.grace).await;
    report(config, &snapshot);
    if has_failed { ExitCode::from(FAILED) } else { ExitCode::SUCCESS }
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

/// Waits for a signal that asks for an end. A second one ends the process at once: what is not
/// acknowledged then is read again at the next start.
pub(super) async fn stop_signal(grace: std::time::Duration) {
    let (Ok(mut terminate), Ok(mut interrupt), Ok(mut quit)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::quit()))
    else {
        tracing::error!("signals cannot be taken: end this process by force");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = quit.recv() => {}
    }
    tracing::info!("service will shutdown in max {} seconds", grace.as_secs());
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

fn level(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}
