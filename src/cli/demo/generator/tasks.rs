//! Task pods of both versions, with the labels and environments that Flyte gives them.

use fastrand::Rng;
use serde_json::json;

use super::cluster::{CONTROL_NAMESPACE, Cluster, ContainerDraft, Execution, Fields, PodDraft, Role, fields};

/// Namespace of version 1 task pods: `{{ project }}-{{ domain }}`.
pub(super) const TASK_NAMESPACE: &str = "flytesnacks-development";

const TASK_IMAGE: &str = "ghcr.io/flyteorg/flytesnacks:core-v1.16.8";

pub(super) fn add(cluster: &mut Cluster, random: &mut Rng) {
    let flytekit = Task { name: "workflows.train.fit", node: "n0", pod_end: "n0-0", container: None, spark: false };
    let pod = add_version_1(cluster, 0, &flytekit, Role::FlytekitTask, random);
    let copilot = Some("flyte-copilot-uploader".to_owned());
    let execution = cluster.executions[0].clone();
    add_task_container(cluster, pod, copilot, Role::Copilot, &execution, &flytekit, random);

    let plain = Task { name: "workflows.Ingest_v2.load", node: "dn3", pod_end: "dn3-1", container: None, spark: false };
    add_version_1(cluster, 1, &plain, Role::PlainTask, random);

    let container = Some("spark-kubernetes-driver");
    let spark = Task { name: "workflows.train.features", node: "n1", pod_end: "n1-0-driver", container, spark: true };
    add_version_1(cluster, 0, &spark, Role::SparkDriver, random);

    add_version_2(cluster, 0, "a0", Role::SdkConsoleTask, random);
    add_version_2(cluster, 1, "a3", Role::SdkJsonTask, random);
}

struct Task {
    /// Its exact name; the label holds a sanitised one.
    name: &'static str,
    node: &'static str,
    pod_end: &'static str,
    container: Option<&'static str>,
    spark: bool,
}

fn add_version_1(cluster: &mut Cluster, execution: usize, task: &Task, role: Role, random: &mut Rng) -> usize {
    let execution = cluster.executions[execution].clone();
    let mut labels = vec![
        ("domain", execution.domain.to_owned()),
        ("execution-id", execution.id.clone()),
        ("interruptible", "false".to_owned()),
        ("node-id", task.node.to_owned()),
        ("project", execution.project.to_owned()),
        ("shard-key", random.u8(0..32).to_string()),
        ("task-name", sanitised(task.name)),
        ("workflow-name", sanitised(execution.workflow)),
    ];
    if task.spark {
        labels.push(("spark-role", "driver".to_owned()));
        labels.push(("sparkoperator.k8s.io/app-name", format!("{}-n1-0", execution.id)));
    }
    let name = format!("{}-{}", execution.id, task.pod_end);
    let annotations = vec![
        ("cluster-autoscaler.kubernetes.io/safe-to-evict", "false".to_owned()),
        ("primary_container_name", task.container.map_or_else(|| name.clone(), str::to_owned)),
    ];
    let owner = ("flyteworkflow", "flyte.lyft.com/v1alpha1", execution.id.clone());
    let pod = PodDraft { namespace: TASK_NAMESPACE, name, labels, annotations, owner };
    let pod = cluster.add_pod(pod, random);
    let container = task.container.map(str::to_owned);
    add_task_container(cluster, pod, container, role, &execution, task, random);
    pod
}

fn add_task_container(
    cluster: &mut Cluster,
    pod: usize,
    name: Option<String>,
    role: Role,
    execution: &Execution,
    task: &Task,
    random: &mut Rng,
) {
    let component = if role == Role::Copilot { "copilot" } else { "task" };
    let (project, domain) = (execution.project, execution.domain);
    let workflow = format!("{project}:{domain}:{}", execution.workflow);
    // Exact names stand only in the environment; the labels' names are sanitised.
    let environment = vec![
        ("FLYTE_INTERNAL_EXECUTION_ID", execution.id.clone()),
        ("FLYTE_INTERNAL_EXECUTION_PROJECT", project.to_owned()),
        ("FLYTE_INTERNAL_EXECUTION_DOMAIN", domain.to_owned()),
        ("FLYTE_INTERNAL_EXECUTION_WORKFLOW", workflow),
        ("FLYTE_INTERNAL_TASK_NAME", task.name.to_owned()),
        ("FLYTE_INTERNAL_TASK_VERSION", "v3".to_owned()),
        ("FLYTE_ATTEMPT_NUMBER", "0".to_owned()),
    ];
    let image = if role == Role::Copilot { "cr.flyte.org/flyteorg/flytecopilot:v1.16.8" } else { TASK_IMAGE };
    let known = fields([
        ("app", "flyte-task"),
        ("component", component),
        ("execution_id", &execution.id),
        ("node_id", task.node),
        ("task", task.name),
        ("workflow", execution.workflow),
        ("project", project),
        ("domain", domain),
    ]);
    let from_name = guessed(component, &execution.id, task.node);
    let environment = owned(environment);
    let container = ContainerDraft { pod, name, image, role, environment, fields: known, from_name };
    cluster.add_container(container, random);
}

