//! Whole records through the filter, compared as whole documents.

mod conflicts;
mod formats;
mod places;

use std::sync::Arc;

use bumpalo::Bump;
use serde_json::{Value as Json, json};

use super::identity::Host;
use super::sources::Sources;
use super::*;
use crate::record::escape::write_string;
use crate::record::json::{split, strict};
use crate::record::source::ContainerMetadata;
use crate::record::{Container, DocumentId, Member, Origin, PodMetadata, Record, Timestamp, Value};

/// A source with the container's `(namespace, pod, container)` and no metadata.
fn source(place: (&str, &str, &str)) -> Source {
    let (namespace, pod, name) = place;
    let (namespace, pod, name) = (namespace.to_owned(), pod.to_owned(), name.to_owned());
    let container = Container { namespace, pod, name, pod_uid: None, id: None, restart: None };
    Source { container: Some(container), ..file() }
}

/// A source that is no container's.
fn file() -> Source {
    Source {
        id: 1,
        input: 0,
        tag: "app.log".to_owned(),
        path: None,
        container: None,
        pod: None,
        log: None,
        began: None,
    }
}

fn with_labels(mut source: Source, labels: &[(&str, &str)]) -> Source {
    let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let pod = PodMetadata { node: Some("node-7".to_owned()), labels, ..PodMetadata::default() };
    source.pod = Some(Arc::new(pod));
    source
}

/// Adds the environment of a container to a source that has metadata.
fn with_environment(mut source: Source, container: &str, environment: &[(&str, &str)]) -> Source {
    let mut pod = source.pod.as_deref().unwrap().clone();
    let env = environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    pod.containers.push(ContainerMetadata { name: container.to_owned(), env, ..ContainerMetadata::default() });
    source.pod = Some(Arc::new(pod));
    source
}

fn propeller() -> Source {
    let source = source(("flyte", "flytepropeller-77b5-x", "flytepropeller"));
    with_labels(source, &[("app.kubernetes.io/name", "flytepropeller")])
}

fn task() -> Source {
    let source = source(("p-d", "ahx4kq7z2bncv5d8wt9f-n0-0", "ahx4kq7z2bncv5d8wt9f-n0-0"));
    with_labels(
        source,
        &[("execution-id", "ahx4kq7z2bncv5d8wt9f"), ("node-id", "n0"), ("project", "p"), ("domain", "d")],
    )
}

fn binary() -> Source {
    let source = source(("flyte", "flyte-binary-0", "flyte"));
    with_labels(source, &[("app.kubernetes.io/name", "flyte"), ("app.kubernetes.io/component", "flyte-binary")])
}

/// What the CRI decoder makes of a line.
fn line(text: &str) -> Vec<Member<'_>> {
    vec![
        Member::text(b"time", b"2026-08-21T12:00:01.5Z", Origin::Runtime),
        Member::text(b"stream", b"stderr", Origin::Runtime),
        Member::text(b"logtag", b"F", Origin::Runtime),
        Member::text(b"log", text.as_bytes(), Origin::Runtime),
    ]
}

/// What `Merge_Log` makes of a line, with `Keep_Log Off`.
fn merged<'t>(text: &'t str, arena: &'t Bump) -> Vec<Member<'t>> {
    let mut members = line("")[..3].to_vec();
    split(text.as_bytes(), arena, &mut members, Origin::Application).unwrap();
    members
}

fn record(members: Vec<Member<'_>>) -> Record<'_> {
    Record { time: Timestamp(0), members, id: DocumentId::random(Timestamp(0)), truncated: false, unique: false }
}

/// The document of a record with these members.
fn document_of(source: &Source, members: Vec<Member<'_>>) -> Json {
    document_with(FieldNames::Default, source, members)
}

fn document_with(fields: FieldNames, source: &Source, members: Vec<Member<'_>>) -> Json {
    let mut filter = Flyte { host: Host::Found("node-0".to_owned()), fields, sources: Sources::default() };
    filter.prepare(&mut source.clone());
    let arena = Bump::new();
    let turn = Turn { arena: &arena, source, now: Timestamp(0) };
    let mut record = record(members);
    assert_eq!(filter.apply(&mut record, &turn), Action::Keep);
    assert!(record.unique);
    rendered(&record)
}

/// Writes the record as an output does, and reads it back with a reader that takes no key twice.
fn rendered(record: &Record<'_>) -> Json {
    let mut out = b"{".to_vec();
    for (ordinal, member) in record.members.iter().enumerate() {
        out.extend_from_slice(if ordinal > 0 { b"," } else { b"" });
        if !matches!(member.value, Value::Members(_)) {
            out.push(b'"');
            out.extend_from_slice(member.key);
            out.extend_from_slice(b"\":");
        }
        match member.value {
            Value::Text(text) => write_string(&mut out, text),
            Value::Json(json) | Value::Members(json) => out.extend_from_slice(json),
        }
    }
    out.push(b'}');
    strict::parse(&out).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&out)))
}

/// Checks the document of a line, read from its text and as `Merge_Log` splits it. `expected`
/// holds what differs from `common`.
fn expect(source: &Source, text: &str, common: Json, expected: Json) {
    let mut whole = common;
    whole.as_object_mut().unwrap().extend(expected.as_object().unwrap().clone());
    assert_eq!(document_of(source, line(text)), whole, "{text}");
    if text.starts_with('{') && split(text.as_bytes(), &Bump::new(), &mut Vec::new(), Origin::Application).is_ok() {
        let arena = Bump::new();
        assert_eq!(document_of(source, merged(text, &arena)), whole, "{text} after Merge_Log");
    }
}

