//! The server of the moment, and the way through the table.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use crate::arguments::Arguments;
use crate::cases::CASES;
use crate::support::server::{Engine, Server};

/// How a server is set up. Cases share one that is set up as they need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As it comes.
    Open,
    /// It takes requests of 200 KiB at most.
    Small,
    /// It has next to no memory for what is being indexed.
    Busy,
    /// It speaks TLS and lets in whom it knows.
    Secured,
}

impl Form {
    fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Open | Self::Secured => &[],
            Self::Small => &["http.max_content_length: 200kb"],
            Self::Busy => &["indexing_pressure.memory.limit: 1mb"],
        }
    }
}

/// One row of the table.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// What it needs.
    pub(crate) form: Form,
    /// How the server comes back, if the case takes it down: as the next case needs it, which saves a start.
    pub(crate) leaves: Form,
    pub(crate) run: fn(&mut Stage),
}

/// The server that a case runs on.
pub(crate) struct Stage {
    pub(crate) server: Server,
    form: Form,
    leaves: Form,
}

impl Stage {
    fn new(engine: Engine, form: Form) -> Self {
        let server = match form {
            Form::Secured => Server::start_secured(engine, form.settings()),
            _ => Server::start_with(engine, form.settings()),
        };
        Self { server, form, leaves: form }
    }

    /// Starts the server again that a case has taken down.
    pub(crate) fn come_back(&mut self) {
        self.server.start_again_with(self.leaves.settings());
        self.form = self.leaves;
    }
}

/// Runs the table on all engines that are asked for. The names of what failed.
pub(crate) fn run(arguments: &Arguments) -> Vec<String> {
    let engines = arguments.engines();
    let flags: String = engines.iter().map(|engine| format!(" --engine {engine}")).collect();
    println!("the same engines again: cargo test --release --test matrix --{flags}");
    engines.into_iter().flat_map(|engine| run_engine(engine, &arguments.case)).collect()
}

fn run_engine(engine: Engine, wanted: &str) -> Vec<String> {
    if let Err(reason) = engine.install() {
        row(engine, "all", format_args!("left out: {reason}"));
        return Vec::new();
    }
    let started = Instant::now();
    let mut stage: Option<Stage> = None;
    let mut failed = Vec::new();
    for case in CASES.iter().filter(|case| case.name.contains(wanted)) {
        if case.form == Form::Secured && engine == Engine::OpenSearch3 {
            row(engine, case.name, "left out: OpenSearch 3 is published without what its security plugin needs");
            continue;
        }
        let begun = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| {
            if stage.as_ref().is_none_or(|stage| stage.form != case.form) {
                drop(stage.take());
                stage = Some(Stage::new(engine, case.form));
            }
            let ready = Instant::now();
            let stage = stage.as_mut().expect("it was started");
            stage.leaves = case.leaves;
            (case.run)(stage);
            (ready - begun, ready.elapsed())
        }));
        match result {
            Ok((start, took)) => {
                let (start, took) = (start.as_secs_f32(), took.as_secs_f32());
                row(engine, case.name, format_args!("ok after {took:.1} s, and {start:.1} s for a start"));
            }
            Err(_) => {
                row(engine, case.name, "FAILED");
                failed.push(format!("{engine}: {}", case.name));
                // In whatever state it is, the next case is to find another one.
                stage = None;
            }
        }
    }
    println!("{engine} took {:.0} s", started.elapsed().as_secs_f32());
    failed
}

fn row(engine: Engine, case: &str, result: impl Display) {
    println!("{engine}  {case:<44} {result}");
}
