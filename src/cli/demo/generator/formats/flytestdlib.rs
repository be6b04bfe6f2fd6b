//! flytestdlib's logger: logrus on stderr as JSON, as text or in Google's shape.

use serde_json::{Map, Value, json};

use super::super::Stream;
use super::super::clock;
use super::super::cluster::Role;
use super::super::json_text::{Style, object};
use super::super::truth::Format;
use super::{Context, Draft, Level, words};

/// Ids that only the JSON formatter's lines are sure to give to their documents.
const IDS: &[&str] = &["execution_id", "node_id", "workflow", "project", "domain"];

/// `{"json":{…},"level":"info","msg":"…","ts":"…"}`
pub(super) fn json(context: &mut Context<'_>) -> Draft {
    let (level, text) = said(context);
    json_of(context, level, &text, Format::FlytestdlibJson)
}

/// The same with a given message.
pub(super) fn json_of(context: &mut Context<'_>, level: Level, text: &str, format: Format) -> Draft {
    let (sequence, message) = context.marked(text);
    let (data, ids) = data(context);
    let time = clock::rfc3339_seconds(context.time_ns);
    let members =
        [("json", data.clone()), ("level", json!(level.logrus())), ("msg", json!(message)), ("ts", json!(time))];
    let mut draft = Draft::new(format, Stream::Stderr, sequence, object(&members, Style::Go), message).level(level);
    draft.ids = ids;
    draft.application(&["json"], data).application(&["ts"], time)
}

/// `ts="…" level=info msg="…" key=value`
pub(super) fn text(context: &mut Context<'_>) -> Draft {
    let (level, text) = said(context);
    let (sequence, message) = context.marked(&text);
    let time = clock::rfc3339_seconds(context.time_ns);
    let mut line = format!("ts={} level={} msg={}", quoted(&time), level.logrus(), quoted(&message));
    let (data, _) = data(context);
    let members = data.as_object().cloned().unwrap_or_default();
    for (key, value) in &members {
        line.push_str(&format!(" {key}={}", quoted(value.as_str().unwrap_or_default())));
    }
    let mut draft = Draft::new(Format::FlytestdlibText, Stream::Stderr, sequence, line, message).level(level);
    draft.undecided = IDS;
    for (key, value) in members {
        draft = draft.application(&[&key], value);
    }
    draft.application(&["ts"], time)
}

/// `{"data":{…},"message":"…","severity":"ERROR","timestamp":"…"}`
pub(super) fn gcp(context: &mut Context<'_>) -> Draft {
    let (level, text) = said(context);
    let (sequence, message) = context.marked(&text);
    let severity = match level {
        Level::Fatal => context.one_of(&["CRITICAL", "ALERT"]),
        level => level.python(),
    };
    let (data, _) = data(context);
    let time = clock::rfc3339_seconds(context.time_ns);
    let members = [
        ("data", data.clone()),
        ("message", json!(message)),
        ("severity", json!(severity)),
        ("timestamp", json!(time)),
    ];
    let line = object(&members, Style::Go);
    let mut draft = Draft::new(Format::FlytestdlibGcp, Stream::Stderr, sequence, line, message).level(level);
    draft.undecided = IDS;
    draft.application(&["data"], data).application(&["timestamp"], time)
}

fn said(context: &mut Context<'_>) -> (Level, String) {
    match context.container.role {
        Role::Admin => words::admin(context),
        Role::Propeller => words::propeller(context),
        Role::Binary => words::binary(context),
        Role::Scheduler => words::scheduler(context),
        Role::Webhook => words::webhook(context),
        Role::Copilot => words::copilot(context),
        _ => words::catalog(context),
    }
}

/// What the context of a request adds to a line, and the ids that it tells.
fn data(context: &mut Context<'_>) -> (Value, Vec<(&'static str, String)>) {
    const SOURCES: [&str; 6] = [
        "handler.go:181",
        "execution_manager.go:912",
        "executor.go:64",
        "base.go:72",
        "workers.go:103",
        "client.go:63",
    ];
    let mut data = Map::new();
    let mut ids = Vec::new();
    data.insert("src".to_owned(), json!(context.one_of(&SOURCES)));
    // Version 2's services put nothing else there.
    if context.container.role == Role::Binary || context.chance(25.0) {
        return (Value::Object(data), ids);
    }
    let execution = context.execution;
    data.insert("exec_id".to_owned(), json!(execution.id));
    ids.push(("execution_id", execution.id.clone()));
    if context.chance(70.0) {
        let (project, domain, workflow) = (execution.project, execution.domain, execution.workflow);
        data.insert("wf".to_owned(), json!(format!("{project}:{domain}:{workflow}")));
        ids.push(("workflow", workflow.to_owned()));
    } else {
        data.insert("project".to_owned(), json!(execution.project));
        data.insert("domain".to_owned(), json!(execution.domain));
    }
    ids.extend([("project", execution.project.to_owned()), ("domain", execution.domain.to_owned())]);
    if context.container.role == Role::Propeller {
        let node = words::node(context);
        ids.push(("node_id", node.to_owned()));
        data.insert("node".to_owned(), json!(node));
        data.insert("ns".to_owned(), json!(format!("{}-{}", execution.project, execution.domain)));
        data.insert("res_ver".to_owned(), json!(context.random.u32(800..99_999).to_string()));
        data.insert("routine".to_owned(), json!(format!("worker-{}", context.random.u8(0..40))));
        if context.chance(20.0) {
            data.insert("tasktype".to_owned(), json!("python-task"));
        }
    }
    (Value::Object(data), ids)
}

/// A value as logrus' text formatter writes it: bare if harmless, else a quoted Go string.
fn quoted(value: &str) -> String {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/@^+".contains(&byte);
    if !value.is_empty() && value.bytes().all(harmless) {
        return value.to_owned();
    }
    let mut quoted = String::from("\"");
    for letter in value.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_as_logrus_does() {
        assert_eq!(quoted("handler.go"), "handler.go");
        assert_eq!(quoted("handler.go:181"), "\"handler.go:181\"");
        assert_eq!(quoted(""), "\"\"");
        assert_eq!(quoted("größe \"a\\b\"\n\t"), r#""größe \"a\\b\"\n\t""#);
    }
}
