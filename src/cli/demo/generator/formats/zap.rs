//! controller-runtime's zap in development mode, as version 2's executor writes it on stderr:
//! columns between tabs, an object at the end, and stack lines behind warnings and errors.

use serde_json::{Value, json};

use super::super::Stream;
use super::super::clock;
use super::super::json_text::{Style, rendered};
use super::super::truth::Format;
use super::{Context, Draft, Level};

/// `time\tLEVEL\t[logger\t][caller\t]message[\t{json}]`, and the stack lines that follow.
pub(super) fn lines(context: &mut Context<'_>) -> Vec<Draft> {
    let number = context.random.u32(1..9000);
    let (level, text) = match context.random.u32(..8) {
        0 => (Level::Error, format!("system error from plugin, task FAILED with exit code {number}")),
        1 => (Level::Error, format!("Reconciler error after {number} ms")),
        2 => (Level::Warning, format!("action failed, {number} ms until the next try")),
        3 => (Level::Debug, format!("nothing to do for generation {number}")),
        _ => (Level::Info, format!("reconciled in {number} us without error")),
    };
    let mut drafts = vec![columns(context, level, &text)];
    if matches!(level, Level::Warning | Level::Error) {
        drafts.extend(stack(context));
    }
    drafts
}

fn columns(context: &mut Context<'_>, level: Level, text: &str) -> Draft {
    let (sequence, message) = context.marked(text);
    let mut line = format!("{}\t{}\t", clock::rfc3339_seconds(context.time_ns), level.indexed());
    let logger = if context.chance(30.0) { Some("controller-runtime.metrics") } else { None };
    let caller = if context.chance(30.0) { Some("controller/taskaction_controller.go:183") } else { None };
    for column in [logger, caller].into_iter().flatten() {
        line.push_str(column);
        line.push('\t');
    }
    line.push_str(&message);
    let mut draft = Draft::new(Format::ZapConsole, Stream::Stderr, sequence, Vec::new(), message).level(level);
    draft.component = Some("propeller");
    for (key, value) in [("logger", logger), ("caller", caller)] {
        if let Some(value) = value {
            draft = draft.application(&[key], value);
        }
    }
    if context.chance(85.0) {
        let action = context.one_of(&["a0", "a3", "a12"]);
        let run = context.cluster.runs[context.random.usize(..2)].clone();
        let members = members(context, &format!("{run}-{action}"), level);
        line.push('\t');
        line.push_str(&object(&members));
        draft.ids = vec![("execution_id", run), ("node_id", action.to_owned())];
        for (key, value) in members {
            draft = draft.application(&[key], value);
        }
    }
    draft.lines = vec![line.into_bytes()];
    draft
}

fn members(context: &mut Context<'_>, name: &str, level: Level) -> Vec<(&'static str, Value)> {
    let mut members = vec![
        ("controller", json!("taskaction")),
        ("controllerGroup", json!("flyte.org")),
        ("controllerKind", json!("TaskAction")),
        ("TaskAction", json!({"name": name, "namespace": "flyte"})),
        ("namespace", json!("flyte")),
        ("name", json!(name)),
        ("reconcileID", json!(super::super::cluster::pod_uid(context.random))),
    ];
    if level == Level::Error {
        members
            .push(("error", json!("[PrimaryContainerNotFound] primary container \"main\" <none>\n\tnot found & gone")));
    }
    members
}

/// zap's console encoder puts spaces between its own members, not into what it marshals.
fn object(members: &[(&str, Value)]) -> String {
    let members: Vec<_> = members
        .iter()
        .map(|(key, value)| format!("{}: {}", rendered(key, Style::Go), rendered(value, Style::Go)))
        .collect();
    format!("{{{}}}", members.join(", "))
}

/// Each line of the stack is a record of its own, without a level.
fn stack(context: &mut Context<'_>) -> Vec<Draft> {
    const FRAMES: [&str; 4] = [
        "github.com/flyteorg/flyte/v2/executor/pkg/controller.(*TaskActionReconciler).Reconcile",
        "\t/workspace/executor/pkg/controller/taskaction_controller.go:183",
        "sigs.k8s.io/controller-runtime/pkg/internal/controller.(*Controller[...]).reconcileHandler",
        "\t/go/pkg/mod/sigs.k8s.io/controller-runtime@v0.21.0/pkg/internal/controller/controller.go:340",
    ];
    FRAMES
        .iter()
        .map(|frame| {
            let (sequence, message) = context.marked(frame);
            Draft::new(Format::ZapStack, Stream::Stderr, sequence, message.clone(), message)
        })
        .collect()
}
