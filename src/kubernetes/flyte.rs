//! How Flyte's pods are told from others: by their labels and environment, or in the last resort by
//! their names.

use std::sync::LazyLock;

use regex::Regex;

use crate::record::{Container, PodMetadata};

/// The pod is one of Flyte's own parts, or a task's: in version 1 and 2, whatever its namespace is.
#[must_use]
pub fn is_flyte(pod: &PodMetadata) -> bool {
    is_part(pod) || is_task(pod)
}

/// The charts of both versions name their parts by `app.kubernetes.io/name` (`flyteadmin`, …,
/// `flyte-binary`); in version 2 the component tells it, too, where that name was changed.
fn is_part(pod: &PodMetadata) -> bool {
    let name = ["app.kubernetes.io/name", "app.kubernetes.io/part-of", "app"].iter().any(|key| {
        pod.label(key).is_some_and(|name| name.starts_with("flyte") || matches!(name, "datacatalog" | "cacheservice"))
    });
    name || pod.label("app.kubernetes.io/component") == Some("flyte-binary")
}

/// `run` alone is what `kubectl run` sets.
fn is_task(pod: &PodMetadata) -> bool {
    pod.labels.iter().any(|(key, _)| key == "execution-id" || key.starts_with("flyte.org/"))
        || (pod.label("run").is_some() && pod.label("action").is_some())
        || pod.containers.iter().flat_map(|container| &container.env).any(|(key, _)| key == EXECUTION)
}

/// Set in the containers of every task, in both versions.
const EXECUTION: &str = "FLYTE_INTERNAL_EXECUTION_ID";

/// Its names look like those of Flyte's parts or tasks. What a user named is only taken for a task in
/// a namespace that is named as Flyte names those of tasks (`project-domain`).
#[must_use]
pub fn is_named_as_flyte(container: &Container) -> bool {
    let Container { namespace, pod, name, .. } = container;
    let has_word = [namespace, pod, name].iter().any(|text| text.contains("flyte")) || pod.starts_with("datacatalog");
    let captures = |pattern: &LazyLock<Option<Regex>>| pattern.as_ref().is_some_and(|pattern| pattern.is_match(pod));
    let is_of_project = namespace.contains('-');
    has_word || captures(&GENERATED) || (is_of_project && (captures(&NAMED) || captures(&HASHED)))
}

/// The execution (or run) and the node (or action) that the name of a task's pod tells.
#[must_use]
pub fn execution_and_node(pod: &str) -> Option<(&str, &str)> {
    [&GENERATED, &NAMED].into_iter().find_map(|pattern| {
        let found = pattern.as_ref()?.captures(pod)?;
        Some((found.get(1)?.as_str(), found.get(2)?.as_str()))
    })
}

/// What plugins put behind the name of a task's pod: Spark, the Kubeflow operators, JobSet.
macro_rules! roles {
    () => {
        r"(?:-(?:driver|exec-\d+|(?:master|worker|ps|chief)-\d+|workers-\d+-\d+-[a-z0-9]+))?$"
    };
}

/// Pods whose execution or run has a name that Flyte made: a letter and 19 of an alphabet without
/// vowels. Any node and action then is told apart. From flyteadmin's and the v2 service's name
/// generators.
static GENERATED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(concat!(r"^([ar][bcdfghjklmnpqrstvwxz2456789]{19})-(.+?)-\d+", roles!())).ok());

/// Pods whose execution has a name that a user gave: only the usual names of nodes (`n0`, `dn3`,
/// `fn1`, `start-node`, the eight characters of a hash, and what is nested in them) and version 2's
/// root action `a0` are told apart from it.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let node = r"(?:start-node|a0|[df]?n\d+|f[a-z1-6]{7})(?:-.+?)??";
    Regex::new(&[r"^([a-z][a-z0-9-]*?)-(", node, r")-\d+", roles!()].concat()).ok()
});

