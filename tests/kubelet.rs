//! Pods' metadata from a kubelet, through the binary. A TLS server stands for the kubelet, and gives what that answers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod support;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use support::place::{Place, append, line};
use support::shipper::{Shipper, wait_for};

/// A TLS server that gives the files in a directory.
struct Kubelet {
    process: Child,
    port: u16,
}

impl Kubelet {
    fn start(directory: &Path) -> Self {
        let certificates = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/certificates");
        assert!(Command::new(certificates).arg(directory).status().unwrap().success());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Command::new("openssl");
        server.args(["s_server", "-quiet", "-WWW", "-cert", "server.crt", "-key", "server.key", "-accept"]);
        server.arg(format!("127.0.0.1:{port}")).current_dir(directory);
        let process = server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_for(&true, || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { process, port }
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// What the kubelet answers: pods with these numbers and run labels.
fn answer(directory: &Path, runs: &[(usize, &str)]) {
    let pod = |(number, run): &(usize, &str)| {
        let metadata = json!({"name": format!("pod-{number}"), "namespace": "flyte", "uid": format!("uid-{number}"), "labels": {"run": run}});
        json!({"metadata": metadata, "spec": {"nodeName": "node-a", "containers": [{"name": "main"}]}, "status": {}})
    };
    let items: Vec<Value> = runs.iter().map(pod).collect();
    let list = json!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items}).to_string();
    // The request's target ends with a question mark, which this server takes for a part of the name.
    let next = directory.join("next");
    fs::write(&next, list).unwrap();
    fs::rename(next, directory.join("pods?")).unwrap();
}

#[test]
fn the_kubelet_tells_of_pods() {
    let place = Place::new();
    let directory = place.path("kubelet");
    fs::create_dir(&directory).unwrap();
    answer(&directory, &[(1, "one")]);
    let mut kubelet = Kubelet::start(&directory);
    fs::write(place.path("token"), "token").unwrap();
    let file = place.configure("containers/*.log", "", "");
    let filter = format!(
        "Name kubernetes\n  Use_Kubelet On\n  Kubelet_Port {}\n  Kube_CA_File {}\n  Kube_Token_File {}\n  Metadata_Grace 30s",
        kubelet.port,
        directory.join("ca.crt").display(),
        place.path("token").display()
    );
    fs::write(&file, fs::read_to_string(&file).unwrap().replacen("Name kubernetes", &filter, 1)).unwrap();
    let mut shipper = Shipper::start(&file);
    let run_of = |message: &str| {
        let documents = place.documents();
        let found = documents.iter().find(|document| document["message"] == message);
        found.map_or(Value::Null, |document| document["kubernetes"]["labels"]["run"].clone())
    };
    let log = place.container(1);
    append(&log, &line("of the first"));
    wait_for(&json!("one"), || run_of("of the first"));
    // A new pod is there when the kubelet is asked again. The log waits for it.
    append(&place.container(2), &line("of the second"));
    answer(&directory, &[(1, "one"), (2, "two")]);
    wait_for(&json!("two"), || run_of("of the second"));
    // One that is gone stays known, and logs go on without the kubelet.
    answer(&directory, &[(2, "two")]);
    kubelet.kill();
    wait_for(&true, || shipper.log().contains("the watch of pods is interrupted, logs go on"));
    append(&log, &line("of the first, later"));
    wait_for(&json!("one"), || run_of("of the first, later"));
    assert!(shipper.terminate().success());
}
