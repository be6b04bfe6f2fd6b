//! The cluster: its pods and containers, made from a seed, so that the same seed gives the same
//! names, ids and labels.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde_json::{Value, json};

use super::{control_plane, tasks};

/// Namespace of Flyte's own pods, and of version 2 task pods.
pub(super) const CONTROL_NAMESPACE: &str = "flyte";

/// What runs in a container, and so which formats it writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// flyteadmin.
    Admin,
    /// flytepropeller.
    Propeller,
    /// datacatalog.
    DataCatalog,
    /// flytescheduler.
    Scheduler,
    /// flyteconsole.
    Console,
    /// The pod webhook of version 1.
    Webhook,
    /// Version 2's single binary.
    Binary,
    /// The proxy before the services.
    Envoy,
    /// A version 1 task that logs with flytekit.
    FlytekitTask,
    /// The container beside a task that moves its data.
    Copilot,
    /// A version 1 task that prints, and fails with tracebacks.
    PlainTask,
    /// A version 1 Spark task's driver.
    SparkDriver,
    /// A version 2 task with `LOG_FORMAT=console`.
    SdkConsoleTask,
    /// A version 2 task with `LOG_FORMAT=json`.
    SdkJsonTask,
    /// A service of the user's.
    ModelServer,
}

/// Top-level fields that all documents of a container share.
pub type Fields = BTreeMap<&'static str, Value>;

/// A pod.
#[derive(Debug, Clone)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its UID, as the API server makes them.
    pub uid: String,
    /// Its address.
    pub address: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Kind, API version and name of what owns it.
    pub owner: (&'static str, &'static str, String),
}

/// A container of a pod: one log file.
#[derive(Debug, Clone)]
pub struct Container {
    /// Its pod, as an index of [`Cluster::pods`].
    pub pod: usize,
    /// Its name.
    pub name: String,
    /// Its id: 64 hexadecimal digits.
    pub id: String,
    /// Its image.
    pub image: String,
    /// Its environment as far as it is written as plain values.
    pub environment: Vec<(String, String)>,
    /// What runs in it.
    pub role: Role,
    /// What its documents share when the pod's metadata is known.
    pub fields: Fields,
    /// What its documents share when only the log file's name is known.
    pub fields_from_name: Fields,
}

/// A workflow execution that log lines talk about.
#[derive(Debug, Clone)]
pub struct Execution {
    /// Its name.
    pub id: String,
    /// Its project.
    pub project: &'static str,
    /// Its domain.
    pub domain: &'static str,
    /// The exact name of its workflow.
    pub workflow: &'static str,
}

/// The pods of one node of a Flyte cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Name of the node that runs all of them.
    pub node: String,
    /// The pods.
    pub pods: Vec<Pod>,
    /// The containers of all pods; lines name them by their place here.
    pub containers: Vec<Container>,
    /// Version 1 executions; the first two have task pods on this node.
    pub executions: Vec<Execution>,
    /// Version 2 runs; both have task pods on this node.
    pub runs: Vec<String>,
}

impl Cluster {
    /// Makes the cluster of a seed: one node with version 1 and version 2 of Flyte side by side.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let node = format!("ip-10-2-{}-{}.eu-west-1.compute.internal", random.u8(0..16), random.u8(2..250));
        let executions = executions(&mut random);
        let runs = vec![generated_name(&mut random, 'r'), generated_name(&mut random, 'r')];
        let mut cluster = Self { node, pods: Vec::new(), containers: Vec::new(), executions, runs };
        control_plane::add(&mut cluster, &mut random);
        tasks::add(&mut cluster, &mut random);
        cluster
    }

    /// The pod of a container.
    #[must_use]
    pub fn pod_of(&self, container: &Container) -> &Pod {
        &self.pods[container.pod]
    }

    /// The container's file name in `/var/log/containers`.
    #[must_use]
    pub fn file_name(&self, container: &Container) -> String {
        let pod = self.pod_of(container);
        format!("{}_{}_{}-{}.log", pod.name, pod.namespace, container.name, container.id)
    }

    pub(super) fn add_pod(&mut self, draft: PodDraft, random: &mut Rng) -> usize {
        let address = format!("10.244.{}.{}", random.u8(0..8), random.u8(2..250));
        self.pods.push(Pod {
            namespace: draft.namespace.to_owned(),
            name: draft.name,
            uid: pod_uid(random),
            address,
            labels: owned(draft.labels),
            annotations: owned(draft.annotations),
            owner: draft.owner,
        });
        self.pods.len() - 1
    }

    /// Adds a container. `fields` and `from_name` hold what is special to it; the place is added.
    pub(super) fn add_container(&mut self, draft: ContainerDraft, random: &mut Rng) {
        let pod = &self.pods[draft.pod];
        let name = draft.name.unwrap_or_else(|| pod.name.clone());
        let mut place = Fields::new();
        place.insert("namespace", json!(pod.namespace));
        place.insert("pod", json!(pod.name));
        place.insert("container", json!(name));
        let mut fields = place.clone();
        fields.insert("host", json!(self.node));
        fields.extend(draft.fields);
        let mut fields_from_name = place;
        fields_from_name.extend(draft.from_name);
        let id = (0..64).map(|_| char::from_digit(random.u32(0..16), 16).unwrap_or('0')).collect();
        let (image, environment, role) = (draft.image.to_owned(), draft.environment, draft.role);
        let container = Container { pod: draft.pod, name, id, image, environment, role, fields, fields_from_name };
        self.containers.push(container);
    }
}