/// Pods whose name would be too long: a hash stands in its place (from propeller's encoding of names).
static HASHED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(concat!(r"^f[a-z1-6]{7}", roles!())).ok());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pod_names_tell_ids() {
        let table = [
            ("ahx4kq7z2bncv5d8wt9f-n0-0", "ahx4kq7z2bncv5d8wt9f", "n0"),
            ("ahx4kq7z2bncv5d8wt9f-n0-0-dn1-3", "ahx4kq7z2bncv5d8wt9f", "n0-0-dn1"),
            ("ahx4kq7z2bncv5d8wt9f-my-custom-node-12", "ahx4kq7z2bncv5d8wt9f", "my-custom-node"),
            ("ahx4kq7z2bncv5d8wt9f-n1-0-driver", "ahx4kq7z2bncv5d8wt9f", "n1"),
            ("ahx4kq7z2bncv5d8wt9f-n1-0-exec-14", "ahx4kq7z2bncv5d8wt9f", "n1"),
            ("ahx4kq7z2bncv5d8wt9f-n1-0-worker-1", "ahx4kq7z2bncv5d8wt9f", "n1"),
            ("ahx4kq7z2bncv5d8wt9f-n0-n17-1", "ahx4kq7z2bncv5d8wt9f", "n0-n17"),
            ("rbxk4kq7z2bncv5d8wt9-a0-0", "rbxk4kq7z2bncv5d8wt9", "a0"),
            ("rbxk4kq7z2bncv5d8wt9-a12-1-workers-0-3-x9k2p", "rbxk4kq7z2bncv5d8wt9", "a12"),
            ("nightly-load-n0-0", "nightly-load", "n0"),
            ("nightly-n2-load-start-node-1", "nightly", "n2-load-start-node"),
            ("backfill-2026-fqwerty1-0", "backfill-2026", "fqwerty1"),
            ("my-run-a0-2", "my-run", "a0"),
        ];
        for (pod, execution, node) in table {
            assert_eq!(execution_and_node(pod), Some((execution, node)), "{pod}");
        }
        for pod in [
            "flyteadmin-6d5f8c7b9d-x2v4k",
            "flytepropeller-0",
            "nginx",
            "",
            "coredns-558bd4d5db-abcde",
            "postgres-n-0",
            "ahx4kq7z2bncv5d8wt9f",
            "f-n0-x",
            "N1-n0-0",
            "syncresources-28934400-q2x7z",
        ] {
            assert_eq!(execution_and_node(pod), None, "{pod}");
        }
    }

    #[test]
    fn labels_and_environment_tell_flytes_pods() {
        let is_told = |labels: &[(&str, &str)], env: &[&str]| {
            let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            let env = env.iter().map(|key| ((*key).to_owned(), "x".to_owned())).collect();
            let container = crate::record::source::ContainerMetadata { env, ..Default::default() };
            is_flyte(&PodMetadata { labels, containers: vec![container], ..PodMetadata::default() })
        };
        for name in ["flyteadmin", "flytepropeller-manager", "datacatalog", "flyte-pod-webhook", "flyte-binary"] {
            assert!(is_told(&[("app.kubernetes.io/name", name)], &[]), "{name}");
        }
        assert!(is_told(&[("app.kubernetes.io/name", "ours"), ("app.kubernetes.io/component", "flyte-binary")], &[]));
        assert!(is_told(&[("execution-id", "a1"), ("node-id", "n0")], &[]));
        assert!(is_told(&[("run", "r1"), ("action", "a0")], &[]) && is_told(&[("flyte.org/managed", "true")], &[]));
        assert!(is_told(&[], &["FLYTE_INTERNAL_EXECUTION_ID"]));
        assert!(!is_told(&[("run", "web")], &[]), "made by kubectl run");
        assert!(!is_told(&[("app.kubernetes.io/name", "postgres"), ("app", "db")], &["FLYTE_HOME"]));
    }

    #[test]
    fn names_tell_flytes_pods_where_nobody_knows_them() {
        for (namespace, pod, is_flyte) in [
            ("flyte", "postgres-0", true),
            ("ml", "flyteadmin-6d5f8c7b9d-x2v4k", true),
            ("ml", "datacatalog-6d5f8c7b9d-x2v4k", true),
            ("ml", "ahx4kq7z2bncv5d8wt9f-n0-0", true),
            ("shop-production", "nightly-load-n0-0", true),
            ("shop-production", "fqwertya", true),
            ("shop-production", "fqwertya-exec-3", true),
            ("shop", "nightly-load-n0-0", false),
            ("shop-production", "web-6d5f8c7b9d-x2v4k", false),
            ("kube-system", "coredns-558bd4d5db-abcde", false),
        ] {
            let (namespace, pod, name) = (namespace.to_owned(), pod.to_owned(), "main".to_owned());
            let container = Container { namespace, pod, name, pod_uid: None, id: None, restart: None };
            assert_eq!(is_named_as_flyte(&container), is_flyte, "{container:?}");
        }
    }
}
