//! `[SERVICE]`: what holds for the process as a whole.

use std::path::PathBuf;
use std::time::Duration;

use super::environment::Environment;
use super::instance::Options;
use super::option::{Kind, OptionSpec, Plugin};
use super::problem::Problems;

/// The resolved service section.
#[derive(Debug, Clone)]
pub struct Service {
    /// The longest that a record waits for company before its batch is sent.
    pub flush: Duration,
    /// How long a stop waits for what is under way; [`Duration::MAX`] for as long as it takes.
    pub grace: Duration,
    /// How much is logged.
    pub log_level: LogLevel,
    /// Where the log goes, if not to standard error.
    pub log_file: Option<PathBuf>,
    /// Whether the monitoring server runs.
    pub http_server: bool,
    /// The address it listens on.
    pub http_listen: String,
    /// The port it listens on.
    pub http_port: u16,
    /// Whether `/api/v1/health` judges.
    pub health_check: bool,
    /// More errors than this within the period are unhealthy.
    pub hc_errors_count: u64,
    /// More given-up retries than this within the period are unhealthy.
    pub hc_retry_failure_count: u64,
    /// The period.
    pub hc_period: Duration,
    /// The most bytes of a multi-line record; 0 for no limit.
    pub multiline_buffer_limit: u64,
    /// The most lines that are joined into one; 0 for no limit.
    pub multiline_line_limit: u64,
    /// Whether a new configuration is taken without a new start.
    pub hot_reload: bool,
    /// Whether the Flyte filter runs.
    pub flyte: bool,
    /// The number of worker threads.
    pub workers: usize,
    /// The directory of what would vanish from the disk before it is delivered, if it is said.
    pub spool_path: Option<PathBuf>,
    /// The most bytes of that.
    pub spool_limit: u64,
    /// After how long without progress an input that has something to read is stalled.
    pub stalled_after: Duration,
    /// How old it may become.
    pub spool_age: Duration,
    /// The directory of the records that an output refused for good, if it is said.
    pub dead_letter_path: Option<PathBuf>,
    /// The most bytes of them.
    pub dead_letter_limit: u64,
    /// Where Fluent Bit kept records that it had not delivered.
    pub storage_path: Option<PathBuf>,
    /// Parsers files as they are written, in order; `Config::parsers` holds what is in them.
    pub parsers_files: Vec<PathBuf>,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What went wrong.
    Error,
    /// And what may go wrong.
    Warn,
    /// And what happens at large.
    Info,
    /// And what happens in detail.
    Debug,
    /// And everything.
    Trace,
}

impl LogLevel {
    /// The level by its name in configurations.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "off" => Self::Off,
            "error" => Self::Error,
            "warn" | "warning" => Self::Warn,
            "info" => Self::Info,
            "debug" => Self::Debug,
            "trace" => Self::Trace,
            _ => return None,
        })
    }
}

const LOG_LEVELS: &[&str] = &["off", "error", "warn", "warning", "info", "debug", "trace"];

/// Fluent Bit's variable that overrules `Log_Level`.
pub const LOG_LEVEL_VARIABLE: &str = "FLB_LOG_LEVEL";

impl Service {
    /// Reads the checked options of the section. What cannot be checked by kind alone is checked here.
    pub(super) fn new(options: &Options<'_>, environment: &Environment, problems: &mut Problems) -> Self {
        let flush = options.duration("Flush").filter(|flush| !flush.is_zero());
        if flush.is_none() {
            problems.push(options.problem("Flush", "Flush must be above 0"));
        }
        Self {
            flush: flush.unwrap_or(Duration::from_secs(1)),
            grace: options.duration("Grace").unwrap_or_default(),
            log_level: log_level(options, environment, problems),
            log_file: options.text("Log_File").map(PathBuf::from),
            http_server: options.boolean("HTTP_Server"),
            http_listen: options.text("HTTP_Listen").unwrap_or_default().to_owned(),
            http_port: options.port("HTTP_Port").unwrap_or_default(),
            health_check: options.boolean("Health_Check"),
            hc_errors_count: count(options, "HC_Errors_Count", problems),
            hc_retry_failure_count: count(options, "HC_Retry_Failure_Count", problems),
            hc_period: options.duration("HC_Period").unwrap_or_default(),
            multiline_buffer_limit: options.size("Multiline_Buffer_Limit").unwrap_or_default(),
            multiline_line_limit: count(options, "Multiline_Line_Limit", problems),
            hot_reload: options.boolean("Hot_Reload"),
            flyte: options.boolean("Flyte"),
            workers: workers(options, problems),
            spool_path: options.text("Spool_Path").map(PathBuf::from),
            spool_limit: options.size("Spool_Limit").unwrap_or_default(),
            stalled_after: options.duration("Stalled_After").unwrap_or_default(),
            spool_age: options.duration("Spool_Age").unwrap_or_default(),
            dead_letter_path: dead_letter_path(options, problems),
            dead_letter_limit: dead_letter_limit(options, problems),
            storage_path: options.text("storage.path").map(PathBuf::from),
            parsers_files: options.all("Parsers_File").into_iter().map(PathBuf::from).collect(),
        }
    }
}

