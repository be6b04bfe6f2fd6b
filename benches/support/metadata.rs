//! Pods with about as much metadata as charts give them: twelve labels and annotations, 300 bytes. Bodies then
//! are 3.8 times the logs, as in the measurements of other shippers that ours are compared with.

use std::collections::BTreeMap;

use flytail::cli::demo::generator::Cluster;

/// Labels and annotations of a pod.
const ENTRIES: usize = 12;
/// Bytes of their keys and values together.
const BYTES: usize = 300;

/// What charts, meshes and clouds add to pods. None of it tells the app, the component or an id.
const ANNOTATIONS: [(&str, &str); 11] = [
    ("checksum/config", ""),
    ("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"),
    ("kubernetes.io/psp", "restricted"),
    ("kubectl.kubernetes.io/default-container", "main"),
    ("kubectl.kubernetes.io/restartedAt", "2026-08-20T07:31:55Z"),
    ("linkerd.io/inject", "disabled"),
    ("meta.helm.sh/release-name", "flyte"),
    ("meta.helm.sh/release-namespace", "flyte"),
    ("prometheus.io/port", "10254"),
    ("prometheus.io/scheme", "http"),
    ("prometheus.io/scrape", "true"),
];

/// The same cluster with pods of that much metadata.
pub(crate) fn enriched(cluster: &Cluster) -> Cluster {
    let mut cluster = cluster.clone();
    for pod in &mut cluster.pods {
        let has = pod.labels.len() + pod.annotations.len();
        for (key, value) in ANNOTATIONS.iter().take(ENTRIES.saturating_sub(has)) {
            pod.annotations.entry((*key).to_owned()).or_insert_with(|| (*value).to_owned());
        }
        let missing = BYTES.saturating_sub(length(&pod.labels) + length(&pod.annotations));
        // A checksum takes up the rest. Its digits differ from pod to pod.
        let digits = pod.uid.bytes().filter(u8::is_ascii_hexdigit).map(char::from).collect::<Vec<_>>();
        pod.annotations.entry("checksum/config".to_owned()).or_default().extend(digits.iter().cycle().take(missing));
    }
    cluster
}

/// The same cluster with pods that have at least so many labels, as cost centers and teams give them.
#[allow(dead_code, reason = "a module of two benches")]
pub(crate) fn with_labels(cluster: &Cluster, count: usize) -> Cluster {
    let mut cluster = cluster.clone();
    for pod in &mut cluster.pods {
        for number in 0..count.saturating_sub(pod.labels.len()) {
            let value = format!("value-{number}-of-{}", &pod.uid[..8]);
            pod.labels.insert(format!("example.com/label-{number}"), value);
        }
    }
    cluster
}

fn length(pairs: &BTreeMap<String, String>) -> usize {
    pairs.iter().map(|(key, value)| key.len() + value.len()).sum()
}
