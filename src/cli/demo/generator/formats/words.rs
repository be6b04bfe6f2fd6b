//! What the programs talk about: messages with a level, varied enough to compress as real logs
//! do, and mean enough to catch a search that guesses.
//!
//! Every list holds decoys: the words that the searches look for, at the wrong level or from the
//! wrong program.

use super::{Context, Level};
use Level::{Debug, Error, Fatal, Info, Warning};

const METHODS: [&str; 8] = [
    "CreateExecution",
    "ListExecutions",
    "GetExecution",
    "GetWorkflow",
    "ListNodeExecutions",
    "CreateTask",
    "GetTaskExecutionData",
    "UpdateProject",
];
const PHASES: [&str; 6] = ["QUEUED", "RUNNING", "SUCCEEDED", "FAILING", "ABORTED", "RETRYING"];
const CODES: [&str; 6] =
    ["RuntimeExecutionError", "OOMKilled", "Interrupted", "ImagePullBackOff", "TaskFailedWithError", "SystemError"];
const NODES: [&str; 7] = ["n0", "n1", "n2", "dn3", "start-node", "n0-n17", "fn0"];

/// A node of a workflow.
pub(super) fn node(context: &mut Context<'_>) -> &'static str {
    context.one_of(&NODES)
}

/// What flyteadmin says.
pub(super) fn admin(context: &mut Context<'_>) -> (Level, String) {
    let execution = &context.execution.id;
    let method = context.one_of(&METHODS);
    let number = context.random.u32(3..9999);
    match context.random.u32(..16) {
        0 | 1 => (
            Warning,
            format!("handler latency of /flyteidl.service.AdminService/{method} is {number} ms, limit 1000 ms"),
        ),
        2 => (Info, format!("request latency of {method}: {number} ms")),
        3 => (Error, format!("database latency {number} ms: context deadline exceeded in {method}")),
        4 => (
            Error,
            format!(
                "rpc error: code = NotFound desc = missing entity of type execution <\"{execution}\"> & {number} others"
            ),
        ),
        5 => (
            Error,
            format!("{method} for {execution} was refused: invalid value for field `spec.launch_plan` ({number})"),
        ),
        6 => (Info, format!("execution {execution} moved to phase FAILED after {number} s")),
        7 => (Info, format!("no error in {number} workflow closures, level of detail: ERROR only")),
        8 => (Warning, format!("schedule of {execution} could not be updated, retrying in {number} ms")),
        9 => {
            (Debug, format!("query for {method}:\nSELECT *\n\tFROM runs\n\tWHERE id = '{execution}'\n\tLIMIT {number}"))
        }
        10 => (Info, format!("registered task naïve_bayes.größe.东京 ✓ as version {number} 🚀 for {execution}")),
        11 if number < 400 => (Fatal, format!("could not reach the database after {number} attempts, giving up")),
        11 | 12 => (Debug, format!("cache of {method} holds {number} entries")),
        13 => (
            Info,
            format!(
                "Created execution [project:\"flytesnacks\" domain:\"development\" name:\"{execution}\"] in {number} us"
            ),
        ),
        14 => (Info, format!("{method} took {number} us and returned {} bytes", number * 37)),
        _ => (
            Info,
            format!("event for {execution} with phase {} and version {number} recorded", context.one_of(&PHASES)),
        ),
    }
}

/// What flytepropeller says.
pub(super) fn propeller(context: &mut Context<'_>) -> (Level, String) {
    let execution = &context.execution.id;
    let (node, code, phase) = (node(context), context.one_of(&CODES), context.one_of(&PHASES));
    let number = context.random.u32(1..5000);
    match context.random.u32(..14) {
        0 => (Error, format!("Node {node} of {execution} FAILED with code {code}: exit status {number}")),
        1 => (Warning, format!("task {node} failed, retry {} of 3: [{code}] pod was evicted", number % 3)),
        2 => (Info, format!("Handling JOB_FAILED of {execution}, running the failure node after {number} ms")),
        3 => (Info, format!("no failure node in {execution}, nothing to do for version {number}")),
        4 => (Error, format!("error syncing 'flytesnacks-development/{execution}': resource version {number} is old")),
        5 => (Warning, format!("round of {execution} took {number} ms, latency above the limit")),
        6 => (
            Debug,
            format!("enqueueing {execution} for a new evaluation in {number} ms, reason: node \"{node}\" changed"),
        ),
        7 => (Debug, format!("node status of {node}:\n{{\n  \"phase\": \"{phase}\",\n  \"version\": {number}\n}}")),
        8 => (Info, format!("pod of {node} scheduled on ip-10-2-3-{} — waiting for image", number % 250)),
        9 => (
            Warning,
            format!("plugin \"container\" returned an unknown phase {number} for {node}, treating it as {phase}"),
        ),
        10 if number < 300 => (Fatal, format!("lost the lease after {number} s, exiting")),
        _ => (Info, format!("Node {node} of {execution} moved to {phase} in round {number}")),
    }
}

/// What datacatalog says.
pub(super) fn catalog(context: &mut Context<'_>) -> (Level, String) {
    let execution = &context.execution.id;
    let number = context.random.u32(1..9000);
    match context.random.u32(..7) {
        0 => (Warning, format!("tag flyte_cached-{number:x} is taken, latency of the second look {number} ms")),
        1 => (Error, format!("artifact of {execution} FAILED its check: expected {number} bytes, found \"none\"")),
        2 => (Debug, format!("reservation of {execution} extended by {number} s\n\tby worker-{}", number % 40)),
        3 => (Info, format!("größere Prüfung für {execution} beendet, {number} Einträge \\ done")),
        4 if number < 500 => (Fatal, format!("could not migrate the database after {number} ms")),
        _ => (Info, format!("artifact of {execution} found after {number} us")),
    }
}

/// What flytescheduler says.
pub(super) fn scheduler(context: &mut Context<'_>) -> (Level, String) {
    let execution = &context.execution.id;
    let number = context.random.u32(1..9000);
    match context.random.u32(..7) {
        0 => (Warning, format!("schedule \"0 {} * * *\" is {number} ms behind, latency of the queue", number % 24)),
        1 => (Error, format!("launch plan of {execution} FAILED to start: <nil> & {number} more")),
        2 => (Debug, format!("snapshot of {number} schedules written")),
        3 if number < 900 => (Fatal, format!("time went back by {number} ms")),
        _ => (Info, format!("schedule \"0 {} * * *\" started {execution} without error", number % 24)),
    }
}

/// What the pod webhook says.
pub(super) fn webhook(context: &mut Context<'_>) -> (Level, String) {
    let execution = &context.execution.id;
    let number = context.random.u32(1..9000);
    match context.random.u32(..5) {
        0 => (Error, format!("secret \"token-{number}\" not found, mutation of {execution}-n0-0 FAILED")),
        1 => (Warning, format!("certificate expires in {number} h")),
        _ => (Info, format!("mutated pod {execution}-n0-0: {} secrets added, no error", number % 4)),
    }
}

/// What the copilot beside a task says.
pub(super) fn copilot(context: &mut Context<'_>) -> (Level, String) {
    let execution = &context.execution.id;
    let number = context.random.u32(1..9000);
    match context.random.u32(..5) {
        0 => (Error, format!("upload FAILED after {number} ms: context deadline exceeded")),
        1 => (Debug, format!("waiting for the main container, {number} s")),
        _ => (Info, format!("copied s3://flyte/metadata/{execution}/n0/data/0/outputs.pb, {number} bytes")),
    }
}

/// What version 2's services say; its run's name stands only in the text.
pub(super) fn binary(context: &mut Context<'_>) -> (Level, String) {
    let run = context.cluster.runs[context.random.usize(..2)].clone();
    let number = context.random.u32(1..9000);
    match context.random.u32(..8) {
        0 => (Error, format!("state of {run} FAILED to be stored: duplicate key value, code 23505, try {number}")),
        1 => (Warning, format!("watch of run {run} is {number} events behind")),
        2 => (Debug, format!("RunService.WatchRunDetails for {run}: {number} actions")),
        3 => (Warning, format!("latency of QueueService.EnqueueAction for {run}: {number} ms")),
        _ => (Info, format!("action a{} of run {run} is now ACTION_PHASE_RUNNING, attempt {number}", number % 9)),
    }
}

/// What flytekit and flyte-sdk say from inside a task.
pub(super) fn kit(context: &mut Context<'_>) -> (Level, String) {
    let number = context.random.u32(1..9000);
    let code = context.one_of(&CODES);
    match context.random.u32(..8) {
        0 => (Error, format!("upload of outputs FAILED after {number} s with {code}, will be tried again")),
        1 => (
            Warning,
            format!("unsupported type <class 'pandas.DataFrame'> falls back to \"pickle\" for {number} values"),
        ),
        2 => (Warning, format!("cache key — größe {number}, 东京 🚀 — has no version")),
        3 => (Debug, format!("translating literal:\n\tscalar {{\n\t\tinteger: {number}\n\t}}")),
        4 if number < 900 => (Fatal, format!("no memory left for {number} rows")),
        _ => (Info, format!("downloaded s3://data/part-{number:05}.parquet in {number} ms without error")),
    }
}