fn log_level(options: &Options<'_>, environment: &Environment, problems: &mut Problems) -> LogLevel {
    let written = options.text("Log_Level").and_then(LogLevel::named).unwrap_or(LogLevel::Info);
    match environment.variable(LOG_LEVEL_VARIABLE) {
        None => written,
        Some(name) => LogLevel::named(name).unwrap_or_else(|| {
            let message = format!("the variable {LOG_LEVEL_VARIABLE} is not one of {}", LOG_LEVELS.join(", "));
            problems.push(options.problem("Log_Level", message));
            written
        }),
    }
}

fn count(options: &Options<'_>, key: &str, problems: &mut Problems) -> u64 {
    u64::try_from(options.integer(key).unwrap_or_default()).unwrap_or_else(|_| {
        problems.push(options.problem(key, format!("{key} must not be negative")));
        0
    })
}

fn workers(options: &Options<'_>, problems: &mut Problems) -> usize {
    let workers = usize::try_from(options.integer("Workers").unwrap_or(1)).unwrap_or(0);
    if workers == 0 {
        problems.push(options.problem("Workers", "Workers must be 1 or more"));
    }
    workers.max(1)
}

fn dead_letter_path(options: &Options<'_>, problems: &mut Problems) -> Option<PathBuf> {
    const KEY: &str = "Dead_Letter_Path";
    let path = options.text(KEY).map(PathBuf::from)?;
    if path.is_file() {
        let problem = options.problem(KEY, format!("{KEY}: \"{}\" is a file", path.display()));
        problems.push(problem.with_hint("name a directory; it is made when it is needed"));
    }
    Some(path)
}

/// The least that is of use: a letter is a whole document, and a tenth goes at a time.
const LEAST_DEAD_LETTERS: u64 = 1_000_000;

fn dead_letter_limit(options: &Options<'_>, problems: &mut Problems) -> u64 {
    const KEY: &str = "Dead_Letter_Limit";
    let limit = options.size(KEY).unwrap_or_default();
    if limit < LEAST_DEAD_LETTERS {
        problems.push(options.problem(KEY, format!("{KEY} must be 1M or more")));
    }
    limit.max(LEAST_DEAD_LETTERS)
}

const NO_CHUNKS: &str = "The log files themselves are the buffer: there is no chunk storage.";
const BACK_OFF: &str = "Retries back off by themselves, with jitter.";
const RESOLVER: &str = "Names are looked up by the system.";
const ADAPTIVE: &str = "Batches go when full or as old as `Flush` anyway.";
const NO_COROUTINES: &str = "There are no coroutines.";
const NO_TRACE: &str = "There are no chunks to trace.";