fn of_propeller() -> Json {
    json!({"app": "flytepropeller", "component": "propeller", "namespace": "flyte", "pod": "flytepropeller-77b5-x",
        "container": "flytepropeller", "host": "node-7", "stream": "stderr"})
}

fn of_task() -> Json {
    json!({"app": "flyte-task", "component": "task", "namespace": "p-d", "pod": "ahx4kq7z2bncv5d8wt9f-n0-0",
        "container": "ahx4kq7z2bncv5d8wt9f-n0-0", "host": "node-7", "stream": "stderr", "project": "p", "domain": "d",
        "execution_id": "ahx4kq7z2bncv5d8wt9f", "node_id": "n0"})
}

fn of_binary(component: &str) -> Json {
    json!({"app": "flyte", "component": component, "namespace": "flyte", "pod": "flyte-binary-0", "container": "flyte",
        "host": "node-7", "stream": "stderr"})
}

#[test]
fn is_configured() {
    let text = "[FILTER]\n    Name flyte\n    Match *\n    Host edge-3\n";
    let none = Plugin { name: "none", doc: "", options: &[] };
    let registry = crate::config::Registry {
        inputs: &[],
        filters: &[PLUGIN],
        outputs: &[],
        parser: &none,
        multiline_parser: &none,
    };
    let environment = crate::config::Environment::from_pairs::<String, String>([]);
    let (config, problems) = crate::config::load_text("a.conf".as_ref(), text, &registry, &environment);
    assert!(!problems.is_fatal(), "{problems}");
    let mut filter = build(&config.filters[0].options(), &mut Problems::new()).unwrap();
    let (mut source, arena) = (task(), Bump::new());
    filter.prepare(&mut source);
    let mut record = record(line("x"));
    filter.apply(&mut record, &Turn { arena: &arena, source: &source, now: Timestamp(0) });
    assert_eq!(rendered(&record)["host"], "edge-3");
    assert!(!machine().is_empty());
}

#[test]
fn knows_sources_that_were_not_prepared() {
    let filter =
        Flyte { host: Host::Found("node-0".to_owned()), fields: FieldNames::Default, sources: Sources::default() };
    let (source, arena) = (binary(), Bump::new());
    let mut record = record(line("2026-08-21T12:00:01Z\tINFO\tx"));
    filter.apply(&mut record, &Turn { arena: &arena, source: &source, now: Timestamp(0) });
    let mut expected = of_binary("propeller");
    expected.as_object_mut().unwrap().extend([("message".into(), json!("x")), ("level".into(), json!("INFO"))]);
    assert_eq!(rendered(&record), expected);
}

#[test]
fn by_the_names_of_ecs() {
    let arena = Bump::new();
    let document = |text: &str, more: Vec<Member<'static>>| {
        let text = arena.alloc_str(text);
        let members = line(text).into_iter().chain(more).collect();
        let mut document = document_with(FieldNames::Ecs, &task(), members);
        assert_eq!(document["ecs.version"], "8.11.0");
        let common = ["ecs.version", "orchestrator.type", "orchestrator.resource.type", "orchestrator.namespace"];
        common.iter().for_each(|field| drop(document.as_object_mut().unwrap().remove(*field).unwrap()));
        document
    };
    let of_task = |more: Json| {
        let mut expected = json!({"service.name": "flyte-task", "flyte.component": "task",
            "orchestrator.resource.name": "ahx4kq7z2bncv5d8wt9f-n0-0", "container.name": "ahx4kq7z2bncv5d8wt9f-n0-0",
            "host.name": "node-7", "stream": "stderr", "flyte.project": "p", "flyte.domain": "d",
            "flyte.execution_id": "ahx4kq7z2bncv5d8wt9f", "flyte.node_id": "n0"});
        expected.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        expected
    };
    let json_line = r#"{"level":"error","msg":"m","trace_id":"t","span_id":"s","stack_trace":"at x","user":"amy"}"#;
    assert_eq!(
        document(json_line, Vec::new()),
        of_task(json!({"message": "m", "log.level": "ERROR", "trace.id": "t", "span.id": "s",
            "error.stack_trace": "at x", "fields": {"user": "amy"}}))
    );
    let traceback = "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: x";
    let expected = json!({"message": traceback, "log.level": "ERROR", "error.stack_trace": traceback});
    assert_eq!(document(traceback, Vec::new()), of_task(expected));
    // As `Merge_Log On` and `Keep_Log On` leave it.
    let mut split_line = Vec::new();
    split(json_line.as_bytes(), &arena, &mut split_line, Origin::Application).unwrap();
    let merged = [line(json_line), split_line].concat();
    let kept = document_with(FieldNames::Ecs, &task(), merged);
    assert_eq!((&kept["event.original"], &kept["fields"]), (&json!(json_line), &json!({"user": "amy"})));
    // What another filter adds stays where it can, and never where an object has to be.
    let added = vec![
        Member::json(b"host", br#""edge""#, Origin::Filter),
        Member::json(b"log.file.path", br#""/x""#, Origin::Filter),
    ];
    assert_eq!(
        document("x", added),
        of_task(json!({"message": "x", "log.file.path": "/x", "fields": {"host": "edge"}}))
    );
}
