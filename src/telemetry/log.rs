//! The log of this process itself, in Fluent Bit's line format on standard error:
//! `[2026/11/22 10:15:30.123] [ info] text key=value`.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Mutex;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// Begins logging at `level` to a file, or to standard error.
///
/// # Errors
/// If the file cannot be opened.
pub fn init(level: LevelFilter, file: Option<&Path>) -> io::Result<()> {
    // Libraries speak only of what goes wrong.
    let targets = Targets::new().with_default(level.min(LevelFilter::WARN)).with_target("flytail", level);
    let layer = tracing_subscriber::fmt::layer();
    let initialised = match file {
        Some(path) => {
            let file = OpenOptions::new().create(true).append(true).open(path)?;
            let layer = layer.event_format(Line { coloured: false }).with_writer(Mutex::new(file));
            tracing_subscriber::registry().with(targets).with(layer).try_init()
        }
        None => {
            let coloured = io::stderr().is_terminal();
            let layer = layer.event_format(Line { coloured }).with_writer(io::stderr);
            tracing_subscriber::registry().with(targets).with(layer).try_init()
        }
    };
    // A second call (in tests) leaves the first one's log as it is.
    drop(initialised);
    Ok(())
}

struct Line {
    coloured: bool,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let now = jiff::Zoned::now();
        let level = event.metadata().level();
        write!(out, "[{}] ", now.strftime("%Y/%m/%d %H:%M:%S%.3f"))?;
        match (self.coloured, colour(*level)) {
            (true, Some(colour)) => write!(out, "[\x1b[{colour}m{:>5}\x1b[0m] ", word(*level))?,
            _ => write!(out, "[{:>5}] ", word(*level))?,
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        writeln!(out, "{}{}", fields.message, fields.others)
    }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

fn colour(level: Level) -> Option<u8> {
    match level {
        Level::ERROR => Some(31),
        Level::WARN => Some(33),
        Level::INFO => Some(32),
        _ => None,
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: String,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.others += &format!(" {}={value:?}", field.name());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.others += &format!(" {}={value:?}", field.name());
        }
    }
}
