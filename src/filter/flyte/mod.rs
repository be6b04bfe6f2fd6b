//! The Flyte filter: turns records into documents with the same few fields, whatever wrote them.
//!
//! On by default behind all others for what a kubernetes filter takes; `Flyte Off` in `[SERVICE]` turns it off.
//!
//! # Fields of a document
//!
//! | field | what it is |
//! |---|---|
//! | `@timestamp` | the container runtime's time (the output writes it) |
//! | `message` | what the application said |
//! | `level` | `TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR` or `FATAL`; absent where the line tells none |
//! | `app`, `component` | which program, and which part of it; see below |
//! | `namespace`, `pod`, `container` | from the log file's path; absent for other files |
//! | `stream` | `stdout` or `stderr` |
//! | `host` | the pod's node; else `NODE_NAME`; else the machine's name; `Host` sets it for all |
//! | `execution_id`, `node_id`, `workflow`, `task`, `project`, `domain` | Flyte's ids, where known |
//! | `derived_from` | `pod_name` where ids were read off the pod's name, for want of metadata |
//! | `trace_id`, `span_id` | the application's texts `trace_id` or `traceId`, `span_id` or `spanId`; else from `traceparent`, B3 or `grpc-trace-bin`, see [`trace`] |
//! | `fields` | all other members of the application, in one object |
//! | `large_fields` | those of over 10,000 bytes: kept, but not to be searched for |
//! | `kubernetes` | what the kubernetes filter added, as it is |
//! | `log` | the line as it was written, with `Keep_Log On` |
//!
//! Members of the application never get another place than `fields`, whatever they are called:
//! `app`, `pod`, `@timestamp` or `kubernetes` in a line are `fields.app` and so on. Members that
//! the input or another filter added (a path, an offset, `record_modifier`) keep their names; those
//! that are named like a field above go to `fields`, unless the application has one of that name.
//! The runtime's `time`, `logtag` and `_p` end here.
//!
//! With `Field_Names ecs` they are called as [`field_names`](crate::record::field_names) says. The rules are the same.
//! A traceback, and an application's text `stack_trace`, `stacktrace` or `exc_info`, is `error.stack_trace`, too.
//!
//! # app
//!
//! The pod's label `app.kubernetes.io/name`; else its label `app`; else `flyte-task` for task pods;
//! else the container's name. Without metadata the container `webhook` is `flyte-pod-webhook`, as
//! its label says in version 1. Without a container: the tag.
//!
//! # component
//!
//! The first of these:
//! - Task pods: `task`, and `copilot` for the containers `flyte-copilot-…`.
//! - Version 2's single binary (app `flyte-binary`, or label `app.kubernetes.io/component` of that
//!   value): `propeller` for the lines of its executor, which writes zap's console format; `admin`
//!   for all others. Without metadata only the executor's lines of a container `flyte` are known.
//! - By app, else by container: `flyteadmin` is `admin`, `flytepropeller` and
//!   `flytepropeller-manager` are `propeller`, `datacatalog` is `datacatalog`, `flytescheduler` is
//!   `scheduler`, `flyteconsole` is `console`, `flyte-pod-webhook` is `webhook`.
//! - The label `app.kubernetes.io/component`; else `component`; else the container's name.
//!
//! # Ids
//!
//! A task pod has one of: the variable `FLYTE_INTERNAL_EXECUTION_ID`, or `RUN_NAME` with
//! `ACTION_NAME`; the label `execution-id`, or `flyte.org/run`, or `run` with `action`; or, if
//! nothing is known of the pod, a name as Flyte makes them. Its ids come from the container's
//! variables (exact), else from labels (version 1 puts them there in lower case and with dashes),
//! else from the name. `workflow` is the name alone: the last part of `project:domain:name`.
//!
//! Lines of pods without ids give their own, if they have them where Flyte's loggers put them:
//! `exec_id`, `node`, `wf`, `project` and `domain` in flytestdlib's `json` (or `data`, or among the
//! pairs of the text format), `run_name` with `action_name` in flyte-sdk's JSON, `[run][action]` in
//! its console, `TaskAction.name` of the executor. In a task pod a line cannot claim other ids than
//! the pod's.
//!
//! # message and level
//!
//! JSON lines: `message` is the first text of `message`, `msg` and `log`; if there is none, the
//! line itself, or where `Merge_Log` took that away, its members as JSON. `level` is the first of
//! `level`, `severity`, `levelname`, `log.level`, `lvl` and `levelno` that is a word of a logger
//! ([`Level::of_word`]) or a number as Bunyan and Pino (`level`) or Python (`levelno`) have them.
//! The two members that were used are not repeated in `fields`; one that does not map stays there.
//! What `Merge_Log_Key` put under one key is taken out of it if it has a message or level.
//!
//! Text lines in the formats of klog, zap's console, logrus' text, flyte-sdk's console, Spark and
//! Python's tracebacks are read by their shape, a file for each in `formats/`. Every other line is
//! its own message and has no level: words inside of a text are never looked for.

