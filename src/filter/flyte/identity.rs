//! Who writes a log: app, component and ids of a container, from its pod's labels, its
//! environment, or in the last resort the pod's name.
//!
//! The rules are in the documentation of [`flyte`](super).

use super::fields::push_member;
use crate::kubernetes::flyte::execution_and_node;
use crate::record::field_names::{ECS_VERSION, FieldNames, Names};
use crate::record::{Container, PodMetadata, Source};

/// The fields that all records of a source share, rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// `"app":"…","component":"…",…`: for nearly all lines.
    pub(super) rendered: Vec<u8>,
    /// The same for lines of the executor inside version 2's single binary.
    pub(super) rendered_for_executor: Option<Vec<u8>>,
    /// The pod is a task's and has ids of its own; a line cannot claim others.
    pub(super) is_task: bool,
}

impl Identity {
    /// The identity of a source; `host` for pods whose node is not known.
    pub(super) fn of(source: &Source, host: &Host, fields: FieldNames) -> Self {
        let names = fields.names();
        let pod = source.pod.as_deref();
        let name = source.container.as_ref().map(|container| container.name.as_str());
        let ids = Ids::of(source);
        let is_task = ids.execution_id.is_some();
        let app = app(source, name, is_task);
        let component = component(pod, name, app, is_task);
        let mut rendered = Vec::with_capacity(512);
        push_member(&mut rendered, names.app, Some(app));
        let mut rest = Vec::with_capacity(512);
        if let Some(container) = &source.container {
            push_member(&mut rest, names.namespace, Some(&container.namespace));
            push_member(&mut rest, names.pod, Some(&container.pod));
            push_member(&mut rest, names.container, Some(&container.name));
        }
        push_member(&mut rest, names.host, Some(host.of(pod)));
        ids.render(&mut rest, names);
        if fields.is_ecs() {
            render_ecs(&mut rest, source.container.as_ref(), pod);
        }
        let with_component = |component: &str| {
            let mut all = rendered.clone();
            push_member(&mut all, names.component, Some(component));
            all.push(b',');
            all.extend_from_slice(&rest);
            all
        };
        let has_executor = !is_task && (is_binary(pod, app) || name == Some("flyte"));
        Self {
            rendered: with_component(component),
            rendered_for_executor: has_executor.then(|| with_component("propeller")),
            is_task,
        }
    }
}

/// What only ECS has fields for.
fn render_ecs(out: &mut Vec<u8>, container: Option<&Container>, pod: Option<&PodMetadata>) {
    push_member(out, "ecs.version", Some(ECS_VERSION));
    let Some(container) = container else { return };
    let status = pod.and_then(|pod| pod.container(&container.name));
    let uid = pod.map(|pod| pod.uid.as_str()).filter(|uid| !uid.is_empty()).or(container.pod_uid.as_deref());
    let id = container.id.as_deref().or(status.and_then(|status| status.id.as_deref()));
    push_member(out, "orchestrator.type", Some("kubernetes"));
    push_member(out, "orchestrator.resource.type", Some("pod"));
    push_member(out, "orchestrator.resource.id", uid);
    push_member(out, "container.id", id);
    push_member(out, "container.image.name", status.and_then(|status| status.image.as_deref()));
}

/// Name of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    /// As the user set it, for all records.
    Set(String),
    /// Where the pod's node is not known.
    Found(String),
}

impl Host {
    fn of<'a>(&'a self, pod: Option<&'a PodMetadata>) -> &'a str {
        match self {
            Self::Set(name) => name,
            Self::Found(name) => pod.and_then(|pod| pod.node.as_deref()).unwrap_or(name),
        }
    }
}

fn app<'a>(source: &'a Source, container: Option<&'a str>, is_task: bool) -> &'a str {
    let label = source.pod.as_deref().and_then(|pod| label(pod, &["app.kubernetes.io/name", "app"]));
    match (label, container) {
        (Some(label), _) => label,
        (None, _) if is_task => "flyte-task",
        // The one part of Flyte whose container is not named as the part.
        (None, Some("webhook")) if source.pod.is_none() => "flyte-pod-webhook",
        (None, Some(container)) => container,
        (None, None) => &source.tag,
    }
}

fn component<'a>(pod: Option<&'a PodMetadata>, container: Option<&'a str>, app: &'a str, is_task: bool) -> &'a str {
    if is_task {
        let is_copilot = container.is_some_and(|name| name.starts_with("flyte-copilot-"));
        return if is_copilot { "copilot" } else { "task" };
    }
    if is_binary(pod, app) {
        return "admin";
    }
    part_of_flyte(app)
        .or_else(|| container.and_then(part_of_flyte))
        .or_else(|| pod.and_then(|pod| label(pod, &["app.kubernetes.io/component", "component"])))
        .or(container)
        .unwrap_or(app)
}

