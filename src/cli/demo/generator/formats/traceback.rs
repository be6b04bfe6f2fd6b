//! Python tracebacks as plain lines on stderr: simple, chained, with the markers of Python 3.11,
//! and exception groups. One record of several physical lines.

use super::super::Stream;
use super::super::truth::{Format, marker};
use super::{Context, Draft, Level};

const HEADLINE: &str = "Traceback (most recent call last):";

/// A traceback; the sequence marker stands in its last line.
pub(super) fn line(context: &mut Context<'_>) -> Draft {
    let sequence = context.number();
    let mut lines = Vec::new();
    if context.chance(35.0) {
        let (frames, error) = frames(context);
        lines.extend(frames);
        lines.push(error);
        let link = context.one_of(&[
            "During handling of the above exception, another exception occurred:",
            "The above exception was the direct cause of the following exception:",
        ]);
        lines.extend([String::new(), link.to_owned(), String::new()]);
    }
    let (frames, error) = simple(context, sequence);
    lines.extend(frames);
    lines.push(error);
    draft(Format::Traceback, sequence, &lines)
}

/// An exception group; the sequence marker stands in its last exception.
pub(super) fn group(context: &mut Context<'_>) -> Draft {
    let sequence = context.number();
    let number = context.random.u32(1..9000);
    let lines = [
        format!("  + Exception Group {HEADLINE}"),
        "  |   File \"/root/workflows/ingest.py\", line 88, in load".to_owned(),
        "  |     raise ExceptionGroup(\"parts\", errors)".to_owned(),
        format!("  | ExceptionGroup: parts of batch {number} (2 sub-exceptions)"),
        "  +-+---------------- 1 ----------------".to_owned(),
        format!("    | ValueError: part {number} FAILED its check"),
        "    +---------------- 2 ----------------".to_owned(),
        format!("    | TypeError: expected a number, found None {}", marker(sequence)),
        "    +------------------------------------".to_owned(),
    ];
    draft(Format::ExceptionGroup, sequence, &lines)
}

/// One traceback: its headline and frames, and its last line with the sequence marker.
pub(super) fn simple(context: &mut Context<'_>, sequence: u64) -> (Vec<String>, String) {
    let (frames, error) = frames(context);
    (frames, format!("{error} {}", marker(sequence)))
}

fn draft(format: Format, sequence: u64, lines: &[String]) -> Draft {
    let mut draft = Draft::new(format, Stream::Stderr, sequence, Vec::new(), lines.join("\n")).level(Level::Error);
    draft.lines = lines.iter().map(|line| line.clone().into_bytes()).collect();
    draft
}

fn frames(context: &mut Context<'_>) -> (Vec<String>, String) {
    const CODE: [(&str, &str, &str); 5] = [
        (
            "/usr/local/lib/python3.12/site-packages/flytekit/core/base_task.py",
            "dispatch_execute",
            "native = self.execute(**inputs)",
        ),
        (
            "/usr/local/lib/python3.12/site-packages/pandas/core/frame.py",
            "__getitem__",
            "indexer = self.columns.get_loc(key)",
        ),
        ("/root/workflows/ingest.py", "load", "return json.loads(text)[\"größe\"]"),
        ("/root/workflows/train.py", "fit", "loss = model.step(batch) / len(batch)"),
        ("/root/workflows/train.py", "<lambda>", "lambda row: row[\"latency\"] > 0"),
    ];
    let number = context.random.u32(1..9000);
    let markers = context.random.bool();
    let mut lines = vec![HEADLINE.to_owned()];
    for _ in 0..context.random.usize(1..7) {
        let (file, function, code) = context.one_of(&CODE);
        lines.push(format!("  File \"{file}\", line {}, in {function}", context.random.u32(1..2000)));
        lines.push(format!("    {code}"));
        if markers {
            lines.push(format!("    {}{}", " ".repeat(code.len() / 3), "~^^".repeat(code.len() / 6)));
        }
    }
    if context.chance(15.0) {
        lines.push(format!("  [Previous line repeated {number} more times]"));
    }
    let error = match context.random.u32(..5) {
        0 => format!("ValueError: could not convert string to float: 'n/a' in row {number}"),
        1 => format!("KeyError: 'column_{number}'"),
        2 => format!("requests.exceptions.HTTPError: 503 Server Error for url: https://example.com/{number}"),
        3 => format!("flytekit.exceptions.user.FlyteAssertion: 3 checks FAILED, batch {number}"),
        _ => format!("ZeroDivisionError: division by zero in batch {number}"),
    };
    (lines, error)
}
