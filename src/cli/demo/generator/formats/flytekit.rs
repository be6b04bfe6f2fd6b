//! flytekit in a version 1 task pod: Python's logging as JSON on stderr.

use serde_json::json;

use super::super::Stream;
use super::super::clock;
use super::super::json_text::{Style, object};
use super::super::truth::Format;
use super::{Context, Draft, Level, traceback, words};

/// `{"asctime": "…", "name": "flytekit", "levelname": "WARNING", "message": "…"}`
pub(super) fn line(context: &mut Context<'_>) -> Draft {
    let (level, text) = words::kit(context);
    let logger = context.one_of(&["flytekit", "flytekit.remote", "flytekit.user_space"]);
    let (sequence, message) = context.marked(&text);
    draft(context, sequence, logger, level, message)
}

/// A user's exception as flytekit tells it: a headline, the traceback inside one message, and a
/// closing line.
pub(super) fn user_error(context: &mut Context<'_>) -> Vec<Draft> {
    let (sequence, headline) = context.marked("!! Begin User Error Captured by Flyte !!");
    let begin = draft(context, sequence, "flytekit", Level::Error, headline);
    let sequence = context.number();
    let (frames, error) = traceback::simple(context, sequence);
    let frames: Vec<_> = frames.iter().map(|frame| format!("    {frame}")).collect();
    let message = format!("Trace:\n\n{}\nMessage:\n\n    {error}", frames.join("\n"));
    let trace = draft(context, sequence, "flytekit", Level::Error, message);
    let (sequence, closing) = context.marked("!! End Error Captured by Flyte !!");
    let end = draft(context, sequence, "flytekit", Level::Error, closing);
    vec![begin, trace, end]
}

fn draft(context: &Context<'_>, sequence: u64, logger: &str, level: Level, message: String) -> Draft {
    let time = clock::python(context.time_ns);
    let members = [
        ("asctime", json!(time)),
        ("name", json!(logger)),
        ("levelname", json!(level.python())),
        ("message", json!(message)),
    ];
    let line = object(&members, Style::Python);
    Draft::new(Format::FlytekitJson, Stream::Stderr, sequence, line, message)
        .level(level)
        .application(&["asctime"], time)
        .application(&["name"], logger)
}
