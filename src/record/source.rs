//! Where records come from: the file, its log identity, and the container that wrote it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// Identity of a log: the same for a plain file, its rotated name and its compressed copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogId(pub u128);

impl LogId {
    /// Bits of the milliseconds that a random id begins with: until the year 2109.
    const TIME_BITS: u32 = 42;

    /// An id for a log whose bytes tell none. It begins with the time, as the ids of its lines do.
    #[must_use]
    pub fn random(now: Timestamp) -> Self {
        let milliseconds = u128::try_from(now.milliseconds()).unwrap_or(0);
        Self((milliseconds << (u128::BITS - Self::TIME_BITS)) | (fastrand::u128(..) >> Self::TIME_BITS))
    }

    /// What stands in for the time in the ids of lines that tell none: the time when they are read
    /// would be another one when they are read again.
    #[must_use]
    pub fn time(self) -> Timestamp {
        let milliseconds = i64::try_from(self.0 >> (u128::BITS - Self::TIME_BITS)).unwrap_or(0);
        Timestamp(milliseconds * 1_000_000)
    }
}

/// A container instance as the path of its log tells it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Container {
    /// Kubernetes namespace.
    pub namespace: String,
    /// Pod name.
    pub pod: String,
    /// Container name.
    pub name: String,
    /// Pod UID, where the path goes through `/var/log/pods/<namespace>_<pod>_<uid>/`.
    pub pod_uid: Option<String>,
    /// Container id (64 hexadecimal digits), where the file name ends with it.
    pub id: Option<String>,
    /// Restart number `N` of `N.log`.
    pub restart: Option<u32>,
}

impl Container {
    /// `<namespace>/<pod>/<container>`.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}/{}/{}", self.namespace, self.pod, self.name)
    }
}

/// What is known of a pod from the Kubernetes API (or from files in its place).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PodMetadata {
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
    /// `spec.nodeName`.
    pub node: Option<String>,
    /// `status.podIP`.
    pub ip: Option<String>,
    /// Labels in the order in which the API gives them.
    pub labels: Vec<(String, String)>,
    /// Annotations in the order in which the API gives them.
    pub annotations: Vec<(String, String)>,
    /// `ownerReferences` as raw JSON.
    pub owner_references: Option<String>,
    /// The containers, init containers included.
    pub containers: Vec<ContainerMetadata>,
}

/// What is known of one container of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ContainerMetadata {
    /// Container name.
    pub name: String,
    /// The Flyte entries of `spec.containers[].env` with literal values (`FLYTE_…`, `RUN_NAME`,
    /// `ACTION_NAME`); others are not kept.
    pub env: Vec<(String, String)>,
    /// `status…image`.
    pub image: Option<String>,
    /// `status…imageID`, without what stands before `://`.
    pub image_hash: Option<String>,
    /// `status…containerID`, without what stands before `://`.
    pub id: Option<String>,
}

impl PodMetadata {
    /// The value of a label.
    #[must_use]
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// It is the pod of this UID. The kubelet gives a pod that it has from a file (a static one) a UID of
    /// its own, by which it names the logs; the API's mirror of it has another, and tells the first.
    #[must_use]
    pub fn has_uid(&self, uid: &str) -> bool {
        const OWN: &str = "kubernetes.io/config.hash";
        self.uid == uid || self.annotations.iter().any(|(key, value)| key == OWN && value == uid)
    }

    /// The container of this name.
    #[must_use]
    pub fn container(&self, name: &str) -> Option<&ContainerMetadata> {
        self.containers.iter().find(|container| container.name == name)
    }
}

/// One origin of records: a file that is tailed, or an input without files.
#[derive(Debug, Clone)]
pub struct Source {
    /// Unique in this process, never used again.
    pub id: u64,
    /// Number of the input section that it belongs to, in configuration order.
    pub input: usize,
    /// The tag, with `*` expanded.
    pub tag: String,
    /// Path of the file as it was found, if it is a file.
    pub path: Option<String>,
    /// The container that writes it, if the path tells one.
    pub container: Option<Container>,
    /// The pod's metadata, as the kubernetes filter's `prepare` attached it.
    pub pod: Option<Arc<PodMetadata>>,
    /// The log's identity. `None` for sources whose records get random ids.
    pub log: Option<LogId>,
    /// Time of the log's first line, where its lines tell times.
    pub began: Option<Timestamp>,
}