/// Version 2 keeps all pods in one namespace, and the case and dots of names in labels.
fn add_version_2(cluster: &mut Cluster, run: usize, action: &'static str, role: Role, random: &mut Rng) {
    const TASK: &str = "reports.Daily_Summary.main";
    let run = cluster.runs[run].clone();
    let pairs = [("run", run.as_str()), ("action", action), ("project", "flytesnacks"), ("domain", "development")];
    let mut labels: Vec<_> = pairs.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
    labels.extend([
        ("task-name", TASK.to_owned()),
        ("attempt", "1".to_owned()),
        ("flyte.org/managed", "true".to_owned()),
        ("flyte.org/run", run.clone()),
        ("flyte.org/action", action.to_owned()),
        ("flyte.org/project", "flytesnacks".to_owned()),
        ("flyte.org/domain", "development".to_owned()),
        ("flyte.org/action-type", "task".to_owned()),
        ("flyte.org/is-root", (action == "a0").to_string()),
    ]);
    let name = format!("{run}-{action}-0");
    let owner = ("TaskAction", "flyte.org/v1", format!("{run}-{action}"));
    let annotations = vec![("primary_container_name", name.clone())];
    let pod = PodDraft { namespace: CONTROL_NAMESPACE, name, labels, annotations, owner };
    let pod = cluster.add_pod(pod, random);
    let environment = vec![
        ("FLYTE_INTERNAL_EXECUTION_ID", run.clone()),
        ("FLYTE_INTERNAL_EXECUTION_PROJECT", "flytesnacks".to_owned()),
        ("FLYTE_INTERNAL_EXECUTION_DOMAIN", "development".to_owned()),
        ("FLYTE_INTERNAL_TASK_NAME", TASK.to_owned()),
        ("RUN_NAME", run.clone()),
        ("ACTION_NAME", action.to_owned()),
        ("FLYTE_ATTEMPT_NUMBER", "0".to_owned()),
        ("LOG_FORMAT", if role == Role::SdkJsonTask { "json" } else { "console" }.to_owned()),
    ];
    let mut known = fields([("app", "flyte-task"), ("component", "task"), ("execution_id", &run)]);
    known.extend(fields([("node_id", action), ("task", TASK), ("project", "flytesnacks"), ("domain", "development")]));
    let from_name = guessed("task", &run, action);
    let (environment, image) = (owned(environment), "ghcr.io/flyteorg/flyte:py3.12-v2.0.0");
    let container = ContainerDraft { pod, name: None, image, role, environment, fields: known, from_name };
    cluster.add_container(container, random);
}

/// What the pod's name alone tells about a task.
fn guessed(component: &str, execution: &str, node: &str) -> Fields {
    let mut guessed = fields([("app", "flyte-task"), ("component", component), ("derived_from", "pod_name")]);
    guessed.insert("execution_id", json!(execution));
    guessed.insert("node_id", json!(node));
    guessed
}

/// A label's value as version 1 makes it: lower-case, runs of anything but letters, digits and
/// dashes become a dash, at most 63 bytes.
fn sanitised(name: &str) -> String {
    let mut label = String::new();
    for letter in name.to_lowercase().chars() {
        let letter = if matches!(letter, 'a'..='z' | '0'..='9' | '-') { letter } else { '-' };
        if letter != '-' || !label.ends_with('-') {
            label.push(letter);
        }
    }
    label.truncate(63);
    label.trim_matches('-').to_owned()
}

fn owned(pairs: Vec<(&'static str, String)>) -> Vec<(String, String)> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sanitised_and_the_truth_is_exact() {
        assert_eq!(sanitised("workflows.Ingest_v2.load"), "workflows-ingest-v2-load");
        let cluster = Cluster::new(2);
        let plain = cluster.containers.iter().find(|container| container.role == Role::PlainTask).unwrap();
        let pod = cluster.pod_of(plain);
        assert_eq!(pod.labels["task-name"], "workflows-ingest-v2-load");
        assert_eq!(plain.fields["task"], "workflows.Ingest_v2.load");
        assert_eq!(plain.fields["workflow"], "workflows.Ingest_v2.nightly");
        assert_eq!(plain.fields["node_id"], "dn3");
        assert_eq!(pod.name, format!("{}-dn3-1", cluster.executions[1].id));
        assert_eq!(plain.name, pod.name);
        assert_eq!(pod.namespace, "flytesnacks-development");
    }

    #[test]
    fn version_2_pods_stand_beside_the_control_plane() {
        let cluster = Cluster::new(2);
        let json = cluster.containers.iter().find(|container| container.role == Role::SdkJsonTask).unwrap();
        let pod = cluster.pod_of(json);
        assert_eq!(pod.namespace, "flyte");
        assert_eq!(pod.name, format!("{}-a3-0", cluster.runs[1]));
        assert_eq!(pod.labels["flyte.org/run"], cluster.runs[1]);
        assert!(!json.fields.contains_key("workflow"));
        assert!(json.environment.iter().any(|(name, value)| name == "ACTION_NAME" && value == "a3"));
    }

    #[test]
    fn a_copilot_shares_the_pod_of_its_task() {
        let cluster = Cluster::new(2);
        let copilot = cluster.containers.iter().find(|container| container.role == Role::Copilot).unwrap();
        let task = cluster.containers.iter().find(|container| container.role == Role::FlytekitTask).unwrap();
        assert_eq!(copilot.pod, task.pod);
        assert_eq!(copilot.fields["component"], "copilot");
        assert_eq!(copilot.fields["execution_id"], task.fields["execution_id"]);
        assert_eq!(copilot.fields_from_name["derived_from"], "pod_name");
    }
}
