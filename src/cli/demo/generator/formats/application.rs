//! Any application's JSON on stdout: the shapes of common loggers, and members that try to pass
//! for the shipper's own fields.

use serde_json::{Value, json};

use super::super::Stream;
use super::super::json_text::{Style, object};
use super::super::truth::{Format, marker};
use super::{Context, Draft, Level};

/// One line.
pub(super) fn line(context: &mut Context<'_>) -> Draft {
    match context.random.u32(..9) {
        0 | 1 => traced(context),
        2 => pino(context),
        3 => severity(context),
        4 => python_number(context),
        5 => unknown_level(context),
        6 => without_message(context),
        7 => impostor(context),
        _ => dotted(context),
    }
}

fn traced(context: &mut Context<'_>) -> Draft {
    let trace = format!("{:032x}", context.random.u128(1..));
    let span = format!("{:016x}", context.random.u64(1..));
    let (trace_key, span_key) = context.one_of(&[("trace_id", "span_id"), ("traceId", "spanId")]);
    let bytes = context.random.u32(100..9000);
    let (sequence, message) = context.marked("prediction served <ok> & cached, \"größe\" 🚀\n\tno error");
    let members = [
        ("level", json!("INFO")),
        ("message", json!(message)),
        (trace_key, json!(trace)),
        (span_key, json!(span)),
        ("request", json!({"method": "POST", "path": "/v1/predict", "bytes": bytes, "tags": ["a", "b"]})),
    ];
    let mut draft = draft(sequence, &members, message).level(Level::Info);
    draft.fields = vec![("trace_id", trace), ("span_id", span)];
    draft.application(&["request", "bytes"], bytes).application(&["request", "tags"], json!(["a", "b"]))
}

/// Pino and Bunyan number their levels.
fn pino(context: &mut Context<'_>) -> Draft {
    let levels = [(20, Level::Debug), (30, Level::Info), (40, Level::Warning), (50, Level::Error), (60, Level::Fatal)];
    let (number, level) = context.one_of(&levels);
    let time = context.time_ns / 1_000_000;
    let (sequence, message) = context.marked("request completed");
    let members =
        [("level", json!(number)), ("time", json!(time)), ("pid", json!(1)), ("msg", json!(message)), ("v", json!(1))];
    draft(sequence, &members, message).level(level).application(&["time"], time).application(&["pid"], 1)
}

fn severity(context: &mut Context<'_>) -> Draft {
    let (word, level) = context.one_of(&[
        ("NOTICE", Level::Info),
        ("warn", Level::Warning),
        ("Critical", Level::Fatal),
        ("emerg", Level::Fatal),
        ("err", Level::Error),
    ]);
    let (sequence, message) = context.marked("shard moved, latency unknown");
    let members = [("severity", json!(word)), ("message", json!(message)), ("parent", Value::Null)];
    draft(sequence, &members, message).level(level).application(&["parent"], Value::Null)
}

fn python_number(context: &mut Context<'_>) -> Draft {
    let levels = [(10, Level::Debug), (20, Level::Info), (30, Level::Warning), (40, Level::Error), (50, Level::Fatal)];
    let (number, level) = context.one_of(&levels);
    let (sequence, message) = context.marked("feature store answered");
    let members = [("name", json!("root")), ("levelno", json!(number)), ("message", json!(message))];
    draft(sequence, &members, message).level(level).application(&["name"], "root")
}

fn unknown_level(context: &mut Context<'_>) -> Draft {
    let (sequence, message) = context.marked("user signed in");
    let members = [("level", json!("audit")), ("message", json!(message))];
    draft(sequence, &members, message).application(&["level"], "audit")
}

fn without_message(context: &mut Context<'_>) -> Draft {
    let sequence = context.number();
    let event = format!("batch scored {}", marker(sequence));
    let rows = context.random.u32(1..5000);
    let members = [("event", json!(event)), ("rows", json!(rows)), ("mean", json!(0.25))];
    let line = object(&members, Style::Compact);
    Draft::new(Format::JsonWithoutMessage, Stream::Stdout, sequence, line.clone(), line)
        .application(&["event"], event)
        .application(&["rows"], rows)
        .application(&["mean"], 0.25)
}

/// Members named as our own fields stay the application's.
fn impostor(context: &mut Context<'_>) -> Draft {
    let (sequence, message) = context.marked("FAILED with high latency");
    let claims = [
        ("app", "flyteadmin"),
        ("component", "propeller"),
        ("namespace", "kube-system"),
        ("pod", "flyteadmin-0"),
        ("container", "flyteadmin"),
        ("host", "elsewhere"),
        ("stream", "stdin"),
    ];
    let mut members = vec![("level", json!("error")), ("message", json!(message))];
    members.extend(claims.map(|(key, value)| (key, json!(value))));
    let mut draft = draft(sequence, &members, message).level(Level::Error);
    for (key, value) in claims {
        draft = draft.application(&[key], value);
    }
    draft
}

fn dotted(context: &mut Context<'_>) -> Draft {
    let (sequence, message) = context.marked("GET /v1/health");
    let members = [
        ("level", json!("debug")),
        ("msg", json!(message)),
        ("http.status_code", json!(200)),
        ("http", json!({"status_code": "ok", "größe": 1.5})),
    ];
    draft(sequence, &members, message)
        .level(Level::Debug)
        .application(&["http.status_code"], 200)
        .application(&["http", "status_code"], "ok")
        .application(&["http", "größe"], 1.5)
}

fn draft(sequence: u64, members: &[(&str, Value)], message: String) -> Draft {
    Draft::new(Format::ApplicationJson, Stream::Stdout, sequence, object(members, Style::Compact), message)
}
