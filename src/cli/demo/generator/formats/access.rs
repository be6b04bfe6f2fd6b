//! Access logs on stdout: Envoy's and Express' morgan. The line is the message, and a status is
//! not a level.

use super::super::Stream;
use super::super::clock;
use super::super::cluster::pod_uid;
use super::super::truth::{Format, marker};
use super::{Context, Draft};

/// Envoy's default format.
pub(super) fn envoy(context: &mut Context<'_>) -> Draft {
    let sequence = context.number();
    let method = context.one_of(&["GetProject", "ListExecutions", "CreateExecution", "GetNodeExecution"]);
    let status = context.one_of(&[200, 200, 200, 404, 503]);
    let flags = if status == 503 { "UF,URX" } else { "-" };
    let (received, sent) = (context.random.u32(10..4000), context.random.u32(10..90_000));
    let duration = context.random.u32(1..3000);
    let line = format!(
        "[{}] \"POST /flyteidl.service.AdminService/{method} HTTP/2\" {status} {flags} {received} {sent} {duration} {} \
         \"-\" \"grpc-go/1.71.0 {}\" \"{}\" \"flyte.example.com\" \"10.244.0.{}:8089\"",
        clock::rfc3339_milliseconds(context.time_ns),
        duration.saturating_sub(1),
        marker(sequence),
        pod_uid(context.random),
        context.random.u8(2..250),
    );
    Draft::new(Format::EnvoyAccess, Stream::Stdout, sequence, line.clone(), line)
}

/// morgan's combined format, its status in colour.
pub(super) fn morgan(context: &mut Context<'_>) -> Draft {
    let sequence = context.number();
    let (status, colour) =
        context.one_of(&[(200, 32), (200, 32), (200, 32), (200, 32), (304, 36), (404, 33), (500, 31)]);
    let page = context.one_of(&["workflows", "executions", "error-budget", "FAILED", "latency"]);
    let line = format!(
        "10.244.0.{} - - [{}] \"GET /console/projects/flytesnacks/{page}?{} HTTP/1.1\" \
         \u{1b}[{colour}m{status}\u{1b}[0m {} \"https://flyte.example.com/console\" \"Mozilla/5.0 (X11; Linux)\"",
        context.random.u8(2..250),
        clock::access_log(context.time_ns),
        marker(sequence),
        context.random.u32(120..40_000),
    );
    Draft::new(Format::Morgan, Stream::Stdout, sequence, line.clone(), line)
}
