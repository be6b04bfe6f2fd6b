//! `flytail -c FILE`: checks a configuration and runs it.

use std::process::ExitCode;
use std::sync::Arc;

use clap::ArgMatches;
use tokio::runtime::Runtime;
use tracing_subscriber::filter::LevelFilter;

use super::check::{Checked, is_coloured};
use super::command_line::RunArguments;
use super::serve::{Loaded, serve, stop_signal};
use super::watch::Watched;
use super::{FAILED, INVALID};
use crate::cli::print::eprint;
use crate::config::{Environment, Excerpts, LOG_LEVEL_VARIABLE, LogLevel, Problems, Written, fingerprint};
use crate::pipeline::Memory;
use crate::telemetry::log;

pub(super) fn run(arguments: &RunArguments, matches: &ArgMatches) -> ExitCode {
    if let Some(directory) = &arguments.workdir
        && let Err(error) = std::env::set_current_dir(directory)
    {
        eprint(format_args!("cannot change to {}: {error}\n", directory.display()));
        return ExitCode::from(INVALID);
    }
    if arguments.is_empty() {
        eprint("there is nothing to run: give a configuration file (-c FILE), or an input and an output (-i, -o)\n");
        return ExitCode::from(INVALID);
    }
    let Ok(runtime) = runtime() else {
        eprint("no threads can be started\n");
        return ExitCode::from(FAILED);
    };
    let mut environment = Environment::process();
    if let Some(level) = arguments.log_level() {
        environment.set(LOG_LEVEL_VARIABLE, level);
    }
    let memory = Memory::default();
    let watched = Arc::new(Watched::new(watching(arguments, &environment)));
    let load = || load_and_build(arguments, matches, &environment, &memory, &watched);
    // What sends is built inside of the runtime. Signals are taken before: an end that is asked for meanwhile is an
    // orderly one, and the first process of a container would not even notice a signal that it has not taken. A
    // second signal ends it at once, also while it loads what never comes.
    let (stop, loaded) = runtime.block_on(async { (tokio::spawn(stop_signal()), load()) });
    let stop = async { drop(stop.await) };
    let (Ok(Loaded { problems, .. }) | Err(problems)) = &loaded;
    eprint(Excerpts::new(is_coloured(&std::io::stderr())).show_all(problems));
    let Ok(loaded) = loaded else {
        eprint("the configuration is not valid: nothing was started\n");
        return ExitCode::from(INVALID);
    };
    if arguments.dry_run {
        eprint("configuration test is successful\n");
        return ExitCode::SUCCESS;
    }
    if let Err(error) = log::init(level(loaded.config.service.log_level), loaded.config.service.log_file.as_deref()) {
        eprint(format_args!("the Log_File cannot be written: {error}\n"));
        return ExitCode::from(INVALID);
    }
    let code = runtime.block_on(serve(loaded, stop, load, Arc::clone(&watched)));
    // A thread that still waits (for standard input) must not keep the process.
    runtime.shutdown_background();
    code
}

/// Loads, checks and builds what the file and the command line say; what was found is told either way.
fn load_and_build(
    arguments: &RunArguments,
    matches: &ArgMatches,
    environment: &Environment,
    memory: &Memory,
    watched: &Watched,
) -> Result<Loaded, Problems> {
    let (mut written, mut problems) = match &arguments.config {
        Some(file) => Written::read(file),
        None => (Written::without_file(), Problems::new()),
    };
    watched.was_tried(arguments.config.as_ref().map_or(0, |_| fingerprint(&written, environment)));
    written.put_first(arguments.sections(matches, &mut problems));
    let Checked { config, pipeline, problems, .. } = Checked::new(&written, problems, environment, memory);
    match pipeline {
        Some(pipeline) => Ok(Loaded { config, pipeline, problems }),
        None => Err(problems),
    }
}

/// Tells what the files say now.
fn watching(arguments: &RunArguments, environment: &Environment) -> impl Fn() -> u64 + Send + Sync + 'static {
    let (file, environment) = (arguments.config.clone(), environment.clone());
    move || file.as_ref().map_or(0, |file| fingerprint(&Written::read(file).0, &environment))
}

/// The async runtime: it only waits, the work is done in the workers.
pub(super) fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()
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
