//! `flytail -c FILE`: checks a configuration and runs it.

use std::path::Path;
use std::process::ExitCode;

use tokio::runtime::Runtime;
use tracing_subscriber::filter::LevelFilter;

use super::serve::{Loaded, serve};
use super::{FAILED, INVALID, RunArguments};
use crate::config::{Environment, LogLevel, Problems, load};
use crate::pipeline::{Memory, Plugins, build};
use crate::telemetry::log;

pub(super) fn run(arguments: &RunArguments) -> ExitCode {
    let Some(file) = &arguments.config else {
        eprintln!("a configuration file is needed: flytail -c FILE");
        return ExitCode::from(INVALID);
    };
    let environment = Environment::process();
    let Ok(runtime) = runtime() else {
        eprintln!("no threads can be started");
        return ExitCode::from(FAILED);
    };
    let memory = Memory::default();
    let load = || load_and_build(file, &environment, &memory);
    // What sends is built inside of the runtime.
    let loaded = match runtime.block_on(async { load() }) {
        Ok(loaded) => loaded,
        Err(problems) => return refuse(file, &problems),
    };
    eprint!("{}", loaded.problems);
    if arguments.dry_run {
        eprintln!("configuration test is successful");
        return ExitCode::SUCCESS;
    }
    if let Err(error) = log::init(level(loaded.config.service.log_level), loaded.config.service.log_file.as_deref()) {
        eprintln!("the Log_File cannot be written: {error}");
        return ExitCode::from(INVALID);
    }
    let code = runtime.block_on(serve(loaded, load));
    // A thread that still waits (for standard input) must not keep the process.
    runtime.shutdown_background();
    code
}

/// Loads, checks and builds; what was found is told either way.
fn load_and_build(file: &Path, environment: &Environment, memory: &Memory) -> Result<Loaded, Problems> {
    let (config, mut problems) = load(file, &Plugins::all().registry(), environment);
    if problems.is_fatal() {
        return Err(problems);
    }
    let pipeline = build(&config, environment, memory, &mut problems).filter(|_| !problems.is_fatal());
    match pipeline {
        Some(pipeline) => Ok(Loaded { config, pipeline, problems }),
        None => Err(problems),
    }
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