/// Version 2's single binary, which is admin and executor in one process.
fn is_binary(pod: Option<&PodMetadata>, app: &str) -> bool {
    app == "flyte-binary" || pod.and_then(|pod| pod.label("app.kubernetes.io/component")) == Some("flyte-binary")
}

/// The component of an app or container of Flyte's own.
fn part_of_flyte(name: &str) -> Option<&'static str> {
    match name {
        "flyteadmin" => Some("admin"),
        "flytepropeller" | "flytepropeller-manager" => Some("propeller"),
        "datacatalog" => Some("datacatalog"),
        "flytescheduler" => Some("scheduler"),
        "flyteconsole" => Some("console"),
        "flyte-pod-webhook" => Some("webhook"),
        _ => None,
    }
}

/// Ids of a task pod.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ids<'a> {
    execution_id: Option<&'a str>,
    node_id: Option<&'a str>,
    task: Option<&'a str>,
    workflow: Option<&'a str>,
    project: Option<&'a str>,
    domain: Option<&'a str>,
    derived: bool,
}

impl<'a> Ids<'a> {
    /// None at all unless the pod is a task's.
    fn of(source: &'a Source) -> Self {
        let Some(container) = &source.container else { return Self::default() };
        match source.pod.as_deref() {
            Some(pod) => Self::of_metadata(pod, &container.name),
            None => Self::of_pod_name(&container.pod),
        }
    }

    fn of_metadata(pod: &'a PodMetadata, container: &str) -> Self {
        let env = |key: &str| environment(pod, container, key);
        let execution = env("FLYTE_INTERNAL_EXECUTION_ID");
        // `run` alone is what `kubectl run` sets, and RUN_NAME alone is anybody's.
        let run = env("RUN_NAME").filter(|_| execution.is_some() || env("ACTION_NAME").is_some());
        let run_label = label(pod, &["flyte.org/run"]);
        let short_run_label = label(pod, &["run"]).filter(|_| run_label.is_some() || label(pod, &["action"]).is_some());
        let execution_id =
            run.or(execution).or_else(|| label(pod, &["execution-id"])).or(short_run_label).or(run_label);
        if execution_id.is_none() {
            return Self::default();
        }
        let workflow = env("FLYTE_INTERNAL_EXECUTION_WORKFLOW").map(|id| id.splitn(3, ':').last().unwrap_or(id));
        Self {
            execution_id,
            node_id: env("ACTION_NAME").or_else(|| label(pod, &["node-id", "action", "flyte.org/action"])),
            task: env("FLYTE_INTERNAL_TASK_NAME").or_else(|| label(pod, &["task-name"])),
            workflow: workflow.or_else(|| label(pod, &["workflow-name"])),
            project: env("FLYTE_INTERNAL_EXECUTION_PROJECT").or_else(|| label(pod, &["project", "flyte.org/project"])),
            domain: env("FLYTE_INTERNAL_EXECUTION_DOMAIN").or_else(|| label(pod, &["domain", "flyte.org/domain"])),
            derived: false,
        }
    }

    fn of_pod_name(pod: &'a str) -> Self {
        match execution_and_node(pod) {
            Some((execution, node)) => {
                Self { execution_id: Some(execution), node_id: Some(node), derived: true, ..Self::default() }
            }
            None => Self::default(),
        }
    }

    fn render(&self, out: &mut Vec<u8>, names: &Names) {
        push_member(out, names.workflow, self.workflow);
        push_member(out, names.task, self.task);
        push_member(out, names.execution_id, self.execution_id);
        push_member(out, names.node_id, self.node_id);
        push_member(out, names.project, self.project);
        push_member(out, names.domain, self.domain);
        push_member(out, names.derived_from, self.derived.then_some("pod_name"));
    }
}

/// The first of these labels that is not empty.
fn label<'a>(pod: &'a PodMetadata, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| pod.label(key).filter(|value| !value.is_empty()))
}

/// A variable of the container, or of any other of the pod: copilots do not have them all.
fn environment<'a>(pod: &'a PodMetadata, container: &str, key: &str) -> Option<&'a str> {
    let others = pod.containers.iter().filter(|other| other.name != container);
    pod.container(container).into_iter().chain(others).find_map(|container| {
        let found = container.env.iter().find(|(name, value)| name == key && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    })
}
