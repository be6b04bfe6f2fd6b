//! What the fields of a Flyte log are called: by flytail's own short names, or by Elastic's Common Schema.
//!
//! ECS names are those of version 8.11 (<https://www.elastic.co/guide/en/ecs/8.11/ecs-field-reference.html>); what a pod
//! is called stands under `kubernetes`, as Elastic's own shippers have it
//! (<https://www.elastic.co/guide/en/beats/filebeat/8.11/exported-fields-kubernetes-processor.html>). What ECS has no
//! name for is Flyte's, and stands under `flyte`, as ECS wants it of fields of one's own. Keys are written with their
//! dots, as Elastic's loggers do: to the servers they are the same as nested objects.

/// Which names documents have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FieldNames {
    /// `level`, `app`, `pod`, …
    #[default]
    Default,
    /// `log.level`, `service.name`, `orchestrator.resource.name`, …
    Ecs,
}

/// The names of the fields that only some names tell apart.
#[derive(Debug)]
pub struct Names {
    /// Which program it is.
    pub app: &'static str,
    /// Which part of it.
    pub component: &'static str,
    /// The pod's namespace.
    pub namespace: &'static str,
    /// The pod's name.
    pub pod: &'static str,
    /// The container's name.
    pub container: &'static str,
    /// The node's name.
    pub host: &'static str,
    /// How bad it is.
    pub level: &'static str,
    /// Flyte's workflow.
    pub workflow: &'static str,
    /// Flyte's task.
    pub task: &'static str,
    /// Flyte's execution.
    pub execution_id: &'static str,
    /// Flyte's node within the execution.
    pub node_id: &'static str,
    /// Flyte's project.
    pub project: &'static str,
    /// Flyte's domain.
    pub domain: &'static str,
    /// Where ids come from that nobody told.
    pub derived_from: &'static str,
    /// The trace that the line belongs to.
    pub trace_id: &'static str,
    /// The span within it.
    pub span_id: &'static str,
    /// The line as it was written.
    pub log: &'static str,
}

/// The version of ECS that the names are of, for `ecs.version`.
pub const ECS_VERSION: &str = "8.11.0";

/// The field of a stack trace, which only ECS has.
pub const STACK_TRACE: &str = "error.stack_trace";

const DEFAULT: Names = Names {
    app: "app",
    component: "component",
    namespace: "namespace",
    pod: "pod",
    container: "container",
    host: "host",
    level: "level",
    workflow: "workflow",
    task: "task",
    execution_id: "execution_id",
    node_id: "node_id",
    project: "project",
    domain: "domain",
    derived_from: "derived_from",
    trace_id: "trace_id",
    span_id: "span_id",
    log: "log",
};

const ECS: Names = Names {
    app: "service.name",
    component: "flyte.component",
    namespace: "orchestrator.namespace",
    pod: "orchestrator.resource.name",
    container: "container.name",
    host: "host.name",
    level: "log.level",
    workflow: "flyte.workflow",
    task: "flyte.task",
    execution_id: "flyte.execution_id",
    node_id: "flyte.node_id",
    project: "flyte.project",
    domain: "flyte.domain",
    derived_from: "flyte.derived_from",
    trace_id: "trace.id",
    span_id: "span.id",
    log: "event.original",
};

impl FieldNames {
    /// The words of the option `Field_Names`.
    pub const WORDS: &'static [&'static str] = &["default", "ecs"];

    /// What one of the words asks for; nothing is the default.
    #[must_use]
    pub fn of_word(word: Option<&str>) -> Self {
        if word == Some("ecs") { Self::Ecs } else { Self::Default }
    }

    /// The names themselves.
    #[must_use]
    pub fn names(self) -> &'static Names {
        match self {
            Self::Default => &DEFAULT,
            Self::Ecs => &ECS,
        }
    }

    /// Whether they are those of ECS.
    #[must_use]
    pub fn is_ecs(self) -> bool {
        self == Self::Ecs
    }
}
