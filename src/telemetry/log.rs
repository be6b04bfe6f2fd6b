//! The log of this process itself, in Fluent Bit's line format on standard error:
//! `[2026/11/22 10:15:30.123] [ info] [input:tail:tail.0] text key=value`.

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
        let component = fields.component.unwrap_or_else(|| module(event.metadata().target()).to_owned());
        writeln!(out, "[{component}] {}{}", fields.message, fields.others)
    }
}

/// Who speaks, where it is no plugin: the part of this program, or the library.
fn module(target: &str) -> &str {
    let own = target.strip_prefix("flytail::").unwrap_or(target);
    own.split("::").next().unwrap_or(own)
}

/// A plugin as Fluent Bit calls it: `input:tail:tail.0`. Of one with an alias only that is known.
fn component(class: &str, name: &str) -> String {
    match name.rsplit_once('.') {
        Some((plugin, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{class}:{plugin}:{name}")
        }
        _ => format!("{class}:{name}"),
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
    /// The plugin that it is about.
    component: Option<String>,
    others: String,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            class @ ("input" | "filter" | "output") => self.component = Some(component(class, value)),
            name => self.others += &format!(" {name}={value:?}"),
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

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_are_like_fluent_bits() {
        let kept = Kept::default();
        let writer = kept.clone();
        let layer = tracing_subscriber::fmt::layer().event_format(Line { coloured: false });
        let subscriber = tracing_subscriber::registry().with(layer.with_writer(move || writer.clone()));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(input = "tail.0", lines = 3, "done");
            tracing::warn!(output = "to the archive", reason = "full", "waits");
            tracing::error!("no plugin");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<_> = text.lines().map(|line| line.split_once("] ").unwrap()).collect();
        let times = lines.iter().all(|(time, _)| {
            let digits = time.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
            digits.eq(b"[0000/00/00 00:00:00.000".iter().copied())
        });
        assert!(times, "{text}");
        let rest: Vec<_> = lines.iter().map(|(_, rest)| *rest).collect();
        assert_eq!(
            rest,
            [
                "[ info] [input:tail:tail.0] done lines=3",
                "[ warn] [output:to the archive] waits reason=\"full\"",
                "[error] [telemetry] no plugin",
            ]
        );
    }
}
