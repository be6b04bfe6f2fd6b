//! flyte-sdk in a version 2 task pod, on stderr: `LOG_FORMAT=console` and `LOG_FORMAT=json`.

use serde_json::json;

use super::super::Stream;
use super::super::clock;
use super::super::cluster::Container;
use super::super::json_text::{Style, object};
use super::super::truth::Format;
use super::{Context, Draft, Level, long, traceback, words};

/// `[run][action] [logger] WARNING message`
pub(super) fn console(context: &mut Context<'_>) -> Draft {
    let (level, text) = one_line(context);
    let logger = context.one_of(&["flyte", "flyte.user", "flyte.io"]);
    let (run, action) = ids(context.container);
    let (sequence, message) = context.marked(&text);
    let line = format!("[{run}][{action}] [{logger}] {} {message}", level.python());
    Draft::new(Format::SdkConsole, Stream::Stderr, sequence, line, message)
        .level(level)
        .application(&["logger"], logger)
}

/// `{"timestamp": "…", "level": "WARNING", "logger": "flyte", "message": "…", …}`
pub(super) fn json(context: &mut Context<'_>) -> Draft {
    let (level, text) = words::kit(context);
    let (run, action) = ids(context.container);
    let (sequence, message) = context.marked(&text);
    let time = clock::without_zone(context.time_ns);
    let line_number = context.random.u32(1..900);
    let mut members = vec![
        ("timestamp", json!(time)),
        ("level", json!(level.python())),
        ("logger", json!("flyte")),
        ("message", json!(message)),
        ("filename", json!("runtime.py")),
        ("lineno", json!(line_number)),
        ("funcName", json!("load_task")),
        ("run_name", json!(run)),
        ("action_name", json!(action)),
    ];
    if matches!(level, Level::Error | Level::Fatal) {
        members.push(("exc_info", json!(exception(context, sequence))));
    }
    let line = object(&members, Style::Python);
    let mut draft = Draft::new(Format::SdkJson, Stream::Stderr, sequence, line, message).level(level);
    for (key, value) in members {
        if key != "level" && key != "message" {
            draft = draft.application(&[key], value);
        }
    }
    draft
}

/// A traceback as text; one in twenty is longer than a physical line of the runtime.
fn exception(context: &mut Context<'_>, sequence: u64) -> String {
    let (frames, error) = traceback::simple(context, sequence);
    let mut text = format!("{}\n{error}", frames.join("\n"));
    if context.chance(5.0) {
        text.push('\n');
        text.push_str(&long::words(context));
    }
    text
}

/// Lines of the console format end with the line.
fn one_line(context: &mut Context<'_>) -> (Level, String) {
    let (level, text) = words::kit(context);
    (level, text.replace('\n', " ").replace('\t', ""))
}

fn ids(container: &Container) -> (&str, &str) {
    let value = |wanted: &str| {
        let found = container.environment.iter().find(|(name, _)| name == wanted);
        found.map_or("", |(_, value)| value.as_str())
    };
    (value("RUN_NAME"), value("ACTION_NAME"))
}