const fn new(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> OptionSpec {
    OptionSpec::new(name, kind, default, doc)
}

const fn ignored(name: &'static str, why: &'static str) -> OptionSpec {
    OptionSpec::ignored(name, why)
}

/// The keys of `[SERVICE]`.
pub const SERVICE: Plugin = Plugin {
    name: "service",
    doc: "What holds for the process as a whole. Several `[SERVICE]` sections count as one.",
    options: &[
        new("Flush", Kind::Time, "1", "The longest that a record waits for company before its batch is sent."),
        new(
            "Grace",
            Kind::TimeOrForever,
            "5",
            "How long a stop waits for what is under way; `-1` for as long as it takes. What does not make it is read \
             again at the next start.",
        ),
        new("Log_Level", Kind::Choice(LOG_LEVELS), "info", "How much is logged. `FLB_LOG_LEVEL` overrules it."),
        new("Log_File", Kind::Text, "", "A file for the log, instead of standard error."),
        new(
            "Parsers_File",
            Kind::Text,
            "",
            "A file of `[PARSER]` sections, looked for in the working directory, then beside the main file.",
        )
        .repeatable(),
        new("HTTP_Server", Kind::Boolean, "Off", "Runs the monitoring server."),
        new("HTTP_Listen", Kind::Text, "0.0.0.0", "The address it listens on."),
        new("HTTP_Port", Kind::Port, "2020", "The port it listens on."),
        new("Health_Check", Kind::Boolean, "Off", "Lets `/api/v1/health` judge by the three keys below."),
        new("HC_Errors_Count", Kind::Integer, "5", "More errors than this within the period are unhealthy."),
        new("HC_Retry_Failure_Count", Kind::Integer, "5", "More given-up retries than this are unhealthy."),
        new("HC_Period", Kind::Time, "60", "The period."),
        new(
            "Multiline_Buffer_Limit",
            Kind::BinarySize,
            "2MB",
            "The most bytes of a multi-line record, in units of 1024; 0 for no limit.",
        ),
        new(
            "Multiline_Line_Limit",
            Kind::Integer,
            "4000",
            "The most lines that are joined into a multi-line record; 0 for no limit. What either limit cuts has \
             `truncated: true`, and the rest follows as records of its own.",
        ),
        new(
            "Flyte",
            Kind::Boolean,
            "On",
            "Runs the Flyte filter behind the others: Flyte's identifiers, levels and messages as fields. Not in \
             Fluent Bit.",
        ),
        new(
            "Hot_Reload",
            Kind::Boolean,
            "Off",
            "Takes a new configuration without a new start: at SIGHUP, at `POST /api/v2/reload`, and when the \
             configuration or parsers files change. One that is not valid is refused, and the old one goes on.",
        ),
        new(
            "Workers",
            Kind::Integer,
            "1",
            "The number of threads that read, parse and filter; never more than there are CPUs. Not in Fluent Bit.",
        ),
        new(
            "Dead_Letter_Path",
            Kind::Text,
            "",
            "Directory of the records that an output refused for good, with the reasons; `flytail dead-letters` shows \
             them and sends them again. By default `flytail-dead-letters` beside the first tail's DB, or among the \
             temporary files. Not in Fluent Bit.",
        ),
        new(
            "Dead_Letter_Limit",
            Kind::Size,
            "100M",
            "The most bytes of them on the disk. Beyond that the oldest tenth goes, counted and logged. Not in Fluent \
             Bit.",
        ),
        new(
            "Spool_Path",
            Kind::Text,
            "",
            "Directory for what is removed from the disk before it is delivered; by default `flytail-spool` beside the \
             first tail's DB, none without a DB. Not in Fluent Bit.",
        ),
        new(
            "Spool_Limit",
            Kind::Size,
            "1G",
            "The most bytes in the spool. Beyond that the oldest log goes, counted and logged. Not in Fluent Bit.",
        ),
        new(
            "Stalled_After",
            Kind::Time,
            "60",
            "An input that has something to read and makes no progress for so long is stalled: the log, `/api/v1/health` \
             and a metric say so, with the reason. Not in Fluent Bit.",
        ),
        new("Spool_Age", Kind::Time, "7d", "How long a log may be in the spool. Not in Fluent Bit."),
        ignored("Daemon", "The process stays in the foreground; its supervisor puts it into the background."),
        ignored("Plugins_File", "Plugins in shared objects cannot be loaded."),
        ignored("Coro_Stack_Size", NO_COROUTINES),
        ignored("flush.adaptive", ADAPTIVE),
        ignored("flush.adaptive.min_interval", ADAPTIVE),
        ignored("flush.adaptive.max_interval", ADAPTIVE),
        ignored("flush.adaptive.low_pressure", ADAPTIVE),
        ignored("flush.adaptive.medium_pressure", ADAPTIVE),
        ignored("flush.adaptive.high_pressure", ADAPTIVE),
        ignored("flush.adaptive.up_steps", ADAPTIVE),
        ignored("flush.adaptive.down_steps", ADAPTIVE),
        ignored("sp.convert_from_str_to_num", "There is no stream processor."),
        ignored("dns.mode", RESOLVER),
        ignored("dns.resolver", RESOLVER),
        ignored("dns.prefer_ipv4", RESOLVER),
        ignored("dns.prefer_ipv6", RESOLVER),
        new(
            "storage.path",
            Kind::Text,
            "",
            "Fluent Bit's chunk storage. There is none here, as the log files themselves are the buffer: what Fluent \
             Bit left undelivered in it is pointed out at the start.",
        ),
        ignored("storage.sync", NO_CHUNKS),
        ignored("storage.checksum", NO_CHUNKS),
        ignored("storage.metrics", NO_CHUNKS),
        ignored("storage.type", NO_CHUNKS),
        ignored("storage.inherit", NO_CHUNKS),
        ignored("storage.backlog.mem_limit", NO_CHUNKS),
        ignored("storage.backlog.flush_on_shutdown", NO_CHUNKS),
        ignored("storage.max_chunks_up", NO_CHUNKS),
        ignored("storage.delete_irrecoverable_chunks", NO_CHUNKS),
        ignored("storage.trim_files", NO_CHUNKS),
        ignored("storage.keep.rejected", "What a server refuses for good always is kept as a dead letter."),
        ignored("storage.rejected.path", "What a server refuses for good always is kept as a dead letter."),
        ignored("storage.rejected.limit", "What a server refuses for good always is kept as a dead letter."),
        ignored("scheduler.cap", BACK_OFF),
        ignored("scheduler.base", BACK_OFF),
        ignored("json.escape_unicode", "Documents are UTF-8; nothing but what JSON asks for is escaped."),
        ignored("json.convert_nan_to_null", "JSON has no NaN, and none is made."),
        ignored("hot_reload.ensure_thread_safety", "A reload is always safe."),
        ignored("hot_reload.timeout", "A reload waits for requests that are on the wire, and never for a server."),
        ignored("enable_chunk_trace", NO_TRACE),
        ignored("security.fips_mode", "The TLS library has no such mode here."),
        ignored("telemetry", "Metrics have no labels by tag."),
    ],
};