mod application;
mod document;
mod ecs;
mod fields;
mod formats;
mod identity;
pub mod level;
mod sources;
#[cfg(test)]
mod tests;
mod trace;

use crate::config::{Kind, OptionSpec, Options, Plugin, Problems};
use crate::filter::{Action, Filter};
use crate::record::field_names::FieldNames;
use crate::record::{Record, Source, Turn};

use document::{Place, shape};
use identity::{Host, Identity};
pub use level::Level;
use sources::Sources;

/// The filter's name and options.
pub const PLUGIN: Plugin = Plugin {
    name: "flyte",
    doc: "Gives every record the fields of a Flyte log: message, level, app, component, the place it comes from, and \
          the ids of execution, node, task and workflow. On by default, behind all others, for what a kubernetes \
          filter takes.",
    options: &[
        OptionSpec::new(
            "Host",
            Kind::Text,
            "",
            "The field `host` of all records. Without it: the pod's node, else the variable `NODE_NAME`, else the \
             machine's name.",
        ),
        OptionSpec::new(
            "Field_Names",
            Kind::Choice(FieldNames::WORDS),
            "default",
            "`ecs` calls the fields as Elastic's Common Schema (8.11) does: `log.level` for `level`, `service.name` for \
             `app`, `orchestrator.namespace` and `orchestrator.resource.name` for `namespace` and `pod`, \
             `container.name`, `host.name`, `trace.id`, `span.id`, `event.original` for `log`; `flyte.execution_id`, \
             `flyte.component` and so on for what ECS has no name for; and adds `ecs.version`, `error.stack_trace`, \
             `orchestrator.type`, `container.id` and `container.image.name`. `flytail setup --fields ecs` installs the template for it. A \
             Flyte filter that is not written down takes the option from its kubernetes filter.",
        ),
    ],
};

/// Builds the filter. It has no options that could be wrong.
pub fn build(options: &Options<'_>, _problems: &mut Problems) -> Option<Box<dyn Filter>> {
    let host = match options.text("Host") {
        Some(host) => Host::Set(host.to_owned()),
        None => Host::Found(machine()),
    };
    let fields = FieldNames::of_word(options.text("Field_Names"));
    Some(Box::new(Flyte { host, fields, sources: Sources::default() }))
}

/// The node's name as Kubernetes calls it, if the pod's specification tells us, or else as the
/// machine calls itself.
fn machine() -> String {
    let variable = |name| std::env::var(name).ok();
    let of_kernel = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let names = [variable("NODE_NAME"), of_kernel(), variable("HOSTNAME")];
    let found = names.into_iter().flatten().map(|name| name.trim().to_owned()).find(|name| !name.is_empty());
    found.unwrap_or_else(|| "localhost".to_owned())
}

struct Flyte {
    host: Host,
    fields: FieldNames,
    sources: Sources,
}

impl Filter for Flyte {
    fn prepare(&mut self, source: &mut Source) {
        self.sources.prepare(source, &self.host, self.fields);
    }

    fn apply<'t>(&'t self, record: &mut Record<'t>, turn: &Turn<'t>) -> Action {
        let place = match self.sources.find(turn.source) {
            Some(identity) => Place {
                rendered: &identity.rendered,
                rendered_for_executor: identity.rendered_for_executor.as_deref(),
                is_task: identity.is_task,
            },
            None => self.render_in_arena(turn),
        };
        shape(record, place, self.fields, turn.arena);
        Action::Keep
    }
}

impl Flyte {
    /// For a source that was not prepared, or whose identity had to make room for others.
    #[cold]
    fn render_in_arena<'t>(&self, turn: &Turn<'t>) -> Place<'t> {
        let identity = Identity::of(turn.source, &self.host, self.fields);
        let copy = |bytes: &[u8]| -> &'t [u8] { turn.arena.alloc_slice_copy(bytes) };
        Place {
            rendered: copy(&identity.rendered),
            rendered_for_executor: identity.rendered_for_executor.as_deref().map(copy),
            is_task: identity.is_task,
        }
    }
}
