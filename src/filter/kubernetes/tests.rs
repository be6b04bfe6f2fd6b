use std::path::Path;

use bumpalo::Bump;

use super::known::RETRY_INTERVAL;
use super::*;
use crate::config::{Class, Environment, instance};
use crate::filter::TextParser;
use crate::kubernetes::Pods;
use crate::record::escape::write_string;
use crate::record::{Container, DocumentId, Timestamp, Value};

const UID: &str = "6b0f4c9e-9a51-4d4c-8a53-0c4d7f0e2b11";
const POD: &str = include_str!("testdata/flyte_task.meta");

fn filter(options: &[(&str, &str)]) -> Kubernetes {
    watching(options, None)
}

/// A filter that is told of these pods.
fn watching(options: &[(&str, &str)], pods: Option<Arc<Pods>>) -> Kubernetes {
    let pairs: Vec<_> = [("Name", "kubernetes"), ("Match", "*")].into_iter().chain(options.iter().copied()).collect();
    let (instance, mut problems) = instance(Class::Filter, &PLUGIN, &pairs, &Environment::from_pairs::<&str, &str>([]));
    let settings = Settings::new(&instance.options(), &surroundings(pods), &mut problems);
    assert!(!problems.is_fatal(), "{problems}");
    Kubernetes::new(settings.unwrap())
}

/// What the configuration around the filter gives, with one parser, `pair`.
fn surroundings(pods: Option<Arc<Pods>>) -> Surroundings<'static> {
    Surroundings {
        parsers: &|options, key, _| {
            let is_known = options.text(key).is_some_and(|name| name == "pair");
            is_known.then(|| Box::new(Pair) as Box<dyn TextParser>).into_iter().collect()
        },
        every_parser: &|| vec![("pair".to_owned(), Box::new(Pair))],
        pods,
    }
}

/// Reads `<key>=<value>` after the second of its time, if there is one: `7 key=value`.
struct Pair;

impl TextParser for Pair {
    fn parse<'t>(
        &'t self,
        text: &'t [u8],
        _: &'t Bump,
        _: Timestamp,
        members: &mut Vec<Member<'t>>,
    ) -> Option<Option<Timestamp>> {
        let text = std::str::from_utf8(text).unwrap();
        let (time, pairs) = match text.split_once(' ') {
            Some((time, pairs)) => (Some(Timestamp(time.parse::<i64>().ok()? * 1_000_000_000)), pairs),
            None => (None, text),
        };
        for pair in pairs.split(',') {
            let (key, value) = pair.split_once('=')?;
            members.push(Member::text(key.as_bytes(), value.as_bytes(), Origin::Application));
        }
        Some(time)
    }

    fn cut_off(&self) -> u64 {
        0
    }
}

/// A source; the container, with the UID, as `/var/log/pods/…` tells it, or only a tag.
fn source(id: u64, uid: Option<&str>, tag: &str) -> Source {
    let container = uid.map(|uid| Container {
        namespace: "proj-development".to_owned(),
        pod: "f3b2a1-n0-0".to_owned(),
        name: "main".to_owned(),
        pod_uid: Some(uid.to_owned()),
        id: None,
        restart: Some(0),
    });
    Source { id, input: 0, tag: tag.to_owned(), path: None, container, pod: None, log: None, began: None }
}

/// A directory with the pod's file.
fn preloaded() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    write_pod(directory.path(), POD);
    directory
}

fn write_pod(directory: &Path, json: &str) {
    std::fs::write(directory.join("proj-development_f3b2a1-n0-0.meta"), json).unwrap();
}

