//! klog, the logger of client-go: a letter and a time without year and zone on stderr.

use super::super::Stream;
use super::super::clock;
use super::super::truth::Format;
use super::{Context, Draft, Level};

/// `E0821 12:00:01.123456       1 leaderelection.go:330] message`
pub(super) fn line(context: &mut Context<'_>) -> Draft {
    let number = context.random.u32(1..9000);
    let (level, caller, text) = match context.random.u32(..7) {
        0 => (
            Level::Error,
            "leaderelection.go:330",
            format!("error retrieving resource lock flyte/propeller-leader: {number}"),
        ),
        1 => (
            Level::Warning,
            "reflector.go:561",
            format!("failed to list *v1.Pod: Get \"https://10.96.0.1:443/api/v1/pods?limit={number}\": EOF"),
        ),
        2 => (Level::Warning, "warnings.go:70", format!("unknown field \"spec.tolerance[{number}]\" with latency")),
        3 if number < 900 => (Level::Fatal, "main.go:81", format!("leader lease lost after {number} ms")),
        4 => (
            Level::Info,
            "trace.go:236",
            format!("Trace[{number}]: \"Reflector ListAndWatch\" (total time: {number}ms):"),
        ),
        5 => (
            Level::Info,
            "controller.go:175",
            format!("\"Starting workers\" controller=\"taskaction\" count={number} err=\"no error\""),
        ),
        _ => (Level::Info, "shared_informer.go:320", format!("Caches are synced for configmaps, {number} of them")),
    };
    let (sequence, message) = context.marked(&text);
    let letter = &level.indexed()[..1];
    let line = format!("{letter}{}       1 {caller}] {message}", clock::klog(context.time_ns));
    Draft::new(Format::Klog, Stream::Stderr, sequence, line, message).level(level).application(&["caller"], caller)
}
