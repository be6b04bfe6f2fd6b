//! A pod as the API server gives it, read into what records need of it.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::record::PodMetadata;
use crate::record::source::ContainerMetadata;

/// Reads a Pod object (API version v1) in JSON. Anything but the metadata's names may be absent
/// or null.
///
/// # Errors
/// If the text is not JSON, or a known field has another type.
pub fn read(json: &[u8]) -> serde_json::Result<PodMetadata> {
    Ok(PodMetadata::from(serde_json::from_slice::<Object>(json)?))
}

/// A pod of a list or of a watch.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "Object")]
pub(super) struct Listed {
    pub(super) pod: PodMetadata,
    pub(super) version: String,
}

impl From<Object> for Listed {
    fn from(mut object: Object) -> Self {
        let version = object.metadata.resource_version.take().unwrap_or_default();
        Self { pod: object.into(), version }
    }
}

impl From<Object> for PodMetadata {
    fn from(object: Object) -> Self {
        metadata(object)
    }
}

fn metadata(Object { metadata, spec, status }: Object) -> PodMetadata {
    let (spec, status) = (spec.unwrap_or_default(), status.unwrap_or_default());
    let mut pod = PodMetadata {
        uid: metadata.uid.unwrap_or_default(),
        namespace: metadata.namespace.unwrap_or_default(),
        name: metadata.name.unwrap_or_default(),
        node: spec.node_name,
        ip: status.pod_ip,
        labels: metadata.labels.unwrap_or_default().0,
        annotations: metadata.annotations.unwrap_or_default().0,
        owner_references: metadata
            .owner_references
            .filter(|owners| !owners.is_empty())
            .map(|owners| Value::from(owners).to_string()),
        containers: Vec::new(),
    };
    for container in [spec.containers, spec.init_containers, spec.ephemeral_containers].into_iter().flatten().flatten()
    {
        entry(&mut pod, container.name).env =
            container.env.unwrap_or_default().into_iter().filter_map(flyte_variable).collect();
    }
    let lists = [status.container_statuses, status.init_container_statuses, status.ephemeral_container_statuses];
    for status in lists.into_iter().flatten().flatten() {
        let container = entry(&mut pod, status.name);
        container.image = status.image.filter(|image| !image.is_empty());
        container.image_hash = status.image_id.as_deref().and_then(without_scheme);
        container.id = status.container_id.as_deref().and_then(without_scheme);
    }
    pod
}

fn entry(pod: &mut PodMetadata, name: String) -> &mut ContainerMetadata {
    let at = pod.containers.iter().position(|container| container.name == name).unwrap_or_else(|| {
        pod.containers.push(ContainerMetadata { name, ..ContainerMetadata::default() });
        pod.containers.len() - 1
    });
    &mut pod.containers[at]
}

/// Keeps what Flyte tells a task's container about its execution; other variables may be secret.
fn flyte_variable(variable: Variable) -> Option<(String, String)> {
    let is_flyte = variable.name.starts_with("FLYTE_") || matches!(variable.name.as_str(), "RUN_NAME" | "ACTION_NAME");
    variable.value.filter(|_| is_flyte).map(|value| (variable.name, value))
}

/// `containerd://4f…` without what stands before `://`. Of an id without a scheme, only one with
/// a colon (`sha256:…`) counts.
fn without_scheme(id: &str) -> Option<String> {
    match id.split_once("://") {
        Some((_, rest)) => Some(rest.to_owned()),
        None => id.contains(':').then(|| id.to_owned()),
    }
}

