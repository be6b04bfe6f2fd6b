//! Spans go through the collector and Jaeger, as they are configured in `deploy/tracing`, into a server that speaks TLS and
//! asks who it is, are found there by the searches that the documentation names, and removed in time.
//!
//! Jaeger's program is an OpenTelemetry collector with the components of both configurations, so that it runs both.

use std::fs::{self, File};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::server::{Engine, PASSWORD, Server, free_port};
use crate::support::turn::turn;
use crate::tools::{deploy, run, tool};

/// How long anything may take that is only waited for.
const PATIENCE: Duration = Duration::from_secs(60);

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A running program with one of the configurations, each of its ports being another one. It ends when it is dropped.
struct Program {
    process: Child,
    /// The port of the configuration, and the one in its place.
    ports: Vec<(u16, u16)>,
    directory: TempDir,
}

impl Program {
    fn start(configuration: &str, ports: &[u16], environment: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ports: Vec<_> = ports.iter().map(|port| (*port, free_port())).collect();
        let mut text = configuration.to_owned();
        for (port, free) in &ports {
            text = text.replace(&format!("0.0.0.0:{port}"), &format!("127.0.0.1:{free}"));
            text = text.replace(&format!("host: 0.0.0.0, port: {port}"), &format!("host: 127.0.0.1, port: {free}"));
        }
        assert!(!text.contains("0.0.0.0"), "a port that this test does not know: {text}");
        let file = directory.path().join("configuration.yml");
        fs::write(&file, text).unwrap();
        let log = File::create(directory.path().join("log")).unwrap();
        let mut command = tool("jaeger", "jaeger");
        command.arg("--config").arg(&file).envs(environment.iter().copied());
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        Self { process: command.spawn().unwrap(), ports, directory }
    }

    /// The address in place of a port of the configuration.
    fn at(&self, port: u16) -> String {
        let (_, free) = self.ports.iter().find(|(known, _)| *known == port).expect("a port of the configuration");
        format!("127.0.0.1:{free}")
    }

