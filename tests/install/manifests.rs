//! Manifests as helm and kustomize render them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::deploy;

/// The namespace of the manifests.
pub(crate) const NAMESPACE: &str = "flytail";

/// The version that the chart is rendered for, which a helm that Go built does not know by itself.
pub(crate) const KUBERNETES: &str = "1.34.0";

/// What stands in a YAML file, document by document.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    documents.into_iter().filter(|document| !document.is_null()).collect()
}

/// A directory with a kustomization, rendered.
pub(crate) fn kustomize(directory: &Path) -> Vec<Value> {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| installed("kustomize"));
    let output = Command::new(program).arg("build").arg(directory).output().unwrap();
    documents(&well(&output))
}

/// An overlay of deploy/kubernetes, rendered.
pub(crate) fn overlay(name: &str) -> Vec<Value> {
    kustomize(&deploy(&format!("kubernetes/overlays/{name}")))
}

/// A helm command on the chart, with these values.
pub(crate) fn helm(command: &[&str], values: Option<&str>) -> Output {
    helm_at(&deploy("helm/flytail"), command, values)
}

/// The same on the chart that lies at a path.
pub(crate) fn helm_at(chart: &Path, command: &[&str], values: Option<&str>) -> Output {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| installed("helm"));
    let directory = tempfile::tempdir().unwrap();
    let mut helm = Command::new(program);
    helm.args(command).arg(chart);
    if let Some(values) = values {
        let file = directory.path().join("values.yaml");
        fs::write(&file, values).unwrap();
        helm.arg("--values").arg(file).args(["--namespace", NAMESPACE]);
    }
    // What a user has configured for helm is no matter of ours.
    helm.env("HELM_CONFIG_HOME", directory.path()).env("HELM_CACHE_HOME", directory.path());
    helm.env("HELM_DATA_HOME", directory.path()).output().unwrap()
}

/// The chart, rendered as the release `logs`.
pub(crate) fn chart(values: &str) -> Vec<Value> {
    documents(&well(&helm(&["template", "logs", "--kube-version", KUBERNETES], Some(values))))
}

/// The manifest of a kind, and of a name that ends so.
pub(crate) fn find<'m>(manifests: &'m [Value], kind: &str, end: &str) -> &'m Value {
    let is_it = |manifest: &&Value| {
        manifest["kind"] == kind && manifest["metadata"]["name"].as_str().is_some_and(|name| name.ends_with(end))
    };
    manifests.iter().find(is_it).unwrap_or_else(|| panic!("no {kind} …{end}"))
}

/// The first container of a DaemonSet or Job.
pub(crate) fn container(workload: &Value) -> &Value {
    &workload["spec"]["template"]["spec"]["containers"][0]
}

/// What a command printed, if it went well.
pub(crate) fn well(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Builds a tool on the first call on a machine.
fn installed(tool: &str) -> PathBuf {
    let install = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/install/tools/install");
    let output = Command::new(install).arg(tool).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{tool} is not there");
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
}
