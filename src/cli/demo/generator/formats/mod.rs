//! What the containers write: one file for each family of formats, and which container uses
//! which.

mod access;
mod application;
mod flytekit;
mod flytestdlib;
mod klog;
mod long;
mod prints;
mod sdk;
mod spark;
mod traceback;
mod words;
mod zap;

use fastrand::Rng;
use serde_json::Value;

use super::Stream;
use super::cluster::{Cluster, Container, Execution, Role};
use super::truth::{Format, marker};

/// What a format needs to know to write a line.
pub(super) struct Context<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) container: &'a Container,
    /// The execution that the line is about, if it is about one.
    pub(super) execution: &'a Execution,
    pub(super) random: &'a mut Rng,
    pub(super) time_ns: i64,
    /// The last sequence number that was given away.
    pub(super) sequence: &'a mut u64,
}

impl Context<'_> {
    /// Takes the next sequence number.
    fn number(&mut self) -> u64 {
        *self.sequence += 1;
        *self.sequence
    }

    /// A text with the next sequence number behind it.
    fn marked(&mut self, text: &str) -> (u64, String) {
        let sequence = self.number();
        (sequence, format!("{text} {}", marker(sequence)))
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.random.usize(..choices.len())]
    }

    fn chance(&mut self, percent: f64) -> bool {
        self.random.f64() * 100.0 < percent
    }
}

/// A line and what is known about it, before the container's own fields are added.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) sequence: u64,
    pub(super) format: Format,
    pub(super) stream: Stream,
    /// Physical lines.
    pub(super) lines: Vec<Vec<u8>>,
    pub(super) message: String,
    pub(super) level: Option<Level>,
    /// Instead of the container's.
    pub(super) component: Option<&'static str>,
    /// Ids that the line itself tells; they count only in pods that have none.
    pub(super) ids: Vec<(&'static str, String)>,
    /// Other top-level fields.
    pub(super) fields: Vec<(&'static str, String)>,
    /// Fields that the contract leaves open for this format.
    pub(super) undecided: &'static [&'static str],
    pub(super) application: Vec<(Vec<String>, Value)>,
}

impl Draft {
    fn new(
        format: Format,
        stream: Stream,
        sequence: u64,
        line: impl Into<Vec<u8>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            sequence,
            format,
            stream,
            lines: vec![line.into()],
            message: message.into(),
            level: None,
            component: None,
            ids: Vec::new(),
            fields: Vec::new(),
            undecided: &[],
            application: Vec::new(),
        }
    }

    fn level(mut self, level: Level) -> Self {
        self.level = Some(level);
        self
    }

    fn application(mut self, path: &[&str], value: impl Into<Value>) -> Self {
        self.application.push((path.iter().map(|segment| (*segment).to_owned()).collect(), value.into()));
        self
    }
}

/// How bad it is; each logger has its own word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Debug,
    Info,
    Warning,
    Error,
    Fatal,
}

impl Level {
    /// The word in the index.
    pub(super) fn indexed(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }

    /// Python's word.
    fn python(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Fatal => "CRITICAL",
        }
    }

    /// logrus' word.
    fn logrus(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

/// The next lines of a container: one, or a few that belong together and follow each other.
pub(super) fn next(context: &mut Context<'_>) -> Vec<Draft> {
    match context.container.role {
        Role::Admin => admin(context),
        Role::Propeller => propeller(context),
        Role::DataCatalog => vec![flytestdlib::text(context)],
        Role::Scheduler => vec![flytestdlib::gcp(context)],
        Role::Console => vec![access::morgan(context)],
        Role::Webhook => webhook(context),
        Role::Copilot => vec![flytestdlib::json(context)],
        Role::Binary => binary(context),
        Role::Envoy => vec![access::envoy(context)],
        Role::FlytekitTask => flytekit_task(context),
        Role::PlainTask => plain_task(context),
        Role::SparkDriver => vec![spark::line(context)],
        Role::SdkConsoleTask => console_task(context),
        Role::SdkJsonTask => json_task(context),
        Role::ModelServer => vec![application::line(context)],
    }
}

fn admin(context: &mut Context<'_>) -> Vec<Draft> {
    match context.random.u32(..1000) {
        0..3 => vec![long::json(context)],
        3..40 => vec![klog::line(context)],
        _ => vec![flytestdlib::json(context)],
    }
}

fn propeller(context: &mut Context<'_>) -> Vec<Draft> {
    match context.random.u32(..1000) {
        0..3 => vec![long::json(context)],
        3..80 => vec![klog::line(context)],
        _ => vec![flytestdlib::json(context)],
    }
}

fn webhook(context: &mut Context<'_>) -> Vec<Draft> {
    match context.random.u32(..100) {
        0..20 => vec![klog::line(context)],
        _ => vec![flytestdlib::json(context)],
    }
}

fn binary(context: &mut Context<'_>) -> Vec<Draft> {
    match context.random.u32(..100) {
        0..6 => vec![klog::line(context)],
        6..50 => zap::lines(context),
        _ => vec![flytestdlib::json(context)],
    }
}

fn flytekit_task(context: &mut Context<'_>) -> Vec<Draft> {
    match context.random.u32(..100) {
        0..6 => flytekit::user_error(context),
        6..20 => vec![application::line(context)],
        20..40 => vec![prints::line(context)],
        _ => vec![flytekit::line(context)],
    }
}

fn plain_task(context: &mut Context<'_>) -> Vec<Draft> {
    match context.random.u32(..1000) {
        0..60 => vec![traceback::line(context)],
        60..75 => vec![traceback::group(context)],
        75..87 => vec![long::text(context)],
        _ => vec![prints::line(context)],
    }
}

fn console_task(context: &mut Context<'_>) -> Vec<Draft> {
    match context.random.u32(..100) {
        0..4 => vec![traceback::line(context)],
        4..20 => vec![prints::line(context)],
        _ => vec![sdk::console(context)],
    }
}

fn json_task(context: &mut Context<'_>) -> Vec<Draft> {
    match context.random.u32(..100) {
        0..15 => vec![prints::line(context)],
        _ => vec![sdk::json(context)],
    }
}
