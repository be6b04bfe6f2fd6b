//! A running Prometheus with the configuration, the arguments and the rules of `deploy/prometheus`, which scrapes the
//! targets of `exporter` and a running flytail.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::exporter;
use crate::tools::{deploy, tool};

/// How long anything may take that is only waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// What flytail runs with: everything that has metrics of its own.
const FLYTAIL: &str = "
[SERVICE]
    Flush 1
    HTTP_Server On
    HTTP_Listen 127.0.0.1
    HTTP_Port ${PORT}
[INPUT]
    Name dummy
    Tag kube.var.log.containers.a_b_c-0000000000000000000000000000000000000000000000000000000000000000.log
[FILTER]
    Name kubernetes
    Match kube.*
    Kube_URL http://127.0.0.1:9
[OUTPUT]
    Name null
    Match *
";

/// Ends its processes when it is dropped.
pub(crate) struct Prometheus {
    url: String,
    processes: Vec<Child>,
    directory: TempDir,
}

impl Prometheus {
    /// Starts everything and waits until Prometheus answers.
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (port, flytail_port) = (free_port(), free_port());
        let mut targets = exporter::start();
        targets.insert("flytail".to_owned(), flytail_port);
        configure(directory.path(), &targets);
        let mut started = Self { url: format!("http://127.0.0.1:{port}"), processes: Vec::new(), directory };
        started.start_flytail(flytail_port);
        started.start_prometheus(port);
        let ready = format!("{}/-/ready", started.url);
        let answer = started.wait_for(|| ureq::get(&ready).call().ok());
        assert!(answer.is_some(), "Prometheus does not get ready:\n{}", started.log());
        started
    }

    fn start_flytail(&mut self, port: u16) {
        let path = self.directory.path().join("flytail.conf");
        fs::write(&path, FLYTAIL.replace("${PORT}", &port.to_string())).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_flytail"));
        command.arg("-c").arg(path).env("NODE_NAME", "node");
        self.spawn(command, "flytail.log");
    }

    fn start_prometheus(&mut self, port: u16) {
        let mut command = tool("prometheus", "prometheus");
        let arguments = fs::read_to_string(deploy().join("prometheus/prometheus.args")).unwrap();
        command.args(arguments.lines().filter(|line| !line.starts_with('#')));
        command.arg("--config.file").arg(self.directory.path().join("prometheus.yml"));
        command.arg("--storage.tsdb.path").arg(self.directory.path().join("data"));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        self.spawn(command, "prometheus.log");
    }

    fn spawn(&mut self, mut command: Command, log: &str) {
        let log = File::create(self.directory.path().join(log)).unwrap();
        command.current_dir(self.directory.path()).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.processes.push(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")));
    }

    /// Asks until there is an answer, for as long as patience lasts.
    pub(crate) fn wait_for<T>(&self, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
        let began = Instant::now();
        loop {
            let answer = ask();
            if answer.is_some() || began.elapsed() > PATIENCE {
                return answer;
            }
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// What Prometheus said.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("prometheus.log")).unwrap_or_default()
    }

    /// What a path of the API answers to these parameters: its `data`, or the error.
    pub(crate) fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value, String> {
        let request = ureq::post(format!("{}/api/v1/{path}", self.url)).config().http_status_as_error(false).build();
        let mut response = request.send_form(parameters.iter().copied()).map_err(|error| error.to_string())?;
        let text = response.body_mut().read_to_string().map_err(|error| error.to_string())?;
        let mut answer: Value = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["data"].take()),
        }
    }

    /// What a path of the API that takes no parameters answers.
    pub(crate) fn get(&self, path: &str) -> Value {
        let mut response = ureq::get(format!("{}/api/v1/{path}", self.url)).call().unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["data"].take()
    }

    /// The series that an expression has now. Those that are no number are none.
    pub(crate) fn series(&self, expression: &str) -> Result<Vec<Value>, String> {
        let data = self.ask("query", &[("query", expression)])?;
        let mut series = data["result"].as_array().cloned().unwrap_or_default();
        series.retain(|series| series["value"][1] != "NaN");
        Ok(series)
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// The deployed configuration and rules, with the targets at hand, in seconds instead of quarters of a minute.
fn configure(directory: &Path, targets: &BTreeMap<String, u16>) {
    let quick = |text: String| text.replace("_interval: 15s", "_interval: 1s").replace("interval: 10m", "interval: 1s");
    let source = deploy().join("prometheus");
    let mut configuration = String::new();
    for line in quick(fs::read_to_string(source.join("prometheus.yml")).unwrap()).lines() {
        let address = line.split_once("targets: [\"").and_then(|(_, rest)| rest.split_once('"'));
        match address.filter(|_| !line.trim_start().starts_with('#')) {
            Some((address, _)) => {
                let (host, _) = address.split_once(':').expect("a port");
                let port = match host {
                    "alertmanager" => &1,
                    _ => targets.get(host).unwrap_or_else(|| panic!("exported.metrics has no target {host}")),
                };
                configuration += &line.replace(address, &format!("127.0.0.1:{port}"));
            }
            None => configuration += line,
        }
        configuration.push('\n');
    }
    fs::write(directory.join("prometheus.yml"), configuration).unwrap();
    fs::create_dir(directory.join("rules")).unwrap();
    for rules in crate::tools::files(&source.join("rules"), &[".yml"]) {
        let text = quick(fs::read_to_string(&rules).unwrap());
        fs::write(directory.join("rules").join(rules.file_name().unwrap()), text).unwrap();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
