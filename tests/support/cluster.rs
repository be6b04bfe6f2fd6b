//! A node whose pods a real API server knows: its logs, a shipper for them, and what arrived.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::kubernetes::ApiServer;
use super::place::{Place, append, line};
use super::shipper::{Shipper, wait_for};
use super::turn::{Turn, turn};

/// A node: its logs, and the API server that knows its pods.
pub struct Node {
    /// Its logs, and the shipper's files.
    pub place: Place,
    /// What knows its pods.
    pub server: ApiServer,
    _turn: Turn,
}

impl Node {
    pub fn new() -> Self {
        Self::with_flags(&[])
    }

    /// The same, with these flags for the API server.
    pub fn with_flags(flags: &[&str]) -> Self {
        let turn = turn();
        let node = Self { place: Place::new(), server: ApiServer::start(flags), _turn: turn };
        node.server.administrator(&node.token());
        node
    }

    pub fn token(&self) -> PathBuf {
        self.place.path("token")
    }

    /// Runs the shipper with these further options of the filter.
    pub fn ship(&self, options: &str) -> Shipper {
        self.ship_with("", options)
    }

    /// The same, with a further option of the service.
    pub fn ship_with(&self, service: &str, options: &str) -> Shipper {
        Shipper::start(&self.configure(service, options))
    }

    /// Runs the shipper with these further options of the tail and of the filter.
    pub fn ship_selected(&self, tail: &str, filter: &str) -> Shipper {
        let file = self.configure("", filter);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replacen("Name tail", &format!("Name tail\n  {tail}"), 1)).unwrap();
        Shipper::start(&file)
    }

    /// The shipper's configuration.
    pub fn configure(&self, service: &str, options: &str) -> PathBuf {
        let file = self.place.configure("containers/*.log", "Rotate_Wait 1", "");
        let (url, certificates, token) = (self.server.url(), self.server.certificates(), self.token());
        let kubernetes = format!(
            "Name kubernetes\n  Kube_URL {url}\n  Kube_CA_File {}\n  Kube_Token_File {}\n  Node_Name node-a\n  {options}",
            certificates.display(),
            token.display()
        );
        let text = fs::read_to_string(&file).unwrap().replacen("Name kubernetes", &kubernetes, 1);
        let port = self.http_port();
        let text = text.replacen(
            "[SERVICE]",
            &format!("[SERVICE]\n  HTTP_Server On\n  HTTP_Listen 127.0.0.1\n  HTTP_Port {port}\n  {service}"),
            1,
        );
        fs::write(&file, text).unwrap();
        file
    }

    /// A free port, the same one whenever it is asked for.
    pub fn http_port(&self) -> u16 {
        let kept = self.place.path("port");
        if let Ok(port) = fs::read_to_string(&kept) {
            return port.parse().unwrap();
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        fs::write(kept, port.to_string()).unwrap();
        port
    }

    /// The directory of a pod's logs, as the kubelet makes it.
    pub fn logs(&self, namespace: &str, name: &str, uid: &str) -> PathBuf {
        let directory = self.place.path(&format!("pods/{namespace}_{name}_{uid}/main"));
        fs::create_dir_all(&directory).unwrap();
        directory
    }

    /// A line in the log of a pod in the namespace `flyte`, which is linked when it is new.
    pub fn write(&self, name: &str, uid: &str, text: &str) {
        self.write_in("flyte", name, uid, text);
    }

    /// The same in any namespace.
    pub fn write_in(&self, namespace: &str, name: &str, uid: &str, text: &str) {
        let log = self.logs(namespace, name, uid).join("0.log");
        let is_new = !log.exists();
        append(&log, &line(text));
        if is_new {
            let link = self.place.path(&format!("containers/{name}_{namespace}_main-{:064x}.log", id_of(uid)));
            std::os::unix::fs::symlink(&log, link).unwrap();
        }
    }

    /// Removes a pod's logs, as the kubelet does.
    pub fn remove(&self, name: &str, uid: &str) {
        fs::remove_file(self.place.path(&format!("containers/{name}_flyte_main-{:064x}.log", id_of(uid)))).unwrap();
        fs::remove_dir_all(self.logs("flyte", name, uid).parent().unwrap()).unwrap();
    }

    /// The document with this message, when it has arrived.
    pub fn document(&self, message: &str) -> Value {
        let find = || self.place.documents().into_iter().find(|document| document["message"] == message);
        wait_for(&true, || find().is_some());
        find().unwrap()
    }

    /// A metric's value.
    pub fn metric(&self, name: &str) -> f64 {
        let text = self.page("metrics");
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name} in\n{text}"));
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    }

    pub fn page(&self, path: &str) -> String {
        let url = format!("http://127.0.0.1:{}/{path}", self.http_port());
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        match agent.get(url).call() {
            Ok(mut answer) => answer.body_mut().read_to_string().unwrap(),
            Err(_) => String::new(),
        }
    }

    /// Waits until this is among what is wrong.
    pub fn wait_until_unhealthy(&self, reason: &str) {
        wait_for(&true, || self.page("api/v1/health").contains(reason));
    }

    /// Waits until pods are watched.
    pub fn wait_until_watched(&self) {
        wait_for(&true, || self.page("metrics").contains("flytail_kubernetes_connected{name=\"kubernetes.0\"} 1"));
    }
}

/// A number that stands for a UID.
pub fn id_of(uid: &str) -> u128 {
    u128::from_str_radix(&uid.replace('-', ""), 16).unwrap()
}
