//! A node as the manifests make it: the ConfigMap's files, the containers' environment and command lines, with all
//! paths below one directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::manifests::{container, find, well};
use crate::support::shipper::flytail;

/// Where the manifests mount things, and the directories here that take their places.
const MOUNTS: [(&str, &str); 5] = [
    ("/fluent-bit/etc/conf", "config"),
    ("/etc/flytail-credentials", "credentials"),
    ("/etc/flytail", "config"),
    ("/var/lib/flytail", "state"),
    ("/var/log", "log"),
];

/// See the module.
pub(crate) struct Node {
    directory: TempDir,
    /// The DaemonSet.
    workload: Value,
}

impl Node {
    /// The node that these manifests make.
    pub(crate) fn new(manifests: &[Value]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["config", "credentials", "state", "log/containers", "log/pods"] {
            fs::create_dir_all(directory.path().join(name)).unwrap();
        }
        let node = Self { directory, workload: find(manifests, "DaemonSet", "flytail").clone() };
        node.take_configuration(find(manifests, "ConfigMap", "-config"));
        node
    }

    /// A path of the container, as it is here.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        PathBuf::from(self.moved(path))
    }

    /// Replaces text in a file of the configuration.
    pub(crate) fn change(&self, file: &str, text: &str, instead: &str) {
        let path = self.directory.path().join("config").join(file);
        let written = fs::read_to_string(&path).unwrap();
        assert!(written.contains(text), "no {text} in {written}");
        fs::write(path, written.replace(text, instead)).unwrap();
    }

    /// The main file of the configuration, which is where the container's command line says.
    pub(crate) fn configuration(&self) -> PathBuf {
        let arguments = container(&self.workload)["args"].as_array().unwrap();
        let file = arguments.iter().find_map(|argument| argument.as_str().unwrap().strip_prefix("--config=")).unwrap();
        self.path(file)
    }

    /// The environment of the container; what comes from a secret is not there.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let variables = container(&self.workload)["env"].as_array().unwrap().iter();
        variables
            .filter_map(|variable| {
                let value = match variable["valueFrom"]["fieldRef"]["fieldPath"].as_str() {
                    Some("spec.nodeName") => "node-a",
                    Some(other) => panic!("{other} is not known here"),
                    None => variable["value"].as_str()?,
                };
                Some((variable["name"].as_str().unwrap().to_owned(), self.moved(value)))
            })
            .collect()
    }

    /// The container's command with its arguments.
    pub(crate) fn command(&self) -> Command {
        let mut command = flytail();
        command.env_clear().envs(self.environment());
        for argument in container(&self.workload)["args"].as_array().unwrap() {
            command.arg(self.moved(argument.as_str().unwrap()));
        }
        command
    }

    /// Runs a container that prepares things, in this environment.
    pub(crate) fn run(&self, container: &Value, environment: &[(&str, &str)]) {
        let mut command = flytail();
        command.env_clear().envs(environment.iter().copied());
        for argument in container["args"].as_array().unwrap() {
            // Kubernetes puts variables into a command line.
            let expand = |text: String, (name, value): &(&str, &str)| text.replace(&format!("$({name})"), value);
            command.arg(environment.iter().fold(self.moved(argument.as_str().unwrap()), expand));
        }
        well(&command.output().unwrap());
    }

    /// What `flytail check --strict` says of the configuration, if it is right.
    pub(crate) fn check(&self) {
        let mut check = flytail();
        check.env_clear().envs(self.environment()).args(["check", "--strict"]).arg(self.configuration());
        well(&check.output().unwrap());
    }

    /// Runs the script of the init container of this name.
    pub(crate) fn initialize(&self, name: &str) {
        self.run_script(self.init_container(name));
    }

    /// The init container of this name.
    pub(crate) fn init_container(&self, name: &str) -> &Value {
        let containers = self.workload["spec"]["template"]["spec"]["initContainers"].as_array().unwrap();
        containers.iter().find(|container| container["name"] == name).unwrap()
    }

    /// Runs the script of a container of a shell.
    pub(crate) fn run_script(&self, container: &Value) {
        let words = |key: &str| container[key].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
        let mut script = Command::new(words("command").next().unwrap());
        script.args(words("command").skip(1)).args(words("args"));
        for variable in container["env"].as_array().unwrap() {
            script.env(variable["name"].as_str().unwrap(), self.moved(variable["value"].as_str().unwrap()));
        }
        well(&script.output().unwrap());
    }

    fn take_configuration(&self, config_map: &Value) {
        for (name, text) in config_map["data"].as_object().unwrap() {
            fs::write(self.directory.path().join("config").join(name), self.moved(text.as_str().unwrap())).unwrap();
        }
    }

    fn moved(&self, text: &str) -> String {
        let root: &Path = self.directory.path();
        MOUNTS.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, &root.join(to).display().to_string()))
    }
}