/// What a pod's author tells; the rest is made up.
pub(super) struct PodDraft {
    pub(super) namespace: &'static str,
    pub(super) name: String,
    pub(super) labels: Vec<(&'static str, String)>,
    pub(super) annotations: Vec<(&'static str, String)>,
    pub(super) owner: (&'static str, &'static str, String),
}

/// What a container's author tells; the rest is made up.
pub(super) struct ContainerDraft {
    pub(super) pod: usize,
    /// The pod's name if there is none.
    pub(super) name: Option<String>,
    pub(super) image: &'static str,
    pub(super) role: Role,
    pub(super) environment: Vec<(String, String)>,
    pub(super) fields: Fields,
    pub(super) from_name: Fields,
}

/// Fields from pairs of texts.
pub(super) fn fields<const N: usize>(pairs: [(&'static str, &str); N]) -> Fields {
    pairs.into_iter().map(|(field, value)| (field, json!(value))).collect()
}

fn owned(pairs: Vec<(&'static str, String)>) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn executions(random: &mut Rng) -> Vec<Execution> {
    const WORKFLOWS: [(&str, &str, &str); 6] = [
        ("flytesnacks", "development", "workflows.train.pipeline"),
        ("flytesnacks", "development", "workflows.Ingest_v2.nightly"),
        ("flytesnacks", "staging", "workflows.train.pipeline"),
        ("search", "production", "ranking.features.build"),
        ("search", "production", "ranking.model.evaluate"),
        ("billing", "development", "billing.invoices.monthly"),
    ];
    let named = |(project, domain, workflow)| Execution { id: generated_name(random, 'a'), project, domain, workflow };
    WORKFLOWS.into_iter().map(named).collect()
}

/// The letters and digits of names that Kubernetes and Flyte generate: no vowels, nothing that
/// reads like something else.
const NAME_ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// An execution's or run's name: `a` (version 1) or `r` (version 2) and 19 more.
pub(super) fn generated_name(random: &mut Rng, first: char) -> String {
    format!("{first}{}", suffix(random, 19))
}

/// The random end of a generated name; its first is a letter.
pub(super) fn suffix(random: &mut Rng, length: usize) -> String {
    (0..length)
        .map(|position| {
            let choices = if position == 0 { &NAME_ALPHABET[..20] } else { NAME_ALPHABET };
            char::from(*random.choice(choices).unwrap_or(&b'x'))
        })
        .collect()
}

/// The name of a deployment's pod: replica set hash and suffix.
pub(super) fn deployment_pod(name: &str, random: &mut Rng) -> (String, String, String) {
    let hash = suffix(random, 10);
    (format!("{name}-{hash}-{}", suffix(random, 5)), format!("{name}-{hash}"), hash)
}

/// A random (version 4) UUID.
pub(super) fn pod_uid(random: &mut Rng) -> String {
    let bits = random.u128(..) & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_seed_makes_the_same_cluster() {
        assert_eq!(format!("{:?}", Cluster::new(5)), format!("{:?}", Cluster::new(5)));
        assert_ne!(format!("{:?}", Cluster::new(5)), format!("{:?}", Cluster::new(6)));
    }

    #[test]
    fn every_log_file_is_taken_by_the_path_of_the_brief() {
        for seed in 0..20 {
            let cluster = Cluster::new(seed);
            let names: HashSet<_> = cluster.containers.iter().map(|container| cluster.file_name(container)).collect();
            assert_eq!(names.len(), cluster.containers.len());
            for name in names {
                assert!(name.contains("flyte") && name.ends_with(".log") && !name.contains('/'), "{name}");
                assert!(name.len() < 255, "{name}");
            }
        }
    }

    #[test]
    fn there_is_one_container_of_every_role() {
        let cluster = Cluster::new(1);
        let roles: HashSet<_> = cluster.containers.iter().map(|container| container.role).collect();
        assert_eq!(roles.len(), 15);
        assert_eq!(cluster.containers.len(), 15);
    }

    #[test]
    fn ids_have_the_shapes_of_real_ones() {
        let cluster = Cluster::new(3);
        for container in &cluster.containers {
            assert_eq!(container.id.len(), 64);
            assert!(container.id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
        let form = regex::Regex::new("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$").unwrap();
        assert!(cluster.pods.iter().all(|pod| form.is_match(&pod.uid)));
        let execution = regex::Regex::new("^a[bcdfghjklmnpqrstvwxz2456789]{19}$").unwrap();
        assert!(cluster.executions.iter().all(|known| execution.is_match(&known.id)));
    }

    #[test]
    fn pods_outside_tasks_do_not_look_like_tasks() {
        let task = regex::Regex::new(r"-(?:start-node|[df]?n\d+|f[a-z1-6]{7}|a\d+)-\d+(?:-driver)?$").unwrap();
        for seed in 0..200 {
            let cluster = Cluster::new(seed);
            for container in &cluster.containers {
                let pod = cluster.pod_of(container);
                let is_task = container.fields["app"] == "flyte-task";
                assert_eq!(task.is_match(&pod.name), is_task, "{}", pod.name);
            }
        }
    }
}
