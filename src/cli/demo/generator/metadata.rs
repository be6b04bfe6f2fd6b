//! Pods as the Kubernetes API tells them, in the files that Fluent Bit's kubernetes filter reads
//! with `Kube_Meta_Preload_Cache_Dir`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::cluster::{Cluster, Container, Pod};
use super::kubelet::KubeletError;

impl Cluster {
    /// Writes `<namespace>_<pod>.meta` for every pod into a directory, which is made if need be.
    pub fn write_metadata(&self, directory: &Path) -> Result<(), KubeletError> {
        fs::create_dir_all(directory).map_err(|error| KubeletError::new(directory, error))?;
        for index in 0..self.pods.len() {
            let pod = &self.pods[index];
            let path = directory.join(format!("{}_{}.meta", pod.namespace, pod.name));
            fs::write(&path, self.pod_object(index).to_string()).map_err(|error| KubeletError::new(&path, error))?;
        }
        Ok(())
    }

    /// The API object of a pod (an index of [`Cluster::pods`]), with the parts that log shippers
    /// read and a few that they do not.
    #[must_use]
    pub fn pod_object(&self, pod: usize) -> Value {
        let containers: Vec<_> = self.containers.iter().filter(|container| container.pod == pod).collect();
        let pod = &self.pods[pod];
        json!({
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": metadata(pod),
            "spec": {
                "nodeName": self.node,
                "serviceAccountName": "default",
                "restartPolicy": "Always",
                "containers": containers.iter().map(|container| specification(container)).collect::<Vec<_>>(),
            },
            "status": {
                "phase": "Running",
                "podIP": pod.address,
                "podIPs": [{"ip": pod.address}],
                "containerStatuses": containers.iter().map(|container| status(container)).collect::<Vec<_>>(),
            },
        })
    }
}

fn metadata(pod: &Pod) -> Value {
    let (kind, version, name) = &pod.owner;
    json!({
        "name": pod.name,
        "namespace": pod.namespace,
        "uid": pod.uid,
        "labels": pod.labels,
        "annotations": pod.annotations,
        "ownerReferences": [{"apiVersion": version, "kind": kind, "name": name, "controller": true}],
    })
}

fn specification(container: &Container) -> Value {
    let mut environment: Vec<_> =
        container.environment.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    // An entry without a value of its own, as every pod of Flyte has.
    let source = json!({"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}});
    environment.push(json!({"name": "POD_NAME", "valueFrom": source}));
    json!({"name": container.name, "image": container.image, "env": environment})
}

fn status(container: &Container) -> Value {
    let repository = container.image.rsplit_once(':').map_or(container.image.as_str(), |(repository, _)| repository);
    json!({
        "name": container.name,
        "image": container.image,
        "imageID": format!("{repository}@sha256:{}", container.id.chars().rev().collect::<String>()),
        "containerID": format!("containerd://{}", container.id),
        "ready": true,
        "restartCount": 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_file_for_each_pod() {
        let directory = tempfile::tempdir().unwrap();
        let cluster = Cluster::new(4);
        cluster.write_metadata(&directory.path().join("meta")).unwrap();
        assert_eq!(fs::read_dir(directory.path().join("meta")).unwrap().count(), cluster.pods.len());
        for container in &cluster.containers {
            let pod = cluster.pod_of(container);
            let path = directory.path().join("meta").join(format!("{}_{}.meta", pod.namespace, pod.name));
            let object: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            assert_eq!(object["metadata"]["uid"], pod.uid);
            assert_eq!(object["metadata"]["labels"], json!(pod.labels));
            assert_eq!(object["spec"]["nodeName"], cluster.node);
            let statuses = object["status"]["containerStatuses"].as_array().unwrap();
            let status = statuses.iter().find(|status| status["name"] == container.name).unwrap();
            assert_eq!(status["containerID"], format!("containerd://{}", container.id));
            let specifications = object["spec"]["containers"].as_array().unwrap();
            let found = specifications.iter().find(|known| known["name"] == container.name).unwrap();
            assert_eq!(found["image"], container.image);
            for (name, value) in &container.environment {
                let entries = found["env"].as_array().unwrap();
                assert!(entries.iter().any(|entry| entry["name"] == *name && entry["value"] == *value), "{name}");
            }
        }
    }
}