/// The document of a record with these members.
fn filtered(filter: &Kubernetes, source: &Source, members: &[(&'static str, Value<'static>)]) -> String {
    let (arena, now) = (Bump::new(), Timestamp(0));
    let members =
        members.iter().map(|(key, value)| Member { key: key.as_bytes(), value: *value, origin: Origin::Runtime });
    let mut record =
        Record { time: now, members: members.collect(), id: DocumentId::random(now), truncated: false, unique: true };
    let action = filter.apply(&mut record, &Turn { arena: &arena, source, now });
    assert_eq!(action, Action::Keep);
    let mut out = Vec::new();
    for member in &record.members {
        out.extend_from_slice(if out.is_empty() { b"{" } else { b"," });
        out.extend_from_slice(&[b"\"", member.key, b"\":"].concat());
        match member.value {
            Value::Json(json) => out.extend_from_slice(json),
            Value::Text(text) => write_string(&mut out, text),
            Value::Members(_) => unreachable!(),
        }
    }
    out.push(b'}');
    serde_json::from_slice::<serde_json::Value>(&out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The `kubernetes` object that records of `source` get.
fn object(filter: &mut Kubernetes, source: &mut Source) -> String {
    filter.prepare(source);
    let document = filtered(filter, source, &[]);
    document.strip_prefix("{\"kubernetes\":").and_then(|rest| rest.strip_suffix('}')).unwrap().to_owned()
}

#[test]
fn all_that_the_metadata_tells_in_fluent_bits_order() {
    let directory = preloaded();
    let directory = directory.path().to_str().unwrap();
    let mut source = source(1, Some(UID), "kube.x");
    let options = [("Kube_Meta_Preload_Cache_Dir", directory), ("Owner_References", "On")];
    let mut kubernetes = filter(&options);
    let expected = [
        r#"{"pod_name":"f3b2a1-n0-0","namespace_name":"proj-development","pod_id":"6b0f4c9e-9a51-4d4c-8a53-0c4d7f0e2b11""#,
        r#""labels":{"execution-id":"f3b2a1","app_kubernetes_io/name":"task","app":"t\"1","app_kubernetes_io/name_2":"twice"}"#,
        r#""annotations":{"cluster-autoscaler_kubernetes_io/safe-to-evict":"false"}"#,
        r#""ownerReferences":[{"apiVersion":"flyte.lyft.com/v1alpha1","controller":true,"kind":"flyteworkflow","name":"f3b2a1"}]"#,
        r#""host":"node-a","pod_ip":"10.1.2.3","container_name":"main","docker_id":"abc123""#,
        r#""container_hash":"registry/task@sha256:77","container_image":"registry/task:1"}"#,
    ];
    assert_eq!(object(&mut kubernetes, &mut source), expected.join(","));
    assert_eq!(kubernetes.missing.get(), 0);
    let pod = source.pod.clone().unwrap();
    assert_eq!(pod.label("app.kubernetes.io/name"), Some("task"), "filters behind see the keys as they are");

    let options = [("Kube_Meta_Preload_Cache_Dir", directory), ("Labels", "Off"), ("Dedot", "Off")];
    let expected = [
        r#"{"pod_name":"f3b2a1-n0-0","namespace_name":"proj-development","pod_id":"6b0f4c9e-9a51-4d4c-8a53-0c4d7f0e2b11""#,
        r#""annotations":{"cluster-autoscaler.kubernetes.io/safe-to-evict":"false"}"#,
        r#""host":"node-a","pod_ip":"10.1.2.3","container_name":"main","docker_id":"abc123""#,
        r#""container_hash":"registry/task@sha256:77","container_image":"registry/task:1"}"#,
    ];
    assert_eq!(object(&mut filter(&options), &mut source), expected.join(","));
    source.pod = None;
    let options = [("Kube_Meta_Preload_Cache_Dir", directory), ("Use_Tag_For_Meta", "On")];
    let mut kubernetes = filter(&options);
    assert_eq!(
        object(&mut kubernetes, &mut source),
        format!(
            r#"{{"pod_name":"f3b2a1-n0-0","namespace_name":"proj-development","pod_id":"{UID}","container_name":"main"}}"#
        )
    );
    assert_eq!((source.pod, kubernetes.missing.get()), (None, 0));
}

#[test]
fn without_metadata_what_the_path_tells() {
    let directory = tempfile::tempdir().unwrap();
    let mut kubernetes = filter(&[("Kube_Meta_Preload_Cache_Dir", directory.path().to_str().unwrap())]);
    let mut source = source(1, Some("uid-1"), "kube.x");
    source.container.as_mut().unwrap().id = Some("ff".to_owned());
    let expected = r#"{"pod_name":"f3b2a1-n0-0","namespace_name":"proj-development","pod_id":"uid-1","container_name":"main","docker_id":"ff"}"#;
    assert_eq!(object(&mut kubernetes, &mut source), expected);
    assert_eq!(object(&mut kubernetes, &mut source), expected);
    assert_eq!((source.pod, kubernetes.missing.get()), (None, 2));
}

#[test]
fn another_pod_of_the_same_name_lends_nothing() {
    let directory = preloaded();
    let mut kubernetes = filter(&[("Kube_Meta_Preload_Cache_Dir", directory.path().to_str().unwrap())]);
    let mut other = source(1, Some("11111111-9a51-4d4c-8a53-0c4d7f0e2b11"), "kube.x");
    assert!(!object(&mut kubernetes, &mut other).contains("labels"));
    assert_eq!((other.pod, kubernetes.missing.get()), (None, 1));
    let mut same = source(2, Some(UID), "kube.x");
    assert!(object(&mut kubernetes, &mut same).contains("labels"));
}

#[test]
fn a_file_that_appears_later_is_used_and_one_that_vanishes_stays_known() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let mut kubernetes = filter(&[("Kube_Meta_Preload_Cache_Dir", path), ("Kube_Meta_Cache_TTL", "60s")]);
    let mut source = source(1, Some(UID), "kube.x");
    let mut now = Instant::now();
    let mut node_after = |kubernetes: &mut Kubernetes, wait: Duration| {
        now += wait;
        kubernetes.prepare_at(&mut source, now);
        source.pod.as_ref().and_then(|pod| pod.node.clone())
    };
    let moment = Duration::from_millis(10);
    assert_eq!(node_after(&mut kubernetes, moment), None);
    write_pod(directory.path(), "{ not yet written");
    assert_eq!(node_after(&mut kubernetes, RETRY_INTERVAL), None);
    write_pod(directory.path(), POD);
    assert_eq!(node_after(&mut kubernetes, moment), None, "not asked again so soon");
    assert_eq!(node_after(&mut kubernetes, RETRY_INTERVAL).as_deref(), Some("node-a"));
    write_pod(directory.path(), &POD.replace("node-a", "node-b"));
    assert_eq!(node_after(&mut kubernetes, moment).as_deref(), Some("node-a"));
    assert_eq!(node_after(&mut kubernetes, Duration::from_secs(60)).as_deref(), Some("node-b"));
    std::fs::remove_file(directory.path().join("proj-development_f3b2a1-n0-0.meta")).unwrap();
    assert_eq!(node_after(&mut kubernetes, Duration::from_secs(60)).as_deref(), Some("node-b"));
}

#[test]
fn silent_sources_are_dropped() {
    let mut kubernetes = filter(&[]);
    let start = Instant::now();
    for id in 0..100 {
        kubernetes.prepare_at(&mut source(id, Some(UID), "kube.x"), start);
    }
    kubernetes.prepare_at(&mut source(7, Some(UID), "kube.x"), start + KEPT);
    assert_eq!(kubernetes.sources.len(), 1);
}

#[test]
fn the_tag_tells_where_the_path_does_not() {
    let id = "0a".repeat(32);
    let mut kubernetes = filter(&[("Merge_Log", "On")]);
    let mut tagged = source(1, None, &format!("kube.var.log.containers.web_shop_nginx-{id}.log"));
    assert_eq!(
        object(&mut kubernetes, &mut tagged),
        format!(r#"{{"pod_name":"web","namespace_name":"shop","container_name":"nginx","docker_id":"{id}"}}"#)
    );
    assert_eq!(tagged.container.as_ref().map(|container| container.pod.as_str()), Some("web"));
    let mut untold = source(2, None, "syslog");
    kubernetes.prepare(&mut untold);
    assert_eq!(filtered(&kubernetes, &untold, &[("log", Value::Text(b"{\"a\":1}"))]), r#"{"log":"{\"a\":1}"}"#);
    assert_eq!((untold.container, kubernetes.missing.get()), (None, 1), "a record without a pod lacks nothing");
}

/// The document that `log` gives, without its `kubernetes` member.
fn merged(options: &[(&str, &str)], log: Value<'static>) -> String {
    let mut kubernetes = filter(options);
    let mut source = source(1, Some(UID), "kube.x");
    kubernetes.prepare(&mut source);
    let document = filtered(
        &kubernetes,
        &source,
        &[("stream", Value::Text(b"stdout")), ("log", log), ("time", Value::Text(b"t"))],
    );
    let (before, _) = document.split_once(r#","kubernetes":"#).unwrap();
    format!("{before}}}")
}

#[test]
fn merging() {
    const OFF: &[(&str, &str)] = &[];
    const ON: &[(&str, &str)] = &[("Merge_Log", "On")];
    const ALONE: &[(&str, &str)] = &[("Merge_Log", "On"), ("Keep_Log", "Off")];
    const NESTED: &[(&str, &str)] = &[("Merge_Log", "On"), ("Keep_Log", "Off"), ("Merge_Log_Key", "app")];
    const UNTRIMMED: &[(&str, &str)] = &[("Merge_Log", "On"), ("Keep_Log", "Off"), ("Merge_Log_Trim", "Off")];
    let text = Value::Text;
    for (options, log, expected) in [
        (OFF, text(br#"{"a":1}"#), r#"{"stream":"stdout","log":"{\"a\":1}","time":"t"}"#),
        (ON, text(br#"{"a":1}"#), r#"{"stream":"stdout","log":"{\"a\":1}","time":"t","a":1}"#),
        (ALONE, text(b" {\"a\":1}\n"), r#"{"stream":"stdout","time":"t","a":1}"#),
        (ALONE, text(b"{}"), r#"{"stream":"stdout","time":"t"}"#),
        (NESTED, text(br#"{"a":1,"b":"x\n"}"#), r#"{"stream":"stdout","time":"t","app":{"a":1,"b":"x"}}"#),
        (NESTED, text(b"{}"), r#"{"stream":"stdout","time":"t"}"#),
        // A member of the application named log is not the one that goes.
        (ALONE, text(br#"{"log":"inner"}"#), r#"{"stream":"stdout","time":"t","log":"inner"}"#),
        // An object is taken as it is, a string of JSON like text.
        (ALONE, Value::Json(br#"{"a":"x\n"}"#), r#"{"stream":"stdout","time":"t","a":"x\n"}"#),
        (ALONE, Value::Json(br#""{\"a\":\"x\\n\"}""#), r#"{"stream":"stdout","time":"t","a":"x"}"#),
        // Not one object.
        (ALONE, text(b"starting"), r#"{"stream":"stdout","log":"starting","time":"t"}"#),
        (ALONE, text(b"{\"a\":1} {\"b\":2}"), r#"{"stream":"stdout","log":"{\"a\":1} {\"b\":2}","time":"t"}"#),
        (ALONE, text(b"{\"a\":"), r#"{"stream":"stdout","log":"{\"a\":","time":"t"}"#),
        (ALONE, text(b"[1]"), r#"{"stream":"stdout","log":"[1]","time":"t"}"#),
        (ALONE, text(b""), r#"{"stream":"stdout","log":"","time":"t"}"#),
        (ALONE, Value::Json(b"7"), r#"{"stream":"stdout","log":7,"time":"t"}"#),
        // Trimming.
        (ALONE, text(br#"{"a":"x\n\n"}"#), r#"{"stream":"stdout","time":"t","a":"x"}"#),
        (ALONE, text(br#"{"a":"x\\n\n\\r"}"#), r#"{"stream":"stdout","time":"t","a":"x"}"#),
        (ALONE, text(br#"{"a":"x\r"}"#), r#"{"stream":"stdout","time":"t","a":"x\r"}"#),
        (ALONE, text(br#"{"a":"x\\\n"}"#), r#"{"stream":"stdout","time":"t","a":"x\\"}"#),
        (ALONE, text(br#"{"a":"on","b":{"c":"x\n"}}"#), r#"{"stream":"stdout","time":"t","a":"on","b":{"c":"x\n"}}"#),
        (ALONE, text(br#"{"a":"\n"}"#), r#"{"stream":"stdout","time":"t","a":""}"#),
        (UNTRIMMED, text(br#"{"a":"x\n"}"#), r#"{"stream":"stdout","time":"t","a":"x\n"}"#),
    ] {
        assert_eq!(merged(options, log), expected, "{options:?} {log:?}");
    }
}

#[test]
fn metadata_may_be_made_up() {
    let directory = preloaded();
    let directory = directory.path().to_str().unwrap();
    let (mut source, mut kubernetes) = (
        source(1, Some(UID), "kube.x"),
        filter(&[("Dummy_Meta", "On"), ("Merge_Log", "On"), ("Kube_Meta_Preload_Cache_Dir", directory)]),
    );
    kubernetes.prepare(&mut source);
    let document = filtered(&kubernetes, &source, &[("log", Value::Text(b"{\"a\":1}"))]);
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    let time = document["kubernetes"]["dummy"].as_str().unwrap();
    assert!(jiff::civil::DateTime::strptime("%a %b %e %H:%M:%S %Y", time).is_ok(), "{time}");
    assert_eq!((&document["a"], document["kubernetes"].as_object().unwrap().len()), (&1.into(), 1));
    assert!(source.pod.is_none() && kubernetes.missing.get() == 0, "nobody is asked");
    let date = jiff::civil::date(2026, 11, 5).at(7, 8, 9, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap();
    assert_eq!(render::dummy(&date), br#"{"dummy":"Thu Nov  5 07:08:09 2026"}"#);
}

#[test]
fn options_that_do_nothing_yet_say_so() {
    let problems = |options: &[(&str, &str)]| {
        let environment = Environment::from_pairs::<&str, &str>([]);
        let pairs: Vec<_> = [("Match", "*")].into_iter().chain(options.iter().copied()).collect();
        let (instance, mut problems) = instance(Class::Filter, &PLUGIN, &pairs, &environment);
        let built = build(&instance.options(), &surroundings(None), &mut problems).is_some();
        (built, problems.iter().map(|problem| format!("{}: {}", problem.severity, problem.message)).collect::<Vec<_>>())
    };
    let brief = [("Kube_URL", "https://kubernetes.default.svc:443"), ("Merge_Log", "On"), ("Keep_Log", "Off")];
    assert_eq!(problems(&brief), (true, vec![]));
    assert!(!problems(&[("Merge_Parser", "x")]).0, "there is no such parser");
    let journal = "error: Use_Journal is not supported: there is no input of journald's";
    assert_eq!(problems(&[("Use_Journal", "On")]), (false, vec![journal.to_owned()]));
    assert_eq!(problems(&[("Use_Journal", "On"), ("Dummy_Meta", "On")]), (true, vec![]));
    let (built, messages) = problems(&[("Kube_CA_Path", "/certificates")]);
    assert!(built);
    assert_eq!(messages, ["warning: Kube_CA_Path is not supported: name one Kube_CA_File"]);
}

#[test]
fn log_is_split_by_a_parser() {
    const ALONE: &[(&str, &str)] = &[("Merge_Log", "On"), ("Keep_Log", "Off"), ("Merge_Parser", "pair")];
    let nested = [ALONE, &[("Merge_Log_Key", "app")]].concat();
    for (options, log, expected) in [
        (ALONE, r"a=x\n", r#"{"stream":"stdout","time":"t","a":"x"}"#),
        (ALONE, "a=x\n\n", r#"{"stream":"stdout","time":"t","a":"x"}"#),
        (&nested, "a=\"", r#"{"stream":"stdout","time":"t","app":{"a":"\""}}"#),
        (ALONE, "{\"a\":1}", r#"{"stream":"stdout","log":"{\"a\":1}","time":"t"}"#),
    ] {
        assert_eq!(merged(options, Value::Text(log.as_bytes())), expected, "{log}");
    }
}

#[test]
fn a_pod_s_annotations_choose_its_parser_and_exclude_its_logs() {
    let directory = tempfile::tempdir().unwrap();
    let wishes = r#""annotations":{"fluentbit.io/parser_stdout":"pair","fluentbit.io/exclude_stderr-main":"true","x":"#;
    write_pod(directory.path(), &POD.replacen(r#""annotations": {"#, &format!("{wishes}\"\","), 1));
    let path = directory.path().to_str().unwrap();
    let options = [
        ("Kube_Meta_Preload_Cache_Dir", path),
        ("Merge_Log", "On"),
        ("Keep_Log", "Off"),
        ("Labels", "Off"),
        ("Annotations", "Off"),
        ("K8S-Logging.Parser", "On"),
        ("K8S-Logging.Exclude", "On"),
    ];
    let mut kubernetes = filter(&options);
    let mut source = source(1, Some(UID), "kube.x");
    kubernetes.prepare(&mut source);
    let (arena, now) = (Bump::new(), Timestamp(0));
    let record = |stream: &'static [u8], log: &'static [u8]| {
        let members =
            vec![Member::text(b"stream", stream, Origin::Runtime), Member::text(b"log", log, Origin::Runtime)];
        let mut record = Record { time: now, members, id: DocumentId::random(now), truncated: false, unique: true };
        let action = kubernetes.apply(&mut record, &Turn { arena: &arena, source: &source, now });
        let keys: Vec<_> = record.members.iter().map(|member| std::str::from_utf8(member.key).unwrap()).collect();
        (action, keys.join(" "), record.time.0 / 1_000_000_000)
    };
    assert_eq!(record(b"stdout", b"7 a=1"), (Action::Keep, "stream a kubernetes".to_owned(), 7));
    assert_eq!(record(b"stdout", b"{\"a\":1}"), (Action::Keep, "stream log kubernetes".to_owned(), 0));
    assert_eq!(record(b"stderr", b"7 a=1").0, Action::Drop);
    assert_eq!(record(b"", b"7 a=1"), (Action::Keep, "stream log kubernetes".to_owned(), 0));
    assert_eq!(kubernetes.excluded.get(), 1);
}

#[test]
fn a_parser_tells_the_container_from_the_tag() {
    let mut kubernetes = filter(&[("Regex_Parser", "pair"), ("Kube_Tag_Prefix", "k.")]);
    let mut tagged = source(1, None, "k.pod_name=web,namespace_name=shop,container_name=main");
    assert_eq!(
        object(&mut kubernetes, &mut tagged),
        r#"{"pod_name":"web","namespace_name":"shop","container_name":"main"}"#
    );
    let mut other = source(2, Some(UID), "k.nothing");
    kubernetes.prepare(&mut other);
    assert_eq!(filtered(&kubernetes, &other, &[("log", Value::Text(b"x"))]), r#"{"log":"x"}"#);
}

#[test]
fn namespaces_from_files() {
    let directory = preloaded();
    let path = directory.path().to_str().unwrap();
    let json = r#"{"metadata":{"name":"proj-development","labels":{"team.x":"ml"},"annotations":{"a":"b"}}}"#;
    std::fs::write(directory.path().join("proj-development.namespace_meta"), json).unwrap();
    let document = |options: &[(&str, &str)]| {
        let mut kubernetes = filter(&[&[("Kube_Meta_Preload_Cache_Dir", path)], options].concat());
        let mut source = source(1, Some(UID), "kube.x");
        kubernetes.prepare(&mut source);
        filtered(&kubernetes, &source, &[])
    };
    let labels = document(&[("Namespace_Labels", "On")]);
    let (pod, namespace) = labels.split_once(r#","kubernetes_namespace":"#).unwrap();
    assert!(pod.contains("pod_name"));
    assert_eq!(namespace, r#"{"name":"proj-development","labels":{"team_x":"ml"}}}"#);
    let alone = document(&[("Namespace_Metadata_Only", "On"), ("Namespace_Annotations", "On")]);
    assert_eq!(alone, r#"{"kubernetes_namespace":{"name":"proj-development","annotations":{"a":"b"}}}"#);
}

#[test]
fn by_the_names_of_elastics_shippers() {
    let directory = preloaded();
    let path = directory.path().to_str().unwrap();
    let of = |more: &[(&str, &str)]| {
        let options = [&[("Kube_Meta_Preload_Cache_Dir", path), ("Field_Names", "ecs")], more].concat();
        let text = object(&mut filter(&options), &mut source(1, Some(UID), "kube.x"));
        serde_json::from_str::<serde_json::Value>(&text).unwrap()
    };
    let object = of(&[]);
    assert_eq!((&object["pod"]["name"], &object["namespace"]), (&"f3b2a1-n0-0".into(), &"proj-development".into()));
    assert!(object["pod"]["uid"].is_string() && object["pod"]["ip"].is_string() && object["node"]["name"].is_string());
    assert!(object["labels"].is_object() && object["pod_name"].is_null(), "{object}");
    assert!(of(&[("Labels", "Off"), ("Annotations", "Off")])["labels"].is_null());
    // What Flyte's own kinds of owners are called nobody has a field for.
    assert_eq!(of(&[("Owner_References", "On")]), object);
    write_pod(directory.path(), &POD.replace("\"flyteworkflow\"", "\"ReplicaSet\""));
    assert_eq!(of(&[("Owner_References", "On")])["replicaset"]["name"], "f3b2a1");
    assert!(of(&[])["replicaset"].is_null());
}