#[derive(Deserialize)]
struct Object {
    metadata: Metadata,
    spec: Option<Spec>,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    labels: Option<Pairs>,
    annotations: Option<Pairs>,
    owner_references: Option<Vec<Value>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Spec {
    node_name: Option<String>,
    containers: Option<Vec<Container>>,
    init_containers: Option<Vec<Container>>,
    ephemeral_containers: Option<Vec<Container>>,
}

#[derive(Deserialize)]
struct Container {
    name: String,
    env: Option<Vec<Variable>>,
}

#[derive(Deserialize)]
struct Variable {
    name: String,
    value: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(rename = "podIP")]
    pod_ip: Option<String>,
    container_statuses: Option<Vec<ContainerStatus>>,
    init_container_statuses: Option<Vec<ContainerStatus>>,
    ephemeral_container_statuses: Option<Vec<ContainerStatus>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerStatus {
    name: String,
    image: Option<String>,
    #[serde(rename = "imageID")]
    image_id: Option<String>,
    #[serde(rename = "containerID")]
    container_id: Option<String>,
}

/// A map of strings in the order in which it is written.
#[derive(Default)]
pub(super) struct Pairs(pub(super) Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Pairs;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs: Vec<(String, String)> = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, String>()? {
                    match pairs.iter_mut().find(|(known, _)| *known == key) {
                        Some(pair) => pair.1 = value,
                        None => pairs.push((key, value)),
                    }
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_records_need() {
        let pod = read(include_bytes!("../filter/kubernetes/testdata/flyte_task.meta")).unwrap();
        assert_eq!(pod.uid, "6b0f4c9e-9a51-4d4c-8a53-0c4d7f0e2b11");
        assert_eq!(pod.node.as_deref(), Some("node-a"));
        assert_eq!(pod.ip.as_deref(), Some("10.1.2.3"));
        assert_eq!(pod.label("execution-id"), Some("f3b2a1"));
        assert_eq!(pod.labels[1].0, "app.kubernetes.io/name", "the order of the file");
        let owners: Value = serde_json::from_str(pod.owner_references.as_deref().unwrap()).unwrap();
        assert_eq!(owners[0]["name"], "f3b2a1");
        let main = pod.container("main").unwrap();
        let env: Vec<_> = main.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(env, ["FLYTE_INTERNAL_EXECUTION_ID=f3b2a1", "RUN_NAME=r1"]);
        assert_eq!(main.image.as_deref(), Some("registry/task:1"));
        assert_eq!(main.image_hash.as_deref(), Some("registry/task@sha256:77"));
        assert_eq!(main.id.as_deref(), Some("abc123"));
        let init = pod.container("flyte-copilot-downloader").unwrap();
        assert_eq!(init.image_hash.as_deref(), Some("sha256:88"));
        assert_eq!(init.id, None, "an id without a scheme and a colon is none");
    }

    #[test]
    fn a_pod_with_thirty_labels_takes_at_most_four_kilobytes() {
        let labels: Vec<_> =
            (0..30).map(|number| format!(r#""example.com/label-{number}":"{}""#, "v".repeat(24))).collect();
        let env = r#"{"name":"FLYTE_INTERNAL_EXECUTION_ID","value":"a123456789bcdfghjklm"}"#;
        let json = format!(
            r#"{{"metadata":{{"uid":"6b0f4c9e-9a51-4d4c-8a53-0c4d7f0e2b11","name":"a123456789bcdfghjklm-n0-0",
            "namespace":"project-domain","labels":{{{}}},"managedFields":[{{"manager":"{}"}}]}},
            "spec":{{"nodeName":"node","containers":[{{"name":"main","env":[{env},{env},{env},{env}],"command":["{}"]}}]}}}}"#,
            labels.join(","),
            "x".repeat(5000),
            "x".repeat(5000),
        );
        assert!(size(&read(json.as_bytes()).unwrap()) <= 4096);
    }

    /// Bytes in memory, those of the allocator itself left out.
    fn size(pod: &PodMetadata) -> usize {
        let pairs = |pairs: &Vec<(String, String)>| -> usize {
            let texts: usize = pairs.iter().map(|(key, value)| key.capacity() + value.capacity()).sum();
            texts + pairs.capacity() * size_of::<(String, String)>()
        };
        let containers = pod.containers.iter().map(|container| pairs(&container.env) + container.name.capacity());
        size_of::<PodMetadata>()
            + pairs(&pod.labels)
            + pairs(&pod.annotations)
            + pod.containers.capacity() * size_of::<ContainerMetadata>()
            + containers.sum::<usize>()
            + [&pod.uid, &pod.name, &pod.namespace].map(|text| text.capacity()).iter().sum::<usize>()
    }

    #[test]
    fn absent_and_null_are_the_same() {
        for json in
            [r#"{"metadata":{}}"#, r#"{"metadata":{"labels":null,"ownerReferences":[]},"spec":null,"status":null}"#]
        {
            assert_eq!(read(json.as_bytes()).unwrap(), PodMetadata::default());
        }
        for json in ["", "[]", "{}", r#"{"metadata":{"labels":{"a":1}}}"#] {
            assert!(read(json.as_bytes()).is_err(), "{json}");
        }
    }
}