    /// Asks until there is an answer; fails with what the program said.
    fn wait_for<T>(&self, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            let log = || fs::read_to_string(self.directory.path().join("log")).unwrap();
            assert!(began.elapsed() < PATIENCE, "{what}: nothing\n{}", log());
            thread::sleep(Duration::from_millis(200));
        }
    }

    fn is_ready(&self) {
        // The path of the health check's second version, and that of the first one.
        let health = format!("http://{}/status", self.at(13133));
        let older = format!("http://{}/", self.at(13133));
        self.wait_for("readiness", || ureq::get(&health).call().or_else(|_| ureq::get(&older).call()).ok());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn read(file: &str) -> String {
    fs::read_to_string(deploy().join("tracing").join(file)).unwrap()
}

#[test]
fn spans_in_elasticsearch_are_found_by_the_searches_of_the_documentation() {
    spans_are_found(Engine::Elasticsearch8);
}

#[test]
fn spans_in_opensearch_are_found_by_the_searches_of_the_documentation() {
    spans_are_found(Engine::OpenSearch2);
}

fn spans_are_found(engine: Engine) {
    // Nobody waits for its being built, the first time.
    drop(tool("jaeger", "jaeger"));
    let _turn = turn();
    let elasticsearch = Server::start_secured(engine, &[]);
    let certificate = fs::read_to_string(elasticsearch.certificates().join("ca.crt")).unwrap();
    let url = elasticsearch.url();
    let environment = [("ES_URL", &*url), ("ES_CA", &*certificate), ("ES_USER", "admin"), ("ES_PASS", PASSWORD)];
    let jaeger = Program::start(&read("jaeger.yml"), &[4317, 4318, 8888, 13133, 16685, 16686], &environment);
    jaeger.is_ready();
    let collector = Program::start(&for_jaegers_program(&jaeger), &[4317, 4318, 8889, 13133], &[]);
    collector.is_ready();

    let sent = ureq::post(format!("http://{}/v1/traces", collector.at(4318)));
    let sent = sent.content_type("application/json").send(spans().to_string()).unwrap();
    assert_eq!(sent.status(), 200);

    for (service, search) in [
        ("flyteadmin", vec![("minDuration", "500ms"), ("tags", r#"{"rpc.system":"grpc"}"#)]),
        ("flytepropeller", vec![("tags", r#"{"execution_id":"ahx4kq7z2bncv5d8wt9f"}"#)]),
        ("envoy", vec![("tags", r#"{"error":"true"}"#)]),
    ] {
        let traces = || found(&jaeger, service, &search).filter(|traces| !traces.is_empty());
        assert_eq!(jaeger.wait_for(service, traces), [TRACE], "{service}");
    }
    // What is faster or of another execution is not found by these.
    for (service, search) in [
        ("flyteadmin", vec![("minDuration", "900ms")]),
        ("flytepropeller", vec![("tags", r#"{"execution_id":"another"}"#)]),
    ] {
        assert_eq!(found(&jaeger, service, &search), Some(vec![]), "{service}");
    }
    the_cleaner_removes_what_is_old(&elasticsearch);
    durations_have_exemplars(&collector);
}

/// The collector's configuration: the health check's first version is not in Jaeger's program, the second one reads the
/// same section. Where Jaeger is differs, and its own metrics would be at a port that others may have.
fn for_jaegers_program(jaeger: &Program) -> String {
    let text = read("otel-collector.yml").replace("health_check", "healthcheckv2");
    text.replace("jaeger:4317", &jaeger.at(4317)) + "\n  telemetry: {metrics: {level: none}}\n"
}

/// One trace over three services: an edge that fails, a call that takes 700 ms, and the execution that it began.
fn spans() -> Value {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let span = |service: &str, name: &str, id: &str, tag: Value, milliseconds: u64, status: u8| {
        let end = now + milliseconds * 1_000_000;
        json!({
            "resource": {"attributes": [text("service.name", service)]},
            "scopeSpans": [{"spans": [{
                "traceId": TRACE, "spanId": id, "name": name, "kind": 2, "attributes": [tag],
                "startTimeUnixNano": now.to_string(), "endTimeUnixNano": end.to_string(), "status": {"code": status},
            }]}],
        })
    };
    let call = "flyteidl.service.AdminService/CreateExecution";
    json!({"resourceSpans": [
        span("envoy", "ingress", "00f067aa0ba902b1", text("component", "proxy"), 750, 2),
        span("flyteadmin", call, "00f067aa0ba902b2", text("rpc.system", "grpc"), 700, 0),
        span("flytepropeller", "Reconcile", "00f067aa0ba902b3", text("execution_id", "ahx4kq7z2bncv5d8wt9f"), 90, 0),
    ]})
}

/// The traces that a search in Jaeger finds, if Jaeger can search.
fn found(jaeger: &Program, service: &str, search: &[(&str, &str)]) -> Option<Vec<String>> {
    let request = ureq::get(format!("http://{}/api/traces", jaeger.at(16686)));
    let request = request.query("service", service).query("lookback", "1h").query_pairs(search.iter().copied());
    let answer = request.call().ok()?.body_mut().read_to_string().ok()?;
    let answer: Value = serde_json::from_str(&answer).ok()?;
    let traces = answer["data"].as_array()?.iter();
    Some(traces.map(|trace| trace["traceID"].as_str().unwrap().to_owned()).collect())
}

/// With the arguments and the environment of `kubernetes/index-cleaner.yml`, TLS and credentials switched on. An index's
/// age is that of its making, so that "older than no day" stands for the day when today's are old.
fn the_cleaner_removes_what_is_old(elasticsearch: &Server) {
    let manifest: Value = serde_saphyr::from_str(&read("kubernetes/index-cleaner.yml")).unwrap();
    let container = &manifest["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0];
    let client = elasticsearch.client();
    client.put("/flyte-logs-2026.01.01", &json!({})).ok();
    let indices = || {
        let answer = client.get("/_cat/indices/flyte-*?format=json").ok();
        let name = |index: &Value| index["index"].as_str().unwrap().to_owned();
        answer.as_array().unwrap().iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(indices().len(), 3, "spans and services of today, and logs: {:?}", indices());
    for (days, left) in [(container["args"][0].as_str().unwrap(), 3), ("0", 1)] {
        let mut command = tool("jaeger", "es-index-cleaner");
        command.arg(days).arg(elasticsearch.url());
        for variable in container["env"].as_array().unwrap() {
            let value = match (variable["value"].as_str(), variable["valueFrom"]["secretKeyRef"]["key"].as_str()) {
                (Some(value), _) => value,
                (None, Some("username")) => "admin",
                (None, Some("password")) => PASSWORD,
                _ => panic!("a variable that this test does not know: {variable}"),
            };
            command.env(variable["name"].as_str().unwrap(), value);
        }
        command.env("ES_TLS_ENABLED", "true").env("ES_TLS_CA", elasticsearch.certificates().join("ca.crt"));
        run(&mut command);
        assert_eq!(indices().len(), left, "older than {days} days: {:?}", indices());
    }
}

/// What `deploy/grafana` draws, with the trace that a point leads to.
fn durations_have_exemplars(collector: &Program) {
    let metrics = || {
        let request = ureq::get(format!("http://{}/metrics", collector.at(8889)));
        let mut answer = request.header("Accept", "application/openmetrics-text; version=1.0.0").call().ok()?;
        let text = answer.body_mut().read_to_string().ok()?;
        let name = "traces_span_metrics_duration_milliseconds_bucket{";
        let line = |line: &&str| line.starts_with(name) && line.contains("service_name=\"flyteadmin\"");
        text.lines().filter(line).find(|line| line.contains(TRACE)).map(str::to_owned)
    };
    let line = collector.wait_for("exemplars", metrics);
    assert!(line.contains("le=\"1000.0\"") && line.contains("span_name=\"flyteidl.service"), "{line}");
}

#[test]
fn flyte_and_envoy_send_to_the_collector() {
    let service = read("kubernetes/otel-collector.yml");
    assert!(service.contains("name: otel-collector\n") && service.contains("{name: otlp-grpc, port: 4317}"));
    for file in ["flyte-v1.yml", "flyte-v2.yml"] {
        assert!(read(file).contains("endpoint: \"http://otel-collector.monitoring:4317\""), "{file}");
    }
    assert!(read("envoy.yml").contains("socket_address: {address: otel-collector, port_value: 4317}"));
}
